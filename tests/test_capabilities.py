"""The CapabilityStatement: valid, and what it advertises works. https://hl7.org/fhir/R4/capabilitystatement.html."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from flask.testing import FlaskClient

from gateway.interactions.routes import ROUTES
from gateway.search.parameter_types.composite import parts
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES
from gateway.search.persons import known
from mappers.fhir.profiles import PROFILES
from tests.gateway.interactions.served import served

VALUES = {
    "string": "a",
    "token": "true",
    "reference": "a",
    "date": "2020",
    "number": "1",
    "quantity": "1",
    "uri": "urn:a",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with served(tmp_path_factory.mktemp("served")) as app:
        yield app.test_client()


@pytest.fixture(scope="module")
def statement(client: FlaskClient) -> dict[str, Any]:
    return orjson.loads(client.get("/fhir/metadata").data)


@pytest.fixture(scope="module")
def resources(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in statement["rest"][0]["resource"]}


def test_it_is_valid_r4(statement: dict[str, Any]) -> None:
    """fhir.resources' model accepts it, and it says what conformance testers look for."""
    CapabilityStatement.model_validate(statement)
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["kind"] == "instance"
    assert statement["implementation"]["url"] == "http://localhost/fhir"
    assert statement["software"]["version"]
    assert "application/fhir+json" in statement["format"]


def test_every_served_type_is_there_once(statement: dict[str, Any]) -> None:
    """cpb-9: a type is described once."""
    assert [each["type"] for each in statement["rest"][0]["resource"]] == [*SERVED_TYPES, *RENDERED_TYPES]


@pytest.mark.parametrize("resource_type", [*SERVED_TYPES, *RENDERED_TYPES])
def test_parameters_are_unique_and_official(resources: dict[str, dict[str, Any]], resource_type: str) -> None:
    """cpb-12: names are unique; each has its type and a canonical definition."""
    parameters = resources[resource_type]["searchParam"]
    names = [each["name"] for each in parameters]
    assert len(names) == len(set(names))
    assert {"_id", "_lastUpdated"} <= set(names)
    assert all(each["definition"].startswith(("http://hl7.org/", "urn:fhir-gateway:")) for each in parameters)


def value_of(resource_type: str, code: str) -> str:
    """A value that a parameter takes: one for each part of a composite."""
    parameter = known(resource_type)[code]
    return "$".join(VALUES[each.type] for each in parts(parameter) or (parameter,))


@pytest.mark.parametrize("resource_type", [*SERVED_TYPES, *RENDERED_TYPES])
def test_every_advertised_search_works(
    client: FlaskClient, resources: dict[str, dict[str, Any]], resource_type: str
) -> None:
    """Each parameter, include and reverse include is understood under handling=strict."""
    described = resources[resource_type]
    queries = [f"{each['name']}={value_of(resource_type, each['name'])}" for each in described["searchParam"]]
    queries += [f"_include={each}" for each in described.get("searchInclude", ())]
    queries += [f"_revinclude={each}" for each in described.get("searchRevInclude", ())]
    for query in queries:
        response = client.get(f"/fhir/{resource_type}?{query}", headers={"Prefer": "handling=strict"})
        assert response.status_code == 200, (query, response.data)
        assert unquote(response.json["link"][0]["url"]) == f"http://localhost/fhir/{resource_type}?{query}"


def test_profiles(resources: dict[str, dict[str, Any]]) -> None:
    """The profiles that resources claim, each with its type; a type without any lists none."""
    listed = {(kind, url) for kind, each in resources.items() for url in each.get("supportedProfile", ())}
    assert listed == {(each.resource_type, each.url) for each in PROFILES}


def test_every_advertised_interaction_works(client: FlaskClient, resources: dict[str, dict[str, Any]]) -> None:
    """Each interaction code of a type has an address that answers."""
    addresses = {
        "read": "/fhir/Patient/patient-1",
        "vread": "/fhir/Patient/patient-1/_history/1",
        "history-instance": "/fhir/Patient/patient-1/_history",
        "history-type": "/fhir/Patient/_history",
        "search-type": "/fhir/Patient",
    }
    codes = {each["code"] for each in resources["Patient"]["interaction"]}
    assert codes == set(addresses)
    for address in addresses.values():
        assert client.get(address).status_code == 200
    operation = resources["Patient"]["operation"][0]
    assert client.get(f"/fhir/Patient/patient-1/${operation['name']}").status_code == 200


def test_every_system_interaction_works(client: FlaskClient, statement: dict[str, Any]) -> None:
    """Each interaction code of the whole system has an address that answers."""
    nothing = {"resourceType": "Bundle", "type": "batch"}
    answers = {
        "batch": client.post("/fhir", json=nothing),
        "history-system": client.get("/fhir/_history"),
        "search-system": client.get("/fhir?_type=Patient,Encounter"),
    }
    assert {each["code"] for each in statement["rest"][0]["interaction"]} == set(answers)
    assert all(answer.status_code == 200 for answer in answers.values())


def test_every_route_is_advertised(statement: dict[str, Any], resources: dict[str, dict[str, Any]]) -> None:
    """What is served is advertised."""
    said = {each["code"] for each in statement["rest"][0]["interaction"]} | {"capabilities"}
    if statement["rest"][0]["compartment"]:
        said.add("search-compartment")  # it has no code of its own
    for each in resources.values():
        said |= {interaction["code"] for interaction in each["interaction"]}
        said |= {f"${operation['name']}" for operation in each.get("operation", ())}
    assert said == {route.interaction for route in ROUTES}


def test_it_can_be_kept(client: FlaskClient) -> None:
    """The same statement has the same tag: a client asks again for nothing."""
    first = client.get("/fhir/metadata")
    again = client.get("/fhir/metadata", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
