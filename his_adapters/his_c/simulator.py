"""Makes a HIS_C: `patients.csv`, `staff.csv`, `finance.csv` from a population. Knows no FHIR."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.his_c.schema import (
    ALLERGIES,
    BROKEN_SPECIALTY,
    CATEGORIES,
    GYNECOLOGY,
    HISTORIES,
    KEYS,
    PAYMENT_STATUSES,
    PAYMENT_TYPES,
    QUALIFICATIONS,
    ROLES,
    SEVERITIES,
    SHIFTS,
    SPECIALTIES,
    STAFF_ID,
    STATUSES,
    TABLES,
    TRANSACTION_ID,
)
from his_adapters.households import TODAY, day_between
from his_adapters.name_pools import sentences, us_addresses
from his_adapters.population import Contact, Population, Registration
from his_adapters.simulated_rows import (
    BadExport,
    Keys,
    Ledger,
    age,
    body,
    money,
    patient_key,
    registered,
    titled,
    worker,
)
from his_adapters.simulated_stores import write_csv

SOURCE = "his_c"
DEFAULT_PATIENTS = 520
FULL_PATIENTS = DEFAULT_PATIENTS
"""The seed says 500 rows or more."""
_DATES = frozenset({"dob", "time_bound", "joining_date", "billing_date", "due_date"})
_NUMBERS = frozenset({"height_cm", "weight_kg", "treatment_duration_days", "salary", "amount"})
_REFERENCES = frozenset({"patient_id", "processed_by_staff_id"})
_WHOLE = tuple(label for label in SPECIALTIES if label not in {BROKEN_SPECIALTY, GYNECOLOGY})


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write the three files below `folder`, over old ones. Returns the rows written by file.

    Staff are 10 % and bills 40 % as many as patients, as in the original.
    """
    clinic = _Clinic(population, patients=patients, profile=profile, seed=seed)
    made = {"patients": clinic.patients(), "staff": clinic.staff(), "finance": clinic.finance()}
    written = {}
    for name, found in made.items():
        rows = found
        if profile == "hostile":
            rng = Random(f"{SOURCE}/{seed}/hostile/{name}")
            bad = BadExport(rng, key=KEYS[name], kept=_REFERENCES, dates=_DATES, numbers=_NUMBERS)
            rows = bad.spoil(rows)
        bom = profile == "hostile" and name == "finance"
        written[name] = write_csv(folder / f"{name}.csv", TABLES[profile][name], rows, bom=bom)
    return written


