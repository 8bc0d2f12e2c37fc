"""Provenance: of every current resource, by reading, searching and `_revinclude`; rendered, never stored.

https://hl7.org/fhir/R4/provenance.html, https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-provenance.html
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fhir.resources.R4B.provenance import Provenance
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from gateway.interactions.provenance import Target, provenance_id, target_of
from gateway.interactions.xml_reader import from_xml
from gateway.search.parameters import SERVED_TYPES
from gateway.store import Store
from mappers.fhir.check import check
from tests.gateway.interactions.conftest import Bundles, link, outcome

TARGET = "Provenance:target"


def entries(bundle: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    return [each["resource"] for each in bundle.get("entry", ()) if each["search"]["mode"] == mode]


def targets(provenances: list[dict[str, Any]]) -> list[str]:
    return [each["target"][0]["reference"] for each in provenances]


def versioned(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}/_history/{resource['meta']['versionId']}"


def searched(bundles: Bundles, query: str) -> list[dict[str, Any]]:
    """All matches of a search of Provenance, by its pages."""
    pages = bundles.walk(f"/fhir/Provenance?{query}")
    return [each for page in pages for each in entries(page, "match")]


@pytest.mark.parametrize("resource_type", SERVED_TYPES)
def test_each_match_brings_its_own(bundles: Bundles, resource_type: str) -> None:
    """`_revinclude=Provenance:target` on every type: one for each match, of the very version that is sent."""
    bundle = bundles.get(f"/fhir/{resource_type}?_count=5&_revinclude={TARGET}")
    matches, included = entries(bundle, "match"), entries(bundle, "include")
    assert targets(included) == [versioned(each) for each in matches]
    assert all(each["recorded"] == match["meta"]["lastUpdated"] for each, match in zip(included, matches, strict=True))
    assert bundle["total"] >= len(matches)


def test_it_comes_with_every_page(bundles: Bundles) -> None:
    """The links keep it."""
    pages = bundles.walk(f"/fhir/Encounter?_count=70&_sort=-date&_revinclude={TARGET}")
    assert len(pages) == 5
    for page in pages:
        assert targets(entries(page, "include")) == [versioned(each) for each in entries(page, "match")]


@pytest.mark.parametrize(
    ("query", "traced"),
    [
        (f"_include=Encounter:subject&_revinclude={TARGET}", {"Encounter"}),
        (f"_include=Encounter:subject&_revinclude:iterate={TARGET}", {"Encounter", "Patient"}),
        ("_include=Encounter:subject&_revinclude:iterate=Provenance:patient", {"Patient"}),
        ("_revinclude=Provenance:*", {"Encounter"}),
        (f"_revinclude={TARGET}:Encounter", {"Encounter"}),
        ("_revinclude=*", {"Encounter"}),
        ("_include=*", set()),
        ("_revinclude=Condition:encounter", set()),
    ],
)
def test_what_is_traced(bundles: Bundles, query: str, traced: set[str]) -> None:
    """What refers to the matches; with `:iterate`, to what is included as well."""
    bundle = bundles.get(f"/fhir/Encounter?_id=visit-3-1&{query}")
    provenances = [each for each in entries(bundle, "include") if each["resourceType"] == "Provenance"]
    assert {target.partition("/")[0] for target in targets(provenances)} == traced


def test_what_it_says(bundles: Bundles) -> None:
    """Valid R4, and what US Core demands: the version, its time, the gateway and the hospital; it reads back."""
    (found,) = searched(bundles, "target=Patient/patient-0")
    Provenance.model_validate(found)
    assert check(found) == []
    assert found["target"] == [{"reference": "Patient/patient-0/_history/3", "type": "Patient"}]
    assert [each["type"]["coding"][0]["code"] for each in found["agent"]] == ["assembler", "custodian"]
    assert found["agent"][1]["who"]["identifier"] == {"system": "urn:fhir-gateway:source", "value": "test"}
    assert found["meta"]["source"] == "urn:fhir-gateway:source:test"
    assert bundles.get(f"/fhir/Provenance/{found['id']}") == found
    assert bundles.get(f"/fhir/{found['target'][0]['reference']}")["gender"] == "unknown"


SEARCHES = {
    "target=Patient/patient-3": ["Patient/patient-3/_history/1"],
    "target=http://localhost/fhir/Patient/patient-3": ["Patient/patient-3/_history/1"],
    "target:Patient=patient-3": ["Patient/patient-3/_history/1"],
    "target=patient-3": ["Patient/patient-3/_history/1"],
    "patient=patient-3": ["Patient/patient-3/_history/1"],
    "patient=Patient/patient-3": ["Patient/patient-3/_history/1"],
    "target=Patient/patient-0/_history/3": ["Patient/patient-0/_history/3"],
    "target=Patient/patient-0/_history/1": ["Patient/patient-0/_history/1"],
    "target=Patient/patient-0/_history/1,Patient/patient-0": [
        "Patient/patient-0/_history/1",
        "Patient/patient-0/_history/3",
    ],
    "target=Patient/patient-0/_history/1&patient=patient-0": ["Patient/patient-0/_history/1"],
    "target=Patient/patient-0/_history/1&patient=patient-3": [],
    "target=Patient/patient-0/_history/1&target=Patient/patient-0/_history/3": [],
    "target=Patient/patient-0/_history/4": [],
    "target=Patient/patient-0/_history/01": [],
    "target=Patient/gone": [],
    "target=Patient/gone/_history/1": ["Patient/gone/_history/1"],
    "target=Patient/gone/_history/2": [],
    "target=Patient/nobody": [],
    "target=http://elsewhere/fhir/Patient/patient-3": [],
    "target=Patient/patient-3,Encounter/visit-3-1": ["Encounter/visit-3-1/_history/1", "Patient/patient-3/_history/1"],
    "target=Patient/patient-3&target=Encounter/visit-3-1": [],
    "target=Patient/patient-3,Encounter/visit-3-1&patient=patient-3": ["Patient/patient-3/_history/1"],
    "_id=Patient.patient-0.3,Patient.patient-3.1": ["Patient/patient-0/_history/3", "Patient/patient-3/_history/1"],
    "_id=Patient.patient-0.2": ["Patient/patient-0/_history/2"],
    "_id=Patient.patient-0.2&_id=Patient.patient-3.1": [],
    "_id=nothing": [],
    "target=Patient/patient-3&recorded=gt2020": ["Patient/patient-3/_history/1"],
    "target=Patient/patient-3&recorded=lt2020": [],
    "target=Patient/patient-3&_source=urn:fhir-gateway:source:test": ["Patient/patient-3/_history/1"],
    "target=Patient/patient-3&_source=urn:fhir-gateway:source:other": [],
}


@pytest.mark.parametrize("query", SEARCHES)
def test_searches(bundles: Bundles, client: FlaskClient, query: str) -> None:
    """By target, patient, id, time and source; the same by a form."""
    found = bundles.get(f"/fhir/Provenance?{query}")
    assert sorted(targets(entries(found, "match"))) == SEARCHES[query]
    assert found["total"] == len(SEARCHES[query])
    form = client.post("/fhir/Provenance/_search", data=MultiDict(pair.split("=") for pair in query.split("&")))
    assert form.get_json()["entry"] == found["entry"] if SEARCHES[query] else "entry" not in form.get_json()


def test_all_of_them(bundles: Bundles, store: Store) -> None:
    """A search without a parameter walks the Provenance of everything that lives, each once, in order of time."""
    found = searched(bundles, "_sort=-recorded&_count=400")
    assert len(found) == len({each["id"] for each in found}) == sum(store.counts()["test"].values())
    times = [each["recorded"] for each in found]
    assert times == sorted(times, reverse=True)


def test_the_target_comes_along(bundles: Bundles) -> None:
    """`_include=Provenance:target`."""
    for path in ("Provenance:target", "Provenance:patient", "*"):
        bundle = bundles.get(f"/fhir/Provenance?target=Patient/patient-3&_include={path}")
        assert [each["id"] for each in entries(bundle, "include")] == ["patient-3"]
    bundle = bundles.get("/fhir/Provenance?target=Encounter/visit-3-1&_include=Provenance:patient")
    assert entries(bundle, "include") == []


def test_pages_and_links(bundles: Bundles) -> None:
    """Pages hold each once, walked back they are the same, and `self` says what was asked for."""
    query = "patient=" + ",".join(f"patient-{number}" for number in range(25)) + "&_sort=recorded&_count=10"
    pages = bundles.walk(f"/fhir/Provenance?{query}")
    assert [len(page["entry"]) for page in pages] == [10, 10, 5]
    assert link(pages[0], "self") == f"http://localhost/fhir/Provenance?{query}"
    back = bundles.get(str(link(pages[2], "previous")))
    assert targets(entries(back, "match")) == targets(entries(pages[1], "match"))


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("target=not a reference", "target"),
        ("target:missing=true", "target:missing"),
        ("target:identifier=a", "target:identifier"),
        ("target.name=a", "target.name"),
        ("recorded=junk", "recorded"),
        ("_sort=target", "_sort"),
        ("_sort=recorded&_sort=recorded", "_sort"),
        ("_include=Patient:link", "_include"),
        ("_revinclude=Encounter:subject", "_revinclude"),
        ("_has:Encounter:subject:status=a", "_has:Encounter:subject:status"),
        ("_count=-1", "_count"),
        ("patient=", "patient"),
        ("_id=Patient.patient-0.2&recorded=gt2020", "recorded"),
        ("_id=Patient.patient-0.2&_include=Provenance:target", "_include"),
        ("_id=Patient.patient-0.2,Patient.patient-0.1&_count=1", "_count"),
    ],
)
def test_what_is_refused(client: FlaskClient, query: str, named: str) -> None:
    """Nothing that filters is left out in silence."""
    response = client.get(f"/fhir/Provenance?{query}")
    assert response.status_code == 400
    assert outcome(response)["expression"] == [f"http.{named}"]


def test_what_is_not_known(bundles: Bundles, client: FlaskClient) -> None:
    """An official parameter that is not offered is said in an outcome, or refused under handling=strict."""
    bundle = bundles.get("/fhir/Provenance?target=Patient/patient-3&agent=Organization/hospital")
    assert len(entries(bundle, "outcome")) == len(entries(bundle, "match")) == 1
    assert "agent" not in str(link(bundle, "self"))
    strict = client.get("/fhir/Provenance?agent=Organization/hospital", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400


@pytest.mark.parametrize(
    ("resource_id", "status"),
    [
        ("Patient.patient-0.3", 200),
        ("Patient.patient-0.2", 200),
        ("Patient.patient-0.4", 404),
        ("Patient.gone.1", 200),
        ("Patient.gone.2", 410),
        ("Patient.nobody.1", 404),
        ("nothing", 404),
    ],
)
def test_reads(client: FlaskClient, resource_id: str, status: int) -> None:
    """Of every version but a deletion. HEAD says the same."""
    assert client.get(f"/fhir/Provenance/{resource_id}").status_code == status
    assert client.head(f"/fhir/Provenance/{resource_id}").status_code == status


@pytest.mark.parametrize("target", ["Patient/patient-0/_history/1", "Patient/gone/_history/1"])
def test_what_it_says_of_a_former_version(bundles: Bundles, target: str) -> None:
    """When it was made and for which source; not by which mapper or from which place, which are known no more."""
    (found,) = searched(bundles, f"target={target}")
    Provenance.model_validate(found)
    assert check(found) == []
    assert bundles.get(f"/fhir/Provenance/{found['id']}") == found
    assert found["recorded"] == bundles.get(f"/fhir/{target}")["meta"]["lastUpdated"]
    assembler, custodian = found["agent"]
    assert assembler["who"] == {"display": "FHIR gateway"}
    assert custodian["who"]["identifier"]["value"] == "test"
    assert found["entity"] == [{"role": "source", "what": {"display": "test"}}]


def test_it_is_in_the_compartment_of_a_patient(bundles: Bundles, client: FlaskClient) -> None:
    """By its target, with the parameters of a search of it; in `$everything`, too."""
    page = bundles.get("/fhir/Patient/patient-3/Provenance?_sort=recorded")
    assert targets(entries(page, "match")) == ["Patient/patient-3/_history/1"]
    assert link(page, "self") == "http://localhost/fhir/Patient/patient-3/Provenance?_sort=recorded"
    form = client.post("/fhir/Patient/patient-3/Provenance/_search", data={"_sort": "recorded"}).get_json()
    assert form["entry"] == page["entry"]
    for query, found in (("recorded=lt2020", 0), ("target=Patient/patient-4", 0), ("target=Patient/patient-3", 1)):
        assert bundles.get(f"/fhir/Patient/patient-3/Provenance?{query}")["total"] == found
    record = bundles.get("/fhir/Patient/patient-3/$everything")
    assert [each for each in entries(record, "match") if each["resourceType"] == "Provenance"] == entries(page, "match")
    alone = bundles.get("/fhir/Patient/patient-3/$everything?_type=Provenance")
    assert entries(alone, "match") == entries(page, "match")


@pytest.mark.parametrize(
    ("path", "status"),
    [("Practitioner/doctor-0", 200), ("Encounter/visit-3-1", 404), ("Patient/gone", 410), ("Patient/no", 404)],
)
def test_other_compartments(client: FlaskClient, path: str, status: int) -> None:
    """No Practitioner is the agent of one; what belongs to an Encounter are none."""
    answer = client.get(f"/fhir/{path}/Provenance")
    assert (answer.status_code, answer.get_json().get("total")) == (status, 0 if status == 200 else None)


def test_a_read_is_conditional(client: FlaskClient) -> None:
    first = client.get("/fhir/Provenance/Patient.patient-0.3")
    for name, header in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        again = client.get("/fhir/Provenance/Patient.patient-0.3", headers={name: first.headers[header]})
        assert (again.status_code, again.data) == (304, b"")


def test_in_other_forms(client: FlaskClient, bundles: Bundles) -> None:
    """XML says the same; `_elements` and `_summary` cut; a batch answers it."""
    path = "/fhir/Provenance/Patient.patient-0.3"
    whole = bundles.get(path)
    assert orjson.loads(from_xml(client.get(f"{path}?_format=xml").data)) == whole
    assert set(bundles.get(f"{path}?_elements=entity")) == {
        "resourceType", "id", "meta", "target", "recorded", "agent", "entity",
    }  # fmt: skip
    assert "SUBSETTED" in str(bundles.get(f"{path}?_summary=true")["meta"])
    counted = bundles.get("/fhir/Provenance?patient=patient-3&_summary=count")
    assert (counted["total"], "entry" in counted) == (1, False)
    asked = ["Provenance?target=Patient/patient-0", f"Patient?_id=patient-0&_revinclude={TARGET}"]
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": url}} for url in asked],
    }
    answered = client.post("/fhir", json=batch).get_json()
    for each in answered["entry"]:
        assert whole in [inner["resource"] for inner in each["resource"]["entry"]]


@pytest.mark.parametrize(
    "target",
    [
        Target("MedicationAdministration", "c4591900-4b0d-5f94-9261-3877fa0fb89c", 999_999),
        Target("ConceptMap", "allergy-category-map", 1),
        Target("Patient", "a.b-c", 12),
    ],
)
def test_ids(target: Target) -> None:
    """An id names its target, is a FHIR id, and has room for a million versions."""
    made = provenance_id(target)
    assert len(made) <= 64
    assert target_of(made) == target


def test_nothing_is_stored(bundles: Bundles, store: Store) -> None:
    """Neither as a resource nor as a version."""
    searched(bundles, "target=Patient/patient-3")
    assert all("Provenance" not in counts for counts in store.counts().values())
    assert store.history("Provenance") == []
