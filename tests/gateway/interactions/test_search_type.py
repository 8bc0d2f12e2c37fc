"""search-type over HTTP: https://hl7.org/fhir/R4/http.html#search. What matches is tested in tests/gateway/search."""

from __future__ import annotations

import orjson
import pytest
from flask.testing import FlaskClient

from gateway.store import Store
from tests.gateway.interactions.conftest import Bundles, link, outcome
from tests.gateway.interactions.served import PATIENTS


def modes(bundle: dict[str, object]) -> list[str]:
    return [entry["search"]["mode"] for entry in bundle.get("entry", [])]  # type: ignore[attr-defined]


def test_entries_are_the_stored_bytes(client: FlaskClient, store: Store) -> None:
    """A page is a join of stored bytes, each under its own address."""
    response = client.get("/fhir/Patient?family=Jones&_count=5")
    assert len(response.json["entry"]) == 5
    for entry in response.json["entry"]:
        stored = store.read("Patient", entry["resource"]["id"])
        assert stored is not None
        assert stored.body is not None
        assert stored.body in response.data
        assert entry["fullUrl"] == f"http://localhost/fhir/Patient/{entry['resource']['id']}"
        assert client.get(entry["fullUrl"]).data == stored.body


def test_pages_keep_every_honoured_parameter(bundles: Bundles) -> None:
    """Following `next` finds every match once; total counts matches only; `previous` leads back."""
    pages = bundles.walk("/fhir/Encounter?_count=70&_include=Encounter:subject&_sort=-date&_format=json")
    matches = [e["fullUrl"] for page in pages for e in page["entry"] if e["search"]["mode"] == "match"]
    assert len(matches) == len(set(matches)) == 2 * PATIENTS
    assert {page["total"] for page in pages} == {2 * PATIENTS}
    assert len(pages) == -(-2 * PATIENTS // 70)
    for page in pages:
        assert "include" in modes(page)
        own = link(page, "self") or ""
        assert all(part in own for part in ("_count=70", "_include=Encounter:subject", "_sort=-date", "_format=json"))
    back = link(pages[1], "previous")
    assert back is not None
    assert bundles.get(back)["entry"] == pages[0]["entry"]
    assert bundles.get(link(pages[2], "first") or "")["entry"] == pages[0]["entry"]


def test_an_ignored_parameter_is_said_and_not_counted(bundles: Bundles) -> None:
    """Lenient: one outcome entry that names it; not in total, not in self."""
    bundle = bundles.get("/fhir/Patient?colour=green&family=Jones&_count=3")
    assert modes(bundle) == ["match"] * 3 + ["outcome"]
    issue = bundle["entry"][-1]["resource"]["issue"][0]
    assert issue["severity"] == "warning"
    assert issue["expression"] == ["http.colour"]
    assert bundle["total"] == PATIENTS // 5
    assert "colour" not in orjson.dumps(bundle["link"]).decode()


def test_strict_refuses_what_lenient_ignores(client: FlaskClient) -> None:
    """`Prefer: handling=strict` turns an unknown parameter into 400."""
    response = client.get("/fhir/Patient?colour=green", headers={"Prefer": 'return=minimal, handling="strict"'})
    assert response.status_code == 400
    assert "colour" in outcome(response)["diagnostics"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("birthdate=junk", "birthdate"),
        ("_count=-1", "_count"),
        ("_sort=shoe-size", "_sort"),
        ("_cursor=x", "_cursor"),
        ("_format=json&_format=xml", "_format"),
        ("_pretty=true&_pretty=false", "_pretty"),
        ("_cursor=x&_cursor=y", "_cursor"),
    ],
)
def test_an_invalid_value_is_400(client: FlaskClient, query: str, parameter: str) -> None:
    """Also when lenient: it names the parameter."""
    response = client.get(f"/fhir/Patient?{query}")
    assert response.status_code == 400
    assert outcome(response)["expression"] == [f"http.{parameter}"]


def test_a_form_finds_what_a_query_finds(client: FlaskClient) -> None:
    """POST _search equals GET, whether its parameters are in the form, the URL or both."""
    wanted = client.get("/fhir/Patient?family=m%C3%BCller&gender=male").json["entry"]
    form = client.post("/fhir/Patient/_search", data={"family": "müller", "gender": "male", "_format": "json"})
    both = client.post("/fhir/Patient/_search?gender=male", data={"family": "müller"})
    assert wanted
    assert form.json["entry"] == both.json["entry"] == wanted
    assert client.post("/fhir/Patient/_search").json["total"] == PATIENTS


def test_the_format_in_a_form_counts(client: FlaskClient) -> None:
    """`_format` in the form is heard."""
    assert client.post("/fhir/Patient/_search", data={"_format": "ttl"}).status_code == 406


@pytest.mark.parametrize("query", ["_summary=count", "_count=0"])
def test_counting_only(bundles: Bundles, query: str) -> None:
    """No entries, and no empty array of them."""
    bundle = bundles.get(f"/fhir/Condition?{query}")
    assert bundle["total"] == PATIENTS
    assert "entry" not in bundle


def test_elements_mark_matches_and_includes(bundles: Bundles) -> None:
    """Every resource that is cut down is tagged; the outcome entry is not a resource of ours."""
    bundle = bundles.get("/fhir/Encounter?_elements=status&_include=Encounter:subject&_count=2")
    for entry in bundle["entry"]:
        assert entry["resource"]["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert set(bundle["entry"][0]["resource"]) == {"resourceType", "id", "meta", "status", "class"}


def test_no_match_is_a_bundle(bundles: Bundles) -> None:
    """An empty result is 200 with total 0."""
    bundle = bundles.get("/fhir/Patient?family=Nobody")
    assert bundle["total"] == 0
    assert "entry" not in bundle
