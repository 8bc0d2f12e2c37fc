"""One synthetic population for all simulated HISes: who is registered where, under which key, with which errors.

The same seed number and sizes give the same people on every machine. Nothing is kept: every registration can be made
on its own from its number, so 400 people and a million cost the same memory. Knows no store and no FHIR.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from heapq import merge
from itertools import accumulate
from pathlib import Path
from random import Random

from his_adapters.error_rates import Dice
from his_adapters.households import (
    NEIGHBOURHOOD,
    PLANTED,
    PLANTED_FAMILY,
    TODAY,
    Address,
    Person,
    day_between,
    neighbourhood,
)
from his_adapters.name_pools import names
from his_adapters.name_spellings import NICKNAMES
from his_adapters.name_variants import spellings, typo, without_diacritics
from his_adapters.native_keys import KEY_FORMATS, KeyFormat, salt, scramble

__all__ = ["INSURERS", "PLANTED_FAMILY", "Contact", "Population", "Registration", "write_truth"]

INSURERS = ("ABC Insurance", "XYZ Health", "CarePlus", "Aarogya Kavach")
_BLOCK = 128
"""Registrations that are made, and shuffled, together."""
_BIRTHS_SINCE = 2012
"""The year from which on hospitals have registered the children that were born in them."""
_HASH_BITS = 64
"""Of a registration's own number, from which its person is drawn."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call in an emergency."""

    name: str
    relation: str
    """Spouse, Parent, Sibling, Friend, Offspring: what the contact is to the patient."""
    phone: str


@dataclass(frozen=True, slots=True)
class Registration:
    """One person as the desk of one HIS wrote them down. None = left empty."""

    number: int
    """The registration's number in its HIS, from 0."""
    native_key: str
    person: str
    """Who it is, in truth. No store ever holds this."""
    source: str
    prefix: str
    given: str
    family: str
    suffix: str
    born: date | None
    sex: str
    """`F` or `M`, as written down."""
    blood_group: str
    phone: str | None
    """13 digits; the last ten are the subscriber's."""
    email: str | None
    address: Address | None
    abroad: tuple[str, str, str] | None
    """City, state, country of people who come from elsewhere."""
    contact: Contact | None
    insurer: str
    policy: str
    registered_on: date
    variants: tuple[str, ...]
    """What differs from the truth: names of `error_rates`, `maiden_name`, `former_address`, `former_phone`."""

    @property
    def name(self) -> str:
        """In one cell: `Mrs. Kathleen Brown Jr`."""
        return " ".join(part for part in (self.prefix, self.given, self.family, self.suffix) if part)


