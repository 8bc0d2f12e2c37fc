"""$merge, $unmerge, $same and $not-same: people decide who is who, with who and why, against every later sync."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fhir.resources.R4B.parameters import Parameters
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.identity.history import events_of
from gateway.identity.person import SYSTEM
from gateway.store import Store
from gateway.store.sql import SnapshotSql
from tests.gateway.interactions.conftest import outcome
from tests.gateway.interactions.people import PEOPLE, fill, record, served

ASHAS = [record(hospital, "asha") for hospital in ("north", "south", "east")]
TWIN, RAVI = record("south", "twin"), record("north", "ravi")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with served(tmp_path) as app:
        yield app


def told(**given: str) -> bytes:
    """Inputs, with who and why where nothing else is said; `other` as a reference."""
    listed: list[dict[str, Any]] = [
        {"name": name, "valueReference": {"reference": value}}
        if name == "other"
        else {"name": name, "valueString": value}
        for name, value in ({"who": "a.reviewer", "why": "the papers were seen"} | given).items()
        if value
    ]
    return orjson.dumps({"resourceType": "Parameters", "parameter": listed})


def post(client: FlaskClient, path: str, **given: str) -> TestResponse:
    return client.post(f"/fhir/{path}", data=told(**given), content_type="application/fhir+json")


def persons(client: FlaskClient, path: str, **given: str) -> list[str]:
    """The ids of the persons that there are after a decision."""
    response = post(client, path, **given)
    assert response.status_code == 200, response.data
    Parameters.model_validate_json(response.data)
    return [each["valueReference"]["reference"].removeprefix("Person/") for each in response.json["parameter"]]  # type: ignore[index]


def read(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(f"/fhir/{path}")
    assert response.status_code == 200, response.data
    return orjson.loads(response.data)


def person_of(client: FlaskClient, patient: str) -> str:
    """As the Patient says, as its Person says."""
    told = read(client, f"Patient/{patient}")
    (person,) = [each["value"] for each in told["identifier"] if each["system"] == SYSTEM]
    whole = read(client, f"Person/{person}")
    assert f"Patient/{patient}" in [each["target"]["reference"] for each in whole["link"]]
    mates = {f"Patient/{patient}", *(each["other"]["reference"] for each in told.get("link", ()))}
    assert mates == {each["target"]["reference"] for each in whole["link"]}
    return str(person)


def people(client: FlaskClient) -> list[str]:
    return [person_of(client, each) for each in (*ASHAS, TWIN, RAVI)]


def test_unmerge_undoes_merge(client: FlaskClient, store: Store, tmp_path: Path) -> None:
    """Every Patient has the person again that it had; also after the next sync."""
    before = people(client)
    asha, ravi = before[0], before[-1]
    (survivor,) = persons(client, f"Person/{asha}/$merge", other=f"Person/{ravi}")
    retired = ({asha, ravi} - {survivor}).pop()
    assert people(client) == [survivor, survivor, survivor, before[3], survivor]
    former = read(client, f"Person/{retired}")
    assert (former["active"], former["link"][0]["target"]["reference"]) == (False, f"Person/{survivor}")
    assert read(client, f"Patient?person={retired}")["total"] == 4
    golden = read(client, f"Person/{retired}/$golden")["parameter"][0]["resource"]
    assert golden["id"] == survivor
    assert set(persons(client, f"Person/{retired}/$unmerge")) == {asha, ravi}
    assert people(client) == before
    fill(store, tmp_path)
    assert people(client) == before


def test_not_the_same_survives_every_sync(client: FlaskClient, store: Store, tmp_path: Path) -> None:
    """Changed, deleted and returned: the two stay apart, and nobody is asked again."""
    asha = person_of(client, ASHAS[0])
    assert persons(client, f"Patient/{ASHAS[0]}/$not-same", other=f"Patient/{ASHAS[2]}")[0] == asha
    apart = person_of(client, ASHAS[2])
    assert apart != asha
    changed = {**PEOPLE, "east": [{**PEOPLE["east"][0], "phone": "98230 55555"}]}
    for rows in (changed, {**PEOPLE, "east": []}, PEOPLE):
        fill(store, tmp_path, rows)
    assert person_of(client, ASHAS[2]) == apart
    assert person_of(client, ASHAS[0]) == asha


def test_same_is_vouched_for(client: FlaskClient, store: Store, tmp_path: Path) -> None:
    """Twins that a reviewer knows to be one person are one, at the highest assurance; and apart again if not."""
    asha, twin = person_of(client, ASHAS[1]), person_of(client, TWIN)
    (one,) = persons(client, f"Patient/{ASHAS[1]}/$same", other=f"Patient/{TWIN}")
    assert person_of(client, TWIN) == person_of(client, ASHAS[0]) == one
    vouched = {each["target"]["reference"]: each["assurance"] for each in read(client, f"Person/{one}")["link"]}
    assert {name for name, assurance in vouched.items() if assurance == "level4"} == {
        f"Patient/{ASHAS[1]}",
        f"Patient/{TWIN}",
    }
    fill(store, tmp_path)
    assert person_of(client, TWIN) == one
    # The twin goes alone: the others agree with the record that stays.
    parted = persons(client, f"Patient/{ASHAS[1]}/$not-same", other=f"Patient/{TWIN}", why="two cards were seen")
    assert parted == [one, person_of(client, TWIN)]
    assert [person_of(client, each) for each in ASHAS] == [one] * 3
    assert one == asha != twin
    with store.snapshot() as snapshot:
        events = events_of(SnapshotSql(snapshot, store.dialect), [TWIN])
    assert [(each.kind, each.actor, each.reason) for each in events[-2:]] == [
        ("confirm", "a.reviewer", "the papers were seen"),
        ("not-same", "a.reviewer", "two cards were seen"),
    ]


def test_what_is_refused_changes_nothing(client: FlaskClient) -> None:
    """Every refusal says why, with a status that says whose turn it is."""
    before = people(client)
    asha, twin, ravi = before[0], before[3], before[4]
    persons(client, f"Patient/{ASHAS[0]}/$not-same", other=f"Patient/{TWIN}")
    for path, given, status, code in (
        (f"Person/{asha}/$merge", {"other": f"Person/{ravi}", "who": ""}, 400, "invalid"),
        (f"Person/{asha}/$merge", {"other": f"Person/{ravi}", "why": "  "}, 400, "invalid"),
        (f"Person/{asha}/$merge", {"other": f"Person/{ravi}", "who": "sync"}, 400, "invalid"),
        (f"Person/{asha}/$merge", {"other": f"Person/{ravi}", "why": "x" * 1001}, 400, "invalid"),
        (f"Person/{asha}/$merge", {}, 400, "invalid"),
        (f"Person/{asha}/$merge", {"other": f"Patient/{RAVI}"}, 400, "invalid"),
        (f"Person/{asha}/$merge", {"other": "Person/nobody"}, 400, "invalid"),
        ("Person/nobody/$merge", {"other": f"Person/{ravi}"}, 404, "not-found"),
        (f"Person/{asha}/$merge", {"other": f"Person/{asha}"}, 409, "conflict"),
        (f"Person/{asha}/$merge", {"other": f"Person/{twin}"}, 409, "conflict"),
        (f"Person/{asha}/$unmerge", {}, 409, "conflict"),
        (f"Patient/{RAVI}/$same", {"other": f"Patient/{RAVI}"}, 409, "conflict"),
        (f"Patient/{RAVI}/$not-same", {"other": "Patient/nobody"}, 400, "invalid"),
        (f"Person/{asha}/$unmerge?who=a.reviewer&why=seen", {"who": "", "why": ""}, 400, "invalid"),
    ):
        response = post(client, path, **given)
        assert (response.status_code, outcome(response)["code"]) == (status, code), (path, given)
    by_form = client.post(f"/fhir/Person/{asha}/$unmerge", data={"who": "a.reviewer", "why": "seen"})
    assert by_form.status_code == 400
    assert client.get(f"/fhir/Person/{asha}/$merge").status_code == 405
    assert people(client) == before


def test_a_persons_record_is_merged_away_and_asked_for(client: FlaskClient) -> None:
    """Who is retired cannot be merged: the answer names the person that it is today."""
    before = people(client)
    persons(client, f"Person/{before[0]}/$merge", other=f"Person/{before[4]}")
    retired = ({before[0], before[4]} - {person_of(client, RAVI)}).pop()
    response = post(client, f"Person/{retired}/$merge", other=f"Person/{before[3]}")
    assert response.status_code == 409
    assert person_of(client, RAVI) in outcome(response)["diagnostics"]
