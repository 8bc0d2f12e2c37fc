"""Hybrid EHR's people: Patient, Practitioner, PractitionerRole."""

from __future__ import annotations

from collections.abc import Iterator

from his_adapters.base import Record
from his_adapters.hybrid_ehr.records import DoctorRow, PatientRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import chosen, coded, extension, identifier, resource, same_row, telecom
from mappers.fhir.hospital import hospital_reference
from mappers.fhir.people import birth_date_of, gender_of, name_of, one_line
from mappers.hybrid_ehr.references import uuid_identifier
from mappers.terminology import table


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The person. The gender is free text: a word that the table does not know is kept beside `unknown`."""
    row: PatientRow = record.data
    made = resource(context, "Patient", "patients", record.key)
    if row.gender and row.gender not in table("gender"):
        report.add("approximated", "Patient.gender", "the native word for the gender is not in the table: unknown")
        made["extension"] = [extension("native-gender", valueString=row.gender)]
    made["identifier"] = [identifier(context, "patients", row.patient_id, "PI")]
    if row.patient_uuid:
        made["identifier"].append(uuid_identifier(context, "patients", row.patient_uuid))
    made |= chosen(name=name_of(row.first_name, row.last_name), telecom=telecom(row.phone, row.email))
    made |= {"gender": "unknown"} if "extension" in made else gender_of(row.gender, report, "Patient.gender")
    made |= birth_date_of(row.date_of_birth, context, report, "Patient.birthDate")
    if address := one_line(row.address):
        made["address"] = [{"text": address}]
    made["managingOrganization"] = hospital_reference(context)
    yield made


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A doctor."""
    row: DoctorRow = record.data
    made = resource(context, "Practitioner", "doctors", record.key)
    made["identifier"] = [identifier(context, "doctors", row.doctor_id, "EI")]
    made |= chosen(name=name_of(row.first_name, row.last_name), telecom=telecom(row.phone, row.email))
    yield made


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """That they are a doctor here, and of what."""
    row: DoctorRow = record.data
    made = resource(context, "PractitionerRole", "doctors", record.key)
    made["identifier"] = [identifier(context, "doctors", row.doctor_id, "EI")]
    made["practitioner"] = same_row(context, "Practitioner", "doctors", record.key)
    made["organization"] = hospital_reference(context)
    made["code"] = [coded(None, table("practitioner_role").coding("doctor"))]
    if row.specialty:
        made["specialty"] = [coded(row.specialty, table("specialty").coding(row.specialty))]
    yield made
