"""The simulated hospital itself: departments, rooms, staff, teams, medicines, equipment, vendors, supplies, stock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.households import day_between
from his_adapters.name_pools import foreign_homes, names
from his_adapters.native_keys import salt, scramble
from his_adapters.population import Population
from his_adapters.proactive_health import schema
from his_adapters.proactive_health.schema import FULL_PATIENTS, ROWS
from his_adapters.simulated_rows import worker

SOURCE = "proactive_health"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STOCK_DAYS = [date(2025, 1, 1) + timedelta(days=number) for number in range(262)]

Row = tuple[str, tuple[Any, ...]]
"""(table, cells)"""


def slashed(day: date) -> str:
    """A day as the spreadsheet writes it."""
    return f"{day.month}/{day.day}/{day.year}"


def ingested(rng: Random) -> str:
    """When a row was loaded."""
    return f"9/{rng.randrange(1, 20)}/2025 {rng.randrange(24)}:{rng.randrange(60):02d}"


class Ids:
    """The ids of what a store has, each from its number, in the formats of the published set."""

    def __init__(self, seed: int) -> None:
        self._salts = {
            kind: salt(kind, seed, SOURCE) for kind in ("staff", "team", "room", "medicine", "stock", "visit")
        }

    def _code(self, kind: str, number: int, bits: int) -> int:
        return scramble(number, self._salts[kind], bits)

    def staff(self, number: int) -> str:
        code = self._code("staff", number, 17)
        return f"{1000 + code // 26}{_LETTERS[code % 26]}"

    def team(self, number: int) -> str:
        code = self._code("team", number, 24)
        return f"{100 + code // 26_000}{_LETTERS[code // 1000 % 26]}{code % 1000:03d}"

    def room(self, number: int) -> str:
        code = self._code("room", number, 24)
        return f"{_LETTERS[code % 26]}{10_000 + code // 676}{_LETTERS[code // 26 % 26]}"

    def medicine(self, number: int) -> str:
        code = self._code("medicine", number, 28)
        return f"{_LETTERS[code % 26]}{10 + code % 90}{_LETTERS[code // 26 % 26]}{1000 + code // 676}"

    def device(self, number: int) -> str:
        return f"EQ{100_000 + number}"

    def vendor(self, number: int) -> str:
        return f"V{100_000 + number}"

    def supply(self, number: int) -> str:
        return f"SP{1_000_000 + self._code('stock', number, 23)}"

    def allergen(self, number: int) -> str:
        return f"ALG{number + 1:03d}"

    def department(self, number: int) -> str:
        return f"DPT{schema.DEPARTMENT_NUMBERS[number]}"

    def visit(self, number: int) -> str:
        """Seven digits: an appointment's number, or what follows the letter of a walk-in's."""
        return f"{1_000_000 + self._code('visit', number, 23)}"


class House:
    """What a store of so many patients has besides them."""

    def __init__(self, population: Population, patients: int, profile: str, seed: int) -> None:
        self.population = population
        self.rng = Random(f"{SOURCE}/{seed}/{profile}/house")
        self.dice = Dice(SOURCE, profile, self.rng)
        self.ids = Ids(population.seed)
        self.foreign = profile == "hostile"
        share = patients / FULL_PATIENTS

        def scaled(table: str, least: int) -> int:
            return max(least, round(ROWS[table] * share)) if patients else 0

        self.staff = scaled("STFF", 12)
        self.rooms = scaled("ROMS", 20)
        self.teams = max(4, round(ROWS["MEDT"] * share / 3)) if patients else 0
        self.medicines = scaled("MDCN", 20)
        self.devices = scaled("EQPM", 8)
        self.vendors = scaled("VNDR", 6)
        self.supplies = scaled("SPLY", 10)
        self.stock = scaled("INVN", 10)
        self.vendor_payments = scaled("VPMT", 4)

    def code(self, words: tuple[str, ...], place: int) -> Any:
        """The code of a word; sometimes of another one, and letters where a third party made the table."""
        if self.dice.hit("code_contradicts"):
            place = self.rng.randrange(len(words))
        return words[place][:3].upper() if self.foreign else place

    def rows(self) -> Iterator[Row]:
        """Every row but those of patients."""
        yield from self._departments()
        yield from self._vendors()
        yield from self._staff()
        yield from self._rooms()
        yield from self._medicines()
        yield from self._devices()
        for number, name in enumerate(schema.ALLERGIES):
            yield "ALGY", (self.ids.allergen(number), name)
        yield from self._teams()
        yield from self._supplies()

    def _departments(self) -> Iterator[Row]:
        for number, name in enumerate(schema.DEPARTMENTS):
            place = f"Building {'ABC'[number % 3]}, {('Ground Floor', 'Floor 2', 'Floor 3')[number // 3 % 3]}"
            wing = f"Wing {('North', 'East', 'South', 'West')[number % 4]}"
            yield "DPMT", (self.ids.department(number), name, f"{name} department", f"{place}, {wing}")

    def _vendors(self) -> Iterator[Row]:
        rng, pool = self.rng, names("en_US").family
        for number in range(self.vendors):
            country = rng.choice(foreign_homes())[2]
            place = rng.randrange(len(schema.VENDOR_STATUSES))
            yield (
                "VNDR",
                (
                    self.ids.vendor(number),
                    f"{rng.choice(pool)} {rng.choice(('Medical', 'Pharma', 'Supplies'))}",
                    rng.choice(("Medicine", "Equipment")),
                    f"LC{rng.randrange(10**6):06d}",
                    country,
                    country[:2].upper(),
                    f"{rng.randrange(10**3):03d}-{rng.randrange(10**4):04d}",
                    self.code(schema.VENDOR_STATUSES, place),
                    schema.VENDOR_STATUSES[place],
                    ingested(rng),
                ),
            )

    def _staff(self) -> Iterator[Row]:
        rng, firsts = self.rng, names("en_US").female
        for number in range(self.staff):
            member = worker(self.population, SOURCE, number, self.dice)
            doctor = number < 4 or rng.random() < 0.07
            role = 0 if doctor else rng.randrange(1, len(schema.ROLES))
            status = 0 if rng.random() < 0.3 else rng.randrange(1, 4)
            sex = 0 if member.sex == "F" else 1
            salary = rng.randrange(30, 190) * 1000
            yield (
                "STFF",
                (
                    self.ids.staff(number),
                    member.given,
                    member.family,
                    rng.choice(firsts) if rng.random() < 0.4 else None,
                    self.code(("Female", "Male", "Other"), sex),
                    ("Female", "Male")[sex],
                    slashed(member.born),
                    self.ids.department(rng.randrange(30)),
                    self.code(schema.ROLES, role),
                    schema.ROLES[role],
                    f"{member.phone[3:6]}-{member.phone[6:9]}-{member.phone[9:]}",
                    member.email,
                    self.code(schema.STAFF_STATUSES, status),
                    schema.STAFF_STATUSES[status],
                    slashed(member.joined),
                    slashed(member.joined),
                    salary,
                    salary // 12,
                    ingested(rng),
                ),
            )

    def _rooms(self) -> Iterator[Row]:
        rng = self.rng
        for number in range(self.rooms):
            department = rng.randrange(30)
            for _ in range(2 if self.dice.hit("repeated_room") else 1):
                purpose, kind = rng.randrange(4), rng.randrange(4)
                yield (
                    "ROMS",
                    (
                        self.ids.room(number),
                        self.ids.department(department),
                        self.code(schema.ROOM_PURPOSES, purpose),
                        schema.ROOM_PURPOSES[purpose],
                        self.code(schema.ROOM_TYPES, kind),
                        schema.ROOM_TYPES[kind],
                        rng.randrange(1, 9),
                    ),
                )
                department = (department + 1) % 30

    def _medicines(self) -> Iterator[Row]:
        rng = self.rng
        heads, tails = schema.MEDICINE_NAMES
        for number in range(self.medicines):
            kind, form = rng.randrange(20), rng.randrange(6)
            kept, status = rng.randrange(3), rng.randrange(5)
            yield (
                "MDCN",
                (
                    self.ids.medicine(number),
                    rng.choice(heads) + rng.choice(tails),
                    self.code(schema.MEDICINE_TYPES, kind),
                    schema.MEDICINE_TYPES[kind],
                    self.code(schema.MEDICINE_FORMS, form),
                    schema.MEDICINE_FORMS[form],
                    rng.choice((5, 10, 50, 100, 250, 500)),
                    rng.choice(("mg", "mcg", "g")),
                    self.code(schema.STORAGES, kept),
                    schema.STORAGES[kept],
                    rng.choice((10, 20, 30, 100)),
                    rng.choice(("tablets", "mL")),
                    self.code(schema.MEDICINE_STATUSES, status),
                    schema.MEDICINE_STATUSES[status],
                    rng.randrange(6, 61),
                    rng.randrange(1, 101),
                    rng.randrange(45, 651),
                ),
            )

    def _devices(self) -> Iterator[Row]:
        rng = self.rng
        for number in range(self.devices):
            status, kind = rng.randrange(5), rng.randrange(len(schema.DEVICES))
            yield (
                "EQPM",
                (
                    self.ids.device(number),
                    schema.DEVICES[kind],
                    self.code(schema.DEVICES, kind),
                    schema.DEVICES[kind],
                    rng.choice(("Mobile", "Fixed")),
                    rng.choice(("Therapy", "Monitoring", "Imaging")),
                    rng.choice(("Reusable", None)),
                    f"M{rng.randrange(10**5):05d}",
                    f"Shelf {rng.randrange(1, 90)}",
                    self.code(schema.DEVICE_STATUSES, status),
                    schema.DEVICE_STATUSES[status],
                ),
            )

    def _teams(self) -> Iterator[Row]:
        rng = self.rng
        for number in range(self.teams):
            size = rng.randrange(1, 6)
            first = rng.randrange(self.staff)
            for place in range(size):
                role = rng.randrange(1, len(schema.ROLES)) if rng.random() > 0.002 else 0
                yield (
                    "MEDT",
                    (
                        self.ids.team(number),
                        size,
                        self.ids.staff((first + place) % self.staff),
                        self.code(schema.ROLES, role),
                        schema.ROLES[role],
                    ),
                )

    def _supplies(self) -> Iterator[Row]:
        rng = self.rng
        for number in range(self.supplies):
            quantity = rng.randrange(1, 500)
            made = day_between(rng, date(2023, 1, 1), date(2024, 12, 31))
            received = made + timedelta(days=rng.randrange(10, 200))
            yield (
                "SPLY",
                (
                    self.ids.supply(number),
                    self._material(),
                    self.ids.vendor(rng.randrange(self.vendors)),
                    f"B{rng.randrange(10**6):06d}",
                    quantity * 2,
                    slashed(made),
                    quantity,
                    rng.choice(("box", "piece")),
                    rng.randrange(1, 100),
                    f"Warehouse {rng.randrange(1, 9)}",
                    f"P{rng.randrange(10**5):05d}",
                    slashed(received),
                    quantity,
                    self.ids.staff(rng.randrange(self.staff)),
                    slashed(received + timedelta(days=1)),
                    self.ids.staff(rng.randrange(self.staff)),
                ),
            )
        for number in range(self.stock):
            opened, added, issued = rng.randrange(100, 999), rng.randrange(50), rng.randrange(60)
            staff = self.ids.staff(rng.randrange(self.staff))
            day = "2" if rng.random() < 0.0001 else _STOCK_DAYS[number % 262].isoformat()
            cells = (opened, staff, added, staff, issued, staff, opened + added - issued, staff, staff)
            yield "INVN", (self._material(), day, *cells)
        for _ in range(self.vendor_payments):
            paid = datetime(2025, 1, 1) + timedelta(days=rng.randrange(250))  # noqa: DTZ001 - the store has no zone
            status = rng.randrange(3)
            yield (
                "VPMT",
                (
                    f"VP{rng.randrange(10**7):07d}",
                    self.ids.supply(rng.randrange(self.supplies)),
                    rng.randrange(100, 9000),
                    rng.choice((30, 60, 90)),
                    1,
                    rng.randrange(100, 9000),
                    slashed(paid),
                    slashed(paid + timedelta(days=30)),
                    self.code(schema.PAYMENT_STATUSES, status),
                    schema.PAYMENT_STATUSES[status],
                    self.ids.vendor(rng.randrange(self.vendors)),
                    f"AC{rng.randrange(10**8):08d}",
                    f"WR{rng.randrange(10**7):07d}",
                ),
            )

    def _material(self) -> str:
        if self.rng.random() < 0.05:
            return self.ids.device(self.rng.randrange(self.devices))
        return self.ids.medicine(self.rng.randrange(self.medicines))
