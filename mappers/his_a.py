"""HIS_A, the general hospital, as FHIR R4: what its rows state, its defects reported, nothing invented."""

from __future__ import annotations

from collections.abc import Iterator

from his_adapters.base import Record
from his_adapters.his_a.records import FinanceRow, PatientRow, StaffRow
from mappers.base import Mapping, MappingContext, MappingReport, Resource
from mappers.fhir.clinical import (
    Row,
    blood_group,
    diagnosis,
    encounter,
    history,
    measured,
    stated,
    subject_of,
)
from mappers.fhir.elements import (
    chosen,
    coded,
    identifier,
    resource,
    same_row,
    telecom,
)
from mappers.fhir.flat_bills import resources_of_bill
from mappers.fhir.hospital import department, department_reference, hospital_reference, insurer, places_of_stay
from mappers.fhir.money import (
    coverage,
)
from mappers.fhir.people import birth_date_of, emergency_contact, gender_of, name_of, shift
from mappers.terminology import table

CHILD_YEARS = 8
ADULT_CM = 150


def _stay(record: Record) -> Row:
    return Row("patients", record.key)


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The person."""
    row: PatientRow = record.data
    made = resource(context, "Patient", "patients", record.key)
    made["identifier"] = [identifier(context, "patients", row.patient_id, "MR")]
    made |= chosen(name=name_of(row.first_name, row.last_name), telecom=telecom(row.phone, row.email))
    made |= gender_of(row.gender, report, "Patient.gender")
    made |= birth_date_of(row.dob, context, report, "Patient.birthDate")
    place = chosen(city=row.city, state=row.state, postalCode=row.postal_code, country=row.country)
    made |= chosen(
        address=[place] if place else None,
        contact=emergency_contact(
            row.emergency_contact_name, row.emergency_contact_relation, row.emergency_contact_phone
        ),
        generalPractitioner=[{"type": "Practitioner", "display": row.primary_physician}]
        if row.primary_physician
        else None,
    )
    made["managingOrganization"] = hospital_reference(context)
    yield made


def to_coverage(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The policy in the patient's row."""
    row: PatientRow = record.data
    made = coverage(
        context,
        report,
        "patients",
        record.key,
        policy=row.insurance_id,
        provider=row.insurance_provider,
        beneficiary=subject_of(context, _stay(record)),
    )
    if made:
        yield made


def to_measurements(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Height, weight and blood group."""
    row: PatientRow = record.data
    stay = _stay(record)
    if row.height_cm is not None and row.height_cm > 0:
        if row.dob and context.as_of.year - row.dob.year <= CHILD_YEARS and row.height_cm >= ADULT_CM:
            report.add("implausible", "height_cm", "an adult's height on a young child")
        yield measured(context, stay, "height", row.height_cm, "cm", "cm")
    if row.weight_kg is not None and row.weight_kg > 0:
        yield measured(context, stay, "weight", row.weight_kg, "kg", "kg")
    if group := stated(row.blood_group):
        yield blood_group(context, stay, group)


def to_conditions(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The disease of the stay, and the medical history unless it says `None`."""
    row: PatientRow = record.data
    stay = _stay(record)
    if disease := stated(row.disease):
        yield diagnosis(
            context, report, stay, disease, patient_status=row.patient_status, severity=stated(row.severity)
        )
    if past := stated(row.medical_history):
        yield history(context, report, stay, past)


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The stay that the row describes."""
    row: PatientRow = record.data
    if row.patient_status == "Discharged" and row.bed_type == "ICU":
        report.add("contradiction", "bed_type", "discharged, and in an intensive-care bed")
    if row.patient_status == "Critical" and row.severity == "Mild":
        report.add("contradiction", "severity", "critical status with mild severity")
    yield encounter(
        context,
        report,
        _stay(record),
        status=row.patient_status,
        service=stated(row.current_department),
        admitted_to=stated(row.department_admitted),
        bed_type=stated(row.bed_type),
        diagnoses=["disease"] if stated(row.disease) else [],
        sensitive=[row.disease],
    )


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A member of staff. Salary, experience and private contacts stay in the store: FHIR has no element for them."""
    row: StaffRow = record.data
    made = resource(context, "Practitioner", "staff", record.key)
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    made |= chosen(name=name_of(row.first_name, row.last_name), telecom=telecom(row.phone, row.email))
    lines = [line for line in (row.address_line1, row.address_line2) if line]
    place = chosen(
        text=row.address, line=lines, city=row.city, state=row.state, postalCode=row.postal_code, country=row.country
    )
    made |= chosen(address=[place] if place else None)
    made |= gender_of(row.gender, report, "Practitioner.gender")
    made |= birth_date_of(row.dob, context, report, "Practitioner.birthDate")
    if qualification := stated(row.qualification):
        made["qualification"] = [{"code": {"text": qualification}}]
    yield made


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """What the member of staff does, where, since when."""
    row: StaffRow = record.data
    if row.joining_date and row.dob and row.joining_date.year - row.dob.year < 18:
        report.add("implausible", "joining_date", "joined before the age of 18")
    made = resource(context, "PractitionerRole", "staff", record.key)
    made |= chosen(extension=shift(row.shift_timing))
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    if row.joining_date:
        made["period"] = {"start": row.joining_date.isoformat()}
    made["practitioner"] = same_row(context, "Practitioner", "staff", record.key)
    place = stated(row.department)
    made["organization"] = department_reference(context, place) if place else hospital_reference(context)
    if row.role:
        made["code"] = [coded(row.role, table("practitioner_role").coding(row.role))]
    if place and row.role in {"Doctor", "Resident"}:
        made["specialty"] = [coded(place, table("specialty").coding(place))]
    yield made


def to_bill(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Every bill is an Invoice with its ChargeItem; one that asserts insurance is a Claim too."""
    row: FinanceRow = record.data
    yield from resources_of_bill(row, context, report)


def to_places(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The departments and wards that a stay names."""
    row: PatientRow = record.data
    now, before = stated(row.current_department), stated(row.department_admitted)
    yield from places_of_stay(context, now, before, stated(row.bed_type))


def to_insurer(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The insurer that a patient or a bill names."""
    row: PatientRow | FinanceRow = record.data
    if row.insurance_provider:
        yield insurer(context, row.insurance_provider)


def to_department(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The department of a member of staff."""
    row: StaffRow = record.data
    if place := stated(row.department):
        yield department(context, place)


MAPPINGS = (
    Mapping("staff", own=(to_practitioner, to_role), shared=(to_department,)),
    Mapping(
        "patients",
        own=(to_patient, to_coverage, to_encounter, to_conditions, to_measurements),
        shared=(to_places, to_insurer),
    ),
    Mapping("finance", own=(to_bill,), shared=(to_insurer,)),
)
