"""Patient/$everything: https://hl7.org/fhir/R4/operation-patient-everything.html."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.gateway.interactions.conftest import Bundles, outcome

RECORD = {
    "Patient/patient-0": "match",
    "Condition/condition-0": "match",
    "Encounter/visit-0-1": "match",
    "Encounter/visit-0-2": "match",
    "Observation/height": "match",
    "Organization/hospital": "include",
    "Practitioner/doctor-0": "include",
}


def addresses(bundle: dict[str, list[dict[str, dict[str, str]]]]) -> dict[str, str]:
    return {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}": entry["search"]["mode"]
        for entry in bundle.get("entry", [])
    }


def test_the_record_is_whole(bundles: Bundles) -> None:
    """The patient, what refers to it, and what these refer to: every literal reference is in the bundle."""
    bundle = bundles.get("/fhir/Patient/patient-0/$everything")
    assert addresses(bundle) == RECORD
    assert bundle["total"] == 5


@pytest.mark.parametrize("count", [1, 2, 3, 7])
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


def test_since(bundles: Bundles) -> None:
    """`_since` keeps what changed at or after the instant."""
    changed = bundles.get("/fhir/Patient/patient-0")["meta"]["lastUpdated"]
    bundle = bundles.get(f"/fhir/Patient/patient-0/$everything?_since={changed}")
    assert set(addresses(bundle)) == {"Patient/patient-0"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/patient-0/$everything?start=2020-01-01", 400),
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
