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
    "uri": {"type": "string", "format": "uri-reference"},
}
"""Dates are plain text here: FHIR's may be partial, which `format: date` forbids; its URIs may be relative."""
_SHARED = ("Meta", "Reference", "Identifier", "CodeableConcept", "Coding", "Period")


def type_schema(resource_type: str) -> Json:
    """A resource type: its top-level elements."""
    made = _object(elements(resource_type))
    made["properties"] = {"resourceType": {"const": resource_type}} | made["properties"]
    made["required"] = ["resourceType", *made.get("required", ())]
    return {"description": f"https://hl7.org/fhir/R4/{resource_type.lower()}.html", **made}


def fixed_schemas() -> Json:
    """What every interaction shares."""
    named = (*SERVED_TYPES, *RENDERED_TYPES, "Bundle", "CapabilityStatement")
    served = [{"$ref": f"#/components/schemas/{name}"} for name in named]
    outcome = {"$ref": "#/components/schemas/OperationOutcome"}
    text, instant = {"type": "string"}, {"type": "string", "format": "date-time"}
    entry: Json = {
        "type": "object",
        "properties": {
            "fullUrl": text,
            "resource": {"anyOf": [*served, outcome]},
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
        "Parameters": {
            "type": "object",
            "required": ["resourceType"],
            "properties": {
                "resourceType": {"const": "Parameters"},
                "parameter": {
                    "type": "array",
                    "items": {"type": "object", "required": ["name"], "properties": {"name": text}},
                },
            },
        },
        "CapabilityStatement": {
            "type": "object",
            "required": ["resourceType", "status", "date", "kind", "fhirVersion", "format"],
            "properties": {"resourceType": {"const": "CapabilityStatement"}},
        },
        "TerminologyCapabilities": {
            "type": "object",
            "required": ["resourceType", "status", "date", "kind"],
            "properties": {"resourceType": {"const": "TerminologyCapabilities"}},
        },
        **{name: _object(elements(name)) for name in _SHARED},
    }


def _object(listed: tuple[Element, ...]) -> Json:
    # A primitive may be absent behind a `_name` that says why; a choice has several names.
    required = [each.name for each in listed if each.required and not each.primitive and each.choice is None]
    made: Json = {"type": "object", "properties": {each.name: _value(each) for each in listed}}
    return made | {"required": required} if required else made


def _value(element: Element) -> Json:
    if element.kind in _SHARED:
        one: Json = {"$ref": f"#/components/schemas/{element.kind}"}
    elif element.primitive:
        one = dict(_PRIMITIVES.get(element.kind, {"type": "string"}))
        if element.codes:
            one["enum"] = list(element.codes)
    else:
        one = {"type": "object", "title": element.kind}
    return {"type": "array", "items": one} if element.many else one
