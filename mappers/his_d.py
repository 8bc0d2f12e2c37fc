"""HIS_D, critical care and oncology, as FHIR R4: plans stay plans, a stage is one only where the disease has stages."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from his_adapters.base import Record
from his_adapters.his_d.records import CHARGES, FinanceRow, PatientRow, Place, StaffRow
from his_adapters.his_d.test_results import number_and_unit
from mappers.base import Mapping, MappingContext, MappingReport, Resource
from mappers.fhir.clinical import (
    Row,
    allergy,
    blood_group,
    diagnosis,
    encounter,
    history,
    measured,
    observation,
    sensitivity,
    stated,
    subject_of,
)
from mappers.fhir.elements import chosen, coded, identifier, reference, resource, same_row, telecom
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
from mappers.fhir.people import birth_date_of, emergency_contact, gender_of, name_in_one, shift
from mappers.terminology import folded, table

_STAGED = {"cancer", "neural disorder"}
"""Diseases of which `Stage II` says something. The store fills the column for a flu too."""
_CHARGE_WORDS = {
    "treatment_cost": "Treatment",
    "hospital_charges": "Hospital charges",
    "miscellaneous_charges": "Miscellaneous charges",
    "surgery_charges": "Surgery",
    "medication_charges": "Medication",
}
_SURGERY = {"yes": ("active", "plan"), "under consideration": ("draft", "proposal")}
"""need_of_surgery -> ServiceRequest status and intent; `No` asks for nothing."""


def _stay(record: Record) -> Row:
    return Row("patients", record.key)


def _address(place: Place | None) -> list[dict[str, Any]]:
    return [chosen(text=place.text, city=place.city, state=place.state, country=place.country)] if place else []


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The person."""
    row: PatientRow = record.data
    made = resource(context, "Patient", "patients", record.key)
    made["identifier"] = [identifier(context, "patients", row.patient_id, "MR")]
    made |= chosen(name=name_in_one(row.name), telecom=telecom(*row.contact) if row.contact else None)
    made |= gender_of(row.gender, report, "Patient.gender")
    made |= birth_date_of(row.dob, context, report, "Patient.birthDate")
    made |= chosen(
        address=_address(row.location),
        contact=emergency_contact(*row.emergency_person, None) if row.emergency_person else None,
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


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The stay that the row describes."""
    row: PatientRow = record.data
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


def to_conditions(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The disease of the stay with its stage, and the medical history."""
    row: PatientRow = record.data
    if disease := stated(row.disease):
        severity = stated(row.severity)
        stage = stated(row.stage_or_danger)
        made = diagnosis(context, report, _stay(record), disease, patient_status=row.patient_status, severity=severity)
        if stage and folded(disease) in _STAGED and folded(stage).startswith("stage"):
            made["stage"] = [{"summary": {"text": stage}}]
        elif stage and folded(stage) == "critical" and "severity" not in made:
            made["severity"] = {"text": stage}
        elif stage:
            made.setdefault("note", []).append({"text": f"Stage or danger as recorded: {stage}"})
            report.add("approximated", "Condition.stage", "the disease has no such stage; kept as a note")
        yield made
    if past := stated(row.medical_history):
        yield history(context, report, _stay(record), past)


def to_measurements(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Height, weight and blood group."""
    row: PatientRow = record.data
    if row.height_cm is not None and row.height_cm > 0:
        yield measured(context, _stay(record), "height", row.height_cm, "cm", "cm")
    if row.weight_kg is not None and row.weight_kg > 0:
        yield measured(context, _stay(record), "weight", row.weight_kg, "kg", "kg")
    if group := stated(row.blood_group):
        yield blood_group(context, _stay(record), group)


def to_allergies(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Each allergy of the comma list, once."""
    row: PatientRow = record.data
    names = {folded(each): each.strip() for each in (row.allergies or "").split(",") if stated(each.strip())}
    for word, name in names.items():
        if word:
            yield allergy(context, report, _stay(record), name, f"allergy-{word}")


def to_test_results(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A report of the cell as it stands, and an Observation for each pair in it."""
    row: PatientRow = record.data
    if not row.test_results or not stated(row.test_results.text):
        return
    stay = _stay(record)
    labels = sensitivity(*(pair.name for pair in row.test_results.pairs))
    parts = {folded(pair.name): pair for pair in row.test_results.pairs}
    made = resource(context, "DiagnosticReport", stay.stream, stay.key, "test-results", security=labels)
    made["status"] = "unknown"
    made["code"] = {"text": "Test results"}
    made["subject"] = subject_of(context, stay)
    made["encounter"] = same_row(context, "Encounter", stay.stream, stay.key)
    if parts:
        made["result"] = [same_row(context, "Observation", stay.stream, stay.key, f"test-{word}") for word in parts]
    made["conclusion"] = row.test_results.text
    yield made
    for word, pair in parts.items():
        found = observation(context, stay, pair.name, "laboratory", role=f"test-{word}", in_stay=True)
        found["code"] = coded(pair.name)
        if labels:
            found["meta"]["security"] = labels
        if parsed := number_and_unit(pair.value):
            comparator, number, unit = parsed
            found["valueQuantity"] = chosen(value=Decimal(number), comparator=comparator, unit=unit)
        else:
            found["valueString"] = pair.value
        yield found


def to_surgery(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The surgery that the row asks for or considers. Nothing says which one, or that it was done."""
    row: PatientRow = record.data
    wish = _SURGERY.get(folded(row.need_of_surgery or ""))
    if not wish:
        return
    status, intent = wish
    if folded(row.treatment_plan or "") not in {"surgery", ""} and status == "active":
        report.add("contradiction", "need_of_surgery", "surgery is needed and the plan names another treatment")
    made = resource(context, "ServiceRequest", "patients", record.key, "surgery")
    made["status"] = status
    made["intent"] = intent
    made["category"] = [{"text": "Surgery"}]
    made["code"] = {"text": "Surgery (unspecified)"}
    made["subject"] = subject_of(context, _stay(record))
    made["encounter"] = same_row(context, "Encounter", "patients", record.key)
    yield made


def to_care_plan(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The planned treatment and follow-up. A plan is no proof that anything was done: no Procedure."""
    row: PatientRow = record.data
    plan = stated(row.treatment_plan)
    if not plan and not row.followup_date:
        return
    if folded(plan or "") == "surgery" and folded(row.need_of_surgery or "") == "no":
        report.add("contradiction", "treatment_plan", "the plan is surgery and no surgery is needed")
    known = table("encounter_status").code(row.patient_status)
    made = resource(context, "CarePlan", "patients", record.key, "treatment", tags=["inferred"] if known else [])
    made["status"] = {"in-progress": "active", "finished": "completed"}.get(known or "", "unknown")
    if known:
        report.add("inferred", "CarePlan.status", "read from the patient's status")
    made["intent"] = "plan"
    made["subject"] = subject_of(context, _stay(record))
    made["encounter"] = same_row(context, "Encounter", "patients", record.key)
    activities: list[dict[str, Any]] = []
    if plan:
        activities.append({"detail": {"code": {"text": plan}, "status": "unknown"}})
    if row.followup_date:
        scheduled = {"start": row.followup_date.isoformat()}
        activities.append(
            {"detail": {"code": {"text": "Follow-up"}, "status": "unknown", "scheduledPeriod": scheduled}}
        )
    made["activity"] = activities
    yield made


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A member of staff. Salary, publications and private contacts stay in the store: FHIR has no element for them."""
    row: StaffRow = record.data
    made = resource(context, "Practitioner", "staff", record.key)
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    phone, email = row.contact or (None, None)
    second = row.email if row.email != email else None
    made |= chosen(name=name_in_one(row.name), telecom=[*telecom(phone, email), *telecom(None, second)])
    made |= chosen(address=_address(row.address))
    made |= gender_of(row.gender, report, "Practitioner.gender")
    made |= birth_date_of(row.dob, context, report, "Practitioner.birthDate")
    held = [each for each in (stated(row.qualification), stated(row.certifications)) if each]
    made |= chosen(qualification=[{"code": {"text": each}} for each in held])
    yield made


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """What the member of staff does, where, since when. A specialty is a doctor's only."""
    row: StaffRow = record.data
    if row.date_joined and row.dob and row.date_joined.year - row.dob.year < 18:
        report.add("implausible", "date_joined", "joined before the age of 18")
    made = resource(context, "PractitionerRole", "staff", record.key)
    made |= chosen(extension=shift(row.shift))
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    if row.date_joined:
        made["period"] = {"start": row.date_joined.isoformat()}
    made["practitioner"] = same_row(context, "Practitioner", "staff", record.key)
    place, field = stated(row.department), stated(row.specialty_handled)
    made["organization"] = department_reference(context, place) if place else hospital_reference(context)
    if row.role:
        made["code"] = [coded(row.role, table("practitioner_role").coding(row.role))]
    if field and folded(row.role or "") == "doctor":
        made["specialty"] = [coded(field, table("specialty").coding(field))]
    yield made


def to_bill(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Every bill is an Invoice with its ChargeItems; one that claims of an insurer is a Claim too."""
    row: FinanceRow = record.data
    bill = _bill(row, context)
    for charge in bill.charges:
        yield charge_item(context, bill, charge)
    yield invoice(context, report, bill)
    insured, amount = covered(row.insurance_covered)
    if not insured and folded(row.payment_type or "") != "insurance":
        return
    insurance = coverage_of_patient(context, "patients", (row.patient_id,))
    total = row.amount if row.amount is not None else sum(_charges(row).values(), Decimal())
    yield claim(context, report, bill, kind="institutional", insurance=insurance, total=total, claimed=amount)


def _charges(row: FinanceRow) -> dict[str, Decimal]:
    found = {name: getattr(row, name) for name in CHARGES}
    return {name: amount for name, amount in found.items() if amount is not None}


def _bill(row: FinanceRow, context: MappingContext) -> Bill:
    charges = [
        Charge(name, {"text": _CHARGE_WORDS[name]}, (Component("base", amount),))
        for name, amount in _charges(row).items()
    ]
    if not charges:
        base = (Component("base", row.amount),) if row.amount is not None else ()
        charges = [Charge("total", {"text": "Hospital charges, not itemised"}, base)]
    taxes = [Component("tax", row.tax)] if row.tax is not None else []
    if row.discount is not None and row.discount > 0:
        taxes.append(Component("discount", row.discount))
    return Bill(
        stream="finance",
        key=row.transaction_id,
        patient=reference(context, "Patient", "patients", (row.patient_id,)),
        status=row.status,
        billed=row.billing_date,
        due=row.due_date,
        charges=charges,
        currency=context.currency,
        payment_method=row.payment_type,
        remarks=row.remarks,
        total_gross=row.amount,
        taxes=tuple(taxes),
    )


def to_places(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The departments and wards that a stay names."""
    row: PatientRow = record.data
    now, before = stated(row.current_department), stated(row.department_admitted)
    yield from places_of_stay(context, now, before, stated(row.bed_type))


def to_insurer(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The insurer that a patient's row names."""
    row: PatientRow = record.data
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
        own=(
            to_patient,
            to_coverage,
            to_encounter,
            to_conditions,
            to_measurements,
            to_allergies,
            to_test_results,
            to_surgery,
            to_care_plan,
        ),
        shared=(to_places, to_insurer),
    ),
    Mapping("finance", own=(to_bill,)),
)
