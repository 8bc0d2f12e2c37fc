"""mappers.terminology: what is above and below a code, and which codes a value set has."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from mappers import terminology
from mappers.terminology.hierarchy import ancestors, descendants, placed, systems
from mappers.terminology.value_sets import value_set, value_sets

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


@pytest.mark.parametrize(
    ("system", "code", "above"),
    [
        (ICD, "J45.909", {"J45.909", "J45.90", "J45.9", "J45", "J40-J4A", "J00-J99"}),
        (ICD, "B54", {"B54", "B50-B64", "A00-B99"}),
        (CLINICAL, "relapse", {"relapse", "active"}),
        (CLINICAL, "active", {"active"}),
        (ICD, "Z99", set()),
        ("urn:other", "J45", set()),
    ],
)
def test_above(system: str, code: str, above: set[str]) -> None:
    """A code's ancestors are itself and what it is a kind of; of an unknown code nothing is said."""
    assert ancestors(system, code) == above


@pytest.mark.parametrize(
    ("system", "code", "below"),
    [
        (ICD, "J45", {"J45", "J45.9", "J45.90", "J45.909"}),
        (ICD, "I00-I99", {"I00-I99", "I10-I1A", "I10", "I30-I5A", "I51", "I51.9"}),
        (CLINICAL, "active", {"active", "recurrence", "relapse"}),
        (ICD, "Z99", set()),
    ],
)
def test_below(system: str, code: str, below: set[str]) -> None:
    """A code's descendants are itself and the kinds of it."""
    assert descendants(system, code) == below


def test_above_and_below_are_inverse() -> None:
    """One code is above another exactly if that one is below it."""
    for system in systems():
        codes = [each.code for each in placed() if each.system == system]
        for one in codes:
            for other in codes:
                assert (one in ancestors(system, other)) == (other in descendants(system, one))


def test_a_parent_has_a_place_too() -> None:
    """No code hangs in the air, none stands twice."""
    known = [(each.system, each.code) for each in placed()]
    assert len(known) == len(set(known))
    for each in placed():
        assert not each.parent or (each.system, each.parent) in known[: known.index((each.system, each.code))]


def test_icd_codes_stand_below_their_beginnings() -> None:
    """Every ICD-10-CM code that a table uses has a place, below each of its own beginnings and its blocks."""
    used = {code for url in value_sets() for system, code in value_set(url) or () if system == ICD}
    assert used
    for code in used:
        above = ancestors(ICD, code)
        assert code in above
        for other in above - {code}:
            low, dash, high = other.partition("-")
            assert low <= code[:3] <= high if dash else code.startswith(other)
        assert any(re.fullmatch(r"[A-Z]\d\w-[A-Z]\d\w", other) for other in above)


def test_a_value_set_has_the_codes_of_its_table() -> None:
    """The pairs of system and code of its table, without the words that have no code; and all words in another one."""
    assert len(value_sets()) == 2 * len(terminology.tables())
    file = Path(terminology.__file__).parent / "visit_reason.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        codes = {(row["system"], row["code"]) for row in csv.DictReader(lines) if row["code"]}
        lines.seek(0)
        words = {("urn:fhir-gateway:code-system:visit-reason", row["native"]) for row in csv.DictReader(lines)}
    assert value_set("urn:fhir-gateway:value-set:visit-reason") == codes
    assert value_set("urn:fhir-gateway:value-set:visit-reason-words") == words


@pytest.mark.parametrize("url", ["urn:fhir-gateway:value-set:", "urn:fhir-gateway:value-set:../gender", "", "gender"])
def test_an_unknown_value_set(url: str) -> None:
    """Of a value set that is not shipped nothing is known."""
    assert value_set(url) is None
