"""CSV files: everything is text, every row is told once, and what would lose rows is an error of the file.

https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapters.base import (
    Checkpoint,
    Column,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceConfigError,
    SourceName,
    SourceTransientError,
)
from his_adapters.csv_files import CsvAdapter
from his_adapters.csv_rows import _WINDOWS_PUNCTUATION, CsvFormat, CsvRow, header_of, rows_of
from his_adapters.tabular import Dataset


@dataclass(frozen=True, slots=True)
class Row:
    """A bill of the tests."""

    row_id: str
    note: str | None
    amount: Decimal | None


DATASET = Dataset("rows", "row_id", Row, {"remark": "note"}, strict=frozenset({"amount"}))
HEADER = b"row_id,note,amount\n"
NO_OPTIONS: Mapping[str, Any] = {}


def adapter(folder: Path, options: Mapping[str, Any] = NO_OPTIONS) -> CsvAdapter:
    return CsvAdapter(SourceConfig(SourceName("site"), "tests", path=folder, options=options), [DATASET])


def told(folder: Path, content: bytes, options: Mapping[str, Any] = NO_OPTIONS) -> list[Record | Rejected | Skipped]:
    """What is read of a file, which must be complete."""
    (folder / "rows.csv").write_bytes(content)
    found = list(adapter(folder, options).read("rows", None))
    assert found[-1] == Checkpoint(complete=True)
    assert (folder / "rows.csv").read_bytes() == content
    return [each for each in found if not isinstance(each, Checkpoint)]


def outline(each: Record | Rejected | Skipped) -> tuple[Any, ...]:
    """Kind, place and what matters of one row."""
    place = each.locator.partition(":")[2]
    if isinstance(each, Record):
        return (place, *each.key, each.data.note, *(note.rule for note in each.notes))
    if isinstance(each, Rejected):
        return (place, *each.key, *(problem.rule for problem in each.problems))
    return (place, each.reason)


FILES = [
    pytest.param(b"07603108,a,1\n122e2091,b,2\n", [("2", "07603108", "a"), ("3", "122e2091", "b")], id="ids are text"),
    pytest.param(b"1,None,1\n2,NA,1\n", [("2", "1", "None"), ("3", "2", "NA")], id="None and NA are words"),
    pytest.param(b'1,"x\ny",1\n2,b,1\n', [("2", "1", "x\ny"), ("4", "2", "b")], id="a line break in a cell"),
    pytest.param(b"1,a,1\r\n2,b,1\r\n", [("2", "1", "a"), ("3", "2", "b")], id="CRLF"),
    pytest.param(b"1,a,1\r2,b,1\r", [("2", "1", "a"), ("3", "2", "b")], id="CR"),
    pytest.param(b"1,a,1", [("2", "1", "a")], id="no line break at the end"),
    pytest.param(b'1,"say ""hi""",1\n', [("2", "1", 'say "hi"')], id="doubled quotes"),
    pytest.param(b'1,5" wide,1\n', [("2", "1", '5" wide')], id="a quote inside a bare cell"),
    pytest.param(
        b"1,a,1\n\n , ,\n2,b,1\n",
        [("2", "1", "a"), ("3", "the line is blank"), ("4", "the line is blank"), ("5", "2", "b")],
        id="blank lines",
    ),
    pytest.param(b"1,a\n2,b,1\n", [("2", "1", "wrong-width"), ("3", "2", "b")], id="too few cells"),
    pytest.param(b"1,a,b,1\n2,b,1\n", [("2", "1", "wrong-width"), ("3", "2", "b")], id="too many cells"),
    pytest.param(
        b"1," + b"x" * 200_000 + b",1\n2,b,1\n", [("2", "1", "too-long"), ("3", "2", "b")], id="an endless cell"
    ),
    pytest.param(b"1,a\x00b,1\n", [("2", "1", "ab")], id="NUL"),
    pytest.param(b",a,1\n2,b,1\n", [("2", "missing"), ("3", "2", "b")], id="no key"),
    pytest.param(b"1,a,1e3\n", [("2", "1", "not-a-number")], id="a broken strict cell"),
    pytest.param(
        b"1,caf\xe9 \xe2\x80\x93,1\n2,b,1\n",
        [("2", "1", "caf\ufffd \u2013", "not-in-encoding"), ("3", "2", "b")],
        id="a byte that is not UTF-8",
    ),
    pytest.param(b"caf\xe9,a,1\n", [("2", "not-in-encoding")], id="a key that is not UTF-8"),
    pytest.param(b"1,a,\xe9\n", [("2", "1", "not-a-number", "not-in-encoding")], id="an amount that is not UTF-8"),
    pytest.param(b"1,Women\x92s \x96 Health,1\n", [("2", "1", "Women\u2019s \u2013 Health")], id="Windows punctuation"),
    pytest.param(b"", [], id="only a header"),
]


