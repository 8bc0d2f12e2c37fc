"""Makes a Hybrid EHR: `healthdb.db` with six tables and `clinical_notes.ndjson`, from a population. Knows no FHIR.

On the profiles `seed` and `original` every constraint of the tables holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.hybrid_ehr.schema import DATABASE, KEYS, NOTE_FILES, sqlite_ddl, tables, untyped_ddl
from his_adapters.hybrid_ehr.simulated_clinic import Clinic
from his_adapters.hybrid_ehr.simulated_notes import NoteWriter
from his_adapters.population import Population
from his_adapters.simulated_rows import BadExport
from his_adapters.simulated_stores import write_json_lines, write_sqlite_tables

SOURCE = "hybrid_ehr"
DEFAULT_PATIENTS = 240
FULL_PATIENTS = 1000
"""The seed says 100 rows or more in each table."""
_DATES = frozenset({"date_of_birth", "created_at", "appointment_ts", "issued_at", "billed_at"})
_NUMBERS = frozenset({"amount"})
_REFERENCES = frozenset({"patient_id", "doctor_id", "appointment_id", "record_id", "record_uuid"})


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write both files below `folder`, over old ones. Returns the rows written by table and collection.

    A patient has one or two appointments, most of which become records with prescriptions, a bill and a note.
    """
    named = tables(profile)
    notes = _notes(population, patients=patients, profile=profile, seed=seed)
    if profile == "hostile":
        spoiled = _spoiled(population, patients=patients, seed=seed)
        written = write_sqlite_tables(folder / DATABASE, untyped_ddl(named), named, spoiled, sound=False)
        bad = _bad_export(seed, "clinical_notes", "_id")
        notes = bad.spoil(notes)
    else:
        rows = Clinic(population, patients=patients, profile=profile, seed=seed).rows()
        written = write_sqlite_tables(folder / DATABASE, sqlite_ddl(), named, rows, sound=True)
    return {**written, "clinical_notes": write_json_lines(folder / NOTE_FILES[0], notes)}


def _notes(population: Population, *, patients: int, profile: str, seed: int) -> Iterator[dict[str, Any]]:
    """The notes of the same clinic, made again: nothing is kept in memory."""
    rng = Random(f"{SOURCE}/{seed}/{profile}/notes")
    writer = NoteWriter(rng, Dice(SOURCE, profile, rng))
    records = Clinic(population, patients=patients, profile=profile, seed=seed).rows()
    for table, row in records:
        if table == "medical_records":
            yield from writer.of(row)


def _bad_export(seed: int, name: str, key: str) -> BadExport:
    rng = Random(f"{SOURCE}/{seed}/hostile/{name}")
    return BadExport(rng, key=key, kept=_REFERENCES, dates=_DATES, numbers=_NUMBERS)


def _spoiled(population: Population, *, patients: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for table, key in KEYS.items():
        rows = Clinic(population, patients=patients, profile="hostile", seed=seed).rows()
        for row in _bad_export(seed, table, key).spoil(row for found, row in rows if found == table):
            yield table, row
