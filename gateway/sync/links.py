"""References between resources: literal while their target exists, logical (identifier and display) while it does not.

Knows no store. https://hl7.org/fhir/R4/references.html#logical
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from mappers.base import Resource

Target = tuple[str, str]
"""(type, id)"""

# Quotes within JSON texts are escaped, so this finds members named "reference" and nothing else.
_LITERAL = re.compile(rb'"reference":"(?:([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")?')
_ELSEWHERE = (b"", b"")


def targets(body: bytes) -> tuple[Target, ...]:
    """What the literal references of a body lead to, each once."""
    return all_targets(body)[0]


def all_targets(body: bytes) -> tuple[tuple[Target, ...], bool]:
    """The same, and whether that is all: a URL, a version or a contained resource is no target."""
    found = dict.fromkeys(_LITERAL.findall(body))
    is_all = _ELSEWHERE not in found
    found.pop(_ELSEWHERE, None)
    return tuple((kind.decode(), resource_id.decode()) for kind, resource_id in found), is_all


def detach(resource: Resource, missing: Collection[Target]) -> list[tuple[str, Target]]:
    """Make the references to missing targets logical; where they stand, as (path, target)."""
    detached = []
    for path, reference in _references(resource, ()):
        kind, _, resource_id = str(reference["reference"]).rpartition("/")
        if (kind, resource_id) in missing:
            del reference["reference"]
            reference["type"] = kind
            detached.append((path, (kind, resource_id)))
    return detached


def attach(resource: Resource, found: Iterable[tuple[str, Target]]) -> None:
    """Make logical references literal again where (path, target) says."""
    for path, (kind, resource_id) in found:
        place: Any = resource
        for step in path.split("."):
            place = place[int(step)] if isinstance(place, list) else place[step]
        rest = dict(place)
        place.clear()
        place.update({"reference": f"{kind}/{resource_id}", **rest})  # first, as mappers give it


def _references(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield ".".join(path), value
        for name, child in value.items():
            if isinstance(child, (dict, list)):
                yield from _references(child, (*path, name))
    elif isinstance(value, list):
        for place, child in enumerate(value):
            yield from _references(child, (*path, str(place)))
