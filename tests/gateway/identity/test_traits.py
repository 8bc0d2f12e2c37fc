"""Traits are a Patient's values as linking sees them: in one form, whatever the writing; nothing for placeholders."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.identity.forms import forms
from gateway.identity.names import formal_names, metaphone, skeleton
from gateway.identity.normalize import Address
from gateway.identity.traits import Name, Traits, from_patient, from_row
from tests.gateway.identity.people import patient, person


@pytest.mark.parametrize(
    ("given", "family", "expected"),
    [
        pytest.param("Dr. Theodore", "Quillfeather", Name(("theodore",), "quillfeather"), id="title"),
        pytest.param("EDMUND", "QUILLFEATHER Jr", Name(("edmund",), "quillfeather", "jr"), id="generation"),
        pytest.param("José María", "García López", Name(("jose", "maria"), "garcialopez"), id="diacritics"),
        pytest.param("Мария", "Иванова", Name(("mariya",), "ivanova"), id="cyrillic"),
        pytest.param("\uff2aohn", "O'Neil", Name(("john",), "oneil"), id="full-width"),
        pytest.param("Baby Boy", "Shah", Name((), "shah"), id="newborn"),
        pytest.param("Daughter", "Child", Name((), "child"), id="role"),
        pytest.param("Abdul Rahman", "Al-Hashimi", Name(("abdulrahman",), "hashimi"), id="arabic"),
        pytest.param("Omar El", "Masri", Name(("omar",), "masri"), id="article-in-given"),
        pytest.param("Anna van der", "Berg", Name(("anna",), "vanderberg"), id="particles"),
        pytest.param("Xiao-Mei", "Wang", Name(("xiaomei",), "wang"), id="hyphen"),
    ],
)
def test_names_take_one_form(given: str, family: str, expected: Name) -> None:
    """Whatever the script, the capitals and the ornaments."""
    assert person(given, family).names == (expected,)


@pytest.mark.parametrize(
    ("given", "called"), [("K Ramesh", "ramesh"), ("Ramesh K", "ramesh"), ("J. Edgar", "edgar"), ("K.", ""), ("", "")]
)
def test_an_initial_is_no_given_name(given: str, called: str) -> None:
    """It may be of the father's name, or of the middle one."""
    (name,) = person(given, "Shah").names
    assert name.called == called
    assert [each.given for each in forms(person(given, "Shah")).names] == [called]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("8727683111486", "7683111486"),
        ("07683111486", "7683111486"),
        ("768-311-1486", "7683111486"),
        ("+1-768-311-1486", "7683111486"),
        ("+91 76831 11486", "7683111486"),
        ("+49 30 901820", "30901820"),
        ("030 901820", "30901820"),
        ("0000000000", None),
        ("1234567890", None),
        ("911", None),
        ("n/a", None),
    ],
)
def test_phones_take_one_form(written: str, expected: str | None) -> None:
    """With or without country code, trunk zero and dashes; fillers are no phones."""
    assert person(phone=written).phones == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1978-02-07", ("1978-02-07", False)),
        ("1978-01-01", ("1978-01-01", True)),
        ("1978", ("1978-01-01", True)),
        ("1900-01-01", ("", False)),
    ],
)
def test_birth_dates_know_defaults(written: str, expected: tuple[str, bool]) -> None:
    """1 January stands for a day that is not known; 1 January 1900 for nothing."""
    found = person(born=written)
    assert (found.birth_date, found.birth_date_defaulted) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"text": "Nagpur, Maharashtra, India, 84497"}, Address("", "", "nagpur", "84497")),
        ({"text": "India, Maharashtra, Nagpur, 84497"}, Address("", "", "nagpur", "84497")),
        ({"text": "Port Lisa, Massachusetts, Algeria"}, Address("", "", "portlisa", "")),
        ({"text": "123 Main St, Springfield, IL 62701"}, Address("mainst", "123", "springfield", "62701")),
        (
            {"line": ["12, M G Road"], "city": "New Delhi", "postalCode": "110 001"},
            Address("mgroad", "12", "newdelhi", "110001"),
        ),
    ],
)
def test_addresses_are_parted(address: dict[str, Any], expected: Address) -> None:
    """An address in one line has the same parts as one in many."""
    assert from_patient(patient(address=[address])).addresses == (expected,)


def test_only_identifiers_of_people_count() -> None:
    """The key of a row says nothing about the person; a passport does; a filler does not."""
    identifiers = [
        {"system": "urn:store", "value": "81f91df9", "type": {"coding": [{"code": "MR"}]}},
        {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:55727ce2-b709-4877-9c59-3635f74ab99f"},
        {"system": "urn:passports", "value": "386-36-1371", "type": {"coding": [{"code": "PPN"}]}},
        {"system": "urn:numbers", "value": "000-00-0000", "type": {"coding": [{"code": "SS"}]}},
    ]
    assert from_patient(patient(identifier=identifiers)).identifiers == (("urn:passports|PPN", "386361371"),)


@pytest.mark.parametrize(
    ("one", "other"),
    [("mohammed", "muhammad"), ("lakshmi", "laxmi"), ("hussein", "hossein"), ("mhmd", "mohammed"), ("wang", "wong")],
)
def test_skeletons_join_transliterations(one: str, other: str) -> None:
    """Consonants stay when vowels change."""
    assert skeleton(one) == skeleton(other) != ""


def test_nicknames_stand_for_formal_names() -> None:
    """Liz and Beth may both be Elizabeth; Rosalind and Rosamund are nobody's nickname of the other."""
    assert {"elizabeth"} <= set(formal_names("liz")) & set(formal_names("beth"))
    assert set(formal_names("rosalind")).isdisjoint(formal_names("rosamund"))


def test_an_unspeakable_name_sounds_like_itself() -> None:
    """So that a key can be made of it."""
    assert metaphone("123") == "123"


def test_a_row_gives_the_same_traits_again() -> None:
    """Through JSON too."""
    traits = person(
        "Anjali",
        "Deshmukh",
        "1978-02-07",
        "female",
        "7396888130",
        "a@example.com",
        "Pune",
        "41101",
        identifier=[{"system": "urn:passports", "value": "386361371", "type": {"coding": [{"code": "PPN"}]}}],
    )
    assert from_row(orjson.loads(orjson.dumps(traits.to_row()))) == traits
    assert from_patient({"resourceType": "Patient", "id": "1"}) == Traits("1", "")
