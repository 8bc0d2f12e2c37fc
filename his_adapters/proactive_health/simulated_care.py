"""What the simulated hospital does for its patients: the rows of every table, one patient after the other."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.households import TODAY
from his_adapters.name_pools import names
from his_adapters.population import Registration
from his_adapters.proactive_health import schema
from his_adapters.proactive_health.simulated_house import SOURCE, House, Row, ingested, slashed
from his_adapters.simulated_rows import patient_key, registered

_EPOCH = date(2024, 1, 1)
_DAYS = [(_EPOCH + timedelta(days=number)).isoformat() for number in range(900)]
_LAST_START = 635
"""2025-09-27, in days."""
_LONGEST_STAY = 201
_MOMENT = 86_400
_REMEMBERED = 500
"""Visits whose number another visit may get."""


class Counts:
    """Draws how many there are of something, by weight."""

    def __init__(self, *weights: float) -> None:
        self._steps = list(accumulate(weights))

    def draw(self, rng: Random) -> int:
        return min(bisect(self._steps, rng.random() * self._steps[-1]), len(self._steps) - 1)


_VISITS = Counts(0.074, 0.185, 0.25, 0.222, 0.148, 0.075, 0.046)
_DIAGNOSES = Counts(0.0, 0.57, 0.28, 0.09, 0.04, *([0.002] * 10))
_TREATMENTS = Counts(0.42, 0.35, 0.14, 0.06, *([0.005] * 7))
_MEDICINES = Counts(0.4, 0.3, 0.16, 0.1, 0.05)
_POLICIES = Counts(0.2, 0.4, 0.3, 0.1)
_ALLERGIES = Counts(0.3, 0.25, 0.2, 0.1, 0.05, *([0.012] * 7))
_MISSED = Counts(0.12, 0.27, 0.33, 0.2, 0.08)
"""Appointments without a visit."""
_INSTALMENTS = Counts(0.44, 0.35, 0.12, 0.09)


class Care:
    """The patients' part of a store."""

    def __init__(self, house: House, patients: int, profile: str, seed: int) -> None:
        self.house, self.patients, self.profile = house, patients, profile
        self.rng = Random(f"{SOURCE}/{seed}/{profile}/care")
        self.dice = Dice(SOURCE, profile, self.rng)
        self._numbers = [0, 0, 0]
        """Appointments, walk-ins, emergencies so far."""
        self._recent: list[tuple[str, int]] = []
        self._middle = names("en_US").male

    def rows(self) -> Iterator[Row]:
        """Every row of every patient."""
        for found in registered(self.house.population, SOURCE, self.patients):
            yield from self._patient(found)

    def _patient(self, found: Registration) -> Iterator[Row]:
        rng = self.rng
        key = patient_key(self.house.population, SOURCE, found.number, self.profile)
        yield "PATN", self._person(found, key)
        for number in rng.sample(range(len(schema.ALLERGIES)), _ALLERGIES.draw(rng)):
            severity, reaction = rng.randrange(4), rng.randrange(len(schema.REACTIONS))
            told = *self._word(schema.SEVERITIES, severity), *self._word(schema.REACTIONS, reaction)
            yield "PTAL", (key, self.house.ids.allergen(number), *told)
        for number in range(_POLICIES.draw(rng)):
            yield "INSR", self._policy(found, key, number)
        for _ in range(_MISSED.draw(rng)):
            status = rng.randrange(4)
            yield "APPT", self._appointment(self._number(0), key, self._moment(_LAST_START), status, rng.randrange(2))
        for _ in range(_VISITS.draw(rng)):
            yield from self._visit(key)

    def _word(self, words: Sequence[str], place: int) -> tuple[Any, str]:
        """A code and its word."""
        if self.house.foreign or self.dice.hit("code_contradicts"):
            return self.house.code(tuple(words), place), words[place]
        return place, words[place]

    def _person(self, found: Registration, key: str) -> tuple[Any, ...]:
        rng = self.rng
        place = 0 if found.sex == "F" else 1
        if self.dice.hit("other_gender"):
            place = 2 if self.profile == "seed" else rng.randrange(3)
        gender = ("Female", "Male", "Other")[place]
        code: Any = place
        if self.house.foreign:
            code = rng.choice("FM")
        first, _, last = (found.contact.name if found.contact else "").partition(" ")
        state = found.abroad[1] if found.abroad else found.address.state if found.address else None
        return (
            key,
            f"{found.prefix} {found.given}".strip(),
            f"{found.family} {found.suffix}".strip(),
            self._middle_name(),
            code,
            gender,
            self._birth(found.born),
            _dashed(found.phone),
            found.email,
            first or None,
            last or None,
            self._middle_name() if first else None,
            _dashed(found.contact.phone) if found.contact else None,
            found.blood_group,
            rng.choice(("Married", "Unmarried")),
            state,
            rng.choice(schema.ID_TYPES),
            f"{rng.randrange(10**3):03d}-{rng.randrange(10**2):02d}-{rng.randrange(10**4):04d}",
            slashed(TODAY + timedelta(days=rng.randrange(-400, 3000))),
            ingested(rng),
        )

    def _middle_name(self) -> str | None:
        if self.dice.hit("null_word"):
            return "NULL"
        return self.rng.choice(self._middle) if self.rng.random() < 0.5 else None

    def _birth(self, born: date | None) -> str | None:
        if born and self.dice.hit("odd_date"):
            return self.rng.choice(
                (born.strftime("%m-%d-%Y"), "10-02-0035", "00-03-2008", "4/1/2031", born.isoformat())
            )
        return slashed(born) if born else None

    def _policy(self, found: Registration, key: str, number: int) -> tuple[Any, ...]:
        rng = self.rng
        company = found.insurer if not number else rng.choice(("ABC Insurance", "XYZ Health", "CarePlus"))
        policy = found.policy if not number else f"POL-{1_000_000 + found.number * 4 + number}"
        start = _EPOCH + timedelta(days=rng.randrange(-180, 600))
        status = 0 if rng.random() < 0.35 else rng.randrange(1, 4)
        return (
            policy,
            key,
            company,
            *self._word(schema.INSURANCE_TYPES, rng.randrange(7)),
            slashed(start),
            slashed(start + timedelta(days=365)),
            *self._word(schema.POLICY_STATUSES, status),
            f"800-555-{1000 + len(company)}",
        )

    def _appointment(self, number: str, key: str, at: str | None, status: int, kind: int) -> tuple[Any, ...]:
        staff, rng = self.house.staff, self.rng
        return (
            number,
            key,
            at if rng.random() > 0.003 else None,
            self.house.ids.staff(rng.randrange(staff)),
            self.house.ids.staff(rng.randrange(staff)),
            *self._word(schema.APPOINTMENT_STATUSES, status),
            *self._word(schema.VISIT_TYPES, kind),
        )

    def _number(self, kind: int) -> str:
        self._numbers[kind] += 1
        return self.house.ids.visit(self._numbers[kind] - 1)

    def _moment(self, days: int) -> str:
        return _written(self.rng.randrange(days * _MOMENT))

    def _visit(self, key: str) -> Iterator[Row]:
        rng, dice, ids = self.rng, self.dice, self.house.ids
        began = rng.randrange(_LAST_START * _MOMENT)
        kind, draw = rng.randrange(2), rng.random()
        status = 0 if draw < 0.42 else 1 if draw < 0.58 else 2
        number = None
        if dice.hit("walk_in_number"):
            if self._recent and dice.hit("shared_number"):
                number, other = rng.choice(self._recent)
                began = other if dice.hit("same_start") else began
            else:
                letter = rng.randrange(2)
                number = "WE"[letter] + self._number(1 + letter)
        start = _written(began)
        if number is None:
            number = self._number(0)
            yield "APPT", self._appointment(number, key, start, 0, kind)
        elif len(self._recent) < _REMEMBERED:
            self._recent.append((number, began))
        else:
            self._recent[rng.randrange(_REMEMBERED)] = (number, began)
        room = None if dice.hit("no_room") else ids.room(rng.randrange(self.house.rooms))
        end = _written(began + rng.randrange(3600, _LONGEST_STAY * _MOMENT))
        team = ids.team(rng.randrange(self.house.teams))
        if not dice.hit("lost_visit"):
            states = self._word(schema.VISIT_STATUSES, status), self._word(schema.VISIT_TYPES, kind)
            yield "VIST", (number, key, team, start, end, *states[0], *states[1], room)
        yield from self._clinical(number, start, room)
        yield from self._bills(number, key, began)

    def _clinical(self, number: str, start: str, room: str | None) -> Iterator[Row]:
        rng, ids = self.rng, self.house.ids
        count = _DIAGNOSES.draw(rng)
        for place in range(1, count + 1):
            code, status = rng.randrange(40), rng.randrange(len(schema.DIAGNOSIS_STATUSES))
            told = *self._word(schema.DIAGNOSES, code), *self._word(schema.DIAGNOSIS_STATUSES, status)
            kind = self._word(schema.TREATMENT_TYPES, rng.randrange(10))
            yield "DIAG", (number, count, start, place, *told, *kind, room)
        count = _TREATMENTS.draw(rng)
        for place in range(1, count + 1):
            kind = self._word(schema.TREATMENT_TYPES, rng.randrange(10))
            told = (
                *self._word(schema.TREATMENTS, rng.randrange(29)),
                *self._word(schema.TREATMENT_STATUSES, rng.randrange(7)),
            )
            yield "TRTM", (number, count, start, *kind, *told, place)
        count = _MEDICINES.draw(rng)
        for place in range(1, count + 1):
            dose = rng.randrange(len(schema.DOSES))
            yield (
                "TMMD",
                (
                    number,
                    count,
                    place,
                    ids.medicine(rng.randrange(self.house.medicines)),
                    rng.randrange(1, 31),
                    *self._word(schema.DOSES, dose),
                    *self._word(schema.FREQUENCIES, rng.randrange(4)),
                    *self._word(schema.ROUTES, rng.randrange(6)),
                    rng.randrange(1, 4),
                ),
            )

    def _bills(self, number: str, key: str, began: int) -> Iterator[Row]:
        rng = self.rng
        for table, kind in (("BILL", "RG"), ("MDBL", "MD")):
            if table == "MDBL" and rng.random() > 0.507:
                continue
            at = began + rng.randrange(30 * _MOMENT)
            amount = rng.choice((1, 2, 3, 5, 8, 13, 21, rng.randrange(1, 40))) * 1000
            billed = f"{_written(at)[:-2]}00"
            status = self._word(schema.BILL_STATUSES, rng.randrange(7))
            yield table, (number, key, billed, amount, *status, kind)
            instalments = _INSTALMENTS.draw(rng)
            method = self._word(schema.PAYMENT_METHODS, rng.randrange(4))
            for place in range(1, instalments + 1):
                day = slashed(_EPOCH + timedelta(days=at // _MOMENT + 30 * place))
                paid = self._word(schema.PAYMENT_STATUSES, 0 if rng.random() < 0.8 else rng.randrange(1, 3))
                yield (
                    "PMNT",
                    (
                        *(number, key, kind, amount, instalments, place, day, amount // instalments),
                        *method,
                        *paid,
                        f"IF{rng.randrange(10**8):08d}",
                    ),
                )


def _written(moment: int) -> str:
    """A moment in seconds since the first day, as the store writes it."""
    day, second = divmod(moment, _MOMENT)
    hour, rest = divmod(second, 3600)
    if day < len(_DAYS):
        return f"{_DAYS[day]} {hour:02d}:{rest // 60:02d}:{rest % 60:02d}"
    return (datetime(2024, 1, 1) + timedelta(seconds=moment)).isoformat(" ")  # noqa: DTZ001 - the store has no zone


def _dashed(phone: str | None) -> str | None:
    return phone and f"{phone[3:6]}-{phone[6:9]}-{phone[9:]}"
