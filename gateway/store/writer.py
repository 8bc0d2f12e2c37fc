"""The one writer: whole batches in one transaction, each new version with its number, time and change sequence.

Two laws: a committed sequence or commit time is never followed by a smaller one; `pk` never changes for a resource.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, RootTransaction

from gateway.store.bodies import Unpacking
from gateway.store.packing import Packing
from gateway.store.quarantine import Quarantine
from gateway.store.references import References
from gateway.store.row_map import RowMap
from gateway.store.sql import WriterSql
from gateway.store.states import States

_READ_CLOCK = "SELECT pk, sequence, updated FROM clock WHERE one = 1"
_START_CLOCK = "INSERT INTO clock (one, pk, sequence, updated) VALUES (1, 0, 0, 0)"
_SET_CLOCK = "UPDATE clock SET pk = ?, sequence = ?, updated = ? WHERE one = 1"
_CURRENT = "SELECT id, pk, version, deleted, digest FROM resource WHERE type = ? AND id IN (??)"
_WHOLE = "SELECT pk, type, id, version, deleted, shared, digest, body, stream, key FROM resource WHERE pk IN (??)"
_SOURCES = "SELECT pk, source FROM resource WHERE pk IN (??)"
_INSERT = (
    "INSERT INTO resource"
    " (pk, type, id, source, version, updated, deleted, shared, digest, stream, key, body, sequence)"
    " VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ARCHIVE = (
    "INSERT INTO version (pk, version, type, updated, replaced, sequence, deleted, body)"
    " SELECT pk, version, type, updated, ?, sequence, deleted, body FROM resource WHERE pk = ?"
)
_UPDATE = (
    "UPDATE resource SET version = ?, updated = ?, deleted = ?, shared = ?, digest = ?, stream = ?, key = ?,"
    " body = ?, sequence = ? WHERE pk = ?"
)
_DELETE = (
    "UPDATE resource SET version = version + 1, updated = ?, deleted = ?, digest = ?, body = NULL, sequence = ?"
    " WHERE pk = ?"
)
_DICTIONARY = "SELECT content FROM dictionary WHERE id = ?"
_LIVE = "SELECT pk, type, id FROM resource WHERE pk IN (??) AND deleted = ?"


class Content(NamedTuple):
    """What a version says, cut open where its number and time go."""

    type: str
    id: str
    head: bytes
    """Up to and with `"meta":{`."""
    tail: bytes
    """From the rest of meta on."""
    shared: bool
    digest: bytes
    """Of the mapped content."""
    stream: int | None = None
    key: str | None = None


class Current(NamedTuple):
    """What the store holds of a resource."""

    pk: int
    version: int
    deleted: bool
    digest: bytes


class Whole(NamedTuple):
    """A current resource with its body."""

    pk: int
    type: str
    id: str
    version: int
    deleted: bool
    shared: bool
    digest: bytes
    body: bytes | None
    stream: int | None
    key: str | None


class Writer:
    """Writes within `with writer.batch():`. Its parts write to the tables that go with the resources."""

    _pk: int
    _sequence: int
    _begun: float

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._sql = WriterSql(connection)
        self.rows = RowMap(self._sql)
        self.quarantine = Quarantine(self._sql)
        self.references = References(self._sql)
        self.states = States(self._sql)
        self._packing = Packing(self._sql)
        self._unpacking = Unpacking()
        self._held: RootTransaction | None = None
        self._longest = 0.0
        self.now = 0
        """The time of this batch, in ms: within seconds that of its commit."""
        with connection.begin():
            if not self._sql.rows(_READ_CLOCK):
                self._sql.run(_START_CLOCK)
            self._read_clock()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction: all of it is committed, or nothing. While batches are held, it joins theirs."""
        self.now = max(self.now, time.time_ns() // 1_000_000)
        self._stamp = b'"lastUpdated":"' + instant(self.now).encode() + b'"'
        transaction = self._held or self._begin()
        try:
            yield
            self._sql.run(_SET_CLOCK, self._pk, self._sequence, self.now)
            self._held = transaction if time.monotonic() - self._begun < self._longest else None
            if self._held is None:
                transaction.commit()
        except BaseException:
            self._roll_back(transaction)
            raise

    def hold(self, seconds: float) -> None:
        """Commit the batches that follow together, until `release`, but at least every so many seconds.

        So pages that every batch writes are written once. All that is held is lost together.
        """
        self._longest = seconds

    def release(self) -> None:
        """Commit what is held, and each batch by itself from now on."""
        transaction, self._held, self._longest = self._held, None, 0.0
        if transaction is not None:
            transaction.commit()

    def _begin(self) -> RootTransaction:
        self._begun = time.monotonic()
        return self.connection.begin()

    def _roll_back(self, transaction: RootTransaction) -> None:
        self._held = None
        transaction.rollback()
        self._packing.forget()
        with self.connection.begin():
            self._read_clock()

    def _read_clock(self) -> None:
        self._pk, self._sequence, self.now = self._sql.rows(_READ_CLOCK)[0]

    def current(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Current]:
        """What the store holds of (type, id), deleted ones included."""
        by_type: dict[str, list[str]] = {}
        for resource_type, resource_id in wanted:
            by_type.setdefault(resource_type, []).append(resource_id)
        return {
            (resource_type, row[0]): Current(row[1], row[2], bool(row[3]), row[4])
            for resource_type, ids in by_type.items()
            for row in self._sql.rows(_CURRENT, resource_type, ids)
        }

    def whole(self, pks: Sequence[int]) -> list[Whole]:
        """Current resources with their bodies."""
        found = self._sql.rows(_WHOLE, list(pks)) if pks else ()
        return [
            Whole._make((*row[:4], bool(row[4]), bool(row[5]), row[6], self._plain(row[7]), *row[8:])) for row in found
        ]

    def create(self, source: str, contents: Sequence[Content]) -> list[int]:
        """Write first versions; their pks."""
        first = self._pk + 1
        middle, packed = b'"versionId":"1",' + self._stamp, self._packing.packed
        self._sql.many(
            _INSERT,
            [
                (
                    *(pk, content.type, content.id, source, self.now, False, *content[4:]),
                    packed(source, content.type, content.head + middle + content.tail),
                    sequence,
                )
                for pk, sequence, content in zip(
                    range(first, first + len(contents)),
                    range(self._sequence + 1, self._sequence + 1 + len(contents)),
                    contents,
                    strict=True,
                )
            ],
        )
        self._pk += len(contents)
        self._sequence += len(contents)
        self._packing.learn()
        return list(range(first, self._pk + 1))

    def replace(self, replacements: Sequence[tuple[Current, Content]]) -> None:
        """Write the next versions of existing resources. A deleted one comes back."""
        self._sql.many(_ARCHIVE, [(self.now, current.pk) for current, _ in replacements])
        pks = [current.pk for current, _ in replacements]
        sources = {row[0]: row[1] for row in self._sql.rows(_SOURCES, pks)} if pks else {}
        self._sql.many(
            _UPDATE,
            [
                (
                    *(current.version + 1, self.now, False, *content[4:]),
                    self._packing.packed(
                        sources[current.pk],
                        content.type,
                        content.head + b'"versionId":"%d",' % (current.version + 1) + self._stamp + content.tail,
                    ),
                    self._next_sequence(),
                    current.pk,
                )
                for current, content in replacements
            ],
        )

    def delete(self, pks: Sequence[int]) -> list[tuple[int, str, str]]:
        """Delete those that live; their (pk, type, id)."""
        live = [tuple(row) for row in self._sql.rows(_LIVE, list(pks), False)] if pks else []
        self._sql.many(_ARCHIVE, [(self.now, pk) for pk, _, _ in live])
        self._sql.many(_DELETE, [(self.now, True, b"", self._next_sequence(), pk) for pk, _, _ in live])
        self.references.forget([pk for pk, _, _ in live])
        return live

    def _plain(self, body: bytes | None) -> bytes | None:
        return self._unpacking.plain(body, lambda number: bytes(self._sql.rows(_DICTIONARY, number)[0][0]))

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence


def instant(ms: int) -> str:
    """A FHIR instant."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
