"""The safety rule of Hybrid EHR's notes, through the whole flow: nothing of an unsafe note is ever served."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store import Store
from gateway.sync import SourceReport, sync
from his_adapters.base import SourceConfig, SourceName
from his_adapters.hybrid_ehr.schema import DATABASE, NOTE_FILES
from tests.his_adapters.contract import simulated
from tests.integration.hospitals import AS_OF, opened_store, resources

UUID = "11111111-2222-4333-8444-55555555aaaa"
ID = "65a0000127b71143dd555da2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two patients without records, and one note of the first patient."""
    folder = tmp_path / "store"
    simulated("hybrid_ehr", folder, "seed", patients=2)
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        for table in ("billing", "prescriptions", "medical_records"):
            database.execute(f"DELETE FROM {table}")
    note = {
        "_id": {"$oid": ID},
        "record_uuid": UUID,
        "patient_id": 1,
        "note_text": "x",
        "observations": {"bp": "120/80"},
    }
    (folder / NOTE_FILES[0]).write_text(json.dumps(note))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened_store(tmp_path / "gateway.db") as store:
        yield store


def _run(store: Store, folder: Path) -> SourceReport:
    config = SourceConfig(SourceName("clinic"), "hybrid_ehr", path=folder, timezone="Asia/Kolkata")
    (report,) = sync(store, [config], as_of=AS_OF, jobs=1).sources
    assert report.ok
    return report


def _of_the_note(store: Store) -> list[str]:
    return sorted(
        each["resourceType"]
        for each in resources(store)
        if each["resourceType"] in {"DocumentReference", "Observation"}
    )


def _record(folder: Path, patient: int | None) -> None:
    """The record of the note is this patient's; None: there is none."""
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        database.execute("DELETE FROM medical_records")
        if patient:
            row = (7, UUID, patient, 3, None, "Check-up", None, "2024-05-01 16:00:00")
            database.execute("INSERT INTO medical_records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def _notes(report: SourceReport) -> tuple[int, int]:
    (counts,) = [stream.counts for stream in report.streams if stream.stream == "clinical_notes"]
    assert counts.read == counts.mapped + counts.quarantined + counts.skipped == 1
    return counts.mapped, counts.quarantined


def test_a_note_is_served_exactly_while_its_record_is_its_patients(store: Store, folder: Path) -> None:
    """No record: quarantined. Then another's: still. Then the patient's own: released and served."""
    for patient, mapped in ((None, 0), (2, 0), (1, 1)):
        _record(folder, patient)
        assert _notes(_run(store, folder)) == (mapped, 1 - mapped)
        assert _of_the_note(store) == (["DocumentReference", "Observation"] if mapped else [])


def test_a_note_whose_record_changes_hands_is_withdrawn(store: Store, folder: Path) -> None:
    """Rows that turn bad elsewhere stay, tagged as stale; of this one nobody knows any more whose it is."""
    _record(folder, 1)
    assert _notes(_run(store, folder)) == (1, 0)
    _record(folder, 2)
    assert _notes(_run(store, folder)) == (0, 1)
    assert _of_the_note(store) == []
    _record(folder, 1)
    assert _notes(_run(store, folder)) == (1, 0)
    assert _of_the_note(store) == ["DocumentReference", "Observation"]
