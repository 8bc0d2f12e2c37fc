"""The central records' database for tests: empty tables, or filled as the simulation does."""

from __future__ import annotations

from pathlib import Path

from his_adapters.base import SourceConfig, SourceName
from his_adapters.central_records import simulated_database
from his_adapters.central_records.schema import CREATE_PROCEDURES, CREATE_TABLES
from tests.mariadb import execute


def create(url: str) -> None:
    """The four tables and the three procedures."""
    execute(url, *CREATE_TABLES, *CREATE_PROCEDURES)


def fill(url: str, folder: Path, profile: str) -> dict[str, int]:
    """Make them and insert the rows of a folder; how many each table then holds."""
    config = SourceConfig(SourceName("simulated"), "central_records", url=url)
    return simulated_database.fill(config, folder, profile)
