"""Hybrid EHR's mapping where its dictionary decides: statuses, links to other patients, units, files, claims."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from his_adapters.base import Record
from his_adapters.hybrid_ehr.note_fields import Attachment, Sign
from his_adapters.hybrid_ehr.records import (
    AppointmentRow,
    BillRow,
    DoctorRow,
    MedicalRecordRow,
    NoteRow,
    PatientRow,
    PrescriptionRow,
)
from mappers.base import Resource
from mappers.fhir.check import check, judge
from tests.mappers.mapped import Mapped, mapped

NOON = datetime(2024, 5, 1, 12, 0)  # noqa: DTZ001 - the tables' clock has no zone
NOTED = datetime(2024, 5, 1, 6, 30, tzinfo=UTC)
STREAMS = {
    DoctorRow: "doctors",
    PatientRow: "patients",
    AppointmentRow: "appointments",
    MedicalRecordRow: "medical_records",
    PrescriptionRow: "prescriptions",
    BillRow: "billing",
    NoteRow: "clinical_notes",
}


def one(row: Any) -> Mapped:
    """What a row becomes, valid by both judges."""
    made = mapped("hybrid_ehr", Record(STREAMS[type(row)], ("7",), row, "x", b""))
    assert [(each["resourceType"], check(each) + judge(each)) for each in made.own if check(each) + judge(each)] == []
    return made


def of_type(made: Mapped, kind: str) -> list[Resource]:
    return [each for each in made.own if each["resourceType"] == kind]


def codes(made: Mapped) -> set[tuple[str, str]]:
    return {(issue.code, issue.element) for issue in made.report.issues}


def tags(resource: Resource) -> set[str]:
    return {each["code"] for each in resource["meta"]["tag"]} - {"site"}


def patient(**cells: Any) -> PatientRow:
    empty: dict[str, Any] = dict.fromkeys(PatientRow.__slots__)
    return PatientRow(**empty | {"patient_id": "7"} | cells)


def appointment(**cells: Any) -> AppointmentRow:
    made: dict[str, Any] = {
        "doctor_id": "3",
        "appointment_ts": NOON,
        "reason": None,
        "status": None,
        "created_at": None,
    } | cells
    return AppointmentRow(appointment_id="7", patient_id="1", **made)


def visit(**cells: Any) -> MedicalRecordRow:
    empty: dict[str, Any] = dict.fromkeys(MedicalRecordRow.__slots__)
    return MedicalRecordRow(**empty | {"record_id": "7", "patient_id": "1", "created_at": NOON} | cells)


def bill(**cells: Any) -> BillRow:
    made: dict[str, Any] = {"amount": Decimal("120.00"), "paid": True, "method": "cash", "billed_at": NOON} | cells
    return BillRow(bill_id="7", record_id="5", patient_id="1", **made)


def note(**cells: Any) -> NoteRow:
    empty: dict[str, Any] = dict.fromkeys(NoteRow.__slots__)
    known = {"note_id": "7", "record_uuid": "u", "patient_id": "1", "record_id": "5", "created_at": NOTED}
    return NoteRow(**empty | known | cells)


GENDERS = [
    ("Male", "male", None),
    ("F", "female", None),
    ("other", "other", None),
    ("nonbinary", "unknown", "nonbinary"),
    (None, None, None),
]


@pytest.mark.parametrize(("word", "code", "kept"), GENDERS)
def test_free_text_gender(word: str | None, code: str | None, kept: str | None) -> None:
    """A word that the table does not know is `unknown`, and stays beside it."""
    (made,) = one(patient(gender=word)).own
    assert made.get("gender") == code
    assert [each["valueString"] for each in made.get("extension", [])] == ([kept] if kept else [])


def test_a_patient_has_both_identifiers() -> None:
    uuid = "11111111-2222-4333-8444-55555555AAAA"
    (made,) = one(patient(patient_uuid=uuid)).own
    assert [each["value"] for each in made["identifier"]] == ["7", f"urn:uuid:{uuid.lower()}"]
    (odd,) = one(patient(patient_uuid="old-7")).own
    assert odd["identifier"][1] == {"system": "urn:fhir-gateway:source:site:patients:uuid", "value": "old-7"}


STATUSES = [
    ("scheduled", "booked", "accepted", None),
    ("Completed", "fulfilled", "accepted", None),
    ("cancelled", "cancelled", "needs-action", None),
    ("no_show", "noshow", "accepted", None),
    ("rescheduled", "booked", "accepted", "rescheduled"),
    ("tbd", "pending", "needs-action", "tbd"),
    (None, "pending", "needs-action", None),
]


@pytest.mark.parametrize(("word", "status", "answer", "kept"), STATUSES)
def test_appointment_status(word: str | None, status: str, answer: str, kept: str | None) -> None:
    """A past `scheduled` stays booked; what the table does not know is pending, tagged, its word kept."""
    done = one(appointment(status=word))
    (made,) = done.own
    assert made["status"] == status
    assert [each["status"] for each in made["participant"]] == ["accepted", answer]
    assert [each["valueString"] for each in made.get("extension", [])] == ([kept] if kept else [])
    assert tags(made) == {"defaulted"}
    assert (("defaulted", "Appointment.status") in codes(done)) == (status == "pending")


def test_an_appointment_begins_and_its_end_is_unknown() -> None:
    (made,) = one(appointment(status="scheduled", doctor_id=None)).own
    assert made["start"] == "2024-05-01T12:00:00+05:30"
    assert made["_end"]["extension"][0]["valueCode"] == "unknown"
    assert len(made["participant"]) == 1
    (dateless,) = one(appointment(appointment_ts=None)).own
    assert dateless["_start"] == dateless["_end"]


def test_a_visit_begins_with_its_appointment() -> None:
    done = one(visit(appointment_id="9", appointment_ts=NOON.replace(hour=9), appointment_patient_id="1", title="HIV"))
    (made,) = done.own
    assert (made["status"], made["class"]["code"], tags(made)) == ("finished", "unknown", {"inferred"})
    assert made["period"] == {"start": "2024-05-01T09:00:00+05:30"}
    assert made["appointment"][0]["identifier"]["value"] == "9"
    assert {label["code"] for label in made["meta"]["security"]} == {"R", "HIV"}


def test_a_visit_takes_nothing_of_another_patients_appointment() -> None:
    """Neither its time nor a reference to it: that would lead from one patient to another."""
    done = one(visit(appointment_id="9", appointment_ts=NOON.replace(hour=9), appointment_patient_id="2"))
    (made,) = done.own
    assert "appointment" not in made
    assert made["period"] == {"start": "2024-05-01T12:00:00+05:30"}
    assert "dq-other-patient" in tags(made)
    assert ("contradiction", "appointment_id") in codes(done)


def test_a_summary_is_a_document_and_no_diagnosis() -> None:
    made = one(visit(title="Follow-up hypertension", summary="Größer als zuvor.\nStable."))
    (document,) = of_type(made, "DocumentReference")
    (content,) = document["content"]
    assert b64decode(content["attachment"]["data"]).decode() == "Größer als zuvor.\nStable."
    assert content["attachment"]["title"] == "Follow-up hypertension"
    assert of_type(made, "Condition") == []
    assert of_type(one(visit(title="Check-up")), "DocumentReference") == []


def test_a_prescription_is_in_the_doctors_words() -> None:
    row = PrescriptionRow("7", "5", "Amoxicillin 500 mg", "1 tab TID x 7d", "after food", NOON, "1", "3", "TB")
    (made,) = one(row).own
    assert (made["status"], made["intent"]) == ("unknown", "order")
    assert made["medicationCodeableConcept"] == {"text": "Amoxicillin 500 mg"}
    assert made["dosageInstruction"] == [{"text": "1 tab TID x 7d, after food"}]
    assert made["encounter"]["identifier"]["value"] == "5"
    assert made["requester"]["identifier"]["value"] == "3"
    assert "R" in {label["code"] for label in made["meta"]["security"]}


BILLS = [
    ({"paid": True}, "balanced", set()),
    ({"paid": False}, "issued", set()),
    ({"paid": None}, "issued", {"defaulted"}),
    ({"amount": Decimal("-5.00")}, "balanced", set()),
]


@pytest.mark.parametrize(("cells", "status", "tagged"), BILLS)
def test_bills(cells: dict[str, Any], status: str, tagged: set[str]) -> None:
    """Paid is balanced; what is not known is issued, and tagged; no currency is invented."""
    done = one(bill(**cells))
    (made,) = of_type(done, "Invoice")
    assert (made["status"], tags(made)) == (status, tagged)
    assert made["totalGross"] == {"value": cells.get("amount", Decimal("120.00"))}
    (item,) = of_type(done, "ChargeItem")
    assert item["context"]["identifier"]["value"] == "5"
    assert item["enteredDate"] == made["date"] == "2024-05-01T12:00:00+05:30"
    assert (("implausible", "amount") in codes(done)) == ("amount" in cells)


@pytest.mark.parametrize(("method", "count"), [("insurance", 1), ("Insurance ", 1), ("cash", 0), (None, 0)])
def test_a_claim_where_insurance_is_asserted(method: str | None, count: int) -> None:
    """Its coverage is known to be, and no more."""
    claims = of_type(one(bill(method=method)), "Claim")
    assert len(claims) == count
    for made in claims:
        assert made["insurance"][0]["coverage"] == {"type": "Coverage", "display": "Insurance (policy not recorded)"}
        assert made["created"] == "2024-05-01T12:00:00+05:30"
    undated = of_type(one(bill(method=method, billed_at=None)), "Claim")
    assert all("_created" in made for made in undated)


SIGNS: list[Any] = [
    pytest.param("temp", "37.2", {"value": Decimal("37.2"), "code": "Cel"}, "8310-5", id="Celsius"),
    pytest.param("temp", "98.6", {"value": Decimal("98.6"), "code": "[degF]"}, "8310-5", id="Fahrenheit"),
    pytest.param("temp", "45", "45", None, id="neither"),
    pytest.param("temp", "5", "5", None, id="a cold body"),
    pytest.param("temp", "warm", "warm", None, id="a word for a temperature"),
    pytest.param("pulse", "78", {"value": Decimal(78), "code": "/min"}, "8867-4", id="pulse"),
    pytest.param("pulse", "0", "0", None, id="no pulse"),
    pytest.param("spo2", "98", "98", None, id="another sign"),
    pytest.param("bp", "120", "120", "85354-9", id="half a pressure"),
]


@pytest.mark.parametrize(("name", "value", "seen", "code"), SIGNS)
def test_signs(name: str, value: str, seen: Any, code: str | None) -> None:
    """A unit is told by the size of the number and tagged; what nobody can have measured so keeps its words only."""
    done = one(note(observations=(Sign(name, value, None),)))
    (made,) = done.own
    assert made["code"]["text"] == name
    assert [each["code"] for each in made["code"].get("coding", [])] == ([code] if code else [])
    assert made["status"] == "unknown"
    if isinstance(seen, str):
        assert made["valueString"] == seen
    else:
        assert {part: made["valueQuantity"][part] for part in seen} == seen
    assert ("inferred" in tags(made)) == (code == "8310-5")


@pytest.mark.parametrize("written", ["120/80", "120 / 80 mmHg", "120/80mm[Hg]"])
def test_blood_pressure(written: str) -> None:
    (made,) = one(note(observations=(Sign("BP", written, None),))).own
    values = [(each["code"]["coding"][0]["code"], each["valueQuantity"]["value"]) for each in made["component"]]
    assert values == [("8480-6", 120), ("8462-4", 80)]


def test_each_symptom_is_an_observation_of_its_own() -> None:
    """At the time of the sign, else of the note, in UTC; from the document, at the visit of the record."""
    taken = datetime(2024, 5, 1, 6, 0, tzinfo=UTC)
    signs = (Sign("symptoms", "fever", None), Sign("symptoms", "fever", taken))
    made = one(note(note_text="Seen.", observations=signs))
    found = of_type(made, "Observation")
    assert [each["valueCodeableConcept"]["text"] for each in found] == ["fever", "fever"]
    assert len({each["id"] for each in found}) == 2
    assert [each["effectiveDateTime"] for each in found] == ["2024-05-01T06:30:00+00:00", "2024-05-01T06:00:00+00:00"]
    (document,) = of_type(made, "DocumentReference")
    assert {each["derivedFrom"][0]["reference"] for each in found} == {f"DocumentReference/{document['id']}"}
    assert {each["encounter"]["identifier"]["value"] for each in found} == {"5"}


PLACES = [
    ("https://files.example.org/x.png", True),
    ("uploads/x.png", True),
    ("./x%20y.png", True),
    ("/srv/x.png", True),
    ("javascript:alert(1)", False),
    ("data:text/html,hi", False),
    ("file:///etc/passwd", False),
    ("x y.png", False),
    (None, False),
]


@pytest.mark.parametrize(("place", "followed"), PLACES)
def test_attachments(place: str | None, followed: bool) -> None:
    """Web addresses and relative paths; nothing that a browser would run. The name stays."""
    (made,) = one(note(attachments=(Attachment("x.png", place, None, "image"),))).own
    found = made["content"][0]["attachment"]
    assert found.get("url") == (place if followed else None)
    assert ("_url" in found) != followed
    assert found["title"] == "x.png"


def test_a_sensitive_record_makes_its_note_sensitive() -> None:
    made = one(note(record_title="HIV", note_text="Seen.", observations=(Sign("pulse", "70", None),)))
    assert all({label["code"] for label in each["meta"]["security"]} == {"R", "HIV"} for each in made.own)


def test_an_empty_note_makes_nothing() -> None:
    done = one(note())
    assert done.own == []
    assert ("dropped", "DocumentReference.content") in codes(done)


def test_a_doctor_has_a_role_and_a_specialty() -> None:
    row = DoctorRow("7", "Asha", "Rao", "Cardiology", None, None, date(2020, 1, 1))
    role = of_type(one(row), "PractitionerRole")[0]
    assert role["code"][0]["coding"][0]["code"] == "doctor"
    assert role["specialty"][0]["coding"][0]["code"] == "207RC0000X"
