"""Makes a HIS_D: `patients.db`, `staff.db`, `finance.db`, one table each, from a population. Knows no FHIR."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.his_d import schema
from his_adapters.his_d.schema import KEYS, RECORD_ID, STAFF_ID, TABLES
from his_adapters.households import TODAY, day_between
from his_adapters.name_pools import certifications, foreign_homes, sentences
from his_adapters.population import Population, Registration
from his_adapters.simulated_rows import (
    BadExport,
    Keys,
    Ledger,
    Worker,
    age,
    body,
    money,
    packed_phone,
    patient_key,
    registered,
    titled,
    worker,
)
from his_adapters.simulated_stores import in_runs, write_sqlite

SOURCE = "his_d"
DEFAULT_PATIENTS = 520
FULL_PATIENTS = DEFAULT_PATIENTS
"""The seed says 500 rows or more."""
_RUNS = 2
_DATES = frozenset({"dob", "followup_date", "date_joined", "billing_date", "due_date"})
_NUMBERS = frozenset({"height_cm", "weight_kg", "salary", "treatment_cost", "hospital_charges", "tax", "discount"})
_REFERENCES = frozenset({"patient_id"})
_PARENTHESES = "Holy See (Vatican City State)"


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write the three files below `folder`, over old ones. Returns the rows written by table.

    Staff are a quarter and bills half as many as patients, as in the original.
    """
    hospital = _Hospital(population, patients=patients, profile=profile, seed=seed)
    made = {
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
        self.staff_count = max(6, patients // 4)
        self.bill_count = max(10, patients // 2) if patients else 0
        self.rng = Random(f"{SOURCE}/{seed}/{profile}")
        self.dice = Dice(SOURCE, profile, self.rng)
        self.keys = Keys(population, SOURCE, staff=STAFF_ID, finance=RECORD_ID)
        self.ledger = Ledger(
            population,
            SOURCE,
            Random(f"{SOURCE}/{seed}/ledger"),
            bills=self.bill_count,
            patients=patients,
            staff=0,  # no bill of this store names a member of staff
            share=self.dice.share("orphan_finance"),
        )

    def patients(self) -> Iterator[dict[str, Any]]:
        doctors = [
            worker(self.population, SOURCE, number, self.dice).family for number in range(self.staff_count)[:200]
        ]
        for found in registered(self.population, SOURCE, self.patient_count):
            yield self._person(found) | self._illness(doctors)

    def _person(self, found: Registration) -> dict[str, Any]:
        rng, dice, contact = self.rng, self.dice, found.contact
        height, weight = body(rng, age(found.born), adult_sized=self.profile != "seed")
        female = found.sex == "F"
        if dice.hit("gender_independent"):
            female = rng.random() < 0.5
        return {
            "patient_id": patient_key(self.population, SOURCE, found.number, self.profile),
            "name": titled(rng, found.name) if not found.prefix and dice.hit("titled_name") else found.name,
            "dob": found.born and found.born.isoformat(),
            "gender": "Female" if female else "Male",
            "blood_group": found.blood_group,
            "height_cm": height,
            "weight_kg": weight,
            "location": self._location(found),
            "contact": self._contact(found.phone, found.email),
            "emergency_person": contact and f"{contact.name} ({contact.relation})",
            "insurance_id": found.policy,
            "insurance_provider": found.insurer,
        }

    def _location(self, found: Registration) -> str | None:
        home = found.abroad
        if self.dice.hit("state_of_another_country"):
            home = self.rng.choice(foreign_homes())
        if self.dice.hit("country_in_parentheses"):
            home = (*(home or foreign_homes()[0])[:2], _PARENTHESES)
        if home is None:
            if found.address is None:
                return None
            home = (found.address.city, found.address.state, found.address.country)
        return ", ".join(home)

    def _contact(self, phone: str | None, email: str | None) -> str | None:
        if phone and self.dice.hit("packed_contact"):
            phone = packed_phone(self.rng, phone)
        return ", ".join(part for part in (phone, email) if part) or None

    def _illness(self, doctors: list[str]) -> dict[str, Any]:
        rng, dice = self.rng, self.dice
        staged = rng.random() < 0.6
        disease = rng.choice(schema.STAGED_DISEASES if staged else schema.PLAIN_DISEASES)
        fits = schema.DEPARTMENTS if dice.hit("department_contradicts_disease") else schema.HOMES[disease]
        history = schema.SENSITIVE_HISTORIES if dice.hit("sensitive_history") else schema.PLAIN_HISTORIES
        status, admitted = rng.choice(schema.STATUSES), rng.choice(fits)
        allergy = "None" if rng.random() < 0.6 else rng.choice(schema.ALLERGIES)
        return {
            "primary_physician": f"Dr. {rng.choice(doctors)}",
            "medical_history": rng.choice(history),
            "disease": disease,
            "patient_status": status,
            "severity": "treating" if dice.hit("treating") else rng.choice(schema.SEVERITIES),
            "department_admitted": admitted,
            "current_department": rng.choice(fits),
            "bed_type": "ICU" if status == "Critical" or admitted == "ICU" else rng.choice(schema.BEDS),
            "stage_or_danger": rng.choice(schema.STAGES) if staged or dice.hit("stage_without_cancer") else None,
            **self._treatment(cancer=disease == "Cancer"),
            "allergies": allergy,
            "test_results": self._tests(),
        }

    def _treatment(self, *, cancer: bool) -> dict[str, Any]:
        rng, dice = self.rng, self.dice
        surgery = rng.choice(("Yes", "No", "Under Consideration"))
        if dice.hit("cancer_protocol_without_cancer") or (cancer and rng.random() < 0.6):
            protocol = rng.choice(schema.CANCER_PROTOCOLS)
        elif surgery == "Yes":
            protocol = "Surgery"
        else:
            protocol = rng.choice(schema.PLAIN_PROTOCOLS)
        if dice.hit("protocol_contradicts_need"):
            surgery, protocol = "No", "Surgery"
        if self.profile != "original" and rng.random() < 0.1:
            protocol = f"{protocol}, then review. {rng.choice(sentences())}"
        first, last = TODAY, date(2026, 6, 30)
        if dice.hit("followup_in_the_past"):
            first, last = date(2024, 1, 1), TODAY - timedelta(days=1)
        return {
            "need_of_surgery": surgery,
            "treatment_plan": protocol,
            "followup_date": day_between(rng, first, last).isoformat(),
        }

    def _tests(self) -> str | None:
        """What the laboratory found: JSON, Python's text, or pairs in a row."""
        rng = self.rng
        found = {
            "CEA": f"{rng.randrange(5, 120) / 10} ng/mL",
            "Hb": f"{rng.randrange(70, 165) / 10} g/dL",
            "WBC": f"{rng.randrange(20, 180) * 100} /uL",
        }
        throw = rng.random()
        if throw < 0.2:
            return None
        if throw < 0.35:
            return json.dumps(found)
        if throw < 0.5:
            return repr(found)
        return "; ".join(f"{name}: {value}" for name, value in found.items())

    def staff(self) -> Iterator[dict[str, Any]]:
        for number in range(self.staff_count):
            yield self._member(worker(self.population, SOURCE, number, self.dice))

    def _member(self, member: Worker) -> dict[str, Any]:
        rng, dice = member.rng, self.dice
        role = "Doctor" if member.number < 2 else rng.choice(schema.ROLES)
        years = TODAY.year - member.born.year
        job, company = rng.choice(certifications())
        if dice.hit("commas_in_certification"):
            company = rng.choice([name for _, name in certifications() if ", " in name])
        return {
            "staff_id": self.keys.staff(member.number),
            "name": member.name,
            "dob": member.born.isoformat(),
            "gender": "Female" if member.sex == "F" else "Male",
            "role": role,
            "department": rng.choice(schema.DEPARTMENTS),
            "contact": self._contact(member.phone, member.email),
            "salary": money(rng, 30_000, 300_000),
            "date_joined": member.joined.isoformat(),
            "specialty_handled": rng.choice(schema.SPECIALTIES),
            "experience_years": years + 2 if dice.hit("experience_above_age") else rng.randrange(1, max(2, years - 22)),
            "certifications": f"{job}, {company}",
            "qualification": rng.choice(schema.QUALIFICATIONS[role]),
            "shift": rng.choice(schema.SHIFTS),
            "email": f"staff{member.number}.{member.family.lower().replace(' ', '')}@example.net",
            "address": ", ".join(rng.choice(foreign_homes())),
            "emergency_contact": member.contact_name,
            "emergency_relation": rng.choice(("Spouse", "Parent", "Sibling", "Friend")),
            "research_publications": rng.randrange(60) if role == "Doctor" else 0,
        }

    def finance(self) -> Iterator[dict[str, Any]]:
        rng, dice = self.rng, self.dice
        for number in range(self.bill_count):
            billed = day_between(rng, date(2020, 1, 1), date(2025, 10, 31))
            treatment, hospital = money(rng, 5_000, 200_000), money(rng, 1_000, 50_000)
            other, surgery, medicine = money(rng, 100, 5_000), money(rng, 0, 90_000), money(rng, 100, 20_000)
            tax, discount = money(rng, 100, 10_000), money(rng, 0, 5_000)
            total = round(treatment + hospital + other + tax - discount, 2)
            claim: float | str = round(total * rng.uniform(0.2, 0.9), 2)
            if dice.hit("claim_above_charges"):
                claim = round(total * rng.uniform(1.1, 2), 2)
            elif self.profile == "seed" and rng.random() < 0.3:
                claim = rng.choice(("Yes", "No"))
            yield {
                "transaction_id": self.keys.finance(number),
                "patient_id": patient_key(self.population, SOURCE, self.ledger.patient(number), self.profile),
                "amount": total,
                "treatment_cost": treatment,
                "insurance_covered": claim,
                "hospital_charges": hospital,
                "miscellaneous_charges": other,
                "tax": tax,
                "discount": discount,
                "payment_type": rng.choice(schema.PAYMENT_TYPES),
                "status": rng.choice(schema.PAYMENT_STATUSES),
                "billing_date": billed.isoformat(),
                "due_date": (billed + timedelta(days=rng.randrange(15, 61))).isoformat(),
                "remarks": rng.choice(sentences()) if rng.random() < 0.5 else None,
                "surgery_charges": surgery if rng.random() < 0.4 else None,
                "medication_charges": medicine,
            }
