"""What a sync did, for people and for scripts; used by `sync`, `quarantine retry` and `demo`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

from gateway.cli.terminal import count, stderr, stdout, table
from gateway.sync import Callback, Counts, PeopleReport, Progress, SourceReport, SyncReport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from his_adapters.base import Health

_COLUMNS = tuple(each.name for each in fields(Counts))
_NARROW = 116
"""Below so many columns of the terminal, headings are broken in two lines."""
_BROKEN = {
    "Source and stream": "Source\nand stream",
    "quarantined": "quaran-\ntined",
    "skipped": "skip-\nped",
    "created": "cre-\nated",
    "changed": "chan-\nged",
    "unchanged": "un-\nchan-\nged",
    "deleted": "dele-\nted",
    "seconds": "s",
}


def today() -> date:
    """The day of the run, where the gateway stands."""
    return datetime.now().astimezone().date()


@contextmanager
def progress_bars() -> Iterator[Callback | None]:
    """A bar for each source while it is read, on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr(), transient=True) as bars:
        yield _Bars(bars).tell


class _Bars:
    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def tell(self, at: Progress) -> None:
        """Show how far a source is, in the stream that it is in."""
        if at.source not in self._tasks:
            self._tasks[at.source] = self._bars.add_task(at.source)
        named = f"{at.source} [dim]{at.stream}[/dim]"
        total = at.rows if at.done else at.estimated_rows and max(at.rows, at.estimated_rows)
        self._bars.update(self._tasks[at.source], description=named, completed=at.rows, total=total)


def tell(report: SyncReport, *, as_json: bool) -> int:
    """Print the report on stdout and what went wrong on stderr. Returns the exit code."""
    if as_json:
        click.echo(orjson.dumps(document(report), option=orjson.OPT_INDENT_2))
    else:
        _show(report)
    for source in report.sources:
        for line in _troubles(source):
            click.echo(f"fhir-gateway: {line}", err=True)
    return 0 if report.ok else 1


def document(report: SyncReport) -> dict[str, Any]:
    """The report for scripts."""
    return {
        "ok": report.ok,
        "seconds": round(report.seconds, 3),
        "sources": [
            {
                "source": source.source,
                "ok": source.ok,
                "seconds": round(source.seconds, 3),
                "held_back": source.held_back,
                "errors": [asdict(health) for health in source.errors],
                **asdict(source.counts),
                "streams": [
                    {
                        "stream": stream.stream,
                        "was_read": stream.was_read,
                        "complete": stream.complete,
                        "seconds": round(stream.seconds, 3),
                        **asdict(stream.counts),
                    }
                    for stream in source.streams
                ],
            }
            for source in report.sources
        ],
        "people": asdict(report.people),
    }


def _show(report: SyncReport) -> None:
    console = stdout()
    names = ("Source and stream", *_COLUMNS, "seconds")
    if console.width < _NARROW:
        names = tuple(_BROKEN.get(name, name) for name in names)
    shown = table(*names, numbers=names[1:], gap=1 if console.width < _NARROW else 2)
    for source in report.sources:
        sick = bool(source.errors)
        name = source.source if source.streams or not sick else f"{source.source} (not read)"
        shown.add_row(name, *_cells(source.counts, source.seconds), style="bold red" if sick else "bold")
        for stream in source.streams:
            note = "" if stream.was_read else " ="
            style = "red" if stream.health.status != "ok" else None if stream.was_read else "dim"
            shown.add_row(f"  {stream.stream}{note}", *_cells(stream.counts, stream.seconds), style=style)
        if any(asdict(source.closing).values()):
            shown.add_row("  hospital, links", *_cells(source.closing, None))
    console.print(shown)
    if people := _people(report.people):
        console.print(people)
    if any(not stream.was_read for source in report.sources for stream in source.streams):
        console.print("= not read again: proven unchanged, or not come to", style="dim")


def _people(people: PeopleReport) -> str:
    """What became of who is who, in one line; nothing where nothing did."""
    told = (
        (people.persons_created, "new"),
        (people.persons_changed, "changed"),
        (people.persons_ended, "ended"),
    )
    moved = ", ".join(f"{number:,} {what}" for number, what in told if number)
    asked = f"{people.waiting:,} pairs of records wait for a person to decide" if people.waiting else ""
    return "; ".join(filter(None, (f"Persons: {moved}" if moved else "", asked)))


def _cells(counts: Counts, seconds: float | None) -> list[str]:
    return [*(count(getattr(counts, name)) for name in _COLUMNS), "" if seconds is None else f"{seconds:.1f}"]


def _troubles(source: SourceReport) -> list[str]:
    lines = [_line(source.source, source.health)] if source.health.status != "ok" else []
    # A server that goes away is one trouble, however many streams it costs.
    sick: dict[Health, list[str]] = {}
    for stream in source.streams:
        if stream.health.status != "ok" and stream.health != source.health:
            sick.setdefault(stream.health, []).append(stream.stream)
        if stream.held_back:
            what = f"{stream.held_back:,} rows vanished at once; their resources are kept"
            lines.append(f"{source.source} {stream.stream}: {what} (sync --accept-shrink lets them go)")
    return lines + [_line(f"{source.source} {', '.join(streams)}", health) for health, streams in sick.items()]


def _line(where: str, health: Health) -> str:
    return f"{where}: {health.message}" + (f" ({health.hint})" if health.hint else "")
