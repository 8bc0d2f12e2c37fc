"""HIS_C as FHIR R4: what its data dictionary says of each column, and of each defect.

https://hl7.org/fhir/R4/careplan.html, https://hl7.org/fhir/R4/invoice.html, https://hl7.org/fhir/R4/claim.html
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapters.base import Record
from his_adapters.his_c.cells import Contact, EmergencyPerson, Place
from his_adapters.his_c.records import FinanceRow, PatientRow, StaffRow
from mappers.fhir.check import check, judge
from tests.mappers.mapped import Mapped, mapped

ROWS = {"patients": PatientRow, "staff": StaffRow, "finance": FinanceRow}
LABEL = "Dermatology \u2013 Skincare"
NEEDED: dict[str, dict[str, Any]] = {
    "patients": {"patient_id": "3e280819"},
    "staff": {"staff_id": "3e280819"},
    "finance": {"transaction_id": "3e280819", "patient_id": "047e5504", "amount": Decimal("120.50")},
}


def row(stream: str, **cells: Any) -> Mapped:
    """What a row of these cells becomes; every resource of it is valid R4."""
    kind = ROWS[stream]
    data = kind(**{**dict.fromkeys(field.name for field in fields(kind)), **NEEDED[stream], **cells})
    found = mapped("his_c", Record(stream, ("3e280819",), data, f"{stream}.csv:2", b"0" * 16))
    for made in found.own + found.shared:
        assert check(made) == []
        assert judge(made) == []
    return found


def only(found: Mapped, kind: str) -> dict[str, Any]:
    """The one resource of a type."""
    (made,) = [each for each in found.own if each["resourceType"] == kind]
    return made


def kinds(found: Mapped) -> list[str]:
    return [made["resourceType"] for made in found.own]


def issues(found: Mapped) -> set[tuple[str, str]]:
    return {(issue.code, issue.element) for issue in found.report.issues}


def test_a_row_of_nothing_is_a_patient_and_a_visit() -> None:
    """Nothing is invented: no name, no birth date, no class, no plan."""
    found = row("patients")
    assert kinds(found) == ["Patient", "Encounter"]
    assert not {"name", "birthDate", "gender", "telecom", "address", "contact"} & only(found, "Patient").keys()
    visit = only(found, "Encounter")
    assert (visit["status"], visit["class"]["code"]) == ("unknown", "unknown")
    assert found.shared == []


def test_words_that_say_nothing_make_nothing() -> None:
    """Defect 2: `None` is a word here."""
    words = ("medical_history", "allergies", "blood_group", "insurance_id", "insurance_provider", "name")
    found = row("patients", **dict.fromkeys(words, "None"), specialty="None", care_instructions="None")
    assert kinds(found) == ["Patient", "Encounter"]


def test_the_person() -> None:
    found = row(
        "patients",
        name="Mrs. Ann Marie Lee MD",
        dob=date(1980, 2, 29),
        gender="Female",
        primary_physician="Dr. Klein",
        contact=Contact("0164478899231", "a@b.co"),
        location=Place(None, "Pune", "Maharashtra", "India", "07214"),
        emergency_person=EmergencyPerson("Pat O'Neil", "Friend", "0064478899231"),
    )
    made = only(found, "Patient")
    assert made["name"] == [
        {
            "use": "official",
            "text": "Mrs. Ann Marie Lee MD",
            "family": "Lee",
            "given": ["Ann", "Marie"],
            "prefix": ["Mrs."],
            "suffix": ["MD"],
        }
    ]
    assert made["telecom"] == [{"system": "phone", "value": "0164478899231"}, {"system": "email", "value": "a@b.co"}]
    assert made["address"] == [{"city": "Pune", "state": "Maharashtra", "postalCode": "07214", "country": "India"}]
    (contact,) = made["contact"]
    assert contact["name"] == {"text": "Pat O'Neil"}
    assert [each["coding"][0]["code"] for each in contact["relationship"]] == ["C", "FRND"]
    assert made["generalPractitioner"] == [{"type": "Practitioner", "display": "Dr. Klein"}]


def test_a_phone_that_a_spreadsheet_took_for_a_number() -> None:
    """Defect 1: `.0` is no part of a phone; lost zeros cannot come back."""
    found = row("patients", contact_phone="164478899231.0")
    assert only(found, "Patient")["telecom"] == [{"system": "phone", "value": "164478899231"}]
    assert ("approximated", "Patient.telecom") in issues(found)


def test_a_specialty_is_a_service_and_no_diagnosis() -> None:
    """serviceType and reason in words; one place, because the three columns are one; no Condition."""
    found = row(
        "patients",
        specialty="Mycology \u2013 Fungal Infections",
        department_admitted="Mycology \u2013 Fungal Infections",
        current_department="Mycology \u2013 Fungal Infections",
        patient_status="Discharged",
        bed_type="General",
        severity="Mild",
    )
    visit = only(found, "Encounter")
    assert visit["serviceType"] == {"text": "Mycology \u2013 Fungal Infections"}
    assert visit["reasonCode"] == [{"text": "Mycology \u2013 Fungal Infections"}]
    assert len(visit["location"]) == 1
    assert visit["status"] == "finished"
    assert visit["extension"] == [{"url": "urn:fhir-gateway:severity", "valueString": "Mild"}]
    assert "Condition" not in kinds(found)
    assert sorted(made["resourceType"] for made in found.shared) == ["Location", "Organization"]


@pytest.mark.parametrize("label", ["\u2013 Throat & Nasal Care", "skincare", "Beauty & Wellness"])
def test_any_label_is_a_service(label: str) -> None:
    """Defect 5: a broken half, a short label, an unknown one."""
    found = row("patients", specialty=label)
    assert only(found, "Encounter")["serviceType"] == {"text": label}


def test_two_departments_are_two_places() -> None:
    visit = only(row("patients", current_department="eye care", department_admitted="skincare"), "Encounter")
    assert [each.get("status") for each in visit["location"]] == [None, "completed"]


def test_gynecology_is_sensitive_and_a_man_there_is_doubted() -> None:
    """Defect 6, and decision on sensitive records."""
    found = row(
        "patients", specialty="Gynecology \u2013 Women\u2019s Reproductive Health", gender="Male", time_bound=TODAY
    )
    assert ("implausible", "specialty") in issues(found)
    for made in (only(found, "Encounter"), only(found, "CarePlan")):
        assert {label["code"] for label in made["meta"]["security"]} == {"R", "SEX"}


TODAY = date(2026, 1, 15)
DOUBTS = [
    pytest.param({"bed_type": "ICU"}, ("implausible", "bed_type"), id="defect 7: an ICU bed"),
    pytest.param(
        {"bed_type": "ICU", "patient_status": "Discharged"}, ("contradiction", "bed_type"), id="discharged in the ICU"
    ),
    pytest.param(
        {"severity": "Mild", "patient_status": "Critical"}, ("contradiction", "severity"), id="critical and mild"
    ),
    pytest.param(
        {"time_bound": date(2026, 1, 14), "patient_status": "Admitted"},
        ("contradiction", "time_bound"),
        id="defect 11: a deadline that is over",
    ),
    pytest.param(
        {"dob": date(2024, 1, 1), "height_cm": Decimal(180)}, ("implausible", "height_cm"), id="a tall infant"
    ),
    pytest.param({"treatment_duration_days": 0}, ("dropped", "treatment_duration_days"), id="no days"),
    pytest.param({"gender": "?"}, ("dropped", "Patient.gender"), id="no gender that is known"),
]


@pytest.mark.parametrize(("cells", "issue"), DOUBTS)
def test_doubts_are_reported_and_mapped(cells: dict[str, Any], issue: tuple[str, str]) -> None:
    assert issue in issues(row("patients", **cells))


def test_history_allergies_and_measurements() -> None:
    found = row(
        "patients",
        medical_history="Hypertension",
        allergies="Penicillin; Dust, penicillin",
        height_cm=Decimal(170),
        weight_kg=Decimal("70.5"),
        blood_group="O+",
    )
    past = only(found, "Condition")
    assert past["category"][0]["coding"][0]["code"] == "problem-list-item"
    assert past["code"]["coding"][0]["code"] == "I10"
    known = [made for made in found.own if made["resourceType"] == "AllergyIntolerance"]
    assert [(made["code"]["text"], made["category"]) for made in known] == [
        ("penicillin", ["medication"]),
        ("Dust", ["environment"]),
    ]
    codes = [made["code"]["coding"][0]["code"] for made in found.own if made["resourceType"] == "Observation"]
    assert codes == ["8302-2", "29463-7", "882-1"]


PLANS = [
    pytest.param("Admitted", "active", id="admitted"),
    pytest.param("Observation", "active", id="observed"),
    pytest.param("Discharged", "completed", id="discharged"),
    pytest.param("Gone", "unknown", id="unknown word"),
    pytest.param(None, "unknown", id="not stated"),
]


@pytest.mark.parametrize(("status", "expected"), PLANS)
def test_the_care_plan(status: str | None, expected: str) -> None:
    """Instructions, duration and deadline; a status is inferred and says so, or is unknown."""
    found = row(
        "patients",
        patient_status=status,
        care_instructions="Keep it dry.",
        treatment_duration_days=12,
        time_bound=date(2026, 3, 1),
    )
    plan = only(found, "CarePlan")
    assert (plan["status"], plan["intent"], plan["description"]) == (expected, "plan", "Keep it dry.")
    assert plan["period"] == {"end": "2026-03-01"}
    bounds = plan["activity"][0]["detail"]["scheduledTiming"]["repeat"]["boundsDuration"]
    assert (bounds["value"], bounds["code"]) == (12, "d")
    assert (("inferred", "CarePlan.status") in issues(found)) == (expected != "unknown")
    assert found.report.holds_until == (date(2026, 3, 2) if expected == "active" else None)


ROLES = [
    pytest.param("Doctor", "MBBS", "doctor", ["207N00000X"], id="doctor"),
    pytest.param("Nurse", "Nursing", "nurse", [], id="nurse"),
    pytest.param("Therapist", "Physiotherapy", "225100000X", [], id="physiotherapist"),
    pytest.param("Therapist", "MBBS", None, [], id="another therapist"),
    pytest.param("Assistant", "Physiotherapy", None, [], id="assistant"),
]


@pytest.mark.parametrize(("role", "qualification", "code", "specialty"), ROLES)
def test_staff(role: str, qualification: str, code: str | None, specialty: list[str]) -> None:
    """The words always; a code of the role where it has one; of the specialty for doctors only."""
    found = row("staff", name="Dr. Ann Lee", role=role, qualification=qualification, specialty_handled=LABEL)
    made = only(found, "PractitionerRole")
    assert made["code"][0]["text"] == role
    assert [each["code"] for each in made["code"][0].get("coding", [])] == ([code] if code else [])
    assert made["specialty"][0]["text"] == LABEL
    assert [each["code"] for each in made["specialty"][0].get("coding", [])] == specialty
    person = only(found, "Practitioner")
    assert person["qualification"] == [{"code": {"text": qualification}}]
    assert not {"birthDate", "gender"} & person.keys()


def test_a_list_of_specialties() -> None:
    made = only(row("staff", role="Doctor", specialty_handled=f"{LABEL}; eye care, {LABEL}"), "PractitionerRole")
    assert [each["text"] for each in made["specialty"]] == [LABEL, "eye care"]


def test_where_and_when_someone_works() -> None:
    found = row(
        "staff", department="skincare", shift="Night", joining_date=date(2020, 5, 1), contact=Contact("012", None)
    )
    made = only(found, "PractitionerRole")
    assert made["period"] == {"start": "2020-05-01"}
    assert made["extension"] == [{"url": "urn:fhir-gateway:shift", "valueString": "Night"}]
    assert made["organization"]["display"] == "skincare"
    assert [each["name"] for each in found.shared] == ["skincare"]
    assert only(row("staff"), "PractitionerRole")["organization"]["display"] == "Test Hospital"


ADDRESSES = [
    pytest.param(
        "166 Briggs Run\nNew Matthewmouth, VI 50870",
        {
            "text": "166 Briggs Run, New Matthewmouth, VI 50870",
            "line": ["166 Briggs Run"],
            "city": "New Matthewmouth",
            "state": "VI",
            "postalCode": "50870",
        },
        id="defect 3: two lines",
    ),
    pytest.param(
        "Unit 4392 Box 5729\nDPO AE 85867",
        {"text": "Unit 4392 Box 5729, DPO AE 85867", "line": ["Unit 4392 Box 5729", "DPO AE 85867"]},
        id="military",
    ),
    pytest.param(
        "166 Briggs Run, New Matthewmouth, VI 50870",
        {"text": "166 Briggs Run, New Matthewmouth, VI 50870"},
        id="one line",
    ),
]


@pytest.mark.parametrize(("cell", "expected"), ADDRESSES)
def test_staff_addresses(cell: str, expected: dict[str, Any]) -> None:
    assert only(row("staff", address=cell), "Practitioner")["address"] == [expected]


CLAIMS = [
    pytest.param({"payment_type": "Insurance"}, True, id="paid by insurance"),
    pytest.param({"payment_type": "Cash", "insurance_covered": "Yes"}, True, id="covered"),
    pytest.param({"payment_type": "Card", "insurance_covered": "100.00"}, True, id="covered in part"),
    pytest.param({"payment_type": "Cash"}, False, id="cash"),
    pytest.param({"payment_type": "UPI", "insurance_covered": "No"}, False, id="not covered"),
    pytest.param({}, False, id="nothing stated"),
]


@pytest.mark.parametrize(("cells", "claimed"), CLAIMS)
def test_only_bills_that_assert_insurance_are_claims(cells: dict[str, str], *, claimed: bool) -> None:
    """Defect 9: a claim number stands on every bill of the original; it counts where insurance is asserted."""
    found = row("finance", insurance_claim_id="CLM0042", billing_date=date(2024, 5, 1), category="Procedure", **cells)
    assert kinds(found) == ["ChargeItem", "Invoice", *(["Claim"] if claimed else [])]
    if claimed:
        made = only(found, "Claim")
        assert {"system": "urn:fhir-gateway:source:site:claims", "value": "CLM0042"} in made["identifier"]
        assert made["type"]["coding"][0]["code"] == "professional"
        assert made["created"] == "2024-05-01"
        assert made["insurance"][0]["coverage"]["reference"] == own_coverage("047e5504")
    else:
        assert ("dropped", "insurance_claim_id") in issues(found)


def own_coverage(patient_id: str) -> str:
    """The reference to the policy in a patient's row."""
    kept = mapped(
        "his_c",
        Record(
            "patients",
            (patient_id,),
            PatientRow(
                **{
                    **dict.fromkeys(field.name for field in fields(PatientRow)),
                    "patient_id": patient_id,
                    "insurance_id": "INS10000",
                }
            ),
            "",
            b"",
        ),
    )
    return f"Coverage/{only(kept, 'Coverage')['id']}"


