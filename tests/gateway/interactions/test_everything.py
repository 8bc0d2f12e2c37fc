"""Patient/$everything: https://hl7.org/fhir/R4/operation-patient-everything.html."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.interactions.care_dates import CARE, is_of_period
from gateway.search.parameter_types.date import span
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES, offered
from tests.gateway.interactions.conftest import Bundles, link, outcome

RECORD = {
    "Patient/patient-0": "match",
    "Condition/condition-0": "match",
    "Encounter/visit-0-1": "match",
    "Encounter/visit-0-2": "match",
    "Observation/height": "match",
    "Provenance/Patient.patient-0.3": "match",
    "Organization/hospital": "include",
    "Practitioner/doctor-0": "include",
}

ALL_TYPES = (*SERVED_TYPES, *RENDERED_TYPES)


def addresses(bundle: dict[str, list[dict[str, dict[str, str]]]]) -> dict[str, str]:
    return {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}": entry["search"]["mode"]
        for entry in bundle.get("entry", [])
    }


def test_the_record_is_whole(bundles: Bundles) -> None:
    """The patient, what refers to it, and what these refer to: every literal reference is in the bundle."""
    bundle = bundles.get("/fhir/Patient/patient-0/$everything")
    assert addresses(bundle) == RECORD
    assert bundle["total"] == 6


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_pages_hold_the_whole_record_once(bundles: Bundles, count: int) -> None:
    """Following `next` gives the same as one answer."""
    pages = bundles.walk(f"/fhir/Patient/patient-0/$everything?_count={count}")
    entries = [entry for page in pages for entry in page["entry"]]
    assert entries == bundles.get("/fhir/Patient/patient-0/$everything")["entry"]
    assert len(pages) == -(-len(RECORD) // count)


def test_types(bundles: Bundles) -> None:
    """`_type` keeps those types only."""
    bundle = bundles.get("/fhir/Patient/patient-0/$everything?_type=Encounter,Organization")
    assert set(addresses(bundle)) == {name for name in RECORD if name.startswith(("Encounter", "Organization"))}


@pytest.mark.parametrize(
    ("query", "gone"),
    [
        ("start=2021&end=2021", {"visit-0-2"}),
        ("end=2021-12", {"visit-0-2"}),
        ("end=2020", {"visit-0-1", "visit-0-2", "doctor-0"}),  # whom only the visits name
        ("start=2022-06", set()),  # the visits have no end
    ],
)
def test_a_period_of_care(bundles: Bundles, query: str, gone: set[str]) -> None:
    """What took place then, and what has no care dates; what is outside comes in by no reference."""
    found = set(addresses(bundles.get(f"/fhir/Patient/patient-0/$everything?{query}")))
    assert found == {name for name in RECORD if name.partition("/")[2] not in gone}


def test_pages_can_be_walked_back(bundles: Bundles) -> None:
    """`previous` leads to the same pages."""
    pages = bundles.walk("/fhir/Patient/patient-0/$everything?_count=2")
    back = [pages[-1]]
    while previous := link(back[0], "previous"):
        back.insert(0, bundles.get(previous))
    assert [page["entry"] for page in back] == [page["entry"] for page in pages]


def test_a_cursor_says_nothing_and_belongs_to_one_record(client: FlaskClient, bundles: Bundles) -> None:
    """Sealed, and bound to the patient and the filters."""
    following = link(bundles.get("/fhir/Patient/patient-0/$everything?_count=2"), "next")
    assert following is not None
    assert "Encounter" not in following
    assert "visit" not in following
    assert client.get(following.replace("patient-0", "patient-1")).status_code == 400
    assert client.get(f"{following}&_type=Encounter").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": "_count", "valueInteger": 50}]},
        {"resourceType": "Parameters", "parameter": [{"name": "start", "valueDate": "1999"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": t} for t in ALL_TYPES]},
    ],
    ids=["none", "count", "start", "types"],
)
def test_by_post(client: FlaskClient, bundles: Bundles, body: dict[str, Any]) -> None:
    """The inputs of an operation may come in a Parameters resource, or in no body at all."""
    path = "/fhir/Patient/patient-0/$everything"
    expected = bundles.get(path)["entry"]
    assert client.post(path, json=body).json["entry"] == expected
    assert client.post(path).json["entry"] == expected


@pytest.mark.parametrize(
    "parameter", [{"name": "colour", "valueCode": "x"}, {"name": "_count"}, {"name": "_count", "valueBoolean": True}, 1]
)
def test_what_it_refuses_in_a_body(client: FlaskClient, parameter: Any) -> None:
    """As in the URL."""
    body = {"resourceType": "Parameters", "parameter": [parameter]}
    assert client.post("/fhir/Patient/patient-0/$everything", json=body).status_code == 400


@pytest.mark.parametrize("resource_type", SERVED_TYPES)
def test_care_dates_are_settled_for_every_type(resource_type: str) -> None:
    """A type that refers to patients and has dates says which of them are care's; only dates are named."""
    codes = offered(resource_type)
    dates = {code for code, each in codes.items() if each.type == "date" and code != "_lastUpdated"}
    refers = any(each.type == "reference" and "Patient" in each.targets for each in codes.values())
    care = CARE.get(resource_type)
    assert (care is not None) == (refers and bool(dates) and resource_type not in {"Patient", *_NOT_CARE})
    if care is not None:
        assert {*care.begins, *care.ends} <= dates


