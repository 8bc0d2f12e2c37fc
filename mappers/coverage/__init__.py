"""What becomes of every native column, as one CSV file a source: the elements that it decides, or why there are none.

Columns: stream, column, elements, reason. A column that is read is named by the field that it is read as, so that each
of its spellings finds its row; nested data by its path. The elements are proven, not only claimed: a test changes each
column of simulated stores and sees which elements change with it (`tests/laws/test_coverage.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from his_adapters.base import Column
from his_adapters.tabular import folded

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Account:
    """One row of a table."""

    stream: str
    column: str
    elements: tuple[str, ...]
    """`Patient.birthDate`; `Claim` alone where the column decides only whether there is one."""
    reason: str
    """Why there are none; "" where there are."""


def file_of(adapter: str) -> Path:
    """Where an adapter's table lies."""
    return _FOLDER / f"{adapter}.csv"


@cache
def accounts(adapter: str) -> Mapping[tuple[str, str], Account]:
    """An adapter's table by stream and column, as `place_of` names them; empty where it has none."""
    file = file_of(adapter)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    rows = (
        Account(row["stream"], row["column"], tuple(row["elements"].split()), row["reason"])
        for row in csv.DictReader(text.splitlines())
    )
    return {place_of(Column(row.stream, row.column)): row for row in rows}


def place_of(column: Column) -> tuple[str, str]:
    """The stream and column as tables are compared: without case and punctuation, but for the parts of a path."""
    parts = (column.field or column.name).split(".")
    return folded(column.stream), ".".join(part if part == "*" else _part(part) for part in parts)


def _part(part: str) -> str:
    bare = part.removesuffix("[]")
    return folded(bare) + part[len(bare) :]
