"""HIS_B as FHIR: each mapping note and each defect of its data dictionary, one by one.

https://hl7.org/fhir/R4/, LOINC 85354-9, 8480-6, 8462-4, 718-7, 882-1, 8867-4
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from his_adapters.base import Record, Rejected
from mappers.base import Resource
from mappers.fhir.check import check, judge
from tests.his_adapters.contract import opened
from tests.mappers.mapped import Mapped, mapped

KEYS = {"patients": "patient_id", "staff": "staff_id", "finance": "transaction_id"}
LOINC = "http://loinc.org"


def all_mapped(folder: Path, stream: str, objects: Sequence[Any]) -> list[Mapped]:
    """What the adapter and the mapper make of these objects."""
    (folder / f"{stream}.json").write_text(json.dumps(objects), encoding="utf-8")
    return [mapped("his_b", each) for each in opened("his_b", folder).read(stream, None) if isinstance(each, Record)]


def one(folder: Path, stream: str, **fields: Any) -> Mapped:
    """What one object that has a key becomes; all of it is valid R4 for both judges."""
    (found,) = all_mapped(folder, stream, [{KEYS[stream]: "k1", **fields}])
    for made in found.own + found.shared:
        assert check(made) == []
        assert judge(made) == []
    return found


def _of(found: Mapped, resource_type: str) -> list[Resource]:
    return [made for made in found.own if made["resourceType"] == resource_type]


def _issues(found: Mapped) -> list[tuple[str, str]]:
    return [(issue.code, issue.element) for issue in found.report.issues]


def _observations(found: Mapped) -> dict[str, Resource]:
    return {made["code"]["text"]: made for made in _of(found, "Observation")}


def _codes(concept: dict[str, Any]) -> list[str]:
    return [coding["code"] for coding in concept.get("coding", [])]


def _patient(folder: Path, **medical: Any) -> Mapped:
    return one(folder, "patients", patient_status="Admitted", medical_info=medical)


def test_a_patient_is_a_person_a_policy_and_a_stay(tmp_path: Path) -> None:
    found = one(
        tmp_path,
        "patients",
        name={"first": "Amanda", "last": "Ruiz"},
        dob="1957-07-28",
        gender="Female",
        location={"city": "Nashik", "postal_code": "74214"},
        contact={"phone": "1644788992311"},
        emergency_person={"name": "Mrs. Kathleen Brown MD", "relation": "Parent"},
        insurance={"id": "INS70403", "provider": "CarePlus"},
        primary_physician="Dr. Klein",
        patient_status="Observation",
        current_department="Cardiology",
        department_admitted="Emergency",
        bed_type="General",
    )
    (patient,), (policy,), (stay,) = (_of(found, kind) for kind in ("Patient", "Coverage", "Encounter"))
    assert patient["name"] == [{"use": "official", "family": "Ruiz", "given": ["Amanda"]}]
    assert (patient["gender"], patient["birthDate"]) == ("female", "1957-07-28")
    assert patient["telecom"] == [{"system": "phone", "value": "1644788992311"}]
    assert patient["contact"][0]["name"] == {"text": "Mrs. Kathleen Brown MD"}
    assert patient["generalPractitioner"] == [{"type": "Practitioner", "display": "Dr. Klein"}]
    assert policy["subscriberId"] == "INS70403"
    assert policy["beneficiary"]["reference"] == f"Patient/{patient['id']}"
    assert (stay["status"], stay["class"]["code"]) == ("in-progress", "OBSENC")
    assert "period" not in stay
    assert {made["name"] for made in found.shared} == {
        "Cardiology",
        "Emergency",
        "Cardiology, General",
        "CarePlus",
    }


def test_a_name_in_one_text_is_kept(tmp_path: Path) -> None:
    (patient,) = _of(one(tmp_path, "patients", name="Dr. Amanda Ruiz"), "Patient")
    assert patient["name"][0]["text"] == "Dr. Amanda Ruiz"


def test_a_bare_key_is_still_a_patient_and_a_stay(tmp_path: Path) -> None:
    """Missing branches leave nothing behind but what the row is."""
    found = one(tmp_path, "patients", contact=None, insurance={}, medical_info=None)
    assert [made["resourceType"] for made in found.own] == ["Patient", "Encounter"]


def test_a_blood_pressure_is_a_panel_of_two(tmp_path: Path) -> None:
    made = _observations(_patient(tmp_path, bp="100/72"))["Blood pressure"]
    assert _codes(made["code"]) == ["85354-9"]
    assert [_codes(part["code"]) for part in made["component"]] == [["8480-6"], ["8462-4"]]
    assert [str(part["valueQuantity"]["value"]) for part in made["component"]] == ["100", "72"]
    assert {part["valueQuantity"]["code"] for part in made["component"]} == {"mm[Hg]"}
    assert made["status"] == "unknown"
    assert not {"valueString", "effectiveDateTime"} & set(made)


@pytest.mark.parametrize("text", ["not taken", "120", "12o/80", "/80", "120/80/60", "1200/80", "120 / 80", "١٢٠/٨٠"])
def test_a_blood_pressure_that_is_none_stays_a_text(tmp_path: Path, text: str) -> None:
    found = _patient(tmp_path, bp=text)
    made = _observations(found)["Blood pressure"]
    assert made["valueString"] == text
    assert "component" not in made
    assert ("approximated", "Observation.component") in _issues(found)


def test_a_blood_pressure_upside_down_is_reported(tmp_path: Path) -> None:
    assert ("implausible", "bp") in _issues(_patient(tmp_path, bp="72/100"))


ASSUMED = [
    pytest.param("hb", 15.2, "Hb", "g/dL", ["718-7"], "laboratory", id="hb"),
    pytest.param("sugar", 110, "Sugar", "mg/dL", [], "laboratory", id="sugar"),
    pytest.param("pulse", 72, "Pulse", "/min", ["8867-4"], "vital-signs", id="pulse"),
]


@pytest.mark.parametrize(("what", "value", "name", "unit", "codes", "category"), ASSUMED)
def test_a_number_without_unit_gets_the_assumed_one(
    tmp_path: Path, what: str, value: float, name: str, unit: str, codes: list[str], category: str
) -> None:
    found = _patient(tmp_path, basic_tests={what: value})
    made = _observations(found)[name]
    assert made["valueQuantity"]["code"] == unit
    assert str(made["valueQuantity"]["value"]) == str(value)
    assert _codes(made["code"]) == codes
    assert _codes(made["category"][0]) == [category]
    assert "inferred" in {each["code"] for each in made["meta"]["tag"]}
    assert ("inferred", f"{what}.unit") in _issues(found)


@pytest.mark.parametrize(
    ("what", "name", "value"), [("hb", "Hb", 152), ("sugar", "Sugar", 5.5), ("pulse", "Pulse", -1)]
)
def test_a_number_outside_the_range_has_neither_unit_nor_code(
    tmp_path: Path, what: str, name: str, value: float
) -> None:
    """152 is haemoglobin in g/L, 5.5 sugar in mmol/L: the store does not say."""
    found = _patient(tmp_path, **{what: value})
    made = _observations(found)[name]
    assert made["valueQuantity"] == {"value": Decimal(str(value))}
    assert made["code"] == {"text": name}
    assert ("implausible", what) in _issues(found)


def test_a_blood_group_is_a_text_of_its_own_observation(tmp_path: Path) -> None:
    made = _observations(_patient(tmp_path, blood_group="AB+"))["Blood group"]
    assert (_codes(made["code"]), made["valueCodeableConcept"]) == (["882-1"], {"text": "AB+"})


ALLERGIES = [
    pytest.param("Peanuts", [("Peanuts", ["food"])], id="one word"),
    pytest.param(["Penicillin", "Dust"], [("Penicillin", ["medication"]), ("Dust", ["environment"])], id="list"),
    pytest.param(["Dust", "dust ", "Dust"], [("Dust", ["environment"])], id="the same twice"),
    pytest.param(["Bees"], [("Bees", None)], id="unknown word"),
    pytest.param("None", [], id="None"),
    pytest.param(["None"], [], id="None in a list"),
    pytest.param([], [], id="empty list"),
    pytest.param(None, [], id="null"),
]


@pytest.mark.parametrize(("native", "expected"), ALLERGIES)
def test_allergies_are_stated_once(tmp_path: Path, native: Any, expected: list[tuple[str, list[str] | None]]) -> None:
    made = _of(_patient(tmp_path, allergies=native), "AllergyIntolerance")
    assert [(each["code"]["text"], each.get("category")) for each in made] == expected
    for each in made:
        assert (_codes(each["clinicalStatus"]), _codes(each["verificationStatus"])) == (["active"], ["unconfirmed"])
        assert "reaction" not in each


CONDITIONS = [
    pytest.param({"disease": "Flu"}, [("Flu", "encounter-diagnosis")], id="original's disease"),
    pytest.param(
        {"disease": "Flu", "medical_info": {"chronic_conditions": "Asthma"}},
        [("Flu", "encounter-diagnosis"), ("Asthma", "problem-list-item")],
        id="chronic",
    ),
    pytest.param({"medical_info": {"chronic_conditions": "None"}}, [], id="chronic None"),
    pytest.param(
        {"medical_info": {"diseases": ["Flu", "Asthma", "flu"]}, "disease": "FLU"},
        [("Flu", "encounter-diagnosis"), ("Asthma", "encounter-diagnosis")],
        id="seed's list, each once",
    ),
    pytest.param({"medical_info": {"diseases": "Fracture"}}, [("Fracture", "encounter-diagnosis")], id="seed's text"),
    pytest.param({"medical_info": {"diseases": ["None"]}}, [], id="list of None"),
]


@pytest.mark.parametrize(("fields", "expected"), CONDITIONS)
def test_each_disease_is_a_condition(tmp_path: Path, fields: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """Those of the stay are the Encounter's diagnoses; chronic ones are on the problem list."""
    found = one(tmp_path, "patients", **fields)
    made = _of(found, "Condition")
    assert [(each["code"]["text"], _codes(each["category"][0])[0]) for each in made] == expected
    (stay,) = _of(found, "Encounter")
    of_stay = [f"Condition/{each['id']}" for each in made if "encounter" in each]
    assert [each["condition"]["reference"] for each in stay.get("diagnosis", [])] == of_stay
    assert len(of_stay) == [category for _, category in expected].count("encounter-diagnosis")


