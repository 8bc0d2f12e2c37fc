"""Packed cells: taken apart without evaluating and without guessing."""

from __future__ import annotations

import json
import warnings
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from his_adapters.packed_cells import (
    LONGEST_CELL,
    city_state_country,
    is_packed,
    name_and_relation,
    phone_and_email,
    unpacked,
)
from his_adapters.tabular import folded

CONTACTS = [
    pytest.param("0164478899231; a@b.co", ("0164478899231", "a@b.co"), id="semicolon"),
    pytest.param("0164478899231, a@b.co", ("0164478899231", "a@b.co"), id="comma"),
    pytest.param("a@b.co; 0164478899231", ("0164478899231", "a@b.co"), id="other order"),
    pytest.param("001-203-630-7557x3593, j@b.co", ("001-203-630-7557x3593", "j@b.co"), id="extension"),
    pytest.param("(203) 630-7557", ("(203) 630-7557", None), id="only a phone"),
    pytest.param("; a@b.co", (None, "a@b.co"), id="only an e-mail"),
    pytest.param("None, None", (None, None), id="nothing"),
    pytest.param("ask the desk", (None, None), id="words"),
    pytest.param("1; a@b.co; c@d.co", (None, "a@b.co"), id="two e-mails make the rest doubtful"),
    pytest.param(None, (None, None), id="no cell"),
    pytest.param("7" * (LONGEST_CELL + 1), (None, None), id="too long"),
]


@pytest.mark.parametrize(("cell", "expected"), CONTACTS)
def test_phone_and_email(cell: str | None, expected: tuple[str | None, str | None]) -> None:
    assert phone_and_email(cell) == expected


PEOPLE = [
    pytest.param("Erica Cobb (Sibling)", ("Erica Cobb", "Sibling"), id="both"),
    pytest.param("Mrs. Erica O'Neil MD", ("Mrs. Erica O'Neil MD", None), id="name only"),
    pytest.param("Erica (Kiki) Cobb (Friend)", ("Erica (Kiki) Cobb", "Friend"), id="nickname"),
    pytest.param("(Sibling)", (None, "Sibling"), id="relation only"),
    pytest.param("Erica Cobb (None)", ("Erica Cobb", None), id="no relation"),
    pytest.param("None", (None, None), id="nothing"),
]


@pytest.mark.parametrize(("cell", "expected"), PEOPLE)
def test_name_and_relation(cell: str, expected: tuple[str | None, str | None]) -> None:
    assert name_and_relation(cell) == expected


PLACES = [
    pytest.param("East Timfurt, Nevada, Estonia", ("East Timfurt", "Nevada", "Estonia"), id="three"),
    pytest.param(
        "Rome, Utah, Holy See (Vatican City State)", ("Rome", "Utah", "Holy See (Vatican City State)"), id="parentheses"
    ),
    pytest.param("Rome, , Korea, South", ("Rome", None, "Korea, South"), id="comma in the country"),
    pytest.param("Rome, Italy", (None, None, None), id="two parts are not told apart"),
    pytest.param("", (None, None, None), id="empty"),
]


@pytest.mark.parametrize(("cell", "expected"), PLACES)
def test_city_state_country(cell: str, expected: tuple[str | None, ...]) -> None:
    assert city_state_country(cell) == expected


DICTS = [
    pytest.param("{'phone': '0164', 'email': 'a@b.co'}", {"phone": "0164", "email": "a@b.co"}, id="Python"),
    pytest.param('{"phone": "0164", "email": null}', {"phone": "0164", "email": None}, id="JSON"),
    pytest.param(
        "{'name': \"Pat O'Neil\", 'relation': None}", {"name": "Pat O'Neil", "relation": None}, id="apostrophe"
    ),
    pytest.param(r"{'name': 'Pat O\'Neil \u2013 x'}", {"name": "Pat O'Neil \u2013 x"}, id="escapes"),
    pytest.param("  {'Postal Code': 74214, }", {"postalcode": 74214}, id="folded key, number, last comma"),
    pytest.param('{"name": "\\ud800\\udc00"}', {"name": "\U00010000"}, id="a JSON surrogate pair"),
    pytest.param("{}", {}, id="empty"),
    pytest.param('{"name": {"first": "Pat"}}', {"name": {"first": "Pat"}}, id="nested JSON is left to the caller"),
]


@pytest.mark.parametrize(("cell", "expected"), DICTS)
def test_dicts_are_unpacked(cell: str, expected: dict[str, object]) -> None:
    assert is_packed(cell)
    assert unpacked(cell) == expected


BROKEN = [
    pytest.param("{'phone': '0164', 'ema", id="cut off"),
    pytest.param("{" * 1000, id="a thousand deep"),
    pytest.param("{'a': " * 300 + "1" + "}" * 300, id="nested"),
    pytest.param("{'phone': }", id="no value"),
    pytest.param("{'phone': __import__('os').getcwd()}", id="code"),
    pytest.param("{'phone': 0164}", id="a number with a leading zero"),
    pytest.param("{'phone': 1if 2 else 3}", id="a text at which Python's parser warns"),
    pytest.param(r"{'phone': '\d'}", id="an escape at which Python's parser warns"),
    pytest.param(r"{'phone': '\U00110000'}", id="no such character"),
    pytest.param("{'phone', 'email'}", id="a set"),
    pytest.param("[1]", id="a list"),
    pytest.param("{'phone': '" + "1" * LONGEST_CELL + "'}", id="too long"),
]


@pytest.mark.parametrize("cell", BROKEN)
def test_what_is_no_flat_dict_is_refused(cell: str) -> None:
    """With a rule and without the value."""
    with pytest.raises(ValidationError) as refused:
        unpacked(cell)
    assert str(refused.value.messages[0]).partition(": ")[0] in {"not-unpacked", "too-long"}
    assert "0164" not in str(refused.value)


PARTS = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=20), max_size=5
)


@given(PARTS)
def test_what_python_or_json_writes_is_read_back(parts: dict[str, object]) -> None:
    """repr() and json.dumps() of a flat dict lose nothing."""
    for text in (repr(parts), json.dumps(parts)):
        assert unpacked(text) == {folded(key): value for key, value in parts.items()}


@given(st.text(alphabet="{}[]():,;'\"\\ @.0aNonex\n\x00\ud800é") | st.text())
def test_no_cell_raises_anything_else(cell: str) -> None:
    """Nor does Python's parser warn, which would print a patient's text."""
    phone_and_email(cell)
    name_and_relation(cell)
    city_state_country(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with suppress(ValidationError):
            unpacked(cell)
