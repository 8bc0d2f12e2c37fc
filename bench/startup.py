"""(c) How long `fhir-gateway serve` takes from its start to its first answer, and what its processes hold in memory."""

from __future__ import annotations

import statistics
import sys
from time import perf_counter

from bench.api import PATIENTS, WORKERS, gateway_command, serving
from bench.load import load
from bench.processes import memory
from bench.report import Goal, Section
from bench.stores import synced

GOAL = 1.5
_SEARCH = "/fhir/Patient?_count=1"
_METHOD = """`fhir-gateway serve` with {workers} workers over {patients:,} patients, from the start of its process to
the first answer to a search (files in the page cache). Memory of a worker after {asked:,} searches; private = not
shared with other processes, resident = with the pages of the database that it has read."""


def bench(rounds: int, seconds: float, patients: int = PATIENTS) -> Section:
    """Start and ask, again and again."""
    made = synced(patients)
    starts, resident, private, asked = [], [], [], 0
    for at in range(rounds):
        print(f"startup: round {at + 1}", file=sys.stderr, flush=True)
        started = perf_counter()
        with serving(gateway_command(made.config), _SEARCH) as server:
            starts.append(perf_counter() - started)
            asked = load(server.port, [_SEARCH], 32, seconds).answers
            for pid in server.pids[-WORKERS:]:
                each = memory(pid)
                resident.append(each[0])
                private.append(each[1])
    first = statistics.median(starts)
    rows: list[tuple[str, ...]] = [
        ("start to first answer, s", f"{first:.2f}"),
        ("slowest of the rounds, s", f"{max(starts):.2f}"),
        ("resident memory of a worker, MB", f"{statistics.median(resident) / 1e6:.0f}"),
        ("private memory of a worker, MB", f"{statistics.median(private) / 1e6:.0f}"),
    ]
    method = _METHOD.format(workers=WORKERS, patients=made.patients, asked=asked)
    goal = Goal("start-up of `serve` to the first answer", f"≤ {GOAL} s", f"{first:.2f} s", first <= GOAL)
    return Section("Start-up and memory", method, ("", "figure"), rows, [goal])
