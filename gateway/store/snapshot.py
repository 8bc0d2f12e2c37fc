"""Hot reads: statements compiled once to SQL text, run on a driver connection in one read transaction.

A request pays for the driver and nothing else: SQLAlchemy builds and compiles before the first request. Values come
back as the driver gives them (SQLite says 0 and 1 for a Boolean).
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from time import monotonic
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, Select, bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from gateway.store.bodies import Body, Unpacking
from gateway.store.connections import connect_reader, was_stopped
from gateway.store.errors import TimeLimit
from gateway.store.tables import DICTIONARY

_DIALECTS: dict[str, Any] = {"sqlite": sqlite.dialect, "postgresql": PGDialect_psycopg}
_STEPS = 50_000
"""Of SQLite's virtual machine between two looks at the clock: some milliseconds."""
# SQLite would ask for the name of each value, each time.
_PARAMETER_STYLES = {"sqlite": "qmark", "postgresql": "pyformat"}


class Query:
    """A compiled statement. Values given in the statement itself are its defaults."""

    __slots__ = ("_places", "bodies", "defaults", "sql")

    def __init__(self, statement: Select[Any], dialect: str) -> None:
        compiled = statement.compile(
            dialect=_DIALECTS[dialect](paramstyle=_PARAMETER_STYLES[dialect]),
            compile_kwargs={"render_postcompile": True},
        )
        self.sql = str(compiled)
        self.defaults = {name: value for name, value in compiled.params.items() if value is not None}
        places = compiled.positiontup
        self._places = None if places is None else _all_of(places)
        columns = enumerate(statement.selected_columns)
        self.bodies = tuple(place for place, column in columns if isinstance(column.type, Body))
        """The places of bodies in a row: as they lie in the table they may be packed."""

    def bound(self, params: dict[str, Any]) -> Any:
        """The values of a run in the driver's parameter style."""
        values = {**self.defaults, **params} if self.defaults else params
        return values if self._places is None else self._places(values)


def _all_of(names: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """What takes these values, in this order, out of a dict."""
    if len(names) > 1:
        return itemgetter(*names)
    if not names:
        return lambda _: ()
    (name,) = names
    return lambda values: (values[name],)


_DICTIONARIES = {
    dialect: Query(select(DICTIONARY.c.content).where(DICTIONARY.c.id == bindparam("id")), dialect)
    for dialect in _DIALECTS
}


class Snapshot:
    """One consistent view of the store for all queries of a `with` block. Belongs to its thread; may be nested."""

    __slots__ = (
        "_begin",
        "_connection",
        "_connections",
        "_deadline",
        "_depth",
        "_execute",
        "_on_sqlite",
        "_options",
        "_unpacking",
    )

    def __init__(self, connections: Connections, unpacking: Unpacking, *, on_sqlite: bool) -> None:
        self._connections, self._unpacking = connections, unpacking
        self._connection: Any = None
        self._execute: Any = None
        self._depth = 0
        self._deadline: float | None = None
        # SQLite's read transaction begins with its first SELECT, and so does PostgreSQL's snapshot.
        self._on_sqlite = on_sqlite
        self._begin = "BEGIN" if on_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        self._options: dict[str, Any] = {} if on_sqlite else {"binary": True}

    def __enter__(self) -> Self:
        if self._depth == 0:
            connection = self._connections.take()
            try:
                connection.execute(self._begin)
            except BaseException:
                self._connections.drop(connection)
                raise
            self._connection, self._execute = connection, connection.execute
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth:
            return
        connection, self._connection, self._execute = self._connection, None, None
        if getattr(connection, "closed", False):  # a server may hang up
            self._connections.drop(connection)
            return
        try:
            connection.execute("ROLLBACK")
        except BaseException:
            self._connections.drop(connection)
            raise
        self._connections.give_back(connection)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Stop what takes longer. Raises TimeLimit; the snapshot can be used on. May be nested."""
        before, now = self._deadline, monotonic()
        self._deadline = now + seconds if before is None else min(before, now + seconds)
        if self._on_sqlite:
            self._connection.set_progress_handler(self._is_late, _STEPS)
        else:
            left = max(1, round(1000 * (self._deadline - now)))
            self._execute(f"SAVEPOINT limited; SET LOCAL statement_timeout = {left}")
        try:
            yield
        except Exception as error:
            if was_stopped(error):
                raise TimeLimit from error
            raise
        finally:
            self._deadline = before
            if not self._on_sqlite:
                self._execute("ROLLBACK TO SAVEPOINT limited; RELEASE SAVEPOINT limited")
            elif before is None:
                self._connection.set_progress_handler(None, 0)

    def _is_late(self) -> bool:
        return self._deadline is not None and monotonic() > self._deadline

    def all(self, query: Query, **params: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        rows: list[tuple[Any, ...]] = self._execute(query.sql, query.bound(params), **self._options).fetchall()
        for place in query.bodies:
            rows = self._unpacking.plain_rows(rows, place, self._dictionary)
        return rows

    def one(self, query: Query, **params: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        row: tuple[Any, ...] | None = self._execute(query.sql, query.bound(params), **self._options).fetchone()
        if row is not None:
            for place in query.bodies:
                (row,) = self._unpacking.plain_rows([row], place, self._dictionary)
        return row

    def rows(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of an SQL text in the driver's own parameter style, for the store's own modules."""
        rows: list[tuple[Any, ...]] = self._execute(sql, params, **self._options).fetchall()
        return rows

    def _dictionary(self, number: int) -> bytes:
        query = _DICTIONARIES["sqlite" if self._on_sqlite else "postgresql"]
        return bytes(self._execute(query.sql, query.bound({"id": number}), **self._options).fetchone()[0])


class Connections:
    """Those of a process to one database, each in one hand at a time. The one given back last is taken first.

    Its cache holds what was just read, and its statements are compiled: as few are warm as work side by side.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[Any] = []
        self._open: list[Any] = []

    def take(self) -> Any:
        """A connection of nobody else."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if not getattr(connection, "closed", False):
                return connection
            self.drop(connection)
        connection = connect_reader(self._engine)
        self._open.append(connection)
        return connection

    def give_back(self, connection: Any) -> None:
        """For the next one who takes."""
        self._idle.append(connection)

    def drop(self, connection: Any) -> None:
        """Close one that does not work."""
        with suppress(ValueError):  # all were closed meanwhile
            self._open.remove(connection)
        connection.close()

    def close(self) -> None:
        """Close all."""
        opened, self._open, self._idle = self._open, [], []
        for connection in opened:
            connection.close()

    def __del__(self) -> None:
        self.close()  # nobody has the store any more


class Snapshots:
    """A Snapshot for each thread, over connections that are closed together. A forked child starts with none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unpacking = Unpacking()
        self._start()
        weak = weakref.WeakMethod(self._leave_to_parent)
        os.register_at_fork(after_in_child=lambda: (method := weak()) and method())

    def _start(self) -> None:
        self._local = threading.local()
        self._connections = Connections(self._engine)

    def _leave_to_parent(self) -> None:
        # Closing an inherited SQLite connection would drop the parent's file locks: keep it, unused.
        self._inherited = (self._local, self._connections)
        self._start()

    def here(self) -> Snapshot:
        """The snapshot of this thread."""
        try:
            snapshot: Snapshot = self._local.snapshot
        except AttributeError:
            on_sqlite = self._engine.dialect.name == "sqlite"
            snapshot = self._local.snapshot = Snapshot(self._connections, self._unpacking, on_sqlite=on_sqlite)
        return snapshot

    def close(self) -> None:
        """Close the connections of all threads. The next use opens another one."""
        self._connections.close()
