"""Makes a HIS_A: `patients.db`, `staff.db`, `finance.db`, one table each, from a population. Knows no FHIR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.his_a.schema import KEYS, STAFF_ID, TABLES, TRANSACTION_ID
from his_adapters.hospital_stays import bill, employment, history, sex_word, stay
from his_adapters.population import Population, Registration
from his_adapters.simulated_rows import (
    BadExport,
    Keys,
    Ledger,
    age,
    body,
    patient_key,
    registered,
    titled,
    worker,
)
from his_adapters.simulated_stores import in_runs, write_sqlite

SOURCE = "his_a"
DEFAULT_PATIENTS = 420
FULL_PATIENTS = DEFAULT_PATIENTS
"""The seed says 400 rows or more."""
_RUNS = 3
"""How often the original's endpoint was called: each call appended to the tables."""
_DATES = frozenset({"dob", "joining_date", "billing_date", "due_date"})
_NUMBERS = frozenset({"height_cm", "weight_kg", "salary", "amount", "discount_applied", "net_amount", "tax"})
_REFERENCES = frozenset({"patient_id", "staff_id"})


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write the three files below `folder`, over old ones. Returns the rows written by table.

    Staff are 15 % and bills 30 % as many as patients, as in the original.
    """
    hospital = _Hospital(population, patients=patients, profile=profile, seed=seed)
    made: dict[str, tuple[Iterator[dict[str, Any]], int]] = {
        "patients": (hospital.patients(), patients),
        "staff": (hospital.staff(), hospital.staff_count),
        "finance": (hospital.finance(), hospital.bill_count),
    }
    rows = {}
    for table, (found, count) in made.items():
        key: str | None = KEYS[table]
        if profile == "hostile":
            rng = Random(f"{SOURCE}/{seed}/hostile/{table}")
            bad = BadExport(rng, key=KEYS[table], kept=_REFERENCES, dates=_DATES, numbers=_NUMBERS)
            found, key = bad.spoil(found), None  # noqa: PLW2901
        runs = in_runs(found, count, _RUNS if hospital.dice.share("appended_runs") else 1)
        rows[table] = write_sqlite(folder / f"{table}.db", table, TABLES[profile][table], runs, key=key)
    return rows


class _Hospital:
    def __init__(self, population: Population, *, patients: int, profile: str, seed: int) -> None:
        self.population, self.patient_count, self.profile = population, patients, profile
        self.staff_count = max(6, patients * 15 // 100)
        self.bill_count = max(10, patients * 3 // 10) if patients else 0
        self.rng = Random(f"{SOURCE}/{seed}/{profile}")
        self.dice = Dice(SOURCE, profile, self.rng)
        self.keys = Keys(population, SOURCE, staff=STAFF_ID, finance=TRANSACTION_ID)
        self.ledger = Ledger(
            population,
            SOURCE,
            Random(f"{SOURCE}/{seed}/ledger"),
            bills=self.bill_count,
            patients=patients,
            staff=self.staff_count,
            share=self.dice.share("orphan_finance"),
        )

    def patients(self) -> Iterator[dict[str, Any]]:
        doctors = [
            worker(self.population, SOURCE, number, self.dice).family for number in range(self.staff_count)[:200]
        ]
        policy = "INS10000"
        for found in registered(self.population, SOURCE, self.patient_count):
            row = self._patient(found, doctors)
            if self.dice.hit("shared_insurance_id"):
                row["insurance_id"] = policy
            policy = row["insurance_id"]
            yield row

    def _patient(self, found: Registration, doctors: list[str]) -> dict[str, Any]:
        rng, dice = self.rng, self.dice
        height, weight = body(rng, age(found.born), adult_sized=dice.hit("adult_sized_children"))
        contact, address = found.contact, found.address
        contact_name = contact and (titled(rng, contact.name) if rng.random() < 0.05 else contact.name)
        return {
            "patient_id": patient_key(self.population, SOURCE, found.number, self.profile),
            "first_name": f"{found.prefix} {found.given}".strip(),
            "last_name": f"{found.family} {found.suffix}".strip(),
            "dob": found.born and found.born.isoformat(),
            "gender": sex_word(found, rng, dice),
            "blood_group": found.blood_group,
            "height_cm": height,
            "weight_kg": weight,
            "country": address and address.country,
            "state": address and address.state,
            "city": address and address.city,
            "postal_code": address and address.postal_code,
            "phone": found.phone,
            "email": found.email,
            "emergency_contact_name": contact_name,
            "emergency_contact_relation": contact and contact.relation,
            "emergency_contact_phone": contact and contact.phone,
            "insurance_id": found.policy,
            "insurance_provider": found.insurer,
            "medical_history": history(rng, dice),
            **stay(rng, dice, doctors),
        }

    def staff(self) -> Iterator[dict[str, Any]]:
        for number in range(self.staff_count):
            member = worker(self.population, SOURCE, number, self.dice)
            yield {
                "staff_id": self.keys.staff(number),
                "first_name": member.given,
                "last_name": member.family,
                "dob": member.born.isoformat(),
                "gender": "Female" if member.sex == "F" else "Male",
                "phone": member.phone,
                "email": member.email,
                **employment(member),
            }

    def finance(self) -> Iterator[dict[str, Any]]:
        for number in range(self.bill_count):
            row = {
                "transaction_id": self.keys.finance(number),
                "patient_id": patient_key(self.population, SOURCE, self.ledger.patient(number), self.profile),
                "staff_id": self.keys.staff(self.ledger.staff(number)),
                **bill(self.rng, self.dice),
            }
            if row["insurance_covered"] == "Yes" and self.dice.hit("covered_as_amount"):
                row["insurance_covered"] = str(round(row["amount"] * 0.8, 2))
            yield row
