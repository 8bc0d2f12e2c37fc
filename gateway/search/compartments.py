"""Compartments: what belongs to a patient, an encounter, a practitioner or a device, by the official search parameters.

The facts are those of the R4 CompartmentDefinitions, for the types that are served. The resource that a compartment is
named after is in it, too.
https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from gateway.search.clauses import Clause
from gateway.search.parameter_types import reference, token
from gateway.search.parameter_types.terms import Term
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES, row_key
from gateway.search.request import Within
from gateway.search.tables import REFERENCE
from gateway.store import RESOURCE


@cache
def _table() -> dict[str, dict[str, tuple[str, ...]]]:
    lines = files(__package__).joinpath("compartments.csv").read_text(encoding="utf-8").splitlines()
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in csv.DictReader(lines):
        if row["resource_type"] in {*SERVED_TYPES, *RENDERED_TYPES}:
            found.setdefault(row["compartment"], {})[row["resource_type"]] = tuple(row["parameters"].split())
    return found


COMPARTMENTS: tuple[str, ...] = tuple(_table())
"""The types that have compartments here."""


def members(compartment: str) -> tuple[str, ...]:
    """The types that may be in a compartment."""
    return tuple(each for each in _table()[compartment] if each in SERVED_TYPES)


def rendered_members(compartment: str) -> tuple[str, ...]:
    """Those that are rendered and stored nowhere: they are searched by their own names only."""
    return tuple(each for each in _table()[compartment] if each in RENDERED_TYPES)


def parameters(compartment: str, resource_type: str) -> tuple[str, ...]:
    """The parameters of a type that lead into a compartment; none where only the resource itself is in it."""
    return _table()[compartment].get(resource_type, ())


def memberships(compartment: str, resource_id: str, resource_type: str) -> Iterator[Within]:
    """What resources of a type have to fulfil, one or the other, to be in a compartment."""
    name = f"{compartment}/{resource_id}"
    keys = [row_key(f"{resource_type}.{code}") for code in parameters(compartment, resource_type)]
    if keys:
        terms = (Term(REFERENCE, key, reference.of_type, (resource_id, compartment), 1) for key in keys)
        yield Within(f"in {name}", Clause(tuple(terms)))
    if resource_type == compartment:
        yield Within(f"is {name}", Clause((Term(RESOURCE, compartment, token.has_id, (resource_id,), 0),)))
