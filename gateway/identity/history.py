"""The events that a record's person comes from: what happened when, by what or whom, and why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import orjson

from gateway.store.sql import Sql

_EVENTS = (
    "SELECT seq, time, kind, actor, reason, person, other, model, weight, detail FROM identity_event WHERE seq IN"
    " (SELECT seq FROM identity_move WHERE record IN (??)"
    " UNION SELECT seq FROM identity_ruling WHERE first IN (??)"
    " UNION SELECT seq FROM identity_ruling WHERE second IN (??)) ORDER BY seq"
)


class Event(NamedTuple):
    """One event. The time in ms since 1970 UTC."""

    seq: int
    time: int
    kind: str
    actor: str
    reason: str
    person: str | None
    other: str | None
    """A merge: the person that was retired; a parting: the person that the records went to."""
    model: int | None
    weight: float | None
    detail: Any


def events_of(sql: Sql, records: Collection[str]) -> list[Event]:
    """The events that moved any of these records or ruled about them, oldest first."""
    names = list(records)
    rows = sql.rows(_EVENTS, names, names, names) if names else ()
    return [Event._make((*row[:-1], None if row[-1] is None else orjson.loads(row[-1]))) for row in rows]
