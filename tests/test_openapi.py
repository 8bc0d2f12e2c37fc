"""`openapi.yaml`: valid, up to date, and complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate

from gateway.interactions import openapi
from gateway.interactions.routes import ROUTES
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES
from gateway.search.persons import known
from tests.gateway.interactions.served import served

FILE = Path(__file__).parent.parent / "openapi.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return yaml.load(FILE.read_text(), yaml.CSafeLoader)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with served(tmp_path_factory.mktemp("served")) as app:
        yield app.test_client()


def test_the_checked_in_file_is_what_the_tables_say() -> None:
    """A changed table and an unchanged document cannot be committed together: run `make openapi`."""
    assert FILE.read_text() == openapi.render()


def test_it_is_valid(document: dict[str, Any]) -> None:
    """openapi-spec-validator accepts it as OpenAPI 3.1."""
    assert document["openapi"].startswith("3.1")
    validate(document)


@pytest.mark.parametrize("resource_type", [*SERVED_TYPES, *RENDERED_TYPES])
def test_every_search_parameter_is_described(document: dict[str, Any], resource_type: str) -> None:
    """Each offered parameter stands in the query and in the form, with a description, a form and an example."""
    query = {
        each["name"]: each for each in document["paths"][f"/{resource_type}"]["get"]["parameters"] if "name" in each
    }
    content = document["paths"][f"/{resource_type}/_search"]["post"]["requestBody"]["content"]
    form = content["application/x-www-form-urlencoded"]["schema"]["properties"]
    for code in known(resource_type):
        (example,) = query[code]["schema"]["items"]["examples"]
        assert f"Such as `{example}`" in query[code]["description"]
        assert form[code]["items"] == query[code]["schema"]["items"]


@pytest.mark.parametrize("resource_type", [*SERVED_TYPES, *RENDERED_TYPES])
def test_every_example_works(document: dict[str, Any], client: FlaskClient, resource_type: str) -> None:
    """What the documentation proposes to try is understood under handling=strict."""
    for each in document["paths"][f"/{resource_type}"]["get"]["parameters"]:
        if "name" in each:
            query = {each["name"]: each["schema"]["items"]["examples"]}
            response = client.get(f"/fhir/{resource_type}", query_string=query, headers={"Prefer": "handling=strict"})
            assert response.status_code == 200, response.data


@pytest.mark.parametrize("resource_type", [*SERVED_TYPES, *RENDERED_TYPES])
def test_what_is_served_is_as_described(document: dict[str, Any], client: FlaskClient, resource_type: str) -> None:
    """Bundles and resources keep their schemas, with formats."""
    bundles, resources = (
        Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": document["components"]}, validate_formats=True
        )
        for name in ("Bundle", resource_type)
    )
    for path in (f"/fhir/{resource_type}", f"/fhir/{resource_type}/_history"):
        if path.removeprefix("/fhir") not in document["paths"]:
            continue
        bundle = client.get(path).json
        bundles.validate(bundle)
        for entry in bundle.get("entry", ()):
            if "resource" in entry:
                resources.validate(entry["resource"])


def test_a_references_type_is_a_relative_uri(document: dict[str, Any]) -> None:
    """FHIR's `uri` may be relative: `Patient` is one."""
    schema = {"$ref": "#/components/schemas/Reference", "components": document["components"]}
    Draft202012Validator(schema, validate_formats=True).validate({"reference": "Patient/1", "type": "Patient"})


def test_every_route_is_described(document: dict[str, Any]) -> None:
    """Each route, for each type that it is for, with its answer and the errors that every address can give."""
    described = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    for route in ROUTES:
        for resource_type in route.types or SERVED_TYPES:
            path = route.pattern.format(
                resource_type=resource_type, resource_id="{id}", version_id="{vid}", member_type="{type}"
            )
            assert (route.method, path) in described
    for operations in document["paths"].values():
        for operation in operations.values():
            assert {"200", "400", "404", "405", "406", "500"} <= set(operation["responses"])


def test_what_a_page_fills_in_can_be_sent(document: dict[str, Any], client: FlaskClient) -> None:
    """The examples of an operation's inputs, all at once: Swagger UI sends them when somebody presses Execute."""
    asked = 0
    for path, operations in document["paths"].items():
        filled = {
            each["name"]: each["examples"]["one"]["value"]
            for each in operations.get("get", {}).get("parameters", ())
            if "examples" in each
        }
        if path == "/Patient/$ihe-pix":
            continue  # which identifiers there are depends on the hospitals
        if "$" in path and filled and "{id}" not in path:
            response = client.get(f"/fhir{path}", query_string=as_text(filled))
            assert response.status_code == 200, response.data
            asked += 1
        else:
            assert "$" in path or not filled, path
    assert asked == 6


def test_a_form_that_a_page_fills_in_can_be_sent(document: dict[str, Any], client: FlaskClient) -> None:
    """The same by POST, for searches too."""
    asked = 0
    for path, operations in document["paths"].items():
        body = operations.get("post", {}).get("requestBody", {})
        body = document["components"]["requestBodies"][body["$ref"].split("/")[-1]] if "$ref" in body else body
        form = body.get("content", {}).get("application/x-www-form-urlencoded")
        # Those two want a resource, which no form holds, and this one an identifier of a hospital.
        if form is None or "{id}" in path or path.endswith(("$validate", "$match", "$ihe-pix")):
            continue
        response = client.post(f"/fhir{path}", data=as_text(form["examples"]["one"]["value"]))
        assert response.status_code == 200, (path, response.data)
        asked += 1
    assert asked > 30


def as_text(filled: dict[str, Any]) -> dict[str, str]:
    """Values as a URL has them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in filled.items()}


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    """Generators name functions after them."""
    ids = [each["operationId"] for operations in document["paths"].values() for each in operations.values()]
    assert len(ids) == len(set(ids))


def test_a_served_resource_fits_its_schema(document: dict[str, Any]) -> None:
    """The schemas describe R4: a Patient with each kind of element is accepted, a wrong code is not."""
    from openapi_schema_validator import OAS31Validator

    schemas = {"components": document["components"]}
    validator = OAS31Validator({"$ref": "#/components/schemas/Patient", **schemas})
    patient = {"resourceType": "Patient", "id": "a", "gender": "male", "name": [{"family": "Smith"}], "active": True}
    assert validator.is_valid(patient)
    assert not validator.is_valid({**patient, "gender": "M"})
    assert not validator.is_valid({**patient, "name": "Smith"})
