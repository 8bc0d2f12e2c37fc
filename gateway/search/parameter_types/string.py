"""String parameters: names, addresses, plain text; case and accents never count, unless `:exact` says so.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types.terms import Rows, Term, invalid, unescape
from gateway.search.parameters import SearchParameter, row_key
from gateway.search.tables import STRING

MODIFIERS = ("contains", "exact")

# Every part of a HumanName or an Address is a value of its own.
_PARTS = frozenset(
    ("text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country")
)
# Letters whose stroke or ligature Unicode does not take apart.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}  # noqa: RUF001
)
# Accents of Latin, Greek and Cyrillic, points of Hebrew, marks, hamza and kashida of Arabic: writers leave them out. In
# other scripts combining marks are letters. Then what nobody sees: soft hyphens, joiners, directions.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670"
    "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_LAST = "\U0010ffff"

LONGEST = 300
"""How much of a string is indexed, in characters: PostgreSQL's index rows are bounded."""
_KEPT = LONGEST + 1
"""One more than can be asked for: a longer string is never taken for an exact match."""


@lru_cache(maxsize=65536)
def normalize(text: str) -> str:
    """The form in which strings are compared: no case, no accents, single spaces."""
    if text.isascii():
        lowered = text.lower()
    else:
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()))
        lowered = unicodedata.normalize("NFC", plain).translate(_LETTERS)
    return " ".join(lowered.split())


def indexer(parameter: SearchParameter) -> Sink:
    """Rows for a string, or for each part of a name or an address."""
    key = row_key(f"{parameter.resource_type}.{parameter.code}")

    def index(value: Any, rows: Rows) -> None:
        is_there = False
        for part in parts(value) if type(value) is dict else (value,) if type(value) is str else ():
            is_there |= add(key, part, rows)
        if not is_there:
            rows.string.append((key, "", ""))  # it is not missing

    return index


def parts(value: dict[str, Any]) -> list[str]:
    """The strings in a HumanName or an Address."""
    found: list[str] = []
    for name, part in value.items():
        if name in _PARTS:
            if type(part) is list:
                found += [item for item in part if type(item) is str]
            elif type(part) is str:
                found.append(part)
    return found


def add(key: int, text: str, rows: Rows) -> bool:
    """A row for one string, if it has a letter."""
    normal = normalize(text)
    if not normal:
        return False
    if len(normal) > _KEPT or len(text) > _KEPT:
        normal, text = normal[:_KEPT], text[:_KEPT]
    rows.string.append((key, normal, text))
    return True


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A value: by default what a string begins with. Raises InvalidParameter."""
    del base
    key = row_key(f"{parameter.resource_type}.{parameter.code}")
    return term_under(key, parameter.code, modifier, unescape(text))


def term_under(key: int, code: str, modifier: str, text: str) -> Term:
    """The same for strings that stand under another key."""
    normal = normalize(text)
    if not normal:
        raise invalid(code, text, "has no letter to search for")
    if len(text) > LONGEST or len(normal) > LONGEST:
        raise invalid(code, text, f"is longer than {LONGEST} characters")
    if modifier == "exact":
        return Term(STRING, key, exact, (normal, text), 2)
    if modifier == "contains":
        pattern = normal.replace("/", "//").replace("%", "/%").replace("_", "/_")
        return Term(STRING, key, contains, (f"%{pattern}%",), 9)
    return Term(STRING, key, prefix, (normal, after(normal)), 3)


def after(text: str) -> str:
    """The least string, in code point order, above all that begin with `text`."""
    text = text.rstrip(_LAST)
    if not text:
        return _LAST * 2
    last = ord(text[-1]) + 1
    return text[:-1] + chr(0xE000 if last == 0xD800 else last)  # surrogates are no characters


def prefix(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return and_(rows.c.value >= values[0], rows.c.value < values[1])


def exact(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return and_(rows.c.value == values[0], rows.c.exact == values[1])


def contains(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return rows.c.value.like(values[0], escape="/")
