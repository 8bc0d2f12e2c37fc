"""Fills an empty database with a simulated hospital. For the simulators' databases alone: no adapter imports this.

A table that is there already is never touched: what it holds may be somebody's. Knows no HIS.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from his_adapters.base import SourceConfig, SourceConfigError
from his_adapters.sql_engines import code_of, explained, made_engine, parsed, place

_BATCH = 1000
_MAY_NOT = {"42501", "1044", "1142", "1370"}
_TABLES = "SELECT table_name FROM information_schema.tables WHERE lower(table_schema) = {schema}"
_OTHER = "name an empty database: a simulation writes over nothing"


def server_of(config: SourceConfig, engine: str) -> URL:
    """Where the database is, if its engine is this one. Raises SourceConfigError."""
    url = parsed(config.url or "")
    if url.get_backend_name().replace("mariadb", "mysql") != engine:
        raise SourceConfigError(f"not a {engine} database", place(url), f"{config.adapter} is simulated on {engine}")
    return url


@contextmanager
def filling(url: URL) -> Iterator[Connection]:
    """A connection in one transaction, which lasts where the engine can take tables back. Raises SourceError."""
    engine = made_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if code_of(error) in _MAY_NOT:
            hint = "name the database's owner: a simulation makes tables"
            raise SourceConfigError("the user may not make tables", place(url), hint) from None
        if isinstance(error, IntegrityError):
            raise SourceConfigError("the rows do not fit into the tables", place(url), "simulate again") from None
        raise explained(error, url) from None
    finally:
        engine.dispose()


def demand_no_tables(connection: Connection, names: Collection[str], schema: str = "") -> None:
    """Raise SourceConfigError where one of the tables is there."""
    known = f"lower('{schema}')" if schema else _CURRENT[connection.dialect.name]
    found = {str(name).lower() for (name,) in connection.execute(text(_TABLES.format(schema=known)))}
    for name in names:
        if name.lower() in found:
            raise SourceConfigError(f"the table {name} is there already", place(connection.engine.url), _OTHER)


_CURRENT = {"postgresql": "lower(current_schema())", "mysql": "lower(DATABASE())", "mariadb": "lower(DATABASE())"}


def taken(what: str, where: str) -> SourceConfigError:
    """Something that a simulation would have to write over."""
    return SourceConfigError(f"{what} is there already", where, _OTHER)


def copy(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Copy rows into a table of PostgreSQL; how many."""
    names, copied = ", ".join(f'"{name}"' for name in columns), 0
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as writing:
        for row in rows:
            writing.write_row(row)
            copied += 1
    return copied


def batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """The rows, some at a time."""
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
