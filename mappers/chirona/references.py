"""References between Chirona's rows: to patients and staff, and what stands where a foreign key is NULL."""

from __future__ import annotations

from typing import Any

from mappers.base import MappingContext, MappingReport
from mappers.fhir.elements import absent, reference


def patient_of(context: MappingContext, patient_id: str | None) -> dict[str, Any] | None:
    """The patient that a row names."""
    return reference(context, "Patient", "patient", (patient_id,)) if patient_id else None


def subject_of(context: MappingContext, report: MappingReport, patient_id: str | None) -> dict[str, Any]:
    """The patient that a row is about, where FHIR demands one: unknown where the row names none."""
    found = patient_of(context, patient_id)
    if found is None:
        report.add("orphan", "patient_id", "the row names no patient")
    return found or absent()


def practitioner_of(context: MappingContext, staff_id: str | None) -> dict[str, Any] | None:
    """A doctor, an administrator or another member of staff: all have the key of their row in Staff."""
    return reference(context, "Practitioner", "staff", (staff_id,)) if staff_id else None


def same_word(one: str | None, other: str) -> bool:
    """Whether a native word is meant."""
    return one is not None and one.casefold() == other.casefold()
