"""HIS_C: the adapter contract, the shapes of its packed cells, and the defects of its data dictionary one by one."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapters.base import Checkpoint, Record, Rejected, Skipped
from his_adapters.his_c.cells import Contact, EmergencyPerson, Place
from his_adapters.his_c.records import FinanceRow, PatientRow, StaffRow
from tests.his_adapters.contract import AdapterContract, opened

KEYS = {"patients": "patient_id", "staff": "staff_id", "finance": "transaction_id"}


class TestHisC(AdapterContract):
    """Three CSV files."""

    adapter = "his_c"
    streams = ("staff", "patients", "finance")


def written(folder: Path, stream: str, *rows: Mapping[str, Any]) -> list[Record | Rejected | Skipped]:
    """What is read of rows in a file of their own columns."""
    columns = list(dict.fromkeys([KEYS[stream], *(name for row in rows for name in row)]))
    with (folder / f"{stream}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    found = list(opened("his_c", folder).read(stream, None))
    return [each for each in found if not isinstance(each, Checkpoint)]


def one(folder: Path, stream: str, **cells: Any) -> Record:
    """The record of one row."""
    (found,) = written(folder, stream, {KEYS[stream]: "3e280819", **cells})
    assert isinstance(found, Record)
    return found


def patient(folder: Path, **cells: Any) -> PatientRow:
    data = one(folder, "patients", **cells).data
    assert isinstance(data, PatientRow)
    return data


def rules(found: Record | Rejected) -> list[tuple[str, str]]:
    return [(each.field, each.rule) for each in (found.notes if isinstance(found, Record) else found.problems)]


REACH = {"phone": "0164478899231", "email": "a@b.co"}
CONTACTS = [
    pytest.param({"contact": repr(REACH)}, id="Python dict"),
    pytest.param({"contact": json.dumps(REACH)}, id="JSON"),
    pytest.param({"contact": "0164478899231; a@b.co"}, id="semicolon"),
    pytest.param({"contact": "0164478899231, a@b.co"}, id="comma"),
    pytest.param({"contact_phone": "0164478899231", "contact_email": "a@b.co"}, id="flat columns"),
    pytest.param({"contact": "0164478899231", "contact_email": "a@b.co"}, id="half packed"),
    pytest.param(
        {"contact": "{'phone'", "contact_phone": "0164478899231", "contact_email": "a@b.co"}, id="broken dict"
    ),
]


@pytest.mark.parametrize("cells", CONTACTS)
def test_contacts(tmp_path: Path, cells: dict[str, str]) -> None:
    """One meaning, whatever the shape; patients and staff alike."""
    assert patient(tmp_path, **cells).reached_at() == Contact("0164478899231", "a@b.co")
    staff = one(tmp_path, "staff", **cells).data
    assert isinstance(staff, StaffRow)
    assert staff.reached_at() == Contact("0164478899231", "a@b.co")


HOME = {"country": "India", "state": "Maharashtra", "city": "Pune", "postal_code": "07214"}
PLACES = [
    pytest.param({"location": repr(HOME)}, Place(None, "Pune", "Maharashtra", "India", "07214"), id="Python dict"),
    pytest.param({"location": json.dumps(HOME)}, Place(None, "Pune", "Maharashtra", "India", "07214"), id="JSON"),
    pytest.param(
        {"location": "India, Maharashtra, Pune, 07214"},
        Place("India, Maharashtra, Pune, 07214", "Pune", "Maharashtra", "India", "07214"),
        id="values in the store's order",
    ),
    pytest.param(
        {"location": "Pune, Maharashtra, India"},
        Place("Pune, Maharashtra, India", "Pune", "Maharashtra", "India"),
        id="City, State, Country",
    ),
    pytest.param(HOME, Place(None, "Pune", "Maharashtra", "India", "07214"), id="flat columns"),
    pytest.param({"location": "12, Rose Lane"}, Place("12, Rose Lane"), id="a text"),
    pytest.param({}, Place(), id="nothing"),
]


@pytest.mark.parametrize(("cells", "expected"), PLACES)
def test_places(tmp_path: Path, cells: dict[str, str], expected: Place) -> None:
    assert patient(tmp_path, **cells).home() == expected


PERSON = {"name": "Pat O'Neil", "relation": "Friend", "phone": "0164478899231"}
PEOPLE = [
    pytest.param({"emergency_person": repr(PERSON)}, ("Pat O'Neil", "Friend", "0164478899231"), id="Python dict"),
    pytest.param({"emergency_person": json.dumps(PERSON)}, ("Pat O'Neil", "Friend", "0164478899231"), id="JSON"),
    pytest.param(
        {"emergency_person": "Pat O'Neil; Friend; 0164478899231"}, ("Pat O'Neil", "Friend", "0164478899231"), id="row"
    ),
    pytest.param(
        {"emergency_person": "Pat O'Neil, Friend, 0164478899231"},
        ("Pat O'Neil", "Friend", "0164478899231"),
        id="commas",
    ),
    pytest.param({"emergency_person": "Pat O'Neil (Friend)"}, ("Pat O'Neil", "Friend", None), id="Name (Relation)"),
    pytest.param(
        {"emergency_person": "Pat O'Neil (Friend); 0164478899231"},
        ("Pat O'Neil", "Friend", "0164478899231"),
        id="Name (Relation); phone",
    ),
    pytest.param({"emergency_person": "Mrs. Pat O'Neil, MD"}, ("Mrs. Pat O'Neil, MD", None, None), id="a name"),
    pytest.param(
        {f"emergency_person_{name}": value for name, value in PERSON.items()},
        ("Pat O'Neil", "Friend", "0164478899231"),
        id="flat columns",
    ),
]


@pytest.mark.parametrize(("cells", "expected"), PEOPLE)
def test_emergency_people(tmp_path: Path, cells: dict[str, str], expected: tuple[str | None, ...]) -> None:
    assert patient(tmp_path, **cells).to_call() == EmergencyPerson(*expected)


SPELLINGS = [
    pytest.param("patients", "duration_days", "12", "treatment_duration_days", 12, id="duration"),
    pytest.param("patients", "Treatment Duration Days", "12", "treatment_duration_days", 12, id="blanks and case"),
    pytest.param("staff", "specialty_assigned", "Skincare", "specialty_handled", "Skincare", id="specialty"),
    pytest.param("finance", "transaction_date", "2024-02-29", "billing_date", date(2024, 2, 29), id="date"),
    pytest.param("finance", "payment_method", "UPI", "payment_type", "UPI", id="payment"),
    pytest.param("finance", "payment_status", "Paid", "status", "Paid", id="status"),
    pytest.param("finance", "insurance_covered", "Yes", "insurance_covered", "Yes", id="covered"),
    pytest.param("finance", "insurance_covered", "120.50", "insurance_covered", "120.50", id="covered amount"),
]


@pytest.mark.parametrize(("stream", "column", "cell", "field", "expected"), SPELLINGS)
def test_both_spellings_are_read(
    tmp_path: Path, stream: str, column: str, cell: str, field: str, expected: object
) -> None:
    needed = {"patient_id": "1", "amount": "1"} if stream == "finance" else {}
    assert getattr(one(tmp_path, stream, **needed, **{column: cell}).data, field) == expected


@pytest.mark.parametrize("key", ["3e280819", "047e5504", "07603108", "00000000", "5e386442"])
def test_1_ids_and_phones_stay_text(tmp_path: Path, key: str) -> None:
    """Nothing is inferred: no id becomes a float, no phone loses its zeros."""
    (found,) = written(tmp_path, "patients", {"patient_id": key, "contact_phone": "0064478899231"})
    assert isinstance(found, Record)
    assert found.key == (key,)
    assert found.data.contact_phone == "0064478899231"


def test_2_the_word_none_is_a_word(tmp_path: Path) -> None:
    """The mapper decides that it says nothing; an empty cell is nothing at once."""
    row = patient(tmp_path, medical_history="None", allergies="")
    assert (row.medical_history, row.allergies) == ("None", None)


def test_3_line_breaks_in_cells(tmp_path: Path) -> None:
    """A record is not a line; the place of each is the line on which it begins."""
    address = "166 Briggs Run\nNew Matthewmouth, VI 50870"
    found = written(tmp_path, "staff", *({"staff_id": str(number), "address": address} for number in range(3)))
    assert [each.locator for each in found] == ["staff.csv:2", "staff.csv:4", "staff.csv:6"]
    assert all(isinstance(each, Record) and each.data.address == address for each in found)


LABEL = "Gynecology \u2013 Women\u2019s Reproductive Health"


def test_4_dashes_and_quotes(tmp_path: Path) -> None:
    """Right as UTF-8, read back where someone read them as cp1252, and right in a file that has them as cp1252."""
    assert patient(tmp_path, specialty=LABEL).specialty == LABEL
    broken = one(tmp_path, "patients", specialty=LABEL.encode().decode("cp1252"))
    assert broken.data.specialty == LABEL
    assert rules(broken) == [("specialty", "mojibake")]
    (tmp_path / "patients.csv").write_bytes(f"patient_id,specialty\n1,{LABEL}\n".encode("cp1252"))
    (found, _) = opened("his_c", tmp_path).read("patients", None)
    assert isinstance(found, Record)
    assert found.data.specialty == LABEL


def test_4_a_label_that_only_looks_like_mojibake_stays(tmp_path: Path) -> None:
    label = "â€ and é"
    assert patient(tmp_path, specialty=label).specialty == label


@pytest.mark.parametrize(
    "label", ["\u2013 Throat & Nasal Care", "Otolaryngology (ENT)", "skincare", "Dermatology \u2013 Skincare"]
)
def test_5_specialties_stay_as_they_stand(tmp_path: Path, label: str) -> None:
    """A leading dash too: which label it is half of would be a guess."""
    assert patient(tmp_path, specialty=label).specialty == label


def test_6_7_8_9_11_contradictions_are_records(tmp_path: Path) -> None:
    """Men in gynecology, ICU beds, titles, claim ids on cash and passed deadlines are for the mapper to doubt."""
    cells = {
        "gender": "Male",
        "specialty": LABEL,
        "bed_type": "ICU",
        "name": "Dr. Ann Lee MD",
        "time_bound": "2024-01-01",
    }
    found = one(tmp_path, "patients", **cells)
    assert (found.notes, found.data.name, found.data.time_bound) == ((), "Dr. Ann Lee MD", date(2024, 1, 1))
    bill = one(tmp_path, "finance", patient_id="1", amount="5", payment_type="Cash", insurance_claim_id="CLM0001")
    assert bill.data.insurance_claim_id == "CLM0001"


def test_10_bills_of_unknown_patients_are_records(tmp_path: Path) -> None:
    """Who is whose is not for the adapter to say."""
    data = one(tmp_path, "finance", patient_id="ffffffff", amount="5", processed_by_staff_id="eeeeeeee").data
    assert isinstance(data, FinanceRow)
    assert (data.patient_id, data.processed_by_staff_id, data.amount) == ("ffffffff", "eeeeeeee", Decimal(5))


BROKEN_CELLS = [
    pytest.param("contact", "{'phone': '0164', 'ema", "contact", "not-unpacked", id="cut off"),
    pytest.param("contact", "{" * 1000, "contact", "not-unpacked", id="a thousand deep"),
    pytest.param("contact", "__import__('os').getcwd()", "contact", "not-a-contact", id="code"),
    pytest.param("contact", "{'fax': '1'}", "contact", "not-unpacked", id="no known key"),
    pytest.param("contact", "{'phone': 1.6e12, 'email': 'a@b.co'}", "contact", "not-unpacked", id="exponent, not JSON"),
    pytest.param("contact", '{"phone": 1.6e12, "email": "a@b.co"}', "contact.phone", "not-text", id="a float"),
    pytest.param("contact", '{"phone": ["1"], "email": "a@b.co"}', "contact.phone", "not-text", id="a list"),
    pytest.param("location", "{'city': }", "location", "not-unpacked", id="no value"),
    pytest.param("location", "__import__('os').getcwd()", "location", "not-a-place", id="code for a place"),
    pytest.param(
        "emergency_person", "__import__('os').getcwd()", "emergency_person", "not-a-person", id="code for one"
    ),
    pytest.param("emergency_person", "x" * 3000, "emergency_person", "not-a-person", id="a book for a name"),
    pytest.param("contact", "1" * 20_000, "contact", "too-long", id="too long"),
    pytest.param("dob", "31/02/2020", "dob", "not-a-date", id="no date"),
    pytest.param("height_cm", "170 cm", "height_cm", "not-a-number", id="no number"),
    pytest.param("treatment_duration_days", "2.5", "treatment_duration_days", "not-a-whole-number", id="half a day"),
]


@pytest.mark.parametrize(("column", "cell", "field", "rule"), BROKEN_CELLS)
def test_12_a_broken_cell_costs_itself_only(tmp_path: Path, column: str, cell: str, field: str, rule: str) -> None:
    """The rest of the row counts, and the row says what is missing without quoting it."""
    found = one(tmp_path, "patients", **{column: cell, "name": "Ann Lee"})
    assert rules(found) == [(field, rule)]
    assert found.data.name == "Ann Lee"
    assert not any(cell in note.reason for note in found.notes)


def test_12_a_broken_part_costs_itself_only(tmp_path: Path) -> None:
    row = patient(tmp_path, contact='{"phone": 1.6e12, "email": "a@b.co"}', contact_phone="0164478899231")
    assert row.reached_at() == Contact("0164478899231", "a@b.co")


def test_12_apostrophes_and_none_in_dict_text(tmp_path: Path) -> None:
    cell = "{'name': \"Pat O'Neil\", 'relation': None, 'phone': 'None'}"
    assert patient(tmp_path, emergency_person=cell).to_call() == EmergencyPerson("Pat O'Neil", None, None)


REFUSED = [
    pytest.param("patients", {"patient_id": " ", "name": "Ann Lee"}, "patient_id", id="no key"),
    pytest.param("finance", {"patient_id": "1", "amount": ""}, "amount", id="no amount"),
    pytest.param("finance", {"patient_id": "1", "amount": "1,234.50"}, "amount", id="thousands"),
    pytest.param("finance", {"patient_id": "", "amount": "1"}, "patient_id", id="nobody's bill"),
    pytest.param(
        "finance",
        {"patient_id": "1", "amount": "1", "special_services_charges": "some"},
        "special_services_charges",
        id="unreadable charge",
    ),
]


@pytest.mark.parametrize(("stream", "cells", "field"), REFUSED)
def test_rows_without_what_counts_are_rejected(tmp_path: Path, stream: str, cells: dict[str, str], field: str) -> None:
    (found,) = written(tmp_path, stream, {KEYS[stream]: "1", **cells})
    assert isinstance(found, Rejected)
    assert [name for name, _ in rules(found)] == [field]


COLUMNS = ("name", "dob", "contact", "location", "emergency_person", "specialty", "height_cm", "time_bound")
DIRT = st.text(max_size=30) | st.text(alphabet="{}'\":;,()@0None \n", max_size=30)


@given(rows=st.lists(st.fixed_dictionaries({"patient_id": DIRT, **dict.fromkeys(COLUMNS, DIRT)}), max_size=4))
def test_no_cell_makes_the_adapter_raise(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    """Every row is a record, a reject or a skip, with nothing but text that can be stored."""
    clean = [{name: cell.replace("\r", " ") for name, cell in row.items()} for row in rows]
    found = written(tmp_path_factory.getbasetemp(), "patients", *clean)
    assert len(found) == len(rows)
    for each in found:
        assert not isinstance(each, Rejected) or each.problems
        assert all(part.isprintable() or part.strip() for part in each.key)
