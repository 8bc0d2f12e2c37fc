"""Opens a hospital's PostgreSQL or MySQL database: one consistent state, never a write, every sickness said.

Passwords stay in the URL: places are told as user, host, port and database. What a server says is not quoted, since
it may quote the data.
https://www.postgresql.org/docs/current/errcodes-appendix.html, https://dev.mysql.com/doc/mysql-errors/8.4/en/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from socket import gaierror
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from his_adapters.base import SourceConfigError, SourceError, SourceTransientError

_PATIENCE_S = 2
"""For a connection: a `check` may take 2 s."""
_GLANCE_S = 5
"""For an answer, at a look at the columns."""
READ_TIMEOUT_S = 300
"""For an answer, in the middle of a read: a server may sort a table before it says the first of it."""
_GRANT = "grant the gateway's user CONNECT, and SELECT on the source's tables"
_LATER = "the server or the way to it is in trouble; sync again later"
_REACH = "check host and port in the source's url, and that the server runs"


class _Engine(NamedTuple):
    """What differs between the servers."""

    begin: tuple[str, ...]
    """Opens a transaction that reads one state and cannot write."""
    limits: tuple[str, ...]
    """How long a locked table and an answer are waited for, `{lock}` and `{answer}`."""
    estimates: str
    """The rows of each table of a schema, as the catalogue has them."""
    options: Mapping[str, Any]
    connect: Mapping[str, Any]
    silence: str | None
    """What the driver calls the seconds in which a server may say nothing; psycopg has no word for it."""


_ENGINES: Mapping[str, _Engine] = MappingProxyType(
    {
        "postgresql": _Engine(
            # What is read as text must not depend on the server's settings.
            ("SET LOCAL DateStyle TO ISO, YMD", "SET LOCAL TimeZone TO 'UTC'", "SET LOCAL extra_float_digits TO 1"),
            ("SET LOCAL lock_timeout TO '{lock}s'", "SET LOCAL statement_timeout TO '{answer}s'"),
            "SELECT relname, reltuples::bigint FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace"
            " ON pg_namespace.oid = relnamespace WHERE lower(nspname) = lower({schema})",
            {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
            # Of a machine that is gone without a word one hears nothing: it is asked after half a minute.
            {
                "connect_timeout": _PATIENCE_S,
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 6,
            },
            None,
        ),
        "mysql": _Engine(
            (
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ),
            ("SET SESSION lock_wait_timeout = {lock}",),
            "SELECT table_name, table_rows FROM information_schema.tables WHERE lower(table_schema) = lower({schema})",
            {},
            {"connect_timeout": _PATIENCE_S},
            "read_timeout",
        ),
    }
)


def parsed(url: str) -> URL:
    """The parts of a database URL. Raises SourceConfigError."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise SourceConfigError(
            "not a database URL", "the source's url", "as in postgresql+psycopg://reader:${PASSWORD}@host/database"
        ) from None


def place(url: URL) -> str:
    """Where a database is, without its password and the query."""
    shown = URL.create(url.get_backend_name(), url.username, None, url.host, url.port, url.database)
    return shown.render_as_string()


def _kind(url: URL) -> _Engine:
    kind = _ENGINES.get(url.get_backend_name().replace("mariadb", "mysql"))
    if kind is None:
        hint = f"one of {', '.join(_ENGINES)}"
        raise SourceConfigError("not a kind of database that is read by URL", place(url), hint)
    return kind


def estimates(url: URL) -> str:
    """The query for the rows of each table of a `{schema}`; nothing or less than one where the server has no idea."""
    return _kind(url).estimates


def made_engine(url: URL, silence: int = READ_TIMEOUT_S) -> Engine:
    """An engine that does not wait long for a connection nor for an answer (seconds), and tells no values.

    Raises SourceConfigError.
    """
    kind = _kind(url)
    wanted = {**kind.connect, **({kind.silence: silence} if kind.silence else {})}
    arguments = {name: value for name, value in wanted.items() if name not in url.query}
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        driver = getattr(error, "name", None) or url.drivername
        raise SourceConfigError(f"the driver {driver} is not installed", place(url), "install it with pip") from None
    if engine.dialect.driver == "psycopg":
        event.listen(engine, "do_connect", partial(_heard, silence))
    return engine


@contextmanager
def reading(url: URL, silence: int = READ_TIMEOUT_S) -> Iterator[Connection]:
    """A connection in one read-only transaction that sees one state. Raises SourceError.

    No answer is waited for longer than so many seconds, a locked table not longer than a minute.
    """
    with _opened(url, silence, lock=60) as connection:
        yield connection


@contextmanager
def glancing(url: URL) -> Iterator[Connection]:
    """The same for a moment's look (columns, counts): of a server in trouble it waits for some seconds at most."""
    with _opened(url, _GLANCE_S, lock=1) as connection:
        yield connection


