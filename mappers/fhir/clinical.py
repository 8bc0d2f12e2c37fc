"""Encounter, Condition, Observation and AllergyIntolerance as the hospitals' flat rows state them, and no more.

https://hl7.org/fhir/R4/encounter.html, condition.html, observation.html, allergyintolerance.html
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import (
    absent_coding,
    coded,
    coding,
    extension,
    identifier,
    quantity,
    reference,
    resource,
    same_row,
)
from mappers.fhir.hospital import hospital_reference, ward_reference
from mappers.terminology import folded, table

_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CONDITION_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_NOT_A_SEVERITY = {"treating"}


class Row(NamedTuple):
    """The patient's row that clinical resources come from: one row is one stay."""

    stream: str
    key: tuple[str, ...]


def stated(word: str | None) -> str | None:
    """A native word, or None for the stores' ways to say nothing (`None`, `NULL`, `nan`)."""
    return None if word is None or folded(word) in {"none", "null", "nan", "n/a", "-"} else word


def sensitivity(*words: str | None) -> list[dict[str, str]]:
    """`meta.security` of what must not be shown to everyone: restricted, and why. [] for most."""
    reasons = {concept.code: concept for word in words for concept in table("sensitivity").all(word)}
    if not reasons:
        return []
    return [coding(_CONFIDENTIALITY, "R", "restricted"), *(each.coding() for each in reasons.values())]


def subject_of(context: MappingContext, row: Row) -> dict[str, Any]:
    """A reference to the row's patient."""
    return reference(context, "Patient", row.stream, row.key)


def encounter(
    context: MappingContext,
    report: MappingReport,
    row: Row,
    *,
    status: str | None,
    service: str | None,
    admitted_to: str | None,
    bed_type: str | None,
    diagnoses: Sequence[str] = (),
    reason: str | None = None,
    sensitive: Sequence[str | None] = (),
) -> Resource:
    """The stay. No period: the store has no dates. `diagnoses` are the roles of the row's Conditions."""
    tags = []
    known = table("encounter_status").all(status)
    klass = table("encounter_class").all(status)
    if known and (known[0].trust == "inferred" or klass[0].trust == "inferred"):
        tags.append("inferred")
        report.add("inferred", "Encounter.status", "status and class are read from the patient's status")
    if not known:
        report.add("defaulted", "Encounter.status", "the store states no status that the table knows")
    made = resource(
        context, "Encounter", row.stream, row.key, tags=tags, security=sensitivity(service, admitted_to, *sensitive)
    )
    made["identifier"] = [identifier(context, row.stream, row.key[0])]
    made["status"] = known[0].code if known else "unknown"
    made["class"] = klass[0].coding() if klass else absent_coding()
    if status and folded(status) == "critical":
        made["priority"] = {"text": status}
    if service:
        made["serviceType"] = {"text": service}
    made["subject"] = subject_of(context, row)
    if reason:
        made["reasonCode"] = [{"text": reason}]
    if diagnoses:
        made["diagnosis"] = [
            {"condition": same_row(context, "Condition", row.stream, row.key, role)} for role in diagnoses
        ]
    locations: list[dict[str, Any]] = []
    if service:
        locations.append({"location": ward_reference(context, service, bed_type)})
    if admitted_to and (not service or folded(admitted_to) != folded(service)):
        before = {"location": ward_reference(context, admitted_to, None)}
        locations.append({**before, "status": "completed"} if service else before)
    if locations:
        made["location"] = locations
    made["serviceProvider"] = hospital_reference(context)
    return made


