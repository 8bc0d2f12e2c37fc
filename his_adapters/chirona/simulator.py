"""Makes a Chirona: `chirona.db`, one SQLite file of 15 tables, from a population. Knows no FHIR.

On the profiles `seed` and `original` every constraint of the DDL holds; `original` has the original's columns only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from his_adapters.chirona.accounts import Accounts
from his_adapters.chirona.care import Care
from his_adapters.chirona.hospital_staff import Staff, sizes
from his_adapters.chirona.schema import TABLES, columns, sqlite_ddl, untyped_ddl
from his_adapters.error_rates import Dice
from his_adapters.population import Population, Registration
from his_adapters.simulated_rows import BadExport, patient_key, registered
from his_adapters.simulated_stores import write_sqlite_tables

SOURCE = "chirona"
DEFAULT_PATIENTS = 400
FULL_PATIENTS = 5000
"""The seed names no row counts."""
FILE = "chirona.db"
_DATES = frozenset({
    *("staff_dob", "patient_dob", "shift_date", "start_time", "end_time", "appointment_date", "test_date"),
    *("appointment_start_time", "appointment_end_time", "admission_date", "discharge_date", "date_generated"),
    "payment_date",
})  # fmt: skip
_NUMBERS = frozenset({"week_no", "test_cost", "treatment_cost", "amount", "tax", "total_amount"})
_LONGEST_EMAIL = 50

Rows = Iterator[tuple[str, dict[str, Any]]]


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write `chirona.db` below `folder`, over an old one. Returns the rows written by table.

    A patient has some 1.5 appointments, a test, and every other one a treatment or an admission.
    """
    path = folder / FILE
    tables = {name: columns(name, profile) for name in TABLES}
    if profile != "hostile":
        rows = _hospital(population, patients=patients, profile=profile, seed=seed)
        return write_sqlite_tables(path, sqlite_ddl(proposed=profile == "seed"), tables, rows, sound=True)
    spoiled = _spoiled(population, patients=patients, seed=seed)
    return write_sqlite_tables(path, untyped_ddl(), tables, spoiled, sound=False)


def _hospital(population: Population, *, patients: int, profile: str, seed: int) -> Rows:
    """Every row of every table, patient by patient. The same arguments give the same rows."""
    rng = Random(f"{SOURCE}/{seed}/{profile}")
    dice = Dice(SOURCE, profile, rng)
    size = sizes(patients)
    staff = Staff(population, size, rng, dice)
    care = Care(size, rng, dice)
    accounts = Accounts(size, rng, dice)
    yield from staff.rows()
    for found in registered(population, SOURCE, patients):
        key: Any = patient_key(population, SOURCE, found.number, profile)
        yield "patient", _patient(found, key, rng, dice)
        charges = []
        for table, row in care.of_patient(key):
            yield table, row
            charges.append((table, row))
        yield from accounts.of_patient(key, charges)
    yield from care.rooms()


def _patient(found: Registration, key: str, rng: Random, dice: Dice) -> dict[str, Any]:
    sex = "Female" if found.sex == "F" else "Male"
    born = None if dice.hit("no_birth_date") else found.born
    return {
        "patient_id": key,
        "patient_first_name": f"{found.prefix} {found.given}".strip(),
        "patient_last_name": f"{found.family} {found.suffix}".strip(),
        "patient_tel_no": f"0{found.phone[-10:]}" if found.phone else "",
        "patient_email": found.email if found.email and len(found.email) <= _LONGEST_EMAIL else "",
        "patient_gender": "Transgender" if rng.random() < 0.01 else sex,
        "patient_dob": born and born.isoformat(),
        "patient_type": rng.choice(("Inpatient", "Outpatient")),
    }


def _spoiled(population: Population, *, patients: int, seed: int) -> Rows:
    for table in TABLES.values():
        name, fields = table.name.lower(), {column.field for column in table.columns}
        kept = frozenset(field for field in fields if field.endswith(("_id", "_by")) or field == "invoice_no")
        rng = Random(f"{SOURCE}/{seed}/hostile/{name}")
        bad = BadExport(rng, key=table.key, kept=kept, dates=_DATES, numbers=_NUMBERS)
        rows = _hospital(population, patients=patients, profile="hostile", seed=seed)
        for row in bad.spoil(row for found, row in rows if found == name):
            yield name, row
