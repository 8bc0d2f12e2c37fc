"""(g) How much slower requests are over very many patients than over few.

`make bench` leaves it out: the big store needs some 10 GB of disk and a quarter of an hour. $BENCH_GROWTH_PATIENTS
makes it smaller.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from bench.cases import cases, linked_cases
from bench.latencies import measured
from bench.report import Goal, Section
from bench.stores import synced

TITLE = "Growth"
SOURCES = ("his_a", "his_c")
SMALL, BIG = 1_000, 350_000
MOST = 1.5
_METHOD = """{date}. The gateway over {small:,} patients of {sources} with their records, and over {big:,}, with its
default settings; one keep-alive connection. Both have their turn after every 20 requests, because a machine's speed
changes from second to second. Each search is asked once of servers that have just started, so that none is remembered;
before each kind of request both stores' files are read, so that they lie in memory. Both ask for about as many hits:
growth is the big store's median over the small one's. Two sources of eight, because a store of all of them takes almost
twice as long to make."""


def bench(rounds: int, small: int = SMALL, big: int | None = None) -> Section:
    """Measure all requests on both stores."""
    many = big or int(os.environ.get("BENCH_GROWTH_PATIENTS", BIG))
    stores = [synced(patients, SOURCES) for patients in (small, many)]
    found = measured(stores, lambda made, port: [*cases(made.store, port), *linked_cases(made.store)], rounds)
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for case, (on_small, on_big) in found:
        growth = on_big.median / on_small.median
        figures = [f"{median:.3f}" for median in (on_small.median, on_big.median)]
        rows.append((case.name, *figures, f"{on_big.p99:.2f}", f"{growth:.2f}"))
        goals.append(Goal(f"{TITLE}, {case.name}", f"< {MOST}", f"{growth:.2f}", growth < MOST))
    method = _METHOD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        sources=" and ".join(SOURCES),
        small=stores[0].patients,
        big=stores[1].patients,
    )
    columns = ("request", f"median ms, {small:,} patients", f"median ms, {many:,}", f"p99 ms, {many:,}", "growth")
    return Section(TITLE, method, columns, rows, goals)
