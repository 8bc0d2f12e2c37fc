"""batch: https://hl7.org/fhir/R4/http.html#transaction."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle
from flask.testing import FlaskClient

from gateway.interactions import batch as batch_module
from gateway.interactions.batch import MOST_ENTRIES
from gateway.interactions.xml_reader import from_xml
from gateway.interactions.xml_writer import to_xml
from tests.gateway.interactions.conftest import outcome

BASE = "http://localhost/fhir"


def get(url: str, **more: Any) -> dict[str, Any]:
    return {"request": {"method": "GET", "url": url, **more}}


def send(client: FlaskClient, *entries: Any, **headers: str) -> list[dict[str, Any]]:
    """The entries of the answer, which is a valid Bundle with one for each that was sent."""
    body = orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})
    response = client.post("/fhir", data=body, content_type="application/fhir+json", headers=headers)
    assert response.status_code == 200, response.data
    Bundle.model_validate_json(response.data)
    answered = orjson.loads(response.data)
    assert answered["type"] == "batch-response"
    assert len(answered["entry"]) == len(entries)
    return answered["entry"]


ALONE = [
    "Patient/patient-1",
    "/Patient/patient-1",
    f"{BASE}/Patient/patient-1",
    "Patient/patient-0/_history/1",
    "Patient?family=M%C3%BCller&_count=2",
    "Patient?name=a%2Cb%26c",
    "Patient/patient-0/_history",
    "Patient/patient-0/$everything",
    "_history?_count=2",
    "metadata",
]


@pytest.mark.parametrize("url", ALONE)
def test_an_entry_is_answered_as_if_it_had_come_alone(client: FlaskClient, url: str) -> None:
    """The same resource and version."""
    (entry,) = send(client, get(url))
    alone = client.get(url if url.startswith("http") else f"/fhir/{url.removeprefix('/')}")
    expected = orjson.loads(alone.data)
    for each in (entry["resource"], expected):
        if each["resourceType"] == "Bundle":
            each |= {"id": "", "meta": ""}
    assert entry["resource"] == expected
    assert entry["response"]["status"] == "200 OK"
    assert entry["response"].get("etag") == alone.headers.get("ETag")
    if "Last-Modified" in alone.headers:
        assert entry["response"]["lastModified"][:19] == expected["meta"]["lastUpdated"][:19]


REFUSED = {
    "unknown": (get("Patient/nobody"), "404", "not-found"),
    "deleted": (get("Patient/gone"), "410", "deleted"),
    "type": (get("Starship/1"), "404", "not-supported"),
    "value": (get("Patient?birthdate=junk"), "400", "invalid"),
    "create": ({"request": {"method": "POST", "url": "Patient"}, "resource": {}}, "405", "not-supported"),
    "update": ({"request": {"method": "PUT", "url": "Patient/1"}, "resource": {}}, "405", "not-supported"),
    "delete": ({"request": {"method": "DELETE", "url": "Patient/patient-1"}}, "405", "not-supported"),
    "nested": ({"request": {"method": "POST", "url": "/"}, "resource": {}}, "400", "invalid"),
    "nested-by-base": ({"request": {"method": "POST", "url": f"{BASE}/"}}, "400", "invalid"),
    "elsewhere": (get("http://example.org/fhir/Patient/1"), "400", "invalid"),
    "urn": (get("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"), "400", "invalid"),
    "encoding": (get("Patient/%FF"), "400", "invalid"),
    "query-encoding": (get("Patient?name=%FF"), "400", "invalid"),
    "no-request": ({"resource": {"resourceType": "Patient"}}, "400", "invalid"),
    "no-entry": ("GET Patient", "400", "invalid"),
    "no-url": ({"request": {"method": "GET"}}, "400", "invalid"),
    "no-method": ({"request": {"url": "Patient"}}, "400", "invalid"),
    "no-instant": (get("Patient/patient-1", ifModifiedSince="yesterday"), "400", "invalid"),
    "no-zone": (get("Patient/patient-1", ifModifiedSince="2026-01-01T00:00:00"), "400", "invalid"),
    "no-tag": (get("Patient/patient-1", ifNoneMatch=1), "400", "invalid"),
    "another-version": (get("Patient/patient-0", ifMatch='W/"2"'), "412", "conflict"),
}


def test_each_entry_has_its_own_status_in_its_place(client: FlaskClient) -> None:
    """A refusal is an OperationOutcome beside the status, and spoils no other entry."""
    answered = send(client, *(entry for case, _, _ in REFUSED.values() for entry in (case, get("Patient/patient-1"))))
    for (name, (_, status, code)), refused, read in zip(REFUSED.items(), answered[::2], answered[1::2], strict=True):
        assert refused["response"]["status"].startswith(f"{status} "), name
        assert refused["response"]["outcome"]["issue"][0]["code"] == code, name
        assert "resource" not in refused
        assert read["resource"]["id"] == "patient-1"


@pytest.mark.parametrize(
    "condition",
    [{"ifNoneMatch": 'W/"3"'}, {"ifModifiedSince": "2100-01-01T00:00:00Z"}],
    ids=["tag", "date"],
)
def test_conditions_of_an_entry(client: FlaskClient, condition: dict[str, str]) -> None:
    """304 for what the client has."""
    fresh, known = send(client, get("Patient/patient-0"), get("Patient/patient-0", **condition))
    assert fresh["response"]["etag"] == known["response"]["etag"] == 'W/"3"'
    assert known["response"]["status"] == "304 Not Modified"
    assert "resource" not in known


def test_a_head_entry_has_no_resource(client: FlaskClient) -> None:
    """Only what it says about the version."""
    (entry,) = send(client, {"request": {"method": "HEAD", "url": "Patient/patient-0"}})
    assert set(entry) == {"response"}
    assert entry["response"]["etag"] == 'W/"3"'


def test_a_search_by_post(client: FlaskClient) -> None:
    """`_search` with its parameters in the URL: an entry has no place for a form."""
    (entry,) = send(client, {"request": {"method": "POST", "url": "Patient/_search?family=Jones&_summary=count"}})
    assert entry["resource"]["total"] == 30


def test_preferences_hold_for_each_entry(client: FlaskClient) -> None:
    """`Prefer: handling=strict` of the batch is heard."""
    lenient, strict = (
        send(client, get("Patient?colour=green&_count=1"), Prefer=f"handling={handling}")[0]
        for handling in ("lenient", "strict")
    )
    assert lenient["response"]["status"] == "200 OK"
    assert strict["response"]["status"] == "400 Bad Request"


def test_conditions_of_the_batch_are_not_those_of_its_entries(client: FlaskClient) -> None:
    """The HTTP request's own conditions are about the batch."""
    (entry,) = send(client, get("Patient/patient-0"), **{"If-None-Match": 'W/"3"'})
    assert entry["response"]["status"] == "200 OK"


