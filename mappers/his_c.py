"""HIS_C, the skincare clinic, as FHIR R4: a specialty is a service and never a diagnosis, care stays a plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from his_adapters.base import Record
from his_adapters.his_c.records import FinanceRow, PatientRow, StaffRow
from mappers.base import Mapping, MappingContext, MappingReport, Resource
from mappers.fhir.clinical import (
    Row,
    allergy,
    blood_group,
    encounter,
    history,
    measured,
    sensitivity,
    stated,
    subject_of,
)
from mappers.fhir.elements import (
    chosen,
    coded,
    extension,
    identifier,
    quantity,
    reference,
    resource,
    same_row,
    telecom,
)
from mappers.fhir.hospital import department, department_reference, hospital_reference, insurer, places_of_stay
from mappers.fhir.money import (
    Bill,
    Charge,
    Component,
    charge_item,
    claim,
    coverage,
    coverage_of_patient,
    covered,
    invoice,
)
from mappers.fhir.people import birth_date_of, emergency_contact, gender_of, name_in_one, one_line, shift
from mappers.terminology import folded, table

CHILD_YEARS = 8
ADULT_CM = 150
_LIST = re.compile(r"[,;]")
_SPREADSHEET = re.compile(r"(\d+)\.0")
_CITY_LINE = re.compile(r"(?P<city>[^,\n]+), (?P<state>[A-Z]{2}) (?P<postalCode>\d{5}(?:-\d{4})?)")
"""`New Matthewmouth, VI 50870`. Military addresses (`DPO AE 85867`) are not of this form and stay lines."""
_PLAN_STATUS = {"in-progress": "active", "finished": "completed"}


def _stay(record: Record) -> Row:
    return Row("patients", record.key)


def _listed(cell: str | None) -> list[str]:
    """The words of a comma or semicolon list, each once, without the ways to say nothing."""
    words = [each.strip() for each in _LIST.split(cell or "")]
    return list({folded(word): word for word in words if word and stated(word)}.values())


def _phone(cell: str | None, report: MappingReport, element: str) -> str | None:
    """A phone as it stands, but for the `.0` of a spreadsheet that took it for a number."""
    phone = stated(cell)
    if phone and (number := _SPREADSHEET.fullmatch(phone)):
        report.add("approximated", element, "a spreadsheet took the phone for a number: .0 cut off, zeros may be lost")
        return number[1]
    return phone


def _physician(name: str | None) -> list[dict[str, str]]:
    return [{"type": "Practitioner", "display": name}] if name else []


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The person."""
    row: PatientRow = record.data
    made = resource(context, "Patient", "patients", record.key)
    made["identifier"] = [identifier(context, "patients", row.patient_id, "MR")]
    phone, email = row.reached_at()
    made |= chosen(
        name=name_in_one(stated(row.name)),
        telecom=telecom(_phone(phone, report, "Patient.telecom"), stated(email)),
    )
    made |= gender_of(stated(row.gender), report, "Patient.gender")
    made |= birth_date_of(row.dob, context, report, "Patient.birthDate")
    home = row.home()
    place = chosen(text=home.text, city=home.city, state=home.state, postalCode=home.postal_code, country=home.country)
    name, relation, number = row.to_call()
    made |= chosen(
        address=[place] if place else None,
        contact=emergency_contact(stated(name), stated(relation), _phone(number, report, "Patient.contact.telecom")),
        generalPractitioner=_physician(stated(row.primary_physician)),
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
        policy=stated(row.insurance_id),
        provider=stated(row.insurance_provider),
        beneficiary=subject_of(context, _stay(record)),
    )
    if made:
        yield made


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The visit. Its specialty is the service and the reason in words: no disease is stated, so no diagnosis is."""
    row: PatientRow = record.data
    specialty, bed_type = stated(row.specialty), stated(row.bed_type)
    now, before = _places(row)
    _doubt(row, report)
    made = encounter(
        context,
        report,
        _stay(record),
        status=row.patient_status,
        service=now,
        admitted_to=before,
        bed_type=bed_type,
        reason=specialty,
        sensitive=[specialty],
    )
    if specialty:
        made["serviceType"] = {"text": specialty}
    if severity := stated(row.severity):
        made["extension"] = [extension("severity", valueString=severity)]
    yield made


def _places(row: PatientRow) -> tuple[str | None, str | None]:
    """Where the patient is and where they came in. The three columns are the same in every row of the original."""
    now = stated(row.current_department) or stated(row.specialty)
    return now, stated(row.department_admitted)


def _doubt(row: PatientRow, report: MappingReport) -> None:
    """Report what contradicts itself in a row; it is mapped as it stands."""
    status, bed_type = folded(row.patient_status or ""), folded(row.bed_type or "")
    if bed_type == "icu":
        report.add("implausible", "bed_type", "an intensive-care bed in a skincare clinic")
    if bed_type == "icu" and status == "discharged":
        report.add("contradiction", "bed_type", "discharged, and in an intensive-care bed")
    if status == "critical" and folded(row.severity or "") == "mild":
        report.add("contradiction", "severity", "critical status with mild severity")
    field = table("specialty").code(row.specialty)
    if table("gender").code(row.gender) == "male" and field and field == table("specialty").code("gynecology"):
        report.add("implausible", "specialty", "a male patient of gynecology")


def to_history(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The medical history unless it says `None`."""
    row: PatientRow = record.data
    if past := stated(row.medical_history):
        yield history(context, report, _stay(record), past)


