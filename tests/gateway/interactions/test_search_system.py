"""search-system: https://hl7.org/fhir/R4/http.html#search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.gateway.interactions.conftest import Bundles, link, outcome
from tests.gateway.interactions.served import create, everything, patient, replace, served


def addresses(pages: list[dict[str, Any]]) -> list[str]:
    """The matches in their order."""
    return [
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for page in pages
        for entry in page.get("entry", [])
        if entry["search"]["mode"] == "match"
    ]


def one_by_one(bundles: Bundles, types: str, query: str) -> set[str]:
    """What searches of each type find."""
    found: set[str] = set()
    for each in types.split(","):
        found |= set(addresses(bundles.walk(f"/fhir/{each}?_count=200&{query}")))
    return found


SEARCHES = [
    ("Patient,Encounter,Organization", ""),
    ("Organization,Practitioner", ""),
    ("Patient,Encounter,Organization", "_sort=_id"),
    ("Patient,Encounter,Organization", "_sort=-_id"),
    ("Condition,Encounter", "_sort=-_lastUpdated,_id"),
    ("Patient,Practitioner", "_sort=family,-_id"),
    ("Patient,Practitioner", "_sort=-name"),
    ("Encounter,Condition", "patient=Patient/patient-3"),
    ("Encounter,Condition", "patient=Patient/patient-3&_sort=-_id"),
    ("Encounter,Condition,Observation", "patient.gender=female&_sort=_id"),
    ("Patient,Encounter", "_source=urn:fhir-gateway:source:test&_sort=_id"),
    ("Patient,Practitioner", "name=smith,doctor"),
]


@pytest.mark.parametrize(("types", "query"), SEARCHES)
@pytest.mark.parametrize("count", [7, 250])
def test_pages_hold_what_the_types_hold_once(bundles: Bundles, types: str, query: str, count: int) -> None:
    """The same matches as searches of each type, in one order; walked back they are the same pages."""
    pages = bundles.walk(f"/fhir?_type={types}&{query}&_count={count}")
    found = addresses(pages)
    assert len(found) == len(set(found)) == pages[0]["total"]
    assert set(found) == one_by_one(bundles, types, query)
    assert all(page["entry"] for page in pages)
    back = [pages[-1]]
    while previous := link(back[0], "previous"):
        back.insert(0, bundles.get(previous))
    assert addresses(back) == found


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("_id", lambda each: each["id"]),
        ("_lastUpdated", lambda each: each["meta"]["lastUpdated"]),
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_types_are_sorted_among_each_other(bundles: Bundles, sort: str, key: Any, sign: str) -> None:
    """Not one type after the other."""
    pages = bundles.walk(f"/fhir?_type=Patient,Encounter,Condition&_sort={sign}{sort}&_count=100")
    keys = [key(entry["resource"]) for page in pages for entry in page["entry"]]
    assert keys == sorted(keys, reverse=bool(sign))


def test_all_types_without_a_type(bundles: Bundles) -> None:
    """Everything there is."""
    pages = bundles.walk("/fhir?_count=200&_elements=id")
    there = {f"{each['resourceType']}/{each['id']}" for each in everything()} - {"Patient/gone"}
    assert there <= set(addresses(pages))
    assert pages[0]["total"] == len(addresses(pages))


def test_links_say_the_types(bundles: Bundles) -> None:
    """`self` says what was honoured."""
    page = bundles.get("/fhir?_type=Patient,Encounter&_count=2&_id=patient-1,visit-1-1")
    assert link(page, "self") == "http://localhost/fhir?_type=Patient,Encounter&_count=2&_id=patient-1,visit-1-1"
    assert page["total"] == 2


def test_the_same_by_a_form(client: FlaskClient, bundles: Bundles) -> None:
    """`POST [base]/_search`, and the same address by GET."""
    form = {"_type": "Encounter,Condition", "patient": "Patient/patient-3", "_summary": "count"}
    assert client.post("/fhir/_search", data=form).json["total"] == 3
    assert client.get("/fhir/_search", query_string=form).json["total"] == 3


def test_what_no_type_knows_is_reported(client: FlaskClient, bundles: Bundles) -> None:
    """As in a search of one type."""
    page = bundles.get("/fhir?_type=Patient,Encounter&colour=green&_count=1")
    assert page["entry"][-1]["search"]["mode"] == "outcome"
    strict = client.get("/fhir?_type=Patient,Encounter&colour=green", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("_type=Starship", "_type"),
        ("_type=", "_type"),
        ("_type=Patient&_type=Encounter", "_type"),
        ("_type=Patient,Encounter&gender=male", "gender"),
        ("_type=Encounter,Patient&gender=male", "gender"),
        ("gender=male", "gender"),
        ("_type=Patient,Encounter&_sort=birthdate", "_sort"),
        ("_type=Patient,Encounter&_include=Encounter:subject", "_include"),
        ("_type=Patient,Encounter&_revinclude:iterate=Encounter:subject", "_revinclude:iterate"),
        ("_type=Patient,Encounter&_cursor=x", "_cursor"),
        ("_type=Patient,Encounter&_lastUpdated=junk", "_lastUpdated"),
    ],
)
def test_what_it_refuses(client: FlaskClient, query: str, parameter: str) -> None:
    """A filter holds for all types or is refused, also when lenient: never for some of them only."""
    response = client.get(f"/fhir?{query}")
    assert response.status_code == 400
    assert outcome(response)["expression"] == [f"http.{parameter}"]


def test_a_cursor_belongs_to_its_types(client: FlaskClient, bundles: Bundles) -> None:
    """It does not open for other types."""
    following = link(bundles.get("/fhir?_type=Patient,Encounter&_count=2"), "next")
    assert following is not None
    assert client.get(following.replace("Patient,Encounter", "Patient,Condition")).status_code == 400


@pytest.mark.parametrize("sort", ["", "&_sort=-_id", "&_sort=-_lastUpdated"])
def test_pages_are_exact_while_others_write(tmp_path: Path, sort: str) -> None:
    """What is there and unchanged throughout is neither lost nor repeated."""
    with served(tmp_path) as app:
        bundles, store = Bundles(app.test_client()), app.extensions["fhir_gateway"].store
        page = bundles.get(f"/fhir?_type=Patient,Encounter,Organization&_count=40{sort}")
        seen, number = addresses([page]), 0
        while following := link(page, "next"):
            with store.writer() as writer, writer.batch():
                number += 1
                create(writer, [{**patient(number), "id": f"new-{number}-{side}"} for side in ("0", "z")])
                replace(writer, {**patient(number), "active": False})
            page = bundles.get(following)
            seen += addresses([page])
    unchanged = {f"{each['resourceType']}/{each['id']}" for each in everything()}
    unchanged = {each for each in unchanged if each.startswith(("Encounter", "Organization", "Patient"))}
    unchanged -= {f"Patient/patient-{each}" for each in range(number + 1)} | {"Patient/gone"}
    assert number > 5
    assert len([each for each in seen if each in unchanged]) == len(unchanged)
    assert unchanged <= set(seen)