class _Clinic:
    def __init__(self, population: Population, *, patients: int, profile: str, seed: int) -> None:
        self.population, self.patient_count, self.profile = population, patients, profile
        self.staff_count = max(6, patients // 10)
        self.bill_count = max(10, patients * 4 // 10) if patients else 0
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
        for found in registered(self.population, SOURCE, self.patient_count):
            yield self._patient(found, doctors)

    def _patient(self, found: Registration, doctors: list[str]) -> dict[str, Any]:
        rng, dice = self.rng, self.dice
        height, weight = body(rng, age(found.born), adult_sized=self.profile != "seed")
        female = found.sex == "F"
        specialty = self._specialty(female=female)
        contact, status = found.contact, rng.choice(STATUSES)
        name = titled(rng, found.name) if not found.prefix and dice.hit("titled_name") else found.name
        return {
            "patient_id": patient_key(self.population, SOURCE, found.number, self.profile),
            "name": name,
            "dob": found.born and found.born.isoformat(),
            "gender": "Female" if female else "Male",
            "blood_group": found.blood_group,
            "height_cm": height,
            "weight_kg": weight,
            "medical_history": "None" if dice.hit("none_strings") else rng.choice(HISTORIES),
            "allergies": "None" if dice.hit("none_strings") else rng.choice(ALLERGIES),
            "insurance_id": found.policy,
            "insurance_provider": found.insurer,
            "primary_physician": f"Dr. {rng.choice(doctors)}",
            **self._reach(found),
            "emergency_person_name": contact and contact.name,
            "emergency_person_relation": contact and contact.relation,
            "emergency_person_phone": contact and self._spreadsheet(contact.phone),
            "emergency_person": self._packed_person(contact),
            "specialty": specialty,
            "treatment_duration_days": rng.randrange(1, 31),
            "care_instructions": rng.choice(sentences()),
            "time_bound": self._deadline().isoformat(),
            "department_admitted": specialty,
            "current_department": specialty,
            "bed_type": "ICU" if dice.hit("icu_bed") else rng.choice(("General", "Severe Ward")),
            "patient_status": status,
            "severity": rng.choice(SEVERITIES),
        }

    def _reach(self, found: Registration) -> dict[str, Any]:
        address = found.address
        phone = found.phone and self._spreadsheet(found.phone)
        home = address and {
            "country": address.country,
            "state": address.state,
            "city": address.city,
            "postal_code": address.postal_code,
        }
        return {
            "contact_phone": phone,
            "contact_email": found.email,
            "contact": self._packed({"phone": phone, "email": found.email}, "; " if self.rng.random() < 0.5 else ", "),
            "location": self._packed(home, ", ") if home else "",
        }

    def _spreadsheet(self, phone: str) -> str:
        """A phone, sometimes as a spreadsheet gives it back."""
        if not self.dice.hit("lost_zeros"):
            return phone
        return f"{phone}.0" if self.rng.random() < 0.3 else phone.lstrip("0")

    def _specialty(self, *, female: bool) -> str:
        rng, dice = self.rng, self.dice
        men = dice.share("male_gynecology")
        if rng.random() < (0.1 if female else 0.1 * men / (1 - men)):
            label = GYNECOLOGY
        elif dice.hit("broken_specialty"):
            label = BROKEN_SPECIALTY
        else:
            label = rng.choice(_WHOLE)
        if dice.hit("short_specialty"):
            return SPECIALTIES[label]
        if dice.hit("mojibake"):
            if self.profile == "hostile" and rng.random() < 0.3:
                return label.encode("cp1252").decode("utf-8", "surrogateescape")
            return label.encode().decode("cp1252", "replace")
        return label

    def _deadline(self) -> date:
        if self.dice.hit("past_deadline"):
            return day_between(self.rng, date(2024, 1, 1), TODAY - timedelta(days=1))
        return day_between(self.rng, TODAY, date(2026, 3, 31))

    def _packed(self, parts: Mapping[str, Any], separator: str) -> str:
        """A branch in one cell: Python's text, JSON, or its values in a row."""
        if self.dice.hit("broken_cell"):
            return self.rng.choice((repr(dict(parts))[:-9], "{" * 1000, "__import__('os').getcwd()", "{'phone': }"))
        if self.dice.hit("python_text"):
            return repr(dict(parts))
        if self.dice.hit("json_text"):
            return json.dumps(dict(parts), ensure_ascii=False)
        return separator.join(str(value or "") for value in parts.values())

    def _packed_person(self, contact: Contact | None) -> str:
        if contact is None:
            return ""
        name, relation = contact.name, contact.relation
        if self.rng.random() < 0.1:
            return f"{name} ({relation})"
        if self.rng.random() < 0.05:
            return self._packed({"name": f"{name.split()[0]} O'Neil", "relation": None, "phone": contact.phone}, "; ")
        return self._packed({"name": name, "relation": relation, "phone": contact.phone}, "; ")

    def staff(self) -> Iterator[dict[str, Any]]:
        for number in range(self.staff_count):
            member = worker(self.population, SOURCE, number, self.dice)
            rng = member.rng
            specialty = rng.choice(_WHOLE)
            handled = specialty
            if self.profile != "original" and rng.random() < 0.2:
                handled = rng.choice((", ", "; ")).join((specialty, rng.choice(_WHOLE)))
            address = rng.choice(us_addresses())
            relation = rng.choice(("Spouse", "Parent", "Sibling", "Friend", "Offspring"))
            yield {
                "staff_id": self.keys.staff(number),
                "name": titled(rng, member.name) if rng.random() < 0.04 else member.name,
                "department": specialty,
                "role": "Doctor" if number < 2 else rng.choice(ROLES),
                "experience_years": rng.randrange(1, 31),
                "qualification": rng.choice(QUALIFICATIONS),
                "shift": rng.choice(SHIFTS),
                "salary": rng.randrange(20_000, 120_001),
                "contact_phone": member.phone,
                "contact_email": member.email,
                "contact": self._packed({"phone": member.phone, "email": member.email}, "; "),
                "address": address if self.dice.hit("newline_in_cell") else address.replace("\n", ", "),
                "specialty_handled": handled,
                "joining_date": member.joined.isoformat(),
                "emergency_person_name": member.contact_name,
                "emergency_person_relation": relation,
                "emergency_person_phone": member.contact_phone,
                "emergency_person": self._packed_person(Contact(member.contact_name, relation, member.contact_phone)),
            }

    def finance(self) -> Iterator[dict[str, Any]]:
        rng = self.rng
        for number in range(self.bill_count):
            billed = day_between(rng, date(2023, 1, 1), date(2025, 10, 31))
            payment = rng.choice(PAYMENT_TYPES)
            yield {
                "transaction_id": self.keys.finance(number),
                "patient_id": patient_key(self.population, SOURCE, self.ledger.patient(number), self.profile),
                "category": rng.choice(CATEGORIES),
                "amount": money(rng, 100, 5_000),
                "payment_type": payment,
                "insurance_covered": "Yes" if payment == "Insurance" or rng.random() < 0.2 else "No",
                "billing_date": billed.isoformat(),
                "due_date": (billed + timedelta(days=rng.randrange(15, 61))).isoformat(),
                "status": rng.choice(PAYMENT_STATUSES),
                "remarks": rng.choice(sentences()),
                "special_services_charges": money(rng, 50, 900) if rng.random() < 0.4 else "",
                "insurance_claim_id": f"CLM{rng.randrange(10_000):04d}",
                "processed_by_staff_id": self.keys.staff(self.ledger.staff(number)),
            }
