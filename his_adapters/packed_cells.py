"""Parses cells that hold several values: dict-like or JSON text, `phone; email`, `Name (Relation)`, places in one line.

Nothing is evaluated and nothing is guessed: a text in no known shape gives nothing. Knows no HIS.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from his_adapters.native_fields import kind, refuse
from his_adapters.tabular import folded

LONGEST_CELL = 2_000
"""A longer cell is not taken apart: no contact or address needs so much."""
_NOTHING = {"", "-", "none", "null", "nan", "n/a"}
_EMAIL = re.compile(r"[^\s;,<>()\"']+@[^\s;,<>()\"']+")
_SEPARATORS = " \t\r\n;,|/<>"
_RELATION = re.compile(r"\(([^()]*)\)$")

# Only what this grammar accepts is handed to ast.literal_eval: flat dicts of plain literals, written as repr() does.
# So nothing can nest deeply, and Python's parser never warns about the text of a patient on standard error. Halves of a
# surrogate pair are JSON's way to write a character.
_ESCAPE = r"\\(?:[\\'\"nrtabfv]|x[0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
_STRING = rf"(?:'(?:[^'\\\r\n\0]|{_ESCAPE})*+'|\"(?:[^\"\\\r\n\0]|{_ESCAPE})*+\")"
_LITERAL = rf"(?:{_STRING}|None|True|False|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?=[\s,}}]))"
_PAIR = rf"{_STRING}\s*+:\s*+{_LITERAL}\s*+"
_FLAT_DICT = re.compile(rf"\{{\s*+(?:{_PAIR}(?:,\s*+{_PAIR})*+(?:,\s*+)?+)?+\}}", re.ASCII)


def is_packed(text: str) -> bool:
    """Whether a cell is meant as a dict or a JSON object."""
    return text.lstrip().startswith("{")


def unpacked(text: str) -> dict[str, Any]:
    """The values of a dict-like (`{'phone': None}`) or JSON cell by their folded keys.

    Raises ValidationError when it is neither, or too long to be taken apart.
    """
    if len(text) > LONGEST_CELL:
        raise refuse("too-long", f"{kind(text)}; at most {LONGEST_CELL} are taken apart")
    text = text.strip()
    found = _literal_dict(text)
    if found is None:
        found = _json_object(text)
    if found is None:
        raise refuse("not-unpacked", f"{kind(text)} is neither a flat dict of literals nor a JSON object")
    return {folded(key): value for key, value in found.items()}


def _literal_dict(text: str) -> dict[str, Any] | None:
    if not _FLAT_DICT.fullmatch(text):
        return None
    try:
        found: dict[str, Any] = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def phone_and_email(text: str | None) -> tuple[str | None, str | None]:
    """`phone, email` in either order and with any separator; either may be missing. A phone has a digit."""
    if text is None or len(text) > LONGEST_CELL:
        return None, None
    found = _EMAIL.search(text)
    rest = text[: found.start()] + text[found.end() :] if found else text
    phone = rest.strip(_SEPARATORS)
    if "@" in phone or not any(letter.isdigit() for letter in phone):
        phone = ""
    return phone or None, found[0] if found else None


def name_and_relation(text: str | None) -> tuple[str | None, str | None]:
    """`Name (Relation)`; a text without a relation at its end is a name."""
    if text is None or len(text) > LONGEST_CELL:
        return None, None
    text = text.strip()
    found = _RELATION.search(text)
    return stated_part(text[: found.start()] if found else text), stated_part(found[1]) if found else None


def city_state_country(text: str | None) -> tuple[str | None, str | None, str | None]:
    """`City, State, Country`. Fewer parts say nothing: which of them is missing would be a guess."""
    parts = text.split(",", 2) if text is not None and len(text) <= LONGEST_CELL else []
    if len(parts) != 3:
        return None, None, None
    city, state, country = map(stated_part, parts)
    return city, state, country


def stated_part(text: str) -> str | None:
    """A part without outer blanks and separators; None for the words that say nothing."""
    part = text.strip(_SEPARATORS)
    return None if part.casefold() in _NOTHING else part
