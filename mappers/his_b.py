"""HIS_B, the private specialty clinic, as FHIR R4: what its objects state, an assumed unit marked, nothing invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from his_adapters.base import Record
from his_adapters.his_b.records import FinanceRow, PatientRow, StaffRow
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
    stated,
    subject_of,
)
from mappers.fhir.elements import (
    chosen,
    coded,
    identifier,
    quantity,
    resource,
    same_row,
    tag,
    telecom,
    text,
)
from mappers.fhir.flat_bills import resources_of_bill
from mappers.fhir.hospital import department, department_reference, hospital_reference, insurer, places_of_stay
from mappers.fhir.money import (
    coverage,
)
from mappers.fhir.people import birth_date_of, emergency_contact, gender_of, name_in_one, name_of, shift
from mappers.terminology import folded, table

_BLOOD_PRESSURE = re.compile(r"([0-9]{2,3})/([0-9]{2,3})")
_CLOCK = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])(:[0-5][0-9])?")


class AssumedUnit(NamedTuple):
    """The unit of a number that stands without one, and the range in which no other unit is likely."""

    unit: str
    ucum: str
    low: int
    high: int
    category: str


ASSUMED_UNITS = {
    "hb": AssumedUnit("g/dL", "g/dL", 2, 25, "laboratory"),
    "sugar": AssumedUnit("mg/dL", "mg/dL", 30, 1000, "laboratory"),
    "pulse": AssumedUnit("beats/minute", "/min", 20, 300, "vital-signs"),
}


def _stay(record: Record) -> Row:
    return Row("patients", record.key)


def _words(*lists: tuple[str, ...] | None) -> dict[str, str]:
    """What several lists state, each word once, by its folded form."""
    words: dict[str, str] = {}
    for word in (each for some in lists for each in some or ()):
        if stated(word):
            words.setdefault(folded(word), word)
    return words


def _diseases(row: PatientRow) -> dict[str, str]:
    """The role of each Condition of the stay, and its native word."""
    return {f"disease-{word}": name for word, name in _words(row.diseases, row.disease).items()}


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The person."""
    row: PatientRow = record.data
    made = resource(context, "Patient", "patients", record.key)
    made["identifier"] = [identifier(context, "patients", row.patient_id, "MR")]
    made |= chosen(
        name=name_of(row.first_name, row.last_name) or name_in_one(row.name), telecom=telecom(row.phone, row.email)
    )
    made |= gender_of(row.gender, report, "Patient.gender")
    made |= birth_date_of(row.dob, context, report, "Patient.birthDate")
    place = chosen(city=row.city, state=row.state, postalCode=row.postal_code, country=row.country)
    made |= chosen(
        address=[place] if place else None,
        contact=emergency_contact(row.emergency_name, row.emergency_relation, row.emergency_phone),
        generalPractitioner=[{"type": "Practitioner", "display": row.primary_physician}]
        if row.primary_physician
        else None,
    )
    made["managingOrganization"] = hospital_reference(context)
    yield made


