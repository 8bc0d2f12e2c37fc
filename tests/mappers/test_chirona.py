"""Chirona's mapper: each rule of its data dictionary, on rows made by hand."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from his_adapters.base import Record
from his_adapters.chirona import records
from his_adapters.chirona.records import Charged
from mappers.base import Issue, MappingReport, Resource
from mappers.chirona import MAPPINGS
from mappers.fhir.check import check, judge
from tests.mappers.mapped import context

ROWS = {
    "staff": records.StaffRow,
    "doctor": records.DoctorRow,
    "adminstaff": records.AdminStaffRow,
    "room": records.RoomRow,
    "patient": records.PatientRow,
    "shift": records.ShiftRow,
    "shiftassignment": records.ShiftAssignmentRow,
    "appointment": records.AppointmentRow,
    "medicaltest": records.MedicalTestRow,
    "admission": records.AdmissionRow,
    "treatment": records.TreatmentRow,
    "medicaltestinvoice": records.MedicalTestInvoiceRow,
    "treatmentinvoice": records.TreatmentInvoiceRow,
    "invoice": records.InvoiceRow,
    "payment": records.PaymentRow,
}


def of(stream: str, key: tuple[str, ...] = ("1",), zone: str | None = "Asia/Kolkata", **cells: Any) -> Any:
    """What a row becomes, by type, and what is reported. All is valid."""
    row = ROWS[stream](**{**dict.fromkeys(each.name for each in fields(ROWS[stream])), **cells})
    report = MappingReport()
    there = replace(context(), timezone=zone)
    mapping = next(each for each in MAPPINGS if each.stream == stream)
    made = [each for to in mapping.own for each in to(Record(stream, key, row, "here", b""), there, report)]
    for each in made:
        assert check(each) == []
        assert judge(each) == []
    return {each["resourceType"]: each for each in made}, report


def found(report: MappingReport, code: str) -> set[str]:
    return {issue.element for issue in report.issues if issue.code == code}


def tags(made: Resource) -> set[str]:
    return {each["code"] for each in made["meta"]["tag"] if each["system"].endswith(":tag")}


def test_a_patient_without_birth_date_has_none() -> None:
    made, _ = of(
        "patient", patient_id="1", patient_first_name="Ada", patient_gender="Transgender", patient_type="Inpatient"
    )
    patient = made["Patient"]
    assert "birthDate" not in patient
    assert patient["gender"] == "other"
    assert patient["identifier"][0]["type"]["coding"][0]["code"] == "PI"
    assert {each["url"] for each in patient["extension"]} == {
        "http://hl7.org/fhir/StructureDefinition/patient-genderIdentity",
        "urn:fhir-gateway:patient-type",
    }


@pytest.mark.parametrize(
    ("role", "code", "specialty", "text"),
    [
        ("Doctor", "doctor", None, "Doctor"),
        ("Nurse", "nurse", "163W00000X", "Nurse"),
        ("Pharmacist", "pharmacist", "183500000X", "Pharmacist"),
        ("LabScientist", None, None, "Laboratory scientist"),
        ("Admin", None, None, "Admin"),
    ],
)
def test_roles(role: str, code: str | None, specialty: str | None, text: str) -> None:
    made, _ = of("staff", staff_id="1", staff_role=role, user_name="marybrown")
    concept = made["PractitionerRole"]["code"][0]
    assert concept["text"] == text
    assert [each["code"] for each in concept.get("coding", [])] == ([code] if code else [])
    codes = [each["coding"][0]["code"] for each in made["PractitionerRole"].get("specialty", [])]
    assert codes == ([specialty] if specialty else [])
    assert [each["value"] for each in made["Practitioner"]["identifier"]] == ["1", "marybrown"]


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("Cardiology", "207RC0000X"),
        ("Neurology", "2084N0400X"),
        ("Pediatrics", "208000000X"),
        ("Orthopedics", "207X00000X"),
    ],
)
def test_specializations(word: str, code: str) -> None:
    made, _ = of("staff", staff_id="1", staff_role="Doctor", doctor_id="1", specialization=word)
    assert made["PractitionerRole"]["specialty"] == [
        {"coding": [made["PractitionerRole"]["specialty"][0]["coding"][0]], "text": word}
    ]
    assert made["PractitionerRole"]["specialty"][0]["coding"][0]["code"] == code


def test_a_doctor_by_the_table_only_is_both_and_reported() -> None:
    made, _ = of("staff", staff_id="2", staff_role="Nurse", doctor_id="2")
    assert [each["text"] for each in made["PractitionerRole"]["code"]] == ["Nurse", "Doctor"]
    _, report = of("doctor", doctor_id="2", staff_role="Nurse")
    assert found(report, "contradiction") == {"staff_role"}
    _, report = of("doctor", doctor_id="99")
    assert found(report, "orphan") == {"doctor_id"}
    _, report = of("adminstaff", admin_id="2", staff_role="Nurse")
    assert found(report, "contradiction") == {"staff_role"}


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("Available", "active", "U"),
        ("Occupied", "active", "O"),
        ("Maintenance", "suspended", None),
        ("Gone", None, None),
    ],
)
def test_rooms(word: str, status: str | None, code: str | None) -> None:
    made, _ = of("room", room_id="1", room_type="general wards", room_availability=word)
    room = made["Location"]
    assert (room.get("status"), room.get("operationalStatus", {}).get("code")) == (status, code)
    assert room["physicalType"]["coding"][0]["code"] == "wa"
    kept = [each["valueString"] for each in room.get("extension", [])]
    assert kept == ([] if code else [word])
    private, _ = of("room", room_id="1", room_type="private rooms")
    assert private["Location"]["physicalType"]["coding"][0]["code"] == "ro"


SHIFT = {"assignment_id": "1", "staff_id": "7", "shift_date": date(2025, 10, 31)}


@pytest.mark.parametrize(
    ("start", "end", "horizon"),
    [
        (time(7), time(15), ("2025-10-31T07:00:00+05:30", "2025-10-31T15:00:00+05:30")),
        (time(23), time(7), ("2025-10-31T23:00:00+05:30", "2025-11-01T07:00:00+05:30")),
        (None, time(7), ("2025-10-31", "2025-10-31")),
        (time(7), time(7), ("2025-10-31", "2025-10-31")),
    ],
    ids=["day", "night", "no start", "no length"],
)
def test_shifts(start: time | None, end: time | None, horizon: tuple[str, str]) -> None:
    made, _ = of("shiftassignment", **SHIFT, start_time=start, end_time=end, created_by="4", shift_type="Night")
    schedule = made["Schedule"]
    assert (schedule["planningHorizon"]["start"], schedule["planningHorizon"]["end"]) == horizon
    assert schedule["actor"][0]["reference"].startswith("PractitionerRole/")
    assert ("inferred" in tags(schedule)) == (start == time(23))


def test_a_shift_of_nobody_is_no_schedule() -> None:
    made, report = of("shiftassignment", assignment_id="1")
    assert (made, found(report, "dropped")) == ({}, {"Schedule"})
    _, report = of("shiftassignment", **SHIFT, is_repeated=True)
    assert found(report, "contradiction") == {"staff_id"}


def test_a_shift_s_weekday_and_week_are_compared_with_its_date() -> None:
    good = {"shift_id": "1", "shift_date": date(2025, 10, 31), "shift_day_of_week": "Friday", "week_no": 44}
    assert of("shift", **good)[1].issues == []
    assert found(of("shift", **good | {"shift_day_of_week": "Monday"})[1], "contradiction") == {"shift_day_of_week"}
    assert found(of("shift", **good | {"week_no": 43})[1], "contradiction") == {"week_no"}


APPOINTMENT = {
    "appointment_id": "1",
    "doctor_id": "6",
    "patient_id": "2",
    "scheduled_by": "4",
    "appointment_date": date(2025, 7, 1),
    "appointment_start_time": time(10),
    "appointment_end_time": time(10, 30),
    "appointment_status": "Scheduled",
}


@pytest.mark.parametrize(
    ("word", "code"), [("Scheduled", "booked"), ("Completed", "fulfilled"), ("Cancelled", "cancelled")]
)
def test_appointments(word: str, code: str) -> None:
    made, _ = of("appointment", **APPOINTMENT | {"appointment_status": word})
    appointment = made["Appointment"]
    assert appointment["status"] == code
    assert (appointment["start"], appointment["end"]) == ("2025-07-01T10:00:00+05:30", "2025-07-01T10:30:00+05:30")
    assert [each["actor"]["type"] for each in appointment["participant"]] == ["Patient", "Practitioner"]


def test_summer_time_counts() -> None:
    made, _ = of("appointment", zone="Europe/Berlin", **APPOINTMENT)
    assert made["Appointment"]["start"] == "2025-07-01T10:00:00+02:00"
    made, _ = of("appointment", zone="Europe/Berlin", **APPOINTMENT | {"appointment_date": date(2025, 1, 7)})
    assert made["Appointment"]["start"] == "2025-01-07T10:00:00+01:00"


def test_an_appointment_that_ends_before_its_start_has_no_end() -> None:
    made, report = of("appointment", **APPOINTMENT | {"appointment_end_time": time(9)})
    assert "end" not in made["Appointment"]
    assert made["Appointment"]["_end"]["extension"][0]["valueCode"] == "unknown"
    assert found(report, "contradiction") == {"appointment_end_time"}


def test_an_appointment_whose_zone_is_not_known_has_no_instant() -> None:
    made, report = of("appointment", zone=None, **APPOINTMENT)
    assert not {"start", "end"} & made["Appointment"].keys()
    assert found(report, "dropped") == {"Appointment.start", "Appointment.end"}


def test_an_appointment_without_doctor_says_so() -> None:
    made, _ = of("appointment", **APPOINTMENT | {"doctor_id": None})
    assert made["Appointment"]["participant"][1] == {"type": [{"text": "Doctor"}], "status": "accepted"}


@pytest.mark.parametrize("stream", ["appointment", "admission"])
def test_a_double_booking_is_tagged_and_reported(stream: str) -> None:
    row = APPOINTMENT if stream == "appointment" else {"admission_id": "1", "admission_status": "Admitted"}
    made, report = of(stream, **row, overlaps=True)
    assert "dq-double-booking" in tags(next(iter(made.values())))
    assert len(found(report, "contradiction")) == 1
    made, report = of(stream, **row, overlaps=False)
    assert "dq-double-booking" not in tags(next(iter(made.values())))


TEST = {
    "test_id": "1",
    "patient_id": "2",
    "requested_by": "6",
    "done_by": "7",
    "test_type": "X-Ray",
    "test_date": datetime(2025, 3, 17, 7, 36),  # noqa: DTZ001 - the hospital's clock
    "test_cost": Decimal("12.50"),
}


def test_a_completed_test_is_reported_on() -> None:
    made, report = of("medicaltest", **TEST, test_status="Completed", test_result="Clear lungs")
    assert {kind: each["status"] for kind, each in made.items()} == {
        "ServiceRequest": "completed",
        "Observation": "final",
        "DiagnosticReport": "final",
    }
    assert made["Observation"]["valueString"] == made["DiagnosticReport"]["conclusion"] == "Clear lungs"
    assert made["ServiceRequest"]["code"]["coding"][0]["code"] == "43468-8"
    assert made["ServiceRequest"]["occurrenceDateTime"] == "2025-03-17T07:36:00+05:30"
    assert report.issues == []


def test_a_completed_test_without_result_is_registered() -> None:
    made, report = of("medicaltest", **TEST, test_status="Completed")
    assert made["DiagnosticReport"]["status"] == "registered"
    assert made["Observation"]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert found(report, "contradiction") == {"test_result"}


@pytest.mark.parametrize(("word", "code"), [("Scheduled", "active"), ("Cancelled", "revoked"), ("?", "unknown")])
def test_a_test_that_is_not_done_is_a_request_and_its_result_a_note(word: str, code: str) -> None:
    made, report = of("medicaltest", **TEST, test_status=word, test_result="Clear lungs")
    assert set(made) == {"ServiceRequest"}
    assert made["ServiceRequest"]["status"] == code
    assert made["ServiceRequest"]["note"] == [{"text": "Result as recorded: Clear lungs"}]
    assert found(report, "contradiction") == {"test_result"}


def test_an_hiv_test_is_restricted() -> None:
    made, _ = of("medicaltest", **TEST | {"test_type": "HIV Test"}, test_status="Completed", test_result="Negative")
    for each in made.values():
        assert [label["code"] for label in each["meta"]["security"]] == ["R", "HIV"]


TREATMENT = {
    "treatment_id": "1",
    "patient_id": "2",
    "treatment_procedure": "Dialysis",
    "treatment_cost": Decimal("100.00"),
    "medication": "Amlodipine 5 mg",
    "diagnosis": "Diabetes",
    "admission_id": "5",
    "admission_patient_id": "2",
}


def test_a_treatment_is_a_procedure_a_condition_and_a_medication() -> None:
    made, _ = of("treatment", **TREATMENT)
    assert (made["Procedure"]["status"], made["MedicationStatement"]["status"]) == ("unknown", "unknown")
    assert made["Condition"]["code"] == {"text": "Diabetes"}
    assert not {"clinicalStatus", "verificationStatus"} & made["Condition"].keys()
    encounters = [
        made["Procedure"]["encounter"],
        made["Condition"]["encounter"],
        made["MedicationStatement"]["context"],
    ]
    assert {each["identifier"]["value"] for each in encounters} == {"5"}
    assert not {"performedDateTime", "performedPeriod"} & made["Procedure"].keys()


def test_another_patient_s_admission_is_never_a_treatment_s() -> None:
    made, _ = of("treatment", **TREATMENT | {"admission_patient_id": "3"})
    assert "encounter" not in made["Procedure"]
    made, _ = of("treatment", **TREATMENT | {"patient_id": None, "admission_patient_id": None})
    assert "encounter" not in made["Procedure"]
    _, report = of("admission", admission_id="5", patient_id="3", treatment_id="1", treatment_patient_id="2")
    assert "treatment_id" in found(report, "contradiction")
    _, report = of("admission", admission_id="5", patient_id="3", treatment_id="1", shares_treatment=True)
    assert "treatment_id" in found(report, "contradiction")


def test_a_row_without_patient_says_so() -> None:
    made, report = of("treatment", treatment_id="1", treatment_procedure="Dialysis")
    assert made["Procedure"]["subject"]["extension"][0]["valueCode"] == "unknown"
    assert found(report, "orphan") == {"patient_id"}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Pending", "planned"),
        ("Admitted", "in-progress"),
        ("In Treatment", "in-progress"),
        ("Discharged", "finished"),
        ("Cancelled", "cancelled"),
        ("Transferred", "finished"),
        ("?", "unknown"),
    ],
)
def test_admissions(word: str, status: str) -> None:
    start = datetime(2025, 1, 1, 8)  # noqa: DTZ001 - the hospital's clock
    made, _ = of(
        "admission", admission_id="1", patient_id="2", room_id="3", admission_status=word, admission_date=start
    )
    encounter = made["Encounter"]
    assert (encounter["status"], encounter["class"]["code"]) == (status, "IMP")
    assert encounter["period"] == {"start": "2025-01-01T08:00:00+05:30"}
    transferred = {"dischargeDisposition": {"text": "Transferred"}}
    assert encounter.get("hospitalization") == (transferred if word == "Transferred" else None)
    assert encounter["location"][0]["location"]["identifier"]["value"] == "3"


def test_a_discharge_before_the_admission_is_left_out() -> None:
    start, end = datetime(2025, 1, 2, 8), datetime(2025, 1, 1, 8)  # noqa: DTZ001 - the hospital's clock
    row = {"admission_id": "1", "admission_status": "Discharged"}
    made, report = of("admission", **row, admission_date=start, discharge_date=end)
    assert "end" not in made["Encounter"]["period"]
    assert found(report, "contradiction") == {"discharge_date"}
    made, _ = of("admission", **row, admission_date=end, discharge_date=start)
    assert made["Encounter"]["period"]["end"] == "2025-01-02T08:00:00+05:30"


INVOICE = {
    "invoice_no": "INV000001",
    "patient_id": "2",
    "amount": Decimal("100.00"),
    "tax": Decimal("5.00"),
    "total_amount": Decimal("105.00"),
}


def test_an_invoice_is_issued_and_has_its_lines() -> None:
    lines = (Charged("7", Decimal("60.00")),)
    made, report = of("invoice", ("INV000001",), **INVOICE, tests=lines, treatments=(Charged("9", Decimal("40.00")),))
    invoice = made["Invoice"]
    assert (invoice["status"], tags(invoice)) == ("issued", {"defaulted"})
    assert [each["priceComponent"][0]["amount"]["value"] for each in invoice["lineItem"]] == [60, 40]
    assert (invoice["totalNet"]["value"], invoice["totalGross"]["value"]) == (100, 105)
    assert invoice["totalPriceComponent"][0]["amount"]["value"] == 5
    assert found(report, "contradiction") == set()
    charged, _ = of("medicaltestinvoice", ("INV000001", "7"), invoice_no="INV000001", test_id="7", test_type="MRI")
    assert invoice["lineItem"][0]["chargeItemReference"]["reference"] == f"ChargeItem/{charged['ChargeItem']['id']}"


def test_sums_that_differ_are_reported_and_never_mended() -> None:
    made, report = of("invoice", **INVOICE, tests=(Charged("7", Decimal("60.00")),), treatments=None)
    assert found(report, "contradiction") == {"amount"}
    assert made["Invoice"]["totalNet"]["value"] == 100
    _, report = of("invoice", **INVOICE, tests=(Charged("7", None),), treatments=None)
    assert found(report, "contradiction") == set()
    _, report = of("invoice", **INVOICE | {"total_amount": Decimal("100.00")})
    assert found(report, "contradiction") == {"total_amount"}


@pytest.mark.parametrize("stream", ["medicaltestinvoice", "treatmentinvoice"])
def test_charges(stream: str) -> None:
    what = "test" if stream == "medicaltestinvoice" else "treatment"
    word = {"test_type": "MRI", "test_status": "Completed"} if what == "test" else {"treatment_procedure": "Dialysis"}
    row = {"invoice_no": "INV000001", f"{what}_id": "7", "patient_id": "2", "invoice_patient_id": "2", **word}
    made, report = of(stream, ("INV000001", "7"), **row)
    charge = made["ChargeItem"]
    assert (charge["status"], charge["identifier"][0]["value"]) == ("billed", "INV000001/7")
    assert charge["service"][0]["type"] == ("DiagnosticReport" if what == "test" else "Procedure")
    assert report.issues == []
    assert found(of(stream, **row | {"invoice_patient_id": "3"})[1], "contradiction") == {"patient_id"}
    assert found(of(stream, **row | {"is_repeated": True})[1], "contradiction") == {"invoice_no"}
    unknown, report = of(stream, invoice_no="INV000001", **{f"{what}_id": "99"})
    assert unknown["ChargeItem"]["code"]["coding"][0]["code"] == "unknown"
    assert found(report, "orphan") == {"code", "patient_id"}


def test_a_payment_has_no_amount_and_proves_no_balance() -> None:
    on = datetime(2025, 1, 2, 23, 30)  # noqa: DTZ001 - the hospital's clock
    row = {"payment_id": "1", "paid_by": "2", "invoice_no": "INV000001", "payment_method": "Cash", "payment_date": on}
    made, report = of("payment", **row, invoice_patient_id="2")
    payment = made["PaymentReconciliation"]
    assert payment["paymentAmount"]["extension"][0]["valueCode"] == "unknown"
    assert (payment["created"], payment["paymentDate"]) == ("2025-01-02T23:30:00+05:30", "2025-01-02")
    assert payment["detail"][0]["request"]["identifier"]["value"] == "INV000001"
    assert {each["url"].rpartition(":")[2] for each in payment["extension"]} == {"payment-method", "paid-by"}
    assert found(report, "contradiction") == set()
    assert found(of("payment", **row, invoice_patient_id="3")[1], "contradiction") == {"paid_by"}


def test_a_payment_without_date_says_so() -> None:
    made, _ = of("payment", payment_id="1")
    assert {"_created", "_paymentDate"} <= made["PaymentReconciliation"].keys()
    assert "detail" not in made["PaymentReconciliation"]


def test_a_clock_time_whose_zone_is_not_known_is_a_date() -> None:
    made, report = of("medicaltest", zone=None, **TEST, test_status="Scheduled")
    assert made["ServiceRequest"]["occurrenceDateTime"] == "2025-03-17"
    assert Issue("approximated", "test_date", "the time of day is left out: its zone is not known") in report.issues


def test_an_offset_with_seconds_cannot_be_said() -> None:
    """Before 1906 Kolkata was 5:53:28 ahead of Greenwich."""
    long_ago = TEST | {"test_date": datetime(1800, 1, 1, 8)}  # noqa: DTZ001 - the hospital's clock
    made, _ = of("medicaltest", **long_ago, test_status="Scheduled")
    assert made["ServiceRequest"]["occurrenceDateTime"] == "1800-01-01"
