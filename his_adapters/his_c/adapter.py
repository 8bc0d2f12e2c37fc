"""Opens HIS_C: `patients.csv`, `staff.csv`, `finance.csv` in one folder."""

from __future__ import annotations

from his_adapters.base import Adapter, SourceConfig
from his_adapters.csv_files import CsvAdapter
from his_adapters.his_c.records import DATASETS

OPTIONS = ("encoding", "delimiter")
"""What `options` of its configuration may name."""


def open_source(config: SourceConfig) -> Adapter:
    """The adapter of one HIS_C. Does no I/O."""
    return CsvAdapter(config, DATASETS)