def test_the_bill() -> None:
    """The native category, no currency, the default of a bill without a status, the clerk as who entered it."""
    found = row(
        "finance", category="Treatment", payment_type="UPI", processed_by_staff_id="5e386442", remarks="So it is."
    )
    made = only(found, "Invoice")
    assert made["status"] == "issued"
    assert {"system": "urn:fhir-gateway:tag", "code": "defaulted"} in made["meta"]["tag"]
    assert made["lineItem"][0]["priceComponent"] == [{"type": "base", "amount": {"value": Decimal("120.50")}}]
    item = only(found, "ChargeItem")
    assert item["code"] == {"text": "Treatment"}
    assert item["enterer"]["identifier"]["value"] == "5e386442"
    assert "performer" not in item
    assert "totalGross" not in made


STATUSES = [("Paid", "balanced"), ("Pending", "issued"), ("Unpaid", "issued")]


@pytest.mark.parametrize(("word", "status"), STATUSES)
def test_stated_statuses(word: str, status: str) -> None:
    assert only(row("finance", status=word), "Invoice")["status"] == status


def test_special_services_are_a_surcharge() -> None:
    """A line of its own; whether the amount holds it too is not stated, so no total is made."""
    found = row("finance", special_services_charges=Decimal(40), payment_type="Insurance")
    lines = only(found, "Invoice")["lineItem"]
    assert [line["priceComponent"][0]["type"] for line in lines] == ["base", "surcharge"]
    assert kinds(found).count("ChargeItem") == 2
    assert "total" not in only(found, "Claim")
    assert len(only(found, "Claim")["item"]) == 2
    assert only(row("finance", payment_type="Insurance"), "Claim")["total"] == {"value": Decimal("120.50")}