def to_coverage(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The policy in the patient's object."""
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
    """The stay that the object describes."""
    row: PatientRow = record.data
    if row.patient_status == "Discharged" and row.bed_type == "ICU":
        report.add("contradiction", "bed_type", "discharged, and in an intensive-care bed")
    if row.patient_status == "Critical" and row.severity == "Mild":
        report.add("contradiction", "severity", "critical status with mild severity")
    diseases = _diseases(row)
    yield encounter(
        context,
        report,
        _stay(record),
        status=row.patient_status,
        service=stated(row.current_department),
        admitted_to=stated(row.department_admitted),
        bed_type=stated(row.bed_type),
        diagnoses=list(diseases),
        sensitive=list(diseases.values()),
    )


def to_conditions(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Each disease of the stay, and each chronic condition unless it says `None`.

    The object states one severity: with several diseases nobody knows whose it is, and it becomes a note.
    """
    row: PatientRow = record.data
    diseases, severity = _diseases(row), stated(row.severity)
    own = severity if len(diseases) == 1 else None
    for role, name in diseases.items():
        made = diagnosis(
            context, report, _stay(record), name, role=role, patient_status=row.patient_status, severity=own
        )
        if severity and not own:
            made["note"] = [{"text": f"Severity as recorded: {severity}"}]
            report.add("approximated", "Condition.severity", "one severity for several diseases; kept as a note")
        yield made
    for word, name in _words(row.chronic_conditions).items():
        yield history(context, report, _stay(record), name, f"history-{word}")


def to_observations(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Blood pressure, the basic tests and the blood group."""
    row: PatientRow = record.data
    if pressure := stated(row.bp):
        yield _blood_pressure(context, report, _stay(record), pressure)
    for what, assumed in ASSUMED_UNITS.items():
        value: Decimal | None = getattr(row, what)
        if value is not None:
            yield _basic_test(context, report, _stay(record), what, value, assumed)
    if group := stated(row.blood_group):
        yield blood_group(context, _stay(record), group)


def _blood_pressure(context: MappingContext, report: MappingReport, stay: Row, pressure: str) -> Resource:
    """A panel with its two components; without any where the text is no `120/80`."""
    made = observation(context, stay, "blood pressure", "vital-signs")
    parsed = _BLOOD_PRESSURE.fullmatch(pressure)
    if not parsed:
        report.add(
            "approximated", "Observation.component", "the blood pressure is not of the form 120/80; kept as text"
        )
        made["valueString"] = pressure
        return made
    systolic, diastolic = (Decimal(part) for part in parsed.groups())
    if systolic <= diastolic:
        report.add("implausible", "bp", "the systolic pressure is not above the diastolic")
    made["component"] = [
        {
            "code": coded(what.capitalize(), table("observation").coding(what)),
            "valueQuantity": quantity(value, "mmHg", "mm[Hg]"),
        }
        for what, value in (("systolic", systolic), ("diastolic", diastolic))
    ]
    return made


def _basic_test(
    context: MappingContext, report: MappingReport, stay: Row, what: str, value: Decimal, assumed: AssumedUnit
) -> Resource:
    """A number without unit: with the assumed one, marked, or as it stands where the assumption does not hold."""
    if assumed.low <= value <= assumed.high:
        made = measured(context, stay, what, value, assumed.unit, assumed.ucum, assumed.category)
        made["meta"]["tag"].append(tag("inferred"))
        report.add("inferred", f"{what}.unit", "the store states no unit: assumed from the range of the values")
        return made
    made = observation(context, stay, what, assumed.category)
    # The code of a mass per volume or a rate would state the unit that is not known.
    made["code"] = text(what.capitalize())
    made["valueQuantity"] = {"value": value}
    report.add("implausible", what, "outside the range of the unit that the store means elsewhere: no unit, no code")
    return made


def to_allergies(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Each allergy once, unless it says `None`."""
    row: PatientRow = record.data
    for word, name in _words(row.allergies).items():
        yield allergy(context, report, _stay(record), name, f"allergy-{word}")


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A member of staff. Salary, experience and private contacts stay in the store: FHIR has no element for them."""
    row: StaffRow = record.data
    made = resource(context, "Practitioner", "staff", record.key)
    made["identifier"] = [identifier(context, "staff", row.staff_id, "EI")]
    made |= chosen(
        name=name_of(row.first_name, row.last_name) or name_in_one(row.name), telecom=telecom(row.phone, row.email)
    )
    lines = [line for line in (row.address_line1, row.address_line2) if line]
    place = chosen(
        text=row.address, line=lines, city=row.city, state=row.state, postalCode=row.postal_code, country=row.country
    )
    made |= chosen(address=[place] if place else None)
    made |= gender_of(row.gender, report, "Practitioner.gender")
    made |= birth_date_of(row.dob, context, report, "Practitioner.birthDate")
    made |= chosen(qualification=[{"code": {"text": each}} for each in _words(row.qualifications).values()])
    yield made


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """What the member of staff does, where, since when, at what hours."""
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
    if place and folded(row.role or "") in {"doctor", "resident"}:
        made["specialty"] = [coded(place, table("specialty").coding(place))]
    hours = chosen(
        availableStartTime=_clock(row.shift_start, report, "shift_start"),
        availableEndTime=_clock(row.shift_end, report, "shift_end"),
    )
    made |= chosen(availableTime=[hours] if hours else None)
    yield made


def _clock(native: str | None, report: MappingReport, element: str) -> str | None:
    """A FHIR time of `08:00`."""
    if native is None:
        return None
    found = _CLOCK.fullmatch(native)
    if not found:
        report.add("dropped", element, "not a time of day as HH:MM")
        return None
    return f"{found[1]}{found[2] or ':00'}"


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
        own=(to_patient, to_coverage, to_encounter, to_conditions, to_observations, to_allergies),
        shared=(to_places, to_insurer),
    ),
    Mapping("finance", own=(to_bill,), shared=(to_insurer,)),
)