def diagnosis(
    context: MappingContext,
    report: MappingReport,
    row: Row,
    name: str,
    *,
    role: str = "disease",
    patient_status: str | None = None,
    severity: str | None = None,
) -> Resource:
    """The condition that a stay is for. Active while the patient is there; a discharge proves nothing."""
    tags = []
    present = patient_status is not None and folded(patient_status) in {"admitted", "critical", "observation"}
    if present:
        tags.append("inferred")
    made = resource(context, "Condition", row.stream, row.key, role, tags=tags, security=sensitivity(name))
    if present:
        made["clinicalStatus"] = coded(None, coding(_CLINICAL, "active", "Active"))
        report.add("inferred", "Condition.clinicalStatus", "the patient is in hospital with it")
    made["category"] = [coded(None, coding(_CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis"))]
    if severity and folded(severity) not in _NOT_A_SEVERITY:
        made["severity"] = {"text": severity}
    made["code"] = coded(name, *diagnosis_codes(name))
    made["subject"] = subject_of(context, row)
    made["encounter"] = same_row(context, "Encounter", row.stream, row.key)
    if severity and folded(severity) in _NOT_A_SEVERITY:
        made["note"] = [{"text": f"Severity as recorded: {severity}"}]
        report.add("approximated", "Condition.severity", "the recorded word is not a severity; kept as a note")
    return made


def history(context: MappingContext, report: MappingReport, row: Row, name: str, role: str = "history") -> Resource:
    """A condition of the medical history: on the problem list, its lifecycle not stated."""
    made = resource(context, "Condition", row.stream, row.key, role, tags=["defaulted"], security=sensitivity(name))
    report.add("defaulted", "Condition.clinicalStatus", "the history states no status; active by default (con-3)")
    made["clinicalStatus"] = coded(None, coding(_CLINICAL, "active", "Active"))
    made["category"] = [coded(None, coding(_CONDITION_CATEGORY, "problem-list-item", "Problem List Item"))]
    made["code"] = coded(name, *diagnosis_codes(name))
    made["subject"] = subject_of(context, row)
    return made


def diagnosis_codes(name: str, words: str = "icd10cm") -> list[dict[str, Any]]:
    """ICD-10-CM codings that the gateway adds to the native word, each marked as mapped and with its trust.

    `words` names the table: a reason for a visit is no diagnosis.
    """
    return [
        {"extension": [extension("mapping-trust", valueCode=each.trust)], **each.coding(), "userSelected": False}
        for each in table(words).all(name)
    ]


def observation(
    context: MappingContext, row: Row, what: str, category: str, *, role: str | None = None, in_stay: bool = False
) -> Resource:
    """The start of an Observation: status `unknown`, no time, because the store states neither."""
    made = resource(context, "Observation", row.stream, row.key, role or what.replace(" ", "-"))
    made["status"] = "unknown"
    made["category"] = [coded(None, coding(_OBSERVATION_CATEGORY, category, category.replace("-", " ").title()))]
    made["code"] = coded(what.capitalize(), table("observation").coding(what))
    made["subject"] = subject_of(context, row)
    if in_stay:
        made["encounter"] = same_row(context, "Encounter", row.stream, row.key)
    return made


def measured(
    context: MappingContext, row: Row, what: str, value: Decimal, unit: str, ucum: str, category: str = "vital-signs"
) -> Resource:
    """An Observation of one number."""
    made = observation(context, row, what, category)
    made["valueQuantity"] = quantity(value, unit, ucum)
    return made


def blood_group(context: MappingContext, row: Row, group: str) -> Resource:
    """ABO and Rh group, as the store writes it."""
    made = observation(context, row, "blood group", "laboratory")
    made["valueCodeableConcept"] = {"text": group}
    return made


def allergy(context: MappingContext, report: MappingReport, row: Row, name: str, role: str) -> Resource:
    """An allergy whose lifecycle the store does not state: active and unconfirmed (ait-1)."""
    report.add("defaulted", "AllergyIntolerance.clinicalStatus", "the store states no lifecycle: active, unconfirmed")
    made = resource(context, "AllergyIntolerance", row.stream, row.key, role, tags=["defaulted"])
    made["clinicalStatus"] = coded(None, coding(_ALLERGY_CLINICAL, "active", "Active"))
    made["verificationStatus"] = coded(None, coding(_ALLERGY_VERIFICATION, "unconfirmed", "Unconfirmed"))
    if category := table("allergy_category").code(name):
        made["category"] = [category]
    made["code"] = {"text": name}
    made["patient"] = subject_of(context, row)
    return made
