"""`fhir-gateway check`: whether every source can be read now, and if not, how to mend it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from gateway.cli.options import chosen_sources, config_option, example, json_option, refused_sources
from gateway.settings import load
from his_adapters import adapter_module

if TYPE_CHECKING:
    from his_adapters.base import Health, SourceConfig

_WORDS = {"ok": "ok", "config": "mend it", "transient": "try again"}
_COLOURS = {"ok": "green", "config": "red", "transient": "yellow"}


@click.command(epilog=example("fhir-gateway check", "fhir-gateway check his_a --json"))
@click.argument("source", nargs=-1)
@config_option
@json_option
def check(source: tuple[str, ...], config: Path | None, as_json: bool) -> int:
    """Say whether every source can be read now.

    Or only SOURCE... Says what is wrong and how to mend it. Reads little, writes nothing.
    Exit code 1 when a source cannot be read.
    """
    settings = load(config)
    sources = chosen_sources(settings, source)
    refused = refused_sources(settings, source)
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(zip(sources, pool.map(_health, sources), strict=True))
    if as_json:
        document = [_document(config_, health) for config_, health in found]
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        _show(found)
    for error in refused:
        click.echo(f"fhir-gateway: {error}", err=True)
    if refused:
        return 2
    return int(any(health.status != "ok" for _, health in found))


def _health(source: SourceConfig) -> Health:
    health: Health = adapter_module(source.adapter).open_source(source).check()
    return health


def _document(source: SourceConfig, health: Health) -> dict[str, str]:
    return {
        "source": source.name,
        "adapter": source.adapter,
        "status": health.status,
        "message": health.message,
        "hint": health.hint,
    }


def _show(found: list[tuple[SourceConfig, Health]]) -> None:
    from rich.text import Text

    from gateway.cli.terminal import stdout, table

    shown = table("Source", "Adapter", "State", "What")
    for source, health in found:
        what = Text(health.message)
        if health.hint:
            what.append(f"\n→ {health.hint}", style="dim")
        shown.add_row(source.name, source.adapter, Text(_WORDS[health.status], _COLOURS[health.status]), what)
    stdout().print(shown)
