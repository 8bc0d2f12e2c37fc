"""What Chirona does for patients: Appointment, ServiceRequest, DiagnosticReport, Observation, Procedure, Encounter...

Only one clash is a matter of two rows; the adapter sees both and says so (`overlaps`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from his_adapters.base import Record
from his_adapters.chirona.records import AdmissionRow, AppointmentRow, MedicalTestRow, TreatmentRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.chirona.references import patient_of, practitioner_of, same_word, subject_of
from mappers.fhir.clinical import diagnosis_codes, sensitivity, stated
from mappers.fhir.elements import (
    absent,
    absent_coding,
    chosen,
    coded,
    coding,
    extension,
    identifier,
    money,
    reference,
    resource,
    same_row,
)
from mappers.fhir.hospital import hospital_reference
from mappers.fhir.local_time import date_time, instant
from mappers.terminology import table

_ACTS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CONDITION_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_CLASH = "dq-double-booking"


def to_appointment(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """An appointment. That its participants accepted is the only reading of an appointment that stands in the book."""
    row: AppointmentRow = record.data
    tags = ["defaulted"]
    report.add("defaulted", "Appointment.participant.status", "the store states no answer: accepted by default")
    if row.overlaps:
        tags.append(_CLASH)
        report.add("contradiction", "appointment_start_time", "the doctor has another appointment at the same time")
    made = resource(context, "Appointment", "appointment", record.key, tags=tags)
    if scheduler := practitioner_of(context, row.scheduled_by):
        made["extension"] = [extension("scheduled-by", valueReference=scheduler)]
    made["identifier"] = [identifier(context, "appointment", row.appointment_id)]
    made["status"] = table("appointment_status").code(row.appointment_status)
    made |= _times(row, context, report)
    made["participant"] = [
        {**({"actor": actor} if actor else {"type": [{"text": kind}]}), "status": "accepted"}
        for kind, actor in (
            ("Patient", patient_of(context, row.patient_id)),
            ("Doctor", practitioner_of(context, row.doctor_id)),
        )
    ]
    yield made


def _times(row: AppointmentRow, context: MappingContext, report: MappingReport) -> dict[str, Any]:
    """`start` and `end`, each with its reason where it is not known (app-2)."""
    start, end = row.appointment_start_time, row.appointment_end_time
    if start and end and end <= start:
        report.add("contradiction", "appointment_end_time", "the appointment does not end after its start: left out")
        end = None
    made: dict[str, Any] = {}
    for element, clock in (("start", start), ("end", end)):
        if found := instant(row.appointment_date, clock, context, report, f"Appointment.{element}"):
            made[element] = found
        else:
            made[f"_{element}"] = absent()
    return made


def to_test(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A request; once completed, a report with one observation."""
    row: MedicalTestRow = record.data
    key, security = record.key, sensitivity(row.test_type)
    code = _code(row.test_type, table("diagnostic_test").coding(row.test_type))
    subject = subject_of(context, report, row.patient_id)
    when = date_time(row.test_date, context, report, "test_date")
    status = table("request_status").code(row.test_status)
    result = row.test_result
    if status is None:
        report.add("defaulted", "ServiceRequest.status", "the store states no status that the table knows: unknown")
    request = resource(
        context, "ServiceRequest", "medicaltest", key, tags=() if status else ("defaulted",), security=security
    )
    if row.test_cost is not None:
        request["extension"] = [extension("cost", valueMoney=money(row.test_cost, context.currency))]
    request["identifier"] = [identifier(context, "medicaltest", row.test_id)]
    request |= {"status": status or "unknown", "intent": "order", "code": code, "subject": subject}
    request |= chosen(occurrenceDateTime=when, requester=practitioner_of(context, row.requested_by))
    if result and status != "completed":
        report.add("contradiction", "test_result", "a result of a test that is not completed: kept as a note")
        request["note"] = [{"text": f"Result as recorded: {result}"}]
    yield request
    if status != "completed":
        return
    if result is None:
        report.add("contradiction", "test_result", "the test is completed and has no result")
    based_on = [same_row(context, "ServiceRequest", "medicaltest", key)]
    performer = practitioner_of(context, row.done_by)
    common = {"status": "final" if result else "registered", "code": code, "subject": subject}
    common |= chosen(effectiveDateTime=when, performer=[performer] if performer else None)
    observed = resource(context, "Observation", "medicaltest", key, security=security)
    observed |= {"identifier": request["identifier"], "basedOn": based_on, **common}
    observed |= {"valueString": result} if result else {"dataAbsentReason": coded(None, absent_coding())}
    yield observed
    told = resource(context, "DiagnosticReport", "medicaltest", key, security=security)
    told |= {"identifier": request["identifier"], "basedOn": based_on, **common}
    told["result"] = [same_row(context, "Observation", "medicaltest", key)]
    yield told | chosen(conclusion=result)


