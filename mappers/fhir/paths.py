"""What a resource states, element by element: `Patient.name.family`, `Observation.value[x]`, `Claim.item.net`.

A path ends at a data type, except that names, addresses and meta are told by their parts; an extension is told by the
end of its URL: `Patient.extension:shift`. https://hl7.org/fhir/R4/element-definitions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from mappers.base import Resource
from mappers.fhir.definitions import elements
from mappers.fhir.elements import ABSENT_CODES, ABSENT_REASON

_PARTED = {"HumanName", "Address", "Meta"}


class _Part(NamedTuple):
    label: str
    inside: str | None
    """The type that is gone into."""


def stated(resource: Resource) -> Iterator[tuple[str, Any]]:
    """The path and value of each element, repeated ones as often as they stand there."""
    name = resource["resourceType"]
    return _stated(resource, name, name)


def required(resource_type: str) -> tuple[str, ...]:
    """The paths of the top-level elements with a minimum of 1."""
    parts = _parts(resource_type)
    found = (parts[each.name].label for each in elements(resource_type) if each.required)
    return tuple(f"{resource_type}.{label}" for label in dict.fromkeys(found))


def is_absent(value: Any) -> bool:
    """Whether a value says no more than that there is none. https://hl7.org/fhir/R4/extension-data-absent-reason.html"""
    if not isinstance(value, dict):
        return value is None
    if any(each.get("url") == ABSENT_REASON for each in value.get("extension", ())):
        return True
    codings = value.get("coding", ()) if "text" not in value else ()
    return value.get("system") == ABSENT_CODES or any(each.get("system") == ABSENT_CODES for each in codings)


@cache
def _parts(type_name: str) -> Mapping[str, _Part]:
    """The elements of a type by their JSON names."""
    made = {}
    for element in elements(type_name):
        is_backbone = element.kind.startswith(type_name) and element.kind != type_name
        inside = element.kind if is_backbone or element.kind in _PARTED else None
        made[element.name] = _Part(f"{element.choice}[x]" if element.choice else element.name, inside)
    return made


def _stated(value: Mapping[str, Any], type_name: str, path: str) -> Iterator[tuple[str, Any]]:
    parts = _parts(type_name)
    for name, found in value.items():
        part = parts.get(name.removeprefix("_"))
        if part is None:  # resourceType
            continue
        for each in found if isinstance(found, list) else (found,):
            if part.inside and isinstance(each, dict):
                yield from _stated(each, part.inside, f"{path}.{part.label}")
            elif name == "extension":
                yield f"{path}.extension:{each['url'].rpartition('/')[2].rpartition(':')[2]}", each
            else:
                yield f"{path}.{part.label}", each
