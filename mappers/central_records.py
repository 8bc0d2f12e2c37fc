"""The central records as FHIR R4: visits are days, reasons are no diagnoses, a report's words are its whole result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from his_adapters.base import Record
from his_adapters.central_records.records import DoctorRow, LabReportRow, PatientRow, VisitRow
from mappers.base import Mapping, MappingContext, MappingReport, Resource
from mappers.fhir.clinical import Row, blood_group, diagnosis_codes, stated
from mappers.fhir.elements import (
    absent_coding,
    chosen,
    coded,
    coding,
    identifier,
    reference,
    resource,
    same_row,
)
from mappers.fhir.hospital import IN_USE, hospital_reference
from mappers.fhir.people import birth_date_of, gender_of, name_in_one
from mappers.terminology import folded, table

_ORGANIZATION_TYPES = "http://terminology.hl7.org/CodeSystem/organization-type"
_FOUND_BY = {
    "fracture detected": {"x-ray", "ct scan", "mri", "ultrasound"},
    "high cholesterol": {"blood test"},
}
"""Results that only some tests can have. The store pairs any result with any test."""


def _name(text: str | None, report: MappingReport, element: str) -> dict[str, Any]:
    """A name as it stands, and parted at its last blank: that is a guess, and said to be one."""
    made = name_in_one(text)
    if made and "family" in made[0]:
        report.add("inferred", element, "given and family name are parted at the last blank of one text")
    return chosen(name=made)


def _tags(*, inferred: bool = False, dates: bool = False) -> list[str]:
    return [*(["inferred"] if inferred else []), *(["dq-date-order"] if dates else [])]


def _hospital_key(name: str) -> tuple[str]:
    """A hospital has no key in the store: its name, however it is spaced and capitalised."""
    return (folded(name),)


def _hospital_of_doctor(context: MappingContext, name: str) -> dict[str, Any]:
    return reference(context, "Organization", "hospitals", _hospital_key(name), display=name)


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The person: a name, a gender, a birth date and a city are all that the store knows."""
    row: PatientRow = record.data
    name = _name(stated(row.name), report, "Patient.name")
    parted = bool(name) and "family" in name["name"][0]
    made = resource(context, "Patient", "patients", record.key, tags=_tags(inferred=parted))
    made["identifier"] = [identifier(context, "patients", row.patient_id, "MR")]
    made |= name
    made |= gender_of(row.gender, report, "Patient.gender")
    made |= birth_date_of(row.dob, context, report, "Patient.birthDate")
    if city := stated(row.city):
        made["address"] = [{"city": city}]
    made["managingOrganization"] = hospital_reference(context)
    yield made


