"""Patient/$ihe-pix: the identifiers by which other domains know the person that one identifier names.

A domain is an identifier system: each hospital's, and the gateway's own (`urn:fhir-gateway:person`).
https://profiles.ihe.net/ITI/PIXm/ITI-83.html
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateway.identity.person import SYSTEM
from gateway.identity.roster import Roster
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, answered, inputs, required
from gateway.outcomes import ForbiddenDomain, InvalidParameter, NotFound, UnknownDomain
from gateway.search.parameter_types.terms import split
from gateway.search.query import search
from gateway.search.request import MAX_COUNT, parse
from gateway.store import Store
from gateway.store.sql import SnapshotSql

INPUTS: Final = (
    Input(
        "sourceIdentifier",
        "text",
        "An identifier of the person, as `system|value`.",
        "urn:fhir-gateway:source:his_a:patients|81f91df9",
    ),
    Input("targetSystem", "text", "Only identifiers of this system.", SYSTEM),
)
DEFINITION: Final = "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix"


def ihe_pix(request: FhirRequest, services: Services, *, resource_type: str) -> FhirResponse:
    """Answer `GET [base]/Patient/$ihe-pix`."""
    given = inputs(request, INPUTS)
    source = _identifier(required(given, "sourceIdentifier"))
    target = given.get("targetSystem")
    with services.store.snapshot() as snapshot:
        domains = {SYSTEM, *Roster(SnapshotSql(snapshot, services.store.dialect)).domains()}
    if source[0] not in domains:
        raise UnknownDomain("sourceIdentifier: no Patient has identifiers of this system")
    if target is not None and target not in domains:
        raise ForbiddenDomain("targetSystem: no Patient has identifiers of this system")
    named = _patients(services.store, request.base_url, [source])
    if not named:
        raise NotFound("sourceIdentifier: no Patient has this identifier")
    persons = sorted({own for patient in named for own in _identifiers(patient) if own[0] == SYSTEM})
    patients = _patients(services.store, request.base_url, persons)
    return answered({"resourceType": "Parameters", **_parameters(patients, source, target)})


def _identifier(text: str) -> tuple[str, str]:
    parts = split(text, "|")
    if len(parts) != 2 or not all(parts):
        raise InvalidParameter("sourceIdentifier", "is not an identifier as system|value")
    return parts[0], parts[1]


def _patients(store: Store, base: str, identifiers: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The Patients with any of these identifiers."""
    wanted = ",".join(f"{_escaped(system)}|{_escaped(value)}" for system, value in identifiers)
    asked = [("identifier", wanted), ("_count", str(MAX_COUNT)), ("_total", "none")]
    found = search(store, parse("Patient", asked, strict=True, base=base))
    return [orjson.loads(row.body) for row in found.matches]


def _escaped(text: str) -> str:
    for mark in "\\,|$":
        text = text.replace(mark, f"\\{mark}")
    return text


def _identifiers(patient: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["system"], each["value"]) for each in patient["identifier"] if "system" in each and "value" in each]


def _parameters(patients: list[dict[str, Any]], source: tuple[str, str], target: str | None) -> dict[str, Any]:
    """The identifiers, each once, and the Patients that have one; nothing where there are none."""
    identifiers: dict[tuple[str, str], None] = {}
    ids = []
    for patient in patients:
        told = [own for own in _identifiers(patient) if own != source and target in (None, own[0])]
        identifiers |= dict.fromkeys(told)
        if any(system != SYSTEM for system, _ in told):
            ids.append(patient["id"])
    listed: list[dict[str, Any]] = [
        {"name": "targetIdentifier", "valueIdentifier": {"system": system, "value": value}}
        for system, value in identifiers
    ]
    listed += [{"name": "targetId", "valueReference": {"reference": f"Patient/{each}"}} for each in ids]
    return {"parameter": listed} if listed else {}
