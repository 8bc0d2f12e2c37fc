"""Native rows that could not be used: one entry a row, kept as long as the row stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from gateway.store.sql import Sql

_PUT = (
    "INSERT INTO quarantine (source, stream, stream_name, key, occurrence, locator, element, rule, reason, problems,"
    " first_seen, last_seen, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (stream, key, occurrence) DO UPDATE SET locator = excluded.locator, element = excluded.element,"
    " rule = excluded.rule, reason = excluded.reason, problems = excluded.problems, last_seen = excluded.last_seen,"
    " run = excluded.run"
)
_SEE = "UPDATE quarantine SET last_seen = ?, run = ? WHERE stream = ? AND key = ? AND occurrence = ''"
_RELEASE = "DELETE FROM quarantine WHERE stream = ? AND key = ? AND occurrence = ''"
_RELEASE_UNSEEN = "DELETE FROM quarantine WHERE stream = ? AND run <> ?"
_OF_SOURCE = "SELECT id, stream, key FROM quarantine WHERE source = ?"
_OF_ENTRY = "SELECT id, stream, key FROM quarantine WHERE source = ? AND id IN (??)"
_RETRIED = "UPDATE quarantine SET retries = retries + 1 WHERE id = ?"


class Quarantined(NamedTuple):
    """One row that could not be used, and why: at least one (element, rule, reason)."""

    key: str
    occurrence: str
    """'' for the row of its key; the locator for a further row with the same key."""
    locator: str
    problems: Sequence[tuple[str, str, str]]


class Quarantine:
    """Writes the quarantine."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(self, source: str, stream: tuple[int, str], run: int, now: int, rows: Sequence[Quarantined]) -> None:
        """Quarantine rows of a stream (pk, name), or see them again."""
        self._sql.many(
            _PUT,
            [(source, *stream, *row[:3], *row.problems[0], orjson.dumps(row.problems), now, now, run) for row in rows],
        )

    def see(self, stream: int, run: int, now: int, keys: Sequence[str]) -> None:
        """The rows are unchanged, and so is what is wrong with them."""
        self._sql.many(_SEE, [(now, run, stream, key) for key in keys])

    def release(self, stream: int, keys: Sequence[str]) -> None:
        """The rows are good now, or gone."""
        self._sql.many(_RELEASE, [(stream, key) for key in keys])

    def release_unseen(self, stream: int, run: int) -> None:
        """After a complete read: forget rows that are no longer there."""
        self._sql.run(_RELEASE_UNSEEN, stream, run)

    def retry(self, source: str, entries: Sequence[int] | None) -> list[tuple[int, str]]:
        """Count a retry for these entries of a source (None = all); their (stream, key)."""
        found = (
            self._sql.rows(_OF_SOURCE, source)
            if entries is None
            else self._sql.rows(_OF_ENTRY, source, list(entries))
            if entries
            else ()
        )
        self._sql.many(_RETRIED, [(row[0],) for row in found])
        return [(row[1], row[2]) for row in found]
