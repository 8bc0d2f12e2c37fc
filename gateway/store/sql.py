"""SQL texts that run on SQLite and PostgreSQL alike: `?` is a value, `IN (??)` a list of any length.

The hot paths of writing speak SQL, not expressions: a batch is thousands of tuples, each at the driver's cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection

from gateway.store.snapshot import Snapshot

Row = tuple[Any, ...]


class Sql(Protocol):
    """Where the store's texts run."""

    def rows(self, text: str, *values: Any) -> Sequence[Any]:
        """All rows of a query."""
        ...

    def run(self, text: str, *values: Any) -> int:
        """Run one statement; how many rows it touched."""
        ...

    def many(self, text: str, values: Sequence[Row]) -> None:
        """Run one statement for each tuple."""
        ...


class WriterSql:
    """On the writer's connection, inside its transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name

    def rows(self, text: str, *values: Any) -> Sequence[Any]:
        return self._connection.exec_driver_sql(_text(text, self._dialect), _values(values, self._dialect)).fetchall()

    def run(self, text: str, *values: Any) -> int:
        return self._connection.exec_driver_sql(_text(text, self._dialect), _values(values, self._dialect)).rowcount

    def many(self, text: str, values: Sequence[Row]) -> None:
        if values:
            self._connection.exec_driver_sql(_text(text, self._dialect), list(values))


class SnapshotSql:
    """On a reader's snapshot: nothing can be written."""

    def __init__(self, snapshot: Snapshot, dialect: str) -> None:
        self._snapshot, self._dialect = snapshot, dialect

    def rows(self, text: str, *values: Any) -> Sequence[Any]:
        return self._snapshot.rows(_text(text, self._dialect), _values(values, self._dialect))

    def run(self, text: str, *values: Any) -> int:
        raise PermissionError(text)

    def many(self, text: str, values: Sequence[Row]) -> None:
        raise PermissionError(text)


@cache
def _text(text: str, dialect: str) -> str:
    if dialect == "sqlite":
        return text.replace("IN (??)", "IN (SELECT value FROM json_each(?))")
    return text.replace("IN (??)", "= ANY(%s)").replace("?", "%s")


def _values(values: Row, dialect: str) -> Row:
    if dialect == "sqlite":
        return tuple(orjson.dumps(value).decode() if isinstance(value, list) else value for value in values)
    return values
