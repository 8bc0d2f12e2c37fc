"""marshmallow fields for dirty native cells: accept what can be read without guessing, say why the rest is refused.

A refusal is `rule: reason` and names the kind of the value, never the value.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

LONGEST_TEXT = 10_000
_TOO_LARGE = Decimal(10) ** 15
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_START = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}")
_NOTHING = {"none", "null", "nan", "nat"}
_PLAIN_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,9})?|\.\d{1,9})")


def kind(value: object) -> str:
    """What a value is, in words that give nothing of it away."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if value is None:
        return "nothing"
    return {int: "a whole number", float: "a floating-point number", bool: "true or false"}.get(
        type(value), f"a {type(value).__name__}"
    )


def refuse(rule: str, reason: str) -> ValidationError:
    """The error of a cell that cannot be used."""
    return ValidationError(f"{rule}: {reason}")


def cleaned(value: object) -> str | None:
    """A text without control characters and outer blanks; None when nothing is left. Numbers become text."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, int) and not isinstance(value, bool):
        text = str(value)
    elif isinstance(value, float):
        raise refuse("not-text", "a floating-point number where text is expected: the original text is lost")
    elif value is None:
        return None
    else:
        raise refuse("not-text", f"{kind(value)} where text is expected")
    if len(text) > LONGEST_TEXT:
        raise refuse("too-long", f"{kind(text)}; at most {LONGEST_TEXT} are read")
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    return text.strip() or None


class Text(fields.Field[str | None]):
    """Free text or a native word, as it stands but for control characters and outer blanks."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        return cleaned(value)


class WordOrAmount(fields.Field[str | None]):
    """A native word or a number as text, for columns that some versions of a HIS fill with one, some with the other."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        return cleaned(repr(value) if isinstance(value, float) else value)


class Key(fields.Field[str]):
    """A native key: text, never a number that was text (`07603108`, `122e2091`), never absent."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = cleaned(value)
        if text is None:
            raise refuse("missing", "the key is empty")
        if len(text) > 255 or "\n" in text:
            raise refuse("not-a-key", f"{kind(text)} cannot be a key")
        return text


class IsoDate(fields.Field[date | None]):
    """A calendar date `YYYY-MM-DD`, or a date and time of which the date counts."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | None:
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        text = cleaned(value)
        if text is None or text.casefold() in _NOTHING:
            return None
        if with_time := _ISO_START.match(text):
            text = with_time[1]
        if not _ISO_DATE.fullmatch(text):
            raise refuse("not-a-date", f"{kind(value)} is not a date as YYYY-MM-DD")
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise refuse("not-a-date", "no such day in the calendar") from None


class Amount(fields.Field[Decimal | None]):
    """A decimal number, exact. Thousands separators and currency signs are refused, not guessed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal | None:
        number = _number(value)
        if number is None and self.required:
            raise refuse("missing", "the number is empty")
        return number


class WholeNumber(fields.Field[int | None]):
    """A whole number; `12.0` counts as 12."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | None:
        number = _number(value)
        if number is None:
            if self.required:
                raise refuse("missing", "the number is empty")
            return None
        if number != number.to_integral_value():
            raise refuse("not-a-whole-number", "a fraction where a whole number is expected")
        return int(number)


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool | bytes | list | dict):
        raise refuse("not-a-number", f"{kind(value)} where a number is expected")
    if isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, int | Decimal):
        number = Decimal(value)
    else:
        text = cleaned(value)
        if text is None or text.casefold() in _NOTHING:
            return None
        if not _PLAIN_NUMBER.fullmatch(text):
            raise refuse("not-a-number", f"{kind(value)} is not a plain decimal number")
        number = Decimal(text)
    if not number.is_finite() or abs(number) >= _TOO_LARGE:
        raise refuse("not-a-number", "the number is not finite or too large")
    return number
