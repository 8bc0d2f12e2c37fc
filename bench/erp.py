"""(d) The ERP of a hospital group at its own size: read from nothing to the end, then again with nothing changed.

`make bench` leaves it out: it needs some 30 GB of disk and an hour. $BENCH_ERP_PATIENTS makes it smaller.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import stores
from bench.processes import Ran, run
from bench.report import Goal, Section

SOURCE = "proactive_health"
TITLE = "A whole ERP"
PATIENTS = 351_765
"""Of the published set."""
RATE = 6_000
MEMORY = 1.5 * 2**30
STORE = 1_200
"""Bytes a resource, with the search index."""
_METHOD = """{date}. {source} with {patients:,} patients{share}: {natives:,.0f} MB of CSV with {rows:,} rows
become {resources:,} resources.
`fhir-gateway sync` from its start to its end, every resource checked and indexed, every Patient linked. Capacity is
what the same CPU seconds make of {cores} cores that do nothing else; load is the machine's when the run began. Memory
is the peak of resident bytes, of the writing process, of the largest reading one, and of all processes together. The
store is one SQLite file of {size:,.0f} MB, the search index in it."""


def bench(patients: int | None = None) -> Section:
    """Measure the first sync and the second one. The store is deleted afterwards."""
    count = patients or int(os.environ.get("BENCH_ERP_PATIENTS", PATIENTS))
    stores.DATA.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=stores.DATA, prefix="erp-") as folder:
        made = stores.hospitals(Path(folder), count, (SOURCE,))
        natives = sum(file.stat().st_size for file in (made.natives / SOURCE).iterdir())
        rows, resources, first = _synced("first sync", made)
        size = made.store.stat().st_size
        _, _, second = _synced("second sync, nothing has changed", made)
    rate, memory, each = resources / first[0].seconds, sum(first[0].peaks.values()), size / resources
    cores = len(os.sched_getaffinity(0))
    share = "" if count == PATIENTS else f" ({count / PATIENTS:.0%} of its size)"
    method = _METHOD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        source=SOURCE,
        patients=count,
        natives=natives / 1e6,
        rows=rows,
        resources=resources,
        share=share,
        cores=cores,
        size=size / 1e6,
    )
    columns = ("run", "seconds", "resources/s", "CPU s", "capacity/s", "load", "writer MB", "reader MB", "all MB")
    figures = [
        ("first sync", *_figures(*first, f"{rate:,.0f}", f"{resources * cores / first[0].cpu:,.0f}")),
        ("second sync, nothing has changed", *_figures(*second, "", "")),
    ]
    goals = [
        Goal(f"{TITLE}, checked resources/s", f"≥ {RATE:,}", f"{rate:,.0f}", rate >= RATE),
        Goal(f"{TITLE}, memory of all processes", "< 1.5 GiB", f"{memory / 2**30:.2f} GiB", memory < MEMORY),
        Goal(f"{TITLE}, bytes of store and index a resource", f"< {STORE:,}", f"{each:,.0f}", each < STORE),
    ]
    return Section(TITLE, method, columns, figures, goals)


def _synced(what: str, made: stores.Hospitals) -> tuple[int, int, tuple[Ran, float]]:
    """(rows, resources, (the run, the load before it))."""
    print(f"erp: {what}", file=sys.stderr, flush=True)
    load = os.getloadavg()[0]
    ran = run(stores.sync_command(made.config))
    [source] = json.loads(ran.stdout)["sources"]
    return source["read"], source["created"] + source["unchanged"], (ran, load)


def _figures(ran: Ran, load: float, rate: str, capacity: str) -> tuple[str, ...]:
    writer, *readers = ran.peaks.values()
    reader = f"{max(readers) / 1e6:.0f}" if readers else ""
    together = sum(ran.peaks.values())
    return (
        f"{ran.seconds:.1f}",
        rate,
        f"{ran.cpu:.1f}",
        capacity,
        f"{load:.1f}",
        f"{writer / 1e6:.0f}",
        reader,
        f"{together / 1e6:.0f}",
    )
