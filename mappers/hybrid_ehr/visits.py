"""What Hybrid EHR's tables say of visits: Appointment, Encounter, the record's summary, MedicationRequest.

https://hl7.org/fhir/R4/appointment.html, encounter.html, documentreference.html, medicationrequest.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from his_adapters.base import Record
from his_adapters.hybrid_ehr.records import AppointmentRow, MedicalRecordRow, PrescriptionRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.clinical import sensitivity
from mappers.fhir.elements import (
    absent,
    absent_coding,
    chosen,
    coded,
    extension,
    identifier,
    reference,
    resource,
    same_row,
)
from mappers.fhir.hospital import hospital_reference
from mappers.fhir.local_time import date_time
from mappers.hybrid_ehr.references import doctor_of, moment_of, patient_of, text_attachment, uuid_identifier, visit_of
from mappers.terminology import table

_DONE = {"booked", "fulfilled", "noshow"}


def to_appointment(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """An appointment. The store knows when it begins, not when it ends, and nobody's answer."""
    row: AppointmentRow = record.data
    known = table("appointment_status").all(row.status)
    report.add("defaulted", "Appointment.participant.status", "the store states no answers")
    if not known:
        report.add("defaulted", "Appointment.status", "the store states no status that the table knows: pending")
    made = resource(
        context, "Appointment", "appointments", record.key, tags=["defaulted"], security=sensitivity(row.reason)
    )
    if row.status and (not known or known[0].trust != "stated"):
        made["extension"] = [extension("native-status", valueString=row.status)]
    made["identifier"] = [identifier(context, "appointments", row.appointment_id)]
    made["status"] = known[0].code if known else "pending"
    if row.reason:
        made["reasonCode"] = [{"text": row.reason}]
    if start := moment_of(row.appointment_ts, context, report, "Appointment.start"):
        made["start"] = start
    else:
        made["_start"] = absent()
    made["_end"] = absent()
    made |= chosen(created=date_time(row.created_at, context, report, "created_at"))
    made["participant"] = [{"actor": patient_of(context, row.patient_id), "status": "accepted"}]
    if doctor := doctor_of(context, row.doctor_id):
        answer = "accepted" if made["status"] in _DONE else "needs-action"
        made["participant"].append({"actor": doctor, "status": answer})
    yield made


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The visit behind a medical record: that there is one means that it took place."""
    row: MedicalRecordRow = record.data
    report.add("inferred", "Encounter.status", "a record exists, so the visit is over")
    tags = ["inferred"]
    linked = row.appointment_id
    if linked and row.appointment_patient_id not in {None, row.patient_id}:
        report.add("contradiction", "appointment_id", "the appointment is another patient's: left out")
        tags.append("dq-other-patient")
        linked = None
    made = resource(context, "Encounter", "medical_records", record.key, tags=tags, security=sensitivity(row.title))
    made["identifier"] = _identifiers(row, context)
    made["status"] = "finished"
    made["class"] = absent_coding()
    made["subject"] = patient_of(context, row.patient_id)
    if doctor := doctor_of(context, row.doctor_id):
        made["participant"] = [{"individual": doctor}]
    began = row.created_at
    if linked:
        made["appointment"] = [reference(context, "Appointment", "appointments", (linked,))]
        began = row.appointment_ts or row.created_at
    if start := date_time(began, context, report, "Encounter.period.start"):
        made["period"] = {"start": start}
    if row.title:
        made["reasonCode"] = [{"text": row.title}]
    made["serviceProvider"] = hospital_reference(context)
    yield made


def _identifiers(row: MedicalRecordRow, context: MappingContext) -> list[dict[str, Any]]:
    made = [identifier(context, "medical_records", row.record_id, "VN")]
    if row.record_uuid:
        made.append(uuid_identifier(context, "medical_records", row.record_uuid))
    return made


def to_summary(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The record's summary as a document, under its title. The title is no diagnosis."""
    row: MedicalRecordRow = record.data
    if not row.summary:
        return
    made = resource(
        context, "DocumentReference", "medical_records", record.key, "summary", security=sensitivity(row.title)
    )
    made["identifier"] = [identifier(context, "medical_records", row.record_id)]
    made["status"] = "current"
    made["type"] = coded(None, table("document_type").coding("summary"))
    made["subject"] = patient_of(context, row.patient_id)
    doctor = doctor_of(context, row.doctor_id)
    made |= chosen(
        date=moment_of(row.created_at, context, report, "DocumentReference.date"), author=[doctor] if doctor else None
    )
    made["content"] = [{"attachment": {**text_attachment(row.summary), **chosen(title=row.title)}}]
    made["context"] = {"encounter": [same_row(context, "Encounter", "medical_records", record.key)]}
    yield made


def to_prescription(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A prescribed medicine, in the doctor's own words."""
    row: PrescriptionRow = record.data
    report.add("defaulted", "MedicationRequest.status", "the store states none: unknown")
    made = resource(
        context,
        "MedicationRequest",
        "prescriptions",
        record.key,
        tags=["defaulted"],
        security=sensitivity(row.record_title),
    )
    made["identifier"] = [identifier(context, "prescriptions", row.prescription_id)]
    made["status"] = "unknown"
    made["intent"] = "order"
    made["medicationCodeableConcept"] = {"text": row.medication}
    made["subject"] = patient_of(context, row.patient_id)
    made["encounter"] = visit_of(context, row.record_id)
    made |= chosen(
        authoredOn=date_time(row.issued_at, context, report, "issued_at"), requester=doctor_of(context, row.doctor_id)
    )
    if directions := [each for each in (row.dosage, row.instructions) if each]:
        made["dosageInstruction"] = [{"text": ", ".join(directions)}]
    yield made
