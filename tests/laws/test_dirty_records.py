"""Native rows with any value in any cell are mapped to valid R4 or refused with a reason, and never raise.

Rows of the simulators are spoiled by Hypothesis, written as native files, and read by the real adapters.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from his_adapters import installed
from his_adapters.base import Checkpoint, Record, Rejected
from mappers.fhir.check import check, judge
from tests.his_adapters.contract import opened, simulated
from tests.laws.native_files import Row, read_rows, tables_in, write_rows
from tests.mappers.mapped import mapped

ROWS = 20
"""Spoiled rows an example."""

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=20),
    st.text(max_size=40),
    st.sampled_from(
        [
            *("", " ", "None", "NULL", "nan", "N/A", "-", "0", "-1", "1e999", "NaN", "1,250.00", "₹ 100", "Infinity"),
            *("2023-02-30", "0035-10-02", "9999-12-31", "2023-1-1", "01/02/2023", "2023-01-01T10:00:00Z", "0000-00-00"),
            *("{'phone': '0164', 'email': None}", "{'a': ", "[1, 2", "[]", "{}", '{"phone": 5}', "a, b, c, d", ", ,"),
            *(
                "Yes",
                "no",
                "TRUE",
                "1",
                "Critical",
                "treating",
                "Stage I",
                "120/80",
                "120/",
                "/80",
                "999999/1",
                "Insurance",
            ),
            *("Mr. Dr.", "Dr.", "(Sibling)", "x (y) (z)", "a@b", "\x00\x01", "é" * 20_000, "a" * 300, "🏥", "\ud800"),
            *("12345678", "122e2091", "../../etc/passwd", "<script>", "'; DROP TABLE patients; --", "line\nbreak"),
        ]
    ),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.sampled_from(["phone", "email", "id", "first", "text"]), st.text(max_size=5), max_size=3),
)

SPOILED = st.lists(
    st.tuples(
        st.integers(0, 10_000),  # which row
        st.lists(st.tuples(st.integers(0, 10_000), CELLS), max_size=6),  # which cells, and what stands there
        st.booleans(),  # whether a cell is taken out
    ),
    min_size=ROWS,
    max_size=ROWS,
)


def _spoil(row: Row, cells: list[tuple[int, Any]], *, remove: bool) -> Row:
    """The row with some of its leaves replaced, at any depth."""
    made: Row = _copied(row)
    for place, value in cells:
        inside: Any = made
        while True:
            names = list(inside)
            name = names[place % len(names)]
            if isinstance(inside[name], dict) and inside[name] and place % 3:
                inside = inside[name]
                continue
            inside[name] = value
            break
    if remove and len(made) > 1:
        made.pop(list(made)[cells[0][0] % len(made)] if cells else next(iter(made)))
    return made


def _copied(value: Any) -> Any:
    return {name: _copied(each) for name, each in value.items()} if isinstance(value, dict) else value


@pytest.fixture(scope="module", params=installed())
def hospital(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A source with a small sound store."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    simulated(name, folder, "seed", patients=30)
    return name, folder


def _dirty(hospital: tuple[str, Path], examples: int) -> Counter[str]:
    """Run the law over `examples` times ROWS dirty rows a stream; how the rows ended."""
    adapter, folder = hospital
    files = sorted(path for path in folder.iterdir() if path.is_file())
    tables = [(path, table) for path in files for table in tables_in(path)]
    sound = {(path, table): read_rows(path, table) for path, table in tables}
    ended: Counter[str] = Counter()

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(choice=st.integers(0, len(tables) - 1), spoiled=SPOILED)
    def law(choice: int, spoiled: list[tuple[int, list[tuple[int, Any]], bool]]) -> None:
        path, table = tables[choice]
        whole = sound[path, table]
        rows = [_spoil(whole[place % len(whole)], cells, remove=remove) for place, cells, remove in spoiled]
        # A column that no row of an example has left would be a store without it: a clear error, tested elsewhere.
        write_rows(path, table, [*rows, whole[0]])
        try:
            told = list(opened(adapter, folder).read(table.lower(), None))
        finally:
            write_rows(path, table, whole)
        assert isinstance(told[-1], Checkpoint)
        assert len(told) - 1 == ROWS + 1
        for each in told[:-1]:
            ended[_outcome(adapter, each)] += 1

    law()
    return ended


def _outcome(adapter: str, told: object) -> str:
    if isinstance(told, Rejected):
        assert told.problems
        return "rejected"
    if not isinstance(told, Record):
        return "skipped"
    one = mapped(adapter, told)
    if any(check(made) for made in one.own + one.shared):
        return "quarantined"
    for made in one.own:
        assert judge(made) == [], made["resourceType"]
    return "mapped"


def test_dirty_rows_are_mapped_or_refused(hospital: tuple[str, Path]) -> None:
    """Any cell may hold anything: no exception, no row lost, and the second judge agrees with what is mapped."""
    ended = _dirty(hospital, 15)
    assert ended["mapped"] > 0
    assert ended["rejected"] + ended["quarantined"] > 0


@pytest.mark.soak
def test_ten_thousand_dirty_rows_are_mapped_or_refused(hospital: tuple[str, Path]) -> None:
    assert sum(_dirty(hospital, 10_000 // ROWS).values()) >= 10_000
