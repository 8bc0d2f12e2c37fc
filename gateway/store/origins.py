"""Where resources come from, as the row map has it: the source, the stream, the place of the native row, the mapper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.store.sql import Sql

_ORIGINS = (
    "SELECT r.id, r.version, r.updated, r.source, s.name, n.locator, s.mapper FROM resource AS r"
    " LEFT JOIN source_stream AS s ON s.pk = r.stream"
    " LEFT JOIN native_row AS n ON n.stream = r.stream AND n.key = r.key"
    " WHERE r.type = ? AND r.id IN (??) AND r.deleted = ?"
)
_SOURCE = "SELECT source FROM resource WHERE type = ? AND id = ?"


class Origin(NamedTuple):
    """Where the current version of a resource comes from."""

    version: int
    updated: int
    """ms since 1970 UTC, equal to meta.lastUpdated."""
    source: str
    """The name of the source, or the URN of that part of the gateway which made it."""
    stream: str | None
    """None for what many rows tell, or none."""
    locator: str | None
    """As of Record: it may hold the native key."""
    mapper: str | None
    """The digest of the mapper at the stream's last complete read."""


def origins(sql: Sql, resource_type: str, ids: Sequence[str]) -> dict[str, Origin]:
    """Of the resources of a type that live, by id."""
    return {row[0]: Origin(*row[1:]) for row in sql.rows(_ORIGINS, resource_type, list(ids), False)}


def source_of(sql: Sql, resource_type: str, resource_id: str) -> str | None:
    """The source of a resource, which may be deleted."""
    found = sql.rows(_SOURCE, resource_type, resource_id)
    return str(found[0][0]) if found else None
