"""Reads the tables of a hospital's database: PostgreSQL or MySQL by `url`, or a SQLite file of the same by `path`.

Every cell of a server comes as the text that the server makes of it, so that no driver can stumble over one (a date of
`infinity`, a zero date) and all engines give the same records, but for zeros at the end of a decimal number, which
SQLite forgets. What a row needs of other tables is joined by the database. Nothing is written, and memory does not grow
with the tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    Select,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.types import NullType

from his_adapters import sql_engines, sqlite_files
from his_adapters.base import (
    Checkpoint,
    Health,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceConfigError,
    SourceError,
    Stream,
)
from his_adapters.base import Column as NativeColumn
from his_adapters.tabular import BATCH, Dataset, Join, RowLoader, columns_of, digest_of, folded, told_columns

__all__ = ["OPTIONS", "Computed", "Join", "SqlAdapter", "SqlTable", "Tables", "read_timeout"]

READ_TIMEOUT = "read_timeout"
OPTIONS = ("schema", READ_TIMEOUT)
"""What `options` of a source's configuration may name: on a server, the schema of its tables, and patience."""

_COLUMNS = """
    SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
    WHERE lower(table_schema) = lower({schema})
    ORDER BY table_schema, table_name, ordinal_position
"""
_BASE_TABLES = """
    SELECT table_name FROM information_schema.tables
    WHERE lower(table_schema) = lower({schema}) AND table_type = 'BASE TABLE'
"""
_COUNTED = 100_000
"""Rows that a server counts one by one, for a look that takes a moment."""
_LONGEST_S = 86_400
_SUFFIXES = {".db", ".sqlite", ".sqlite3"}


def read_timeout(config: SourceConfig) -> int:
    """Seconds in which a server may say nothing in the middle of a read. Raises SourceConfigError."""
    told = config.options.get(READ_TIMEOUT, sql_engines.READ_TIMEOUT_S)
    if not isinstance(told, int) or isinstance(told, bool) or not 0 < told <= _LONGEST_S:
        what = f"{READ_TIMEOUT} is not a number of seconds from 1 to {_LONGEST_S}"
        raise SourceConfigError(what, str(config.name), "options = { read_timeout = 600 }")
    return told


class Tables(Protocol):
    """The tables found in the store, by the names of their datasets; their columns by field: `tables["a"].c.b`."""

    def __getitem__(self, dataset: str, /) -> FromClause:
        """A table. Alias it where it joins itself."""
        ...


Computed = Callable[[Tables], Mapping[str, ColumnElement[Any]]]
"""Makes the fields that the database computes: an aggregate, a comparison. They come as the driver gives them."""


@dataclass(frozen=True, slots=True)
class SqlTable:
    """How a dataset is read from tables, where its columns alone are not enough."""

    dataset: Dataset
    joins: Sequence[Join] = ()
    computed: Computed | None = None
    fields: frozenset[str] = frozenset()
    """The names of the computed fields."""
    key: tuple[str, ...] = ()
    """The fields of a key of several columns, in place of the dataset's key, which then is one of them or computed."""

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The fields of the native key."""
        return self.key or (self.dataset.key,)

    @property
    def foreign(self) -> set[str]:
        """The fields that no column of this table fills."""
        return {name for join in self.joins for name in join.taken.values()} | self.fields


@dataclass(frozen=True, slots=True)
class _Found:
    """A dataset's table as it is in the store."""

    table: Table
    key: str
    """The first field of its key."""
    columns: Sequence[tuple[str, str]]
    """Name and declared type."""
    used: tuple[str, ...]


