"""One value written in several ways is found by each of them, and what only looks alike is not.

https://hl7.org/fhir/R4/search.html#string, https://hl7.org/fhir/R4/search.html#uri,
https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.gateway.search.world import World

NAMES = {
    "hebrew": "\u05d3\u05d5\u05d3",
    "hebrew-with-points": "\u05d3\u05b8\u05bc\u05d5\u05b4\u05d3",
    "arabic": "\u0645\u062d\u0645\u062f",
    "arabic-with-marks": "\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f",
    "arabic-hamza": "\u0623\u062d\u0645\u062f",
    "arabic-plain-alef": "\u0627\u062d\u0645\u062f",
    "devanagari": "\u0915\u0941\u092e\u093e\u0930",
    "devanagari-other-vowel": "\u0915\u092e\u093e\u0930",
    "soft-hyphen": "Mac\u00adDonald",
    "no-hyphen": "MacDonald",
    "marked-direction": "\u202bLevi\u202c",
}
SOURCES = {
    "root": "http://a.org",
    "folder": "http://a.org/p",
    "other-host": "http://a.organic",
    "secure": "https://a.org",
}

NUMBERS = ("0.30000000000000004", "0.3", "12345678901234567.5", "1e-30", "-2.5", "0")
UCUM = "http://unitsofmeasure.org"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World.in_folder(tmp_path_factory.mktemp("forms"))
    people = [{"resourceType": "Patient", "id": each, "name": [{"family": name}]} for each, name in NAMES.items()]
    places = [{"resourceType": "Location", "id": each, "meta": {"source": url}} for each, url in SOURCES.items()]
    units = {"unit": "g", "system": UCUM, "code": "g"}
    measured = [
        {"resourceType": "Observation", "id": f"o{at}", "valueQuantity": {"value": Decimal(number), **units}}
        for at, number in enumerate(NUMBERS)
    ]
    world.put([*people, *places, *measured])
    yield world
    world.store.close()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("hebrew", {"hebrew", "hebrew-with-points"}),
        ("hebrew-with-points", {"hebrew", "hebrew-with-points"}),
        ("arabic", {"arabic", "arabic-with-marks"}),
        ("arabic-with-marks", {"arabic", "arabic-with-marks"}),
        ("arabic-hamza", {"arabic-hamza", "arabic-plain-alef"}),
        ("devanagari", {"devanagari"}),
        ("devanagari-other-vowel", {"devanagari-other-vowel"}),
        ("soft-hyphen", {"soft-hyphen", "no-hyphen"}),
        ("no-hyphen", {"soft-hyphen", "no-hyphen"}),
        ("marked-direction", {"marked-direction"}),
    ],
)
def test_marks_that_writers_leave_out_do_not_count(filled: World, asked: str, found: set[str]) -> None:
    """Unless `:exact` says so; vowels of scripts that write them always count."""
    assert set(filled.ids("Patient", ("family", NAMES[asked]))) == found
    assert filled.ids("Patient", ("family:exact", NAMES[asked])) == [asked]


@pytest.mark.parametrize(
    ("modifier", "url", "found"),
    [
        ("above", "http://a.org/p/1/x", {"root", "folder"}),
        ("above", "http://a.org/", {"root"}),
        ("above", "http://a.organic/p", {"other-host"}),
        ("below", "http://a.org", {"root", "folder"}),
        ("below", "http://a.org/p", {"folder"}),
    ],
)
def test_above_and_below_reach_to_the_host(filled: World, modifier: str, url: str, found: set[str]) -> None:
    assert set(filled.ids("Location", (f"_source:{modifier}", url))) == found


@pytest.mark.parametrize("unit", ["", f"|{UCUM}|g", "||g"])
@pytest.mark.parametrize(("at", "number"), list(enumerate(NUMBERS)), ids=NUMBERS)
def test_a_number_is_found_by_its_own_digits(filled: World, at: int, number: str, unit: str) -> None:
    """However many it has: an index of floating-point numbers does not lose it."""
    assert f"o{at}" in filled.ids("Observation", ("value-quantity", number + unit))
    assert f"o{at}" not in filled.ids("Observation", ("value-quantity", f"ne{number}{unit}"))


def test_many_digits_tell_numbers_apart(filled: World) -> None:
    assert filled.ids("Observation", ("value-quantity", NUMBERS[0])) == ["o0"]
    in_kilograms = Decimal(NUMBERS[0]).scaleb(-3)
    assert filled.ids("Observation", ("value-quantity", f"{in_kilograms:f}|{UCUM}|kg")) == ["o0"]