class Population:
    """People of one seed number, registered in HISes of the given sizes."""

    def __init__(self, seed: int, sizes: Mapping[str, int], formats: Mapping[str, KeyFormat] = KEY_FORMATS) -> None:
        self.seed = seed
        self.sizes = {source: sizes[source] for source in sorted(sizes)}
        unknown = [source for source in self.sizes if source not in formats]
        if unknown:
            raise ValueError(f"no native key format for {', '.join(unknown)}; known: {', '.join(sorted(formats))}")
        if any(size < 0 for size in self.sizes.values()):
            raise ValueError("a size is negative")
        self._births = list(zip(self.sizes, accumulate(self.sizes.values()), strict=True))
        self._formats = formats
        self._salts = {source: salt("keys", seed, source) for source in self.sizes}
        largest = max(self.sizes.values(), default=0)
        # About half of the registrations are of people who are registered elsewhere too, and no HIS knows everybody.
        self.people = PLANTED + max(-(-sum(self.sizes.values()) * 10 // 19), -(-largest * 21 // 20))
        self._repeat = int(Dice("population", "seed", Random(0)).share("repeated_registration") * 2**_HASH_BITS)

    def native_key(self, source: str, number: int) -> str:
        """The key of a registration, in its HIS's own format. Unique within the HIS."""
        return self._formats[source](number, self._salts[source])

    def _planted_slots(self, source: str) -> tuple[int, ...]:
        """Members of the planted family in this HIS: six of them, not the same six everywhere."""
        place = list(self.sizes).index(source)
        absent = {(3 + 2 * place) % PLANTED, (6 + 3 * place) % PLANTED}
        members = tuple(member for member in range(PLANTED) if member not in absent)
        return members[: self.sizes[source]]

    def _person(self, source: str, number: int, planted: tuple[int, ...]) -> int:
        """The index of the person behind a registration: never smaller than that of the registration before."""
        if number < len(planted):
            return planted[number]
        slots = self.sizes[source] - len(planted)
        at = number - len(planted)
        throw = scramble(at, self._salts[source], _HASH_BITS)
        if at and throw < self._repeat:
            return self._person(source, number - 1, planted)
        rest = self.people - PLANTED
        low, high = at * rest // slots, (at + 1) * rest // slots
        return PLANTED + low + throw % (high - low)

    def _born_in(self, person: Person) -> str:
        """The source in whose hospital a person was born: a large one more likely, and twins in the same."""
        home = person.home.address
        throw = salt("birth", self.seed, home.postal_code, home.line, person.born) % sum(self.sizes.values())
        return next(source for source, last in self._births if throw < last)

    def truth(self) -> Iterator[tuple[str, str, str]]:
        """(person, source, native key) of every registration, ordered by person, source and number."""

        def of(source: str) -> Iterator[tuple[int, str, int]]:
            planted = self._planted_slots(source)
            return ((self._person(source, number, planted), source, number) for number in range(self.sizes[source]))

        for person, source, number in merge(*map(of, self.sizes)):
            yield _person_id(person), source, self.native_key(source, number)

    def registrations(self, source: str) -> Iterator[Registration]:
        """Everybody registered in one HIS, with the variants and errors of its desk, in no particular order."""
        if source not in self.sizes:
            raise ValueError(f"{source} is not of this population; it has {', '.join(self.sizes)}")
        planted = self._planted_slots(source)
        hood_index, hood, index = -1, list[Person](), -1
        for first in range(0, self.sizes[source], _BLOCK):
            rng = Random(f"desk/{self.seed}/{source}/{first}")
            desk = _Desk(source, rng, self.seed)
            block: list[Registration] = []
            for number in range(first, min(first + _BLOCK, self.sizes[source])):
                before, index = index, self._person(source, number, planted)
                if index // NEIGHBOURHOOD != hood_index:
                    hood_index = index // NEIGHBOURHOOD
                    hood = neighbourhood(self.seed, hood_index)
                person = hood[index % NEIGHBOURHOOD]
                is_first = index != before and person.born.year >= _BIRTHS_SINCE
                born_here = is_first and self._born_in(person) == source
                block.append(desk.register(person, number, self.native_key(source, number), born_here=born_here))
            rng.shuffle(block)
            yield from block


def _person_id(index: int) -> str:
    return f"person-{index:07d}"


class _Desk:
    """The registration desk of one HIS: writes people down, with its errors."""

    def __init__(self, source: str, rng: Random, seed: int) -> None:
        self.source, self.rng, self.policies = source, rng, salt("policies", seed)
        self.dice = Dice("population", "seed", rng)

    def register(self, person: Person, number: int, key: str, *, born_here: bool) -> Registration:
        """`born_here`: this may be the registration at birth, of which a person has one at most."""
        rng = self.rng
        variants: list[str] = []
        at_birth = born_here and self._hit("newborn_placeholder", variants)
        on = person.born + timedelta(days=rng.randrange(4)) if at_birth else self._day(person)
        prefix, given, family, suffix = self._name(person, on, at_birth, variants)
        phone = self._phone(person, on, variants)
        email = self._email(person, on, variants)
        moved = on < person.home.moved_on
        if moved:
            variants.append("former_address")
        address = person.home.former_address if moved else person.home.address
        insurer = INSURERS[person.index % 4]
        if self._hit("other_insurer", variants):
            insurer = rng.choice(INSURERS[: person.index % 4] + INSURERS[person.index % 4 + 1 :])
        sex = person.sex
        if self._hit("wrong_sex", variants):
            sex = "M" if sex == "F" else "F"
        return Registration(
            number=number,
            native_key=key,
            person=_person_id(person.index),
            source=self.source,
            prefix=prefix,
            given=given,
            family=family,
            suffix=suffix,
            born=self._birth_date(person, variants),
            sex=sex,
            blood_group=person.blood_group,
            phone=phone,
            email=email,
            address=None if self._hit("no_address", variants) else address,
            abroad=person.home.abroad,
            contact=None if self._hit("no_contact", variants) else self._contact(person),
            insurer=insurer,
            policy=self._policy(person, insurer),
            registered_on=on,
            variants=tuple(variants),
        )

    def _policy(self, person: Person, insurer: str) -> str:
        """One policy a person and insurer, whoever writes it down; two people share a number by chance."""
        return f"INS{10000 + scramble(person.index * 4 + INSURERS.index(insurer), self.policies, 40) % 90000}"

    def _hit(self, name: str, variants: list[str]) -> bool:
        if self.dice.hit(name):
            variants.append(name)
            return True
        return False

    def _day(self, person: Person) -> date:
        return day_between(self.rng, max(person.born + timedelta(days=5), date(2010, 1, 1)), TODAY)

    def _name(self, person: Person, on: date, at_birth: bool, variants: list[str]) -> tuple[str, str, str, str]:
        rng, given, family, prefix = self.rng, person.given, person.family, ""
        planted = person.index < PLANTED
        if person.birth_family and person.married_on and on < person.married_on:
            family = person.birth_family
            variants.append("maiden_name")
        if at_birth:
            given = "Baby Boy" if person.sex == "M" else "Baby Girl"
        else:
            known = NICKNAMES.get(given)
            if known and self._hit("nickname", variants):
                given = rng.choice(known)
            elif self._hit("given_typo", variants):
                given = typo(given, rng)
            given = self._spelling(given, person.culture, variants)
        if not planted:  # who looks for the planted family must find it
            family = self._spelling(family, person.culture, variants)
            if self._hit("family_typo", variants):
                family = typo(family, rng)
            if not at_birth and self._hit("swapped_names", variants):
                given, family = family, given
        if not (given.isascii() and family.isascii()) and self._hit("no_diacritics", variants):
            given, family = without_diacritics(given), without_diacritics(family)
        if self._hit("upper_case", variants):
            given, family = given.upper(), family.upper()
        if not at_birth and self._hit("titled", variants):
            prefix = rng.choice(("Mr.", "Dr.") if person.sex == "M" else ("Mrs.", "Ms.", "Dr."))
        return prefix, given, family, person.suffix

    def _spelling(self, name: str, culture: str, variants: list[str]) -> str:
        if self.dice.hit("other_spelling"):
            others = spellings(name, culture)
            if others:
                variants.append("other_spelling")
                return self.rng.choice(others)
        return name

    def _birth_date(self, person: Person, variants: list[str]) -> date | None:
        rng, born = self.rng, person.born
        if self._hit("no_birth_date", variants):
            return None
        if born.day <= 12 and born.day != born.month and self._hit("day_month_swapped", variants):
            return _written(born.year, born.day, born.month)
        if self._hit("year_off", variants):
            return _written(born.year - rng.choice((1, 1, 10)), born.month, born.day)
        if self._hit("date_typo", variants):
            return _written(born.year, born.month, born.day % 10 + 10 if born.day < 10 else born.day - 10 or 1)
        if self._hit("new_year_birth", variants):
            return date(born.year, 1, 1)
        return born

    def _phone(self, person: Person, on: date, variants: list[str]) -> str | None:
        rng, phone = self.rng, person.phone
        if self._hit("no_phone", variants):
            return None
        child = person.born.year > on.year - 14
        if child or self._hit("family_phone", variants):
            phone = person.home.phone
        elif person.former_phone and rng.random() < 0.4:
            phone = person.former_phone
            variants.append("former_phone")
        if self._hit("phone_typo", variants):
            at = rng.randrange(3, 13)
            phone = f"{phone[:at]}{(int(phone[at]) + rng.randrange(1, 10)) % 10}{phone[at + 1 :]}"
        return phone

    def _email(self, person: Person, on: date, variants: list[str]) -> str | None:
        if self._hit("no_email", variants):
            return None
        child = person.born.year > on.year - 14
        return person.home.email if child or self._hit("family_email", variants) else person.email

    def _contact(self, person: Person) -> Contact:
        rng = self.rng
        if person.relatives and rng.random() < 0.85:
            relation, near = rng.choice(person.relatives)
            return Contact(f"{near.given} {near.family}", relation, near.phone)
        pool = names(person.culture)
        friend = f"{rng.choice(pool.female)} {rng.choice(pool.family_female)}"
        return Contact(friend, "Friend", f"{rng.randrange(10**13):013d}")


def _written(year: int, month: int, day: int) -> date:
    """The day as a clerk writes it: the month's last day when the month has no such day."""
    for last in (day, 30, 29):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    return date(year, month, 28)


def write_truth(population: Population, path: Path) -> None:
    """Write who is who as CSV with the header `person,source,native_key`; parent folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("person", "source", "native_key"))
        rows.writerows(population.truth())
