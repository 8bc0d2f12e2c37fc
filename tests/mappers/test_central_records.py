"""The central records in FHIR: what a row says, what it does not say, and what is only inferred."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from his_adapters.base import Record
from his_adapters.central_records.records import DoctorRow, LabReportRow, PatientRow, VisitRow
from mappers.base import Resource
from mappers.fhir.check import check, judge
from tests.mappers.mapped import AS_OF, Mapped, mapped

ROWS: dict[str, Any] = {
    "patients": PatientRow("P1", "Abeer Sridhar", "F", date(1996, 1, 10), "AB+", "Baranagar"),
    "doctors": DoctorRow("D1", "Sarthak Thakkar", "Neurologist", "Ruby Hall"),
    "visits": VisitRow(
        "V1", "P1", "D1", date(2024, 8, 3), "Fever", "Emergency", doctor_hospital="Fortis", patient_dob=None
    ),
    "lab_reports": LabReportRow("R1", "V1", "ECG", "Normal", date(2024, 8, 19), "P1", date(2024, 8, 3)),
}


def of(stream: str, **changed: Any) -> Mapped:
    """What a row becomes; every resource is valid."""
    row = ROWS[stream]
    data = type(row)(**{name: changed.get(name, getattr(row, name)) for name in row.__slots__})
    one = mapped("central_records", Record(stream, (getattr(row, row.__slots__[0]),), data, "here", b""))
    for made in one.own + one.shared:
        assert check(made) == []
        assert judge(made) == []
    return one


def only(one: Mapped, resource_type: str) -> Resource:
    (found,) = [made for made in one.own + one.shared if made["resourceType"] == resource_type]
    return found


def tags(made: Resource) -> set[str]:
    return {each["code"] for each in made["meta"]["tag"]} - {"site"}


def said(one: Mapped) -> set[tuple[str, str]]:
    return {(issue.code, issue.element) for issue in one.report.issues}


def test_a_patient_has_one_text_for_a_name() -> None:
    """Parted at the last blank, and said to be so."""
    made = only(of("patients"), "Patient")
    assert made["name"] == [{"use": "official", "text": "Abeer Sridhar", "family": "Sridhar", "given": ["Abeer"]}]
    assert (made["gender"], made["birthDate"], made["address"]) == ("female", "1996-01-10", [{"city": "Baranagar"}])
    assert tags(made) == {"inferred"}
    single = only(of("patients", name="Madonna"), "Patient")
    assert single["name"] == [{"use": "official", "text": "Madonna"}]
    assert tags(single) == set()


@pytest.mark.parametrize(
    ("word", "code"), [("M", "male"), ("F", "female"), ("Other", "other"), ("X", None), (None, None)]
)
def test_genders(word: str | None, code: str | None) -> None:
    assert only(of("patients", gender=word), "Patient").get("gender") == code


def test_a_blood_group_has_no_time() -> None:
    made = only(of("patients"), "Observation")
    assert (made["status"], made["valueCodeableConcept"]) == ("unknown", {"text": "AB+"})
    assert not [name for name in made if name.startswith("effective")]


SPECIALIZATIONS = [
    ("Cardiologist", "207RC0000X"),
    ("Dermatologist", "207N00000X"),
    ("General Physician", "208D00000X"),
    ("Neurologist", "2084N0400X"),
    ("Orthopedic", "207X00000X"),
    ("Radiologist", "2085R0202X"),
    ("Astrologer", None),
]


@pytest.mark.parametrize(("word", "code"), SPECIALIZATIONS)
def test_specialties(word: str, code: str | None) -> None:
    (made,) = only(of("doctors", specialization=word), "PractitionerRole")["specialty"]
    assert made["text"] == word
    assert [each["code"] for each in made.get("coding", [])] == ([code] if code else [])


def test_a_hospital_is_one_however_it_is_spelled() -> None:
    one = only(of("doctors", hospital="Ruby Hall"), "Organization")
    other = only(of("doctors", hospital=" RUBY  hall"), "Organization")
    assert one["id"] == other["id"]
    role = only(of("doctors"), "PractitionerRole")
    assert role["organization"]["reference"] == f"Organization/{one['id']}"


STATUSES = [
    pytest.param(date(2024, 8, 3), "finished", None, id="past"),
    pytest.param(AS_OF, "finished", None, id="today"),
    pytest.param(date(2026, 2, 9), "planned", date(2026, 2, 9), id="to come"),
    pytest.param(None, "unknown", None, id="no day"),
]


@pytest.mark.parametrize(("day", "status", "until"), STATUSES)
def test_the_day_decides_whether_a_visit_is_over(day: date | None, status: str, until: date | None) -> None:
    """And until when the answer holds."""
    one = of("visits", visit_date=day)
    made = only(one, "Encounter")
    assert (made["status"], one.report.holds_until) == (status, until)
    assert made.get("period") == ({"start": day.isoformat()} if day else None)
    assert (("defaulted" if day is None else "inferred"), "Encounter.status") in said(one)


CLASSES = [
    ("Emergency", "EMER"),
    ("Consultation", "AMB"),
    ("Diagnostic", "AMB"),
    ("Telepathy", "unknown"),
    (None, "unknown"),
]


@pytest.mark.parametrize(("word", "code"), CLASSES)
def test_classes(word: str | None, code: str) -> None:
    made = only(of("visits", visit_type=word), "Encounter")
    assert made["class"]["code"] == code
    assert made.get("type") == ([{"text": word}] if word else None)


REASONS = [
    ("Fever", "R50.9"),
    ("Headache", "R51.9"),
    ("Chest Pain", "R07.9"),
    ("Back Pain", "M54.9"),
    ("Diabetes Checkup", None),
    ("Follow-up", None),
]


@pytest.mark.parametrize(("word", "code"), REASONS)
def test_reasons_are_reasons_and_no_diagnoses(word: str, code: str | None) -> None:
    one = of("visits", reason=word)
    (reason,) = only(one, "Encounter")["reasonCode"]
    assert reason["text"] == word
    assert [(each["code"], each["userSelected"]) for each in reason.get("coding", [])] == (
        [(code, False)] if code else []
    )
    assert [made["resourceType"] for made in one.own] == ["Encounter"]


def test_a_visit_takes_its_doctor_s_hospital() -> None:
    made = only(of("visits"), "Encounter")
    assert made["serviceProvider"]["display"] == "Fortis"
    assert "inferred" in tags(made)
    assert "serviceProvider" not in only(of("visits", doctor_hospital=None), "Encounter")
    (participant,) = made["participant"]
    assert "type" not in participant


def test_a_visit_before_the_birth_is_kept_and_tagged() -> None:
    one = of("visits", patient_dob=date(2024, 8, 4))
    assert "dq-date-order" in tags(only(one, "Encounter"))
    assert ("implausible", "Encounter.period") in said(one)
    assert "dq-date-order" not in tags(only(of("visits", patient_dob=date(2024, 8, 3)), "Encounter"))


def test_a_visit_of_nobody_has_no_subject() -> None:
    one = of("visits", patient_id=None, doctor_id=None)
    assert not {"subject", "participant"} & only(one, "Encounter").keys()
    assert ("dropped", "Encounter.subject") in said(one)


TESTS = [
    ("Blood Test", "LAB", None, "laboratory"),
    ("X-Ray", "RX", "43468-8", "imaging"),
    ("CT Scan", "CT", "25045-6", "imaging"),
    ("MRI", "NMR", "25056-3", "imaging"),
    ("Ultrasound", "RUS", "25061-3", "imaging"),
    ("ECG", "EC", "11524-6", "procedure"),
]


@pytest.mark.parametrize(("word", "service", "loinc", "category"), TESTS)
def test_tests(word: str, service: str, loinc: str | None, category: str) -> None:
    """Report and finding have one code; their categories are of different systems."""
    one = of("lab_reports", test_type=word)
    report, finding = only(one, "DiagnosticReport"), only(one, "Observation")
    assert report["code"] == finding["code"]
    assert report["code"]["text"] == word
    assert [each["code"] for each in report["code"].get("coding", [])] == ([loinc] if loinc else [])
    assert report["category"][0]["coding"][0]["code"] == service
    assert finding["category"][0]["coding"][0]["code"] == category


RESULTS = [
    ("Normal", "N"),
    ("Abnormal", "A"),
    ("Infection Found", "A"),
    ("Fracture Detected", "A"),
    ("High Cholesterol", "A"),
    ("Pending", None),
]


@pytest.mark.parametrize(("word", "code"), RESULTS)
def test_results_are_words(word: str, code: str | None) -> None:
    """High cholesterol is no lipid value."""
    one = of("lab_reports", test_type="Blood Test", result=word)
    report, finding = only(one, "DiagnosticReport"), only(one, "Observation")
    assert report["conclusion"] == word
    assert report["result"] == [{"reference": f"Observation/{finding['id']}"}]
    assert finding["valueCodeableConcept"] == {"text": word}
    assert "valueQuantity" not in finding
    assert [each["coding"][0]["code"] for each in finding.get("interpretation", [])] == ([code] if code else [])


def test_a_report_says_neither_its_status_nor_a_time() -> None:
    made = only(of("lab_reports"), "DiagnosticReport")
    assert (made["status"], made["effectiveDateTime"]) == ("unknown", "2024-08-19")
    assert "issued" not in made


def test_a_report_before_its_visit_is_kept_and_tagged() -> None:
    one = of("lab_reports", report_date=date(2024, 8, 2))
    assert {kind for kind in ("DiagnosticReport", "Observation") if "dq-date-order" in tags(only(one, kind))} == {
        "DiagnosticReport",
        "Observation",
    }
    assert "dq-date-order" not in tags(only(of("lab_reports", report_date=date(2024, 8, 3)), "DiagnosticReport"))


PAIRS = [
    ("ECG", "Fracture Detected", True),
    ("Blood Test", "Fracture Detected", True),
    ("X-Ray", "High Cholesterol", True),
    ("X-Ray", "Fracture Detected", False),
    ("Blood Test", "High Cholesterol", False),
    ("ECG", "Abnormal", False),
]


@pytest.mark.parametrize(("test", "result", "impossible"), PAIRS)
def test_a_result_that_the_test_cannot_have_is_kept_and_listed(test: str, result: str, impossible: bool) -> None:
    one = of("lab_reports", test_type=test, result=result)
    assert (("implausible", "DiagnosticReport.conclusion") in said(one)) == impossible
    assert only(one, "DiagnosticReport")["conclusion"] == result


def test_a_report_without_its_visit_is_nobody_s() -> None:
    """It names the visit, and the finding goes with it."""
    one = of("lab_reports", patient_id=None, visit_date=None)
    for made in one.own:
        assert "subject" not in made
        assert made["encounter"]["identifier"]["value"] == "V1"
    assert ("dropped", "DiagnosticReport.subject") in said(one)


def test_a_report_of_nothing_is_a_report() -> None:
    """Neither test nor result: a code that is absent, and no finding."""
    one = of("lab_reports", test_type=None, result=None, report_date=None)
    (made,) = one.own
    assert made["code"]["coding"][0]["code"] == "unknown"
    assert not {"category", "result", "conclusion", "effectiveDateTime"} & made.keys()
