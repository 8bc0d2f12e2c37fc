"""Opens a Chirona: its PostgreSQL schema, or `chirona.db` with the same 15 tables."""

from __future__ import annotations

from collections.abc import Iterator

from his_adapters import sql_tables
from his_adapters.base import (
    Adapter,
    Checkpoint,
    Column,
    Health,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceConfigError,
    SourceError,
    Stream,
)
from his_adapters.chirona.connection import SSL_OPTIONS, located
from his_adapters.chirona.schema import TABLES
from his_adapters.chirona.tables import SQL_TABLES
from his_adapters.sql_tables import SqlAdapter
from his_adapters.tabular import folded

OPTIONS = (*sql_tables.OPTIONS, *SSL_OPTIONS)


def open_source(config: SourceConfig) -> Adapter:
    """The adapter of one Chirona. Does no I/O."""
    return Chirona(config)


class Chirona:
    """An Adapter over the 15 tables. A missing column of the original DDL stops the source: half is not read."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config

    def check(self) -> Health:
        """Connect, look at the columns, and demand the zone of the clock times."""
        if self._config.timezone is None:
            return Health(
                "config",
                f"{self._config.name}: no timezone is configured, and the store has clock times",
                'set timezone to the hospital\'s, as in timezone = "Africa/Lagos"',
            )
        try:
            found = self.streams()
        except SourceError as error:
            return error.health()
        return Health("ok", ", ".join(f"{stream.name}: {stream.estimated_rows} rows" for stream in found))

    def streams(self) -> list[Stream]:
        """The tables, those that others refer to first."""
        found = self._tables().streams()
        for stream in found:
            self._demand_columns(stream)
        return found

    def columns(self) -> list[Column]:
        """The columns of the schema's tables."""
        return self._tables().columns()

    def change_token(self, stream: str) -> str | None:
        """A digest of the SQLite file; None for a server."""
        return self._tables().change_token(stream)

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every row of a table, with what other tables say of it."""
        yield from self._tables().read(stream, state)

    def _tables(self) -> SqlAdapter:
        return SqlAdapter(located(self._config), SQL_TABLES)

    def _demand_columns(self, stream: Stream) -> None:
        known = {folded(name) for name in stream.fields}
        for column in TABLES[stream.name].columns:
            if not column.proposed and folded(column.name) not in known:
                raise SourceConfigError(
                    f"column {column.name} is missing from {stream.name}",
                    str(self._config.name),
                    "rename it back; README.md lists the columns",
                )
