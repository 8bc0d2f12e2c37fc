"""marshmallow fields for dates and times that went through a spreadsheet: `3/14/2024`, `2024-03-14 09:05:07`.

A month-first date with slashes is the store's own; what two calendars read differently is refused, not guessed.
A time is kept as text in one spelling, `2024-03-14 09:05:07`, as far as the store states it: times of one precision
sort and compare as they are, and no time zone is supposed.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError, fields

from his_adapters.native_fields import Key, cleaned, kind, refuse

_NOTHING = {"none", "null", "nan", "nat"}
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DASHES = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?")
_OLDEST = 1850
"""The store's oldest people were born in 1947: a year before this is a slip (`10-02-0035`)."""


class SpreadsheetDate(fields.Field[date | None]):
    """`M/D/YYYY`, `YYYY-MM-DD`, or a re-saved `MM-DD-YYYY` that can be read in one way only; a time is left out."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | None:
        text = stated(value)
        return day_of(text.partition(" ")[0].partition("T")[0]) if text else None


class ClockTime(fields.Field[str | None]):
    """A date with a time of day as `YYYY-MM-DD HH:MM:SS`; without seconds or time where the store has none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        text = stated(value)
        if text is None:
            if self.required:
                raise refuse("missing", "the time is empty")
            return None
        return time_of(text)


def stated(value: object) -> str | None:
    """A text, or None for the store's ways to say nothing."""
    text = cleaned(value)
    return None if text is None or text.casefold() in _NOTHING else text


@lru_cache(maxsize=50_000)
def day_of(text: str) -> date:
    """A calendar day. Raises ValidationError."""
    if found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _SLASHES.fullmatch(text):
        month, day, year = map(int, found.groups())
    elif found := _DASHES.fullmatch(text):
        month, day, year = map(int, found.groups())
        if month > 12:
            month, day = day, month
        elif day <= 12 and day != month:
            raise refuse("ambiguous-date", "day and month can be read in two ways")
    else:
        raise refuse("not-a-date", f"{kind(text)} is not a date as M/D/YYYY or YYYY-MM-DD")
    if year < _OLDEST:
        raise refuse("not-a-date", f"the year is before {_OLDEST}")
    try:
        return date(year, month, day)
    except ValueError:
        raise refuse("not-a-date", "no such day in the calendar") from None


def time_of(text: str) -> str:
    """A time in its one spelling. Raises ValidationError."""
    if len(text) == 19 and text[10] == " " and text[:4].isdigit() and text >= "1850":
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise refuse("not-a-time", "no such day in the calendar, or time of the day") from None
        return text
    head, blank, clock = text.partition("T") if "T" in text else text.partition(" ")
    day = day_of(head).isoformat()
    if not blank:
        return day
    found = _CLOCK.fullmatch(clock.strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        raise refuse("not-a-time", f"{kind(text)} is not a time as YYYY-MM-DD HH:MM:SS")
    return f"{day} {int(found[1]):02d}:{found[2]}" + (f":{found[3]}" if found[3] else "")


def known_time(text: str | None) -> str | None:
    """A time in its one spelling; None where there is none or it cannot be read."""
    try:
        found = stated(text)
        return time_of(found) if found else None
    except ValidationError:
        return None


class Word(fields.Field[str | None]):
    """A text or native word; the literal `NULL` of a database export says nothing."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        text = cleaned(value)
        return None if text == "NULL" else text


class Number(fields.Field[str | None]):
    """A visit's number as another table's may refer to it: what a spreadsheet made of it (`1849560.0`) is undone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return number_of(Key().deserialize(value))


def number_of(text: str) -> str:
    """A key without the `.0` of a spreadsheet."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text


class Code(Word):
    """A native code: a whole number as text, or what another system wrote in its place (`COM`)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        text = super()._deserialize(value, attr, data, **kwargs)
        return number_of(text) if text else None
