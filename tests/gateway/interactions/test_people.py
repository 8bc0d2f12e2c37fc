"""$match, $ihe-pix, $golden and Person: who is who, asked over the API, by real clients too.

https://hl7.org/fhir/R4/patient-operation-match.html, https://profiles.ihe.net/ITI/PDQm/ITI-119.html,
https://profiles.ihe.net/ITI/PIXm/ITI-83.html
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.parameters import Parameters
from fhirclient import client as smart
from fhirpy import SyncFHIRClient
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from gateway.identity.person import SYSTEM
from tests.gateway.interactions.conftest import outcome
from tests.gateway.interactions.people import record, served, system

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
EXPLANATION = "urn:fhir-gateway:match-explanation"
ASHA = {
    "resourceType": "Patient",
    "name": [{"family": "Patil", "given": ["Asha"]}],
    "birthDate": "1970-03-09",
    "telecom": [{"system": "phone", "value": "+91 98230 11122"}],
}
ASHAS = {record(hospital, "asha") for hospital in ("north", "south", "east")}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with served(tmp_path_factory.mktemp("people")) as app:
        yield app


@pytest.fixture(scope="module")
def server(app: Flask) -> Iterator[str]:
    """The application on a real socket."""
    listening = make_server("127.0.0.1", 0, app.wsgi_app, threaded=True)
    thread = Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}/fhir"
    listening.shutdown()
    thread.join()
    listening.server_close()


def asked(patient: dict[str, Any], **more: Any) -> dict[str, Any]:
    listed: list[dict[str, Any]] = [{"name": "resource", "resource": patient}]
    listed += [
        {"name": name, "valueBoolean" if isinstance(value, bool) else "valueInteger": value}
        for name, value in more.items()
    ]
    return {"resourceType": "Parameters", "parameter": listed}


def match(client: FlaskClient, patient: dict[str, Any], **more: Any) -> dict[str, Any]:
    response = client.post(
        "/fhir/Patient/$match", data=orjson.dumps(asked(patient, **more)), content_type="application/fhir+json"
    )
    assert response.status_code == 200, response.data
    Bundle.model_validate_json(response.data)
    return orjson.loads(response.data)


def grade(entry: dict[str, Any]) -> str:
    return str(next(each["valueCode"] for each in entry["search"]["extension"] if each["url"] == GRADE))


def test_match_finds_a_person_in_all_hospitals(client: FlaskClient) -> None:
    """Best first, each with a score, a grade and the reasons; the doubtful come after the certain."""
    found = match(client, ASHA)
    scores = [entry["search"]["score"] for entry in found["entry"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    certain = {entry["resource"]["id"] for entry in found["entry"] if grade(entry) == "certain"}
    assert certain == ASHAS
    others = {entry["resource"]["id"] for entry in found["entry"]} - certain
    assert others == {record("south", "twin")}
    best = found["entry"][0]
    assert best["fullUrl"] == f"http://localhost/fhir/Patient/{best['resource']['id']}"
    (explanation,) = [each for each in best["search"]["extension"] if each["url"] == EXPLANATION]
    fields = {
        part["extension"][0]["valueString"]: part["extension"][1]["valueString"]
        for part in explanation["extension"]
        if part["url"] == "field"
    }
    assert fields["birth date"] == "the same birth date"
    assert {part["url"] for part in explanation["extension"]} >= {"weight", "model", "field"}
    doubtful = next(entry for entry in found["entry"] if grade(entry) != "certain")
    assert any(
        part["url"] == "doubt" and "twins" in part["valueString"]
        for part in doubtful["search"]["extension"][1]["extension"]
    )


def test_match_takes_the_patient_itself(client: FlaskClient) -> None:
    """A body that is the Patient, with the rest in the URL, is the same question."""
    bare = client.post(
        "/fhir/Patient/$match?count=2", data=orjson.dumps(ASHA), content_type="application/fhir+json"
    ).json
    assert bare is not None
    assert bare["entry"] == match(client, ASHA, count=2)["entry"]


def test_match_counts_and_cuts(client: FlaskClient) -> None:
    """`count` limits the entries, `total` says how many there are."""
    found = match(client, ASHA, count=2)
    assert len(found["entry"]) == 2
    assert found["total"] == 4


def test_only_certain_matches(client: FlaskClient) -> None:
    """One Patient when the person is certain; none when it is not, or when it may be two people."""
    found = match(client, ASHA, onlyCertainMatches=True)
    assert [entry["resource"]["id"] in ASHAS for entry in found["entry"]] == [True]
    vague = {key: value for key, value in ASHA.items() if key in ("resourceType", "birthDate", "telecom")}
    found = match(client, vague, onlyCertainMatches=True)
    assert found["total"] == 0
    assert "entry" not in found
    listed = {entry["resource"]["id"] for entry in match(client, vague)["entry"]}
    assert listed >= {record("north", "asha"), record("south", "twin")}


def test_match_says_when_there_is_nothing_to_go_by(client: FlaskClient) -> None:
    """A gender finds nobody, and the answer says why."""
    found = match(client, {"resourceType": "Patient", "gender": "female"})
    assert found["total"] == 0
    (entry,) = found["entry"]
    assert entry["search"]["mode"] == "outcome"
    assert entry["resource"]["issue"][0]["code"] == "incomplete"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"resourceType": "Parameters"}', 400, "invalid"),
        (orjson.dumps(asked({"resourceType": "Person"})), 400, "invalid"),
        (orjson.dumps(asked({"resourceType": "Patient", "birthDate": "Smith 1970"})), 422, "processing"),
        (orjson.dumps(asked(ASHA, count=-1)), 400, "invalid"),
        (orjson.dumps(asked(ASHA, everything=True)), 400, "invalid"),
        (orjson.dumps({"resourceType": "Person"}), 400, "invalid"),
        (b"{", 400, "invalid"),
    ],
    ids=["nobody", "another-type", "not-valid", "negative", "unknown", "another-type-itself", "no-json"],
)
def test_match_refuses(client: FlaskClient, body: bytes, status: int, code: str) -> None:
    """What cannot be understood is said, and nothing of it is repeated."""
    response = client.post("/fhir/Patient/$match", data=body, content_type="application/fhir+json")
    assert (response.status_code, outcome(response)["code"]) == (status, code)
    assert b"Smith" not in response.data


def pix(client: FlaskClient, query: str) -> dict[str, list[Any]]:
    response = client.get(f"/fhir/Patient/$ihe-pix?{query}")
    assert response.status_code == 200, response.data
    Parameters.model_validate_json(response.data)
    found: dict[str, list[Any]] = {"targetIdentifier": [], "targetId": []}
    for each in orjson.loads(response.data).get("parameter", ()):
        value = each.get("valueIdentifier") or each["valueReference"]["reference"]
        found[each["name"]].append((value["system"], value["value"]) if isinstance(value, dict) else value)
    return found


def test_pix_gives_the_other_hospitals_identifiers(client: FlaskClient) -> None:
    """All of them, or those of one domain; the one asked for is not repeated."""
    source = f"sourceIdentifier={system('north')}|asha"
    found = pix(client, source)
    systems = [each for each, _ in found["targetIdentifier"]]
    assert sorted(systems) == sorted([system("south"), system("east"), SYSTEM])
    assert set(found["targetId"]) == {f"Patient/{record(hospital, 'asha')}" for hospital in ("south", "east")}
    found = pix(client, f"{source}&targetSystem={system('east')}")
    assert found == {
        "targetIdentifier": [(system("east"), "asha")],
        "targetId": [f"Patient/{record('east', 'asha')}"],
    }


def test_pix_knows_the_enterprise_identifier(client: FlaskClient) -> None:
    """As a target and as a source."""
    ((_, person),) = pix(client, f"sourceIdentifier={system('north')}|asha&targetSystem={SYSTEM}")["targetIdentifier"]
    assert len(pix(client, f"sourceIdentifier={SYSTEM}|{person}")["targetId"]) == 3


def test_pix_of_somebody_who_is_nowhere_else(client: FlaskClient) -> None:
    """Known, but not there: an empty answer."""
    found = pix(client, f"sourceIdentifier={system('north')}|ravi&targetSystem={system('east')}")
    assert found == {"targetIdentifier": [], "targetId": []}


def test_pix_by_post(client: FlaskClient) -> None:
    """The identifier in the body, and not in the URL."""
    value = f"{system('north')}|asha"
    body = {"resourceType": "Parameters", "parameter": [{"name": "sourceIdentifier", "valueString": value}]}
    posted = client.post("/fhir/Patient/$ihe-pix", data=orjson.dumps(body), content_type="application/fhir+json")
    assert posted.json == client.get(f"/fhir/Patient/$ihe-pix?sourceIdentifier={value}").json


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        (f"sourceIdentifier={system('north')}|nobody", 404, "not-found"),
        ("sourceIdentifier=urn:unheard-of|asha", 400, "code-invalid"),
        (f"sourceIdentifier={system('north')}|asha&targetSystem=urn:unheard-of", 403, "code-invalid"),
        ("sourceIdentifier=asha", 400, "invalid"),
        ("", 400, "invalid"),
        (f"sourceIdentifier={system('north')}|asha&target=x", 400, "invalid"),
        (f"sourceIdentifier={system('north')}|asha&targetSystem=", 400, "invalid"),
    ],
    ids=["unknown-id", "unknown-source", "unknown-target", "no-system", "nothing", "unknown-parameter", "no-value"],
)
def test_pix_refuses(client: FlaskClient, query: str, status: int, code: str) -> None:
    """With the codes of ITI-83."""
    response = client.get(f"/fhir/Patient/$ihe-pix?{query}")
    assert (response.status_code, outcome(response)["code"]) == (status, code)


def test_a_person_is_found_and_leads_to_the_records(client: FlaskClient) -> None:
    """By identifier, name, birth date, gender and Patient; and the other way round by _has."""
    patient = client.get(f"/fhir/Patient/{record('north', 'asha')}").json
    assert patient is not None
    person = next(each["value"] for each in patient["identifier"] if each["system"] == SYSTEM)
    for query in (
        f"identifier={SYSTEM}|{person}",
        "name=asha&birthdate=1970-03-09&gender=female",
        f"patient={record('east', 'asha')}",
        f"link=Patient/{record('south', 'asha')}",
    ):
        found = client.get(f"/fhir/Person?{query}").json
        assert found is not None
        assert [entry["resource"]["id"] for entry in found["entry"]] == [person], query
    for query in (
        f"Patient?_has:Person:patient:_id={person}",
        f"Encounter?patient._has:Person:patient:_id={person}",
    ):
        found = client.get(f"/fhir/{query}").json
        assert found is not None
        assert found["total"] == 3, query


def test_person_asks_for_all_records_of_a_person(client: FlaskClient) -> None:
    """By id, or by what any of the records says; of Patients and of whatever is a patient's."""
    patient = client.get(f"/fhir/Patient/{record('north', 'asha')}").json
    assert patient is not None
    person = next(each["value"] for each in patient["identifier"] if each["system"] == SYSTEM)
    strict = {"Prefer": "handling=strict"}
    for query in (
        f"person={person}",
        f"person=Person/{person}",
        f"person=http://localhost/fhir/Person/{person}",
        f"person=nobody,{person}",
        "person.name=rani",  # so only the record of one hospital says
        f"person:Person.identifier={SYSTEM}|{person}",
        "person.birthdate=1970-03-09&person.name=asha",
    ):
        found = client.get(f"/fhir/Patient?{query}", headers=strict).json
        assert found is not None
        assert {entry["resource"]["id"] for entry in found["entry"]} == ASHAS, query
        assert {"relation": "self", "url": f"http://localhost/fhir/Patient?{query}"} in found["link"] or "http" in query
        found = client.get(f"/fhir/Encounter?{query}", headers=strict).json
        assert found is not None
        assert {entry["resource"]["subject"]["reference"] for entry in found["entry"]} == {
            f"Patient/{each}" for each in ASHAS
        }, query
    found = client.get(f"/fhir/Encounter?patient:Patient.person={person}", headers=strict).json
    assert found is not None
    assert found["total"] == 3
    found = client.get("/fhir/Patient?name=rani").json
    assert found is not None
    assert found["total"] == 1  # without it, only what contains what was asked for


