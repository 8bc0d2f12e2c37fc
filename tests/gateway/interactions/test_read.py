"""read and vread: https://hl7.org/fhir/R4/http.html#read."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import orjson
import pytest
from flask.testing import FlaskClient

from gateway.store import Store
from tests.gateway.interactions.conftest import outcome

SERVED = [
    "Patient/patient-0",
    "Patient/patient-7",
    "Encounter/visit-3-1",
    "Observation/height",
    "Organization/hospital",
]


@pytest.mark.parametrize("address", SERVED)
def test_a_read_is_the_stored_bytes(client: FlaskClient, store: Store, address: str) -> None:
    """What is served is byte for byte what is stored."""
    stored = store.read(*address.split("/"))
    assert stored is not None
    assert client.get(f"/fhir/{address}").data == stored.body


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_vread_is_the_stored_bytes_of_its_version(client: FlaskClient, store: Store, version: int) -> None:
    """Every version that was ever served can be read again as it was."""
    stored = store.vread("Patient", "patient-0", version)
    response = client.get(f"/fhir/Patient/patient-0/_history/{version}")
    assert stored is not None
    assert response.data == stored.body
    assert response.json["meta"]["versionId"] == str(version)


@pytest.mark.parametrize("address", ["Patient/patient-0", "Patient/patient-0/_history/2"])
def test_headers_agree_with_meta(client: FlaskClient, address: str) -> None:
    """ETag and Last-Modified say what meta.versionId and meta.lastUpdated say."""
    response = client.get(f"/fhir/{address}")
    meta = response.json["meta"]
    assert response.headers["ETag"] == f'W/"{meta["versionId"]}"'
    modified = parsedate_to_datetime(response.headers["Last-Modified"])
    assert modified.strftime("%Y-%m-%dT%H:%M:%S") == meta["lastUpdated"][:19]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": 'W/"3"'}, 200),
        ({"If-Match": 'W/"1", "3"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": 'W/"3"', "If-None-Match": 'W/"3"'}, 304),
        ({"If-Match": 'W/"3"', "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
        ({"If-Unmodified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
        ({"If-Unmodified-Since": "yesterday"}, 200),
        ({"If-None-Match": 'W/"3"'}, 304),
        ({"If-None-Match": '"3"'}, 304),
        ({"If-None-Match": 'W/"1", W/"3"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": 'W/"2"'}, 200),
        ({"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": 'W/"2"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
    ],
    ids=[
        *(
            "match",
            "match-list",
            "match-any",
            "match-and-none-match",
            "match-outweighs-date",
            "unmodified",
            "no-date-either",
        ),
        *("weak", "strong", "list", "any", "old", "later", "earlier", "no-date", "tag-outweighs-date"),
    ],
)
def test_conditional_reads(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    """304 without a body when the client's copy is current: RFC 9110, 13.2.2."""
    response = client.get("/fhir/Patient/patient-0", headers=headers)
    assert response.status_code == status
    assert response.headers["ETag"] == 'W/"3"'
    assert bool(response.data) == (status == 200)


def test_last_modified_comes_back_as_304(client: FlaskClient) -> None:
    """The date that we gave out is current."""
    given = client.get("/fhir/Patient/patient-0").headers["Last-Modified"]
    assert client.get("/fhir/Patient/patient-0", headers={"If-Modified-Since": given}).status_code == 304


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("Patient/nobody", 404, "not-found"),
        ("Patient/gone", 410, "deleted"),
        ("Patient/gone/_history/2", 410, "deleted"),
        ("Patient/patient-0/_history/4", 404, "not-found"),
        ("Patient/patient-0/_history/0", 404, "not-found"),
        ("Patient/patient-0/_history/x", 404, "not-found"),
        ("Patient/patient-0/_history/99999999999999999999", 404, "not-found"),
        ("Patient/not_an_id", 404, "not-found"),
        ("Starship/enterprise", 404, "not-supported"),
    ],
)
def test_what_cannot_be_read(client: FlaskClient, address: str, status: int, code: str) -> None:
    """Unknown is 404, deleted is 410, each with its issue code."""
    response = client.get(f"/fhir/{address}")
    assert response.status_code == status
    assert outcome(response)["code"] == code


def test_a_deleted_resource_was_there_before(client: FlaskClient) -> None:
    """The versions before the deletion can still be read; the 410 names the version that deleted."""
    assert client.get("/fhir/Patient/gone/_history/1").json["id"] == "gone"
    assert client.get("/fhir/Patient/gone").headers["ETag"] == 'W/"2"'


def test_elements_keep_a_decimals_digits(client: FlaskClient) -> None:
    """1.50 stays 1.50 when a resource is cut down or laid out."""
    response = client.get("/fhir/Observation/height?_elements=value&_pretty=true")
    assert b'"value": 1.50,' in response.data
    body = orjson.loads(response.data)
    assert set(body) == {"resourceType", "id", "meta", "status", "code", "valueQuantity"}
    assert body["meta"]["tag"][-1]["code"] == "SUBSETTED"


@pytest.mark.parametrize(
    ("summary", "kept", "dropped"),
    [
        ("true", {"identifier", "name", "birthDate"}, {"text", "multipleBirthInteger"}),
        ("text", {"text"}, {"identifier", "name"}),
        ("data", {"identifier", "multipleBirthInteger"}, {"text"}),
        ("false", {"identifier", "text"}, set()),
    ],
)
def test_summaries(client: FlaskClient, summary: str, kept: set[str], dropped: set[str]) -> None:
    """`_summary` sends the elements that FHIR says, tagged as a subset."""
    body = client.get(f"/fhir/Patient/patient-1?_summary={summary}").json
    assert kept | {"resourceType", "id", "meta"} <= set(body)
    assert not dropped & set(body)
    tags = {tag["code"] for tag in body["meta"]["tag"]}
    assert ("SUBSETTED" in tags) == (summary != "false")


def test_pretty_is_the_same_json(client: FlaskClient) -> None:
    """`_pretty` changes white space only."""
    plain, laid_out = (client.get(f"/fhir/Patient/patient-1?_pretty={value}") for value in ("false", "true"))
    assert orjson.loads(laid_out.data) == orjson.loads(plain.data)
    assert laid_out.data.count(b"\n") > 20
    assert plain.data.count(b"\n") == 0


def test_errors_can_be_pretty_too(client: FlaskClient) -> None:
    """`_pretty` is for every answer."""
    assert client.get("/fhir/Patient/nobody?_pretty=true").data.startswith(b'{\n  "resourceType": "OperationOutcome"')


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("_summary=junk", "_summary"),
        ("_summary=count", "_summary"),
        ("_pretty=perhaps", "_pretty"),
        ("_summary=true&_elements=name", "_elements"),
    ],
)
def test_bad_general_parameters(client: FlaskClient, query: str, parameter: str) -> None:
    """A value that cannot be honoured is 400 and names the parameter."""
    response = client.get(f"/fhir/Patient/patient-1?{query}")
    assert response.status_code == 400
    assert outcome(response)["expression"] == [f"http.{parameter}"]


def test_strict_reads_refuse_unknown_parameters(client: FlaskClient) -> None:
    """A cache buster does no harm unless the client wants to know."""
    path = "/fhir/Patient/patient-1?_=123"
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"Prefer": "handling=strict"}).status_code == 400
