"""A simulated Chirona on a real PostgreSQL: its DDL with every constraint, its rows, and a user who may only read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from his_adapters import adapter_module
from his_adapters.base import Adapter, SourceConfig, SourceName
from his_adapters.chirona import simulated_database
from his_adapters.chirona.schema import SCHEMA, TABLES
from tests.his_adapters.contract import simulated

ZONE = "Asia/Kolkata"


def simulate_on(owner: psycopg.Connection[Any], folder: Path, profile: str, patients: int = 40) -> dict[str, int]:
    """Simulate a hospital into the folder and the database; the rows by table."""
    simulated("chirona", folder, profile, patients)
    owner.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    info = owner.info
    url = URL.create("postgresql+psycopg", info.user, info.password, info.host, info.port, info.dbname)
    named = url.render_as_string(hide_password=False)
    return simulated_database.fill(SourceConfig(SourceName("simulated"), "chirona", url=named), folder, profile)


def opened_at(url: str, **options: str) -> Adapter:
    """The adapter over a server."""
    config = SourceConfig(SourceName("site"), "chirona", url=url, timezone=ZONE, options=options)
    made: Adapter = adapter_module("chirona").open_source(config)
    return made


def rows(owner: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Every row of every table, to see that none has changed."""
    return {name: owner.execute(f"SELECT * FROM {SCHEMA}.{name} ORDER BY 1, 2").fetchall() for name in TABLES}
