"""`fhir-gateway issues`: what the mappers had to drop, default or approximate. Shows no native value."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from gateway.cli.options import config_option, example, json_option, strict_settings


@click.command(epilog=example("fhir-gateway issues --source his_b --code orphan"))
@click.option("--source", help="Only of this source.")
@click.option("--code", help="Only of this kind: dropped, defaulted, inferred, approximated, implausible, orphan ...")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@click.option("--offset", type=click.IntRange(0), default=0, help="How many to pass over.")
@config_option
@json_option
def issues(source: str | None, code: str | None, limit: int, offset: int, config: Path | None, as_json: bool) -> None:
    """List data-quality findings of rows that were mapped."""
    from gateway.cli.stores import existing_store

    with existing_store(strict_settings(config)) as store:
        found = store.issues(source, code, limit + 1, offset)
    if as_json:
        click.echo(orjson.dumps([asdict(entry) for entry in found[:limit]], option=orjson.OPT_INDENT_2))
        return
    if not found:
        click.echo("No findings." if not offset else "No more.")
        return
    from gateway.cli.terminal import stdout, table

    shown = table("Source", "Where", "Kind", "Element", "Finding")
    for entry in found[:limit]:
        shown.add_row(entry.source, entry.locator, entry.code, entry.element, entry.detail)
    stdout().print(shown, markup=False)
    if len(found) > limit:
        click.echo(f"There are more: --offset {offset + limit}")
