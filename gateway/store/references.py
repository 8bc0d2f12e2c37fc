"""References whose target is not there, and what has to be asked to keep every literal reference true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.store.sql import Row, Sql

_DELETED = "SELECT pk, type, id FROM resource WHERE source = ? AND deleted = ? AND pk > ? ORDER BY pk LIMIT ?"
_PUT_DANGLING = (
    "INSERT INTO dangling (referrer, path, target_type, target_id, source) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (referrer, path) DO UPDATE SET target_type = excluded.target_type, target_id = excluded.target_id"
)
_FORGET = "DELETE FROM dangling WHERE referrer = ?"
_REMOVE_DANGLING = "DELETE FROM dangling WHERE referrer = ? AND path = ?"
_RESOLVABLE = (
    "SELECT d.referrer, d.path, d.target_type, d.target_id FROM dangling d"
    " JOIN resource t ON t.type = d.target_type AND t.id = d.target_id"
    " WHERE d.source = ? AND t.deleted = ? ORDER BY d.referrer LIMIT ?"
)
_SHARED = "SELECT pk, type, id FROM resource WHERE source = ? AND deleted = ? AND shared = ? ORDER BY pk"
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

    def deleted(self, source: str, after: int, count: int) -> list[tuple[int, str, str]]:
        """Deleted resources of a source, as (pk, type, id), in the order of pks."""
        return [(row[0], row[1], row[2]) for row in self._sql.rows(_DELETED, source, True, after, count)]

    def put_dangling(self, rows: Sequence[Row]) -> None:
        """Remember (referrer pk, path, target type, target id, source)."""
        self._sql.many(_PUT_DANGLING, rows)

    def remove_dangling(self, rows: Sequence[tuple[int, str]]) -> None:
        """Forget (referrer pk, path)."""
        self._sql.many(_REMOVE_DANGLING, rows)

    def forget(self, referrers: Sequence[int]) -> None:
        """These resources have no logical reference left that could become literal."""
        self._sql.many(_FORGET, [(pk,) for pk in referrers])

    def resolvable(self, source: str, count: int) -> list[tuple[int, str, str, str]]:
        """Some (referrer pk, path, type, id) whose target exists again; all of a referrer's, or none."""
        return _whole_groups([tuple(row) for row in self._sql.rows(_RESOLVABLE, source, False, count)], count)

    def shared(self, source: str) -> list[tuple[int, str, str]]:
        """The shared resources of a source that live, as (pk, type, id)."""
        return [(row[0], row[1], row[2]) for row in self._sql.rows(_SHARED, source, False, True)]

    def list_orphans(self, source: str) -> None:
        """Write the data-quality issues of what still dangles."""
        self._sql.run(_NO_ORPHANS, source)
        self._sql.run(_PUT_ORPHANS, source)


def _whole_groups(rows: list[Any], count: int) -> list[Any]:
    """Leave the last referrer to the next page where this page may have cut it."""
    if len(rows) < count or rows[0][0] == rows[-1][0]:
        return rows
    return [row for row in rows if row[0] != rows[-1][0]]
