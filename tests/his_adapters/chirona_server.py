"""A simulated Chirona on a real PostgreSQL: its DDL with every constraint, its rows, and a user who may only read."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from his_adapters import adapter_module
from his_adapters.base import Adapter, SourceConfig, SourceName
from his_adapters.chirona.schema import SCHEMA, TABLES, columns, postgresql_ddl
from tests.his_adapters.contract import simulated

ZONE = "Asia/Kolkata"


def plain(url: str) -> str:
    """The URL as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def load(owner: psycopg.Connection[Any], folder: Path, profile: str) -> None:
    """Make the schema and copy what `chirona.db` holds into it. A bad export has names and no types."""
    for statement in _untyped() if profile == "hostile" else postgresql_ddl(proposed=profile == "seed"):
        owner.execute(statement)
    with closing(sqlite3.connect(folder / "chirona.db")) as file:
        file.text_factory = lambda cell: cell.decode("utf-8", "replace").replace("\x00", "")
        for name in TABLES:
            names = ", ".join(f'"{each.name if profile == "hostile" else each.name.lower()}"'
                              for each in columns(name, profile))  # fmt: skip
            with owner.cursor().copy(f"COPY {SCHEMA}.{name} ({names}) FROM STDIN") as copy:
                for row in file.execute(f"SELECT * FROM {name}"):
                    copy.write_row(row)


def _untyped() -> list[str]:
    made = [f"CREATE SCHEMA {SCHEMA}"]
    for name in TABLES:
        declared = ", ".join(f'"{column.name}" TEXT' for column in columns(name, "hostile"))
        made.append(f"CREATE TABLE {SCHEMA}.{name} ({declared})")
    return made


def simulate_on(owner: psycopg.Connection[Any], folder: Path, profile: str, patients: int = 40) -> dict[str, int]:
    """Simulate a hospital into the folder and load it; the rows by table."""
    written = simulated("chirona", folder, profile, patients)
    owner.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    load(owner, folder, profile)
    return written


def reader(owner: psycopg.Connection[Any], url: str) -> str:
    """The URL of a new user who may SELECT and nothing else."""
    name, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(8)
    owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    owner.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name}; GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {name}")
    return make_url(url).set(username=name, password=password).render_as_string(hide_password=False)


def opened_at(url: str, **options: str) -> Adapter:
    """The adapter over a server."""
    config = SourceConfig(SourceName("site"), "chirona", url=url, timezone=ZONE, options=options)
    made: Adapter = adapter_module("chirona").open_source(config)
    return made


def rows(owner: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Every row of every table, to see that none has changed."""
    return {name: owner.execute(f"SELECT * FROM {SCHEMA}.{name} ORDER BY 1, 2").fetchall() for name in TABLES}
