"""Chirona's patients and staff: Patient, Practitioner, PractitionerRole."""

from __future__ import annotations

from collections.abc import Iterator

from his_adapters.base import Record
from his_adapters.chirona.records import AdminStaffRow, DoctorRow, PatientRow, StaffRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.chirona.references import same_word
from mappers.fhir.elements import chosen, coded, extension, identifier, resource, same_row, telecom
from mappers.fhir.hospital import hospital_reference
from mappers.fhir.people import birth_date_of, gender_of, name_of
from mappers.terminology import folded, table

_DOCTOR = "Doctor"
_ADMIN = "Admin"
_ROLE_TEXTS = {"labscientist": "Laboratory scientist"}


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The person. The original has no birth date."""
    row: PatientRow = record.data
    made = resource(context, "Patient", "patient", record.key)
    made["identifier"] = [identifier(context, "patient", row.patient_id, "PI")]
    made |= chosen(
        name=name_of(row.patient_first_name, row.patient_last_name),
        telecom=telecom(row.patient_tel_no, row.patient_email),
    )
    made |= gender_of(row.patient_gender, report, "Patient.gender")
    made |= birth_date_of(row.patient_dob, context, report, "Patient.birthDate")
    if row.patient_type:
        made.setdefault("extension", []).append(extension("patient-type", valueString=row.patient_type))
    made["managingOrganization"] = hospital_reference(context)
    yield made


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A member of staff; administrators with their login."""
    row: StaffRow = record.data
    made = resource(context, "Practitioner", "staff", record.key)
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    if row.user_name:
        made["identifier"].append(identifier(context, "users", row.user_name))
    made |= chosen(
        name=name_of(row.staff_first_name, row.staff_last_name), telecom=telecom(row.staff_tel_no, row.staff_email)
    )
    gender = gender_of(row.staff_gender, report, "Practitioner.gender")
    if gender.pop("extension", None):  # R4's genderIdentity is a Patient's
        gender["extension"] = [extension("native-gender", valueString=row.staff_gender)]
    made |= gender
    made |= birth_date_of(row.staff_dob, context, report, "Practitioner.birthDate")
    yield made


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """What the member of staff does: the role of Staff, and doctor where Doctor has a row for them."""
    row: StaffRow = record.data
    made = resource(context, "PractitionerRole", "staff", record.key)
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    made["practitioner"] = same_row(context, "Practitioner", "staff", record.key)
    made["organization"] = hospital_reference(context)
    roles = [row.staff_role] if row.staff_role else []
    if row.doctor_id and not same_word(row.staff_role, _DOCTOR):
        roles.append(_DOCTOR)
    codes, specialties = [], []
    for role in roles:
        codes.append(coded(_ROLE_TEXTS.get(folded(role), role), table("practitioner_role").coding(role)))
        if specialty := table("specialty").coding(role):
            specialties.append(coded(role, specialty))
    if row.specialization:
        specialties.append(coded(row.specialization, table("specialty").coding(row.specialization)))
    yield made | chosen(code=codes, specialty=specialties)


def doctor_findings(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """No resource of its own: what a doctor is doctor of is in the PractitionerRole of their row in Staff."""
    row: DoctorRow = record.data
    if row.staff_role is None:
        report.add("orphan", "doctor_id", "no row of Staff, or none with a role, has this key")
    elif not same_word(row.staff_role, _DOCTOR):
        report.add("contradiction", "staff_role", "a row of Doctor for a member of staff with another role")
    return iter(())


def admin_findings(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """No resource of its own: an administrator's login is an identifier of their Practitioner."""
    row: AdminStaffRow = record.data
    if row.staff_role is None:
        report.add("orphan", "admin_id", "no row of Staff, or none with a role, has this key")
    elif not same_word(row.staff_role, _ADMIN):
        report.add("contradiction", "staff_role", "a row of AdminStaff for a member of staff with another role")
    return iter(())