def test_the_order_of_diseases_changes_no_id(tmp_path: Path) -> None:
    first, second = (_patient(tmp_path, diseases=names) for names in (["Flu", "Malaria"], ["Malaria", "Flu"]))
    ids = [{each["code"]["text"]: each["id"] for each in _of(found, "Condition")} for found in (first, second)]
    assert ids[0] == ids[1]


SEVERITIES = [
    pytest.param(["Flu"], "Severe", {"text": "Severe"}, None, id="one disease"),
    pytest.param(["Flu"], "treating", None, "Severity as recorded: treating", id="treating is no severity"),
    pytest.param(["Flu", "Asthma"], "Severe", None, "Severity as recorded: Severe", id="whose severity?"),
    pytest.param(["Flu", "Asthma"], None, None, None, id="none stated"),
]


@pytest.mark.parametrize(("diseases", "severity", "expected", "note"), SEVERITIES)
def test_a_severity_is_a_disease_s_only_where_there_is_one(
    tmp_path: Path, diseases: list[str], severity: str | None, expected: dict[str, str] | None, note: str | None
) -> None:
    found = one(tmp_path, "patients", severity=severity, medical_info={"diseases": diseases})
    for made in _of(found, "Condition"):
        assert made.get("severity") == expected
        assert [each["text"] for each in made.get("note", [])] == ([note] if note else [])


