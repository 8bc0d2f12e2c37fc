"""Events as bytes, on their way from the reading process to the writing one.

What comes by the hundred goes as plain tuples: pickle takes thrice as long for tuples with a class of their own.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from gateway.store.writer import Content
from gateway.sync.events import BadRow, Draft, Event, MappedRow, NativeRow, Rows, UnchangedRow

_KINDS: tuple[type[NativeRow], ...] = (MappedRow, BadRow, UnchangedRow)
_CONTENT = len(Content._fields)


def packed(event: Event) -> bytes:
    """An event as bytes."""
    whole: Any = event
    if isinstance(event, Rows):
        whole = (event.stream, [_row(row) for row in event.rows], event.skipped, event.index)
    return pickle.dumps(whole, protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(data: bytes) -> Event:
    """The event again. The bytes have to be our own."""
    whole: Any = pickle.loads(data)  # noqa: S301
    if type(whole) is tuple:
        stream, rows, skipped, index = whole
        return Rows(stream, [_native(*row) for row in rows], skipped, index)
    event: Event = whole
    return event


def _row(row: NativeRow) -> tuple[int, tuple[Any, ...]]:
    if isinstance(row, MappedRow):
        return 0, (*row[:4], _drafts(row.own), _drafts(row.shared), row.issues)
    return _KINDS.index(type(row)), tuple(row)


def _native(kind: int, row: tuple[Any, ...]) -> NativeRow:
    if kind:
        return _KINDS[kind](*row)
    key, locator, digest, holds_until, own, shared, issues = row
    return MappedRow(key, locator, digest, holds_until, _made(own), _made(shared), issues)


def _drafts(drafts: Sequence[Draft]) -> list[tuple[Any, ...]]:
    return [(*draft.content, *draft[1:]) for draft in drafts]


def _made(drafts: Sequence[tuple[Any, ...]]) -> list[Draft]:
    return [Draft(Content(*draft[:_CONTENT]), *draft[_CONTENT:]) for draft in drafts]