@pytest.mark.parametrize("nothing", [None, Decimal(0)])
def test_no_special_services_are_no_line(nothing: Decimal | None) -> None:
    assert len(only(row("finance", special_services_charges=nothing), "Invoice")["lineItem"]) == 1


TEXT = (
    st.none()
    | st.text(min_size=1, max_size=20).map(str.strip).filter(bool)
    | st.sampled_from(
        ["None", "ICU", "Admitted", "Critical", "Mild", "Yes", "No", "Insurance", LABEL, "Doctor", "a,b;c", "\n", "5.0"]
    )
)
VALUES = {
    "str": TEXT,
    "int": st.none() | st.integers(-5, 10**6),
    "date": st.none() | st.dates(),
    "Decimal": st.none() | st.decimals(-1000, 10**9, allow_nan=False, allow_infinity=False, places=2),
    "Contact": st.none() | st.builds(Contact, TEXT, TEXT),
    "Place": st.none() | st.builds(Place, TEXT, TEXT, TEXT, TEXT, TEXT),
    "EmergencyPerson": st.none() | st.builds(EmergencyPerson, TEXT, TEXT, TEXT),
}


def rows(stream: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any cells that the adapter lets through."""
    made = {}
    for field in fields(ROWS[stream]):
        if field.name not in NEEDED[stream]:
            kind = next(name for name in (*list(VALUES)[1:], "str") if name in str(field.type))
            made[field.name] = VALUES[kind]
    return st.fixed_dictionaries(made)


@pytest.mark.parametrize("stream", ROWS)
@given(data=st.data())
def test_any_row_is_mapped_and_mapped_alike(stream: str, data: st.DataObject) -> None:
    """No row makes the mapper raise; the same row gives the same bytes, and each resource an id of its own."""
    cells = data.draw(rows(stream))
    record = Record(stream, ("3e280819",), ROWS[stream](**NEEDED[stream], **cells), f"{stream}.csv:2", b"0" * 16)
    found, again = mapped("his_c", record), mapped("his_c", record)
    assert orjson.dumps(found.own + found.shared, default=str) == orjson.dumps(again.own + again.shared, default=str)
    ids = [(made["resourceType"], made["id"]) for made in found.own]
    assert len(set(ids)) == len(ids)
    assert all(finding.rule for made in found.own + found.shared for finding in check(made))
