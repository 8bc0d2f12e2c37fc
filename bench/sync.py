"""(b) A first full sync and a second one of unchanged stores, against the floor of moving the same bytes.

The floor reads the native rows with plain SELECTs (files as bytes), dumps the same resources with orjson and writes
them with executemany into one table: no mapping, no check, no versions, no index.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import orjson

from bench.processes import Ran, run
from bench.report import Goal, Section
from bench.stores import Hospitals, hospitals, remove_store, resources, sync_command

PATIENTS_EACH = 4_000
GOAL = 5_000
_BATCH = 500
_METHOD = """{patients:,} patients of {sources}: {rows:,} native rows become {resources:,} resources of
{size:,.0f} bytes on average.
`fhir-gateway sync` from its start to its end, on an empty store, every resource checked and indexed. Floor: plain
SELECT of the native rows, orjson.dumps of the same resources, executemany into one SQLite table. CPU is that of
all processes together; memory the peak of resident bytes, of the writing process and of the largest reading one."""


@dataclass(frozen=True, slots=True)
class _Synced:
    """One sync."""

    ran: Ran
    rows: int
    resources: int

    @property
    def rate(self) -> float:
        return self.resources / self.ran.seconds


def bench(rounds: int, patients_each: int = PATIENTS_EACH) -> Section:
    """Measure first and second syncs."""
    firsts: list[_Synced] = []
    seconds: list[_Synced] = []
    floors: list[float] = []
    with TemporaryDirectory() as folder:
        made = hospitals(Path(folder), patients_each)
        for at in range(rounds):
            print(f"sync: round {at + 1}", file=sys.stderr, flush=True)
            remove_store(made.store)
            firsts.append(_synced(made))
            seconds.append(_synced(made))
            floors.append(_floor(made, Path(folder) / f"floor-{at}.db"))
        sizes = [len(body) for batch in resources(made.store, _BATCH) for _, _, body in batch]
    bytes_each = statistics.mean(sizes)
    return _section(made, firsts, seconds, floors, bytes_each)


def _synced(made: Hospitals) -> _Synced:
    ran = run(sync_command(made.config))
    sources = json.loads(ran.stdout)["sources"]
    resources = sum(each["created"] + each["unchanged"] for each in sources)
    return _Synced(ran, sum(each["read"] for each in sources), resources)


def _floor(made: Hospitals, target: Path) -> float:
    """Seconds for the floor. Resources are parsed beforehand, batch by batch, outside of the measured time."""
    started = perf_counter()
    for source in made.sources:
        for file in sorted((made.natives / source).rglob("*")):
            _read(file)
    spent = perf_counter() - started
    with closing(sqlite3.connect(target)) as floor:
        floor.execute("PRAGMA journal_mode=WAL")
        floor.execute("PRAGMA synchronous=NORMAL")
        floor.execute("CREATE TABLE resource (type TEXT, id TEXT, body BLOB, PRIMARY KEY (type, id))")
        for batch in resources(made.store, _BATCH):
            parsed = [(kind, name, orjson.loads(body)) for kind, name, body in batch]
            started = perf_counter()
            with floor:
                rows = [(kind, name, orjson.dumps(resource)) for kind, name, resource in parsed]
                floor.executemany("INSERT INTO resource VALUES (?, ?, ?)", rows)
            spent += perf_counter() - started
    return spent


def _read(file: Path) -> None:
    if file.suffix != ".db":
        if file.is_file():
            file.read_bytes()
        return
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for _ in connection.execute(f'SELECT * FROM "{table}"'):
                pass


def _section(
    made: Hospitals, firsts: list[_Synced], seconds: list[_Synced], floors: list[float], bytes_each: float
) -> Section:
    first = statistics.median(each.rate for each in firsts)
    floor = statistics.median(each.resources / spent for each, spent in zip(firsts, floors, strict=True))
    ratio = statistics.median(each.ran.seconds / spent for each, spent in zip(firsts, floors, strict=True))
    rows: list[tuple[str, ...]] = [
        ("floor", f"{statistics.median(floors):.2f}", f"{floor:,.0f}", "1.0", "", "", ""),
        (
            "first sync",
            f"{statistics.median(each.ran.seconds for each in firsts):.2f}",
            f"{first:,.0f}",
            f"{ratio:.1f}",
            f"{statistics.median(each.ran.cpu for each in firsts):.1f}",
            *_peaks(firsts),
        ),
        (
            "second sync, nothing has changed",
            f"{statistics.median(each.ran.seconds for each in seconds):.2f}",
            "",
            "",
            f"{statistics.median(each.ran.cpu for each in seconds):.1f}",
            *_peaks(seconds),
        ),
    ]
    columns = ("run", "seconds", "resources/s", "times the floor", "CPU s", "writer MB", "reader MB")
    method = _METHOD.format(
        patients=made.patients,
        sources=", ".join(made.sources),
        rows=firsts[0].rows,
        resources=firsts[0].resources,
        size=bytes_each,
    )
    goal = Goal("sync, checked resources/s", f"≥ {GOAL:,}", f"{first:,.0f}", first >= GOAL)
    return Section("Sync", method, columns, rows, [goal])


def _peaks(synced: list[_Synced]) -> tuple[str, str]:
    writers = [next(iter(each.ran.peaks.values())) for each in synced]
    readers = [max([*each.ran.peaks.values()][1:], default=0) for each in synced]
    reader = statistics.median(readers)
    return f"{statistics.median(writers) / 1e6:.0f}", f"{reader / 1e6:.0f}" if reader else ""
