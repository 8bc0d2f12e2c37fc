"""What the Provenance of a version of a resource says: who assembled it, when, and from which native row.

It is rendered for each answer from the row map and stored nowhere. Its id holds the type, id and version of its target:
when that changes it has another Provenance. The row map knows the mapper and the row of what is current; of a former
version it is known when it was made, and from which source.
https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import orjson

from gateway.bundles import instant
from gateway.search.included import Row
from gateway.store import Origin, Store
from mappers.fhir.elements import URN
from mappers.fhir.hospital import hospital_id
from mappers.fhir.profiles import claimed

PROVENANCE: Final = "Provenance"
_PARTICIPANTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_UUID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})")
_HEX = re.compile(r"([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")
_ID = re.compile(r"([A-Za-z]{1,32})\.(.{1,64})\.([1-9][0-9]{0,8})")
_KEYS: WeakKeyDictionary[Store, bytes] = WeakKeyDictionary()


class Target(NamedTuple):
    """One version of a resource."""

    type: str
    id: str
    version: int


def provenance_id(target: Target) -> str:
    """The id of the Provenance of a version. A UUID goes without its dashes: an id has 64 characters at most."""
    return f"{target.type}.{''.join(_parts(_UUID, target.id))}.{target.version}"


def target_of(provenance: str) -> Target | None:
    """The version that a Provenance is of, by its id."""
    found = _ID.fullmatch(provenance)
    return None if found is None else Target(found[1], "-".join(_parts(_HEX, found[2])), int(found[3]))


def _parts(pattern: re.Pattern[str], text: str) -> tuple[str | Any, ...]:
    found = pattern.fullmatch(text)
    return (text,) if found is None else found.groups()


def rendered(store: Store, resources: Sequence[tuple[str, str]]) -> list[Row]:
    """The Provenance of resources that live (type and id), in their order. Called inside the snapshot that has them."""
    ids: dict[str, list[str]] = {}
    for kind, resource_id in resources:
        ids.setdefault(kind, []).append(resource_id)
    known = {kind: store.origins(kind, some) for kind, some in ids.items()}
    hospitals = _hospitals(store, {origin.source for found in known.values() for origin in found.values()})
    key = _locator_key(store)
    made = []
    for kind, resource_id in resources:
        origin = known[kind][resource_id]
        assembler: dict[str, Any] = {"display": f"FHIR gateway {_version()}"}
        if origin.mapper is not None:
            assembler = {"identifier": {"system": f"{URN}:mapper", "value": origin.mapper}, **assembler}
        made.append(_row(Target(kind, resource_id, origin.version), origin, assembler, hospitals, key))
    return made


def rendered_former(store: Store, target: Target) -> Row | None:
    """The Provenance of a former version; None where there is no such version, or where it is a deletion."""
    stored, source = store.vread(*target), store.source_of(target.type, target.id)
    if stored is None or stored.body is None or source is None:
        return None
    origin = Origin(stored.version, stored.updated, source, stream=None, locator=None, mapper=None)
    return _row(target, origin, {"display": "FHIR gateway"}, _hospitals(store, {source}), _locator_key(store))


def _row(target: Target, origin: Origin, assembler: dict[str, Any], hospitals: dict[str, str], key: bytes) -> Row:
    body = orjson.dumps(_resource(target, origin, assembler, hospitals, key))
    return Row(PROVENANCE, provenance_id(target), origin.version, origin.updated, body)


def _resource(
    target: Target, origin: Origin, assembler: dict[str, Any], hospitals: dict[str, str], key: bytes
) -> dict[str, Any]:
    is_of_source = not origin.source.startswith(f"{URN}:")
    recorded = instant(origin.updated)
    made: dict[str, Any] = {
        "resourceType": PROVENANCE,
        "id": provenance_id(target),
        "meta": {
            "lastUpdated": recorded,
            "source": f"{URN}:source:{origin.source}" if is_of_source else origin.source,
        },
        "target": [{"reference": f"{target.type}/{target.id}/_history/{target.version}", "type": target.type}],
        "recorded": recorded,
        "agent": [{"type": _participant("assembler", "Assembler"), "who": assembler}],
    }
    if is_of_source:
        hospital = hospitals.get(origin.source)
        literal = {} if hospital is None else {"reference": f"Organization/{hospital}"}
        who = {**literal, "identifier": {"system": f"{URN}:source", "value": origin.source}, "display": origin.source}
        made["agent"].append({"type": _participant("custodian", "Custodian"), "who": who})
        made["entity"] = [{"role": "source", "what": _what(origin, key)}]
    return claimed(made)


def _what(origin: Origin, key: bytes) -> dict[str, Any]:
    """The native row; of what many rows tell together, the source alone."""
    if origin.stream is None or origin.locator is None:
        return {"display": origin.source}
    place, sign, native_key = origin.locator.partition("#")
    hashed = blake2b(native_key.encode(), digest_size=16, key=key).hexdigest() if sign else ""
    return {
        "identifier": {"system": f"{URN}:source:{origin.source}:locator", "value": f"{place}{sign}{hashed}"},
        "display": f"{origin.source}, {origin.stream}",
    }


def _hospitals(store: Store, sources: Iterable[str]) -> dict[str, str]:
    """The Organizations that are these sources' hospitals."""
    ids = {source: hospital_id(source) for source in sources}
    there = store.origins("Organization", list(ids.values()))
    return {source: found for source, found in ids.items() if found in there}


def _participant(code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": _PARTICIPANTS, "code": code, "display": display}]}


@cache
def _version() -> str:
    return version("fhir-gateway")


def _locator_key(store: Store) -> bytes:
    """Native keys are short: without a secret in their hash they could be tried out."""
    key = _KEYS.get(store)
    if key is None:
        key = _KEYS[store] = store.secret("locator")
    return key
