"""What the rows of all simulated HISes have in common: staff, bills that join, ages, phones, and what bad exports do.

Knows no HIS's columns; the schemas name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from math import ceil
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.households import TODAY, day_between
from his_adapters.name_pools import names
from his_adapters.native_keys import KeyFormat, salt
from his_adapters.population import Population, Registration

_STAFF_CULTURES = ("en_IN", "en_IN", "en_IN", "en_US", "en_GB")


def registered(population: Population, source: str, patients: int) -> Iterator[Registration]:
    """The first so many registrations of a source."""
    known = population.sizes.get(source, 0)
    if patients > known:
        raise ValueError(f"{patients} patients are asked for, but the population has {known} in {source}")
    return islice((found for found in population.registrations(source) if found.number < patients), patients)


@dataclass(frozen=True, slots=True)
class Worker:
    """A member of staff."""

    number: int
    given: str
    family: str
    sex: str
    born: date
    joined: date
    phone: str
    email: str
    contact_name: str
    contact_phone: str
    rng: Random
    """For what only one HIS knows of its staff: made from the worker's number alone."""

    @property
    def name(self) -> str:
        """In one cell."""
        return f"{self.given} {self.family}"


def worker(population: Population, source: str, number: int, dice: Dice) -> Worker:
    """A member of staff from their number. `dice` decides whether they joined before they were 18."""
    rng = Random(f"staff/{population.seed}/{source}/{number}")
    pool = names(rng.choice(_STAFF_CULTURES))
    sex = rng.choice("FM")
    given = rng.choice(pool.female if sex == "F" else pool.male)
    family = rng.choice(pool.family)
    born = day_between(rng, date(1960, 1, 1), date(2000, 12, 31))
    grown = date(born.year + 21, 1, 1)
    joined = day_between(rng, max(grown, date(2000, 1, 1)), date(2025, 6, 30))
    early = "joined_before_18"
    if dice.knows(early) and dice.hit(early):
        joined = day_between(rng, date(born.year + 9, 1, 1), date(born.year + 17, 12, 28))
    handle = "".join(letter for letter in f"{given}.{family}".lower() if letter.isascii() and letter not in " '")
    return Worker(
        number=number,
        given=given,
        family=family,
        sex=sex,
        born=born,
        joined=joined,
        phone=f"{rng.randrange(10**13):013d}",
        email=f"{handle}{number}@example.org",
        contact_name=f"{rng.choice(pool.female)} {family}",
        contact_phone=f"{rng.randrange(10**13):013d}",
        rng=rng,
    )


class Ledger:
    """Which patient and which member of staff each bill names: an exact share of them nobody knows."""

    def __init__(
        self, population: Population, source: str, rng: Random, *, bills: int, patients: int, staff: int, share: float
    ) -> None:
        self._population, self._source, self._rng = population, source, rng
        self._patients, self._staff = patients, staff
        # Most orphans lack both; of each hundred bills one lacks only a patient, one only a member of staff.
        both = ceil(bills * share * 5 / 6) if share < 1 else bills
        one = int(bills * share / 6) if share < 1 else 0
        chosen = rng.sample(range(bills), min(bills, both + 2 * one))
        self._no_patient = frozenset(chosen[: both + one])
        self._no_staff = frozenset(chosen[:both] + chosen[both + one :])

    def patient(self, bill: int) -> int:
        """The number of the bill's patient; an orphan's is one that no registration has."""
        if bill in self._no_patient or not self._patients:
            return self._population.sizes[self._source] + bill
        return self._rng.randrange(self._patients)

    def staff(self, bill: int) -> int:
        """The number of the bill's member of staff."""
        if bill in self._no_staff or not self._staff:
            return self._staff + bill
        return self._rng.randrange(self._staff)


class Keys:
    """The keys of one store's own rows (staff, bills) in their formats."""

    def __init__(self, population: Population, source: str, *, staff: KeyFormat, finance: KeyFormat) -> None:
        self._staff, self._finance = staff, finance
        self._staff_salt = salt("staff", population.seed, source)
        self._finance_salt = salt("finance", population.seed, source)

    def staff(self, number: int) -> str:
        """A staff id."""
        return self._staff(number, self._staff_salt)

    def finance(self, number: int) -> str:
        """A bill's id."""
        return self._finance(number, self._finance_salt)


def patient_key(population: Population, source: str, number: int, profile: str) -> str:
    """The id of a registration as the store writes it: in a hostile export two in five have another system's format."""
    if profile == "hostile":
        if number % 5 == 0:
            return f"PAT{number:05d}"
        if number % 5 == 1:
            return f"{number:08d}"
    return population.native_key(source, number)


