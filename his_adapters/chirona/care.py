"""What the simulated hospital does for its patients: appointments, tests, treatments, admissions. Knows no store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from his_adapters.chirona.hospital_staff import Sizes
from his_adapters.error_rates import Dice
from his_adapters.households import TODAY

TESTS = (
    ("X-Ray", ("No acute findings", "Fracture of the left radius", "Clear lungs")),
    ("CT Scan", ("No haemorrhage", "Unremarkable")),
    ("MRI", ("Disc protrusion L4/L5", "Unremarkable")),
    ("Ultrasound", ("Gallstones", "Normal")),
    ("ECG", ("Sinus rhythm", "Atrial fibrillation")),
    ("Blood Test", ("Haemoglobin 13.5 g/dL", "Within normal limits", "Raised CRP")),
    ("Urinalysis", ("Negative", "Leukocytes positive")),
    ("HIV Test", ("Negative",)),
)
TREATMENTS = (
    *("Appendectomy", "Physiotherapy", "Wound dressing", "Cataract surgery", "Cast application", "Dialysis"),
    *("Vaccination", "Blood transfusion", "Chemotherapy session", "Dental extraction"),
)
MEDICATIONS = (
    "Amoxicillin 500 mg",
    "Paracetamol 1 g",
    "Amlodipine 5 mg",
    "Metformin 850 mg",
    "Artemether/Lumefantrine",
)
DIAGNOSES = ("Hypertension", "Asthma", "Malaria", "Fracture", "Diabetes", "Flu", "TB", "HIV", "Acute appendicitis")
_ROOMS = ("general wards", "semi-private rooms", "private rooms", "specialized units")
_NOON = datetime.combine(TODAY, time(12))
_FIRST_FREE = datetime(2024, 1, 1, 8)  # noqa: DTZ001 - the hospital's clock
_SLOT_DAYS = 365
_PAST_DAYS = 300


class Care:
    """Rows of Appointment, MedicalTest, Treatment, Admission and Room: no clash unless the dice want one."""

    def __init__(self, size: Sizes, rng: Random, dice: Dice) -> None:
        self._size, self._rng, self._dice = size, rng, dice
        self._doctors, self._admins = size.of_role("Doctor"), size.of_role("Admin")
        self._scientists = size.of_role("LabScientist")
        self._slots = dict.fromkeys(self._doctors, 0)
        self._free = dict.fromkeys(range(1, size.rooms + 1), _FIRST_FREE)
        """When the last stay in a room ends."""
        self._vacant = list(self._free)
        self._occupied: set[int] = set()
        self._appointments = self._tests = self._treatments = self._admissions = 0

    def of_patient(self, patient: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Everything of one patient."""
        rng, hit = self._rng, self._dice.hit
        for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
            yield "appointment", self._appointment(patient)
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2))):
            yield "medicaltest", self._test(patient)
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
            treatment = self._treatment(patient)
            yield "treatment", treatment
            if not hit("without_admission"):
                yield "admission", self._admission(patient, treatment["treatment_id"])
        if rng.random() < 0.15 and hit("without_admission"):
            yield "admission", self._admission(patient, None)

    def rooms(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rooms as they are after everybody has come."""
        for number in self._free:
            state = "Occupied" if number in self._occupied else self._rng.choice(("Available",) * 9 + ("Maintenance",))
            if self._dice.hit("availability_by_default"):
                state = "Available"
            yield "room", {"room_id": number, "room_type": _ROOMS[number % 4], "room_availability": state}

    def _unless_lost(self, value: Any) -> Any:
        return None if self._dice.hit("null_reference") else value

    def _appointment(self, patient: str) -> dict[str, Any]:
        rng, hit = self._rng, self._dice.hit
        self._appointments += 1
        doctor = rng.choice(self._doctors)
        slot = self._slots[doctor]
        # A day each in turn, the next half hour when the year is full.
        day = TODAY + timedelta(days=slot * 7 % _SLOT_DAYS - _PAST_DAYS)
        start = datetime.combine(day, time(8)) + timedelta(minutes=30 * (slot // _SLOT_DAYS % 18))
        if slot and hit("doctor_booked_twice"):
            day = TODAY + timedelta(days=(slot - 1) * 7 % _SLOT_DAYS - _PAST_DAYS)
            earlier = timedelta(minutes=30 * ((slot - 1) // _SLOT_DAYS % 18) + 15)
            start = datetime.combine(day, time(8)) + earlier
        else:
            self._slots[doctor] = slot + 1
        end = start + timedelta(minutes=-15 if hit("ends_before_start") else 30)
        past = day < TODAY
        return {
            "appointment_id": self._appointments,
            "doctor_id": self._unless_lost(doctor),
            "patient_id": self._unless_lost(patient),
            "scheduled_by": self._unless_lost(rng.choice(self._admins)),
            "appointment_date": day.isoformat(),
            "appointment_start_time": start.time().isoformat(),
            "appointment_end_time": end.time().isoformat(),
            "appointment_status": rng.choice(("Completed",) * 5 + ("Cancelled",)) if past else "Scheduled",
        }

    def _test(self, patient: str) -> dict[str, Any]:
        rng, hit = self._rng, self._dice.hit
        self._tests += 1
        kind, results = rng.choice(TESTS)
        on = _NOON - timedelta(minutes=rng.randrange(-40_000, 500_000))
        status = rng.choice(("Completed",) * 9 + ("Cancelled",)) if on < _NOON else "Scheduled"
        result: str | None = rng.choice(results)
        if status == "Completed":
            result = None if hit("completed_without_result") else result
        elif not hit("result_before_test"):
            result = None
        return {
            "test_id": self._tests,
            "requested_by": self._unless_lost(rng.choice(self._doctors)),
            "done_by": self._unless_lost(rng.choice(self._scientists)) if status == "Completed" else None,
            "patient_id": self._unless_lost(patient),
            "test_type": kind,
            "test_date": on.isoformat(" "),
            "test_result": result,
            "test_status": status,
            "test_cost": None if rng.random() < 0.05 else rng.randrange(1000, 99_999) / 100,
        }

    def _treatment(self, patient: str) -> dict[str, Any]:
        rng = self._rng
        self._treatments += 1
        return {
            "treatment_id": self._treatments,
            "patient_id": self._unless_lost(patient),
            "treatment_procedure": rng.choice(TREATMENTS),
            "treatment_cost": rng.randrange(5_000, 1_500_000) / 100,
            "medication": rng.choice(MEDICATIONS) if rng.random() < 0.6 else None,
            "diagnosis": rng.choice(DIAGNOSES) if rng.random() < 0.7 else None,
        }

    def _admission(self, patient: str, treatment: int | None) -> dict[str, Any]:
        rng = self._rng
        self._admissions += 1
        room, started, ended, status = self._stay()
        return {
            "admission_id": self._admissions,
            "patient_id": self._unless_lost(patient),
            "admission_date": started and started.isoformat(" "),
            "treatment_id": treatment,
            "room_id": self._unless_lost(room),
            "admission_status": status,
            "discharge_date": ended.isoformat(" ") if ended and rng.random() < 0.97 else None,
        }

    def _stay(self) -> tuple[int | None, datetime | None, datetime | None, str]:
        """Room, start, end and status. A stay begins after the last one in its room, unless the dice clash them."""
        rng = self._rng
        if rng.random() < 0.1:
            return None, _NOON + timedelta(days=rng.randrange(1, 30)), None, rng.choice(("Pending", "Cancelled"))
        clash = self._dice.hit("room_booked_twice")
        if self._occupied and clash:
            room, start = rng.choice(sorted(self._occupied)), _NOON - timedelta(hours=rng.randrange(1, 40))
            return room, start, None, rng.choice(("Admitted", "In Treatment"))
        room = rng.choice(self._vacant or [1])
        start = self._free[room] + timedelta(hours=rng.randrange(2, 200))
        end = start + timedelta(hours=rng.randrange(8, 200))
        if end < _NOON and rng.random() < 0.85:
            self._free[room] = end
            return room, start, end, rng.choice(("Discharged",) * 5 + ("Transferred",))
        if len(self._occupied) * 2 > self._size.rooms or room in self._occupied:
            return None, None, None, "Pending"
        self._occupied.add(room)
        self._vacant.remove(room)
        start = max(min(start, _NOON), _NOON - timedelta(hours=rng.randrange(1, 200)))
        return room, start, None, rng.choice(("Admitted", "In Treatment"))
