"""`fhir-gateway replay`: who is who, held against its history."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.failures import Failure
from gateway.cli.options import config_option, example, strict_settings


@click.command(epilog=example("fhir-gateway replay"))
@config_option
def replay(config: Path | None) -> None:
    """Play the history of who is who again, and mend what does not follow from it.

    For after a restored backup or a repaired disk: the history is never changed, and all else is made of it.
    """
    from gateway.cli.stores import existing_store
    from gateway.identity.replay import HistoryError
    from gateway.sync.replay import replay as play

    try:
        with existing_store(strict_settings(config)) as store:
            found = play(store)
    except HistoryError as error:
        raise Failure("history", str(error), "restore a backup") from None
    click.echo(
        f"{found.events:,} events of {found.records:,} records. Mended: {found.wrong_records:,} records in a wrong "
        f"person, {found.wrong_persons:,} persons"
    )
