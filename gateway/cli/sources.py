"""`fhir-gateway sources`: the configured sources, where they are, and what is known of them since their last sync."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import config_option, example, json_option
from gateway.settings import load, masked

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store import SourceState
    from his_adapters.base import SourceConfig

_WORDS = {"ok": "ok", "config": "mend it", "transient": "try again"}
_COLOURS = {"ok": "green", "config": "red", "transient": "yellow"}
_NARROW = 130
"""Below so many columns of the terminal, where a store is stands below its name."""
_LEFT = "not configured, not read any more: what it had is still served"


@click.command(epilog=example("fhir-gateway sources --config demo/gateway.toml"))
@config_option
@json_option
def sources(config: Path | None, as_json: bool) -> int:
    """List the sources: store, rows, resources, quarantine, the age of their data.

    And those that are configured no more but still served. The age is the time since all of a source was last read.
    """
    settings = load(config)
    known = _known(settings)
    found = [_document(str(each.name), each, known) for each in settings.sources]
    left = known.states.keys() & known.resources.keys() - {str(each.name) for each in settings.sources}
    found += [_document(name, None, known) for name in sorted(left)]
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        _show(found)
    for error in settings.refused:
        click.echo(f"fhir-gateway: {error}", err=True)
    return 2 if settings.refused else 0


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store says, by source."""

    states: dict[str, SourceState]
    resources: dict[str, dict[str, int]]
    quarantined: dict[str, int]


def _known(settings: Settings) -> _Known:
    from gateway.cli.stores import existing_store

    try:
        store = existing_store(settings)
    except Failure:  # nothing was synced yet
        return _Known({}, {}, {})
    with store:
        return _Known({state.name: state for state in store.sources()}, store.counts(), store.quarantined())


def _document(name: str, source: SourceConfig | None, known: _Known) -> dict[str, Any]:
    state = known.states.get(name)
    synced = state.synced_at if state else None
    return {
        "source": name,
        "adapter": source.adapter if source else None,
        "where": _where(source) if source else None,
        "status": state.status if state else None,
        "error": state.error if state else None,
        "hint": state.hint if state else None,
        "synced_at": synced,
        "age_seconds": None if synced is None else max(0, round(time() - synced / 1000)),
        "rows": sum(stream.rows_read for stream in state.streams) if state else 0,
        "resources": known.resources.get(name, {}),
        "quarantined": known.quarantined.get(name, 0),
    }


def _where(source: SourceConfig) -> str:
    """Its path or URL, and the URLs among its options, without passwords."""
    others = [value for option, value in source.options.items() if option.endswith("_url")]
    return " and ".join([masked(source.url) if source.url else str(source.path), *map(masked, others)])


def _show(found: list[dict[str, Any]]) -> None:
    from rich.text import Text

    from gateway.cli.terminal import count, stdout, table

    console = stdout()
    numbers = ("Rows", "Resources", "Quarantine", "Age")
    narrow = console.width < _NARROW
    shown = table("Source", "Status", *numbers, *(() if narrow else ("Adapter", "Store")), numbers=numbers)
    stores = table("Source", "Adapter", "Store")
    for source in found:
        where = Text(source["where"] or _LEFT)
        if source["error"]:
            where.append(f"\n{source['error']}", style="red")
        if source["hint"]:
            where.append(f"\n→ {source['hint']}", style="dim")
        status = Text(_WORDS.get(source["status"], "-"), _COLOURS.get(source["status"], ""))
        figures = map(count, (source["rows"], sum(source["resources"].values()), source["quarantined"]))
        store = (source["adapter"] or "", where)
        shown.add_row(source["source"], status, *figures, _age(source["age_seconds"]), *(() if narrow else store))
        stores.add_row(source["source"], *store)
    console.print(shown, markup=False)
    if narrow:
        console.print("", stores, sep="\n", markup=False)


def _age(seconds: int | None) -> str:
    """A span of time as people say it, in its largest unit."""
    if seconds is None:
        return "never"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
