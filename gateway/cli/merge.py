"""`fhir-gateway merge`: somebody decides that two persons are one."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.deciding import authority_options, decided
from gateway.cli.options import config_option, example


@click.command(
    epilog=example("fhir-gateway merge PERSON1 PERSON2 --who 'A. Clerk' --why 'the identity cards were compared'")
)
@click.argument("person", nargs=2)
@authority_options
@config_option
def merge(person: tuple[str, str], who: str, why: str, config: Path | None) -> None:
    """Make one person of two, PERSON PERSON: the ids of their Person resources.

    The older one survives; the other one's id leads to it. `unmerge` undoes it.
    """
    with decided(config, who, why) as (decisions, by):
        survivor = decisions.merge(*person, by)
    click.echo(f"One person: {survivor}")