@pytest.mark.parametrize(
    "query",
    [
        "Patient?person=Asha Patil",
        "Patient?person=Patient/x",
        "Patient?person:missing=true",
        "Patient?person:identifier=urn:x|1",
        "Patient?person.colour=red",
        "Patient?_sort=person",
        "Encounter?_include=Encounter:person",
        "Person?person=x",
        "Organization?person=x",
    ],
)
def test_person_refuses(client: FlaskClient, query: str) -> None:
    """What it does not mean is not passed over."""
    response = client.get(f"/fhir/{query}", headers={"Prefer": "handling=strict"})
    assert response.status_code == 400, response.data


def test_everything_of_a_person(client: FlaskClient) -> None:
    """With `person=true`: the same as the records of each hospital together, by GET and by POST, page by page."""
    own = [client.get(f"/fhir/Patient/{each}/$everything").json for each in ASHAS]
    expected = {(e["resource"]["resourceType"], e["resource"]["id"]) for each in own if each for e in each["entry"]}
    path = f"/fhir/Patient/{record('north', 'asha')}/$everything"
    whole = client.get(f"{path}?person=true").json
    assert whole is not None
    named = [(entry["resource"]["resourceType"], entry["resource"]["id"]) for entry in whole["entry"]]
    assert len(named) == len(expected)
    assert set(named) == expected
    assert whole["total"] == 9
    body = {"resourceType": "Parameters", "parameter": [{"name": "person", "valueBoolean": True}]}
    posted = client.post(path, json=body).json
    assert posted is not None
    assert posted["entry"] == whole["entry"]
    paged: list[str] = []
    following: str | None = f"{path}?person=true&_count=2"
    while following:
        page = client.get(following).json
        assert page is not None
        paged += [entry["resource"]["id"] for entry in page["entry"]]
        following = next((each["url"] for each in page["link"] if each["relation"] == "next"), None)
    assert paged == [resource_id for _, resource_id in named]
    alone = client.get(f"{path}?person=false").json
    assert alone is not None
    assert alone["total"] == 3
    assert client.get(f"{path}?person=perhaps").status_code == 400


