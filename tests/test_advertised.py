"""What the server advertises works, and what works is advertised, for every type. A conformance tester's view of it.

The world has two resources of every type, out of the golden files.
https://hl7.org/fhir/R4/capabilitystatement.html, https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from fhir.resources.R4B.terminologycapabilities import TerminologyCapabilities
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.identity.tables import TABLES
from gateway.interactions.xml_reader import from_xml
from gateway.search.index import index_rows, write
from gateway.search.parameters import INDEXED_TYPES, RENDERED_TYPES, SERVED_TYPES, of_type
from gateway.settings import Settings
from gateway.store import Store
from gateway.sync.content import content
from mappers.terminology.resources import resources as code_tables

GOLDEN = Path(__file__).parent / "golden"
TYPES = [*SERVED_TYPES, *RENDERED_TYPES]
STRICT = {"Prefer": "handling=strict"}
PERSON = {
    "resourceType": "Person",
    "id": "somebody",
    "meta": {"source": "urn:fhir-gateway:identity"},
    "active": True,
    "name": [{"family": "Quillfeather"}],
}
WRITES = [
    ("POST", ""),
    ("PUT", ""),
    ("DELETE", ""),
    ("PATCH", ""),
    ("PUT", "/{id}"),
    ("PATCH", "/{id}"),
    ("DELETE", "/{id}"),
]
OPERATIONS = (
    *("validate", "everything", "meta", "match", "ihe-pix"),
    *("translate", "lookup", "subsumes", "expand", "validate-code"),
)


def world() -> list[dict[str, Any]]:
    """Two resources of each type that has as many, with their ids."""
    files = [orjson.loads(file.read_bytes()) for file in sorted(GOLDEN.glob("*/*.json"))]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for each in (*(each for file in files for each in (*file["resources"], *file["shared"])), PERSON, *code_tables()):
        some = found.setdefault(each["resourceType"], {})
        if len(some) < 2:
            some[each["id"]] = each
    return [each for some in found.values() for each in some.values()]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("advertised")
    url = f"sqlite:///{folder / 'gateway.db'}"
    with Store.open(url, extra=TABLES) as store, store.writer() as writer, writer.batch():
        made = world()
        pks = writer.create("his_a", [content(each) for each in made])
        write(writer.connection, [(pk, index_rows(each)) for pk, each in zip(pks, made, strict=True)], [])
    app = create_app(Settings(file=folder / "gateway.toml", store=url))
    yield app.test_client()
    app.extensions["fhir_gateway"].store.close()


@pytest.fixture(scope="module")
def rest(client: FlaskClient) -> dict[str, Any]:
    said: dict[str, Any] = client.get("/fhir/metadata").get_json()["rest"][0]
    return said


@pytest.fixture(scope="module")
def types(rest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in rest["resource"]}


@cache
def document() -> dict[str, Any]:
    """openapi.yaml."""
    found: dict[str, Any] = yaml.load((Path(__file__).parent.parent / "openapi.yaml").read_text(), yaml.CSafeLoader)
    return found


def instance(client: FlaskClient, resource_type: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/fhir/{resource_type}?_count=1").get_json()["entry"][0]["resource"]
    return found


@pytest.mark.parametrize("resource_type", TYPES)
def test_interactions(client: FlaskClient, types: dict[str, dict[str, Any]], resource_type: str) -> None:
    """Each interaction answers if and only if it is advertised, HEAD as GET without the body."""
    address = f"/fhir/{resource_type}/{instance(client, resource_type)['id']}"
    addresses = {
        "read": address,
        "vread": f"{address}/_history/1",
        "history-instance": f"{address}/_history",
        "history-type": f"/fhir/{resource_type}/_history",
        "search-type": f"/fhir/{resource_type}",
    }
    advertised = {each["code"] for each in types[resource_type]["interaction"]}
    answered = set()
    for code, path in addresses.items():
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.data) == (got.status_code, b"")
        assert int(head.headers["Content-Length"]) > 0
        if got.status_code == 200:
            answered.add(code)
    assert answered == advertised
    assert (types[resource_type]["versioning"] == "versioned") == ("vread" in answered)
    assert client.post(f"/fhir/{resource_type}/_search").status_code == 200


@pytest.mark.parametrize("resource_type", TYPES)
def test_nothing_is_written(client: FlaskClient, types: dict[str, dict[str, Any]], resource_type: str) -> None:
    """405 with the methods that are answered, whatever is advertised for writing: nothing is."""
    resource = instance(client, resource_type)
    assert not types[resource_type]["updateCreate"]
    for method, path in WRITES:
        response = client.open(f"/fhir/{resource_type}{path.format(**resource)}", method=method, json=resource)
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD"
        assert response.get_json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("resource_type", TYPES)
def test_formats(client: FlaskClient, resource_type: str) -> None:
    """Each advertised format, by `_format` and by Accept, says the same; others are 406."""
    whole = instance(client, resource_type)
    path = f"/fhir/{resource_type}/{whole['id']}"
    formats = client.get("/fhir/metadata?_elements=format").get_json()["format"]
    for each in formats:
        for response in (
            client.get(path, query_string={"_format": each, "_pretty": "true"}),
            client.get(path, headers={"Accept": each}) if "/" in each else None,
        ):
            if response is not None:
                assert response.status_code == 200
                told = from_xml(response.data) if "xml" in response.headers["Content-Type"] else response.data
                assert ("xml" in response.headers["Content-Type"]) == ("xml" in each)
                assert orjson.loads(told) == whole
    assert client.get(path, headers={"Accept": "text/turtle"}).status_code == 406


@pytest.mark.parametrize("resource_type", TYPES)
def test_conditional_reads(client: FlaskClient, types: dict[str, dict[str, Any]], resource_type: str) -> None:
    """`conditionalRead` full-support: by version and by time; a version outweighs a time."""
    assert types[resource_type]["conditionalRead"] == "full-support"
    path = f"/fhir/{resource_type}/{instance(client, resource_type)['id']}"
    first = client.get(path)
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    for asked, status in (
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": f'W/"9", {tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-Modified-Since": date}, 304),
        ({"If-None-Match": 'W/"none"', "If-Modified-Since": date}, 200),
        ({"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
    ):
        assert client.get(path, headers=asked).status_code == status, asked


@pytest.mark.parametrize("resource_type", TYPES)
def test_parameters_that_are_not_advertised(
    client: FlaskClient, types: dict[str, dict[str, Any]], resource_type: str
) -> None:
    """Those not offered, and other types' own: 400 under handling=strict, else said and not applied."""
    advertised = {each["name"] for each in types[resource_type]["searchParam"]}
    others = {code for each in INDEXED_TYPES for code in of_type(each)} - advertised
    assert others
    for code in sorted(others)[TYPES.index(resource_type) % 10 :: 10]:  # another tenth for each type
        path = f"/fhir/{resource_type}?{code}=2020"
        assert client.get(path, headers=STRICT).status_code == 400, code
    lenient = client.get(f"/fhir/{resource_type}?{code}=2020").get_json()
    assert [each["search"]["mode"] for each in lenient["entry"]][-1] == "outcome"
    assert f"{code}=" not in str(lenient["link"])


