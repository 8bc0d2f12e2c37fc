"""Quantity parameters: a number with an optional unit. UCUM's units are converted to base units, others compared.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import inf, nextafter
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, or_

from gateway.search import units
from gateway.search.fhirpath import Sink
from gateway.search.parameter_types.terms import Condition, Rows, Term, invalid, split, unescape
from gateway.search.parameters import SearchParameter, row_key
from gateway.search.tables import QUANTITY

MODIFIERS: tuple[str, ...] = ()

_LEAST, _MOST = -sys.float_info.max, sys.float_info.max
"""Where ranges begin or end that are open: finite, so that cursors can hold them."""
NO_RANGE = _MOST, _LEAST
"""Of a value that has no number, so that it is not missing: it ends before it begins, and matches nothing."""
_NO_UNIT = "", "", ""

CURRENCY = "urn:iso:std:iso:4217"
_FORMS = ("number", "number|system|code", "number||code")
_NUMBER = re.compile(r"([a-z]{2})?([+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_UNKNOWN_PREFIX = re.compile(r"([a-z]{2})[+\-\d]")
_OPEN = {"<": (True, False), "<=": (True, False), ">": (False, True), ">=": (False, True)}


def indexer(parameter: SearchParameter) -> Sink:
    """Rows for a Quantity and its kinds, Money, a Range, SampledData."""
    key, in_base = _keys(parameter)

    def index(value: Any, rows: Rows) -> None:
        low, high, unit = _measured(value) if type(value) is dict else (None, None, _NO_UNIT)
        _add(rows, key, in_base, low, high, unit)

    return index


def _measured(value: dict[str, Any]) -> tuple[Any, Any, tuple[str, str, str]]:
    """The lowest and the highest number, None without one, and the unit."""
    if "low" in value or "high" in value:
        low, high = value.get("low", {}), value.get("high", {})
        return low.get("value", _LEAST), high.get("value", _MOST), _unit(low or high)
    if "origin" in value:
        points = _points(value)
        return min(points, default=None), max(points, default=None), _unit(value["origin"])
    below, above = _OPEN.get(value.get("comparator", ""), (False, False))
    number = value.get("value")
    return _LEAST if below else number, _MOST if above else number, _unit(value)


def _keys(parameter: SearchParameter) -> tuple[int, int]:
    """Of the rows in the units of the resources, and of those in base units."""
    name = f"{parameter.resource_type}.{parameter.code}"
    return row_key(name), row_key(f"{name}:base")


def add_number(rows: Rows, key: int, value: Any) -> None:
    """A row for a number without a unit."""
    _add(rows, key, key, value, value, _NO_UNIT)


def _add(rows: Rows, key: int, in_base: int, low: Any, high: Any, unit: tuple[str, str, str]) -> None:
    try:
        rows.quantity.append((key, max(float(low), _LEAST), min(float(high), _MOST), *unit))
    except (TypeError, ValueError, OverflowError):
        rows.quantity.append((key, *NO_RANGE, *_NO_UNIT))
        return
    if unit[0] == units.UCUM and (converted := _converted(low, high, unit[1])):
        rows.quantity.append((in_base, *converted))


@lru_cache(maxsize=65536)
def _converted(low: float, high: float, code: str) -> tuple[float, float, str, str, str] | None:
    """A range in base units, and these; None where the unit is not known."""
    known = units.unit(code)
    if known is None:
        return None
    bounds = [bound if bound in (_LEAST, _MOST) else _based(Decimal(str(bound)), known) for bound in (low, high)]
    return bounds[0], bounds[1], "", known.base, ""


def _based(number: Decimal, unit: units.Unit) -> float:
    """A number in base units: exact until it is rounded, so that equal quantities are equal."""
    return _float(Fraction(number) * unit.factor + unit.offset)


def _float(number: Decimal | Fraction) -> float:
    try:
        return max(_LEAST, min(float(number), _MOST))
    except OverflowError:
        return _MOST if number > 0 else _LEAST


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
    key, in_base = _keys(parameter)
    match unit:
        case []:
            return Term(QUANTITY, key, condition, _bounds(condition, low, high, _float), 6)
        case ["", code] if code:
            return Term(QUANTITY, key, _CODED[condition], (*_bounds(condition, low, high, _float), code), 6)
        case [units.UCUM, code] if known := units.unit(code):
            bounds = _bounds(condition, low, high, lambda number: _based(number, known))
            return Term(QUANTITY, in_base, _FULL[condition], (*bounds, known.base, ""), 6)
        case [system, code] if system and code:
            return Term(QUANTITY, key, _FULL[condition], (*_bounds(condition, low, high, _float), code, system), 6)
    raise invalid(parameter.code, text, "is not a quantity", _FORMS)


def number_term(parameter: SearchParameter, text: str) -> Term:
    """A number without a unit. Raises InvalidParameter."""
    condition, low, high = range_of(parameter, text)
    return Term(QUANTITY, _keys(parameter)[0], condition, _bounds(condition, low, high, _float), 6)


def range_of(parameter: SearchParameter, text: str) -> tuple[Condition, Decimal, Decimal]:
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
        return CONDITIONS[prefix or "eq"], number - half, number + half
    margin = abs(number) / 10 if prefix == "ap" else Decimal(0)
    return CONDITIONS[prefix], number - margin, number + margin


def _bounds(
    condition: Condition, low: Decimal, high: Decimal, rounded: Callable[[Decimal], float]
) -> tuple[float, float]:
    """The bounds as the index has numbers. One with more digits than these is in its own range all the same."""
    if condition in (within, not_within):
        return rounded(low), max(rounded(high), nextafter(rounded((low + high) / 2), inf))
    return rounded(low), rounded(high)


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
    return and_(rows.c.low > values[1], rows.c.low <= rows.c.high)


def ends_below(rows: FromClause, values: Values) -> ColumnElement[bool]:
    return and_(rows.c.high < values[0], rows.c.low <= rows.c.high)


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
