"""Lists of values are looked up in the index one by one, however much else a parameter has.

https://hl7.org/fhir/R4/search.html#combining
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.search.clauses import MAX_VALUES
from gateway.search.conditions import bound
from gateway.search.request import parse
from gateway.search.statements import Statements
from tests.gateway.search.world import BASE, World

LISTS = {
    ("Patient", "_id"): ("id=?", "id{}"),
    ("Patient", "identifier"): ("code=?", "urn:a|{}"),
    ("Patient", "family"): ("value>?", "name{}"),
    ("Patient", "family:exact"): ("value=?", "name{}"),
    ("Patient", "birthdate"): ("low>?", "{:04}"),
    ("Patient", "_lastUpdated"): ("updated>?", "{:04}"),
    ("Patient", "general-practitioner"): ("target=?", "Practitioner/{}"),
    ("Patient", "general-practitioner:identifier"): ("target=?", "urn:a|{}"),
    ("Observation", "code"): ("code=?", "{}"),
    ("Observation", "value-quantity"): ("low>?", "{}||mg"),
    ("ValueSet", "url"): ("uri=?", "urn:{}"),
}
"""What the index is asked for each value, by type and parameter, and the form of a value."""


@pytest.mark.parametrize("size", [1, 2, 3, 20, MAX_VALUES])
@pytest.mark.parametrize(("resource_type", "name"), LISTS, ids=lambda part: part)
def test_each_value_is_looked_up_by_itself(tmp_path: Path, resource_type: str, name: str, size: int) -> None:
    """SQLite's plan names the value in each of its steps: none reads all of a parameter, or of a type."""
    World.in_folder(tmp_path).store.close()
    column, form = LISTS[resource_type, name]
    listed = ",".join(form.format(at + 1) for at in range(size))
    [clause] = parse(resource_type, ((name, listed),), strict=True, base=BASE).clauses
    values: dict[str, object] = {"cap": 1}
    query = Statements("sqlite").probe(bound(clause, "0", values))
    [file] = tmp_path.glob("*.db")
    with closing(sqlite3.connect(file)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.bound(values)).fetchall()
    steps = [detail for *_, detail in plan if detail.startswith(("SEARCH", "SCAN")) and " d0" in detail]
    assert len(steps) >= size
    assert [step for step in steps if column not in step] == []
