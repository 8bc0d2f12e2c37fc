"""Fills a MariaDB or MySQL database from the landing zone as the platform's own loader does: checked, INSERT IGNORE."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from his_adapters.central_records.schema import CREATE_PROCEDURES, CREATE_TABLES, KEYS, LANDING_ZONE, TABLES
from tests.mariadb import connected, execute

_GENDERS = {"M", "F", "Other"}


def create(url: str) -> None:
    """The four tables and the three procedures."""
    execute(url, *CREATE_TABLES, *CREATE_PROCEDURES)


def load(url: str, folder: Path, profile: str) -> dict[str, int]:
    """Insert the rows of a folder; how many each table then holds: what violates a key or a type is not among them."""
    held = {}
    with connected(url) as connection, connection.cursor() as cursor:
        for table, key in KEYS.items():
            columns = [column.field for column in TABLES["seed"][table]]
            marks = ", ".join(["%s"] * len(columns))
            rows = [
                tuple(row.get(column) or None for column in columns)
                for row in _valid(_rows(folder, table, profile), table, key)
            ]
            if rows:
                cursor.executemany(f"INSERT IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            held[table] = cursor.fetchone()[0]
    return held


def _rows(folder: Path, table: str, profile: str) -> Iterator[dict[str, str]]:
    fields = {column.name: column.field for column in TABLES[profile][table]}
    path = folder / LANDING_ZONE / f"{table}.csv"
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            yield {fields[name]: cell for name, cell in row.items()}


def _valid(rows: Iterator[dict[str, str]], table: str, key: str) -> Iterator[dict[str, str]]:
    seen: set[str] = set()
    for row in rows:
        if not row[key].strip() or row[key] in seen:
            continue
        if table == "patients" and row["gender"] not in _GENDERS:
            continue
        seen.add(row[key])
        yield row
