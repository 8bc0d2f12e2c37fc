"""Person/{id}/$golden: one value where a person's records disagree, and for each value whose it is and why it survived.

An operation of the gateway's own. The golden record is worked out when it is asked for; the records stay as they are.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateway.identity.person import SOURCE, SYSTEM
from gateway.identity.survivorship import Survived, Told, survivors
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import answered, inputs
from gateway.outcomes import Gone, NotFound
from gateway.store import Store

DEFINITION: Final = "urn:fhir-gateway:OperationDefinition:Person-golden"


def golden(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `GET [base]/Person/[id]/$golden`. A person that was merged into another one is that one today."""
    inputs(request, ())
    with services.store.snapshot():
        person = _person(services.store, resource_type, resource_id)
        patients = [
            orjson.loads(stored.body)
            for link in person["link"]
            if (stored := services.store.read(*link["target"]["reference"].split("/"))) and stored.body
        ]
    found = survivors(patients)
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "id": person["id"],
        "meta": {"source": SOURCE},
        "identifier": [
            {"system": SYSTEM, "value": person["id"]},
            *(each for patient in patients for each in patient["identifier"] if each.get("system") != SYSTEM),
        ],
        "link": [{"other": {"reference": f"Patient/{patient['id']}"}, "type": "seealso"} for patient in patients],
    }
    for each in found:
        each.into(made)
    listed: list[dict[str, Any]] = [{"name": "golden", "resource": made}, *map(_survived, found)]
    return answered({"resourceType": "Parameters", "parameter": listed})


def _person(store: Store, resource_type: str, resource_id: str) -> dict[str, Any]:
    stored = store.read(resource_type, resource_id)
    if stored is None:
        raise NotFound(f"there is no {resource_type} with this id")
    if stored.body is None:
        raise Gone(f"this {resource_type} was deleted")
    person: dict[str, Any] = orjson.loads(stored.body)
    return person if person["active"] else _person(store, *person["link"][0]["target"]["reference"].split("/"))


def _survived(each: Survived) -> dict[str, Any]:
    """The rule of an element, and the Patients behind each of its values."""
    parts: list[dict[str, Any]] = [
        {"name": "element", "valueString": each.rule.element},
        {"name": "rule", "valueCode": each.rule.name},
        {"name": "why", "valueString": each.rule.why},
    ]
    parts += [{"name": "value", "part": _sources(told)} for told in each.told]
    return {"name": "survivorship", "part": parts}


def _sources(told: Told) -> list[dict[str, Any]]:
    return [{"name": "source", "valueReference": {"reference": f"Patient/{patient}"}} for patient in told.by]
