"""`fhir-gateway sync`: bring the store up to date with the hospitals."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from gateway.cli.options import chosen_sources, config_option, example, json_option, refused_sources
from gateway.settings import SettingsError, load


@click.command(epilog=example("fhir-gateway sync", "fhir-gateway sync his_a his_b --json"))
@click.argument("source", nargs=-1)
@config_option
@json_option
@click.option("--full", is_flag=True, help="Read streams that are proven unchanged too.")
@click.option(
    "--accept-shrink",
    is_flag=True,
    help="Let go of what came from rows that vanished in great number, or from columns.",
)
@click.option("--jobs", type=click.IntRange(1), help="How many sources are read at a time.  [default: the cores]")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that counts as today.  [default: today]")
def sync(
    source: tuple[str, ...],
    config: Path | None,
    as_json: bool,
    full: bool,
    accept_shrink: bool,
    jobs: int | None,
    as_of: datetime | None,
) -> int:
    """Bring the store up to date with the sources.

    Reads every source (or only SOURCE...), maps, checks, stores and indexes, and prints what became of the rows.

    A source that cannot be read does not stop the others: it gets one line on stderr, and exit code 1.
    """
    settings = load(config)
    sources, refused = chosen_sources(settings, source), refused_sources(settings, source)
    if not sources and not refused:
        raise SettingsError(settings.file.name, "names no source", "add a [[source]]; docs/configuration.md shows one")

    # Mapping and the store are only this command's imports.
    from gateway import sync as engine
    from gateway.cli.stores import open_store
    from gateway.cli.synced import progress_bars, tell, today

    code = 0
    if sources:
        with open_store(settings) as store, progress_bars() as progress:
            report = engine.sync(
                store,
                sources,
                as_of=as_of.date() if as_of else today(),
                progress=progress,
                full=full,
                jobs=jobs,
                accept_shrink=accept_shrink,
            )
        code = tell(report, as_json=as_json)
    for error in refused:
        click.echo(f"fhir-gateway: {error}", err=True)
    return 2 if refused else code
