"""People in households: couples, children, twins, fathers and sons of one name, grandparents, shared phones and homes.

A neighbourhood is 64 people made from one seed number and its own index, so any person of a population of any size can
be made without the others. Knows no HIS and no error: these are the people as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from his_adapters.error_rates import RATES
from his_adapters.name_pools import CULTURES, foreign_homes, names, streets

NEIGHBOURHOOD = 64
"""People in a neighbourhood."""
TODAY = date(2025, 11, 1)
"""The day on which the simulated hospitals export their stores: nothing depends on the clock."""
PLANTED_FAMILY = "Quillfeather"
"""A family that is there whatever the seed number, registered in every HIS."""

_BLOOD = ("O+",) * 8 + ("B+",) * 7 + ("A+",) * 5 + ("AB+",) * 2 + ("O-", "B-", "A-", "AB-")
CITIES = ("Pune", "Mumbai", "Nagpur", "Nashik", "Nanded", "Kolhapur", "Ahmedabad", "Delhi", "Bidar")
"""The last three are not in Maharashtra, wherever the stores put them."""
_CITIES = ("Pune",) * 6 + ("Mumbai",) * 6 + CITIES
_MAILBOXES = ("example.com", "example.net", "example.org")
_CULTURE_STEPS = tuple(zip((name for name, _ in CULTURES), accumulate(share for _, share in CULTURES), strict=True))


@dataclass(frozen=True, slots=True)
class Address:
    """A home in India, as the stores write it."""

    line: str
    city: str
    state: str
    country: str
    postal_code: str


@dataclass(slots=True, eq=False)
class Person:
    """One human being, with what changes over a life: a maiden name, a former home, a former phone."""

    index: int
    given: str
    family: str
    sex: str
    """`F` or `M`."""
    born: date
    culture: str
    blood_group: str
    phone: str
    email: str
    home: Household
    suffix: str = ""
    birth_family: str = ""
    """When another family name was given at birth."""
    married_on: date | None = None
    former_phone: str = ""
    relatives: list[tuple[str, Person]] = field(default_factory=list)
    """What the other one is to this person (Spouse, Parent, Sibling, Offspring), and who."""


@dataclass(slots=True, eq=False)
class Household:
    """What the people of one home share."""

    address: Address
    former_address: Address
    moved_on: date
    phone: str
    email: str
    abroad: tuple[str, str, str] | None
    """City, state, country of a family that lives elsewhere and comes for treatment."""


def _skewed(rng: Random, pool: tuple[str, ...]) -> str:
    """Mostly the first ones: some names are common."""
    return pool[int(len(pool) * rng.random() ** 1.8)]


def _digits(rng: Random, count: int) -> str:
    return f"{rng.randrange(10**count):0{count}d}"


def day_between(rng: Random, first: date, last: date) -> date:
    """A day, both ends included; `first` when the ends are the wrong way round."""
    return first + timedelta(days=rng.randrange(max((last - first).days, 0) + 1))


def _address(rng: Random) -> Address:
    line = f"{rng.randrange(1, 400)}, {rng.choice(streets())}"
    return Address(line, rng.choice(_CITIES), "Maharashtra", "India", _digits(rng, 5))


def _household(rng: Random) -> Household:
    abroad = rng.choice(foreign_homes()) if rng.random() < 0.25 else None
    address = _address(rng)
    moved = rng.random() < 0.3
    return Household(
        address=address,
        former_address=_address(rng) if moved else address,
        moved_on=day_between(rng, date(2014, 1, 1), date(2025, 6, 1)) if moved else date.min,
        phone=_digits(rng, 13),
        email="",
        abroad=abroad,
    )


class _Neighbourhood:
    """Fills one neighbourhood, household by household."""

    def __init__(self, rng: Random, first: int) -> None:
        self.rng, self.first = rng, first
        self.people: list[Person] = []

    def fill(self) -> list[Person]:
        kinds: tuple[tuple[float, Callable[[], object]], ...] = (
            (0.28, self._single),
            (0.45, self._couple),
            (0.85, self._family),
            (0.93, self._lone_parent),
            (1.0, self._three_generations),
        )
        while len(self.people) < NEIGHBOURHOOD:
            throw = self.rng.random()
            next(make for step, make in kinds if throw < step)()
        del self.people[NEIGHBOURHOOD:]  # a household that straddles the border leaves its last members unborn
        for person in self.people:
            person.relatives = [near for near in person.relatives if near[1].index < self.first + NEIGHBOURHOOD]
        return self.people

    def _culture(self) -> str:
        throw = self.rng.random()
        return next((name for name, step in _CULTURE_STEPS if throw < step), CULTURES[0][0])

    def _family_name(self, culture: str) -> tuple[str, str]:
        """For a man and for a woman of the family."""
        pool = names(culture)
        at = int(len(pool.family) * self.rng.random() ** 1.8)
        return pool.family[at], pool.family_female[at]

    def person(
        self, home: Household, culture: str, family: tuple[str, str], *, sex: str, born: date, given: str = ""
    ) -> Person:
        """One more person of the household; a given name is drawn unless named."""
        rng = self.rng
        pool = names(culture)
        surname = family[sex == "F"]
        given = given or _skewed(rng, pool.female if sex == "F" else pool.male)
        index = self.first + len(self.people)
        phone = _digits(rng, 13)
        former = _digits(rng, 13) if rng.random() < 0.15 else ""
        made = Person(
            index=index,
            given=given,
            family=surname,
            sex=sex,
            born=born,
            culture=culture,
            blood_group=rng.choice(_BLOOD),
            phone=phone,
            email=_mailbox(given, surname, rng),
            home=home,
            former_phone=former,
        )
        if not home.email:
            home.email = f"the.{_mailbox(surname, 'family', rng)}"
        self.people.append(made)
        return made

    def _adult(
        self, home: Household, culture: str, family: tuple[str, str], *, sex: str, years: tuple[int, int]
    ) -> Person:
        born = day_between(self.rng, date(years[0], 1, 1), date(years[1], 12, 31))
        return self.person(home, culture, family, sex=sex, born=born)

    def _single(self) -> None:
        rng, culture = self.rng, self._culture()
        sex = rng.choice("FM")
        single = self._adult(_household(rng), culture, self._family_name(culture), sex=sex, years=(1932, 2006))
        if self.people[:-1] and rng.random() < RATES["population.stranger_of_same_name"].seed:
            other = rng.choice(self.people[:-1])
            if other.sex == sex:
                single.given, single.family, single.culture = other.given, other.family, other.culture

    def _couple(self, first: int = 1932, last: int = 2002) -> tuple[Person, Person, tuple[str, str]]:
        rng, culture = self.rng, self._culture()
        home, family = _household(rng), self._family_name(culture)
        husband = self._adult(home, culture, family, sex="M", years=(first, last))
        others = culture if rng.random() < 0.9 else self._culture()
        maiden = self._family_name(others)
        born = husband.born + timedelta(days=rng.randrange(-1500, 2200))
        wife = self.person(home, others, maiden, sex="F", born=min(born, date(2005, 12, 31)))
        if rng.random() < 0.75:  # the others keep their names
            wife.birth_family, wife.family = wife.family, family[1]
            wife.married_on = day_between(rng, _years_after(wife.born, 19), _years_after(wife.born, 32))
            if wife.married_on > TODAY:
                wife.married_on, wife.family, wife.birth_family = None, wife.birth_family, ""
        husband.relatives.append(("Spouse", wife))
        wife.relatives.append(("Spouse", husband))
        return husband, wife, family

    def _children(self, home: Household, culture: str, family: tuple[str, str], parents: list[Person]) -> None:
        rng = self.rng
        youngest = max(parent.born for parent in parents)
        first = _years_after(youngest, 20)
        last = min(_years_after(youngest, 40), TODAY - timedelta(days=3))
        if first > last:
            return
        children: list[Person] = []
        father = next((parent for parent in parents if parent.sex == "M"), None)
        for _ in range(rng.choice((1, 1, 2, 2, 3))):
            sex = rng.choice("FM")
            born = day_between(rng, first, last)
            twin_of = children[-1] if children and rng.random() < 0.12 else None
            if twin_of:
                born, sex = twin_of.born, twin_of.sex if rng.random() < 0.6 else sex
            given = self._given_unlike(culture, sex, {other.given for other in children})
            child = self.person(home, culture, family, sex=sex, born=born, given=given)
            if father and sex == "M" and not father.suffix and rng.random() < 0.08:
                child.given, father.suffix, child.suffix = father.given, "Sr", "Jr"
            if twin_of and rng.random() < 0.4:  # Rosalind and Rosamund
                pool = names(culture).female if sex == "F" else names(culture).male
                taken = {other.given for other in children}
                alike = [name for name in pool if name[:2] == twin_of.given[:2] and name not in taken]
                child.given = rng.choice(alike) if alike else child.given
            for parent in parents:
                parent.relatives.append(("Offspring", child))
                child.relatives.append(("Parent", parent))
            for other in children:
                other.relatives.append(("Sibling", child))
                child.relatives.append(("Sibling", other))
            children.append(child)

    def _given_unlike(self, culture: str, sex: str, taken: set[str]) -> str:
        """A given name that no sibling has: nobody names two children alike, twins least of all."""
        pool = names(culture).female if sex == "F" else names(culture).male
        at = pool.index(_skewed(self.rng, pool))
        return next(name for name in (*pool[at:], *pool[:at]) if name not in taken)

    def _family(self) -> None:
        husband, wife, family = self._couple(1940, 2000)
        self._children(husband.home, husband.culture, family, [husband, wife])

    def _lone_parent(self) -> None:
        rng, culture = self.rng, self._culture()
        home, family = _household(rng), self._family_name(culture)
        parent = self._adult(home, culture, family, sex="F" if rng.random() < 0.8 else "M", years=(1945, 2000))
        self._children(home, culture, family, [parent])

    def _three_generations(self) -> None:
        husband, wife, family = self._couple(1958, 2000)
        elder = self.person(
            husband.home,
            husband.culture,
            family,
            sex=self.rng.choice("FM"),
            born=day_between(self.rng, date(1932, 1, 1), _years_after(husband.born, -21)),
        )
        husband.relatives.append(("Parent", elder))
        elder.relatives.append(("Offspring", husband))
        self._children(husband.home, husband.culture, family, [husband, wife])


def _mailbox(given: str, family: str, rng: Random) -> str:
    plain = "".join(
        letter for letter in f"{given}.{family}".lower() if letter.isascii() and (letter.isalnum() or letter == ".")
    )
    return f"{plain}{rng.randrange(1000)}@{rng.choice(_MAILBOXES)}"


def _years_after(day: date, years: int) -> date:
    return date(day.year + years, day.month, min(day.day, 28))


_PLANTED = (  # given, sex, born, suffix, birth family, married on
    ("Edmund", "M", date(1948, 4, 3), "Sr", "", None),
    ("Margaret", "F", date(1951, 11, 20), "", "Holloway", date(1973, 6, 9)),
    ("Edmund", "M", date(1975, 9, 12), "Jr", "", None),
    ("Anjali", "F", date(1978, 2, 7), "", "Deshmukh", date(2004, 12, 11)),
    ("Rosalind", "F", date(2006, 5, 30), "", "", None),
    ("Rosamund", "F", date(2006, 5, 30), "", "", None),
    ("Theodore", "M", date(2025, 8, 14), "", "", None),
    ("Edmund", "M", date(1991, 1, 25), "", "", None),  # a stranger of the same name
)
PLANTED = len(_PLANTED)
"""Members of the planted family, a stranger of the same name included."""


def _planted(rng: Random) -> list[Person]:
    hood = _Neighbourhood(rng, 0)
    old, young, stranger = _household(rng), _household(rng), _household(rng)
    family = (PLANTED_FAMILY, PLANTED_FAMILY)
    for at, (given, sex, born, suffix, birth_family, married_on) in enumerate(_PLANTED):
        home = old if at < 2 else young if at < 7 else stranger
        made = hood.person(home, "en_GB", family, sex=sex, born=born, given=given)
        made.suffix, made.birth_family, made.married_on = suffix, birth_family, married_on
    elder, mother, younger, wife, *children = hood.people[:7]
    elder.relatives, mother.relatives = (
        [("Spouse", mother), ("Offspring", younger)],
        [("Spouse", elder), ("Offspring", younger)],
    )
    younger.relatives = [("Spouse", wife), ("Parent", elder), ("Parent", mother)]
    wife.relatives = [("Spouse", younger)]
    for child in children:
        child.relatives = [("Parent", younger), ("Parent", wife)]
    return hood.people


def neighbourhood(seed: int, index: int) -> list[Person]:
    """The 64 people of a neighbourhood; the first of all begins with the planted family."""
    rng = Random(f"people/{seed}/{index}")
    hood = _Neighbourhood(rng, index * NEIGHBOURHOOD)
    if index == 0:
        hood.people = _planted(rng)
    return hood.fill()
