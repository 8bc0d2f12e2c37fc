"""The row map: which native row made which resources, when it was last seen, and what was found wrong with it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from gateway.store.sql import Row, Sql

_KNOWN = "SELECT key, digest, bucket, run, holds_until, owned FROM native_row WHERE stream = ? AND key IN (??)"
_PUT = (
    "INSERT INTO native_row (stream, key, locator, digest, bucket, run, holds_until, owned)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (stream, key) DO UPDATE SET locator = excluded.locator, digest = excluded.digest,"
    " bucket = excluded.bucket, run = excluded.run, holds_until = excluded.holds_until, owned = excluded.owned"
)
_SEE = "UPDATE native_row SET run = ?, locator = ? WHERE stream = ? AND key = ?"
_TOTAL = "SELECT count(*) FROM native_row WHERE stream = ?"
_UNSEEN = "SELECT count(*) FROM native_row WHERE stream = ? AND run <> ?"
_UNSEEN_PAGE = "SELECT key, owned FROM native_row WHERE stream = ? AND run <> ? ORDER BY key LIMIT ?"
_REMOVE = "DELETE FROM native_row WHERE stream = ? AND key = ?"
_HORIZON = "SELECT min(holds_until) FROM native_row WHERE stream = ?"
_FORGET_DIGESTS = "UPDATE native_row SET digest = ? WHERE stream = ? AND key = ?"
_NO_ISSUES = "DELETE FROM issue WHERE stream = ? AND key = ? AND code <> 'orphan'"
_NO_ISSUES_AT_ALL = "DELETE FROM issue WHERE stream = ? AND key = ?"
_PUT_ISSUE = (
    "INSERT INTO issue (source, stream, stream_name, key, locator, resource_type, resource_id, code, element, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class KnownRow(NamedTuple):
    """What the row map holds of a native row."""

    digest: bytes
    bucket: int
    run: int
    holds_until: int | None
    owned: bytes


def pack(pks: Sequence[int]) -> bytes:
    """Resource pks, 8 bytes each."""
    return array("q", pks).tobytes()


def unpack(owned: bytes) -> list[int]:
    """The pks that `pack` packed."""
    pks = array("q")
    pks.frombytes(owned)
    return pks.tolist()


class RowMap:
    """Reads and writes the row map and the issues of its rows."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def known(self, stream: int, keys: Sequence[str]) -> dict[str, KnownRow]:
        """The rows of these keys that are known."""
        if not keys:
            return {}
        return {row[0]: KnownRow(*row[1:]) for row in self._sql.rows(_KNOWN, stream, list(keys))}

    def put(self, rows: Sequence[Row]) -> None:
        """Insert or overwrite: (stream, key, locator, digest, bucket, run, holds_until, owned)."""
        self._sql.many(_PUT, rows)

    def see(self, run: int, stream: int, rows: Sequence[tuple[str, str]]) -> None:
        """Mark unchanged rows (key, locator) as seen in this run."""
        self._sql.many(_SEE, [(run, locator, stream, key) for key, locator in rows])

    def count(self, stream: int) -> int:
        """How many rows are known."""
        return int(self._sql.rows(_TOTAL, stream)[0][0])

    def unseen(self, stream: int, run: int) -> int:
        """How many known rows this run has not seen."""
        return int(self._sql.rows(_UNSEEN, stream, run)[0][0])

    def unseen_page(self, stream: int, run: int, count: int) -> list[tuple[str, bytes]]:
        """Some rows that this run has not seen: (key, owned)."""
        return [(row[0], row[1]) for row in self._sql.rows(_UNSEEN_PAGE, stream, run, count)]

    def remove(self, stream: int, keys: Sequence[str]) -> None:
        """Forget rows that are gone, with their issues."""
        self._sql.many(_REMOVE, [(stream, key) for key in keys])
        self._sql.many(_NO_ISSUES_AT_ALL, [(stream, key) for key in keys])

    def retry(self, rows: Sequence[tuple[int, str]]) -> None:
        """Let (stream, key) be mapped again at the next read."""
        self._sql.many(_FORGET_DIGESTS, [(b"", stream, key) for stream, key in rows])

    def horizon(self, stream: int) -> int | None:
        """The first day on which a row has to be mapped again, as an ordinal."""
        day: int | None = self._sql.rows(_HORIZON, stream)[0][0]
        return day

    def put_issues(self, stream: int, former: Sequence[str], issues: Sequence[Row]) -> None:
        """Replace what was found at rows: `former` keys lose theirs; rows of the issue table without id come in."""
        self._sql.many(_NO_ISSUES, [(stream, key) for key in former])
        self._sql.many(_PUT_ISSUE, issues)
