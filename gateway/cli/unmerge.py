"""`fhir-gateway unmerge`: somebody undoes a merge."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.deciding import authority_options, decided
from gateway.cli.options import config_option, example


@click.command(epilog=example("fhir-gateway unmerge PERSON --who 'A. Clerk' --why 'they are mother and daughter'"))
@click.argument("person")
@authority_options
@config_option
def unmerge(person: str, who: str, why: str, config: Path | None) -> None:
    """Bring PERSON back, which was merged into another one, with the records that it had.

    The records of the two are never linked again, until somebody confirms that they are the same.
    """
    with decided(config, who, why) as (decisions, by):
        present = decisions.unmerge(person, by)
    click.echo(f"Two persons: {person} and {present}")