def age(born: date | None) -> int:
    """In full years; 40 where the birth date is not known."""
    if born is None:
        return 40
    return TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))


def body(rng: Random, years: int, *, adult_sized: bool) -> tuple[int, int]:
    """Height in cm and weight in kg; children are small unless a careless form makes adults of them."""
    if years < 16 and not adult_sized:
        return min(52 + years * 7 + rng.randrange(8), 149), 4 + years * 3 + rng.randrange(4)
    return rng.randrange(150, 201), rng.randrange(40, 121)


def money(rng: Random, low: float, high: float) -> float:
    """An amount with two decimals."""
    return round(rng.uniform(low, high), 2)


def titled(rng: Random, name: str) -> str:
    """A name as people give it on the phone."""
    return rng.choice(("Mr. {} MD", "Mrs. {}", "Dr. {}", "{} DVM", "{} II", "Ms. {}", "Mrs. {} MD")).format(name)


_SHAPES = (
    "{a}{b}{c}",
    "{a}-{b}-{c}",
    "({a}){b}-{c}",
    "({a}) {b}-{c}",
    "{a}.{b}.{c}",
    "+1-{a}-{b}-{c}",
    "001-{a}-{b}-{c}",
    "1-{a}-{b}-{c}",
)


def packed_phone(rng: Random, phone: str) -> str:
    """The subscriber's ten digits in one of some twenty shapes, some with an extension."""
    shape = rng.choice(_SHAPES)
    extension = rng.choice(("", "", "x{}")).format(rng.randrange(10 ** rng.choice((3, 4, 5))))
    return shape.format(a=phone[3:6], b=phone[6:9], c=phone[9:]) + extension


_NO_DATES = ("31/02/2020", "0000-00-00", "tomorrow", "2023-13-45", "20230231", "1900-01-00", "12.05.1987", "n/a")
_NO_NUMBERS = ("170 cm", "1,234.50", "NaN", "1e999", "-", "five", "₹ 500", "12,5")
_CONTROLS = ("\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\ufffd", "\u202e")


class BadExport:
    """Spoils rows as bad exports do. Keys and what refers to them are only lost or repeated, never changed."""

    def __init__(
        self, rng: Random, *, key: str, kept: frozenset[str], dates: frozenset[str], numbers: frozenset[str]
    ) -> None:
        self._dice = Dice("hostile", "hostile", rng)
        self._rng, self._key, self._kept = rng, key, kept | {key}
        self._dates, self._numbers = dates, numbers

    def spoil(self, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The rows, spoiled, with repeats."""
        hit, previous = self._dice.hit, None
        for row in rows:
            spoiled = self._cells({"unnamed": "", **row})
            if hit("no_id"):
                spoiled[self._key] = self._rng.choice((None, "", "  "))
            if previous is not None and hit("duplicate_id"):
                yield {**spoiled, self._key: previous[self._key]}
            yield spoiled
            if hit("duplicate_row"):
                yield spoiled
            previous = spoiled

    def _cells(self, row: dict[str, Any]) -> dict[str, Any]:
        rng, hit = self._rng, self._dice.hit
        texts = [name for name, value in row.items() if isinstance(value, str) and name not in self._kept]
        dates = [name for name in texts if name in self._dates]
        words = [name for name in texts if name not in self._dates and name not in self._numbers and row[name]]
        numbers = [name for name in row if name in self._numbers]
        if words and hit("unknown_code"):
            row[rng.choice(words)] = rng.choice(("Unknown", "N/A", "?", "other", "-1", "NULL"))
        if words and hit("untrimmed"):
            name = rng.choice(words)
            row[name] = f"  {row[name]}\r\n\t{row[name]} "
        if words and hit("control_characters"):
            name = rng.choice(words)
            row[name] = f"{row[name]}{rng.choice(_CONTROLS)}{row[name]}"
        if words and hit("absurd_length"):
            row[rng.choice(words)] = "absurd " * 10_000
        if words and hit("wrong_bytes"):
            name = rng.choice(words)
            row[name] = f"{row[name]} \u2013 Résumé".encode("cp1252", "replace").decode("utf-8", "surrogateescape")
        if dates and hit("unparsable_date"):
            row[rng.choice(dates)] = rng.choice(_NO_DATES)
        if numbers and hit("number_as_text"):
            row[rng.choice(numbers)] = rng.choice(_NO_NUMBERS)
        if texts and hit("null_cell"):
            row[rng.choice(texts)] = None
        return row
