"""The simulated hospital's own people: staff, doctors, administrators, and the shifts they work. Knows no store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from his_adapters.error_rates import Dice
from his_adapters.households import TODAY
from his_adapters.population import Population
from his_adapters.simulated_rows import Worker, worker

_ROLES = (  # of the twenty members of staff that the original came with, in the order of their ids
    *("Doctor", "Nurse", "Nurse", "Admin", "Pharmacist", "Doctor", "LabScientist", "Admin", "Nurse", "Pharmacist"),
    *("LabScientist", "Doctor", "Admin", "Nurse", "Doctor", "Pharmacist", "LabScientist", "Admin", "Nurse"),
    "Pharmacist",
)
SPECIALIZATIONS = ("Cardiology", "Neurology", "Pediatrics", "Orthopedics")
_SHIFTS = (("Morning", "07:00:00", "15:00:00"), ("Evening", "15:00:00", "23:00:00"), ("Night", "23:00:00", "07:00:00"))
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_USER_NAME = 10


class Sizes(NamedTuple):
    """How large the hospital is."""

    staff: int
    rooms: int
    shifts: int

    def of_role(self, role: str) -> list[int]:
        """The ids of everybody of a role."""
        return [number for number in range(1, self.staff + 1) if role_of(number) == role]


def sizes(patients: int) -> Sizes:
    """The original's twenty members of staff and twenty rooms, and more for many patients."""
    return Sizes(max(20, patients // 20), max(20, patients // 8), max(21, patients // 10))


def role_of(number: int) -> str:
    """The role of a member of staff by their id."""
    return _ROLES[(number - 1) % len(_ROLES)]


class Staff:
    """Rows of Staff, Doctor, AdminStaff, Shift and ShiftAssignment."""

    def __init__(self, population: Population, size: Sizes, rng: Random, dice: Dice) -> None:
        self._population, self._size, self._rng, self._dice = population, size, rng, dice
        self._admins = size.of_role("Admin")

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All of them, in the order of their tables."""
        doctors = 0
        for number in range(1, self._size.staff + 1):
            role = role_of(number)
            member = worker(self._population, "chirona", number, self._dice)
            yield "staff", _member(number, role, member)
            if role == "Doctor" or (role == "Nurse" and self._dice.hit("doctor_by_table_only")):
                known = doctors < len(SPECIALIZATIONS) or self._rng.random() < 0.9
                specialization = SPECIALIZATIONS[doctors % len(SPECIALIZATIONS)] if known else None
                yield "doctor", {"doctor_id": number, "specialization": specialization}
                doctors += 1
            if role == "Admin":
                name = "".join(letter for letter in f"{member.given}{member.family}".lower() if letter.isascii())
                yield "adminstaff", {"admin_id": number, "user_name": f"{name[:_USER_NAME]:<{_USER_NAME}}"}
        yield from self._shifts()

    def _shifts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        rng, hit = self._rng, self._dice.hit
        assignment = 0
        first = TODAY - timedelta(days=self._size.shifts // 6)
        for number in range(self._size.shifts):
            day = first + timedelta(days=number // 3)
            kind, start, end = _SHIFTS[number % 3]
            untimed = rng.random() < 0.02
            yield (
                "shift",
                {
                    "shift_id": number + 1,
                    "created_by": None if hit("null_reference") else rng.choice(self._admins),
                    "shift_date": day.isoformat(),
                    "start_time": None if untimed else start,
                    "end_time": None if untimed else end,
                    "week_no": day.isocalendar().week,
                    "shift_day_of_week": _weekday(day + timedelta(days=1) if hit("wrong_weekday") else day),
                    "shift_type": kind,
                },
            )
            for person in rng.sample(range(1, self._size.staff + 1), rng.randrange(1, 4)):
                for _ in range(2 if hit("assigned_twice") else 1):
                    assignment += 1
                    lost = hit("null_reference")
                    yield (
                        "shiftassignment",
                        {
                            "assignment_id": assignment,
                            "shift_id": number + 1,
                            "staff_id": None if lost else person,
                        },
                    )


def _weekday(day: date) -> str:
    return _WEEKDAYS[day.weekday()]


def _member(number: int, role: str, member: Worker) -> dict[str, Any]:
    return {
        "staff_id": number,
        "staff_first_name": member.given,
        "staff_last_name": member.family,
        "staff_dob": member.born.isoformat(),
        "staff_gender": "Female" if member.sex == "F" else "Male",
        "staff_role": role,
        "staff_tel_no": f"0{member.phone[-10:]}",
        "staff_email": member.email[-50:],
    }
