"""Syncs of list-backed hospitals, with the laws that each of them keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.sync import SourceReport, SyncReport, sync
from mappers.fhir import resource_id
from tests.gateway.list_backed import STEPS, Hospital

TODAY = date(2026, 1, 1)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url, extra=TABLES) as opened:
        yield opened


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path / "hospital.json")


def run(store: Store, hospital: Hospital, **options: Any) -> SourceReport:
    """Write what the hospital holds now, and sync it in this process."""
    hospital.write()
    return whole_run(store, [hospital], **options).sources[0]


def whole_run(store: Store, hospitals: list[Hospital], **options: Any) -> SyncReport:
    given = {"as_of": TODAY, "steps": STEPS, "jobs": 1, **options}
    report = sync(store, [each.config for each in hospitals], **given)
    for source in report.sources:
        for stream in source.streams:
            counts = stream.counts
            assert counts.read == counts.mapped + counts.quarantined + counts.skipped, stream
    dangling_links(store)
    return report


def bodies(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    """The newest version of all that lives."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for change in reversed(store.history(count=100_000)):
        if change.body is None:
            newest.pop((change.type, change.id))
        else:
            newest[change.type, change.id] = orjson.loads(change.body)
    return newest


def literals(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for child in value.values():
            yield from literals(child)
    elif isinstance(value, list):
        for child in value:
            yield from literals(child)


def dangling_links(store: Store) -> None:
    """The law that every sync keeps: every literal reference in the store resolves."""
    found = bodies(store)
    for body in found.values():
        for literal in literals(body):
            kind, _, name = literal.partition("/")
            assert (kind, name) in found, literal


def of(kind: str, stream: str, key: str) -> tuple[str, str]:
    return kind, resource_id("list", kind, stream, (key,))


def patient(store: Store, key: str) -> dict[str, Any]:
    return bodies(store)[of("Patient", "people", key)]


def rules(store: Store) -> list[str]:
    return [entry.rule for entry in store.quarantine()]
