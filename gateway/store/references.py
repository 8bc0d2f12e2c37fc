"""Who refers to whom: literal references by pk, and those that are logical because their target is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.store.sql import Row, Sql

_PUT = "INSERT INTO referrer (target, referrer) VALUES (?, ?) ON CONFLICT DO NOTHING"
_REMOVE = "DELETE FROM referrer WHERE target = ? AND referrer = ?"
_REFERRERS = "SELECT referrer FROM referrer WHERE target = ? AND referrer > ? ORDER BY referrer LIMIT ?"
_TO_DELETED = (
    "SELECT f.target, t.type, t.id, f.referrer FROM resource t JOIN referrer f ON f.target = t.pk"
    " WHERE t.source = ? AND t.deleted = ? ORDER BY f.referrer LIMIT ?"
)
_PUT_DANGLING = (
    "INSERT INTO dangling (referrer, path, target_type, target_id, source) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (referrer, path) DO UPDATE SET target_type = excluded.target_type, target_id = excluded.target_id"
)
_FORGET = "DELETE FROM dangling WHERE referrer = ?"
_REMOVE_DANGLING = "DELETE FROM dangling WHERE referrer = ? AND path = ?"
_RESOLVABLE = (
    "SELECT d.referrer, d.path, d.target_type, d.target_id, t.pk FROM dangling d"
    " JOIN resource t ON t.type = d.target_type AND t.id = d.target_id"
    " WHERE d.source = ? AND t.deleted = ? ORDER BY d.referrer LIMIT ?"
)
_SHARED = "SELECT pk FROM resource WHERE source = ? AND deleted = ? AND shared = ? ORDER BY pk"
_NO_ORPHANS = "DELETE FROM issue WHERE source = ? AND code = 'orphan'"
_PUT_ORPHANS = (
    "INSERT INTO issue (source, stream, stream_name, key, locator, resource_type, resource_id, code, element, detail)"
    " SELECT d.source, coalesce(r.stream, 0), coalesce(s.name, ''), coalesce(r.key, ''), coalesce(n.locator, ''),"
    " r.type, r.id, 'orphan', r.type || '.' || d.path,"
    " 'There is no ' || d.target_type || ' for this reference in the source'"
    " FROM dangling d JOIN resource r ON r.pk = d.referrer LEFT JOIN source_stream s ON s.pk = r.stream"
    " LEFT JOIN native_row n ON n.stream = r.stream AND n.key = r.key WHERE d.source = ? ORDER BY d.referrer, d.path"
)


class References:
    """Writes and asks for references."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Remember (target pk, referrer pk)."""
        self._sql.many(_PUT, pairs)

    def remove(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Forget (target pk, referrer pk)."""
        self._sql.many(_REMOVE, pairs)

    def referrers(self, target: int, after: int, count: int) -> list[int]:
        """Resources that refer, or once referred, to a target, in the order of pks."""
        return [row[0] for row in self._sql.rows(_REFERRERS, target, after, count)]

    def to_deleted(self, source: str, count: int) -> list[tuple[int, str, str, int]]:
        """Some (target pk, type, id, referrer pk) whose target is deleted; all of a referrer's, or none."""
        return _whole_groups([tuple(row) for row in self._sql.rows(_TO_DELETED, source, True, count)], 3, count)

    def put_dangling(self, rows: Sequence[Row]) -> None:
        """Remember (referrer pk, path, target type, target id, source)."""
        self._sql.many(_PUT_DANGLING, rows)

    def remove_dangling(self, rows: Sequence[tuple[int, str]]) -> None:
        """Forget (referrer pk, path)."""
        self._sql.many(_REMOVE_DANGLING, rows)

    def forget(self, referrers: Sequence[int]) -> None:
        """These resources have no logical reference left that could become literal."""
        self._sql.many(_FORGET, [(pk,) for pk in referrers])

    def resolvable(self, source: str, count: int) -> list[tuple[int, str, str, str, int]]:
        """Some (referrer pk, path, type, id, target pk) whose target exists again; all of a referrer's, or none."""
        return _whole_groups([tuple(row) for row in self._sql.rows(_RESOLVABLE, source, False, count)], 0, count)

    def shared(self, source: str) -> list[int]:
        """The shared resources of a source that live."""
        return [row[0] for row in self._sql.rows(_SHARED, source, False, True)]

    def list_orphans(self, source: str) -> None:
        """Write the data-quality issues of what still dangles."""
        self._sql.run(_NO_ORPHANS, source)
        self._sql.run(_PUT_ORPHANS, source)


def _whole_groups(rows: list[Any], column: int, count: int) -> list[Any]:
    """Leave the last group to the next page where this page may have cut it."""
    if len(rows) < count or rows[0][column] == rows[-1][column]:
        return rows
    return [row for row in rows if row[column] != rows[-1][column]]
