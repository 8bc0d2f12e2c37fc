"""Opens the central records, one source whichever way in: CSV files below a folder, or the MySQL database of a URL."""

from __future__ import annotations

from his_adapters.base import Adapter, SourceConfig
from his_adapters.central_records.records import DATASETS
from his_adapters.central_records.schema import LANDING_ZONE
from his_adapters.csv_files import CsvAdapter

OPTIONS = ("encoding", "delimiter", "read_timeout")
"""What `options` of its configuration may name: of the files, and of the database."""


def open_source(config: SourceConfig) -> Adapter:
    """The adapter of one platform. Does no I/O."""
    if config.url is None:
        return CsvAdapter(config, DATASETS, inside=(LANDING_ZONE,))
    from his_adapters.sql_tables import SqlAdapter  # files need no database library

    return SqlAdapter(config, DATASETS)