@pytest.mark.parametrize("resource_type", TYPES)
def test_includes_that_are_not_advertised(
    client: FlaskClient, types: dict[str, dict[str, Any]], resource_type: str
) -> None:
    """Any path of any type that is not listed is refused, in both directions."""
    paths = {
        f"{kind}:{parameter.code}"
        for kind in TYPES
        for parameter in of_type(kind).values()
        if parameter.type in ("reference", "uri", "token")
    }
    for name, listed in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        said = set(types[resource_type].get(listed, ()))
        assert {each for each in said if ":" in each and not each.endswith("*")} <= paths
        for path in sorted(paths - said)[TYPES.index(resource_type) % 20 :: 20]:  # another twentieth for each type
            assert client.get(f"/fhir/{resource_type}?{name}={path}&_count=1").status_code == 400, (name, path)


@pytest.mark.parametrize("resource_type", TYPES)
def test_operations(client: FlaskClient, types: dict[str, dict[str, Any]], resource_type: str) -> None:
    """Each operation is there if and only if it is advertised; a wrong method is told from a wrong address."""
    advertised = {each["name"] for each in types[resource_type].get("operation", ())}
    resource = instance(client, resource_type)
    for name in OPERATIONS:
        statuses = {
            client.open(f"/fhir/{resource_type}{path}/${name}", method=method, json=None).status_code
            for path in ("", f"/{resource['id']}")
            for method in ("GET", "POST")
        }
        assert (statuses == {404}) == (name not in advertised), (name, statuses)
        assert not statuses & {500, 501}


RESULT = {
    "_sort": "_lastUpdated",
    "_total": "accurate",
    "_count": "1",
    "_summary": "true",
    "_elements": "id",
    "_include": "*",
    "_include:iterate": "*",
    "_revinclude": "*",
    "_revinclude:iterate": "*",
    "_format": "json",
    "_pretty": "true",
}
"""What shapes the result of a search, with a value that every type takes."""


@pytest.mark.parametrize("resource_type", TYPES)
def test_what_openapi_lists(client: FlaskClient, resource_type: str) -> None:
    """A parameter of the result is understood by a search if and only if openapi.yaml lists it there."""
    parameters = document()["paths"][f"/{resource_type}"]["get"]["parameters"]
    listed = {each["$ref"].rpartition("/")[2].replace("-iterate", ":iterate") for each in parameters if "$ref" in each}
    assert listed - {"_cursor", "Prefer"} <= RESULT.keys()
    for name, value in RESULT.items():
        answer = client.get(f"/fhir/{resource_type}", query_string={name: value}, headers=STRICT)
        assert answer.status_code == (200 if name in listed else 400), name


