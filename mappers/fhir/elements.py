"""FHIR R4 data types as plain JSON: ids, references, identifiers, codings, quantities. Leaves out what is not there.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import orjson

from mappers.base import MappingContext, Resource

URN = "urn:fhir-gateway"
"""The root of our own URIs: identifier systems, tags, extensions."""

ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ABSENT_CODES = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
UCUM = "http://unitsofmeasure.org"

_NAMESPACE = UUID("6f7a3c52-5a0e-5c8e-9b0d-0f5b7d3f0a11").bytes
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""By the digit of the hash that a UUID's two bits of variant stand in."""


@lru_cache(maxsize=4096)
def resource_id(source: str, resource_type: str, stream: str, key: tuple[str, ...], role: str = "") -> str:
    """The UUIDv5 of source, type, stream, native key and role: the same in every run, never a native key in a URL."""
    name = orjson.dumps([source, resource_type, stream, *key, role])
    text = hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def resource(
    context: MappingContext,
    resource_type: str,
    stream: str,
    key: tuple[str, ...],
    role: str = "",
    *,
    tags: Iterable[str] = (),
    security: Iterable[dict[str, str]] = (),
) -> Resource:
    """The start of every resource: its type, id and meta with the source's badge."""
    source, badge = _source(context.source)
    meta: dict[str, Any] = {"source": source}
    if labels := list(security):
        meta["security"] = labels
    meta["tag"] = [badge, *map(tag, tags)]
    return {
        "resourceType": resource_type,
        "id": resource_id(context.source, resource_type, stream, key, role),
        "meta": meta,
    }


@cache
def _source(name: str) -> tuple[str, dict[str, str]]:
    """The URI of a source, and the tag that it gives."""
    return f"{URN}:source:{name}", {"system": f"{URN}:source", "code": name}


def tag(code: str) -> dict[str, str]:
    """One of the gateway's own tags: `defaulted`, `inferred`, `stale`, `dq-...`."""
    return {"system": f"{URN}:tag", "code": code}


def system_of(context: MappingContext, stream: str) -> str:
    """The identifier system of a stream's native keys."""
    return f"{URN}:source:{context.source}:{stream}"


def identifier(context: MappingContext, stream: str, value: str, type_code: str | None = None) -> dict[str, Any]:
    """A native key as an Identifier, with its HL7 v2-0203 type (MR, EI, SN ...) where there is one."""
    made: dict[str, Any] = {}
    if type_code:
        made["type"] = {"coding": [{"system": IDENTIFIER_TYPES, "code": type_code}]}
    made["system"] = system_of(context, stream)
    made["value"] = value
    return made


def reference(
    context: MappingContext,
    resource_type: str,
    stream: str,
    key: tuple[str, ...],
    role: str = "",
    *,
    display: str | None = None,
) -> dict[str, Any]:
    """A reference to another row's resource: literal and by identifier, so that it outlives a missing target."""
    made: dict[str, Any] = {
        "reference": f"{resource_type}/{resource_id(context.source, resource_type, stream, key, role)}",
        "type": resource_type,
        "identifier": {"system": system_of(context, stream), "value": "/".join(key)},
    }
    if display:
        made["display"] = display
    return made


def same_row(
    context: MappingContext, resource_type: str, stream: str, key: tuple[str, ...], role: str = ""
) -> dict[str, Any]:
    """A reference to a resource of the same row: it comes and goes with it."""
    return {"reference": f"{resource_type}/{resource_id(context.source, resource_type, stream, key, role)}"}


def absent(reason: str = "unknown") -> dict[str, Any]:
    """An element that FHIR wants and the store does not have. https://hl7.org/fhir/R4/extension-data-absent-reason.html"""
    return {"extension": [{"url": ABSENT_REASON, "valueCode": reason}]}


def absent_coding(reason: str = "unknown") -> dict[str, str]:
    """The same as a Coding, where the binding allows one."""
    return {"system": ABSENT_CODES, "code": reason}


def extension(name: str, **value: Any) -> dict[str, Any]:
    """One of the gateway's own extensions: `extension("payment-method", valueString="UPI")`."""
    return {"url": f"{URN}:{name}", **value}


def coding(system: str, code: str, display: str | None = None) -> dict[str, str]:
    """A Coding."""
    made = {"system": system, "code": code}
    if display:
        made["display"] = display
    return made


def coded(text: str | None, *codings: dict[str, Any] | None) -> dict[str, Any]:
    """A CodeableConcept of the native word and what codings there are."""
    made: dict[str, Any] = {}
    if found := [each for each in codings if each]:
        made["coding"] = found
    if text:
        made["text"] = text
    return made


def text(value: str) -> dict[str, str]:
    """A CodeableConcept that is the native word and nothing else."""
    return {"text": value}


def quantity(value: Decimal, unit: str, ucum: str) -> dict[str, Any]:
    """A Quantity in a UCUM unit."""
    return {"value": value, "unit": unit, "system": UCUM, "code": ucum}


def money(value: Decimal, currency: str | None) -> dict[str, Any]:
    """Money; without a currency where neither the store nor the configuration says one."""
    return {"value": value, "currency": currency} if currency else {"value": value}


def telecom(phone: str | None = None, email: str | None = None) -> list[dict[str, str]]:
    """ContactPoints, as they stand in the store."""
    made = []
    if phone:
        made.append({"system": "phone", "value": phone})
    if email:
        made.append({"system": "email", "value": email})
    return made


def chosen(**elements: Any) -> dict[str, Any]:
    """The elements that are there: None, "" and empty lists and objects are left out."""
    return {name: value for name, value in elements.items() if value is not None and value not in ("", [], {})}
