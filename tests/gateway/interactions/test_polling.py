"""Whoever asks again for what has changed since a Bundle's `meta.lastUpdated` misses nothing.

https://hl7.org/fhir/R4/http.html#history, https://hl7.org/fhir/R4/search.html#lastUpdated
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.gateway.interactions.conftest import Bundles
from tests.gateway.interactions.served import create, patient, served

PATHS = {
    "/fhir/_history": "_since=",
    "/fhir/Patient/_history": "_since=",
    "/fhir/Patient": "_lastUpdated=ge",
    "/fhir/Patient?family=Nobody": "_lastUpdated=ge",
    "/fhir?_type=Patient,Encounter": "_lastUpdated=ge",
    "/fhir/Patient/patient-0/$everything": "_since=",
}
LATE = {
    "/fhir/Patient?family=Nobody": {**patient(1), "id": "late", "name": [{"family": "Nobody"}]},
    "/fhir/Patient/patient-0/$everything": {
        "resourceType": "Condition",
        "id": "late",
        "meta": {"source": "urn:test"},
        "subject": {"reference": "Patient/patient-0"},
    },
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with served(tmp_path) as app:
        yield app


@pytest.mark.parametrize("path", PATHS)
def test_what_is_being_written_is_found_next_time(app: Flask, path: str) -> None:
    """It has its time already, and is not seen yet."""
    bundles, store = Bundles(app.test_client()), app.extensions["fhir_gateway"].store
    with store.writer() as writer:
        writer.hold(3600)
        with writer.batch():
            create(writer, [LATE.get(path, {**patient(1), "id": "late"})])
        while time.time_ns() // 1_000_000 <= writer.now:
            pass  # the clock moves on while the transaction is open
        first = bundles.get(path)  # which waits for nobody
    updated = first["meta"]["lastUpdated"]
    assert "late" not in ids(first)
    again = bundles.get(f"{path}{'&' if '?' in path else '?'}{PATHS[path]}{updated}&_count=1000")
    assert "late" in ids(again)


def ids(bundle: dict[str, Any]) -> list[str]:
    return [each["resource"]["id"] for each in bundle.get("entry", ()) if "resource" in each]
