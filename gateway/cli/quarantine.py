"""`fhir-gateway quarantine`: native rows that could not become resources, and why. Shows no native value."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import chosen_sources, config_option, example, json_option, strict_settings

if TYPE_CHECKING:
    from gateway.store import QuarantineEntry


@click.group()
def quarantine() -> None:
    """Look at rows that could not be used, and try them again."""


@quarantine.command("list", epilog=example("fhir-gateway quarantine list --source his_a"))
@click.option("--source", help="Only of this source.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@click.option("--offset", type=click.IntRange(0), default=0, help="How many to pass over.")
@config_option
@json_option
def list_(source: str | None, limit: int, offset: int, config: Path | None, as_json: bool) -> None:
    """List rows in quarantine with their first problem."""
    from gateway.cli.stores import existing_store

    with existing_store(strict_settings(config)) as store:
        entries = store.quarantine(source, limit + 1, offset)
    if as_json:
        click.echo(orjson.dumps([asdict(entry) for entry in entries[:limit]], option=orjson.OPT_INDENT_2))
        return
    if not entries:
        click.echo("Nothing is in quarantine." if not offset else "No more.")
        return
    _show(entries[:limit])
    if len(entries) > limit:
        click.echo(f"There are more: --offset {offset + limit}")


def _show(entries: list[QuarantineEntry]) -> None:
    from gateway.cli.terminal import stdout, table

    shown = table("#", "Source", "Where", "Field", "Reason", numbers=("#",))
    for entry in entries:
        more = f" (and {len(entry.problems) - 1} more)" if len(entry.problems) > 1 else ""
        shown.add_row(str(entry.id), entry.source, entry.locator, entry.element, f"{entry.rule}: {entry.reason}{more}")
    stdout().print(shown, markup=False)


@quarantine.command(epilog=example("fhir-gateway quarantine show 12"))
@click.argument("number", type=int)
@config_option
@json_option
def show(number: int, config: Path | None, as_json: bool) -> None:
    """Show one row: where it lies and everything that is wrong with it.

    The row's values stay in their HIS; the place says where to look.
    """
    from gateway.cli.stores import existing_store

    with existing_store(strict_settings(config)) as store:
        entry = store.quarantine_entry(number)
    if entry is None:
        raise Failure(f"quarantine {number}", "no such row", "see: fhir-gateway quarantine list")
    if as_json:
        click.echo(orjson.dumps(asdict(entry), option=orjson.OPT_INDENT_2))
        return
    from gateway.cli.terminal import day_and_time

    for name, value in (
        ("Source", entry.source),
        ("Stream", entry.stream),
        ("Key", entry.key),
        ("Where", entry.locator),
        ("First seen", day_and_time(entry.first_seen)),
        ("Last seen", day_and_time(entry.last_seen)),
        ("Retries", str(entry.retries)),
    ):
        click.echo(f"{name:<11} {value}")
    for problem in entry.problems:
        click.echo(f"{'Problem':<11} {problem.element}: {problem.rule}: {problem.reason}")


@quarantine.command(
    epilog=example("fhir-gateway quarantine retry 12 13", "fhir-gateway quarantine retry --source his_a")
)
@click.argument("number", type=int, nargs=-1)
@click.option("--source", multiple=True, help="Only of this source; may be repeated.")
@config_option
@json_option
def retry(number: tuple[int, ...], source: tuple[str, ...], config: Path | None, as_json: bool) -> int:
    """Map rows in quarantine again: all, or only NUMBER...

    Useful after a mapper was mended; rows that were mended in their HIS come by themselves with the next sync.
    """
    from gateway.cli.stores import existing_store
    from gateway.cli.synced import progress_bars, tell, today
    from gateway.sync import retry_quarantine

    settings = strict_settings(config)
    with existing_store(settings) as store:
        named = set(source)
        for entry_id in number:
            entry = store.quarantine_entry(entry_id)
            if entry is None:
                raise Failure(f"quarantine {entry_id}", "no such row", "see: fhir-gateway quarantine list")
            named.add(entry.source)
        sources = chosen_sources(settings, tuple(sorted(named)))
        if not any(store.quarantine(each.name, 1) for each in sources):
            click.echo("Nothing is in quarantine.")
            return 0
        with progress_bars() as progress:
            report = retry_quarantine(store, sources, as_of=today(), entries=number or None, progress=progress)
    return tell(report, as_json=as_json)
