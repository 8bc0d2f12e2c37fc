"""Opens HIS_D: `patients.db`, `staff.db`, `finance.db`, or one file that holds the three tables."""

from __future__ import annotations

from his_adapters.base import Adapter, SourceConfig
from his_adapters.his_d.records import DATASETS
from his_adapters.sqlite_files import SqliteAdapter


def open_source(config: SourceConfig) -> Adapter:
    """The adapter of one HIS_D. Does no I/O."""
    return SqliteAdapter(config, DATASETS)