def test_the_form_of_an_entry_is_that_of_the_batch(client: FlaskClient) -> None:
    """A Bundle is in one form: `_format` and `_pretty` of an entry change nothing."""
    plain, asked = send(client, get("Patient/patient-1"), get("Patient/patient-1?_format=xml&_pretty=true"))
    assert asked["resource"] == plain["resource"]


def test_xml_in_and_out(client: FlaskClient) -> None:
    """The same batch in XML."""
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [get("Patient/patient-1"), get("Patient/nobody")]}
    form = "application/fhir+xml"
    written = client.post("/fhir", data=to_xml(orjson.dumps(bundle)), content_type=form, headers={"Accept": form})
    assert written.headers["Content-Type"].startswith(form)
    read = orjson.loads(from_xml(written.data))["entry"]
    plain = send(client, *bundle["entry"])  # type: ignore[misc]
    assert [each["response"] for each in read] == [each["response"] for each in plain]
    assert read[0]["resource"] == plain[0]["resource"]


@pytest.mark.parametrize("entries", [None, []])
def test_an_empty_batch(client: FlaskClient, entries: list[Any] | None) -> None:
    """Nothing asked, nothing answered."""
    body = {"resourceType": "Bundle", "type": "batch"} | ({} if entries is None else {"entry": entries})
    answered = client.post("/fhir", json=body).json
    assert answered["type"] == "batch-response"
    assert not {"entry", "link", "total"} & set(answered)


@pytest.mark.parametrize(
    ("bundle", "status", "element"),
    [
        ({"type": "transaction"}, 400, "Bundle.type"),
        ({"type": "collection"}, 400, "Bundle.type"),
        ({}, 400, "Bundle.type"),
        ({"type": "batch", "entry": {}}, 400, "Bundle.entry"),
        ({"type": "batch", "entry": [get("Patient/patient-1")] * (MOST_ENTRIES + 1)}, 413, "Bundle.entry"),
    ],
    ids=["transaction", "collection", "no-type", "no-list", "too-many"],
)
def test_what_is_no_batch(client: FlaskClient, bundle: dict[str, Any], status: int, element: str) -> None:
    """Refused as a whole; a transaction is never done in part."""
    response = client.post("/fhir", json={"resourceType": "Bundle", **bundle})
    assert response.status_code == status
    assert outcome(response)["expression"] == [element]


def test_as_many_as_allowed(client: FlaskClient) -> None:
    """The limit is what it says."""
    assert len(send(client, *[get("Patient/patient-1")] * MOST_ENTRIES)) == MOST_ENTRIES


def test_a_batch_that_grows_too_much_says_so(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the limit is refused, entry by entry, never left out."""
    monkeypatch.setattr(batch_module, "MOST_BYTES", 2000)
    answered = send(client, *[get("Patient?_count=5")] * 5)
    assert [each["response"]["status"] for each in answered] == ["200 OK", *["400 Bad Request"] * 4]
    assert answered[-1]["response"]["outcome"]["issue"][0]["code"] == "too-costly"
