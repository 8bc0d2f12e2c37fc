"""The table of search parameters: what is searched, under which name, by which official expression.

A search parameter is one row of `parameters.csv`; index rows, queries, CapabilityStatement, `openapi.yaml` and the test
matrix derive from it. The facts are those of the official R4 SearchParameter definitions, with expressions that span
several types cut to the branch of the row's type; and those of the few that US Core and IHE's PDQm define besides.
https://hl7.org/fhir/R4/searchparameter-registry.html, https://hl7.org/fhir/us/core/STU6.1/,
https://profiles.ihe.net/ITI/PDQm/
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files

SERVED_TYPES: tuple[str, ...] = (
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Encounter",
    "Condition",
    "Claim",
    "Organization",
    "Location",
    "Coverage",
    "Observation",
    "AllergyIntolerance",
    "Invoice",
    "ChargeItem",
    "CarePlan",
    "ServiceRequest",
    "DiagnosticReport",
    "Appointment",
    "Procedure",
    "MedicationStatement",
    "PaymentReconciliation",
    "Schedule",
    "CareTeam",
    "ClaimResponse",
    "Device",
    "Medication",
    "MedicationAdministration",
    "SupplyDelivery",
    "MedicationRequest",
    "DocumentReference",
    "CodeSystem",
    "ConceptMap",
    "ValueSet",
    "Person",
)
"""The resource types that the API serves. The table holds more, ready to be served."""
OWN_TYPES: tuple[str, ...] = ("CodeSystem", "ConceptMap", "ValueSet", "Person")
"""Those of them that the gateway itself makes: no hospital has any."""
RENDERED_TYPES: tuple[str, ...] = ("Provenance",)
"""What is served besides and stored nowhere: it is made for each answer from what the store knows of a resource."""


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One way to search one resource type."""

    resource_type: str
    code: str
    type: str
    """string, token, date, reference, quantity, uri, number, composite or special."""
    expression: str
    datatypes: tuple[str, ...]
    """The FHIR types of what the expression yields. Of a composite: the parameters of its components, each with `@` and
    where it stands in what the expression yields, unless the parameter says it; or, with `=`, the composites of which
    any may match."""
    targets: tuple[str, ...]
    """The types that a reference may lead to; `*` = any."""
    system: str
    """The code system that the required binding of a `code` implies; "" = none or not known."""
    url: str
    """The canonical URL of the official SearchParameter."""
    reason: str
    """Why it is not offered, or what it stands for; "" = it is offered and has an expression."""

    @property
    def description(self) -> str:
        """One line for documents."""
        if self.expression:
            return f"The {self.type} at {self.expression}"
        return f"{self.code.removeprefix('_').capitalize()}: {self.reason}"


def _load() -> tuple[SearchParameter, ...]:
    lines = files(__package__).joinpath("parameters.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        SearchParameter(
            row["resource_type"],
            row["code"],
            row["type"],
            row["expression"],
            tuple(row["datatypes"].split()),
            tuple(row["targets"].split()),
            row["system"],
            row["url"],
            row["reason"],
        )
        for row in csv.DictReader(lines)
    )


SEARCH_PARAMETERS: tuple[SearchParameter, ...] = _load()
"""Every official R4 search parameter of the types that are or will be served; those of `Resource` are each type's."""

INDEXED_TYPES: tuple[str, ...] = tuple(
    dict.fromkeys(parameter.resource_type for parameter in SEARCH_PARAMETERS if parameter.resource_type != "Resource")
)
"""The types that the table knows parameters for."""


@cache
def of_type(resource_type: str) -> dict[str, SearchParameter]:
    """All parameters of a type by code, the common ones (as the type's own) included, offered or not."""
    return {
        parameter.code: replace(parameter, resource_type=resource_type)
        for parameter in SEARCH_PARAMETERS
        if parameter.resource_type in ("Resource", resource_type)
    }


@cache
def offered(resource_type: str) -> dict[str, SearchParameter]:
    """The parameters of a type that work here, by code."""
    return {code: parameter for code, parameter in of_type(resource_type).items() if not parameter.reason}


@cache
def row_key(name: str) -> int:
    """The stable 31-bit number that index rows carry for `Type.code` (or `Type`, or `Type.code:aspect`)."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big") & 0x7FFF_FFFF


@lru_cache(maxsize=4096)
def system_key(system: str) -> int:
    """The stable 47-bit number that index rows carry for a code system or the like; 0 for none.

    Systems are long, and equality is all that is asked of them. A store knows some hundreds of them: that two share a
    number has odds of one to a thousand million.
    """
    return int.from_bytes(blake2b(system.encode(), digest_size=6).digest(), "big") >> 1 if system else 0