_NOT_CARE = {"Person", "Provenance"}


@pytest.mark.parametrize(
    ("resource", "within"),
    [
        ({"resourceType": "Condition", "recordedDate": "2020-05-01"}, True),  # nothing says that it ended
        ({"resourceType": "Condition", "recordedDate": "2023-05-01"}, False),
        ({"resourceType": "Condition", "onsetDateTime": "2019", "abatementDateTime": "2020"}, False),
        ({"resourceType": "Condition", "onsetDateTime": "2019", "abatementDateTime": "2021-01-01"}, True),
        ({"resourceType": "AllergyIntolerance", "recordedDate": "2010"}, True),
        ({"resourceType": "AllergyIntolerance", "recordedDate": "2022"}, False),
        ({"resourceType": "Observation", "effectiveDateTime": "2020-12-31T23:59:59Z"}, False),
        ({"resourceType": "Observation", "effectiveDateTime": "2021-12-31T23:59:59Z"}, True),
        ({"resourceType": "Observation", "effectiveDateTime": "2022-01-01"}, False),
        ({"resourceType": "Observation"}, True),
        ({"resourceType": "Encounter", "period": {"start": "2020-12-30", "end": "2021-01-02"}}, True),
        ({"resourceType": "Coverage", "period": {"start": "1999", "end": "1999"}}, True),
    ],
)
def test_what_is_of_2021(resource: dict[str, Any], within: bool) -> None:
    """An allergy or a condition holds until an end is stated; what has no care dates is of every period."""
    low, high = span("2021")  # type: ignore[misc]
    assert is_of_period({**resource, "id": "1"}, low, high) == within


def test_since(bundles: Bundles) -> None:
    """`_since` keeps what changed at or after the instant."""
    changed = bundles.get("/fhir/Patient/patient-0")["meta"]["lastUpdated"]
    bundle = bundles.get(f"/fhir/Patient/patient-0/$everything?_since={changed}")
    assert set(addresses(bundle)) == {"Patient/patient-0", "Provenance/Patient.patient-0.3"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/patient-0/$everything?start=junk", 400),
        ("Patient/patient-0/$everything?start=ge2020", 400),
        ("Patient/patient-0/$everything?start=2021&end=2020", 400),
        ("Patient/patient-0/$everything?code=x", 400),
        ("Patient/patient-0/$everything?_type=", 400),
        ("Patient/patient-0/$everything?_since=", 400),
        ("Patient/patient-0/$everything?_type=Starship", 400),
        ("Patient/patient-0/$everything?_cursor=x", 400),
        ("Patient/nobody/$everything", 404),
        ("Patient/gone/$everything", 410),
        ("Encounter/visit-0-1/$everything", 404),
    ],
)
def test_what_it_refuses(client: FlaskClient, path: str, status: int) -> None:
    """A filter that is not supported is refused, never ignored."""
    response = client.get(f"/fhir/{path}")
    assert response.status_code == status
    outcome(response)
