"""his_adapters.population: one population, the same everywhere, with the truth beside it."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from his_adapters.error_rates import PROFILES, RATES, Dice
from his_adapters.households import NEIGHBOURHOOD, TODAY, neighbourhood
from his_adapters.name_variants import spellings, typo, without_diacritics
from his_adapters.native_keys import KEY_FORMATS, scramble
from his_adapters.population import INSURERS, PLANTED_FAMILY, Population, Registration, write_truth

SIZES = {"his_a": 420, "his_b": 420, "his_c": 520, "his_d": 520}
LARGE = {"his_a": 4000, "his_b": 4000, "his_c": 4000}


def everybody(population: Population) -> Iterator[Registration]:
    for source in population.sizes:
        yield from population.registrations(source)


@pytest.fixture(scope="module")
def large() -> list[Registration]:
    return list(everybody(Population(11, LARGE)))


def digest(population: Population) -> str:
    found = hashlib.sha256()
    for registration in everybody(population):
        found.update(repr(registration).encode())
    found.update(repr(list(population.truth())).encode())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_people_under_any_hash_seed() -> None:
    """Neither sets nor `hash()` decide anything."""
    here = digest(Population(5, SIZES))
    script = "from tests.his_adapters.test_population import *; print(digest(Population(5, SIZES)))"
    for hash_seed in ("1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."}
        there = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()
        assert there == here


def test_another_seed_gives_other_people() -> None:
    assert digest(Population(5, SIZES)) != digest(Population(6, SIZES))


@pytest.mark.parametrize("sizes", [SIZES, {"his_a": 1}, {"his_a": 0, "his_b": 7}, {"his_a": 3000, "his_b": 9}, {}])
def test_every_source_has_exactly_its_size(sizes: dict[str, int]) -> None:
    population = Population(3, sizes)
    for source, size in sizes.items():
        found = list(population.registrations(source))
        assert sorted(registration.number for registration in found) == list(range(size))
    assert Counter(source for _, source, _ in population.truth()) == Counter(sizes)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 300), min_size=1, max_size=4))
def test_truth_names_each_registration_once_and_rightly(seed: int, counts: list[int]) -> None:
    """truth() = the union of all registrations, for any seed number and sizes."""
    population = Population(seed, dict(zip(SIZES, counts, strict=False)))
    truth = list(population.truth())
    registered = {(found.person, found.source, found.native_key) for found in everybody(population)}
    assert len(truth) == len(set(truth)) == len(registered)
    assert set(truth) == registered
    assert [person for person, _, _ in truth] == sorted(person for person, _, _ in truth)


def test_truth_is_written_as_csv(tmp_path: Path) -> None:
    population = Population(5, {"his_a": 30, "his_b": 30})
    path = tmp_path / "made" / "truth.csv"
    write_truth(population, path)
    with path.open(encoding="utf-8", newline="") as found:
        rows = list(csv.reader(found))
    assert rows[0] == ["person", "source", "native_key"]
    assert [tuple(row) for row in rows[1:]] == list(population.truth())


def test_people_are_registered_in_one_to_all_sources() -> None:
    sources = defaultdict(set)
    for person, source, _ in Population(5, SIZES).truth():
        sources[person].add(source)
    spread = Counter(len(found) for found in sources.values())
    assert set(spread) == {1, 2, 3, 4}
    assert sum(spread[n] for n in (2, 3, 4)) > 0.4 * len(sources)


def test_a_few_people_are_registered_twice_in_one_source(large: list[Registration]) -> None:
    counts = Counter((found.source, found.person) for found in large)
    twice = sum(count - 1 for count in counts.values())
    assert 0.01 < twice / len(large) < 0.03


@pytest.mark.parametrize("seed", [0, 1, 42, 2025, 10**9])
def test_the_planted_family_is_found_in_every_source(seed: int) -> None:
    """Whatever the seed number: twins, Jr and Sr and a stranger of the same name, under the exact family name."""
    population = Population(seed, SIZES)
    found = [r for r in everybody(population) if PLANTED_FAMILY.casefold() in r.family.casefold()]
    assert {r.source for r in found} == set(SIZES)
    assert {"Sr", "Jr", ""} <= {r.suffix for r in found}
    assert len({r.person for r in found}) >= 7
    births = Counter(person.born for person in neighbourhood(seed, 0)[:7])
    assert max(births.values()) == 2


FORMATS = {
    "his_a": r"[0-9a-f]{8}",
    "his_b": r"[0-9a-f]{8}",
    "his_c": r"[0-9a-f]{8}",
    "his_d": r"[0-9a-f]{8}",
    "central_records": r"P1\d{5}",
    "hybrid_ehr": r"\d+",
    "chirona": r"\d+",
    "proactive_health": r"\d{4,7}[A-Z]",
}


@pytest.mark.parametrize("source", sorted(KEY_FORMATS))
def test_native_keys_have_their_source_s_format_and_never_repeat(source: str) -> None:
    population = Population(9, {source: 5000})
    keys = [population.native_key(source, number) for number in range(5000)]
    assert len(set(keys)) == 5000
    assert all(re.fullmatch(FORMATS[source], key) for key in keys)


@pytest.mark.parametrize("bits", [8, 11, 16])
def test_scramble_is_a_bijection(bits: int) -> None:
    assert sorted(scramble(number, 0xABCDEF, bits) for number in range(2**bits)) == list(range(2**bits))


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match="no native key format for elsewhere"):
        Population(1, {"elsewhere": 3})
    with pytest.raises(ValueError, match="his_b is not of this population"):
        list(Population(1, {"his_a": 3}).registrations("his_b"))


ELSEWHERE = {"repeated_registration", "stranger_of_same_name"}
"""Not of one registration: each has a test of its own."""
VARIANTS = {name.removeprefix("population.") for name in RATES if name.startswith("population.")} - ELSEWHERE


@pytest.mark.parametrize("variant", sorted(VARIANTS | {"maiden_name", "former_address", "former_phone"}))
def test_every_variant_of_the_table_happens(variant: str, large: list[Registration]) -> None:
    """What the identity work is for is really there."""
    assert any(variant in found.variants for found in large)


def test_strangers_share_names(large: list[Registration]) -> None:
    people = defaultdict(set)
    for found in large:
        if not found.variants:
            people[found.given, found.family].add((found.person, found.born))
    assert sum(len(same) > 1 for same in people.values()) > 20


def test_a_child_is_registered_at_birth_once_in_the_one_hospital_where_it_was_born() -> None:
    """Twins are born in the same one. Elsewhere the child has its name."""
    population = Population(12, LARGE)
    newborns = [found for found in everybody(population) if "newborn_placeholder" in found.variants]
    assert len(newborns) == len({found.person for found in newborns}) > 30
    assert {found.source for found in newborns} == set(LARGE)
    hoods = range(population.people // NEIGHBOURHOOD + 1)
    people = {f"person-{person.index:07d}": person for hood in hoods for person in neighbourhood(12, hood)}
    births = defaultdict(set)
    for found in newborns:
        person = people[found.person]
        births[id(person.home), person.born].add(found.source)
    assert len(births) < len(newborns), "no twins"
    assert all(len(sources) == 1 for sources in births.values())


def test_households_hold_twins_and_fathers_and_sons_of_one_name() -> None:
    people = [person for index in range(40) for person in neighbourhood(3, index)]
    homes = defaultdict(list)
    for person in people:
        homes[id(person.home)].append(person)
    twins = [1 for home in homes.values() if len({p.born for p in home}) < len(home)]
    namesakes = [1 for home in homes.values() if {"Jr", "Sr"} <= {p.suffix for p in home}]
    assert len(twins) > 5
    assert len(namesakes) > 5
    assert all(date(1900, 1, 1) < person.born <= TODAY for person in people)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**6))
def test_a_neighbourhood_is_made_from_its_number_alone(seed: int, index: int) -> None:
    made = neighbourhood(seed, index)
    assert [person.index for person in made] == list(range(index * NEIGHBOURHOOD, (index + 1) * NEIGHBOURHOOD))
    known = set(made)
    assert all(near in known for person in made for _, near in person.relatives)


def test_a_registration_agrees_with_the_person_but_for_its_variants(large: list[Registration]) -> None:
    """Birth date, sex and policy are those of the person unless a variant says otherwise."""
    touched_date = {"no_birth_date", "day_month_swapped", "year_off", "date_typo", "new_year_birth"}
    by_person: dict[str, list[Registration]] = defaultdict(list)
    for found in large:
        by_person[found.person].append(found)
    compared = 0
    for same in by_person.values():
        births = {found.born for found in same if not touched_date & set(found.variants)}
        sexes = {found.sex for found in same if "wrong_sex" not in found.variants}
        policies = defaultdict(set)
        for found in same:
            policies[found.insurer].add(found.policy)
        assert len(births) <= 1
        assert len(sexes) <= 1
        assert all(len(numbers) == 1 for numbers in policies.values())
        compared += len(same) > 1
    assert compared > 1000


def test_sixty_percent_of_pairs_share_their_policy(large: list[Registration]) -> None:
    by_person: dict[str, list[Registration]] = defaultdict(list)
    for found in large:
        by_person[found.person].append(found)
    pairs = [(same[0].policy, other.policy) for same in by_person.values() for other in same[1:]]
    assert 0.55 < sum(one == other for one, other in pairs) / len(pairs) < 0.65
    assert {found.insurer for found in large} == set(INSURERS)


def test_registrations_stream() -> None:
    """The first of a million come at once: nothing is made ahead."""
    population = Population(1, {"his_a": 1_000_000, "his_b": 1_000_000})
    assert len(list(islice(population.registrations("his_b"), 200))) == 200
    assert len(list(islice(population.truth(), 200))) == 200


@settings(max_examples=200, deadline=None)
@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_typo_is_one_slip_and_never_nothing(name: str, rng: object) -> None:
    changed = typo(name.capitalize(), rng)  # type: ignore[arg-type]
    assert changed != name.capitalize()
    assert abs(len(changed) - len(name)) <= 1


@pytest.mark.parametrize(
    ("name", "culture", "other"),
    [
        ("Mohammed", "ar", "Muhammad"),
        ("Zhang", "zh", "Chang"),
        ("Chernov", "ru_RU", "Tschernov"),
        ("Müller", "de_DE", "Mueller"),
        ("Vivek", "en_IN", "Wivek"),
    ],
)
def test_names_have_other_spellings(name: str, culture: str, other: str) -> None:
    assert other in spellings(name, culture)


def test_accents_are_lost_not_letters() -> None:
    assert without_diacritics("José Müßig Łukasz") == "Jose Mussig Lukasz"


def test_rates_are_shares_and_no_number_is_left_out() -> None:
    """A defect of a dictionary's list has one rate or more; the list is numbered from 1 without a gap."""
    for name, rate in RATES.items():
        assert all(0 <= getattr(rate, profile) <= 1 for profile in PROFILES), name
        assert rate.meaning, name
    for source in {name.partition(".")[0] for name in RATES}:
        numbers = {rate.number for name, rate in RATES.items() if name.partition(".")[0] == source and rate.number}
        assert numbers == set(range(1, len(numbers) + 1)), source


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="valid: seed, original, hostile"):
        Dice("his_a", "sed", None)  # type: ignore[arg-type]
