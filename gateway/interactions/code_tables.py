"""What the terminology operations share: the tables by their names, and the codings that a client asks about.

The tables are answered from as the program has them; the store has the same, for reads and searches.
https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gateway.interactions.inputs import one_of, required
from gateway.outcomes import InvalidParameter, NotFound
from mappers.base import Resource
from mappers.terminology import folded
from mappers.terminology.resources import code_systems

MOST_CODINGS = 100
"""Of one CodeableConcept."""


class Asked(NamedTuple):
    """A coding that a client asks about."""

    system: str | None
    code: str
    display: str | None


def by_id(tables: tuple[Resource, ...], resource_type: str, resource_id: str) -> Resource:
    """The table of an instance. Raises NotFound."""
    found = next((each for each in tables if each["id"] == resource_id), None)
    if found is None:
        raise NotFound(f"there is no {resource_type} with this id")
    return found


def by_url(tables: tuple[Resource, ...], parameter: str, url: str) -> Resource:
    """The table of a canonical URL. Raises NotFound."""
    found = next((each for each in tables if each["url"] == url), None)
    if found is None:
        raise NotFound(f"{parameter}: there is none with this URL here", expression=f"http.{parameter}")
    return found


def asked_codings(
    given: Mapping[str, Any],
    names: Sequence[str] = ("code", "coding", "codeableConcept"),
    *,
    system_known: bool = False,
) -> list[Asked]:
    """The codings of the one of `names` that is given; with their systems, unless the system is known anyway.

    The display and the system of a `code` are inputs of their own. Raises InvalidParameter.
    """
    name = one_of(given, *names)
    if name == "code":
        system = given.get("system") if system_known else required(given, "system")
        return [Asked(system, given["code"], given.get("display"))]
    listed = [given["coding"]] if name == "coding" else given["codeableConcept"].get("coding")
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_CODINGS:
        raise InvalidParameter(name, f"has to have 1 to {MOST_CODINGS} codings")
    asked = [_coding(name, each) for each in listed]
    if not system_known and any(each.system is None for each in asked):
        raise InvalidParameter(name, "has a coding without a system")
    return asked


def concepts(system: Resource) -> dict[str, dict[str, Any]]:
    """The concepts of a CodeSystem by code."""
    return {each["code"]: each for each in system["concept"]}


def concept(system: Resource, code: str) -> dict[str, Any] | None:
    """A concept, by a native word in any of its spellings, or by an exact code."""
    return concepts(system).get(folded(code) if system.get("caseSensitive") is False else code)


def system_of(url: str) -> Resource | None:
    """A CodeSystem by its URL."""
    return next((each for each in code_systems() if each["url"] == url), None)


def display_of(found: Mapping[str, Any]) -> str:
    """The display of a concept; a native word is its own."""
    text: str = found.get("display", found["code"])
    return text


def _coding(name: str, coding: Any) -> Asked:
    if not isinstance(coding, dict):
        raise InvalidParameter(name, "has a coding that is none")
    system, code, display = coding.get("system"), coding.get("code"), coding.get("display")
    if not isinstance(code, str) or not isinstance(system, str | None) or not isinstance(display, str | None):
        raise InvalidParameter(name, "has a coding without a code, or with something else than texts")
    return Asked(system, code, display)