def test_everything_is_one_hospitals(client: FlaskClient) -> None:
    """That other hospitals have records of the same person, changes nothing unless it is asked for."""
    found = client.get(f"/fhir/Patient/{record('north', 'asha')}/$everything").json
    assert found is not None
    assert sorted(entry["resource"]["resourceType"] for entry in found["entry"]) == [
        "Encounter",
        "Organization",
        "Patient",
        "Provenance",
    ]


def test_the_golden_record(client: FlaskClient) -> None:
    """One value where records disagree, all that they tell of the rest, and for each whose it is."""
    patient = client.get(f"/fhir/Patient/{record('north', 'asha')}").json
    assert patient is not None
    person = next(each["value"] for each in patient["identifier"] if each["system"] == SYSTEM)
    response = client.get(f"/fhir/Person/{person}/$golden")
    Parameters.model_validate_json(response.data)
    golden, *survived = orjson.loads(response.data)["parameter"]
    made = golden["resource"]
    assert (made["gender"], made["birthDate"]) == ("female", "1970-03-09")
    assert [each["text"] for each in made["name"]] == ["Asha Patil", "Asha Rani Patil"]
    assert [each["value"] for each in made["telecom"]] == ["98230 11122", "98230 77788"]
    assert {each["system"] for each in made["identifier"]} == {SYSTEM, *map(system, ("north", "south", "east"))}
    rules = {each["part"][0]["valueString"]: each["part"][1:] for each in survived}
    assert rules["gender"][0]["valueCode"] == "most-agreed-known"
    sources = [each["valueReference"]["reference"] for each in rules["gender"][2]["part"]]
    assert sources == [f"Patient/{record(hospital, 'asha')}" for hospital in ("north", "south")]
    assert outcome(client.get("/fhir/Person/nobody/$golden"))["code"] == "not-found"


def test_fhirpy_matches_and_crosses_identifiers(server: str) -> None:
    """fhirpy calls the operations."""
    client = SyncFHIRClient(server)
    found = client.execute("Patient/$match", method="POST", data=asked(ASHA, onlyCertainMatches=True))
    assert found["entry"][0]["resource"]["id"] in ASHAS
    crossed = client.execute("Patient/$ihe-pix", method="GET", params={"sourceIdentifier": f"{system('north')}|asha"})
    assert len([each for each in crossed["parameter"] if each["name"] == "targetId"]) == 2


def test_fhirclient_matches_and_crosses_identifiers(server: str) -> None:
    """fhirclient calls the operations, and accepts the answers as valid."""
    from fhirclient.models.bundle import Bundle as ClientBundle
    from fhirclient.models.parameters import Parameters as ClientParameters

    client = smart.FHIRClient(settings={"app_id": "test", "api_base": server})
    client.prepare()
    posted = client.server.post_json("Patient/$match", asked(ASHA, count=1))
    assert ClientBundle(posted.json()).entry[0].resource.id in ASHAS
    told = client.server.request_json(f"Patient/$ihe-pix?sourceIdentifier={system('north')}|asha")
    assert len(ClientParameters(told).parameter) == 5
