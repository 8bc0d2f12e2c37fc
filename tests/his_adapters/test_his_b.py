"""HIS_B: the adapter contract, and each defect of its data dictionary."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from his_adapters.base import Checkpoint, Column, Problem, Record, Rejected, SourceConfigError
from his_adapters.his_b.records import FILES, FinanceRow, PatientRow, StaffRow
from tests.his_adapters.contract import AdapterContract, fingerprints, opened, simulated

KEYS = {"patients": "patient_id", "staff": "staff_id", "finance": "transaction_id"}
BILL = {"transaction_id": "T0000001", "patient_id": "81f91df9", "amount": 200.5}


class TestHisB(AdapterContract):
    """Three JSON files."""

    adapter = "his_b"
    streams = ("staff", "patients", "finance")


def written(folder: Path, stream: str, text: str | bytes) -> Path:
    """One file with that text; no other."""
    path = folder / f"{stream}.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return path


def told(folder: Path, stream: str, *objects: Any) -> list[Record | Rejected]:
    """What the adapter tells of these objects."""
    written(folder, stream, json.dumps(list(objects)))
    return [each for each in opened("his_b", folder).read(stream, None) if isinstance(each, Record | Rejected)]


def record(folder: Path, stream: str, **fields: Any) -> Record:
    """The one record of an object that has a key."""
    (found,) = told(folder, stream, {KEYS[stream]: "k1", **fields})
    assert isinstance(found, Record)
    return found


def _notes(found: Record) -> list[tuple[str, str]]:
    return [(note.field, note.rule) for note in found.notes]


ORIGINAL_PATIENT = {
    "patient_id": "346e6367",
    "name": {"first": "Amanda", "last": "Ruiz"},
    "dob": "1957-07-28",
    "gender": "Female",
    "location": {"country": "India", "state": "Maharashtra", "city": "Nashik", "postal_code": "07421"},
    "contact": {"phone": "0644788992311", "email": "a@example.com"},
    "emergency_person": {"name": "Mrs. Kathleen Brown MD", "relation": "Parent", "phone": "1234567890123"},
    "insurance": {"id": "INS70403", "provider": "CarePlus"},
    "primary_physician": "Dr. Klein",
    "medical_info": {
        "blood_group": "O+",
        "allergies": "Peanuts",
        "bp": "100/72",
        "hb": 15.2,
        "chronic_conditions": "Asthma",
    },
    "disease": "Flu",
    "patient_status": "Admitted",
    "severity": "treating",
    "department_admitted": "Cardiology",
    "current_department": "Radiology",
    "bed_type": "ICU",
}
PATIENT = PatientRow(
    patient_id="346e6367",
    name=None,
    first_name="Amanda",
    last_name="Ruiz",
    dob=date(1957, 7, 28),
    gender="Female",
    country="India",
    state="Maharashtra",
    city="Nashik",
    postal_code="07421",
    phone="0644788992311",
    email="a@example.com",
    emergency_name="Mrs. Kathleen Brown MD",
    emergency_relation="Parent",
    emergency_phone="1234567890123",
    insurance_id="INS70403",
    insurance_provider="CarePlus",
    primary_physician="Dr. Klein",
    blood_group="O+",
    allergies=("Peanuts",),
    bp="100/72",
    hb=Decimal("15.2"),
    sugar=None,
    pulse=None,
    diseases=None,
    disease=("Flu",),
    chronic_conditions=("Asthma",),
    patient_status="Admitted",
    severity="treating",
    department_admitted="Cardiology",
    current_department="Radiology",
    bed_type="ICU",
)


def test_the_original_patient_is_read_whole(tmp_path: Path) -> None:
    (found,) = told(tmp_path, "patients", ORIGINAL_PATIENT)
    assert isinstance(found, Record)
    assert found.data == PATIENT
    assert (found.key, found.locator, found.notes) == (("346e6367",), "patients.json:1#346e6367", ())


MEDICAL = "medical_info"
PATIENT_CELLS = [
    pytest.param({"name": {"first_name": "Ana", "last_name": "Roy"}}, "last_name", "Roy", id="seed's name"),
    pytest.param({"name": {"first": "Ana", "last": "Roy"}}, "first_name", "Ana", id="original's name"),
    pytest.param({"name": "Ana Roy"}, "name", "Ana Roy", id="name in one text"),
    pytest.param({"first_name": "Ana"}, "first_name", "Ana", id="flat name"),
    pytest.param({"Name": {"First Name": "Ana"}}, "first_name", "Ana", id="other case and blanks"),
    pytest.param({MEDICAL: {"basic_tests": {"bp": "1/2"}, "bp": "3/4"}}, "bp", "1/2", id="basic_tests.bp first"),
    pytest.param({MEDICAL: {"bp": "120/80"}}, "bp", "120/80", id="then medical_info.bp"),
    pytest.param({MEDICAL: {"basic_tests": {"hb": "13.4"}}}, "hb", Decimal("13.4"), id="number as a string"),
    pytest.param({MEDICAL: {"basic_tests": {"sugar": 110}}}, "sugar", Decimal(110), id="sugar"),
    pytest.param({MEDICAL: {"basic_tests": {"pulse": 72}}}, "pulse", Decimal(72), id="pulse"),
    pytest.param({MEDICAL: {"basic_tests": None, "hb": 15.20}}, "hb", Decimal("15.2"), id="null branch, other place"),
    pytest.param({MEDICAL: {"diseases": ["Flu", "Asthma"]}}, "diseases", ("Flu", "Asthma"), id="list of diseases"),
    pytest.param({MEDICAL: {"diseases": "Flu"}}, "diseases", ("Flu",), id="one disease as text"),
    pytest.param({MEDICAL: {"allergies": "None"}}, "allergies", ("None",), id="allergies None"),
    pytest.param({MEDICAL: {"allergies": ["Dust", None, " "]}}, "allergies", ("Dust",), id="nothing among allergies"),
    pytest.param({MEDICAL: {"allergies": []}}, "allergies", (), id="no allergy"),
    pytest.param({"disease": "Malaria"}, "disease", ("Malaria",), id="disease at the top"),
    pytest.param({"contact": {"phone": 1644788992311}}, "phone", "1644788992311", id="phone as a number"),
    pytest.param({"emergency_person": {"name": "Mr. A MD"}}, "emergency_name", "Mr. A MD", id="titled contact"),
]


@pytest.mark.parametrize(("fields", "field", "expected"), PATIENT_CELLS)
def test_parts_of_a_patient_are_found(tmp_path: Path, fields: dict[str, Any], field: str, expected: Any) -> None:
    found = record(tmp_path, "patients", **fields)
    assert getattr(found.data, field) == expected
    assert found.notes == ()


BRANCHES = ("location", "contact", "emergency_person", "insurance", "medical_info")


@pytest.mark.parametrize("branch", [*BRANCHES, "name"])
@pytest.mark.parametrize("broken", [None, {}, {"phone": None}], ids=["null", "empty", "of nulls"])
def test_a_branch_may_hold_nothing(tmp_path: Path, branch: str, broken: Any) -> None:
    """Sub-objects may be missing or null in a third-party export."""
    found = record(tmp_path, "patients", **{branch: broken}, gender="Male")
    assert (found.data.gender, found.notes) == ("Male", ())


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("broken", ["a text", ["a list"], 7, False], ids=type)
def test_a_branch_of_another_kind_is_noted(tmp_path: Path, branch: str, broken: Any) -> None:
    found = record(tmp_path, "patients", **{branch: broken}, gender="Male")
    assert found.data.gender == "Male"
    assert _notes(found) == [(branch, "not-an-object")]


BROKEN_CELLS = [
    pytest.param({"dob": "28/07/1957"}, ("dob", "not-a-date"), id="date"),
    pytest.param({MEDICAL: {"hb": "thirteen"}}, ("hb", "not-a-number"), id="number"),
    pytest.param({MEDICAL: {"hb": True}}, ("hb", "not-a-number"), id="true for a number"),
    pytest.param({MEDICAL: {"bp": {"sys": 120}}}, ("bp", "not-text"), id="object for a text"),
    pytest.param({"contact": {"phone": 1.6e12}}, ("phone", "not-text"), id="phone that lost its digits"),
    pytest.param({"name": ["Ana", "Roy"]}, ("name", "not-text"), id="list for a name"),
    pytest.param({MEDICAL: {"diseases": [{"x": 1}, "Flu"]}}, ("diseases.0", "not-text"), id="object in a list"),
    pytest.param({MEDICAL: {"allergies": ["x"] * 51}}, ("allergies", "too-long"), id="endless list"),
    pytest.param({"severity": "x" * 70_000}, ("severity", "too-long"), id="endless text"),
]


@pytest.mark.parametrize(("fields", "note"), BROKEN_CELLS)
def test_a_broken_cell_is_left_out_and_noted(tmp_path: Path, fields: dict[str, Any], note: tuple[str, str]) -> None:
    found = record(tmp_path, "patients", **fields, gender="Male")
    assert found.data.gender == "Male"
    assert _notes(found) == [note]


def test_the_sound_words_of_a_list_are_kept(tmp_path: Path) -> None:
    assert record(tmp_path, "patients", diseases=[{"x": 1}, "Flu", 2]).data.diseases == ("Flu", "2")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_costs_only_its_cell(tmp_path: Path, text: str) -> None:
    written(tmp_path, "patients", f'[{{"patient_id": "k1", "gender": "Male", "medical_info": {{"hb": {text}}}}}]')
    found = next(iter(opened("his_b", tmp_path).read("patients", None)))
    assert isinstance(found, Record)
    assert (found.data.gender, _notes(found)) == ("Male", [("hb", "not-a-number")])


def test_ids_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    found = told(tmp_path, "patients", *({"patient_id": key} for key in ("07603108", "122e2091", "704e0891")))
    assert [each.key for each in found] == [("07603108",), ("122e2091",), ("704e0891",)]


REFUSED = [
    pytest.param("patients", '{"patient_id": null}', "patient_id", "missing", id="null key"),
    pytest.param("patients", '{"patient_id": " "}', "patient_id", "missing", id="blank key"),
    pytest.param("patients", '{"patient_id": 122e2091}', "patient_id", "not-text", id="key that became a float"),
    pytest.param("patients", '{"patient_id": {"a": 1}}', "patient_id", "not-text", id="object for a key"),
    pytest.param("patients", '"81f91df9"', "", "not-an-object", id="no object"),
    pytest.param("patients", '{"a":' * 9000 + "1" + "}" * 9000, "", "too-deep", id="too deep"),
    pytest.param("finance", '{"transaction_id": "T1", "patient_id": "P"}', "amount", "missing", id="no amount"),
    pytest.param("finance", '{"transaction_id": "T1", "amount": 1}', "patient_id", "missing", id="nobody's bill"),
    pytest.param(
        "finance",
        '{"transaction_id": "T1", "patient_id": "P", "amount": "1,234.50"}',
        "amount",
        "not-a-number",
        id="amount with a comma",
    ),
    pytest.param(
        "finance",
        '{"transaction_id": "T1", "patient_id": "P", "amount": 10, "tax": "9 %"}',
        "tax",
        "not-a-number",
        id="half a bill is worse than none",
    ),
]


@pytest.mark.parametrize(("stream", "text", "field", "rule"), REFUSED)
def test_a_row_is_refused_with_place_and_reason(tmp_path: Path, stream: str, text: str, field: str, rule: str) -> None:
    """The row before it is read all the same."""
    sound = json.dumps({KEYS[stream]: "k1", "patient_id": "k1", "amount": 1})
    written(tmp_path, stream, f"[{sound},\n{text}]")
    first, second, end = opened("his_b", tmp_path).read(stream, None)
    assert isinstance(first, Record)
    assert isinstance(second, Rejected)
    assert second.locator.startswith(f"{stream}.json:2")
    assert (field, rule) in [(problem.field, problem.rule) for problem in second.problems]
    assert end == Checkpoint(complete=True)


STAFF_CELLS = [
    pytest.param({"designation": "Doctor"}, "role", "Doctor", id="designation"),
    pytest.param({"role": "Doctor", "designation": "Admin"}, "role", "Doctor", id="the seed's word wins"),
    pytest.param({"work_shift": "Night"}, "shift_timing", "Night", id="work_shift"),
    pytest.param({"shift_timing": "Night"}, "shift_timing", "Night", id="shift_timing as text"),
    pytest.param({"shift_timing": {"shift": "Night", "start": "00:00"}}, "shift_timing", "Night", id="as an object"),
    pytest.param({"shift_timing": {"shift": "Night", "start": "00:00"}}, "shift_start", "00:00", id="start"),
    pytest.param({"shift_timing": {"end": "08:00"}}, "shift_end", "08:00", id="end"),
    pytest.param({"qualifications": ["MBBS", "MD"]}, "qualifications", ("MBBS", "MD"), id="list of qualifications"),
    pytest.param({"qualifications": "MBBS"}, "qualifications", ("MBBS",), id="one qualification"),
    pytest.param({"address": {"line1": "1 High St", "city": "Pune"}}, "address_line1", "1 High St", id="address"),
    pytest.param({"address": "1 High St, Pune"}, "address", "1 High St, Pune", id="address in one text"),
    pytest.param({"joining_date": "2005-01-31"}, "joining_date", date(2005, 1, 31), id="joining date"),
]


@pytest.mark.parametrize(("fields", "field", "expected"), STAFF_CELLS)
def test_parts_of_staff_are_found(tmp_path: Path, fields: dict[str, Any], field: str, expected: Any) -> None:
    found = record(tmp_path, "staff", **fields)
    assert isinstance(found.data, StaffRow)
    assert getattr(found.data, field) == expected
    assert found.notes == ()


NESTED_BILL = {
    "transaction_id": "T0000001",
    "patient_id": "81f91df9",
    "billing": {"amount": 12052.34, "currency": "INR", "billing_date": "2023-03-19"},
    "payment": {"payment_type": "Cash", "status": "Pending"},
    "insurance": {"covered": "Yes", "provider": "CarePlus", "id": "INS27279"},
}
FLAT_BILL = {
    "transaction_id": "T0000001",
    "patient_id": "81f91df9",
    "amount": 12052.34,
    "currency": "INR",
    "billing_date": "2023-03-19",
    "payment_method": "Cash",
    "payment_status": "Pending",
    "insurance_claimed": "Yes",
    "insurance_provider": "CarePlus",
    "insurance_id": "INS27279",
}


def test_flat_and_nested_bills_read_alike(tmp_path: Path) -> None:
    """A key is looked for at the top level first, then one level down."""
    elsewhere = {"ids": {"transaction_id": "T9"}, **FLAT_BILL, "amount": None, "sums": {"amount": 12052.34}}
    found = told(tmp_path, "finance", NESTED_BILL, FLAT_BILL, elsewhere)
    assert all(isinstance(each, Record) and isinstance(each.data, FinanceRow) for each in found)
    first, *others = [each.data for each in found if isinstance(each, Record)]
    assert others == [first, first]
    assert (str(first.amount), first.status, first.insurance_id) == ("12052.34", "Pending", "INS27279")


ASSERTIONS = [
    pytest.param(True, "true", id="true"),
    pytest.param(False, "false", id="false"),
    pytest.param("No", "No", id="word"),
    pytest.param(1250.5, "1250.5", id="amount"),
    pytest.param(1250, "1250", id="whole amount"),
    pytest.param(None, None, id="null"),
]


@pytest.mark.parametrize(("native", "expected"), ASSERTIONS)
def test_insurance_is_asserted_in_several_ways(tmp_path: Path, native: Any, expected: str | None) -> None:
    flat, nested = told(
        tmp_path, "finance", {**BILL, "insurance_covered": native}, {**BILL, "insurance": {"covered": native}}
    )
    assert isinstance(flat, Record)
    assert isinstance(nested, Record)
    assert flat.data.insurance_covered == nested.data.insurance_covered == expected


LAYOUTS = [
    pytest.param('[{"patient_id": "a"}, {"patient_id": "b"}]', id="array"),
    pytest.param('\ufeff[\n    {\n        "patient_id": "a"\n    },\n    {"patient_id": "b"}\n]', id="BOM, indented"),
    pytest.param('{"patient_id": "a"}\n{"patient_id": "b"}\n', id="JSON Lines"),
    pytest.param('{"patients": [{"patient_id": "a"}, {"patient_id": "b"}]}', id="envelope"),
]


@pytest.mark.parametrize("text", LAYOUTS)
def test_every_layout_is_read(tmp_path: Path, text: str) -> None:
    written(tmp_path, "patients", text)
    found = list(opened("his_b", tmp_path).read("patients", None))
    assert [each.locator for each in found if isinstance(each, Record)] == ["patients.json:1#a", "patients.json:2#b"]
    assert found[-1] == Checkpoint(complete=True)


def test_the_same_object_in_another_layout_is_the_same_row(tmp_path: Path) -> None:
    """Moving a row does not change it."""
    first = told(tmp_path, "patients", {"patient_id": "a"}, {"patient_id": "b"})
    second = told(tmp_path, "patients", {"patient_id": "b"}, {"patient_id": "a"})
    assert {each.key: each.digest for each in first} == {each.key: each.digest for each in second}
    assert first[0].digest != first[1].digest


SICK = [
    pytest.param("patients", None, "no such file", id="missing"),
    pytest.param("patients", b"", "empty", id="empty"),
    pytest.param("staff", b'[{"staff_id": "S1"}, {"sta', "does not end", id="cut"),
    pytest.param("finance", b"hello", "JSON", id="prose"),
    pytest.param("patients", b'[{"mrn": "1"}, {"mrn": "2"}]', "no object has patient_id", id="key renamed"),
    pytest.param("patients", b"[1, 2]", "no object has patient_id", id="no objects"),
    pytest.param(
        "patients", b'{"exported": "today", "patients": [{"patient_id": "1"}]}', "patient_id", id="two keys around it"
    ),
]


@pytest.mark.parametrize(("stream", "raw", "words"), SICK)
def test_a_sick_file_is_said_with_place_and_hint(tmp_path: Path, stream: str, raw: bytes | None, words: str) -> None:
    """`check` says it, `streams` and `read` raise it, and no Checkpoint is told: nothing counts as deleted."""
    simulated("his_b", tmp_path, "seed", 10)
    path = tmp_path / f"{stream}.json"
    path.unlink()
    if raw is not None:
        path.write_bytes(raw)
    source = opened("his_b", tmp_path)
    health = source.check()
    assert health.status == "config"
    assert f"{stream}.json" in health.message
    assert words in health.message
    assert health.hint
    with pytest.raises(SourceConfigError, match=words):
        source.streams()
    with pytest.raises(SourceConfigError, match=words):
        list(source.read(stream, None))


def test_a_folder_in_place_of_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "staff.json").mkdir()
    assert "staff.json" in opened("his_b", tmp_path).check().message
    with pytest.raises(SourceConfigError, match=r"staff\.json"):
        opened("his_b", tmp_path).change_token("staff")


def test_a_file_cut_far_inside_tells_no_checkpoint(tmp_path: Path) -> None:
    """The rows before the cut are told; that the rest is gone is not."""
    simulated("his_b", tmp_path, "seed", 600)
    path = tmp_path / "patients.json"
    path.write_bytes(path.read_bytes()[:-700] + b"}")
    source = opened("his_b", tmp_path)
    seen = []
    with pytest.raises(SourceConfigError, match=r"patients\.json, line \d+"):
        seen.extend(source.read("patients", None))
    assert len(seen) == 500
    assert not any(isinstance(each, Checkpoint) for each in seen)


def test_the_rows_of_a_large_file_are_estimated(tmp_path: Path) -> None:
    simulated("his_b", tmp_path, "original", 1000)
    estimated = {stream.name: stream.estimated_rows or 0 for stream in opened("his_b", tmp_path).streams()}
    assert 900 < estimated["patients"] < 1100


def test_the_fields_are_named_as_the_store_spells_them(tmp_path: Path) -> None:
    simulated("his_b", tmp_path, "original", 10)
    staff, patients, finance = opened("his_b", tmp_path).streams()
    assert {"designation", "name.first", "address.line2"} <= set(staff.fields)
    assert {"medical_info.bp", "contact.phone", "disease"} <= set(patients.fields)
    assert {"payment_method", "amount"} <= set(finance.fields)
    assert "salary" not in staff.fields


def test_the_paths_of_every_object_are_told(tmp_path: Path) -> None:
    """Those of the last object too, with what each is read as; a branch that holds nothing is no column."""
    simulated("his_b", tmp_path, "seed", 300)
    plain = {"patient_id": f"{0:08x}", "contact": None, "insurance": {}, "pets": None}
    odd = {
        "patient_id": "1",
        "name": "Amanda Ruiz",
        "contact": {"phone": "1", "fax": "2"},
        "medical_info": {"basic_tests": {"bp": "120/80"}, "vaccines": [{"name": "x"}]},
        "pets": {"dog": {"name": "Rex", "chip": {"id": 1}}},
    }
    written(tmp_path, "patients", json.dumps([plain] * 300 + [odd]))
    (tmp_path / "parking.json").write_text("[]", encoding="utf-8")
    found = opened("his_b", tmp_path).columns()
    assert [column for column in found if column.stream in {"patients", "parking"}] == [
        Column("patients", "patient_id", "patient_id"),
        Column("patients", "name", "name"),
        Column("patients", "contact.phone", "phone"),
        Column("patients", "contact.fax"),
        Column("patients", "medical_info.basic_tests.bp", "bp"),
        Column("patients", "medical_info.vaccines"),
        Column("patients", "pets.dog.name"),
        Column("patients", "pets.dog.chip"),
        Column("parking", "*"),
    ]


DIRTY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["None", "1957-07-28", "120/80", "15.2", "Yes", "\ud800", "x\x00y", " \u00a0 ", "9" * 400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def dirty_objects(draw: st.DrawFn, stream: str) -> dict[str, Any]:
    """An object with some of the names that the adapter knows, over anything that JSON can say, and more."""
    shape = next(each for each in FILES if each.dataset.name == stream)
    paths = sorted({path for some in shape.paths.values() for path in some} | set(shape.dataset.row.__slots__))
    made: dict[str, Any] = draw(st.dictionaries(st.sampled_from(["note", KEYS[stream]]), DIRTY, max_size=2))
    made[KEYS[stream]] = draw(st.text(min_size=1, max_size=9) | DIRTY)
    for path in draw(st.lists(st.sampled_from(paths), max_size=12)):
        *branches, leaf = path.replace("*", "branch").split(".")
        inner = made
        for branch in branches:
            inner = inner.setdefault(branch, {}) if isinstance(inner.get(branch, {}), dict) else {}
        inner[leaf] = draw(DIRTY)
    return made


@pytest.mark.parametrize("stream", KEYS)
@settings(max_examples=60)
@given(data=st.data())
def test_dirty_objects_are_records_or_rejects(
    stream: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: whatever an object holds, it is told once, as a record or with a reason, in the file's order, unchanged."""
    objects = data.draw(st.lists(dirty_objects(stream), min_size=1, max_size=4))
    folder = tmp_path_factory.mktemp("dirty")
    written(folder, stream, json.dumps(objects))
    before = fingerprints(folder)
    *rows, end = opened("his_b", folder).read(stream, None)
    assert fingerprints(folder) == before
    assert end == Checkpoint(complete=True)
    assert len(rows) == len(objects)
    for number, row in enumerate(rows, 1):
        assert isinstance(row, Record | Rejected)
        assert row.locator.partition("#")[0] == f"{stream}.json:{number}"
        problems = row.notes if isinstance(row, Record) else row.problems
        assert isinstance(row, Record) or problems
        assert all(isinstance(problem, Problem) and problem.rule and problem.reason for problem in problems)
