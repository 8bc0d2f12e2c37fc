"""Paths of what a resource states. https://hl7.org/fhir/R4/element-definitions.html"""

from __future__ import annotations

from typing import Any

import pytest

from mappers.fhir.elements import absent, absent_coding
from mappers.fhir.paths import is_absent, required, stated

CASES: list[Any] = [
    pytest.param({"resourceType": "Patient", "birthDate": "1978-02-07"}, ["Patient.birthDate"], id="primitive"),
    pytest.param(
        {"resourceType": "Patient", "name": [{"family": "Rao", "given": ["Anita", "B"]}, {"text": "A"}]},
        ["Patient.name.family", "Patient.name.given", "Patient.name.given", "Patient.name.text"],
        id="parts of a name, as often as they stand there",
    ),
    pytest.param(
        {"resourceType": "Patient", "contact": [{"name": {"text": "A"}, "telecom": [{"value": "1"}]}]},
        ["Patient.contact.name.text", "Patient.contact.telecom"],
        id="backbone",
    ),
    pytest.param(
        {"resourceType": "Observation", "component": [{"valueQuantity": {"value": 1}, "code": {"text": "a"}}]},
        ["Observation.component.value[x]", "Observation.component.code"],
        id="choice",
    ),
    pytest.param(
        {"resourceType": "Patient", "_birthDate": absent(), "extension": [{"url": "urn:fhir-gateway:patient-type"}]},
        ["Patient.birthDate", "Patient.extension:patient-type"],
        id="sibling and extension",
    ),
    pytest.param(
        {"resourceType": "Claim", "id": "1", "meta": {"tag": [{"code": "a"}]}, "item": [{"detail": [{"sequence": 1}]}]},
        ["Claim.id", "Claim.meta.tag", "Claim.item.detail.sequence"],
        id="nested backbone, id and meta",
    ),
]


@pytest.mark.parametrize(("resource", "paths"), CASES)
def test_paths(resource: dict[str, Any], paths: list[str]) -> None:
    """A path ends at a data type, but for names, addresses and meta."""
    assert [path for path, _ in stated(resource)] == paths


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (absent(), True),
        (absent_coding(), True),
        ({"coding": [absent_coding()]}, True),
        ({"coding": [absent_coding()], "text": "as the store says"}, False),
        ({"display": "not recorded", **absent()}, True),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}, False),
        ({"extension": [{"url": "urn:fhir-gateway:native-status", "valueString": "x"}]}, False),
        ("unknown", False),
        (0, False),
        (False, False),
        (None, True),
    ],
    ids=str,
)
def test_what_says_that_there_is_nothing_is_absent(value: Any, expected: bool) -> None:
    assert is_absent(value) is expected


def test_required_elements_are_those_of_r4() -> None:
    """https://hl7.org/fhir/R4/observation.html, medicationadministration.html, patient.html"""
    assert required("Observation") == ("Observation.status", "Observation.code")
    assert set(required("MedicationAdministration")) == {
        *("MedicationAdministration.status", "MedicationAdministration.medication[x]"),
        *("MedicationAdministration.subject", "MedicationAdministration.effective[x]"),
    }
    assert required("Patient") == ()
