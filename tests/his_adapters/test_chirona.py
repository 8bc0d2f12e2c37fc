"""Chirona: the adapter contract on SQLite, its schema, its configuration, and each defect of its data dictionary."""

from __future__ import annotations

from his_adapters.chirona.tables import SQL_TABLES
from tests.his_adapters.contract import AdapterContract

STREAMS = tuple(getattr(each, "dataset", each).name for each in SQL_TABLES)


class TestChirona(AdapterContract):
    """One SQLite file of 15 tables."""

    adapter = "chirona"
    streams = STREAMS
