"""What becomes of every native column is as its table says (`mappers/coverage/`): proven by changing each of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from his_adapters import installed
from his_adapters.base import Column
from mappers.coverage import accounts, file_of, place_of
from tests.his_adapters.contract import opened, simulated
from tests.laws.native_columns import NativeStore, Rewrite
from tests.laws.native_files import Row

PATIENTS = 60


def _in_one_text(table: str, row: Row) -> Row:
    """HIS_B as an export without parts writes it, with a remark on each bill."""
    number = len(str(row)) % 7
    if table == "finance":
        return row | {"remarks": f"remark {number}"}
    named = row | {"name": " ".join(row["name"].values())}
    return named | {"address": f"{number} High Street"} if table == "staff" else named


def _in_columns(table: str, row: Row) -> Row:
    """HIS_C with its packed places in columns, as it does with contacts."""
    if table != "patients":
        return row
    number = len(str(row)) % 7
    places = {name: f"{name} {number}" for name in ("country", "state", "city", "postal_code")}
    return {name: value for name, value in row.items() if name != "location"} | places


REWRITTEN: Mapping[str, Rewrite] = MappingProxyType({"his_b": _in_one_text, "his_c": _in_columns})
"""Columns that adapters read and no simulator writes."""


@pytest.fixture(scope="module", params=installed())
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _stores(adapter: str, folder: Path) -> Iterator[NativeStore]:
    for profile in ("seed", "original"):
        simulated(adapter, folder / profile, profile, PATIENTS)
        yield NativeStore(adapter, folder / profile)
    if adapter in REWRITTEN:
        simulated(adapter, folder / "rewritten", "seed", PATIENTS)
        yield NativeStore(adapter, folder / "rewritten", REWRITTEN[adapter])


def _observed(adapter: str, folder: Path) -> dict[Column, set[str]]:
    """Every column of several stores, under its one name, with the elements that change with it.

    A column that several stores have is changed in the first.
    """
    observed: dict[Column, set[str]] = {}
    places: set[tuple[str, str]] = set()
    for store in _stores(adapter, folder):
        for column in (each for each in store.columns if place_of(each) not in places):
            observed.setdefault(_named(column), set()).update(store.changed_by(column))
        places |= {place_of(column) for column in store.columns}
    return observed


def _named(column: Column) -> Column:
    """As a table names it: in the store's own spelling, unless that is one of several."""
    spelled = Column(column.stream, column.name)
    return spelled if place_of(spelled) == place_of(column) else Column(column.stream, str(column.field))


def _write(adapter: str, observed: dict[Column, set[str]]) -> None:
    """The table anew. Reasons are a person's: they are kept."""
    known = {place: row.reason for place, row in accounts(adapter).items()}
    with file_of(adapter).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("stream", "column", "elements", "reason"))
        for column, elements in observed.items():
            reason = "" if elements else known.get(place_of(column), "")
            writer.writerow((column.stream, column.name, " ".join(sorted(elements)), reason))
    accounts.cache_clear()


def test_the_table_says_what_every_column_decides(adapter: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A column's elements change with it, all of them and no others; one without elements changes nothing."""
    observed = _observed(adapter, tmp_path)
    if request.config.getoption("--update-golden"):
        _write(adapter, observed)
    table = accounts(adapter)
    claimed = {place: set(row.elements) for place, row in table.items()}
    assert claimed == {place_of(column): elements for column, elements in observed.items()}
    assert [row for row in table.values() if bool(row.elements) == bool(row.reason)] == []


@pytest.mark.soak
@pytest.mark.parametrize("profile", ["seed", "original"])
def test_what_is_ignored_changes_nothing_in_a_larger_store(adapter: str, profile: str, tmp_path: Path) -> None:
    simulated(adapter, tmp_path, profile, 10 * PATIENTS)
    store = NativeStore(adapter, tmp_path)
    ignored = [column for column in store.columns if not accounts(adapter)[place_of(column)].elements]
    assert {column: found for column in ignored if (found := store.changed_by(column))} == {}


def test_what_a_bad_export_has_is_accounted_for_as_far_as_it_is_read(adapter: str, tmp_path: Path) -> None:
    """A respelled column finds the row of its field; a foreign one has none."""
    simulated(adapter, tmp_path, "hostile", PATIENTS)
    found = opened(adapter, tmp_path).columns()
    table = accounts(adapter)
    assert [column for column in found if column.field and place_of(column) not in table] == []
    foreign = {"Unnamed: 0"} & {column.name for column in found if place_of(column) not in table}
    assert foreign or adapter == "his_b"  # JSON has no header that a spreadsheet could add a column to
