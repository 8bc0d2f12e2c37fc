"""Date parameters: every date is a range of the precision it states, compared as FHIR's prefixes say.

Ranges are half open, in ms since 1970; what has no zone is UTC.
https://hl7.org/fhir/R4/search.html#date, https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, false, or_

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types.terms import Condition, Rows, Term, invalid
from gateway.search.parameters import SearchParameter, row_key
from gateway.search.tables import DATE
from gateway.store import RESOURCE

MODIFIERS: tuple[str, ...] = ()

BEGINNING, END = -(2**62), 2**62
"""Where ranges begin or end that are open."""
NO_RANGE = END + 1, BEGINNING - 1
"""Of a value that has no range, so that it is not missing: it ends before it begins, and matches nothing."""

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+\- ]\d\d:\d\d)?)?)?)?", re.ASCII
)
_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400_000
_FORM = "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][Z|±hh:mm]"
_PREFIXED = re.compile(r"([a-z]{2})?(.*)", re.DOTALL)


@lru_cache(maxsize=8192)
def span(text: str) -> tuple[int, int] | None:
    """The range of a date or time of any precision; None when it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        if hour is None:
            return _days(int(year), int(month) if month else None, int(day) if day else None)
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError:
        return None
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    offset = _offset(zone or "Z")
    if hours > 23 or minutes > 59 or seconds > 60 or offset is None:  # FHIR lets a leap second pass
        return None
    low = days * _DAY + hours * 3_600_000 + minutes * 60_000 + seconds * 1000 - offset
    if fraction is not None:
        low += int(fraction[:3].ljust(3, "0"))
        return low, low + 10 ** max(0, 3 - len(fraction))
    return low, low + (1000 if second else 60_000)


def _days(year: int, month: int | None, day: int | None) -> tuple[int, int]:
    first = date(year, month or 1, day or 1).toordinal()
    if day:
        last = first + 1
    elif month:
        last = first + monthrange(year, month)[1]
    else:
        last = first + 365 + isleap(year)
    return (first - _EPOCH) * _DAY, (last - _EPOCH) * _DAY


def _offset(zone: str) -> int | None:
    """In ms. An unescaped `+` of a URL arrives as a space."""
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        return None
    return (-1 if zone[0] == "-" else 1) * (hours * 60 + minutes) * 60_000


def indexer(parameter: SearchParameter) -> Sink:
    """Rows for a date, dateTime, instant, Period or Timing."""
    key = row_key(f"{parameter.resource_type}.{parameter.code}")

    def index(value: Any, rows: Rows) -> None:
        found = span(value) if type(value) is str else _outer(value) if type(value) is dict else None
        rows.date.append((key, *(found or NO_RANGE)))

    return index


def _outer(value: dict[str, Any]) -> tuple[int, int] | None:
    """The range of a Period; for a Timing its outer limits only, as FHIR says."""
    if "start" in value or "end" in value:
        low, high = BEGINNING, END
        if type(value.get("start")) is str and (start := span(value["start"])):
            low = start[0]
        if type(value.get("end")) is str and (end := span(value["end"])):
            high = end[1]
        return (low, high) if low < high else None
    repeat = value.get("repeat")
    spans = [found for event in value.get("event", ()) if type(event) is str and (found := span(event))]
    if type(repeat) is dict and type(repeat.get("boundsPeriod")) is dict and (bounds := _outer(repeat["boundsPeriod"])):
        spans.append(bounds)
    return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A date with an optional prefix. Raises InvalidParameter."""
    del base, modifier
    prefix, low, high = _parse(parameter, text)
    key = row_key(f"{parameter.resource_type}.{parameter.code}")
    return Term(DATE, key, CONDITIONS[prefix], (low, high), 4 if prefix in ("eq", "ap") else 7)


def last_updated_term(parameter: SearchParameter, resource_type: str, text: str) -> Term:
    """`_lastUpdated`: the store's own column. Raises InvalidParameter."""
    prefix, low, high = _parse(parameter, text)
    return Term(RESOURCE, resource_type, _LAST_UPDATED[prefix], (low, high), 8)


def _parse(parameter: SearchParameter, text: str) -> tuple[str, int, int]:
    found = _PREFIXED.fullmatch(text)
    prefix, rest = found.groups() if found else (None, text)
    if prefix is not None and prefix not in CONDITIONS:
        raise invalid(parameter.code, text, f"begins with {prefix!r}, which is no prefix", tuple(CONDITIONS))
    bounds = span(rest)
    if bounds is None:
        raise invalid(parameter.code, text, "is not a date", (_FORM,))
    low, high = bounds
    if prefix == "ap":  # FHIR proposes a tenth of the distance from now
        now = int(datetime.now(UTC).timestamp() * 1000)
        margin = abs(now - (low + high) // 2) // 10
        low, high = low - margin, high + margin
    return prefix or "eq", low, high


Values = Sequence[BindParameter[Any]]


def within(rows: FromClause, values: Values) -> ColumnElement[bool]:
    # That `low` is below the end follows; said again, it bounds the index range.
    return and_(rows.c.low >= values[0], rows.c.low < values[1], rows.c.high <= values[1])


def not_within(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return or_(rows.c.low < values[0], rows.c.high > values[1])


def reaches_after(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.high > values[1]


def reaches_before(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.low < values[0]


def within_or_after(rows: FromClause, values: Values) -> ColumnElement[bool]:
    # "After, or within" in a form whose first part bounds the index range.
    return and_(rows.c.high > values[0], or_(rows.c.high > values[1], rows.c.low >= values[0]))


def within_or_before(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return and_(rows.c.low < values[1], or_(rows.c.low < values[0], rows.c.high <= values[1]))


def starts_after(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return and_(rows.c.low >= values[1], rows.c.low <= rows.c.high)


def ends_before(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return and_(rows.c.high <= values[0], rows.c.low <= rows.c.high)


def overlaps(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return and_(rows.c.low < values[1], rows.c.high > values[0])


CONDITIONS: dict[str, Condition] = {
    "eq": within,
    "ne": not_within,
    "gt": reaches_after,
    "lt": reaches_before,
    "ge": within_or_after,
    "le": within_or_before,
    "sa": starts_after,
    "eb": ends_before,
    "ap": overlaps,
}


def _on_column(compare: Callable[[ColumnElement[int], Values], ColumnElement[bool]]) -> Condition:
    """An instant in ms is a range of one ms: the conditions above in terms of its beginning."""
    return lambda rows, values: and_(compare(rows.c.updated, values), rows.c.deleted == false())


_LAST_UPDATED: dict[str, Condition] = {
    "eq": _on_column(lambda at, v: and_(at >= v[0], at < v[1])),
    "ne": _on_column(lambda at, v: or_(at < v[0], at >= v[1])),
    "gt": _on_column(lambda at, v: at >= v[1]),
    "lt": _on_column(lambda at, v: at < v[0]),
    "ge": _on_column(lambda at, v: at >= v[0]),
    "le": _on_column(lambda at, v: at < v[1]),
    "sa": _on_column(lambda at, v: at >= v[1]),
    "eb": _on_column(lambda at, v: at < v[0]),
    "ap": _on_column(lambda at, v: and_(at >= v[0], at < v[1])),
}