def to_blood_group(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """ABO and Rh group."""
    row: PatientRow = record.data
    if group := stated(row.blood_group):
        yield blood_group(context, Row("patients", record.key), group)


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The doctor."""
    row: DoctorRow = record.data
    name = _name(stated(row.name), report, "Practitioner.name")
    parted = bool(name) and "family" in name["name"][0]
    made = resource(context, "Practitioner", "doctors", record.key, tags=_tags(inferred=parted))
    made["identifier"] = [identifier(context, "doctors", row.doctor_id, "EI")]
    made |= name
    yield made


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """What the doctor does, and where. That they are doctors is said by the name of the table."""
    row: DoctorRow = record.data
    made = resource(context, "PractitionerRole", "doctors", record.key)
    made["identifier"] = [identifier(context, "doctors", row.doctor_id, "EI")]
    made["practitioner"] = same_row(context, "Practitioner", "doctors", record.key)
    if hospital := stated(row.hospital):
        made["organization"] = _hospital_of_doctor(context, hospital)
    made["code"] = [coded(None, table("practitioner_role").coding("doctor"))]
    if field := stated(row.specialization):
        made["specialty"] = [coded(field, table("specialty").coding(field))]
    yield made


def to_hospital(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The hospital that a doctor's row names."""
    row: DoctorRow = record.data
    if not (name := stated(row.hospital)):
        return
    key = _hospital_key(name)
    made = resource(context, "Organization", "hospitals", key)
    made["identifier"] = [identifier(context, "hospitals", key[0])]
    made["active"] = IN_USE
    made["type"] = [coded(None, coding(_ORGANIZATION_TYPES, "prov", "Healthcare Provider"))]
    made["name"] = name
    yield made


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The visit. Its day decides whether it is over; a doctor's hospital is where it was, as far as the store knows."""
    row: VisitRow = record.data
    kind, hospital = stated(row.visit_type), stated(row.doctor_hospital)
    klass = table("visit_type").all(kind)
    too_early = row.visit_date is not None and row.patient_dob is not None and row.visit_date < row.patient_dob
    tags = _tags(inferred=bool(row.visit_date or hospital), dates=too_early)
    made = resource(context, "Encounter", "visits", record.key, tags=tags)
    made["identifier"] = [identifier(context, "visits", row.visit_id, "VN")]
    made["status"] = _status(row, context, report)
    made["class"] = klass[0].coding() if klass else absent_coding()
    if kind:
        made["type"] = [{"text": kind}]
    if row.patient_id:
        made["subject"] = reference(context, "Patient", "patients", (row.patient_id,))
    else:
        report.add("dropped", "Encounter.subject", "the visit names no patient")
    if row.doctor_id:
        made["participant"] = [{"individual": reference(context, "Practitioner", "doctors", (row.doctor_id,))}]
    if row.visit_date:
        made["period"] = {"start": row.visit_date.isoformat()}
    if reason := stated(row.reason):
        made["reasonCode"] = [coded(reason, *diagnosis_codes(reason, "visit_reason"))]
    if hospital:
        made["serviceProvider"] = _hospital_of_doctor(context, hospital)
        report.add("inferred", "Encounter.serviceProvider", "the doctor's hospital; the visit names none")
    if klass and klass[0].trust == "inferred":
        report.add("inferred", "Encounter.class", "read from the kind of visit")
    if too_early:
        report.add("implausible", "Encounter.period", "the visit is before the patient's birth")
    yield made


def _status(row: VisitRow, context: MappingContext, report: MappingReport) -> str:
    """The store has none: a day that has come is a visit that took place."""
    if row.visit_date is None:
        report.add("defaulted", "Encounter.status", "the store states neither a status nor a day")
        return "unknown"
    report.add("inferred", "Encounter.status", "read from the day of the visit")
    if row.visit_date <= context.as_of:
        return "finished"
    report.until(row.visit_date)
    return "planned"


def to_report(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The report and its one finding. It is the patient's of its visit; it may be dated before that."""
    row: LabReportRow = record.data
    test, result = stated(row.test_type), stated(row.result)
    too_early = row.report_date is not None and row.visit_date is not None and row.report_date < row.visit_date
    tags = _tags(dates=too_early)
    if too_early:
        report.add("implausible", "DiagnosticReport.effectiveDateTime", "the report is dated before its visit")
    if test and result and folded(test) not in _FOUND_BY.get(folded(result), {folded(test)}):
        report.add("implausible", "DiagnosticReport.conclusion", "the test cannot have this result")
    about = _about(row, context)
    if "subject" not in about:
        report.add("dropped", "DiagnosticReport.subject", "its visit is not in the store, or names no patient")
    if "code" not in about:
        report.add("defaulted", "DiagnosticReport.code", "the store states no type of test")
        about["code"] = {"coding": [absent_coding()]}

    made = resource(context, "DiagnosticReport", "lab_reports", record.key, tags=tags)
    made["identifier"] = [identifier(context, "lab_reports", row.report_id, "FILL")]
    made["status"] = "unknown"
    made |= chosen(category=_concepts("diagnostic_service", test))
    made |= about
    if result:
        made["result"] = [same_row(context, "Observation", "lab_reports", record.key)]
        made["conclusion"] = result
    yield made
    if result:
        found = resource(context, "Observation", "lab_reports", record.key, tags=tags)
        found["status"] = "unknown"
        found |= chosen(category=_concepts("diagnostic_category", test))
        found |= about
        found["valueCodeableConcept"] = {"text": result}
        found |= chosen(interpretation=_concepts("result_interpretation", result))
        yield found


def _about(row: LabReportRow, context: MappingContext) -> dict[str, Any]:
    """What a report and its finding have in common: the test, the patient, the visit, the day."""
    test = stated(row.test_type)
    return chosen(
        code=coded(test, table("diagnostic_test").coding(test)) if test else None,
        subject=reference(context, "Patient", "patients", (row.patient_id,)) if row.patient_id else None,
        encounter=reference(context, "Encounter", "visits", (row.visit_id,)) if row.visit_id else None,
        effectiveDateTime=row.report_date.isoformat() if row.report_date else None,
    )


def _concepts(name: str, word: str | None) -> list[dict[str, Any]]:
    found = table(name).coding(word)
    return [coded(None, found)] if found else []


MAPPINGS = (
    Mapping("doctors", own=(to_practitioner, to_role), shared=(to_hospital,)),
    Mapping("patients", own=(to_patient, to_blood_group)),
    Mapping("visits", own=(to_encounter,)),
    Mapping("lab_reports", own=(to_report,)),
)
