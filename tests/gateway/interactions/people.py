"""Three hospitals that share some people, synced and served: what the tests of who is who are answered from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask

from gateway.app import create_app
from gateway.identity.tables import TABLES
from gateway.settings import Settings
from gateway.store import Store
from gateway.sync import sync
from mappers.fhir import resource_id
from tests.gateway.list_backed import STEPS, Hospital, Row

ASHA: Row = {
    "name": "Asha Patil",
    "given": ["Asha"],
    "family": "Patil",
    "sex": "female",
    "born": "1970-03-09",
    "phone": "98230 11122",
}
TWIN: Row = {**ASHA, "name": "Meera Patil", "given": ["Meera"]}
RAVI: Row = {
    "name": "Ravi Kulkarni",
    "given": ["Ravi"],
    "family": "Kulkarni",
    "sex": "male",
    "born": "1988-11-30",
    "phone": "98191 44455",
}
PEOPLE = {
    "north": [{"key": "asha", **ASHA}, {"key": "ravi", **RAVI}],
    "south": [{"key": "asha", **ASHA, "phone": "98230 77788"}, {"key": "twin", **TWIN}],
    "east": [{"key": "asha", **ASHA, "sex": "unknown", "given": ["Asha", "Rani"], "name": "Asha Rani Patil"}],
}


def record(hospital: str, key: str) -> str:
    """The id of a Patient."""
    return resource_id(hospital, "Patient", "people", (key,))


def system(hospital: str) -> str:
    """The system of a hospital's identifiers."""
    return f"urn:fhir-gateway:source:{hospital}:people"


def fill(store: Store, folder: Path, people: Mapping[str, list[Row]] = PEOPLE) -> None:
    """Sync the hospitals."""
    hospitals = []
    for name, rows in people.items():
        hospital = Hospital(folder / f"{name}.json", name)
        visits: list[dict[str, Any]] = [{"key": f"{row['key']}-1", "person": row["key"]} for row in rows]
        hospital.streams = {"people": rows, "visits": visits}
        hospital.write()
        hospitals.append(hospital.config)
    assert sync(store, hospitals, as_of=date(2026, 1, 1), steps=STEPS, jobs=1).ok


@contextmanager
def served(folder: Path) -> Iterator[Flask]:
    """The server over the hospitals."""
    url = f"sqlite:///{folder / 'gateway.db'}"
    with Store.open(url, extra=TABLES) as store:
        fill(store, folder)
    app = create_app(Settings(file=folder / "gateway.toml", store=url))
    try:
        yield app
    finally:
        app.extensions["fhir_gateway"].store.close()
