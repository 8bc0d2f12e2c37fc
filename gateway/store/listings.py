"""What people ask the store about: sources, streams, quarantine and data-quality issues, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import bindparam, func, or_, select

from gateway.store.snapshot import Query, Snapshot
from gateway.store.tables import ISSUE, QUARANTINE, RESOURCE, SOURCE, STREAM


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the last run of a stream found. Times in ms since 1970 UTC."""

    name: str
    rows_read: int
    mapped: int
    quarantined: int
    skipped: int
    synced_at: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the last run of a source found."""

    name: str
    status: str
    """`ok`, `config` or `transient`, as of its Health."""
    error: str | None
    hint: str | None
    synced_at: int | None
    streams: tuple[StreamState, ...] = ()


@dataclass(frozen=True, slots=True)
class NativeProblem:
    """One reason for which a row is in quarantine."""

    element: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One native row that could not be used."""

    id: int
    source: str
    stream: str
    key: str
    """Canonical JSON of the native key."""
    locator: str
    element: str
    rule: str
    reason: str
    """Of its first problem."""
    problems: tuple[NativeProblem, ...]
    first_seen: int
    last_seen: int
    retries: int
    """How often it was mapped again, in vain."""


@dataclass(frozen=True, slots=True)
class IssueEntry:
    """One data-quality finding of a row that was mapped."""

    id: int
    source: str
    stream: str
    key: str
    locator: str
    resource_type: str | None
    resource_id: str | None
    code: str
    element: str
    detail: str


_ENTRY = [
    getattr(QUARANTINE.c, name)
    for name in (
        *("id", "source", "stream_name", "key", "locator", "element", "rule", "reason"),
        *("problems", "first_seen", "last_seen", "retries"),
    )
]
_ISSUE = [
    getattr(ISSUE.c, name)
    for name in (
        *("id", "source", "stream_name", "key", "locator", "resource_type", "resource_id"),
        *("code", "element", "detail"),
    )
]


class Listings:
    """The compiled questions."""

    def __init__(self, dialect: str) -> None:
        page: dict[str, Any] = {"limit": bindparam("limit"), "offset": bindparam("offset")}
        any_source = "source_given", "source"
        self._counts = Query(
            select(RESOURCE.c.source, RESOURCE.c.type, func.count())
            .where(RESOURCE.c.deleted.is_(False))
            .group_by(RESOURCE.c.source, RESOURCE.c.type),
            dialect,
        )
        r = RESOURCE.c
        self._bodies = Query(
            select(r.pk, r.body)
            .where(
                r.source == bindparam("source"),
                r.deleted.is_(False),
                r.type == bindparam("type"),
                r.pk > bindparam("after"),
            )
            .order_by(r.pk)
            .limit(bindparam("limit")),
            dialect,
        )
        s, t = SOURCE.c, STREAM.c
        self._quarantined = Query(select(QUARANTINE.c.source, func.count()).group_by(QUARANTINE.c.source), dialect)
        self._sources = Query(
            select(s.name, s.status, s.error, s.hint, s.synced_at).order_by(s.name),
            dialect,
        )
        self._streams = Query(
            select(t.name, t.rows_read, t.mapped, t.quarantined, t.skipped, t.synced_at, t.error)
            .where(t.source == bindparam("source"))
            .order_by(t.pk),
            dialect,
        )
        self._quarantine = Query(
            select(*_ENTRY)
            .where(_equal_if(QUARANTINE.c.source, *any_source))
            .order_by(QUARANTINE.c.id)
            .limit(page["limit"])
            .offset(page["offset"]),
            dialect,
        )
        self._entry = Query(select(*_ENTRY).where(QUARANTINE.c.id == bindparam("id")), dialect)
        self._issues = Query(
            select(*_ISSUE)
            .where(_equal_if(ISSUE.c.source, *any_source), _equal_if(ISSUE.c.code, "code_given", "code"))
            .order_by(ISSUE.c.id)
            .limit(page["limit"])
            .offset(page["offset"]),
            dialect,
        )

    def counts(self, snapshot: Snapshot) -> dict[str, dict[str, int]]:
        """How many resources are served, by source and type."""
        found: dict[str, dict[str, int]] = {}
        for source, resource_type, count in snapshot.all(self._counts):
            found.setdefault(source, {})[resource_type] = count
        return found

    def quarantined(self, snapshot: Snapshot) -> dict[str, int]:
        """How many native rows are in quarantine, by source."""
        return {source: count for source, count in snapshot.all(self._quarantined)}  # noqa: C416 - rows are no pairs

    def bodies(
        self, snapshot: Snapshot, source: str, resource_type: str, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """The number and body of a source's resources of a type, in the order of their numbers."""
        rows = snapshot.all(self._bodies, source=source, type=resource_type, after=after, limit=limit)
        return [(pk, bytes(body)) for pk, body in rows]

    def sources(self, snapshot: Snapshot) -> list[SourceState]:
        """Every source that was ever synced, by name."""
        return [
            replace(
                SourceState(*row),
                streams=tuple(StreamState(*each) for each in snapshot.all(self._streams, source=row[0])),
            )
            for row in snapshot.all(self._sources)
        ]

    def quarantine(self, snapshot: Snapshot, source: str | None, limit: int, offset: int) -> list[QuarantineEntry]:
        """Entries in the order in which they came."""
        rows = snapshot.all(self._quarantine, **_given("source", source), limit=limit, offset=offset)
        return [_entry(row) for row in rows]

    def quarantine_entry(self, snapshot: Snapshot, entry_id: int) -> QuarantineEntry | None:
        """One entry by its number."""
        row = snapshot.one(self._entry, id=entry_id)
        return None if row is None else _entry(row)

    def issues(
        self, snapshot: Snapshot, source: str | None, code: str | None, limit: int, offset: int
    ) -> list[IssueEntry]:
        """Findings in the order in which they came."""
        given = {**_given("source", source), **_given("code", code)}
        return [IssueEntry(*row) for row in snapshot.all(self._issues, **given, limit=limit, offset=offset)]


def _equal_if(column: Any, given: str, name: str) -> Any:
    return or_(bindparam(given) == 0, column == bindparam(name))


def _given(name: str, value: str | None) -> dict[str, Any]:
    return {f"{name}_given": 0 if value is None else 1, name: value or ""}


def _entry(row: tuple[Any, ...]) -> QuarantineEntry:
    problems = tuple(NativeProblem(*each) for each in orjson.loads(row[8]))
    return QuarantineEntry(*(*row[:8], problems, *row[9:]))