def test_system_parameters(client: FlaskClient, rest: dict[str, Any]) -> None:
    """Each parameter of all types searches all of them at once; no other one does."""
    values = {"date": "ge2020", "token": "a", "uri": "urn:a"}
    names = {each["name"]: each["type"] for each in rest["searchParam"]}
    for name, kind in names.items():
        assert client.get(f"/fhir?{name}={values[kind]}", headers=STRICT).status_code == 200
    for code in {code for each in SERVED_TYPES for code in of_type(each)} - names.keys():
        assert client.get(f"/fhir?{code}=2020", headers=STRICT).status_code == 400, code


@pytest.mark.parametrize("resource_type", TYPES)
def test_compartments(client: FlaskClient, rest: dict[str, Any], resource_type: str) -> None:
    """An advertised compartment answers for all it holds; of a type without one there is none."""
    advertised = {each.rpartition("/")[2] for each in rest["compartment"]}
    resource = instance(client, resource_type)
    address = f"/fhir/{resource_type}/{resource['id']}"
    statuses = {each: client.get(f"{address}/{each}?_count=1").status_code for each in ("*", *TYPES)}
    if resource_type.lower() in advertised:
        assert statuses["*"] == 200
        assert sum(status == 200 for status in statuses.values()) > 2
    else:
        assert set(statuses.values()) == {404}


@pytest.mark.parametrize("resource_type", TYPES)
def test_profiles(client: FlaskClient, types: dict[str, dict[str, Any]], resource_type: str) -> None:
    """What a search by an advertised profile finds claims it, and what is found without it claims no other."""
    supported = set(types[resource_type].get("supportedProfile", ()))
    found = client.get(f"/fhir/{resource_type}").get_json()["entry"]
    assert {url for each in found for url in each["resource"]["meta"].get("profile", ())} <= supported
    if resource_type not in RENDERED_TYPES:
        for url in supported:
            matches = client.get(f"/fhir/{resource_type}?_profile={url}").get_json().get("entry", ())
            assert all(url in each["resource"]["meta"]["profile"] for each in matches)


@pytest.mark.parametrize("resource_type", TYPES)
def test_counting(client: FlaskClient, resource_type: str) -> None:
    """`_summary=count` and `_count=0` have the total and nothing else."""
    total = len(client.get(f"/fhir/{resource_type}?_count=1000").get_json()["entry"])
    for query in ("_summary=count", "_count=0"):
        bundle = client.get(f"/fhir/{resource_type}?{query}").get_json()
        assert (bundle["total"], "entry" in bundle) == (total, False)


@pytest.mark.parametrize("resource_type", SERVED_TYPES)
def test_history_pages(client: FlaskClient, resource_type: str) -> None:
    """A type's history, page by page, has every version once, newest first."""
    whole = client.get(f"/fhir/{resource_type}/_history?_count=1000").get_json()["entry"]
    walked: list[dict[str, Any]] = []
    path: str | None = f"/fhir/{resource_type}/_history?_count=1"
    while path is not None:
        page = client.get(path).get_json()
        walked += page["entry"]
        path = next((each["url"] for each in page["link"] if each["relation"] == "next"), None)
    assert walked == whole
    times = [each["response"]["lastModified"] for each in whole]
    assert times == sorted(times, reverse=True)


def test_modes_of_metadata(client: FlaskClient) -> None:
    """`mode=terminology` is another resource; a mode that FHIR does not know is refused."""
    whole = client.get("/fhir/metadata").get_json()
    for mode in ("full", "normative"):
        assert client.get(f"/fhir/metadata?mode={mode}", headers=STRICT).get_json() == whole
    assert client.get("/fhir/metadata?mode=junk").status_code == 400
    answer = client.get("/fhir/metadata?mode=terminology", headers=STRICT)
    told = answer.get_json()
    TerminologyCapabilities.model_validate(told)
    assert told["implementation"] == whole["implementation"]
    assert orjson.loads(from_xml(client.get("/fhir/metadata?mode=terminology&_format=xml").data)) == told
    again = client.get("/fhir/metadata", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 200


def test_terminology_capabilities(client: FlaskClient) -> None:
    """Its code systems are those served, `subsumption` is where $subsumes answers, and $expand takes its inputs."""
    told = client.get("/fhir/metadata?mode=terminology").get_json()
    systems = {each["url"]: each for each in code_tables() if each["resourceType"] == "CodeSystem"}
    assert [each["uri"] for each in told["codeSystem"]] == sorted(systems, key=list(systems).index)
    for each in told["codeSystem"]:
        codes = [concept["code"] for concept in systems[each["uri"]]["concept"] if concept.get("property")]
        if each["subsumption"]:
            query = {"system": each["uri"], "codeA": codes[0], "codeB": codes[0]}
            assert client.get("/fhir/CodeSystem/$subsumes", query_string=query).status_code == 200
        assert bool(codes) == each["subsumption"]
        if "version" in each:
            assert each["version"][0]["code"] == systems[each["uri"]]["version"]
    values = {"filter": "a", "offset": "0", "count": "1"}
    assert {each["name"] for each in told["expansion"]["parameter"]} == set(values)
    query = {"url": "urn:fhir-gateway:value-set:gender", **values}
    assert client.get("/fhir/ValueSet/$expand", query_string=query).status_code == 200