def test_fracture_and_diabetes_are_not_coded(tmp_path: Path) -> None:
    for made in _of(_patient(tmp_path, diseases=["Fracture"], chronic_conditions="Diabetes"), "Condition"):
        assert "coding" not in made["code"]


CONTRADICTIONS = [
    pytest.param({"patient_status": "Discharged", "bed_type": "ICU"}, "bed_type", id="discharged in ICU"),
    pytest.param({"patient_status": "Critical", "severity": "Mild"}, "severity", id="critical and mild"),
]


@pytest.mark.parametrize(("fields", "element"), CONTRADICTIONS)
def test_contradictions_are_reported(tmp_path: Path, fields: dict[str, str], element: str) -> None:
    assert ("contradiction", element) in _issues(one(tmp_path, "patients", **fields))


def test_staff_have_qualifications_and_hours(tmp_path: Path) -> None:
    found = one(
        tmp_path,
        "staff",
        name={"first_name": "Ana", "last_name": "Roy"},
        role="Doctor",
        department="Cardiology",
        qualifications=["MBBS", "MD", "None"],
        experience_years=7,
        salary=90_000,
        shift_timing={"shift": "Evening", "start": "16:00", "end": "00:00:00"},
    )
    (person,), (role,) = _of(found, "Practitioner"), _of(found, "PractitionerRole")
    assert [each["code"]["text"] for each in person["qualification"]] == ["MBBS", "MD"]
    assert (_codes(role["code"][0]), _codes(role["specialty"][0])) == (["doctor"], ["207RC0000X"])
    assert role["availableTime"] == [{"availableStartTime": "16:00:00", "availableEndTime": "00:00:00"}]
    assert role["extension"] == [{"url": "urn:fhir-gateway:shift", "valueString": "Evening"}]
    assert b"90000" not in orjson.dumps(found.own)


