"""Fills a PostgreSQL database with a simulated Chirona: the DDL with every constraint, the rows of `chirona.db`.

A bad export has names and no types there too; of its cells PostgreSQL cannot hold the bytes that are not UTF-8.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from his_adapters.base import SourceConfig
from his_adapters.chirona.connection import located
from his_adapters.chirona.schema import SCHEMA, TABLES, columns, postgresql_ddl, untyped_ddl
from his_adapters.simulated_databases import copy, demand_no_tables, filling, server_of


def demand_free(config: SourceConfig) -> None:
    """Raise SourceError unless a PostgreSQL database answers that has none of the tables."""
    with filling(server_of(located(config), "postgresql")) as connection:
        demand_no_tables(connection, TABLES, SCHEMA)


def fill(config: SourceConfig, folder: Path, profile: str) -> dict[str, int]:
    """Make the schema and copy what `chirona.db` holds into it, all or nothing. Returns the rows by table."""
    with filling(server_of(located(config), "postgresql")) as connection:
        demand_no_tables(connection, TABLES, SCHEMA)
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        made = untyped_ddl(f"{SCHEMA}.") if profile == "hostile" else postgresql_ddl(proposed=profile == "seed")
        for statement in made:
            connection.exec_driver_sql(statement)
        with closing(sqlite3.connect(folder / "chirona.db")) as file:
            file.text_factory = lambda cell: cell.decode("utf-8", "replace").replace("\x00", "")
            return {
                name: copy(
                    connection,
                    f"{SCHEMA}.{name}",
                    [each.name if profile == "hostile" else each.name.lower() for each in columns(name, profile)],
                    file.execute(f"SELECT * FROM {name}"),  # noqa: S608 - our schema's names
                )
                for name in TABLES
            }
