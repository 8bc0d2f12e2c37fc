"""Native files as lists of rows and back, whatever their format, so that a test can spoil any cell of any hospital."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def tables_in(path: Path) -> list[str]:
    """The tables of a native file: those of a database, else the file itself."""
    if path.suffix != ".db":
        return [path.stem]
    with closing(sqlite3.connect(path)) as connection:
        listed = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        return [name for (name,) in connection.execute(listed)]


def read_rows(path: Path, table: str) -> list[Row]:
    """The rows of a table of a native file in its own words."""
    match path.suffix:
        case ".db":
            with closing(sqlite3.connect(path)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
        case ".json":
            text = path.read_text(encoding="utf-8-sig")
            if text.startswith("["):
                return list(json.loads(text))
            return [json.loads(line) for line in text.splitlines()]
        case ".ndjson":
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        case ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return list(csv.DictReader(file))
    raise ValueError(path.suffix)


def write_rows(path: Path, table: str, rows: list[Row]) -> None:
    """Write rows of any values as a table of a native file; columns are those of all rows together."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    match path.suffix:
        case ".db":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA synchronous = OFF")
                names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
                connection.execute(f"DROP TABLE IF EXISTS {table}")
                connection.execute(f"CREATE TABLE {table} ({names})")
                marks = ", ".join("?" * len(columns))
                values = [[_cell(row.get(name)) for name in columns] for row in rows]
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
                connection.commit()
        case ".json":
            path.write_text(json.dumps(rows, default=_text), encoding="utf-8")
        case ".ndjson":
            path.write_text("".join(json.dumps(row, default=_text) + "\n" for row in rows), encoding="utf-8")
        case ".csv":
            with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="")
                writer.writeheader()
                for row in rows:
                    writer.writerow({name: _text(value).replace("\x00", "") for name, value in row.items()})


def _cell(value: Any) -> Any:
    """What SQLite can hold of a value."""
    if isinstance(value, bool | dict | list):
        return json.dumps(value, default=_text)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)
