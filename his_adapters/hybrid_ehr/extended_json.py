"""MongoDB's Extended JSON, canonical, relaxed and of the first version, as plain values. Knows no hospital.

Numbers become int or Decimal, ObjectIds their hex digits, dates aware datetimes in UTC. What has no plain value (code,
binary, a broken wrapper) stays the object it is, which no field accepts.
https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEEPEST = 12
"""Levels of a document that are looked at; a note has three."""


def plain(value: Any, depth: int = 0) -> Any:
    """A value without its wrappers, at any depth that a note may have."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [plain(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, inside),) = value.items()
        if unwrap := _WRAPPERS.get(name):
            try:
                return unwrap(inside)
            except (ValueError, TypeError, ArithmeticError):
                return value
    return {name: plain(each, depth + 1) for name, each in value.items()}


def _text(inside: Any) -> str:
    if not isinstance(inside, str):
        raise TypeError
    return inside


def _whole(inside: Any) -> int:
    return int(_text(inside))


def _decimal(inside: Any) -> Decimal:
    return Decimal(_text(inside))


def _moment(inside: Any) -> datetime:
    if isinstance(inside, str):
        read = datetime.fromisoformat(inside)
        if read.tzinfo is None:
            raise ValueError
        return read.astimezone(UTC)
    milliseconds = plain(inside)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        raise TypeError
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _nothing(_inside: Any) -> None:
    return None


_WRAPPERS: Mapping[str, Callable[[Any], Any]] = {
    "$oid": _text,
    "$uuid": _text,
    "$symbol": _text,
    "$numberInt": _whole,
    "$numberLong": _whole,
    "$numberDouble": _decimal,
    "$numberDecimal": _decimal,
    "$date": _moment,
    "$undefined": _nothing,
}
