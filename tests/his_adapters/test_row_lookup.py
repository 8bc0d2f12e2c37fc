"""Rows found by key while another dataset is read: never cells of a row that is in doubt."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapters.row_lookup import Cells, Entry, RowLookup, complete
from his_adapters.tabular import Join

JOIN = Join("visit_id", "visits", {"patient_id": "patient_id", "visit_date": "visit_date"})

ENTRIES = st.lists(
    st.builds(
        Entry,
        st.sampled_from(["V1", "V2", "v1", "é", "00", "0"]),
        st.none() | st.tuples(st.sampled_from(["P1", "P2", ""]), st.sampled_from(["2024-01-01", ""])),
    ),
    max_size=12,
)


def naive(entries: list[Entry]) -> dict[str, Cells | None]:
    """What each key gives, by looking at all of its rows."""
    rows: dict[str, set[Cells | None]] = {}
    for entry in entries:
        rows.setdefault(entry.key, set()).add(entry.cells)
    return {key: next(iter(cells)) if len(cells) == 1 else None for key, cells in rows.items()}


@given(ENTRIES)
def test_a_key_gives_what_all_its_rows_agree_on(entries: list[Entry]) -> None:
    """One row in doubt, or two that disagree, and nothing is given, in any order."""
    expected = naive(entries)
    for order in (entries, entries[::-1]):
        with closing(RowLookup(order, 2)) as lookup:
            assert lookup.find([*expected, "nobody"]) == expected


def test_many_keys_at_once() -> None:
    entries = [Entry(f"V{number}", (f"P{number}", "")) for number in range(3000)]
    with closing(RowLookup(entries, 2)) as lookup:
        assert lookup.find(entry.key for entry in entries) == {entry.key: entry.cells for entry in entries}


ROWS: list[Any] = [
    pytest.param("V1", {"patient_id": "P1", "visit_date": "2024-01-01"}, True, id="there"),
    pytest.param(" V1\x00 ", {"patient_id": "P1", "visit_date": "2024-01-01"}, True, id="untrimmed"),
    pytest.param("V2", {}, False, id="two rows that disagree"),
    pytest.param("V3", {}, False, id="cannot be read"),
    pytest.param("V4", {}, True, id="not there"),
    pytest.param("", {}, True, id="empty"),
    pytest.param("V" * 20_000, {}, True, id="no key at all"),
]


@pytest.mark.parametrize(("cell", "taken", "clear"), ROWS)
def test_a_row_takes_what_is_clear(cell: str, taken: dict[str, str], clear: bool) -> None:
    entries = [Entry("V1", ("P1", "2024-01-01")), Entry("V2", ("P1", "")), Entry("V2", ("P2", "")), Entry("V3", None)]
    with closing(RowLookup(entries, 2)) as lookup:
        row = {"visit_id": cell}
        assert complete([row], JOIN, lookup) == [clear]
        assert row == {"visit_id": cell, **taken}


def test_an_error_of_the_rows_comes_through() -> None:
    """And leaves nothing open: an open file would be a warning, and warnings are errors here."""

    def entries() -> Iterator[Entry]:
        yield Entry("V1", None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        RowLookup(entries(), 1)


def test_memory_does_not_grow_with_the_rows() -> None:
    """Python keeps nothing of 200,000 rows; SQLite keeps its cache."""
    tracemalloc.start()
    try:
        with closing(RowLookup((Entry(f"V{number}", ("P" * 20, "")) for number in range(200_000)), 2)) as lookup:
            assert lookup.find(["V7"]) == {"V7": ("P" * 20, "")}
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
