"""The streaming JSON reader: the same elements as `json.loads`, in any layout and chunk size; every fault is said."""

from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from his_adapters.base import SourceConfigError, SourceTransientError
from his_adapters.json_files import CHUNK, LONGEST, check_ending, elements, file_digest

ROWS = [{"id": "07603108", "name": {"first": "Amanda"}}, {"id": "2", "hb": Decimal("15.20")}, {}]
TEXTS = ['{"id": "07603108", "name": {"first": "Amanda"}}', '{"id": "2", "hb": 15.20}', "{}"]

LAYOUTS = [
    pytest.param("[" + ",".join(TEXTS) + "]", id="array"),
    pytest.param("[\r\n\t" + " ,\n\n".join(TEXTS) + "\n]\n\n", id="blanks everywhere"),
    pytest.param("\n".join(TEXTS) + "\n", id="JSON Lines"),
    pytest.param("\r\n".join(TEXTS), id="JSON Lines, CRLF, last line open"),
    pytest.param("\n\n" + "\n\n\n".join(TEXTS), id="JSON Lines, blank lines"),
    pytest.param("".join(TEXTS), id="objects with nothing between"),
    pytest.param('{"patients": [' + ",".join(TEXTS) + "]}", id="envelope"),
    pytest.param('\n{ "a \\" b" :\n[ ' + ", ".join(TEXTS) + " ] }\n", id="envelope with blanks and an odd name"),
]


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "rows.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _values(path: Path, chunk: int = CHUNK) -> list[Any]:
    return [each.value for each in elements(path, chunk)]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("text", LAYOUTS)
def test_every_layout_tells_the_same(tmp_path: Path, text: str, bom: bytes) -> None:
    path = _file(tmp_path, bom + text.encode())
    for chunk in (1, 7, CHUNK):
        found = list(elements(path, chunk))
        assert [each.value for each in found] == ROWS
        assert [each.number for each in found] == [1, 2, 3]
        assert not any(each.problem for each in found)
    check_ending(path)


