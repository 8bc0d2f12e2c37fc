"""(f) Searches that follow references, on one connection."""

from __future__ import annotations

from bench.api import PATIENTS
from bench.cases import broad_case, linked_cases
from bench.latencies import measured
from bench.report import Goal, Section
from bench.stores import synced

_METHOD = """The gateway over {patients:,} patients of all sources with their records, with its default settings; one
keep-alive connection; each search is asked once of a server that has just started, so that none is remembered. Chain:
`Condition?encounter:Encounter.subject:Patient.family=…`, of names with about ten bearers. `_has`:
`Patient?_has:Invoice:patient:participant=…`; frequent codes: `Patient?_has:Condition:patient:code=…`, of
one Patient in a hundred to one in eight. `_revinclude`: 20 Patients by `_id`, with their Encounters."""


def bench(rounds: int, patients: int = PATIENTS) -> Section:
    """Measure all of them."""
    made = synced(patients)
    found = measured([made], lambda of, _: [*linked_cases(of.store), broad_case(of.store)], rounds)
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for case, [figures] in found:
        rows.append((case.name, f"{figures.median:.2f}", f"{figures.p99:.2f}"))
        goals += case.latency_goals(figures.median, figures.p99)
    columns = ("search", "median ms", "p99 ms")
    return Section("Searches that follow references", _METHOD.format(patients=made.patients), columns, rows, goals)
