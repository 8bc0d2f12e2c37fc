"""What a resource is and was: read, vread and history over the current and the superseded versions.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, Table, bindparam, false, literal, select, true

from gateway.store.snapshot import Query, Snapshot
from gateway.store.tables import RESOURCE, VERSION

_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a resource. `body` are the bytes to serve; None once deleted."""

    type: str
    id: str
    version: int
    updated: int
    """Milliseconds since 1970 UTC, equal to meta.lastUpdated."""
    deleted: bool
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Change(Stored):
    """A version as an entry of a history."""

    sequence: int
    """Its place among all changes of the store: the key to page by."""
    method: Literal["POST", "PUT", "DELETE"]
    """How a client would have made it: the first version is a create."""


class Versions:
    """The compiled questions about versions."""

    def __init__(self, dialect: str) -> None:
        self._read = Query(select(*_current_columns()).where(*_is_resource()), dialect)
        self._vread = Query(
            select(*_former_columns())
            .join(RESOURCE, RESOURCE.c.pk == VERSION.c.pk)
            .where(*_is_resource(), VERSION.c.version == bindparam("version")),
            dialect,
        )
        self._types = Query(_next_type(), dialect)
        self._of_type = [Query(page, dialect) for page in _pages(_of_type)]
        self._of_resource = [Query(page, dialect) for page in _pages(_of_resource)]

    def read(self, snapshot: Snapshot, resource_type: str, resource_id: str) -> Stored | None:
        """The current version, a deleted one included."""
        row = snapshot.one(self._read, type=resource_type, id=resource_id)
        return None if row is None else _stored(row)

    def vread(self, snapshot: Snapshot, resource_type: str, resource_id: str, version: int) -> Stored | None:
        """One version."""
        with snapshot:
            current = self.read(snapshot, resource_type, resource_id)
            if current is None or current.version == version:
                return current
            row = snapshot.one(self._vread, type=resource_type, id=resource_id, version=version)
        return None if row is None else _stored(row)

    def history(
        self,
        snapshot: Snapshot,
        resource_type: str | None,
        resource_id: str | None,
        *,
        since_ms: int | None,
        at_ms: tuple[int, int] | None,
        before: int | None,
        count: int,
    ) -> list[Change]:
        """At most `count` versions with a sequence below `before`, newest first.

        `since_ms`: committed at or after; `at_ms`: current at some point of this range, whose end is not in it.
        """
        window = {
            "before": _NEVER if before is None else before,
            "since": 0 if since_ms is None else since_ms,
            "made_before": _NEVER if at_ms is None else at_ms[1],
            "replaced_after": -_NEVER if at_ms is None else at_ms[0],
            "count": count,
        }
        with snapshot:
            if resource_id is not None:
                pages = [snapshot.all(q, type=resource_type, id=resource_id, **window) for q in self._of_resource]
            else:
                types = [resource_type] if resource_type is not None else self._all_types(snapshot)
                pages = [snapshot.all(q, type=each, **window) for each in types for q in self._of_type]
        newest = heapq.merge(*pages, key=lambda row: -row[6])
        return [_change(row) for row, _ in zip(newest, range(count), strict=False)]

    def _all_types(self, snapshot: Snapshot) -> list[str]:
        """The resource types stored, by one index seek each."""
        found: list[str] = []
        while (row := snapshot.one(self._types, after=found[-1] if found else "")) is not None:
            found.append(row[0])
        return found


def _stored(row: tuple[Any, ...]) -> Stored:
    return Stored(row[0], row[1], row[2], row[3], bool(row[4]), row[5])


def _change(row: tuple[Any, ...]) -> Change:
    method: Literal["POST", "PUT", "DELETE"] = "DELETE" if row[4] else "POST" if row[2] == 1 else "PUT"
    return Change(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6], method)


def _is_resource() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RESOURCE.c.type == bindparam("type"), RESOURCE.c.id == bindparam("id")


def _of_type(table: Table) -> ColumnElement[bool]:
    return table.c.type == bindparam("type")


def _of_resource(_table: Table) -> ColumnElement[bool]:
    return true() & _is_resource()[0] & _is_resource()[1]


def _current_columns() -> list[ColumnElement[Any]]:
    c = RESOURCE.c
    return [c.type, c.id, c.version, c.updated, c.deleted, c.body, c.sequence]


def _former_columns() -> list[ColumnElement[Any]]:
    c = VERSION.c
    return [c.type, RESOURCE.c.id, c.version, c.updated, c.deleted, c.body, c.sequence]


def _next_type() -> Select[Any]:
    return (
        select(RESOURCE.c.type).where(RESOURCE.c.type > bindparam("after")).order_by(RESOURCE.c.type).limit(literal(1))
    )


def _pages(scope: Any) -> Iterator[Select[Any]]:
    """One page of the current versions and one of the superseded ones."""
    for table, columns, replaced in (
        (RESOURCE, _current_columns(), false()),
        (VERSION, _former_columns(), VERSION.c.replaced <= bindparam("replaced_after")),
    ):
        statement = select(*columns)
        if table is VERSION:
            statement = statement.join(RESOURCE, RESOURCE.c.pk == VERSION.c.pk)
        yield (
            statement.where(
                scope(table),
                table.c.sequence < bindparam("before"),
                table.c.updated >= bindparam("since"),
                table.c.updated < bindparam("made_before"),
                ~replaced,
            )
            .order_by(table.c.sequence.desc())
            .limit(bindparam("count"))
        )
