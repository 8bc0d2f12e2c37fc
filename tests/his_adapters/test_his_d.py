"""HIS_D: the adapter contract, and the comma-packed cells of its data dictionary."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from his_adapters.base import Record
from his_adapters.his_d.records import Contact, EmergencyPerson, Place
from his_adapters.his_d.test_results import number_and_unit, results_in
from tests.his_adapters.contract import AdapterContract, opened, simulated


class TestHisD(AdapterContract):
    """Three SQLite files."""

    adapter = "his_d"
    streams = ("staff", "patients", "finance")


CELLS = [
    pytest.param(
        "patients",
        {"location": "East Timfurt, Nevada, Estonia"},
        "location",
        Place("East Timfurt, Nevada, Estonia", "East Timfurt", "Nevada", "Estonia"),
        id="location",
    ),
    pytest.param(
        "patients",
        {"location": "Rome, Utah, Holy See (Vatican City State)"},
        "location",
        Place("Rome, Utah, Holy See (Vatican City State)", "Rome", "Utah", "Holy See (Vatican City State)"),
        id="country in parentheses",
    ),
    pytest.param(
        "patients", {"location": "somewhere"}, "location", Place("somewhere", None, None, None), id="one part"
    ),
    pytest.param(
        "patients",
        {"contact": "001-203-630-7557x3593, jennifer88@example.com"},
        "contact",
        Contact("001-203-630-7557x3593", "jennifer88@example.com"),
        id="phone with extension",
    ),
    pytest.param(
        "patients",
        {"emergency_person": "Erica Cobb (Sibling)"},
        "emergency_person",
        EmergencyPerson("Erica Cobb", "Sibling"),
        id="emergency person",
    ),
    pytest.param("patients", {"stage_danger": "Stage II"}, "stage_or_danger", "Stage II", id="original's stage"),
    pytest.param("patients", {"surgery_required": "Yes"}, "need_of_surgery", "Yes", id="original's surgery"),
    pytest.param("patients", {"treatment_protocol": "Surgery"}, "treatment_plan", "Surgery", id="original's plan"),
    pytest.param(
        "staff",
        {"certifications": "Engineering geologist, Silva, Jacobson and Gardner"},
        "certifications",
        "Engineering geologist, Silva, Jacobson and Gardner",
        id="company with commas",
    ),
    pytest.param("staff", {"position": "Doctor"}, "role", "Doctor", id="original's role"),
]


@pytest.mark.parametrize(("table", "cell", "field", "expected"), CELLS)
def test_cells_are_taken_apart(tmp_path: Path, table: str, cell: dict[str, str], field: str, expected: Any) -> None:
    key = {"patients": "patient_id", "staff": "staff_id"}[table]
    simulated("his_d", tmp_path, "seed", patients=4)
    row = {key: "5e386442", **cell}
    with closing(sqlite3.connect(tmp_path / f"{table}.db")) as writer:
        writer.execute(f"DROP TABLE {table}")
        writer.execute(f"CREATE TABLE {table} ({', '.join(f'{name} TEXT' for name in row)})")
        writer.execute(f"INSERT INTO {table} VALUES (?, ?)", list(row.values()))
        writer.commit()
    told = next(iter(opened("his_d", tmp_path).read(table, None)))
    assert isinstance(told, Record)
    assert told.key == ("5e386442",)
    assert getattr(told.data, field) == expected


RESULTS = [
    pytest.param("CEA: 4.2 ng/mL; Hb: 10.9 g/dL", [("CEA", "4.2 ng/mL"), ("Hb", "10.9 g/dL")], id="pairs"),
    pytest.param('{"CEA": "4.2 ng/mL", "Hb": 10.9}', [("CEA", "4.2 ng/mL"), ("Hb", "10.9")], id="JSON"),
    pytest.param("{'CEA': '4.2 ng/mL', 'sputum': None}", [("CEA", "4.2 ng/mL")], id="Python dict"),
    pytest.param("no abnormality detected", [], id="prose"),
    pytest.param("{'a': " * 2000, [], id="deep"),
    pytest.param("__import__('os').system('true')", [], id="code"),
]


@pytest.mark.parametrize(("cell", "expected"), RESULTS)
def test_results_are_read_as_pairs_or_not_at_all(cell: str, expected: list[tuple[str, str]]) -> None:
    assert [tuple(each) for each in results_in(cell)] == expected


VALUES = [
    pytest.param("4.2 ng/mL", ("", "4.2", "ng/mL"), id="number and unit"),
    pytest.param("<0.1", ("<", "0.1", ""), id="comparator"),
    pytest.param("positive", None, id="word"),
    pytest.param("120/80", None, id="two numbers"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_values_are_numbers_or_words(value: str, expected: tuple[str, str, str] | None) -> None:
    assert number_and_unit(value) == expected
