"""Events as bytes, on their way from the reading process to the writing one.

What comes by the hundred goes as plain tuples: pickle takes thrice as long for tuples with a class of their own, and
marshal half as long as pickle. Marshal refuses all that has a class, such as a decimal: that is pickled.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from gateway.store.writer import Content
from gateway.sync.events import BadRow, CheckedRow, CheckedRows, Draft, Event, MappedRow, Rows, UnchangedRow

_Row = MappedRow | CheckedRow | BadRow | UnchangedRow
_KINDS: tuple[type[_Row], ...] = (MappedRow, CheckedRow, BadRow, UnchangedRow)
_CONTENT = len(Content._fields)
_ROWS, _CHECKED = range(2)


def packed(event: Event | CheckedRows) -> bytes:
    """An event as bytes."""
    whole: Any = event
    if isinstance(event, Rows):
        rows, shared = [_row(row) for row in event.rows], _drafts(event.shared)
        whole = (_ROWS, event.stream, rows, event.skipped, shared, event.index)
    elif isinstance(event, CheckedRows):
        rows, shared = [_row(row) for row in event.rows], _drafts(event.shared)
        whole = (_CHECKED, event.stream, event.pk, rows, event.skipped, shared)
    with suppress(ValueError):
        return marshal.dumps(whole)
    return pickle.dumps(whole, protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(data: bytes) -> Any:
    """The event again. The bytes have to be our own."""
    whole: Any = pickle.loads(data) if data.startswith(pickle.PROTO) else marshal.loads(data)  # noqa: S301, S302
    if type(whole) is not tuple:
        return whole
    kind, *said = whole
    if kind == _ROWS:
        stream, rows, skipped, shared, index = said
        return Rows(stream, [_native(*row) for row in rows], skipped, _made(shared), index)
    stream, pk, rows, skipped, shared = said
    return CheckedRows(stream, pk, [_native(*row) for row in rows], skipped, _made(shared))


def _row(row: _Row) -> tuple[int, tuple[Any, ...]]:
    if isinstance(row, MappedRow):
        return 0, (*row[:4], _drafts(row.own), row.issues)
    return _KINDS.index(type(row)), tuple(row)


def _native(kind: int, said: tuple[Any, ...]) -> Any:
    if kind:
        return _KINDS[kind](*said)
    key, locator, digest, holds_until, own, issues = said
    return MappedRow(key, locator, digest, holds_until, _made(own), issues)


def _drafts(drafts: Sequence[Draft]) -> list[tuple[Any, ...]]:
    return [(*draft.content, *draft[1:]) for draft in drafts]


def _made(drafts: Sequence[tuple[Any, ...]]) -> list[Draft]:
    return [Draft(Content(*draft[:_CONTENT]), *draft[_CONTENT:]) for draft in drafts]
