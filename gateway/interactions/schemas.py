"""The schemas of `openapi.yaml`: enough to generate a client from, not a validator.

Elements, cardinalities and codes come from the definitions that the mappers are checked against.
https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from typing import Any

from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES
from mappers.fhir.definitions import Element, elements

Json = dict[str, Any]

_PRIMITIVES: dict[str, Json] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "positiveInt": {"type": "integer", "minimum": 1},
    "unsignedInt": {"type": "integer", "minimum": 0},
    "decimal": {"type": "number"},
    "instant": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "pattern": r"^\d{4}(-\d\d(-\d\d)?)?$"},
    "dateTime": {
        "type": "string",
        "pattern": r"^\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?$",
    },
    "time": {"type": "string", "pattern": r"^\d\d:\d\d:\d\d(\.\d+)?$"},
    "id": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
    "uri": {"type": "string", "format": "uri-reference"},
}
"""FHIR's dates may be partial, which `format: date` forbids; its URIs may be relative."""


def schemas() -> Json:
    """Every schema by name: the types that are served, what interactions answer with, and all that is in these."""
    found = _fixed_schemas()
    wanted = [*SERVED_TYPES, *RENDERED_TYPES, "Parameters", "CapabilityStatement", "TerminologyCapabilities"]
    for name in wanted:
        found[name] = _type_schema(name)
    left = [*wanted, "Meta"]
    while left:
        for each in elements(left.pop()):
            if not each.primitive and each.kind not in found:
                found[each.kind] = _object(elements(each.kind))
                left.append(each.kind)
    return found


def _type_schema(resource_type: str) -> Json:
    """A resource type."""
    made = _object(elements(resource_type))
    made["properties"] = {"resourceType": {"const": resource_type}} | made["properties"]
    made["required"] = ["resourceType", *made.get("required", ())]
    return {"description": f"https://hl7.org/fhir/R4/{resource_type.lower()}.html", **made}


def _fixed_schemas() -> Json:
    """What every interaction shares, in the shape that this server gives it."""
    outcome = {"$ref": "#/components/schemas/OperationOutcome"}
    text, instant = {"type": "string"}, {"type": "string", "format": "date-time"}
    resource = {"$ref": "#/components/schemas/Resource"}
    entry: Json = {
        "type": "object",
        "properties": {
            "fullUrl": text,
            "resource": resource,
            "search": {
                "type": "object",
                "properties": {"mode": {"type": "string", "enum": ["match", "include", "outcome"]}},
            },
            "request": {
                "type": "object",
                "required": ["method", "url"],
                "properties": {"method": text, "url": text, "ifNoneMatch": text, "ifModifiedSince": instant},
            },
            "response": {
                "type": "object",
                "required": ["status"],
                "properties": {"status": text, "etag": text, "lastModified": instant, "outcome": outcome},
            },
        },
    }
    link = {
        "type": "object",
        "properties": {"relation": {"type": "string", "enum": ["self", "first", "previous", "next"]}, "url": text},
    }
    issue: Json = {
        "type": "object",
        "required": ["severity", "code"],
        "properties": {
            "severity": {"type": "string", "enum": ["fatal", "error", "warning", "information"]},
            "code": text,
            "diagnostics": text,
            "expression": {"type": "array", "items": text},
        },
    }
    return {
        # An extension may hold every data type: with all of them, Swagger UI does not come to an end.
        "Extension": {
            "type": "object",
            "required": ["url"],
            "properties": {"url": text} | {each.name: _value(each) for each in elements("Extension") if each.primitive},
        },
        "Resource": {
            "type": "object",
            "description": "One of the types below, as `resourceType` says.",
            "required": ["resourceType"],
            "properties": {"resourceType": text, "id": text, "meta": {"$ref": "#/components/schemas/Meta"}},
        },
        "OperationOutcome": {
            "type": "object",
            "required": ["resourceType", "issue"],
            "properties": {
                "resourceType": {"const": "OperationOutcome"},
                "issue": {"type": "array", "minItems": 1, "items": issue},
            },
        },
        "Bundle": {
            "type": "object",
            "required": ["resourceType", "type"],
            "properties": {
                "resourceType": {"const": "Bundle"},
                "id": text,
                "meta": {"$ref": "#/components/schemas/Meta"},
                "type": {"type": "string", "enum": ["searchset", "history", "batch", "batch-response"]},
                "total": {"type": "integer", "minimum": 0},
                "link": {"type": "array", "items": link},
                "entry": {"type": "array", "items": entry},
            },
        },
    }


def _object(listed: tuple[Element, ...]) -> Json:
    # A primitive may be absent behind a `_name` that says why; a choice has several names.
    required = [each.name for each in listed if each.required and not each.primitive and each.choice is None]
    made: Json = {"type": "object", "properties": {each.name: _value(each) for each in listed}}
    return made | {"required": required} if required else made


def _value(element: Element) -> Json:
    if not element.primitive:
        one: Json = {"$ref": f"#/components/schemas/{element.kind}"}
    else:
        one = dict(_PRIMITIVES.get(element.kind, {"type": "string"}))
        if element.codes:
            one["enum"] = list(element.codes)
    return {"type": "array", "items": one} if element.many else one
