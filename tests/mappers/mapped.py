"""Runs a mapper over records as the sync engine does, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from his_adapters.base import Record
from mappers import mappings
from mappers.base import MappingContext, MappingReport, Resource
from tests.his_adapters.contract import everything, opened, simulated

AS_OF = date(2026, 1, 15)


class Mapped(NamedTuple):
    """What one record becomes."""

    record: Record
    own: list[Resource]
    shared: list[Resource]
    report: MappingReport


def context(source: str = "site") -> MappingContext:
    """The context of a source in tests."""
    return MappingContext(source, "Test Hospital", AS_OF, timezone="Asia/Kolkata")


def mapped(adapter: str, record: Record) -> Mapped:
    """The resources of a record, by the adapter's mapper."""
    report = MappingReport()
    chosen = [each for each in mappings(adapter) if each.stream == record.stream]
    own = [made for each in chosen for to in each.own for made in to(record, context(), report)]
    shared = [made for each in chosen for to in each.shared for made in to(record, context(), report)]
    return Mapped(record, own, shared, report)


def mapped_store(adapter: str, folder: Path, profile: str, patients: int) -> Iterator[Mapped]:
    """Every record of a simulated store, mapped."""
    simulated(adapter, folder, profile, patients)
    for told in everything(opened(adapter, folder)):
        if isinstance(told, Record):
            yield mapped(adapter, told)


def texts(value: Any) -> Iterator[str]:
    """Every text within a JSON value or a record's data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)
    elif hasattr(value, "__slots__"):
        for name in value.__slots__:
            yield from texts(getattr(value, name))
    elif value is not None:
        yield value.isoformat() if isinstance(value, date) else str(value)