def to_treatment(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A procedure without a date or status, and the diagnosis and medication that newer stores name with it."""
    row: TreatmentRow = record.data
    key, security = record.key, sensitivity(row.diagnosis, row.treatment_procedure)
    subject = subject_of(context, report, row.patient_id)
    # An admission of another patient for this treatment is a finding of the admission, and never this one's encounter.
    encounter = None
    if row.admission_id and row.patient_id and row.admission_patient_id == row.patient_id:
        encounter = reference(context, "Encounter", "admission", (row.admission_id,))
    made = resource(context, "Procedure", "treatment", key, security=security)
    if row.treatment_cost is not None:
        made["extension"] = [extension("cost", valueMoney=money(row.treatment_cost, context.currency))]
    made["identifier"] = [identifier(context, "treatment", row.treatment_id)]
    made |= {"status": "unknown", "code": _code(row.treatment_procedure), "subject": subject}
    yield made | chosen(encounter=encounter)
    if named := stated(row.diagnosis):
        condition = resource(context, "Condition", "treatment", key, "diagnosis", security=security)
        if encounter:
            category = coding(_CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")
            condition["category"] = [coded(None, category)]
        condition |= {"code": coded(named, *diagnosis_codes(named)), "subject": subject}
        yield condition | chosen(encounter=encounter)
    if drug := stated(row.medication):
        taken = resource(context, "MedicationStatement", "treatment", key, "medication", security=security)
        taken |= {"status": "unknown", "medicationCodeableConcept": {"text": drug}, "subject": subject}
        yield taken | chosen(context=encounter)


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """An admission to a room. A transfer does not say where to."""
    row: AdmissionRow = record.data
    known = table("encounter_status").all(row.admission_status)
    tags = [] if known else ["defaulted"]
    if not known:
        report.add("defaulted", "Encounter.status", "the store states no status that the table knows: unknown")
    if row.overlaps:
        tags.append(_CLASH)
        report.add("contradiction", "room_id", "the room has another patient at the same time")
    if row.patient_id and row.treatment_patient_id and row.treatment_patient_id != row.patient_id:
        report.add("contradiction", "treatment_id", "the treatment is another patient's")
    elif row.shares_treatment:
        report.add("contradiction", "treatment_id", "several admissions are for this treatment")
    made = resource(context, "Encounter", "admission", record.key, tags=tags, security=sensitivity(row.diagnosis))
    made["identifier"] = [identifier(context, "admission", row.admission_id, "VN")]
    made["status"] = known[0].code if known else "unknown"
    made["class"] = coding(_ACTS, "IMP", "inpatient encounter")
    made |= chosen(subject=patient_of(context, row.patient_id), period=_period(row, context, report))
    if same_word(row.admission_status, "Transferred"):
        made["hospitalization"] = {"dischargeDisposition": {"text": row.admission_status}}
    if row.room_id:
        made["location"] = [{"location": reference(context, "Location", "room", (row.room_id,))}]
    made["serviceProvider"] = hospital_reference(context)
    yield made


def _period(row: AdmissionRow, context: MappingContext, report: MappingReport) -> dict[str, Any]:
    start, end = row.admission_date, row.discharge_date
    if start and end and _is_before(end, start):
        report.add("contradiction", "discharge_date", "the discharge is before the admission: left out")
        end = None
    return chosen(
        start=date_time(start, context, report, "Encounter.period.start"),
        end=date_time(end, context, report, "Encounter.period.end"),
    )


def _is_before(one: Any, other: Any) -> bool:
    """Whether a date or timestamp is before another: by the day where one of them is a date only."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one < other
    days = [each.date() if isinstance(each, datetime) else each for each in (one, other)]
    return bool(days[0] < days[1])


def _code(words: str | None, *codings: dict[str, str] | None) -> dict[str, Any]:
    """The native word; its absence where FHIR demands a code."""
    return coded(words, *codings) if words else coded(None, absent_coding())
