"""history: https://hl7.org/fhir/R4/http.html#history."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from gateway.search.parameter_types.date import span
from tests.gateway.interactions.conftest import Bundles, link, outcome
from tests.gateway.interactions.served import PATIENTS, everything


def test_instance_history_is_newest_first(bundles: Bundles) -> None:
    """Each version once, with how it came to be; etag and lastModified agree with meta."""
    bundle = bundles.get("/fhir/Patient/patient-0/_history")
    assert bundle["type"] == "history"
    assert [entry["resource"]["meta"]["versionId"] for entry in bundle["entry"]] == ["3", "2", "1"]
    assert [entry["request"]["method"] for entry in bundle["entry"]] == ["PUT", "PUT", "POST"]
    for entry in bundle["entry"]:
        meta = entry["resource"]["meta"]
        assert entry["fullUrl"] == "http://localhost/fhir/Patient/patient-0"
        assert entry["response"]["etag"] == f'W/"{meta["versionId"]}"'
        assert entry["response"]["lastModified"] == meta["lastUpdated"]


def test_a_deletion_is_an_entry_without_resource(bundles: Bundles) -> None:
    """The history of what is gone remains."""
    deleted, created = bundles.get("/fhir/Patient/gone/_history")["entry"]
    assert "resource" not in deleted
    assert deleted["request"] == {"method": "DELETE", "url": "Patient/gone"}
    assert created["resource"]["id"] == "gone"


@pytest.mark.parametrize(
    ("path", "changes"),
    [("/fhir/_history", len(everything()) + 3), ("/fhir/Patient/_history", PATIENTS + 1 + 3)],
    ids=["system", "type"],
)
def test_pages_hold_every_change_once(bundles: Bundles, path: str, changes: int) -> None:
    """Following `next` loses and repeats nothing, ends without an empty page, and keeps the parameters."""
    pages = bundles.walk(f"{path}?_count=60&_elements=id")
    seen = [(e["fullUrl"], e["response"]["etag"]) for page in pages for e in page["entry"]]
    assert len(seen) == len(set(seen)) == changes
    assert len(pages) == -(-changes // 60)
    assert all("_elements=id" in (link(page, "self") or "") for page in pages)


def test_since_is_inclusive(bundles: Bundles) -> None:
    """`_since` keeps what was made at or after the instant."""
    newest = bundles.get("/fhir/Patient/patient-0/_history")["entry"][0]["resource"]["meta"]["lastUpdated"]
    since = bundles.get(f"/fhir/Patient/patient-0/_history?_since={newest}")
    assert [entry["response"]["etag"] for entry in since["entry"]] == ['W/"3"']
    assert "entry" not in bundles.get("/fhir/Patient/patient-0/_history?_since=2100-01-01T00:00:00Z")


def test_at_is_what_was_current_then(bundles: Bundles) -> None:
    """`_at` keeps the one version that was current."""
    second = bundles.get("/fhir/Patient/patient-0/_history/2")["meta"]["lastUpdated"]
    found = bundles.get(f"/fhir/Patient/patient-0/_history?_at={second}")["entry"]
    assert [entry["response"]["etag"] for entry in found] == ['W/"2"']


@pytest.mark.parametrize("digits", [4, 7, 10, 16, 19, 23])
def test_at_may_be_partial(bundles: Bundles, digits: int) -> None:
    """A year, a month, a day, a minute, a second: all versions that were current at some point of it."""
    second = bundles.get("/fhir/Patient/patient-0/_history/2")["meta"]["lastUpdated"]
    moment = second[:digits] + ("Z" if digits > 10 else "")
    found = bundles.get(f"/fhir/Patient/patient-0/_history?_at={moment}")["entry"]
    assert 'W/"2"' in [entry["response"]["etag"] for entry in found]
    low, high = span(moment)  # type: ignore[misc]
    made = [span(entry["resource"]["meta"]["lastUpdated"])[0] for entry in found]  # type: ignore[index]
    assert all(each < high for each in made)
    assert all(each >= low for each in made[:-1])  # the oldest may have been current before
    years_before = bundles.get("/fhir/Patient/patient-0/_history?_at=1999")
    assert "entry" not in years_before


def test_a_zone_with_an_unescaped_plus(bundles: Bundles) -> None:
    """People type + where they should type %2B."""
    zoned = datetime.fromisoformat("2100-01-01T00:00:00+05:00")
    assert zoned.astimezone(UTC).year == 2099
    assert "entry" not in bundles.get("/fhir/Patient/_history?_since=2100-01-01T00:00:00+05:00")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("_since=yesterday", "_since"),
        ("_since=2026-02-30T00:00:00Z", "_since"),
        ("_at=2026-13", "_at"),
        ("_at=ge2026", "_at"),
        ("_since=2026", "_since"),
        ("_since=", "_since"),
        ("_count=-1", "_count"),
        ("_count=x", "_count"),
        ("_count=1&_count=2", "_count"),
        ("_cursor=x", "_cursor"),
        ("_cursor=99999999999999999999", "_cursor"),
        ("gender=male", "gender"),
    ],
)
def test_what_history_refuses(client: FlaskClient, query: str, parameter: str) -> None:
    """A history has no place to say that a parameter was ignored: it is refused, also when lenient."""
    response = client.get(f"/fhir/Patient/_history?{query}")
    assert response.status_code == 400
    assert outcome(response)["expression"] == [f"http.{parameter}"]


def test_no_history_of_nobody(client: FlaskClient) -> None:
    """Unknown is 404, not an empty history."""
    assert client.get("/fhir/Patient/nobody/_history").status_code == 404