@pytest.mark.parametrize(("rows", "expected"), FILES)
def test_rows(tmp_path: Path, rows: bytes, expected: list[tuple[Any, ...]]) -> None:
    """Each row of a file, good, bad or blank, is told once and in order, with the line on which it begins."""
    assert [outline(each) for each in told(tmp_path, HEADER + rows)] == expected


ENCODINGS = [
    pytest.param("é \u2013 \u2019".encode("utf-8-sig"), {}, id="byte order mark"),
    pytest.param("é \u2013 \u2019".encode(), {"encoding": "UTF8"}, id="UTF-8 declared"),
    pytest.param("é \u2013 \u2019".encode("cp1252"), {"encoding": "cp1252"}, id="cp1252 declared"),
    pytest.param("é \u2013 \u2019".encode("utf-16"), {"encoding": "utf-16"}, id="UTF-16 declared"),
]


@pytest.mark.parametrize(("text", "options"), ENCODINGS)
def test_a_declared_encoding_is_read(tmp_path: Path, text: bytes, options: Mapping[str, str]) -> None:
    encoding = {"UTF8": "utf-8"}.get(options.get("encoding", ""), options.get("encoding", "utf-8-sig"))
    content = ("row_id,note,amount\n1," + text.decode(encoding) + ",1\n").encode(encoding)
    (found,) = told(tmp_path, content, options)
    assert isinstance(found, Record)
    assert (found.data.note, found.notes) == ("é \u2013 \u2019", ())


def test_windows_punctuation_is_read_alike_by_every_windows_code_page() -> None:
    """The only bytes that are read without a declared encoding mean the same in windows-1250 to windows-1258."""
    for byte in _WINDOWS_PUNCTUATION:
        assert len({bytes([byte]).decode(f"cp125{page}") for page in range(9)}) == 1
        assert not bytes([byte]).decode("latin-1").isprintable()


