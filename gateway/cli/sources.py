"""`fhir-gateway sources`: the configured sources, where they are, and what their last sync found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import config_option, example, json_option
from gateway.settings import load, masked

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store import SourceState


@click.command(epilog=example("fhir-gateway sources --config demo/gateway.toml"))
@config_option
@json_option
def sources(config: Path | None, as_json: bool) -> int:
    """List the sources and what the last sync found, and those that are configured no more but still served."""
    settings = load(config)
    states, counts = _known(settings)
    found = [
        {
            "source": str(source.name),
            "adapter": source.adapter,
            "where": masked(source.url) if source.url else str(source.path),
            "status": states[source.name].status if source.name in states else None,
            "error": states[source.name].error if source.name in states else None,
            "synced_at": states[source.name].synced_at if source.name in states else None,
            "resources": counts.get(source.name, {}),
        }
        for source in settings.sources
    ]
    found += [
        {
            "source": name,
            "adapter": None,
            "where": None,
            "status": states[name].status,
            "error": None,
            "synced_at": states[name].synced_at,
            "resources": counts[name],
        }
        for name in sorted(states.keys() & counts.keys() - {str(source.name) for source in settings.sources})
    ]
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        _show(found)
    for error in settings.refused:
        click.echo(f"fhir-gateway: {error}", err=True)
    return 2 if settings.refused else 0


def _known(settings: Settings) -> tuple[dict[str, SourceState], dict[str, dict[str, int]]]:
    from gateway.cli.stores import existing_store

    try:
        store = existing_store(settings)
    except Failure:  # nothing was synced yet
        return {}, {}
    with store:
        return {state.name: state for state in store.sources()}, store.counts()


def _show(found: list[dict[str, Any]]) -> None:
    from gateway.cli.terminal import day_and_time, stdout, table

    shown = table("Source", "Adapter", "Last sync", "Resources", "Where", numbers=("Resources",))
    for source in found:
        synced = day_and_time(source["synced_at"]) if source["synced_at"] else "never"
        where = source["where"] or "not configured, not read any more: what it had is still served"
        where += f"\n{source['error']}" if source["error"] else ""
        shown.add_row(
            source["source"], source["adapter"] or "", synced, f"{sum(source['resources'].values()):,}", where
        )
    stdout().print(shown, markup=False)
