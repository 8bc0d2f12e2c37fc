"""Makes central records: the landing zone `data/raw/*.csv`, from a population. Knows no FHIR.

What the real engine holds is loaded from these files, as the platform's own loader does.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from his_adapters.central_records.schema import (
    DOCTOR_ID,
    FITTING_REASONS,
    FITTING_RESULTS,
    HOSPITALS,
    KEYS,
    LANDING_ZONE,
    REASONS,
    REPORT_ID,
    RESULTS,
    SPECIALIZATIONS,
    TABLES,
    TEST_TYPES,
    VISIT_ID,
    VISIT_TYPES,
)
from his_adapters.error_rates import Dice
from his_adapters.households import day_between
from his_adapters.name_pools import names
from his_adapters.population import Population, Registration
from his_adapters.simulated_rows import BadExport, patient_key, registered
from his_adapters.simulated_stores import write_csv

SOURCE = "central_records"
DEFAULT_PATIENTS = 400
FULL_PATIENTS = 10_000
_FIRST, _LAST = date(2023, 2, 10), date(2026, 2, 9)
"""The days of visits and reports in the original: some are still to come."""
_DATES = frozenset({"dob", "visit_date", "report_date"})
_REFERENCES = frozenset({"patient_id", "doctor_id", "visit_id"})


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write the four files into the landing zone below `folder`, over old ones. Returns the rows written by file.

    Doctors are a tenth as many as patients, visits five times, reports three times, as in the original.
    """
    platform = _Platform(population, patients=patients, profile=profile, seed=seed)
    made = {
        "patients": platform.patients(),
        "doctors": platform.doctors(),
        "visits": platform.visits(),
        "lab_reports": platform.lab_reports(),
    }
    written = {}
    for name, rows in made.items():
        if profile == "hostile":
            rng = Random(f"{SOURCE}/{seed}/hostile/{name}")
            bad = BadExport(rng, key=KEYS[name], kept=_REFERENCES, dates=_DATES, numbers=frozenset())
            rows = bad.spoil(rows)  # noqa: PLW2901
        written[name] = write_csv(folder / LANDING_ZONE / f"{name}.csv", TABLES[profile][name], rows)
    return written


class _Visit(NamedTuple):
    number: int
    patient: int
    doctor: int
    day: date
    rng: Random
    """For the rest of the visit."""


class _Platform:
    def __init__(self, population: Population, *, patients: int, profile: str, seed: int) -> None:
        self.population, self.patient_count, self.profile, self.seed = population, patients, profile, seed
        self.doctor_count = max(6, patients // 10)
        self.visit_count = 5 * patients
        self.rng = Random(f"{SOURCE}/{seed}/{profile}")
        self.dice = Dice(SOURCE, profile, self.rng)
        self.born = array("l", [0]) * patients
        """By a registration's number, as ordinals; 0 where the day is not known."""

    def patients(self) -> Iterator[dict[str, Any]]:
        for found in registered(self.population, SOURCE, self.patient_count):
            self.born[found.number] = found.born.toordinal() if found.born else 0
            yield self._patient(found)

    def _patient(self, found: Registration) -> dict[str, Any]:
        gender = found.sex
        if self.dice.hit("gender_outside_domain"):
            gender = "Other" if self.profile == "seed" else self.rng.choice(("Other", "X", ""))
        return {
            "patient_id": self._patient_id(found.number),
            "name": f"{found.given} {found.family}",
            "gender": gender,
            "dob": found.born and found.born.isoformat(),
            "blood_group": found.blood_group,
            "city": found.address and found.address.city,
        }

    def _patient_id(self, number: int) -> str:
        return patient_key(self.population, SOURCE, number, self.profile)

    def doctors(self) -> Iterator[dict[str, Any]]:
        name = ""
        for number in range(self.doctor_count):
            rng, pool = Random(f"staff/{self.seed}/{SOURCE}/{number}"), names("en_IN")
            if not name or not self.dice.hit("shared_name"):
                name = f"{rng.choice(pool.female if rng.random() < 0.5 else pool.male)} {rng.choice(pool.family)}"
            yield {
                "doctor_id": DOCTOR_ID(number, 0),
                "name": name,
                "specialization": self._specialization(number),
                "hospital": rng.choice(HOSPITALS),
            }

    def _specialization(self, doctor: int) -> str:
        return SPECIALIZATIONS[doctor % 6] if doctor < 6 else Random(f"{self.seed}/{doctor}").choice(SPECIALIZATIONS)

    def _visit(self, number: int) -> _Visit:
        """A visit from its number: reports look it up again."""
        rng = Random(f"{SOURCE}/{self.seed}/{self.profile}/visit/{number}")
        dice = Dice(SOURCE, self.profile, rng)
        patient = rng.randrange(self.patient_count)
        first, day = _FIRST, day_between(rng, _FIRST, _LAST)
        if (ordinal := self.born[patient]) and date.fromordinal(ordinal) > _FIRST:
            first = min(date.fromordinal(ordinal), _LAST)
            if dice.hit("visit_before_birth"):
                day = day_between(rng, _FIRST, first - timedelta(days=1))
            else:
                day = day_between(rng, first, _LAST)
        return _Visit(number, patient, rng.randrange(self.doctor_count), day, rng)

    def visits(self) -> Iterator[dict[str, Any]]:
        for visit in map(self._visit, range(self.visit_count)):
            rng, dice, patient, doctor = visit.rng, Dice(SOURCE, self.profile, visit.rng), visit.patient, visit.doctor
            if dice.hit("reason_of_any_doctor"):
                reason, kind = rng.choice(REASONS), rng.choice(VISIT_TYPES)
            else:
                reason = rng.choice(FITTING_REASONS[self._specialization(doctor)])
                kind = rng.choice(VISIT_TYPES[:2] if reason in {"Follow-up", "Diabetes Checkup"} else VISIT_TYPES)
            if dice.hit("orphans"):
                if rng.random() < 0.5:
                    patient += self.population.sizes[SOURCE]
                else:
                    doctor += self.doctor_count
            yield {
                "visit_id": VISIT_ID(visit.number, 0),
                "patient_id": self._patient_id(patient),
                "doctor_id": DOCTOR_ID(doctor, 0),
                "visit_date": visit.day.isoformat(),
                "reason": reason,
                "visit_type": kind,
            }

    def lab_reports(self) -> Iterator[dict[str, Any]]:
        rng, dice = self.rng, self.dice
        for number in range(3 * self.patient_count):
            visit = self._visit(rng.randrange(self.visit_count))
            test = rng.choice(TEST_TYPES)
            result = rng.choice(RESULTS if dice.hit("result_of_any_test") else FITTING_RESULTS[test])
            if dice.hit("report_before_visit"):
                day = day_between(rng, _FIRST, max(_FIRST, visit.day - timedelta(days=1)))
            else:
                day = min(_LAST, visit.day + timedelta(days=rng.randrange(15)))
            visited = visit.number + (self.visit_count if dice.hit("orphans") else 0)
            yield {
                "report_id": REPORT_ID(number, 0),
                "visit_id": VISIT_ID(visited, 0),
                "test_type": test,
                "result": result,
                "report_date": day.isoformat(),
            }
