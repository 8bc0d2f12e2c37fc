"""When the care took place that a resource tells of: `start` and `end` of `$everything`.

FHIR asks for care dates and leaves open which they are. Here they are those of search parameters, by the table below;
what is said to hold from a day on, such as an allergy, holds until an end is stated. A resource without care dates,
such as a Coverage, belongs to every period.
https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from gateway.search.index import index_rows
from gateway.search.parameter_types.date import BEGINNING, END
from gateway.search.parameters import row_key


class Care(NamedTuple):
    """The date parameters of a type that say when care took place."""

    begins: tuple[str, ...]
    ends: tuple[str, ...] = ()
    lasts: bool = False
    """Whether it holds on after its beginning until an end is stated."""


CARE: Final[dict[str, Care]] = {
    "AllergyIntolerance": Care(("onset", "date"), lasts=True),
    "Appointment": Care(("date",)),
    "CarePlan": Care(("date", "activity-date")),
    "CareTeam": Care(("date",)),
    "ChargeItem": Care(("occurrence", "entered-date")),
    "Claim": Care(("created",)),
    "ClaimResponse": Care(("created",)),
    "Condition": Care(("onset-date", "recorded-date"), ("abatement-date",), lasts=True),
    "DiagnosticReport": Care(("date", "issued")),
    "DocumentReference": Care(("period", "date")),
    "Encounter": Care(("date",)),
    "Invoice": Care(("date",)),
    "MedicationAdministration": Care(("effective-time",)),
    "MedicationRequest": Care(("authoredon", "date")),
    "MedicationStatement": Care(("effective",)),
    "Observation": Care(("date",)),
    "Procedure": Care(("date",)),
    "Schedule": Care(("date",)),
    "ServiceRequest": Care(("occurrence", "authored")),
}
_KEYS: Final = {
    name: (
        frozenset(row_key(f"{name}.{code}") for code in care.begins),
        frozenset(row_key(f"{name}.{code}") for code in care.ends),
    )
    for name, care in CARE.items()
}


def is_of_period(resource: dict[str, Any], low: int, high: int) -> bool:
    """Whether any of the care was in the period from `low` until before `high`, in ms since 1970 UTC."""
    resource_type: str = resource["resourceType"]
    if resource_type not in CARE:
        return True
    begins, ends = _KEYS[resource_type]
    dates = index_rows(resource).date
    ranges = [(first, last) for key, first, last, _ in dates if key in begins]
    ended = [last for key, _, last, _ in dates if key in ends]
    if not ranges and not ended:
        return True
    if CARE[resource_type].lasts:
        ranges = [(min((first for first, _ in ranges), default=BEGINNING), max(ended, default=END))]
    return any(first < high and last > low for first, last in ranges)