def test_check_says_that_a_file_needs_an_encoding(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(HEADER + b"1,caf\xe9,1\n")
    assert "rows.csv is not UTF-8" in adapter(tmp_path).check().hint
    assert adapter(tmp_path, {"encoding": "cp1252"}).check().hint == ""
    assert adapter(tmp_path).check().status == "ok"


def test_another_delimiter(tmp_path: Path) -> None:
    (found,) = told(tmp_path, b"row_id;note;amount\n1;a,b;1\n", {"delimiter": ";"})
    assert outline(found) == ("2", "1", "a,b")


ROWS = b"".join(b"%d,n,1\n" % number for number in range(1000))
SICK = [
    pytest.param(HEADER + b'1,a,1\n2,"n,1\n' + ROWS, "quoted cell is not closed", "rows.csv:3", id="unclosed quote"),
    pytest.param(
        HEADER + b'1,"x\ny",1\n2,"z\n3,"n",1\n', "quoted cell is not closed", "rows.csv:4", id="closed in another row"
    ),
    pytest.param(
        HEADER + b'1,"x\n"",\ny","n\n' + ROWS, "quoted cell is not closed", "rows.csv:4", id="second cell unclosed"
    ),
    pytest.param(HEADER + b'1,a,1\n2,"n', "quoted cell is not closed", "rows.csv:3", id="cut in a quoted cell"),
    pytest.param(HEADER + b"1,a,1\n2,n", "in the middle of a row", "rows.csv:3", id="cut in a row"),
    pytest.param(HEADER + b"1," + b"x" * (1 << 20), "a line is longer", "rows.csv:2", id="an endless line"),
    pytest.param(b"", "no header", "rows.csv", id="empty file"),
    pytest.param(b"\n1,a,1\n", "no header", "rows.csv", id="blank header"),
    pytest.param(b'"row_id" x,a\n', "header is not CSV", "rows.csv", id="broken header"),
    pytest.param(b"1,a,1\n2,b,1\n", "column row_id is missing", "rows.csv", id="rows without a header"),
    pytest.param(b"row_id,note,NOTE\n1,a,b\n", "column note is there twice", "rows.csv", id="repeated column"),
    pytest.param(b"row_id;note;amount\n1;a;1\n", "parted by ';'", "rows.csv", id="another delimiter"),
    pytest.param("row_id,note\n1,a\n".encode("utf-16"), "UTF-16", "rows.csv", id="UTF-16"),
]


@pytest.mark.parametrize(("content", "what", "where"), SICK)
def test_a_sick_file_is_an_error_that_says_where(tmp_path: Path, content: bytes, what: str, where: str) -> None:
    """And the read gives no Checkpoint: nothing counts as deleted."""
    (tmp_path / "rows.csv").write_bytes(content)
    found = []
    with pytest.raises(SourceConfigError) as raised:
        found.extend(adapter(tmp_path).read("rows", None))
    assert what in raised.value.what
    assert raised.value.where.endswith(where)
    assert raised.value.hint
    assert not [each for each in found if isinstance(each, Checkpoint)]


BROKEN_LINES = [
    pytest.param(b'1,"a" b,1\n2,b,1\n', [("2", "1", "not-csv"), ("3", "2", "b")], id="a quote that ends too early"),
    pytest.param(b'"1" x,a,1\n2,b,1\n', [("2", "not-csv"), ("3", "2", "b")], id="a key that is no CSV"),
]


@pytest.mark.parametrize(("rows", "expected"), BROKEN_LINES)
def test_a_broken_line_costs_its_row_and_the_checkpoint(
    tmp_path: Path, rows: bytes, expected: list[tuple[Any, ...]]
) -> None:
    """The rows after it are told; which row the line was is unknown, so nothing counts as deleted."""
    (tmp_path / "rows.csv").write_bytes(HEADER + rows)
    found: list[Any] = []
    with pytest.raises(SourceConfigError, match=r"a quote is not balanced: .*rows\.csv:2 "):
        found.extend(adapter(tmp_path).read("rows", None))
    assert [outline(each) for each in found] == expected


def test_a_repeated_column_that_is_not_read_does_no_harm(tmp_path: Path) -> None:
    (found,) = told(tmp_path, b"row_id,x,x,,\n1,a,b,,\n")
    assert isinstance(found, Record)


def test_columns_and_files_that_nobody_reads_are_told(tmp_path: Path) -> None:
    """One without a name by its place; of a file without a header, that it is there."""
    (tmp_path / "rows.csv").write_bytes(b"Row ID,remark,,amount\n")
    (tmp_path / "PARKING.CSV").write_bytes(b"place\nA1\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "notes.txt").touch()
    assert adapter(tmp_path).columns() == [
        Column("rows", "Row ID", "row_id"),
        Column("rows", "remark", "note"),
        Column("rows", "column 3"),
        Column("rows", "amount", "amount"),
        Column("PARKING", "place"),
        Column("empty", "*"),
    ]


def test_the_right_spelling_wins_over_another_one(tmp_path: Path) -> None:
    (found,) = told(tmp_path, b"remark,Row ID,note\nalias,1,canonical\n")
    assert outline(found) == ("2", "1", "canonical")


OPTIONS = [
    pytest.param({"delimiter": ";;"}, id="two characters"),
    pytest.param({"delimiter": '"'}, id="a quote"),
    pytest.param({"delimiter": 5}, id="a number"),
    pytest.param({"encoding": "klingon"}, id="no such encoding"),
    pytest.param({"encoding": "hex"}, id="no text encoding"),
    pytest.param({"encoding": 1252}, id="an encoding that is a number"),
]


@pytest.mark.parametrize("options", OPTIONS)
def test_senseless_options_are_said(tmp_path: Path, options: Mapping[str, Any]) -> None:
    (tmp_path / "rows.csv").write_bytes(HEADER)
    health = adapter(tmp_path, options).check()
    assert health.status == "config"
    assert "options" in health.hint


def test_a_file_is_found_in_any_case_and_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "ROWS.CSV").write_bytes(HEADER)
    assert adapter(tmp_path).check().status == "ok"
    assert adapter(tmp_path / "ROWS.CSV").check().status == "config"
    (tmp_path / "ROWS.CSV").unlink()
    (tmp_path / "rows.csv").mkdir()
    assert "folder" in adapter(tmp_path).check().message


def test_a_file_that_changes_while_it_is_read_is_not_complete(tmp_path: Path) -> None:
    """The hospital writes on: what was read counts, what was not seen is not deleted."""
    path = tmp_path / "rows.csv"
    path.write_bytes(HEADER + ROWS)
    reading = adapter(tmp_path).read("rows", None)
    assert isinstance(next(reading), Record)
    with path.open("ab") as file:
        file.write(b"x,n,1\n")
    found = []
    with pytest.raises(SourceTransientError, match="changed while it was read"):
        found.extend(reading)
    assert found
    assert not [each for each in found if isinstance(each, Checkpoint)]


def test_the_token_knows_how_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(HEADER)
    assert adapter(tmp_path).change_token("rows") != adapter(tmp_path, {"encoding": "cp1252"}).change_token("rows")


def test_digests_tell_rows_apart_and_not_lines(tmp_path: Path) -> None:
    """An exact repeat has the same digest; other cells, or other columns for the same cells, have another."""
    first, again, other = told(tmp_path, HEADER + b"1,a,1\n1,a,1\n1,b,1\n")
    (renamed,) = told(tmp_path, b"row_id,comment,amount\n1,a,1\n")
    wide = told(tmp_path, HEADER + b"1,a,1,x\n1,a,1,y\n")
    told_apart = [each for each in (first, again, other, renamed, *wide) if not isinstance(each, Skipped)]
    assert told_apart[0].digest == told_apart[1].digest
    assert len({each.digest for each in told_apart}) == 5


def test_rows_are_estimated_from_the_first_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(HEADER + b'1,"a\nb",1\n' * 30)
    assert adapter(tmp_path).streams()[0].estimated_rows == 30
    (tmp_path / "rows.csv").write_bytes(HEADER + b"1234567,abcdefghij,10\n" * 100_000)
    assert adapter(tmp_path).streams()[0].estimated_rows == pytest.approx(100_000, rel=0.01)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Ten times the rows need no more memory."""

    def peak(rows: int) -> int:
        (tmp_path / "rows.csv").write_bytes(HEADER + b'123,"a\nb",1\n' * rows)
        tracemalloc.start()
        count = sum(1 for _ in adapter(tmp_path).read("rows", None))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows + 1
        return found

    assert peak(20_000) < 1.5 * peak(2_000)


# Python's csv writes a lone CR without quotes where lines end with LF: no reader can know that it is data.
CELLS = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=12)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8)


@given(TABLES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, ...]], end: str, quoted: bool
) -> None:
    """Any cells that Python's csv module writes come back as they were, in both ways of quoting."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([("a", "b", "c"), *table])
    path = tmp_path_factory.getbasetemp() / "table.csv"
    path.write_bytes(out.getvalue().encode())
    assert header_of(path, CsvFormat()) == ["a", "b", "c"]
    rows = list(rows_of(path, CsvFormat()))
    assert [tuple(row.cells) for row in rows] == table
    assert [row.blank for row in rows] == ["".join(cells).strip() == "" for cells in table]


_BREAK = re.compile(r"\r\n|\r|\n")


@given(st.binary(max_size=200) | st.text(alphabet='a,"\n\r\0é', max_size=60).map(str.encode))
def test_any_bytes_are_rows_or_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """No file raises anything but a SourceConfigError, and no line is lost in between."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"a,b\n" + content)
    rows: list[CsvRow] = []
    try:
        rows.extend(rows_of(path, CsvFormat()))
    except SourceConfigError:
        return
    lines = len(path.read_text(encoding="utf-8-sig", errors="replace").split("\n"))  # with universal newlines
    begun = [row.line for row in rows] + [lines + 1]
    assert begun[0] in {2, lines + 1}
    for row, after in zip(rows, begun[1:], strict=True):
        breaks = 0 if row.fault == "not-csv" else sum(len(_BREAK.findall(cell)) for cell in row.cells)
        assert after - row.line == 1 + breaks or (after == lines + 1 and lines - row.line == 1 + breaks)
