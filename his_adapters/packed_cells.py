"""Parses cells that hold several values: dict-like or JSON text, `phone; email`, `Name (Relation)`, `City, State, Country`.

Nothing is evaluated and nothing is guessed: a text in no known shape gives nothing. Knows no HIS.
"""

from __future__ import annotations

import re

LONGEST_CELL = 2_000
"""A longer cell is not taken apart: no contact or address needs so much."""
_NOTHING = {"", "-", "none", "null", "nan", "n/a"}
_EMAIL = re.compile(r"[^\s;,<>()\"']+@[^\s;,<>()\"']+")
_SEPARATORS = " \t\r\n;,|/<>"
_RELATION = re.compile(r"\(([^()]*)\)$")


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
