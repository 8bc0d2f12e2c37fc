"""The store as others see it: open it, read from it, ask it. What writes is `gateway.store.writer`."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, MetaData, Select, bindparam, inspect, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from gateway.store.connections import connect_reader, make_engine, only_writer, shown, unusable
from gateway.store.errors import StoreError
from gateway.store.listings import IssueEntry, Listings, QuarantineEntry, SourceState
from gateway.store.origins import Origin, origins, source_of
from gateway.store.row_map import KnownRow, RowMap
from gateway.store.snapshot import Query, Snapshot, Snapshots
from gateway.store.sql import SnapshotSql
from gateway.store.states import States, StreamRecord
from gateway.store.tables import CLOCK, METADATA, REGISTER
from gateway.store.versions import Change, Stored, Versions
from gateway.store.writer import Writer

_SCHEMA_NAME, _SCHEMA = "schema", b"5"
_SECRETS = tuple(f"secret:{name}" for name in ("configuration", "cursor", "locator"))
_PAGE = 500
_CREATION_LOCK = 0x53544F52  # PostgreSQL: two processes may open a new store at the same time


class Store:
    """Resources, their versions, and what is known of the sources. Safe for many threads; open it after a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        self._snapshots = Snapshots(engine)
        self._versions = Versions(self.dialect)
        self._listings = Listings(self.dialect)
        self._updated = self.prepare(select(CLOCK.c.updated))
        self._secret = self.prepare(select(REGISTER.c.value).where(REGISTER.c.name == bindparam("name")))

    @classmethod
    def open(cls, url: str, extra: Sequence[MetaData] = ()) -> Self:
        """Open the store, with the tables of other modules' `extra` too; make what is missing. Raises StoreError."""
        engine = make_engine(url)
        if _is_made(engine, (METADATA, *extra)):
            return cls(engine)
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_CREATION_LOCK,))
                if inspect(connection).has_table(REGISTER.name):
                    _check_schema(engine, connection)
                for metadata in (METADATA, *extra):
                    metadata.create_all(connection)
                _register(connection, _SCHEMA_NAME, _SCHEMA)
                for name in _SECRETS:
                    _register(connection, name, secrets.token_bytes(32))
        except DBAPIError as error:
            raise unusable("The store cannot be opened", engine, error) from error
        return cls(engine)

    @classmethod
    def attach(cls, url: str) -> Self:
        """Open a store that this program has just opened in another process: it is there and fits."""
        return cls(make_engine(url))

    def close(self) -> None:
        """Close all connections."""
        self._snapshots.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it is, with its secret: for processes that open it again."""
        return self._engine.url.render_as_string(hide_password=False)

    def prepare(self, statement: Select[Any]) -> Query:
        """Compile a statement once, for snapshots."""
        return Query(statement, self.dialect)

    def snapshot(self) -> Snapshot:
        """One consistent view for the queries of a `with` block, on this thread's connection."""
        return self._snapshots.here()

    def read(self, type: str, id: str) -> Stored | None:  # noqa: A002 - FHIR's words
        """The current version of a resource, also when it is deleted."""
        with self.snapshot() as snapshot:
            return self._versions.read(snapshot, type, id)

    def vread(self, type: str, id: str, version: int) -> Stored | None:  # noqa: A002
        """One version of a resource."""
        return self._versions.vread(self.snapshot(), type, id, version)

    def history(
        self,
        type: str | None = None,  # noqa: A002
        id: str | None = None,  # noqa: A002
        since_ms: int | None = None,
        at_ms: tuple[int, int] | None = None,
        before: int | None = None,
        count: int = 100,
    ) -> list[Change]:
        """Versions of all resources, of a type or of one resource, newest first, below the sequence `before`."""
        return self._versions.history(
            self.snapshot(), type, id, since_ms=since_ms, at_ms=at_ms, before=before, count=count
        )

    def origins(self, type: str, ids: Sequence[str]) -> dict[str, Origin]:  # noqa: A002
        """Where resources of a type come from, by id. Those that are not there, or deleted, are left out."""
        with self.snapshot() as snapshot:
            return origins(SnapshotSql(snapshot, self.dialect), type, ids)

    def updated(self) -> int | None:
        """The time of the newest change, in ms since 1970 UTC: none that is committed later has an earlier one.

        None before the first one.
        """
        with self.snapshot() as snapshot:
            found = snapshot.one(self._updated)
        return int(found[0]) if found and found[0] else None

    def source_of(self, type: str, id: str) -> str | None:  # noqa: A002
        """The source of a resource, a deleted one too; None if there never was such a one."""
        with self.snapshot() as snapshot:
            return source_of(SnapshotSql(snapshot, self.dialect), type, id)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many resources are served, by source and type."""
        with self.snapshot() as snapshot:
            return self._listings.counts(snapshot)

    def quarantined(self) -> dict[str, int]:
        """How many native rows are in quarantine, by source."""
        with self.snapshot() as snapshot:
            return self._listings.quarantined(snapshot)

    def bodies(self, source: str, type: str) -> Iterator[bytes]:  # noqa: A002
        """The current body of every resource of a type that a source has, read by the page."""
        after = -1
        while True:
            with self.snapshot() as snapshot:
                page = self._listings.bodies(snapshot, source, type, after, _PAGE)
            yield from (body for _, body in page)
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def sources(self) -> list[SourceState]:
        """What is known of every source that was ever synced."""
        with self.snapshot() as snapshot:
            return self._listings.sources(snapshot)

    def quarantine(self, source: str | None = None, limit: int = 100, offset: int = 0) -> list[QuarantineEntry]:
        """Native rows that could not be used."""
        with self.snapshot() as snapshot:
            return self._listings.quarantine(snapshot, source, limit, offset)

    def quarantine_entry(self, entry_id: int) -> QuarantineEntry | None:
        """One quarantined row by the number that `quarantine` lists."""
        with self.snapshot() as snapshot:
            return self._listings.quarantine_entry(snapshot, entry_id)

    def issues(
        self, source: str | None = None, code: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[IssueEntry]:
        """Data-quality findings of rows that were mapped."""
        with self.snapshot() as snapshot:
            return self._listings.issues(snapshot, source, code, limit, offset)

    def secret(self, name: str) -> bytes:
        """32 random bytes, made with the store: `configuration`, `cursor` or `locator`."""
        with self.snapshot() as snapshot:
            found = snapshot.one(self._secret, name=f"secret:{name}")
        if found is None:
            raise KeyError(name)
        return bytes(found[0])

    def known_rows(self, stream: int, keys: Sequence[str]) -> dict[str, KnownRow]:
        """What the row map says of native rows, for those who only read."""
        with self.snapshot() as snapshot:
            return RowMap(SnapshotSql(snapshot, self.dialect)).known(stream, keys)

    def stream_states(self, source: str) -> dict[str, StreamRecord]:
        """What is kept of each stream of a source since it was last read."""
        with self.snapshot() as snapshot:
            return States(SnapshotSql(snapshot, self.dialect)).streams(source)

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """The one writer. Raises StoreError when another process writes."""
        try:
            with only_writer(self._engine) as connection:
                writer = Writer(connection)
                try:
                    yield writer
                finally:
                    writer.release()
        except DBAPIError as error:
            raise unusable("The store cannot be written", self._engine, error) from error


def _is_made(engine: Engine, wanted: Sequence[MetaData]) -> bool:
    """Whether all is there: who opens a store to read it then waits for no sync. PostgreSQL's writers never do."""
    if engine.dialect.name != "sqlite":
        return False
    try:
        with closing(connect_reader(engine)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            known = dict(connection.execute(f"SELECT name, value FROM {REGISTER.name}"))  # noqa: S608 - our own name
    except sqlite3.Error:
        return False
    made = all(table in tables for metadata in wanted for table in metadata.tables)
    return made and known.get(_SCHEMA_NAME) == _SCHEMA and known.keys() >= set(_SECRETS)


def _register(connection: Connection, name: str, value: bytes) -> None:
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    connection.execute(insert(REGISTER).values(name=name, value=value).on_conflict_do_nothing())


def _check_schema(engine: Engine, connection: Connection) -> None:
    """Before anything is made in it: is this a store of ours?"""
    schema = connection.execute(select(REGISTER.c.value).where(REGISTER.c.name == _SCHEMA_NAME)).scalar()
    if schema != _SCHEMA:
        raise StoreError(
            f"The store has schema {(schema or b'none').decode()}, this program needs {_SCHEMA.decode()}",
            shown(engine.url),
            "name another store and sync again, or use the program that made this one",
        )
