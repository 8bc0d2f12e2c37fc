"""Examples out of the golden files of the mappers: a value to ask each search parameter for, a resource of each type.

Written by a test from the golden files; a parameter of which they hold nothing has a general example.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from gateway.search.parameter_types.composite import parts as composite_parts
from gateway.search.parameters import SearchParameter

OF_ALL_TYPES: Final = {
    "_lastUpdated": "ge2026-01-01",
    "_source": "urn:fhir-gateway:source:his_a",
    "_tag": "urn:fhir-gateway:source|his_a",
}
"""What depends on a server's sources and not on the type; these are of the demo."""
_BY_TYPE: Final = {
    "string": "Smith",
    "token": "active",
    "reference": "7b1c6b2e-0000-5000-8000-000000000000",
    "date": "ge2025-01-01",
    "number": "gt5",
    "quantity": "gt5.4",
    "uri": "urn:fhir-gateway:source:his_a",
}


def example(parameter: SearchParameter) -> str:
    """A value to search by."""
    return (
        OF_ALL_TYPES.get(parameter.code)
        or examples().get((parameter.resource_type, parameter.code))
        or _general(parameter)
    )


@cache
def examples() -> dict[tuple[str, str], str]:
    """What the table has, by resource type and code."""
    lines = files(__package__).joinpath("examples.csv").read_text(encoding="utf-8").splitlines()
    return {(row["resource_type"], row["code"]): row["example"] for row in csv.DictReader(lines)}


@cache
def resources() -> dict[str, dict[str, Any]]:
    """A resource by its type, of those that the golden files hold."""
    lines = files(__package__).joinpath("examples.ndjson").read_text(encoding="utf-8").splitlines()
    return {each["resourceType"]: each for each in map(orjson.loads, lines)}


def _general(parameter: SearchParameter) -> str:
    if parts := composite_parts(parameter):
        return "$".join(example(part) for part in parts)
    return "true" if parameter.datatypes == ("boolean",) else _BY_TYPE[parameter.type]