def to_allergies(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Each allergy that is named, once."""
    row: PatientRow = record.data
    for name in _listed(row.allergies):
        yield allergy(context, report, _stay(record), name, f"allergy-{folded(name)}")


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


def to_care_plan(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The treatment: its instructions, how many days it takes, and its deadline."""
    row: PatientRow = record.data
    instructions, days = stated(row.care_instructions), row.treatment_duration_days
    if days is not None and days <= 0:
        report.add("dropped", "treatment_duration_days", "a duration of no days or fewer")
        days = None
    if not instructions and not days and not row.time_bound:
        return
    known = table("encounter_status").code(row.patient_status)
    made = resource(
        context,
        "CarePlan",
        "patients",
        record.key,
        "treatment",
        tags=["inferred"] if known else [],
        security=sensitivity(row.specialty),
    )
    made["status"] = _PLAN_STATUS.get(known or "", "unknown")
    if known:
        report.add("inferred", "CarePlan.status", "read from the patient's status")
    made["intent"] = "plan"
    if instructions:
        made["description"] = instructions
    made["subject"] = subject_of(context, _stay(record))
    made["encounter"] = same_row(context, "Encounter", "patients", record.key)
    if row.time_bound:
        made["period"] = {"end": row.time_bound.isoformat()}
        if made["status"] == "active":
            if row.time_bound < context.as_of:
                report.add("contradiction", "time_bound", "the patient is being treated and the deadline is over")
            elif row.time_bound < row.time_bound.max:
                report.until(row.time_bound + timedelta(days=1))
    if days:
        bounds = quantity(Decimal(days), "d", "d")
        made["activity"] = [
            {"detail": {"status": "unknown", "scheduledTiming": {"repeat": {"boundsDuration": bounds}}}}
        ]
    yield made


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A member of staff. Birth date and gender are not in the store."""
    row: StaffRow = record.data
    made = resource(context, "Practitioner", "staff", record.key)
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    phone, email = row.reached_at()
    made |= chosen(
        name=name_in_one(stated(row.name)),
        telecom=telecom(_phone(phone, report, "Practitioner.telecom"), stated(email)),
        address=_address(stated(row.address)),
    )
    if qualification := stated(row.qualification):
        made["qualification"] = [{"code": {"text": qualification}}]
    yield made


def _address(cell: str | None) -> list[dict[str, Any]]:
    """An address of two lines; its second one is taken apart where it has the form of a US city line."""
    if not cell:
        return []
    lines = [line.strip() for line in cell.splitlines() if line.strip()]
    made = chosen(text=one_line(cell), line=lines if len(lines) > 1 else None)
    if len(lines) == 2 and (found := _CITY_LINE.fullmatch(lines[1])):
        made |= {"line": lines[:1], **found.groupdict()}
    return [made]


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """What the member of staff does, where, since when. Only a doctor's specialty has a code, and a qualified
    physiotherapist's role.
    """
    row: StaffRow = record.data
    made = resource(context, "PractitionerRole", "staff", record.key)
    made |= chosen(extension=shift(stated(row.shift)))
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    if row.joining_date:
        made["period"] = {"start": row.joining_date.isoformat()}
    made["practitioner"] = same_row(context, "Practitioner", "staff", record.key)
    place = stated(row.department)
    made["organization"] = department_reference(context, place) if place else hospital_reference(context)
    role, qualification = stated(row.role), stated(row.qualification)
    if role:
        code = table("practitioner_role").coding(role)
        if folded(role) == "therapist" and folded(qualification or "") == "physiotherapy":
            code = table("specialty").coding(qualification)
        made["code"] = [coded(role, code)]
    fields = _listed(row.specialty_handled)
    doctor = folded(role or "") == "doctor"
    made |= chosen(specialty=[coded(each, table("specialty").coding(each) if doctor else None) for each in fields])
    yield made


def to_bill(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Every bill is an Invoice with its ChargeItems; one that asserts insurance is a Claim too."""
    row: FinanceRow = record.data
    bill = _bill(row, context, report)
    clerk = stated(row.processed_by_staff_id)
    staff = reference(context, "Practitioner", "staff", (clerk,)) if clerk else None
    for charge in bill.charges:
        yield charge_item(context, bill, charge) | chosen(enterer=staff)
    yield invoice(context, report, bill) | chosen(participant=[{"actor": staff}] if staff else None)
    insured, amount = covered(row.insurance_covered)
    paid_by_insurer = folded(row.payment_type or "") == "insurance"
    number = stated(row.insurance_claim_id)
    if paid_by_insurer and table("yes_no").code(row.insurance_covered) == "N":
        report.add("contradiction", "insurance_covered", "paid by insurance, and not covered by it")
    if not insured and not paid_by_insurer:
        if number:
            report.add("dropped", "insurance_claim_id", "a claim number on a bill that asserts no insurance")
        return
    made = claim(
        context,
        report,
        bill,
        kind="professional",
        insurance=coverage_of_patient(context, "patients", (row.patient_id,)),
        total=row.amount if len(bill.charges) == 1 else None,
        claimed=amount,
        identifiers=[identifier(context, "claims", number)] if number else [],
    )
    yield made | chosen(enterer=staff)


def _bill(row: FinanceRow, context: MappingContext, report: MappingReport) -> Bill:
    """The bill. Whether `amount` holds the special services too is not stated: no sum is made of the two."""
    category, extra = stated(row.category), row.special_services_charges
    charges = [
        Charge("service", {"text": category or "Clinic service, not specified"}, (Component("base", row.amount),))
    ]
    if extra is not None and extra < 0:
        report.add("implausible", "special_services_charges", "a charge below nothing")
    if extra:
        charges.append(Charge("special-services", {"text": "Special services"}, (Component("surcharge", extra),)))
    return Bill(
        stream="finance",
        key=row.transaction_id,
        patient=reference(context, "Patient", "patients", (row.patient_id,)),
        status=stated(row.status),
        billed=row.billing_date,
        due=row.due_date,
        charges=charges,
        currency=context.currency,
        payment_method=stated(row.payment_type),
        remarks=stated(row.remarks),
    )


def to_places(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The departments and wards that a visit names."""
    row: PatientRow = record.data
    now, before = _places(row)
    yield from places_of_stay(context, now, before, stated(row.bed_type))


def to_insurer(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The insurer that a patient's row names."""
    row: PatientRow = record.data
    if provider := stated(row.insurance_provider):
        yield insurer(context, provider)


def to_department(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The department of a member of staff."""
    row: StaffRow = record.data
    if place := stated(row.department):
        yield department(context, place)


MAPPINGS = (
    Mapping("staff", own=(to_practitioner, to_role), shared=(to_department,)),
    Mapping(
        "patients",
        own=(to_patient, to_coverage, to_encounter, to_history, to_measurements, to_allergies, to_care_plan),
        shared=(to_places, to_insurer),
    ),
    Mapping("finance", own=(to_bill,)),
)