class SqlAdapter:
    """An Adapter over tables of one database, or over a folder of SQLite files; or one SQLite file."""

    def __init__(self, config: SourceConfig, tables: Sequence[Dataset | SqlTable]) -> None:
        self._config = config
        listed = [each if isinstance(each, SqlTable) else SqlTable(each, each.joins) for each in tables]
        self._tables = {each.dataset.name: each for each in listed}

    def check(self) -> Health:
        """Connect and look at the columns."""
        try:
            found = self.streams()
        except SourceError as error:
            return error.health()
        return Health("ok", ", ".join(f"{stream.name}: {stream.estimated_rows} rows" for stream in found))

    def streams(self) -> list[Stream]:
        """The datasets found, in the order of the table of datasets."""
        made = []
        with self._store(glance=True) as store:
            found = store.found(self._tables.values())
            for name, each in found.items():
                key = self._tables[name].key_fields
                rows = store.counted(each.table)
                made.append(Stream(name, key, each.used, digest_of(list(each.columns)).hex(), rows))
        return made

    def columns(self) -> list[NativeColumn]:
        """The columns of every table of the schema or file; views have none of their own."""
        made = []
        with self._store(glance=True) as store:
            found, listed = store.found(self._tables.values()), store.listed()
            for name, each in found.items():
                read = {str(column.name): column.key for column in each.table.columns}
                columns = [column for column, _ in each.columns]
                made += told_columns(name, columns, map(read.get, columns))
            strangers = store.base_tables() - {each.table.name for each in found.values()}
        made += [NativeColumn(table, column) for _, table, column, _ in listed if table in strangers]
        return made

    def change_token(self, stream: str) -> str | None:
        """A digest of a SQLite file and its `-wal`. A server proves nothing cheaply: None."""
        url = self._server()
        if url is not None:
            return None
        return sqlite_files.file_digest(self._file())

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every row of the table, in the order of its key on a server, of the file in SQLite."""
        source = self._tables[stream]
        loader = RowLoader(source.dataset)
        with self._store() as store:
            found = store.found(self._tables.values())
            names, statement = _selected(source, found, as_text=store.is_server)
            seen = 0
            for batch in store.rows(statement):
                rows = [dict(zip(names, row, strict=True)) for row in batch]
                locator = partial(_locator, f"{store.name}:{stream}", seen)
                told = loader.load(rows, [digest_of(tuple(row)) for row in batch], locator)
                yield from (_keyed(each, source.key) for each in told) if source.key else told
                seen += len(batch)
        yield Checkpoint(complete=True)

    def _server(self) -> URL | None:
        """The server's URL; None for SQLite."""
        if self._config.url is None:
            return None
        url = sql_engines.parsed(self._config.url)
        return None if url.get_backend_name() == "sqlite" else url

    def _file(self) -> Path:
        """The SQLite file that holds all tables."""
        if self._config.url is not None:
            return Path(sql_engines.parsed(self._config.url).database or "")
        path = self._config.path
        if path is None:
            raise SourceConfigError(
                "neither path nor url is configured",
                str(self._config.name),
                "set path to the SQLite file or its folder",
            )
        return _database_in(path, next(iter(self._tables)))

    @contextmanager
    def _store(self, *, glance: bool = False) -> Iterator[_Store]:
        url = self._server()
        if url is None:
            path = self._file()
            with (sqlite_files.glancing if glance else sqlite_files.reading)(path) as file:
                yield _File(file, path)
        else:
            schema = self._config.options.get("schema")
            if schema is not None and not isinstance(schema, str):
                raise SourceConfigError("schema is not a text", str(self._config.name), 'options = { schema = "his" }')
            silence = read_timeout(self._config)
            opened = sql_engines.glancing(url) if glance else sql_engines.reading(url, silence)
            with opened as connection:
                yield _Server(connection, url, schema)


def _locator(place: str, before: int, index: int, key: str) -> str:
    return f"{place}#{key or f'row {before + index + 1}'}"


def _keyed(told: Record | Rejected, key: tuple[str, ...]) -> Record | Rejected:
    """With a key of several fields; none where a row is refused, for part of a key may be many rows'."""
    if isinstance(told, Rejected):
        return replace(told, key=())
    found = tuple(str(getattr(told.data, name)) for name in key)
    return replace(told, key=found, locator=f"{told.locator.partition('#')[0]}#{'/'.join(found)}")


