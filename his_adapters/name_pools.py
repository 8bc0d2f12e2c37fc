"""Names, streets and phrases to draw from: Faker's lists of several locales, read once, in one fixed order.

Drawing from a tuple costs a microsecond where a Faker call costs fifty, and sorted tuples do not depend on the order
of sets or on the hash seed. Knows no person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from random import Random
from typing import Any

from faker import Faker

from his_adapters.name_spellings import ARABIC_FAMILY, ARABIC_FEMALE, ARABIC_MALE, HAN_GIVEN, HAN_SURNAMES
from his_adapters.name_variants import romanize

CULTURES: tuple[tuple[str, float], ...] = (
    ("en_IN", 0.56),
    ("en_US", 0.1),
    ("en_GB", 0.08),
    ("de_DE", 0.04),
    ("es_ES", 0.06),
    ("pt_BR", 0.03),
    ("ar", 0.06),
    ("ru_RU", 0.04),
    ("zh", 0.03),
)
"""Where families come from, as shares that sum to 1."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one culture in Latin letters, each tuple without repeats."""

    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    family_female: tuple[str, ...]
    """The same place in the tuple is the same name: Ivanov, Ivanova."""


def _provider(locale: str) -> Any:
    return import_module(f"faker.providers.person.{locale}").Provider


def _listed(names: Any) -> tuple[str, ...]:
    """Plain names only, in an order that owes nothing to sets or weights: the first ones become the frequent ones."""
    listed = sorted({name.strip() for name in names if name.strip() and " " not in name.strip()})
    Random(len(listed)).shuffle(listed)
    return tuple(listed)


@cache
def names(culture: str) -> Names:
    """The names of a culture of `CULTURES`."""
    if culture == "ar":
        family = tuple(spellings[0] for spellings in ARABIC_FAMILY)
        return Names(_firsts(ARABIC_FEMALE), _firsts(ARABIC_MALE), family, family)
    if culture == "zh":
        family, given = _firsts(HAN_SURNAMES), _firsts(HAN_GIVEN)
        return Names(given[::2], given[1::2], family, family)
    provider = _provider(culture)
    female, male = _listed(provider.first_names_female), _listed(provider.first_names_male)
    if culture == "ru_RU":
        stems = [name for name in _listed(provider.last_names_male) if name.endswith(("ов", "ев", "ин"))]
        family = tuple(romanize(name) for name in stems)
        feminine = tuple(romanize(name) + "a" for name in stems)
        return Names(
            tuple(romanize(name) for name in female),
            tuple(romanize(name) for name in male),
            family,
            feminine,
        )
    family = _listed(provider.last_names)
    return Names(female, male, family, family)


def _firsts(table: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(spellings[0] for spellings in table)


def _faker(locale: str) -> Faker:
    """A Faker whose answers are the same in every run: the pools do not depend on the population's seed number."""
    made = Faker(locale)
    made.seed_instance(20251101)
    return made


@cache
def streets() -> tuple[str, ...]:
    """Indian street names."""
    fake = _faker("en_IN")
    return tuple(sorted({fake.street_name() for _ in range(600)}))


@cache
def sentences() -> tuple[str, ...]:
    """Sentences of six words."""
    fake = _faker("en_US")
    return tuple(fake.sentence(6) for _ in range(400))


@cache
def foreign_homes() -> tuple[tuple[str, str, str], ...]:
    """City, US state, any country of the world: as HIS_D packs them. No country with a comma."""
    fake = _faker("en_US")
    made = [(fake.city(), fake.state(), fake.country()) for _ in range(500)]
    return tuple(home for home in made if "," not in home[2])


@cache
def us_addresses() -> tuple[str, ...]:
    """US addresses of two lines, military ones among them."""
    fake = _faker("en_US")
    return tuple(fake.address() for _ in range(300))


@cache
def certifications() -> tuple[tuple[str, str], ...]:
    """A job and a company; about a third of the companies have commas in their names."""
    fake = _faker("en_US")
    return tuple((fake.job().split(",")[0], fake.company()) for _ in range(300))