def test_a_shift_without_hours_has_no_hours(tmp_path: Path) -> None:
    """`Morning` is kept as the word that it is."""
    (role,) = _of(one(tmp_path, "staff", work_shift="Morning", designation="Admin"), "PractitionerRole")
    assert "availableTime" not in role
    assert role["code"] == [{"text": "Admin"}]


def test_an_hour_that_is_none_is_dropped(tmp_path: Path) -> None:
    found = one(tmp_path, "staff", shift_timing={"shift": "Night", "start": "25:00", "end": "08:00"})
    assert _of(found, "PractitionerRole")[0]["availableTime"] == [{"availableEndTime": "08:00:00"}]
    assert ("dropped", "shift_start") in _issues(found)


def test_joining_as_a_child_is_reported(tmp_path: Path) -> None:
    found = one(tmp_path, "staff", dob="2000-01-01", joining_date="2012-05-01")
    assert ("implausible", "joining_date") in _issues(found)
    assert _of(found, "PractitionerRole")[0]["period"] == {"start": "2012-05-01"}


def _bill(folder: Path, **fields: Any) -> Mapped:
    return one(folder, "finance", patient_id="81f91df9", **fields)


INSURANCE = [
    pytest.param({"insurance": {"covered": True, "provider": "CarePlus", "id": "INS1"}}, True, id="true"),
    pytest.param({"insurance": {"covered": False, "provider": "CarePlus", "id": "INS1"}}, False, id="false"),
    pytest.param({"insurance_claimed": "Yes", "insurance_id": "INS1", "insurance_provider": "X"}, True, id="Yes"),
    pytest.param({"insurance_claimed": "No", "insurance_id": "INS1"}, False, id="No, although an id is there"),
    pytest.param({"insurance_covered": 150.25, "insurance_id": "INS1"}, True, id="amount"),
    pytest.param({"insurance": None}, False, id="null"),
]


@pytest.mark.parametrize(("fields", "is_claimed"), INSURANCE)
def test_only_what_asserts_insurance_is_a_claim(tmp_path: Path, fields: dict[str, Any], is_claimed: bool) -> None:
    """Every bill is an Invoice with its ChargeItem."""
    found = _bill(tmp_path, amount=200.50, **fields)
    types = [made["resourceType"] for made in found.own]
    assert types == ["ChargeItem", "Invoice", *(["Coverage", "Claim"] if is_claimed else [])]
    if is_claimed:
        policy, claim = found.own[2:]
        assert claim["insurance"][0]["coverage"]["reference"] == f"Coverage/{policy['id']}"
        assert policy["subscriberId"] == "INS1"


def test_a_claim_without_policy_leads_to_the_patient_s(tmp_path: Path) -> None:
    found = _bill(tmp_path, amount=200, insurance={"covered": True, "id": "None"})
    (claim,) = _of(found, "Claim")
    assert claim["insurance"][0]["coverage"]["identifier"]["value"] == "81f91df9"