def _database_in(path: Path, table: str) -> Path:
    """The one SQLite file, or that of a folder's which holds a table."""
    try:
        if path.is_file():
            return path
        if not path.is_dir():
            raise SourceConfigError("no such file or folder", str(path), "check the source's path")
        names = {each.name for each in path.iterdir()}
    except PermissionError:
        raise SourceConfigError("the folder cannot be read", str(path), "give the gateway's user read rights") from None
    files = sorted(path / name for name in names if Path(name).suffix in _SUFFIXES)
    for each in files:
        if len(files) == 1:
            return each
        with sqlite_files.glancing(each) as connection:
            listed = connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
            if any(folded(name) == folded(table) for (name,) in listed):
                return each
    what = f"no SQLite file holds the table {table}" if files else "the folder holds no SQLite file"
    raise SourceConfigError(what, str(path), "check the source's path")


_Listed = tuple[str | None, str, str, str]
"""Schema, table, column and declared type, as a catalogue has them."""


class _Store(Protocol):
    """A database in one transaction."""

    name: str
    is_server: bool

    def found(self, sources: Iterable[SqlTable]) -> dict[str, _Found]:
        """The table of each dataset. Raises SourceConfigError."""
        ...

    def listed(self) -> Sequence[_Listed]:
        """The columns of every table and view."""
        ...

    def base_tables(self) -> set[str]:
        """The names of the tables that are no views."""
        ...

    def counted(self, table: Table) -> int:
        """How many rows a table has, or about how many where counting would take long."""
        ...

    def rows(self, statement: Select[Any]) -> Iterator[Sequence[Sequence[Any]]]:
        """What a statement selects, in batches."""
        ...


class _File:
    """A SQLite file."""

    is_server = False

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path, self.name = connection, path, path.name

    def found(self, sources: Iterable[SqlTable]) -> dict[str, _Found]:
        return _found(sources, self.listed(), str(self._path), "check which file this is")

    def listed(self) -> Sequence[_Listed]:
        rows = self._connection.execute(
            "SELECT listed.name, info.name, info.type FROM sqlite_schema listed, pragma_table_info(listed.name) info "
            "WHERE listed.type IN ('table', 'view') ORDER BY listed.name, info.cid"
        )
        return [(None, table, name, declared) for table, name, declared in rows]

    def base_tables(self) -> set[str]:
        return set(sqlite_files.base_tables(self._connection))

    def counted(self, table: Table) -> int:
        return int(next(self.rows(select(func.count()).select_from(table)))[0][0])

    def rows(self, statement: Select[Any]) -> Iterator[Sequence[Sequence[Any]]]:
        cursor = self._connection.execute(_literal(statement))
        while batch := cursor.fetchmany(BATCH):
            yield batch


def _literal(statement: Select[Any]) -> str:
    """A statement with the constants of computed fields in it: none of them is data."""
    return str(statement.compile(dialect=sqlite_dialect(), compile_kwargs={"literal_binds": True}))


class _Server:
    """A PostgreSQL or MySQL database."""

    is_server = True

    def __init__(self, connection: Connection, url: URL, schema: str | None) -> None:
        self._connection, self._schema = connection, schema
        self._where = sql_engines.place(url)
        self._current = "DATABASE()" if url.get_backend_name() in {"mysql", "mariadb"} else "current_schema()"
        self._estimating = sql_engines.estimates(url)
        self.name = url.database or ""

    def found(self, sources: Iterable[SqlTable]) -> dict[str, _Found]:
        hint = "grant the gateway's user SELECT on it, or set the option schema"
        return _found(sources, self.listed(), self._where, hint)

    def listed(self) -> Sequence[_Listed]:
        return [(schema, table, name, declared) for schema, table, name, declared in self._catalogue(_COLUMNS)]

    def base_tables(self) -> set[str]:
        return {table for (table,) in self._catalogue(_BASE_TABLES)}

    def counted(self, table: Table) -> int:
        some = select(literal_column("1")).select_from(table).limit(_COUNTED + 1).subquery()
        counted = int(next(self.rows(select(func.count()).select_from(some)))[0][0])
        return counted if counted <= _COUNTED else max(counted, self._estimates.get(table.name, 0))

    @cached_property
    def _estimates(self) -> dict[str, int]:
        return {name: rows or 0 for name, rows in self._catalogue(self._estimating)}

    def _catalogue(self, query: str) -> Sequence[Any]:
        statement = text(query.format(schema=":schema" if self._schema else self._current))
        return self._connection.execute(statement, {"schema": self._schema} if self._schema else {}).all()

    def rows(self, statement: Select[Any]) -> Iterator[Sequence[Sequence[Any]]]:
        with self._connection.execute(statement.execution_options(stream_results=True, max_row_buffer=BATCH)) as result:
            yield from result.partitions(BATCH)


