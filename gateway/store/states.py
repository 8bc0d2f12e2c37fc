"""What is kept of a source and its streams between runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gateway.store.sql import Sql

_SOURCE = "SELECT run, settled FROM source WHERE name = ?"
_START = (
    "INSERT INTO source (name, run, settled, status) VALUES (?, 1, ?, 'ok')"
    " ON CONFLICT (name) DO UPDATE SET run = source.run + 1, settled = excluded.settled"
)
_END = "UPDATE source SET settled = ? WHERE name = ?"
_HEALTH = (
    "INSERT INTO source (name, run, settled, synced_at, status, error, hint) VALUES (?, 0, ?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET synced_at = coalesce(excluded.synced_at, source.synced_at),"
    " status = excluded.status, error = excluded.error, hint = excluded.hint"
)
_NEW_STREAM = "INSERT INTO source_stream (source, name) VALUES (?, ?) ON CONFLICT (source, name) DO NOTHING"
_FORGET_TOKENS = "UPDATE source_stream SET token = NULL WHERE source = ?"
_FACT = "SELECT value FROM register WHERE name = ?"
_KEEP_FACT = "INSERT INTO register (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A stream as its last run left it. Times in ms, days as ISO dates."""

    pk: int
    name: str
    token: str | None
    state: str | None
    fingerprint: str | None
    mapper: str | None
    indexer: str | None
    configuration: str | None
    as_of: str | None
    holds_until: str | None
    rows_read: int
    mapped: int
    quarantined: int
    skipped: int
    created: int
    changed: int
    unchanged: int
    deleted: int
    seconds: int
    synced_at: int | None
    error: str | None


_COLUMNS = tuple(each.name for each in fields(StreamRecord))
_STREAMS = f"SELECT {', '.join(_COLUMNS)} FROM source_stream WHERE source = ? ORDER BY pk"  # noqa: S608 - our columns


class States:
    """Reads and writes what is kept of sources."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def streams(self, source: str) -> dict[str, StreamRecord]:
        """The streams ever seen in a source, by name."""
        return {row[1]: StreamRecord(*row) for row in self._sql.rows(_STREAMS, source)}

    def is_settled(self, source: str) -> bool:
        """Whether the last run got to its end."""
        found = self._sql.rows(_SOURCE, source)
        return bool(found and found[0][1])

    def start(self, source: str, streams: list[str]) -> tuple[int, dict[str, StreamRecord]]:
        """Begin a run: its number, and all streams with their pks."""
        self._sql.run(_START, source, False)
        self._sql.many(_NEW_STREAM, [(source, name) for name in streams])
        return self._sql.rows(_SOURCE, source)[0][0], self.streams(source)

    def settle(self, source: str) -> None:
        """The run got to its end."""
        self._sql.run(_END, True, source)

    def set_health(self, source: str, synced_at: int | None, status: str, error: str | None, hint: str | None) -> None:
        """How the source was found."""
        self._sql.run(_HEALTH, source, False, synced_at, status, error, hint)

    def save(self, stream: int, values: Mapping[str, Any]) -> None:
        """Set columns of a stream."""
        names = [name for name in _COLUMNS if name in values]
        setting = ", ".join(f"{name} = ?" for name in names)
        self._sql.run(
            f"UPDATE source_stream SET {setting} WHERE pk = ?",  # noqa: S608 - our columns
            *(values[name] for name in names),
            stream,
        )

    def forget_tokens(self, source: str) -> None:
        """Read the streams at the next run whatever their tokens say."""
        self._sql.run(_FORGET_TOKENS, source)

    def fact(self, name: str) -> str | None:
        """What was last kept under a name."""
        found = self._sql.rows(_FACT, name)
        return bytes(found[0][0]).decode() if found else None

    def keep_fact(self, name: str, value: str) -> None:
        """Keep one fact about the store."""
        self._sql.run(_KEEP_FACT, name, value.encode())
