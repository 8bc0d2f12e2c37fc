"""What parsed values of all types have in common: terms, escapes, the sink of index rows. Knows no type.

https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, FromClause, Table

from gateway.outcomes import InvalidParameter

Condition = Callable[[FromClause, Sequence[BindParameter[Any]]], ColumnElement[bool]]
"""Which rows of a table match, given one bound value for each of the term's values."""

_SHOWN = 80


class Term(NamedTuple):
    """One value of a search: the rows of `table` under `key` for which `condition` holds."""

    table: Table
    key: int | str
    """The `row_key` of the index rows; the resource type for what stands in the store's own table."""
    condition: Condition
    values: tuple[Any, ...]
    rank: int
    """How few resources it is likely to match: terms of low rank are tried first."""


Place = tuple[str, str, str, int]
"""Where a reference leads: id and type ("" and the URL of what is elsewhere; "" twice for nowhere), then value and
`system_key` of the identifier that it carries ("" and 0 for none)."""


@dataclass(slots=True)
class Rows:
    """Index rows of one resource while they are collected, without its pk; each list is named after its table."""

    string: list[tuple[int, str, str]]
    token: list[tuple[int, str, str]]
    date: list[tuple[int, int, int]]
    quantity: list[tuple[int, float, float, str, str, str]]
    uri: list[tuple[int, str]]
    reference: list[tuple[Place, int]]


def invalid(code: str, text: str, why: str, choices: tuple[str, ...] = ()) -> InvalidParameter:
    """The error for a value that has a wrong form."""
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return InvalidParameter(code, f"{shown!r} {why}", choices)


def split(text: str, separator: str) -> list[str]:
    """Parts between separators that are not escaped; escapes stay."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return parts


_ESCAPE = re.compile(r"\\([\\,|$])")


def unescape(text: str) -> str:
    r"""Resolve `\,`, `\|`, `\$` and `\\`; any other backslash stands for itself."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text