@pytest.mark.parametrize("text", ["[]", " [ ] ", '{"patients": []}', '{"patients":[ ] }'])
def test_nothing_in_an_array_is_no_element(tmp_path: Path, text: str) -> None:
    assert _values(_file(tmp_path, text), 1) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text() | st.floats(1e-9, 1e15),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        JSON.filter(lambda value: not isinstance(value, dict)) | st.dictionaries(st.text(), JSON), max_size=5
    ),
    chunk=st.integers(1, 40),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 0, 4]),
)
def test_an_array_is_read_as_json_loads_reads_it(
    rows: list[Any], chunk: int, ascii_only: bool, indent: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: wherever the file is cut into chunks, the objects are those of `json.loads`; other elements are told."""
    text = json.dumps(rows, ensure_ascii=ascii_only, indent=indent)
    path = _file(tmp_path_factory.mktemp("json"), text.encode("utf-8", "replace"))
    expected = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    found = list(elements(path, chunk))
    assert [each.value for each in found] == [each if isinstance(each, dict) else {} for each in expected]
    assert [each.problem is None for each in found] == [isinstance(each, dict) for each in expected]


@settings(max_examples=150, deadline=None)
@given(cut=st.floats(0, 1, exclude_max=True), layout=st.sampled_from([0, 1, 6]), chunk=st.integers(1, 40))
def test_a_file_cut_anywhere_raises(
    cut: float, layout: int, chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: no proper beginning of an array or envelope is taken for a whole file."""
    text = LAYOUTS[layout].values[0]
    assert isinstance(text, str)
    text = text.rstrip()
    path = _file(tmp_path_factory.mktemp("json"), text[: int(cut * len(text))])
    with pytest.raises(SourceConfigError):
        list(elements(path, chunk))


FAULTS = [
    pytest.param("", "empty", 0, id="no bytes"),
    pytest.param("  \n ", "empty", 0, id="blanks"),
    pytest.param("\ufeff", "empty", 0, id="only a BOM"),
    pytest.param("[\n{},\n", "does not end", 3, id="cut after a comma"),
    pytest.param('[\n{"a": "x', "does not end", 2, id="cut in a text"),
    pytest.param('[{"a": [1, 2', "does not end", 1, id="cut in an element"),
    pytest.param("[{}\n", "does not end", 2, id="no bracket"),
    pytest.param('{"a":1}\n{"a":', "does not end", 2, id="JSON Lines cut"),
    pytest.param('{"patients": [{}]\n', "does not end", 2, id="envelope not closed"),
    pytest.param("[{}\n{}]", "Expecting ',' delimiter", 2, id="no comma"),
    pytest.param("[{},\n]", "Expecting value", 2, id="comma at the end"),
    pytest.param("[{'a': 1}]", "Expecting property name", 1, id="single quotes"),
    pytest.param('[{"id": 07603108}]', "Expecting ',' delimiter", 1, id="number with a leading zero"),
    pytest.param("[{}]\n[{}]", "after the end", 2, id="two arrays"),
    pytest.param('{"a": [{}], "b": 1}', "something else", 1, id="more than one key around the array"),
    pytest.param("hello", "neither", 1, id="prose"),
    pytest.param("SQLite format 3\x00\x01", "neither", 1, id="another kind of file"),
    pytest.param("patient_id,name\n1,2", "neither", 1, id="CSV"),
    pytest.param('[{"a": 1}]'.encode("utf-16"), "neither", 1, id="UTF-16"),
    pytest.param("[" + '{"a": "b"},' * 9000 + "\n{a}" + ',{"a": "b"}' * 9000 + "]", "Expecting", 2, id="far inside"),
    pytest.param('[\n\n{"a": "' + "x" * (LONGEST + CHUNK), "does not end", 3, id="cut in an endless text"),
]


@pytest.mark.parametrize(("text", "says", "line"), FAULTS)
def test_a_broken_file_is_said_with_line_and_hint(tmp_path: Path, text: str | bytes, says: str, line: int) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(SourceConfigError, match=says) as caught:
        list(elements(path))
    assert str(path) in caught.value.where
    assert caught.value.hint
    if line:
        assert caught.value.where.endswith(f", line {line}")


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        for look in (check_ending, file_digest, lambda found: list(elements(found))):
            with pytest.raises(SourceConfigError, match=str(path)):
                look(path)


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a', "[{},", '[{"a": 1'])
def test_the_ending_shows_a_cut_file_at_once(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceConfigError, match="does not end"):
        check_ending(_file(tmp_path, text))


def test_a_file_that_changes_meanwhile_is_no_broken_file(tmp_path: Path) -> None:
    """Half of a file that is being written is not the hospital's fault: the next sync will do."""
    path = _file(tmp_path, "[" + ",".join(['{"a": "b"}'] * 20_000))
    read = elements(path, 64)
    next(read)
    path.write_text("[{}")
    with pytest.raises(SourceTransientError, match="changed"):
        list(read)


NUMBERS = [
    pytest.param("12052.340", Decimal("12052.340"), id="digits are kept"),
    pytest.param("0.1", Decimal("0.1"), id="exact"),
    pytest.param("1.2e3", Decimal("1.2E+3"), id="exponent"),
    pytest.param("15", 15, id="whole"),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers_are_exact(tmp_path: Path, text: str, expected: Decimal | int) -> None:
    value = _values(_file(tmp_path, f'[{{"a": {text}}}]'))[0]["a"]
    assert (type(value), str(value)) == (type(expected), str(expected))


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "-Infinity", "1e999999", "1e99999999999999999999", "1e-999999", "0." + "1" * 9000, "9" * 9000],
)
def test_a_number_that_is_none_does_not_stop_the_file(tmp_path: Path, text: str) -> None:
    first, second = _values(_file(tmp_path, f'[{{"a": {text}}}, {{"a": 1}}]'))
    assert not first["a"].is_finite()
    assert second == {"a": 1}


REFUSED = [
    pytest.param("17", "not-an-object", id="number"),
    pytest.param("null", "not-an-object", id="null"),
    pytest.param('["a"]', "not-an-object", id="array"),
    pytest.param('"' + "x" * LONGEST * 2 + '"', "too-long", id="endless text"),
    pytest.param('{"a": "' + "x" * LONGEST + '"}', "too-long", id="a little too long"),
    pytest.param('{"a": "' + '\\\\\\"}]' * (LONGEST // 5) + '"}', "too-long", id="endless text of escapes"),
    pytest.param('{"a": ' * 50_000 + "1" + "}" * 50_000, "too-deep", id="deep objects"),
    pytest.param('{"a": ' + "[" * 200_000 + '"]\\""' + "]" * 200_000 + "}", "too-deep", id="deep arrays"),
]


@pytest.mark.parametrize(("text", "rule"), REFUSED)
def test_an_element_that_cannot_be_read_costs_only_itself(tmp_path: Path, text: str, rule: str) -> None:
    for chunk in (999, CHUNK):
        found = list(elements(_file(tmp_path, f'[{{"a": 1}},\n{text}, {{"a": 3}}]'), chunk))
        assert [each.value for each in found] == [{"a": 1}, {}, {"a": 3}]
        assert [each.problem and each.problem.rule for each in found] == [None, rule, None]


def test_digests_are_of_the_content(tmp_path: Path) -> None:
    """Equal objects have equal digests wherever they stand; others do not, even where nothing can be read."""
    deep = ['{"a": ' * 2000 + digit + "}" * 2000 for digit in "12"]
    found = list(elements(_file(tmp_path, '[{"a": 1}, {"a": 2}, {"a": 1}, ' + f"{deep[0]}, {deep[1]}, {deep[0]}]"), 50))
    first, second, third, *unread = [each.digest for each in found]
    assert first == third != second
    assert unread[0] == unread[2] != unread[1]


def test_bytes_that_are_no_utf8_cost_only_their_character(tmp_path: Path) -> None:
    assert _values(_file(tmp_path, '[{"a": "José"}]'.encode("cp1252"))) == [{"a": "Jos\ufffd"}]


def test_line_breaks_in_texts_and_repeated_keys_are_survived(tmp_path: Path) -> None:
    assert _values(_file(tmp_path, '[{"a": "x\n\ty", "a": "z\n"}]')) == [{"a": "z\n"}]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        file.writelines('{"a": "' + "x" * 500 + '"},\n' for _ in range(20_000))
        file.write("{}]")
    tracemalloc.start()
    count = sum(1 for _ in elements(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_001
    assert peak < 2_000_000 < path.stat().st_size


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    before = file_digest(_file(tmp_path, "[{}]"))
    assert file_digest(_file(tmp_path, "[{}] ")) != before == file_digest(_file(tmp_path, "[{}]"))
