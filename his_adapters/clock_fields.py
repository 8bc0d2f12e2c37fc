"""marshmallow fields for times of day and local timestamps, which some stores have: read, never guessed, no zone added.

The zone is the hospital's (`SourceConfig.timezone`); the mapper adds it.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any

from marshmallow import fields

from his_adapters.native_fields import cleaned, kind, refuse

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?")
_TIMESTAMP = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\S+))?")
_NOTHING = {"none", "null", "nan", "nat"}


class TimeOfDay(fields.Field[time | None]):
    """A time of day as `HH:MM` or `HH:MM:SS`; fractions of a second do not count."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time | None:
        if isinstance(value, time):
            return value.replace(microsecond=0, tzinfo=None)
        text = cleaned(value)
        return None if text is None or text.casefold() in _NOTHING else _time(text, value)


class LocalTimestamp(fields.Field[datetime | date | None]):
    """A date with a time of day on the hospital's clock; a date alone stays one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime | date | None:
        if isinstance(value, datetime):
            if value.tzinfo is not None:
                raise refuse("not-a-timestamp", "a timestamp with a zone where one of the hospital's clock is expected")
            return value.replace(microsecond=0)
        if isinstance(value, date):
            return value
        text = cleaned(value)
        if text is None or text.casefold() in _NOTHING:
            return None
        found = _TIMESTAMP.fullmatch(text)
        if found is None:
            raise refuse("not-a-timestamp", f"{kind(value)} is not a date and time as YYYY-MM-DD HH:MM:SS")
        try:
            day = date.fromisoformat(found[1])
        except ValueError:
            raise refuse("not-a-timestamp", "no such day in the calendar") from None
        return datetime.combine(day, _time(found[2], value)) if found[2] else day


def _time(text: str, value: object) -> time:
    found = _TIME.fullmatch(text)
    if found is None:
        raise refuse("not-a-time", f"{kind(value)} has no time of day as HH:MM:SS")
    return time(int(found[1]), int(found[2]), int(found[3] or 0))
