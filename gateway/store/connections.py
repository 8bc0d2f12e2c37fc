"""Connections to the store's database: an engine for the one writer, plain driver connections for the many readers.

Knows no tables. https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from gateway.store.errors import StoreBusyError, StoreError

_BUSY_MS = 30_000
_QUERY_CANCELED = "57014"  # PostgreSQL's SQLSTATE
_ADVISORY_LOCK = 0x46484952  # "FHIR": one sync at a time on one PostgreSQL database


def make_engine(url: str) -> Engine:
    """An engine whose every transaction is a write transaction from its start."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_folder(parsed)
        engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": _BUSY_MS / 1000})
        event.listen(engine, "connect", _set_up_sqlite_writer)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    try:
        return create_engine(parsed, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise StoreError("No driver for the store", shown(parsed), "pip install 'fhir-gateway[postgres]'") from error


def shown(url: URL) -> str:
    """The URL without its password."""
    return url.render_as_string(hide_password=True)


def unusable(what: str, engine: Engine, error: DBAPIError) -> StoreError:
    """What a person can do about a database that refuses."""
    reason = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
    return StoreError(what, shown(engine.url), f"{reason}; check the URL, the rights and the disk")


def connect_reader(engine: Engine) -> Any:
    """A driver connection in autocommit mode that cannot write."""
    arguments, options = engine.dialect.create_connect_args(engine.url)
    if engine.dialect.name == "sqlite":
        connection = sqlite3.connect(
            arguments[0],
            timeout=_BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,  # one thread hands it to the next
            cached_statements=512,
            uri=bool(options.get("uri", False)),
        )
        for pragma in ("query_only=ON", "cache_size=-8000", "mmap_size=4294967296", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection
    return engine.dialect.loaded_dbapi.connect(*arguments, **options, autocommit=True)


def was_stopped(error: Exception) -> bool:
    """Whether a driver says that its query was stopped, and not that it is wrong."""
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
    return getattr(error, "sqlstate", None) == _QUERY_CANCELED


@contextmanager
def only_writer(engine: Engine) -> Iterator[Connection]:
    """The connection of the one sync that may write. A second sync is refused at once."""
    if engine.dialect.name == "sqlite":
        lock = Path(f"{engine.url.database}-sync").open("ab")  # noqa: SIM115 - closed below, which frees the lock
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise _busy(engine) from error
            with engine.connect() as connection:
                yield connection
        finally:
            lock.close()
    else:
        with engine.connect() as connection:
            got = connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (_ADVISORY_LOCK,)).scalar()
            connection.commit()
            if not got:
                raise _busy(engine)
            yield connection
            with suppress(DBAPIError):  # a closed connection's lock lives on until the server has noticed
                connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))
                connection.commit()


def _busy(engine: Engine) -> StoreBusyError:
    return StoreBusyError("Another sync writes to this store", shown(engine.url), "wait until it has ended")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            "Not a database URL", url.rsplit("@", maxsplit=1)[-1], "for example sqlite:///gateway.db"
        ) from error
    match parsed.get_backend_name():
        case "sqlite" if parsed.database in {None, "", ":memory:"}:
            raise StoreError("The store needs a file", shown(parsed), "for example sqlite:///gateway.db")
        case "sqlite":
            return parsed
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case _:
            raise StoreError("Not a database the store knows", shown(parsed), "use sqlite:/// or postgresql://")


def _prepare_folder(url: URL) -> None:
    folder = Path(str(url.database)).parent
    hint = "choose another place, or give this user the right to write there"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("The store's folder cannot be made", str(folder), hint) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError("The store's folder cannot be written", str(folder), hint)


def _set_up_sqlite_writer(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the begin event below says when a transaction starts
    for pragma in (
        "page_size=8192",  # of a new file: written in 6 % less time than with 4096, and read as quickly
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={_BUSY_MS}",
        "cache_size=-524288",  # KiB: an index of millions of rows is written all over
        "temp_store=MEMORY",
        "wal_autocheckpoint=16000",  # pages: what is written again and again goes to the file once
        "journal_size_limit=67108864",
        "secure_delete=OFF",  # Debian's is on: to wipe what a page no longer holds takes 1 % and more of a sync
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
