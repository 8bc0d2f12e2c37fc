"""The hospital's clock as FHIR dateTimes and instants: the zone of the configuration is added, never guessed.

https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from mappers.base import MappingContext, MappingReport


def date_time(
    moment: datetime | date | None, context: MappingContext, report: MappingReport, element: str
) -> str | None:
    """A dateTime; a date alone where nobody knows which zone's clock it was, and reported."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        return moment.isoformat()
    zoned = _zoned(moment, context)
    if zoned is None:
        report.add("approximated", element, "the time of day is left out: its zone is not known")
        return moment.date().isoformat()
    return zoned


def instant(
    day: date | None, clock: time | None, context: MappingContext, report: MappingReport, element: str
) -> str | None:
    """An instant of a day and a time of day; None, reported, where one of them or the zone is not known."""
    if day is None or clock is None:
        return None
    zoned = _zoned(datetime.combine(day, clock), context)
    if zoned is None:
        report.add("dropped", element, "a time of day whose zone is not known is no instant")
    return zoned


def _zoned(moment: datetime, context: MappingContext) -> str | None:
    if context.timezone is None:
        return None
    there = moment.replace(tzinfo=_zone(context.timezone))
    offset = there.utcoffset()
    # Before railway time, offsets had seconds, which FHIR cannot say.
    return None if offset is None or offset.total_seconds() % 60 else there.isoformat()


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
