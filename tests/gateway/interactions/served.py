"""A small world behind a real store and index: what the tests of the API are answered from.

150 patients with two encounters and a condition each, one hospital, three practitioners; `patient-0` has three
versions, `gone` was deleted. The gateway's own code tables are there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask

from gateway.app import create_app
from gateway.identity.tables import TABLES
from gateway.search.index import index_rows, write
from gateway.settings import Settings
from gateway.store import Store, Writer
from gateway.sync.content import content
from mappers.terminology.resources import resources

PATIENTS = 150
FAMILIES = ("Smith", "Smythe", "Jones", "Müller", "Okafor")
HOSPITAL = "urn:fhir-gateway:source:test"


def patient(number: int) -> dict[str, Any]:
    family = FAMILIES[number % len(FAMILIES)]
    return {
        **_head("Patient", f"patient-{number}"),
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A patient</div>'},
        "identifier": [{"system": f"{HOSPITAL}:patients", "value": f"MR{number:04}"}],
        "active": True,
        "name": [{"family": family, "given": [f"Given{number}"]}],
        "gender": "female" if number % 2 else "male",
        "birthDate": f"{1950 + number % 50}-0{1 + number % 9}-11",
        "multipleBirthInteger": 2,
        "managingOrganization": {"reference": "Organization/hospital"},
    }


def organization() -> dict[str, Any]:
    return {**_head("Organization", "hospital"), "name": "St. Anna"}


def practitioner(number: int) -> dict[str, Any]:
    return {**_head("Practitioner", f"doctor-{number}"), "name": [{"family": f"Doctor{number}"}]}


def encounter(number: int, visit: int) -> dict[str, Any]:
    return {
        **_head("Encounter", f"visit-{number}-{visit}"),
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/patient-{number}"},
        "participant": [{"individual": {"reference": f"Practitioner/doctor-{number % 3}"}}],
        "period": {"start": f"202{visit}-03-0{1 + number % 9}"},
    }


def condition(number: int) -> dict[str, Any]:
    return {
        **_head("Condition", f"condition-{number}"),
        "code": {"text": "Asthma"},
        "subject": {"reference": f"Patient/patient-{number}"},
        "encounter": {"reference": f"Encounter/visit-{number}-1"},
    }


def observation() -> dict[str, Any]:
    return {
        **_head("Observation", "height"),
        "status": "unknown",
        "code": {"text": "Body height"},
        "subject": {"reference": "Patient/patient-0"},
        "valueQuantity": {"value": Decimal("1.50"), "unit": "m"},
    }


def everything() -> list[dict[str, Any]]:
    return [
        organization(),
        *(practitioner(number) for number in range(3)),
        *(patient(number) for number in range(PATIENTS)),
        *(encounter(number, visit) for number in range(PATIENTS) for visit in (1, 2)),
        *(condition(number) for number in range(PATIENTS)),
        observation(),
        {**patient(PATIENTS), "id": "gone"},
        *resources(),
    ]


def fill(store: Store) -> None:
    """Write the world: its first versions, two changes of patient-0 and a deletion, each in its own batch."""
    with store.writer() as writer:
        with writer.batch():
            pks = create(writer, everything())
        for gender in ("other", "unknown"):
            with writer.batch():
                replace(writer, {**patient(0), "gender": gender})
        with writer.batch():
            gone = pks["gone"]
            writer.delete([gone])
            write(writer.connection, [], [gone])


@contextmanager
def served(folder: Path) -> Iterator[Flask]:
    """The server over the world in an SQLite file."""
    url = f"sqlite:///{folder / 'gateway.db'}"
    with Store.open(url, extra=TABLES) as store:
        fill(store)
    app = create_app(Settings(file=folder / "gateway.toml", store=url))
    try:
        yield app
    finally:
        app.extensions["fhir_gateway"].store.close()


def _head(resource_type: str, resource_id: str) -> dict[str, Any]:
    tag = {"system": "urn:fhir-gateway:source", "code": "test"}
    return {"resourceType": resource_type, "id": resource_id, "meta": {"source": HOSPITAL, "tag": [tag]}}


def create(writer: Writer, resources: Sequence[dict[str, Any]]) -> dict[str, int]:
    pks = writer.create("test", [content(resource) for resource in resources])
    write(writer.connection, [(pk, index_rows(each)) for pk, each in zip(pks, resources, strict=True)], [])
    return {each["id"]: pk for pk, each in zip(pks, resources, strict=True)}


def replace(writer: Writer, resource: dict[str, Any]) -> None:
    (current,) = writer.current([(resource["resourceType"], resource["id"])]).values()
    writer.replace([(current, content(resource))])
    write(writer.connection, [(current.pk, index_rows(resource))], [current.pk])