def _found(sources: Iterable[SqlTable], listed: Sequence[_Listed], where: str, hint: str) -> dict[str, _Found]:
    """The table of each dataset among the columns of a catalogue: schema, table, column, type."""
    by_table: dict[tuple[str | None, str], list[tuple[str, str]]] = {}
    for schema, table, name, declared in listed:
        by_table.setdefault((schema, table), []).append((name, declared))
    # Of two that differ in case only, the one spelled like the dataset.
    made = {}
    for source in sources:
        dataset = source.dataset
        same = [each for each in by_table if folded(each[1]) == folded(dataset.name)]
        if not same:
            raise SourceConfigError(f"no table {dataset.name}", where, hint)
        schema, table = min(same, key=lambda each: each[1] != dataset.name)
        columns = by_table[schema, table]
        fields = _fields(source, [name for name, _ in columns], f"{where}: {table}")
        used = tuple(name for name, field in zip([name for name, _ in columns], fields, strict=True) if field)
        parts = [Column(name, NullType, key=field) for (name, _), field in zip(columns, fields, strict=True) if field]
        made[dataset.name] = _Found(Table(table, MetaData(schema=schema), *parts), source.key_fields[0], columns, used)
    return made


def _fields(source: SqlTable, columns: Sequence[str], where: str) -> list[str | None]:
    """The field of each column. Raises SourceConfigError where a key's column is missing."""
    dataset, foreign = source.dataset, source.foreign
    named = source.key_fields
    checked = dataset if dataset.key not in foreign else replace(dataset, key=named[0])
    found = [None if name in foreign else name for name in columns_of(checked, columns, where)]
    for name in named:
        if name not in found:
            raise SourceConfigError(f"column {name} is missing from {dataset.name}", where, "rename the column")
    return found


def _selected(source: SqlTable, found: Mapping[str, _Found], *, as_text: bool) -> tuple[list[str], Select[Any]]:
    """The fields of a row, and the statement that reads them."""
    table = found[source.dataset.name].table
    cells: dict[str, ColumnElement[Any]] = dict(table.c.items())
    reached: FromClause = table
    for number, join in enumerate(source.joins):
        other = _single(found[join.dataset], join).subquery(f"joined{number}")
        if join.field in cells and (join.by or found[join.dataset].key) in found[join.dataset].table.c:
            reached = reached.outerjoin(other, cast(cells[join.field], Text) == other.c.key)
            cells |= {mine: other.c[mine] for mine in join.taken.values() if mine in other.c}
    if as_text:
        cells = {name: cast(cell, Text) for name, cell in cells.items()}
    if source.computed:
        cells |= source.computed({name: each.table for name, each in found.items()})
    statement: Any = select(*(cell.label(f"cell{number}") for number, cell in enumerate(cells.values())))
    statement = statement.select_from(reached)
    if as_text or source.computed:
        # A server promises no order; SQLite reads a table in the order of its rows, unless it has to compare them.
        statement = statement.order_by(*(table.c[name] for name in source.key_fields))
    return list(cells), statement


def _single(found: _Found, join: Join) -> Any:
    """The rows of a table whose key no other row bears: the key as text, and the cells taken, under their new names."""
    table, key = found.table, cast(found.table.c[join.by or found.key], Text)
    taken = [
        func.max(cast(table.c[theirs], Text)).label(mine) for theirs, mine in join.taken.items() if theirs in table.c
    ]
    return select(key.label("key"), *taken).group_by(key).having(func.count() == literal_column("1"))
