"""Writes the files of simulated stores: SQLite, CSV and JSON, row by row, whole or not at all.

The same rows give the same bytes. Knows no HIS and no person.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from his_adapters.layout import Column

Row = Mapping[str, Any]
"""Field to value. A text with surrogate escapes stands for bytes that are not UTF-8."""

_BATCH = 1000


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file in place of an old one and of what SQLite kept beside it; nothing changes when the writing fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    for beside in ("-wal", "-shm", "-journal"):
        path.with_name(f"{path.name}{beside}").unlink(missing_ok=True)
    part.replace(path)


def in_runs(rows: Iterator[Row], total: int, runs: int) -> Iterator[Iterator[Row]]:
    """The rows in so many runs of about equal length, one after the other."""
    for run in range(runs):
        size = (run + 1) * total // runs - run * total // runs
        yield rows if run == runs - 1 else islice(rows, size)


def write_sqlite(
    path: Path, table: str, columns: Sequence[Column], runs: Iterable[Iterable[Row]], *, key: str | None
) -> int:
    """One table in a file of its own; each run opens the file, makes the table unless it is there, and appends.

    Without a `key` the table has no primary key, and bytes that are not UTF-8 are kept as they are.
    """
    declared = ", ".join(
        f'"{column.name}" {column.type}{" PRIMARY KEY" if column.field == key else ""}' for column in columns
    )
    values = ", ".join("?" if key or column.type != "TEXT" else "CAST(? AS TEXT)" for column in columns)
    written = 0
    with replacing(path) as part:
        for run in runs:
            with closing(sqlite3.connect(part, isolation_level=None)) as store:
                for setting in ("page_size = 4096", "auto_vacuum = 0", "journal_mode = MEMORY", "synchronous = OFF"):
                    store.execute(f"PRAGMA {setting}")
                store.execute(f"CREATE TABLE IF NOT EXISTS {table} ({declared})")
                store.execute("BEGIN")
                insert = f"INSERT INTO {table} VALUES ({values})"  # noqa: S608 - names come from the schema
                cells = _cells(columns, run) if key else map(_as_bytes, _cells(columns, run))
                while batch := list(islice(cells, _BATCH)):
                    store.executemany(insert, batch)
                    written += len(batch)
                store.execute("COMMIT")
        _forget_library(part)
    return written


def write_sqlite_tables(
    path: Path,
    statements: Sequence[str],
    tables: Mapping[str, Sequence[Column]],
    rows: Iterable[tuple[str, Row]],
    *,
    sound: bool,
) -> dict[str, int]:
    """One file of several tables, made by the statements; rows come with their table's name, in any order.

    In a sound store every constraint holds, those between tables at the end; in another, bytes that are not UTF-8 are
    kept as they are. Returns the rows written by table.
    """
    mark = "?" if sound else "CAST(? AS TEXT)"
    inserts = {
        name: f"INSERT INTO {name} VALUES ({', '.join([mark] * len(found))})"  # noqa: S608 - names come from the schema
        for name, found in tables.items()
    }
    waiting: dict[str, list[tuple[Any, ...]]] = {name: [] for name in tables}
    cells = {name: itemgetter(*(column.field for column in found)) for name, found in tables.items()}
    written = dict.fromkeys(tables, 0)
    with replacing(path) as part, closing(sqlite3.connect(part, isolation_level=None)) as store:
        for setting in ("page_size = 4096", "auto_vacuum = 0", "journal_mode = MEMORY", "synchronous = OFF"):
            store.execute(f"PRAGMA {setting}")
        for statement in statements:
            store.execute(statement)
        store.execute("BEGIN")
        for table, row in rows:
            made = cells[table](row)
            waiting[table].append(made if sound else _as_bytes(made))
            written[table] += 1
            if len(waiting[table]) == _BATCH:
                store.executemany(inserts[table], waiting[table])
                waiting[table].clear()
        for table, batch in waiting.items():
            store.executemany(inserts[table], batch)
        # At once: row by row, while any row waits for one that it names, SQLite looks through whole tables.
        if sound and store.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError("a row refers to one that is not there")
        store.execute("COMMIT")
        store.close()
        _forget_library(part)
    return written


def _forget_library(path: Path) -> None:
    """The header names the SQLite library that wrote the file: one fixed number, so that any library's bytes agree."""
    with path.open("r+b") as store:
        store.seek(96)
        store.write((3_040_001).to_bytes(4))


def _cells(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    return map(itemgetter(*(column.field for column in columns)), rows)


def _as_bytes(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(cell.encode("utf-8", "surrogateescape") if isinstance(cell, str) else cell for cell in cells)


def write_csv(path: Path, columns: Sequence[Column], rows: Iterable[Row], *, bom: bool = False) -> int:
    """A header and the rows as pandas writes them: commas, quotes only where needed, LF, empty cells for None."""
    written = 0
    with (
        replacing(path) as part,
        part.open("w", encoding="utf-8-sig" if bom else "utf-8", errors="surrogateescape", newline="") as out,
    ):
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow([column.name for column in columns])
        for cells in _cells(columns, rows):
            lines.writerow(cells)
            written += 1
    return written


def write_json_array(path: Path, objects: Iterable[Row], *, bom: bool = False) -> int:
    """One array of objects as `json.dump(objects, indent=4)` writes it, object by object."""
    written = 0
    with replacing(path) as part, part.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as out:
        for found in objects:
            out.write(",\n    " if written else "[\n    ")
            out.write(json.dumps(found, indent=4).replace("\n", "\n    "))
            written += 1
        out.write("\n]" if written else "[]")
    return written


def write_json_lines(path: Path, objects: Iterable[Row]) -> int:
    """One object a line."""
    written = 0
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as out:
        for found in objects:
            out.write(json.dumps(found) + "\n")
            written += 1
    return written
