"""Fills a MySQL database from a simulated landing zone as the platform's own loader does: checked, INSERT IGNORE.

So a row that violates a key, a reference or a type is in the files and not in the database.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from his_adapters.base import SourceConfig
from his_adapters.central_records.schema import CREATE_PROCEDURES, CREATE_TABLES, KEYS, LANDING_ZONE, TABLES
from his_adapters.simulated_databases import batches, demand_no_tables, filling, server_of

_GENDERS = {"M", "F", "Other"}


def demand_free(config: SourceConfig) -> None:
    """Raise SourceError unless a MySQL or MariaDB database answers that has none of the tables."""
    with filling(server_of(config, "mysql")) as connection:
        demand_no_tables(connection, KEYS)


def fill(config: SourceConfig, folder: Path, profile: str) -> dict[str, int]:
    """Make the tables and procedures, and insert the rows of a folder. Returns the rows that each table holds then."""
    with filling(server_of(config, "mysql")) as connection:
        demand_no_tables(connection, KEYS)
        for statement in (*CREATE_TABLES, *CREATE_PROCEDURES):
            connection.execute(text(statement))
        return {table: _insert(connection, table, folder, profile) for table in KEYS}


def _insert(connection: Connection, table: str, folder: Path, profile: str) -> int:
    columns = [column.field for column in TABLES["seed"][table]]
    marks = ", ".join(["%s"] * len(columns))
    statement = f"INSERT IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our schema's names
    found = (row for row in _rows(folder, table, profile) if _is_valid(row, table))
    for batch in batches(tuple(row.get(column) or None for column in columns) for row in found):
        connection.exec_driver_sql(statement, batch)
    counted = connection.execute(text(f"SELECT COUNT(*) FROM {table}"))  # noqa: S608 - our schema's names
    return int(counted.scalar_one())


def _rows(folder: Path, table: str, profile: str) -> Iterator[dict[str, str]]:
    fields = {column.name: column.field for column in TABLES[profile][table]}
    path = folder / LANDING_ZONE / f"{table}.csv"
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            yield {fields[name]: cell for name, cell in row.items()}


def _is_valid(row: dict[str, str], table: str) -> bool:
    return bool(row[KEYS[table]].strip()) and (table != "patients" or row["gender"] in _GENDERS)
