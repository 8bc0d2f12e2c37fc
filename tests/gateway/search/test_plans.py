"""SQLite answers step by step from indexes: it never reads all of a table, or of a type, where one row will do.

https://www.sqlite.org/eqp.html
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.search.conditions import bound
from gateway.search.request import parse
from gateway.search.statements import Leg, SortShape, Statements
from gateway.search.tables import URI
from gateway.store import Query
from tests.gateway.search.world import BASE, World

FOLLOWED = [
    ("Condition", "encounter:Encounter.subject:Patient.family", "x"),
    ("Condition", "encounter:Encounter.subject:Patient.identifier", "urn:a|x"),
    ("Encounter", "subject:Patient.organization.partof.partof.partof.partof.name", "x"),
    ("Condition", "subject", "Patient/1"),
    ("Condition", "subject:identifier", "urn:a|x"),
    ("Patient", "_has:Encounter:subject:status", "finished"),
    ("Patient", "_has:Encounter:subject:participant:identifier", "urn:a|x"),
    ("Patient", "_has:Encounter:subject:_has:Condition:encounter:code", "x"),
]
ALIASES = ("d0", "f0", "r0", "l0")
"""What the names begin with that conditions give to tables."""


def steps(folder: Path, query: Query, values: dict[str, object]) -> list[str]:
    """SQLite's plan for a query over an empty store: it keeps no statistics, so a full one has the same."""
    World.in_folder(folder).store.close()
    [file] = folder.glob("*.db")
    with closing(sqlite3.connect(file)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.bound(values)).fetchall()
    return [detail for *_, detail in plan]


@pytest.mark.parametrize("of_each", [False, True], ids=["from the matches", "of each resource"])
@pytest.mark.parametrize(("resource_type", "name", "value"), FOLLOWED, ids=lambda part: part)
def test_links_are_followed_by_their_keys(
    tmp_path: Path, resource_type: str, name: str, value: str, of_each: bool
) -> None:
    """Each table is asked with more than its resources' type or its parameter's number."""
    [clause] = parse(resource_type, ((name, value),), strict=True, base=BASE).clauses
    values: dict[str, object] = {"cap": 1, "type": 1}
    shape, statements = bound(clause, "0", values), Statements("sqlite")
    query = statements.total((shape,), None) if of_each else statements.probe(shape)
    found = [step for step in steps(tmp_path, query, values) if step.split()[1].startswith(ALIASES)]
    assert found
    for step in found:
        assert step.startswith("SEARCH"), step
        assert not step.endswith(("(type=?)", "(param=?)")), step


def test_a_chain_reads_no_resource(tmp_path: Path) -> None:
    """From a resource's pk to its references there is one step, in an index that has all it takes."""
    [clause] = parse(*FOLLOWED[0][:1], (FOLLOWED[0][1:],), strict=True, base=BASE).clauses
    values: dict[str, object] = {"cap": 1, "type": 1}
    taken = steps(tmp_path, Statements("sqlite").probe(bound(clause, "0", values)), values)
    assert len([step for step in taken if "COVERING INDEX index_target_by_resource (pk=?)" in step]) == 2
    assert not [step for step in taken if " t0" in step or "resource" in step.split()[1]]


@pytest.mark.parametrize("descending", [False, True])
def test_a_sort_by_uri_follows_the_uris(tmp_path: Path, descending: bool) -> None:
    """And stops when the page is full: nothing is sorted."""
    sort = (SortShape(URI, "value", descending),)
    query = Statements("sqlite").walk((), sort, Leg(lacking=False, backward=False, nulls=(False,)))
    found = steps(tmp_path, query, {"cap": 1, "s0": 1, "c0": "urn:a", "cpk": 1})
    assert not [step for step in found if "TEMP B-TREE" in step], found
    assert [step for step in found if "index_uri " in f"{step} " and "(uri=? AND param=?" in step], found
