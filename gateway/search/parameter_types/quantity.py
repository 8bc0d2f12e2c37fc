"""Quantity parameters: a number with an optional unit. Units are compared, not converted.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, or_

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types.terms import Condition, Rows, Term, invalid, split, unescape
from gateway.search.parameters import SearchParameter, row_key
from gateway.search.tables import QUANTITY

MODIFIERS: tuple[str, ...] = ()

_LEAST, _MOST = -sys.float_info.max, sys.float_info.max
"""Where ranges begin or end that are open: finite, so that cursors can hold them."""

CURRENCY = "urn:iso:std:iso:4217"
_FORMS = ("number", "number|system|code", "number||code")
_NUMBER = re.compile(r"([a-z]{2})?([+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_UNKNOWN_PREFIX = re.compile(r"([a-z]{2})[+\-\d]")
_OPEN = {"<": (True, False), "<=": (True, False), ">": (False, True), ">=": (False, True)}


def indexer(parameter: SearchParameter) -> Sink:
    """Rows for a Quantity and its kinds, Money, a Range, SampledData."""
    key = row_key(f"{parameter.resource_type}.{parameter.code}")

    def index(value: Any, rows: Rows) -> None:
        if type(value) is not dict:
            return
        if "low" in value or "high" in value:
            low, high = value.get("low", {}), value.get("high", {})
            unit = _unit(low or high)
            _add(rows, key, low.get("value", _LEAST), high.get("value", _MOST), unit)
        elif "origin" in value:
            if points := _points(value):
                _add(rows, key, min(points), max(points), _unit(value["origin"]))
        elif "value" in value:
            below, above = _OPEN.get(value.get("comparator", ""), (False, False))
            number = value["value"]
            _add(rows, key, _LEAST if below else number, _MOST if above else number, _unit(value))

    return index


def add_number(rows: Rows, key: int, value: Any) -> None:
    """A row for a number without a unit."""
    _add(rows, key, value, value, ("", "", ""))


def _add(rows: Rows, key: int, low: Any, high: Any, unit: tuple[str, str, str]) -> None:
    try:
        rows.quantity.append((key, max(float(low), _LEAST), min(float(high), _MOST), *unit))
    except (TypeError, ValueError, OverflowError):
        return  # not a number: there is nothing to find it by


def _unit(value: dict[str, Any]) -> tuple[str, str, str]:
    if "currency" in value:
        return CURRENCY, str(value["currency"]), ""
    return str(value.get("system", "")), str(value.get("code", "")), str(value.get("unit", ""))


def _points(value: dict[str, Any]) -> list[float]:
    """The measured values of SampledData; E, L and U stand for values that are not known."""
    origin, factor = float(value["origin"].get("value", 0)), float(value.get("factor", 1))
    data = str(value.get("data", "")).split()
    return [origin + factor * float(point) for point in data if point not in ("E", "L", "U")]


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A number with an optional prefix and unit. Raises InvalidParameter."""
    del base, modifier
    number, *unit = [unescape(part) for part in split(text, "|")]
    condition, low, high = range_of(parameter, number)
    key = row_key(f"{parameter.resource_type}.{parameter.code}")
    match unit:
        case []:
            return Term(QUANTITY, key, condition, (low, high), 6)
        case ["", code] if code:
            return Term(QUANTITY, key, _CODED[condition], (low, high, code), 6)
        case [system, code] if system and code:
            return Term(QUANTITY, key, _FULL[condition], (low, high, code, system), 6)
    raise invalid(parameter.code, text, "is not a quantity", _FORMS)


def range_of(parameter: SearchParameter, text: str) -> tuple[Condition, float, float]:
    """The condition of a prefix, and the bounds of a number as precise as it is written. Raises InvalidParameter."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        unknown = _UNKNOWN_PREFIX.match(text)
        if unknown and unknown.group(1) not in CONDITIONS:
            raise invalid(
                parameter.code, text, f"begins with {unknown.group(1)!r}, which is no prefix", tuple(CONDITIONS)
            )
        raise invalid(parameter.code, text, "is not a number")
    prefix, digits = found.groups()
    if prefix is not None and prefix not in CONDITIONS:
        raise invalid(parameter.code, text, f"begins with {prefix!r}, which is no prefix", tuple(CONDITIONS))
    number = Decimal(digits)
    if prefix in (None, "eq", "ne"):
        half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
        return CONDITIONS[prefix or "eq"], float(number - half), float(number + half)
    margin = abs(number) / 10 if prefix == "ap" else Decimal(0)
    return CONDITIONS[prefix], float(number - margin), float(number + margin)


Values = Sequence[BindParameter[Any]]


def within(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return and_(rows.c.low >= values[0], rows.c.low < values[1], rows.c.high < values[1])


def not_within(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return or_(rows.c.low < values[0], rows.c.high >= values[1])


def reaches_above(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.high > values[1]


def reaches_below(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.low < values[0]


def at_or_above(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.high >= values[1]


def at_or_below(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.low <= values[0]


def starts_above(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.low > values[1]


def ends_below(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return rows.c.high < values[0]


def overlaps(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return and_(rows.c.low <= values[1], rows.c.high >= values[0])


CONDITIONS: dict[str, Condition] = {
    "eq": within,
    "ne": not_within,
    "gt": reaches_above,
    "lt": reaches_below,
    "ge": at_or_above,
    "le": at_or_below,
    "sa": starts_above,
    "eb": ends_below,
    "ap": overlaps,
}


def _with_code(condition: Condition) -> Condition:
    """With a code or a unit, of any system."""
    return lambda rows, values: and_(condition(rows, values), or_(rows.c.code == values[2], rows.c.unit == values[2]))


def _with_system(condition: Condition) -> Condition:
    return lambda rows, values: and_(condition(rows, values), rows.c.code == values[2], rows.c.system == values[3])


_CODED = {condition: _with_code(condition) for condition in CONDITIONS.values()}
_FULL = {condition: _with_system(condition) for condition in CONDITIONS.values()}
