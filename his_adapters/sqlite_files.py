"""Reads SQLite files of a hospital without ever writing to them and without standing in its way.

The database and an existing `-wal` stay unchanged byte for byte. A WAL database in use is read in place: readers never
block its writers. Any other is read from a private snapshot, because a long read in rollback mode would keep the
hospital from committing, and a closed WAL database would need side files in the hospital's folder.
https://www.sqlite.org/wal.html#read_only_databases
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from his_adapters.base import (
    Checkpoint,
    Column,
    Health,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceConfigError,
    SourceError,
    SourceTransientError,
    Stream,
)
from his_adapters.tabular import BATCH, Dataset, RowLoader, columns_of, digest_of, folded, told_columns

_WAIT_S = 5.0
_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_RIGHTS = "give the gateway's user read rights"
_RESTORE = "restore the file from its backup"
_WRITING = "the hospital is writing; sync again later"
_MAGIC = b"SQLite format 3\x00"


class SqliteAdapter:
    """An Adapter over a folder of SQLite files, one table a dataset, or one file that holds them all."""

    def __init__(self, config: SourceConfig, datasets: Sequence[Dataset]) -> None:
        self._config = config
        self._datasets = {dataset.name: dataset for dataset in datasets}

    def check(self) -> Health:
        """Open each dataset's file and look at its columns."""
        try:
            found = self.streams()
        except SourceError as error:
            return error.health()
        return Health("ok", ", ".join(f"{stream.name}: {stream.estimated_rows} rows" for stream in found))

    def streams(self) -> list[Stream]:
        """The datasets found, in the order of the table of datasets."""
        found = []
        for dataset in self._datasets.values():
            path = self._file_of(dataset)
            with glancing(path) as connection:
                columns = _columns(connection, dataset.name)
                names = columns_of(dataset, [name for name, _ in columns], f"{path}:{dataset.name}")
                rows = connection.execute(f"SELECT count(*) FROM {_quoted(dataset.name)}").fetchone()[0]
            used = tuple(name for (name, _), canonical in zip(columns, names, strict=True) if canonical)
            fingerprint = digest_of(columns).hex()
            found.append(Stream(dataset.name, (dataset.key,), used, fingerprint, rows))
        return found

    def columns(self) -> list[Column]:
        """The columns of every table of the datasets' files and of the files beside them."""
        made, files = [], []
        for dataset in self._datasets.values():
            path = self._file_of(dataset)
            with glancing(path) as connection:
                found = [name for name, _ in _columns(connection, dataset.name)]
            made += told_columns(dataset.name, found, columns_of(dataset, found, f"{path}:{dataset.name}"))
            files += [path] if path == self._config.path else _databases_in(path.parent, dataset.name)
        for path in dict.fromkeys(sorted(files)):
            made += self._strangers(path)
        return made

    def _strangers(self, path: Path) -> list[Column]:
        """The columns of the tables of a file that are no dataset's; `*` where the file cannot be read."""
        known = {folded(name) for name in self._datasets}
        try:
            with glancing(path) as connection:
                return [
                    column
                    for table in base_tables(connection)
                    if folded(table) not in known
                    for column in told_columns(table, [name for name, _ in _columns(connection, table)])
                ]
        except SourceError:
            return [Column(path.stem, "*")]

    def change_token(self, stream: str) -> str | None:
        """A digest of the database file and its `-wal`: what a reader sees is in these two."""
        return file_digest(self._file_of(self._datasets[stream]))

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every row of the table, in the order of the file."""
        dataset = self._datasets[stream]
        path = self._file_of(dataset)
        loader = RowLoader(dataset)
        with reading(path) as connection:
            columns = [name for name, _ in _columns(connection, dataset.name)]
            names = columns_of(dataset, columns, f"{path}:{dataset.name}")
            kept = [(index, name) for index, name in enumerate(names) if name]
            cursor = connection.execute(f"SELECT * FROM {_quoted(dataset.name)}")
            place = f"{path.name}:{dataset.name}"
            seen = 0
            while batch := cursor.fetchmany(BATCH):
                rows = [{name: row[index] for index, name in kept} for row in batch]
                digests = [digest_of(row) for row in batch]
                yield from loader.load(rows, digests, partial(_locator, place, seen))
                seen += len(batch)
        yield Checkpoint(complete=True)

    def _file_of(self, dataset: Dataset) -> Path:
        """The file that holds a dataset: `<dataset>.db`, else whichever file of the folder has such a table."""
        path = self._config.path
        if path is None:
            raise SourceConfigError(
                "no path is configured", str(self._config.name), "set path to the folder of the .db files"
            )
        candidates = [path] if _is_file(path) else _databases_in(path, dataset.name)
        for candidate in candidates:
            with glancing(candidate) as connection:
                if _columns(connection, dataset.name):
                    return candidate
        raise SourceConfigError(
            f"no table {dataset.name}", str(path), f"expected it in {dataset.name}.db or in another file there"
        )


def _locator(place: str, before: int, index: int, key: str) -> str:
    return f"{place}#{key or f'row {before + index + 1}'}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        raise SourceConfigError("the path cannot be read", str(path), _RIGHTS) from None


def _databases_in(folder: Path, dataset: str) -> list[Path]:
    try:
        found = sorted(each for each in folder.iterdir() if each.suffix in _SUFFIXES)
    except FileNotFoundError:
        raise SourceConfigError("no such folder", str(folder), "check the source's path") from None
    except PermissionError:
        raise SourceConfigError(
            "the folder cannot be read", str(folder), "give the gateway's user read rights"
        ) from None
    except NotADirectoryError:
        raise SourceConfigError("neither a folder nor a file", str(folder), "check the source's path") from None
    if not found:
        raise SourceConfigError(f"{dataset}.db is missing", str(folder), "the folder holds no SQLite file")
    return sorted(found, key=lambda each: each.stem != dataset)


@contextmanager
def glancing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for a moment's look (columns, counts), in place wherever that makes no side files."""
    with _explained(path):
        header = _header(path)
        in_place = _in_use(path) if _is_wal(header) else not _beside(path, "-journal").exists()
    if not in_place:
        with reading(path) as connection:
            yield connection
        return
    with _explained(path), closing(_opened(path)) as connection:
        yield connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in one read transaction that sees one state and holds no writer up."""
    with _explained(path):
        header = _header(path)
        if _is_wal(header) and _in_use(path):
            with closing(_opened(path)) as connection:
                connection.execute("BEGIN")
                yield connection
        else:
            with tempfile.TemporaryDirectory(prefix="fhir-gateway-") as private:
                copy = Path(private) / "snapshot.db"
                _snapshot(path, header, copy)
                with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                    connection.text_factory = _text
                    yield connection


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors come out as SourceError: what, where, how to mend it."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise SourceTransientError(
                "the database is locked", str(path), "the hospital is writing; sync again later"
            ) from None
        raise SourceConfigError(
            f"cannot be read as SQLite ({error})", str(path), "check the file and its rights"
        ) from None
    except sqlite3.DatabaseError as error:
        raise SourceConfigError(
            f"not a sound SQLite database ({error})", str(path), "restore the file from its backup"
        ) from None


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise SourceConfigError("no such file", str(path), "check the source's path") from None
    except PermissionError:
        raise SourceConfigError("the file cannot be read", str(path), _RIGHTS) from None
    except OSError as error:
        raise SourceTransientError(
            f"the file cannot be read ({error.strerror})", str(path), "check the disk or mount"
        ) from None
    if not header.startswith(_MAGIC):
        raise SourceConfigError("not a SQLite database", str(path), _RESTORE)
    return header


def _is_wal(header: bytes) -> bool:
    """Bytes 18 and 19 are 2 in WAL mode. https://www.sqlite.org/fileformat.html#file_format_version_numbers"""
    return header[18:20] == b"\x02\x02"


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _in_use(path: Path) -> bool:
    """A WAL database whose side files exist can be read in place without making any."""
    return _beside(path, "-wal").exists() and _beside(path, "-shm").exists()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT_S, isolation_level=None)
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    """Bytes that are not UTF-8 become U+FFFD: one bad cell must not stop a source."""
    return raw.decode("utf-8", "replace")


def _snapshot(path: Path, header: bytes, copy: Path) -> None:
    """Copy the database to a private place, as one consistent state."""
    if not _is_wal(header) and not _beside(path, "-journal").exists():
        with closing(_opened(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target, pages=-1)
        return
    for _ in range(3):
        before = file_digest(path)
        shutil.copyfile(path, copy)
        for suffix in ("-wal", "-journal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(_beside(path, suffix), _beside(copy, suffix))
        if file_digest(path) == before:
            return
    raise SourceTransientError(
        "the database changes while it is copied", str(path), "the hospital is writing; sync again later"
    )


def file_digest(path: Path) -> str:
    """A digest of a database file with the changes that wait in its `-wal` or `-journal`."""
    digest = hashlib.blake2b(digest_size=16)
    for each in (path, _beside(path, "-wal"), _beside(path, "-journal")):
        with suppress(FileNotFoundError), each.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        digest.update(b"\x00next file\x00")
    return digest.hexdigest()


def base_tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that hold rows of their own: no views, none of SQLite's own."""
    listed = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return [name for (name,) in listed if not name.startswith("sqlite_")]


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Name and declared type of each column; [] when there is no such table."""
    rows: list[Any] = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    return [(name, declared) for name, declared in rows]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
