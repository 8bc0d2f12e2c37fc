"""`person`: what the records of one person have, in whichever hospital. A search parameter of the gateway's own.

It stands for a walk over the Person that links a person's Patients: `Encounter?person.name=x` for
`Encounter?patient:Patient._has:Person:patient:name=x`. A search without it finds only what contains what was asked for.
https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from gateway.search.parameter_types.terms import invalid, split, unescape
from gateway.search.parameters import SERVED_TYPES, SearchParameter, offered

SYSTEM: Final = "urn:fhir-gateway:person"
"""Of the enterprise identifier. A Person bears its own, and those of the persons that were merged into it."""
CODE: Final = "person"
_ID: Final = re.compile(r"(?:Person/)?([A-Za-z0-9\-.]{1,64})")
_WHAT: Final = "the records of a person in all hospitals; chain it (`person.name`) to ask for what any of them says"


@cache
def derived(resource_type: str) -> dict[str, SearchParameter]:
    """The parameters of a type that stand for others, by code."""
    patient = offered(resource_type).get("patient")
    if resource_type not in SERVED_TYPES or resource_type == "Person":
        return {}
    if resource_type != "Patient" and (patient is None or "Patient" not in patient.targets):
        return {}
    url = f"urn:fhir-gateway:SearchParameter:{resource_type}-{CODE}"
    return {CODE: SearchParameter(resource_type, CODE, "reference", "", ("Reference",), ("Person",), "", url, _WHAT)}


@cache
def known(resource_type: str) -> dict[str, SearchParameter]:
    """All parameters that a search of the type takes, by code."""
    return offered(resource_type) | derived(resource_type)


def stands_for(resource_type: str, rest: str, value: str, base: str) -> tuple[str, str]:
    """The name and value that `person` stands for, or `person.rest`. Raises InvalidParameter."""
    if not rest:
        rest, value = "identifier", ",".join(f"{SYSTEM}|{_person(text, base)}" for text in split(value, ","))
    walk = f"_has:Person:patient:{rest}"
    return (walk if resource_type == "Patient" else f"patient:Patient.{walk}"), value


def _person(text: str, base: str) -> str:
    found = _ID.fullmatch(unescape(text).removeprefix(f"{base}/" if base else ""))
    if found is None:
        raise invalid(CODE, text, "is not a reference to a Person", ("id", "Person/id", "URL"))
    return found.group(1)
