"""The simulated clinic's tables, patient by patient: appointments, records, prescriptions and bills. Knows no store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from his_adapters.error_rates import Dice
from his_adapters.households import TODAY, day_between
from his_adapters.population import Population, Registration
from his_adapters.simulated_rows import money, patient_key, registered, worker

_SOURCE = "hybrid_ehr"
_SPECIALTIES = (
    *("Cardiology", "General Medicine", "Pediatrics", "Orthopedics", "Dermatology", "Neurology", "ENT", "Psychiatry"),
    None,
)
_VISITS = (  # why, what the record is called, what it says, what is prescribed
    ("Chest pain on exertion", "Chest pain", "ECG without changes. Stress test planned.", ("Aspirin 75 mg",)),
    ("Blood pressure check", "Follow-up hypertension", "Pressure well controlled.", ("Amlodipine 5 mg",)),
    ("Fever and cough", "Acute bronchitis", "Lungs clear, throat red.", ("Amoxicillin 500 mg", "Paracetamol 500 mg")),
    ("Knee pain", "Knee pain, left", "No effusion. Exercises shown.", ("Ibuprofen 400 mg",)),
    ("Skin rash", "Eczema of both hands", "Dry, scaling skin.", ("Hydrocortisone 1 % cream",)),
    ("Headache", "Tension headache", "No neurological deficit.", ("Paracetamol 500 mg",)),
    ("Annual check-up", "Check-up", "Nothing of note.", ()),
    ("Sugar control", "Diabetes follow-up", "HbA1c to be repeated in three months.", ("Metformin 500 mg",)),
)
_DOSAGES = ("1 tab OD x 30d", "1 tab BD x 5d", "1 tab TID x 7d", "twice a day, thinly", None)
_INSTRUCTIONS = ("after food", "at bedtime", "with plenty of water", "stop if a rash appears", None)
_METHODS = ("cash", "card", "insurance", "upi", "transfer")
_STATUS_WORDS = ("Scheduled", "COMPLETED", "canceled", "no-show", "", "done", "tbd")
_GENDER_WORDS = {"F": ("Female", "F", "f", "female "), "M": ("Male", "M", "m", " male")}
_FIRST_DAY, _LAST_DAY = date(2023, 1, 2), date(2025, 12, 20)
_OPEN_S, _DAY_STEPS = 8 * 3600, 40

Rows = Iterator[tuple[str, dict[str, Any]]]


class Clinic:
    """Rows of the six tables. The same arguments give the same rows."""

    def __init__(self, population: Population, *, patients: int, profile: str, seed: int) -> None:
        self._population, self._patients, self._profile = population, patients, profile
        self._doctors = max(8, patients * 5 // 12)
        self._rng = Random(f"{_SOURCE}/{seed}/{profile}")
        self._dice = Dice(_SOURCE, profile, self._rng)
        self._next = dict.fromkeys(("appointments", "medical_records", "prescriptions", "billing"), 0)
        self._email: str | None = None
        self._last_appointment: int | None = None

    def rows(self) -> Rows:
        """Every row with the name of its table: doctors, then each patient with what was done for them."""
        for number in range(self._doctors):
            yield "doctors", self._doctor(number)
        for found in registered(self._population, _SOURCE, self._patients):
            key = patient_key(self._population, _SOURCE, found.number, self._profile)
            yield "patients", self._patient(found, key)
            for visit in range(1 + (self._rng.random() < 0.5)):
                yield from self._visit(key, always=visit == 0)

    def _number(self, table: str) -> int:
        self._next[table] += 1
        return self._next[table]

    def _doctor(self, number: int) -> dict[str, Any]:
        member = worker(self._population, _SOURCE, number, self._dice)
        return {
            "doctor_id": number + 1,
            "first_name": member.given,
            "last_name": member.family,
            "specialty": _SPECIALTIES[number % len(_SPECIALTIES)],
            "phone": member.phone[-10:],
            "email": member.email,
            "created_at": self._at(member.joined),
        }

    def _patient(self, found: Registration, key: str) -> dict[str, Any]:
        rng, hit, address = self._rng, self._dice.hit, found.address
        word = "female" if found.sex == "F" else "male"
        if hit("free_text_gender"):
            word = rng.choice((*_GENDER_WORDS[found.sex], "", "nonbinary", "prefer not to say"))
        email = self._email if hit("repeated_email") and self._email else found.email
        self._email = email or self._email
        return {
            "patient_id": key,
            "patient_uuid": None if hit("no_patient_uuid") else self._uuid(),
            "first_name": f"{found.prefix} {found.given}".strip(),
            "last_name": f"{found.family} {found.suffix}".strip(),
            "date_of_birth": None if hit("no_birth_date") or found.born is None else found.born.isoformat(),
            "gender": word,
            "phone": found.phone and found.phone[-10:],
            "email": email,
            "address": address
            and ", ".join(part for part in (address.city, address.state, address.country, address.postal_code) if part),
            "created_at": self._at(found.registered_on),
        }

    def _visit(self, patient: str, *, always: bool) -> Rows:
        rng, hit = self._rng, self._dice.hit
        reason, title, summary, medicines = rng.choice(_VISITS)
        day = day_between(rng, _FIRST_DAY, _LAST_DAY + timedelta(days=90))
        past = always or day < TODAY
        if always:
            day = min(day, TODAY - timedelta(days=1))
        status = "completed" if past else rng.choice(("scheduled", "rescheduled", "cancelled"))
        if past and not always and rng.random() < 0.2:
            status = rng.choice(("no_show", "cancelled"))
        word: str | None = rng.choice(_STATUS_WORDS) if hit("free_text_status") else status
        doctor = rng.randrange(self._doctors) + 1
        moment = self._at(day)
        appointment = self._number("appointments")
        yield (
            "appointments",
            {
                "appointment_id": appointment,
                "patient_id": patient,
                "doctor_id": None if rng.random() < 0.02 else doctor,
                "appointment_ts": moment,
                "reason": reason,
                "status": None if hit("no_status") else word,
                "created_at": self._at(day - timedelta(days=rng.randrange(1, 30))),
            },
        )
        if status == "completed":
            for _ in range(2 if hit("second_record") else 1):
                linked: int | None = None if hit("deleted_appointment") else appointment
                if linked and self._last_appointment and hit("appointment_of_another"):
                    linked = self._last_appointment
                yield from self._record(patient, doctor, linked, moment, (title, summary, medicines))
        self._last_appointment = appointment

    def _record(
        self, patient: str, doctor: int, appointment: int | None, moment: str, visit: tuple[str, str, tuple[str, ...]]
    ) -> Rows:
        rng, hit = self._rng, self._dice.hit
        title, summary, medicines = visit
        record = self._number("medical_records")
        yield (
            "medical_records",
            {
                "record_id": record,
                "record_uuid": self._uuid(),
                "patient_id": patient,
                "doctor_id": doctor,
                "appointment_id": appointment,
                "title": title,
                "summary": summary if rng.random() < 0.9 else None,
                "created_at": moment,
            },
        )
        for medicine in medicines:
            yield (
                "prescriptions",
                {
                    "prescription_id": self._number("prescriptions"),
                    "record_id": record,
                    "medication": medicine,
                    "dosage": rng.choice(_DOSAGES),
                    "instructions": rng.choice(_INSTRUCTIONS),
                    "issued_at": moment,
                },
            )
        amount = money(rng, 100, 5000)
        if hit("odd_amount"):
            amount = rng.choice((0, -amount))
        yield (
            "billing",
            {
                "bill_id": self._number("billing"),
                "record_id": record,
                "amount": amount,
                "paid": None if hit("paid_unknown") else int(rng.random() < 0.7),
                "method": rng.choice((*_METHODS, None)),
                "billed_at": moment,
            },
        )

    def _uuid(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def _at(self, day: date) -> str:
        """Some moment of a working day, as PostgreSQL writes it."""
        start = datetime.combine(day, datetime.min.time()) + timedelta(seconds=_OPEN_S)
        return str(start + timedelta(minutes=15 * self._rng.randrange(_DAY_STEPS)))