@contextmanager
def _opened(url: URL, silence: int, *, lock: int) -> Iterator[Connection]:
    kind, engine = _kind(url), made_engine(url, silence)
    limits = [each.format(lock=lock, answer=silence) for each in kind.limits]
    try:
        event.listen(engine, "handle_error", _give_up_lost_rows)
        with engine.connect() as plain:
            connection = plain.execution_options(**kind.options)
            for statement in (*kind.begin, *limits):
                connection.execute(text(statement))
            yield connection
    except DBAPIError as error:
        raise explained(error, url) from None
    finally:
        engine.dispose()


def _heard(silence: int, _dialect: object, _record: object, words: Sequence[Any], named: Mapping[str, Any]) -> object:
    from his_adapters.heard_postgresql import connected  # only those who read PostgreSQL need its driver

    return connected(silence, *words, **named)


def _give_up_lost_rows(context: ExceptionContext) -> None:
    """PyMySQL reads what is left of a result before it closes it, and stumbles aloud where the connection is lost."""
    if context.connection is None or context.connection.invalidated:
        return
    driver = context.connection.connection.driver_connection
    result = getattr(driver, "_result", None)
    if result is not None and not getattr(driver, "open", True):
        result.unbuffered_active = False


def code_of(error: DBAPIError) -> str:
    """MySQL's number, PostgreSQL's SQLSTATE, or nothing."""
    number = next(iter(getattr(error.orig, "args", ())), None)  # MySQL's says more than its SQLSTATE
    return str(number) if isinstance(number, int) else getattr(error.orig, "sqlstate", None) or ""


def explained(error: DBAPIError, url: URL) -> SourceError:
    """A driver's error as what, where and how to mend it."""
    code = code_of(error)
    where = place(url)
    if isinstance(getattr(error.orig, "original_exception", None), gaierror):
        return SourceTransientError("the host is not known", where, _REACH)
    for codes, what, hint in _MEND:
        if code in codes:
            return SourceConfigError(what, where, hint)
    # psycopg gives no code for a connection that does not come about, only the server's words.
    said = "" if code else str(error.orig)
    for words, what, hint in _SAID:
        if words in said:
            return SourceConfigError(what, where, hint)
    for words, what, hint in _PASSING:
        if words in said or code in words.split():
            return SourceTransientError(what, where, hint)
    if isinstance(getattr(error.orig, "__context__", None), TimeoutError):
        return SourceTransientError(_TOO_LONG, where, _LATER)
    if code[:2] in _PASSING_CLASSES or error.connection_invalidated or not code:
        return SourceTransientError("the connection was lost", where, _LATER)
    if code in _PASSING_NUMBERS:
        return SourceTransientError("the server cannot answer now", where, _LATER)
    return SourceConfigError(f"the database refuses to be read (error {code})", where, "look the error's code up")


_TOO_LONG = "the server takes too long"
_NO_TABLE = "the tables have changed while they were read; see the source's README.md"
_MEND = (
    ({"28P01", "28000", "1045", "1698"}, "user or password is refused", "set them in the source's url or url_file"),
    ({"3D000", "1049"}, "no such database", "check the source's url"),
    ({"1044"}, "no such database, or none that the user may read", f"check the source's url; {_GRANT}"),
    ({"42501", "1142", "1143", "1227"}, "the user may not read a table", _GRANT),
    ({"42P01", "1146", "3F000"}, "a table is missing", _NO_TABLE),
    ({"42703", "1054"}, "a column is missing", _NO_TABLE),
)
_SAID = (
    ("password authentication failed", "user or password is refused", "set them in the source's url or url_file"),
    ("no password supplied", "no password is given", "set it in the source's url or url_file"),
    ("no pg_hba.conf entry", "the server does not let this user in from here", "let it in by pg_hba.conf, or use SSL"),
    ("role ", "user or password is refused", "set them in the source's url or url_file"),
    ('" does not exist', "no such database", "check the source's url"),
    ("permission denied for database", "the user may not read the database", _GRANT),
    ("SSL", "no SSL connection comes about", "check sslmode and certificates in the source's url"),
    ("certificate", "no SSL connection comes about", "check sslmode and certificates in the source's url"),
)
_PASSING = (
    ("starting up", "the server is starting", _LATER),
    ("shutting down", "the server is going down", _LATER),
    ("too many", "the server has too many connections", _LATER),
    ("Connection refused", "no server answers", _REACH),
    ("timeout expired", "no server answers", _REACH),
    ("No route to host", "no server answers", _REACH),
    ("could not translate host", "the host is not known", _REACH),
    ("failed to resolve host", "the host is not known", _REACH),
    ("Name or service not known", "the host is not known", _REACH),
    ("2002 2003 2005", "no server answers", _REACH),
    ("55P03 1205", "a table is locked", "somebody is at work on it; sync again later"),
    ("57014 1969 3024", _TOO_LONG, _LATER),
    ("57P03 57P02 57P01", "the server is going down or starting", _LATER),
)
_PASSING_CLASSES = {"08", "40", "53", "55", "57", "58", "XX"}
"""Connection, conflict, resources, locks, operator, system."""
_PASSING_NUMBERS = {"1040", "1053", "1077", "1152", "1158", "1159", "1160", "1161", "1203", "1213", "1226"} | {
    "1317",
    "2006",
    "2013",
    "2055",
    "0",
}