def test_sums_are_taken_over_and_never_computed_anew(tmp_path: Path) -> None:
    found = _bill(
        tmp_path,
        amount=2135.26,
        currency="INR",
        net_amount="1814.97",
        tax=163.35,
        total_amount=1978.32,
        payment_status="Unpaid",
        payment_method="UPI",
        billing_date="2025-02-20",
        due_date="2024-04-08",
        receipt_number="RCPT617922",
        service_code="SRV103",
        service_description="Blood Test",
        staff_id="S7eb17dc",
    )
    (bill,), (item,) = _of(found, "Invoice"), _of(found, "ChargeItem")
    prices = [(each["type"], str(each["amount"]["value"])) for each in bill["lineItem"][0]["priceComponent"]]
    assert prices == [("base", "2135.26"), ("discount", "320.29"), ("tax", "163.35")]
    assert (str(bill["totalNet"]["value"]), bill["totalGross"]["currency"]) == ("1814.97", "INR")
    assert (bill["status"], bill["date"], bill["paymentTerms"]) == ("issued", "2025-02-20", "due 2024-04-08")
    assert ("contradiction", "Invoice.paymentTerms") in _issues(found)
    assert (item["code"]["text"], _codes(item["code"])) == ("Blood Test", ["SRV103"])
    assert bill["subject"]["identifier"]["value"] == "81f91df9"
    assert item["performer"][0]["actor"]["identifier"]["value"] == "S7eb17dc"


@pytest.mark.parametrize(("native", "expected"), [("INR", "INR"), ("Rs.", None), ("AAA", None), (None, None)])
def test_a_currency_is_a_code_or_left_out(tmp_path: Path, native: str | None, expected: str | None) -> None:
    found = _bill(tmp_path, amount=1, currency=native)
    price = _of(found, "Invoice")[0]["lineItem"][0]["priceComponent"][0]
    assert price["amount"].get("currency") == expected
    assert (("dropped", "currency") in _issues(found)) == (native not in {None, "INR"})


DIRTY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["None", "2999-01-01", "0001-01-01", "120/80", "15.2", "Yes", "Paid", "Discharged", "\ud800\x00"])
    | st.sampled_from(["Doctor", "Cardiology", "INR", "08:00", "HIV", "treating", "\u2028", "\x85", "a\x0bb"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=3,
)
NAMES = {
    "patients": {
        "name": ("first", "last", "first_name"),
        "location": ("city", "country"),
        "contact": ("phone", "email"),
        "emergency_person": ("name", "relation", "phone"),
        "insurance": ("id", "provider"),
        "medical_info": ("blood_group", "allergies", "bp", "hb", "sugar", "pulse", "chronic_conditions", "diseases"),
        "": (
            "dob",
            "gender",
            "disease",
            "patient_status",
            "severity",
            "current_department",
            "bed_type",
            "primary_physician",
        ),
    },
    "staff": {
        "name": ("first_name", "last"),
        "address": ("line1", "city"),
        "shift_timing": ("shift", "start", "end"),
        "": ("role", "designation", "department", "qualifications", "joining_date", "dob", "gender", "work_shift"),
    },
    "finance": {
        "billing": ("amount", "currency", "billing_date"),
        "payment": ("payment_type", "status"),
        "insurance": ("covered", "provider", "id"),
        "": ("amount", "due_date", "service_code", "service_description", "staff_id", "net_amount", "tax", "remarks"),
    },
}


@st.composite
def dirty_objects(draw: st.DrawFn, stream: str) -> dict[str, Any]:
    """An object with a key and any of the known names over dirty values."""
    key = st.text(min_size=1, max_size=9).filter(str.strip)
    made: dict[str, Any] = {KEYS[stream]: draw(key), "patient_id": draw(key), "amount": draw(st.integers(0, 10**6))}
    for branch, names in NAMES[stream].items():
        values = draw(st.dictionaries(st.sampled_from(names), DIRTY))
        made |= {branch: draw(st.sampled_from([values, values, None, "text"]))} if branch else values
    return made


@pytest.mark.parametrize("stream", KEYS)
@settings(max_examples=60)
@given(data=st.data())
def test_dirty_objects_become_valid_resources_or_rejects(
    stream: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: valid or refused, never an exception; the same input twice gives the same bytes."""
    objects = data.draw(st.lists(dirty_objects(stream), min_size=1, max_size=3))
    folder = tmp_path_factory.mktemp("dirty")
    (folder / f"{stream}.json").write_text(json.dumps(objects), encoding="utf-8")
    told = [each for each in opened("his_b", folder).read(stream, None) if isinstance(each, Record | Rejected)]
    assert len(told) == len(objects)
    for row in told:
        if isinstance(row, Record):
            found, again = mapped("his_b", row), mapped("his_b", row)
            assert orjson.dumps([found.own, found.shared], default=str) == orjson.dumps(
                [again.own, again.shared], default=str
            )
            assert found.report == again.report
            for made in found.own + found.shared:
                assert check(made) == []
                assert judge(made) == []
