"""Hybrid EHR: the adapter contract on its files, the safety rule of notes, their three shapes, each defect.

Extended JSON: https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from bson.json_util import CANONICAL_JSON_OPTIONS, RELAXED_JSON_OPTIONS, dumps
from hypothesis import given
from hypothesis import strategies as st

from his_adapters.base import Checkpoint, Column, Record, Rejected, SourceConfig, SourceError, SourceName
from his_adapters.error_rates import RATES
from his_adapters.hybrid_ehr.adapter import open_source
from his_adapters.hybrid_ehr.extended_json import plain
from his_adapters.hybrid_ehr.note_fields import Attachment, Sign
from his_adapters.hybrid_ehr.records import NoteRow
from his_adapters.hybrid_ehr.schema import DATABASE, KEYS, NOTE_FILES, NOTES, tables
from tests.his_adapters.contract import AdapterContract, everything, opened, simulated

STREAMS = ("doctors", "patients", "appointments", "medical_records", "prescriptions", "billing", "clinical_notes")
UUID = "11111111-2222-4333-8444-55555555aaaa"
MOMENT = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)


class TestHybridEhr(AdapterContract):
    """One SQLite file and one export of the notes."""

    adapter = "hybrid_ehr"
    streams = STREAMS


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two patients; the record 7 is the first one's."""
    simulated("hybrid_ehr", tmp_path, "seed", patients=2)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database, database:
        database.execute("DELETE FROM billing")
        database.execute("DELETE FROM prescriptions")
        database.execute("DELETE FROM medical_records")
        row = (7, UUID, 1, 3, None, "Check-up", None, "2024-05-01 16:00:00")
        database.execute("INSERT INTO medical_records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return tmp_path


def _note(**parts: Any) -> dict[str, Any]:
    return {"_id": {"$oid": "65a0000127b71143dd555da2"}, "record_uuid": UUID, "patient_id": 1, **parts}


def _read(store: Path, *notes: dict[str, Any], file: str = NOTE_FILES[0]) -> list[Any]:
    (store / NOTE_FILES[0]).unlink(missing_ok=True)
    (store / file).write_text("".join(json.dumps(note) + "\n" for note in notes), encoding="utf-8")
    return [each for each in opened("hybrid_ehr", store).read(NOTES, None) if not isinstance(each, Checkpoint)]


def _told(store: Path, **parts: Any) -> NoteRow:
    (found,) = _read(store, _note(**parts))
    assert isinstance(found, Record), found
    row: NoteRow = found.data
    return row


UNSAFE = [
    pytest.param({"patient_id": 2}, "other-patient", id="another patient's record"),
    pytest.param({"patient_id": "2"}, "other-patient", id="as text"),
    pytest.param({"record_uuid": UUID.replace("a", "b")}, "no-record", id="a record that is gone"),
    pytest.param({"record_uuid": UUID[:-1]}, "no-record", id="a uuid that is cut off"),
    pytest.param({"record_uuid": None}, "missing", id="null"),
    pytest.param({"record_uuid": ""}, "missing", id="empty"),
    pytest.param({"record_uuid": {"$ne": 1}}, "not-text", id="an object"),
    pytest.param({"patient_id": None}, "missing", id="nobody's note"),
    pytest.param({"patient_id": {"$numberDouble": "1.5"}}, "not-text", id="a broken number"),
    pytest.param({"patient_id": [1]}, "not-text", id="a list of patients"),
]


@pytest.mark.parametrize(("parts", "rule"), UNSAFE)
def test_a_note_whose_record_is_not_its_patients_is_refused(store: Path, parts: dict[str, Any], rule: str) -> None:
    """The safety rule: it is quarantined whole, and the reason names no value."""
    (found,) = _read(store, _note(note_text="secret words", **parts))
    assert isinstance(found, Rejected)
    assert (found.key, found.unsafe) == (("65a0000127b71143dd555da2",), True)
    assert rule in {problem.rule for problem in found.problems}
    assert not any(word in str(found.problems) for word in ("secret", UUID[:8]))


SAME_PATIENT = [1, "1", " 1 ", {"$numberInt": "1"}, {"$numberLong": "1"}, {"$numberDouble": "1.0"}, 1.0]


@pytest.mark.parametrize("patient", SAME_PATIENT, ids=repr)
def test_a_patient_is_the_same_in_every_type_of_number(store: Path, patient: Any) -> None:
    found = _told(store, patient_id=patient, record_uuid=UUID.upper())
    assert (found.patient_id, found.record_id, found.record_title) == ("1", "7", "Check-up")


def test_a_uuid_of_two_records_proves_nothing(store: Path) -> None:
    with closing(sqlite3.connect(store / DATABASE)) as database, database:
        database.execute("CREATE TABLE copied AS SELECT * FROM medical_records")
        database.execute("INSERT INTO copied SELECT 8, record_uuid, 2, 3, NULL, title, summary, created_at FROM copied")
        database.execute("DROP TABLE medical_records")
        database.execute("ALTER TABLE copied RENAME TO medical_records")
    for patient in (1, 2):
        (found,) = _read(store, _note(patient_id=patient))
        assert isinstance(found, Rejected)
        assert [problem.rule for problem in found.problems] == ["ambiguous-record"]


@pytest.mark.parametrize("profile", ["seed", "original", "hostile"])
def test_no_unsafe_note_leaves_the_adapter(tmp_path: Path, profile: str) -> None:
    """Every note that is told names a record of its patient, by the tables' own rows."""
    simulated("hybrid_ehr", tmp_path, profile, patients=200)
    told = everything(opened("hybrid_ehr", tmp_path))
    owners = {
        (each.data.record_uuid.casefold(), each.data.patient_id, each.data.record_id)
        for each in told
        if isinstance(each, Record) and each.stream == "medical_records" and each.data.record_uuid
    }
    notes = [each for each in told if each.stream == NOTES]
    safe = [each for each in notes if isinstance(each, Record)]
    assert safe
    assert all((each.data.record_uuid.casefold(), each.data.patient_id, each.data.record_id) in owners for each in safe)
    refused = Counter(each.problems[0].rule for each in notes if isinstance(each, Rejected))
    assert profile == "seed" or {"other-patient", "no-record"} <= refused.keys()
    assert profile != "seed" or len(notes) - len(safe) < 0.05 * len(notes)


SHAPES = [
    pytest.param(
        {"observations": {"bp": "120/80", "temp": 98.6, "pulse": 78, "symptoms": ["fever", "cough"]}},
        [("bp", "120/80"), ("temp", "98.6"), ("pulse", "78"), ("symptoms", "fever"), ("symptoms", "cough")],
        id="today's object",
    ),
    pytest.param(
        {"observations": [{"type": "bp", "value": "120/80", "ts": None}, {"type": "pulse", "value": "78"}]},
        [("bp", "120/80"), ("pulse", "78")],
        id="older list",
    ),
    pytest.param({"observations": {}}, [], id="empty object"),
    pytest.param({"observations": []}, [], id="empty list"),
    pytest.param({"observations": None}, [], id="null"),
    pytest.param({}, [], id="missing"),
    pytest.param({"observations": {"bp": [120, 80]}}, [("bp", "120/80")], id="pressure as a list"),
    pytest.param({"observations": {"BP": {"Systolic": 120, "diastolic": 80}}}, [("BP", "120/80")], id="as an object"),
    pytest.param(
        {"observations": {"temp": {"$numberDouble": "37.0"}, "pulse": {"$numberInt": "78"}}},
        [("temp", "37.0"), ("pulse", "78")],
        id="canonical numbers",
    ),
    pytest.param({"observations": {"gait": "slow", "smoker": True}}, [("gait", "slow"), ("smoker", "true")], id="any"),
    pytest.param({"observations": {"eye": {"left": "red"}}}, [("eye.left", "red")], id="nested"),
]


@pytest.mark.parametrize(("parts", "signs"), SHAPES)
def test_each_shape_of_a_note_is_read(store: Path, parts: dict[str, Any], signs: list[tuple[str, str]]) -> None:
    found = _told(store, **parts)
    assert [(sign.name, sign.value) for sign in found.observations or ()] == signs


def test_the_older_shape_has_times_and_paths(store: Path) -> None:
    moment = {"$date": {"$numberLong": str(int(MOMENT.timestamp() * 1000))}}
    found = _told(
        store,
        observations=[{"type": "bp", "value": "120/80", "ts": moment}],
        attachments=[{"type": "image", "path": "uploads/x.png", "caption": "X-ray"}],
    )
    assert found.observations == (Sign("bp", "120/80", MOMENT),)
    assert found.attachments == (Attachment(None, "uploads/x.png", "X-ray", "image"),)


def test_the_paths_of_notes_are_told(store: Path) -> None:
    """In each shape, with what each is read as; whatever was observed is read. Wrappers have no columns."""
    _read(
        store,
        _note(observations=None, attachments=[], created_at={"$date": "2024-05-01T10:30:00Z"}),
        _note(observations={"bp": {"systolic": 120, "diastolic": 80}, "symptoms": ["fever"], "Mood": "low"}),
        _note(observations=[{"type": "bp", "value": "120/80", "ts": None, "by": 3}]),
        _note(attachments=[{"fileUrl": "a/b.png", "size": 3}, "uploads/c.png"], ward="3", note_text={"de": "x"}),
    )
    (store / "imaging.json").write_text("[]", encoding="utf-8")
    found = {column.name: column.field for column in opened("hybrid_ehr", store).columns() if column.stream == NOTES}
    assert found == {
        "_id": "note_id",
        "record_uuid": "record_uuid",
        "patient_id": "patient_id",
        "created_at": "created_at",
        "observations.bp.systolic": "observations.*",
        "observations.bp.diastolic": "observations.*",
        "observations.symptoms": "observations.*",
        "observations.Mood": "observations.*",
        "observations[].type": "observations[].type",
        "observations[].value": "observations[].value",
        "observations[].ts": "observations[].ts",
        "observations[].by": None,
        "attachments[].fileUrl": "attachments[].place",
        "attachments[].size": None,
        "ward": None,
        "note_text.de": None,
    }
    assert opened("hybrid_ehr", store).columns()[-1] == Column("imaging.json", "*")


def test_todays_shape_has_names_and_urls(store: Path) -> None:
    found = _told(store, attachments=[{"file_name": "x.png", "file_url": "https://f.example/x.png", "caption": None}])
    assert found.attachments == (Attachment("x.png", "https://f.example/x.png", None, None),)


BROKEN = [
    pytest.param({"observations": "high"}, "observations", id="a text for observations"),
    pytest.param({"observations": [1]}, "observations.0", id="a number in the list"),
    pytest.param({"observations": {"temp": {"$numberDouble": "NaN"}}}, "observations.temp", id="no number"),
    pytest.param({"observations": {"Mrs. Smith": {"$binary": {}}, "bp": "1/1"}}, None, id="nothing in a branch"),
    pytest.param({"attachments": 5}, "attachments", id="a number for attachments"),
    pytest.param({"attachments": [{"file_url": ["x"]}]}, "attachments.0", id="a list for a URL"),
    pytest.param({"created_at": "yesterday"}, "created_at", id="no date"),
    pytest.param({"created_at": {"$date": {"$numberLong": "9" * 18}}}, "created_at", id="a date beyond the calendar"),
    pytest.param({"doctor_id": {"$oid": []}}, "doctor_id", id="a broken wrapper"),
]


@pytest.mark.parametrize(("parts", "field"), BROKEN)
def test_a_broken_part_costs_only_itself(store: Path, parts: dict[str, Any], field: str | None) -> None:
    (found,) = _read(store, _note(note_text="kept", **parts))
    assert isinstance(found, Record)
    assert found.data.note_text == "kept"
    assert [problem.field for problem in found.notes] == ([field] if field else [])


MOMENTS = [
    {"$date": "2024-05-01T10:30:00Z"},
    {"$date": "2024-05-01T16:00:00+05:30"},
    {"$date": {"$numberLong": "1714559400000"}},
    {"$date": 1714559400000},
    "2024-05-01T10:30:00",
    "2024-05-01T10:30:00Z",
    "2024-05-01 16:00:00+05:30",
]


@pytest.mark.parametrize("moment", MOMENTS, ids=repr)
def test_the_notes_clock_is_utc(store: Path, moment: Any) -> None:
    """MongoDB keeps UTC; a text without a zone is what the service's utcnow() wrote."""
    assert _told(store, created_at=moment).created_at == MOMENT


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**62), 2**62).map(Int64),
        st.integers(-(2**31), 2**31 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
        st.binary(min_size=12, max_size=12).map(ObjectId),
        st.integers(10**9, 10**11).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        st.decimals(-1000, 1000, places=2).map(Decimal128),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(document=st.dictionaries(st.text("abc", min_size=1, max_size=3), VALUES, max_size=4))
def test_canonical_and_relaxed_say_the_same(document: dict[str, Any]) -> None:
    """A law: both forms of Extended JSON are one document, and nothing is left wrapped."""
    canonical, relaxed = (
        plain(json.loads(dumps(document, json_options=options), parse_float=Decimal))
        for options in (CANONICAL_JSON_OPTIONS, RELAXED_JSON_OPTIONS)
    )
    assert canonical == relaxed
    assert "$" not in json.dumps(canonical, default=str) or "$" in str(document)


WRAPPED = [
    ({"$oid": "65a0000127b71143dd555da2"}, "65a0000127b71143dd555da2"),
    ({"$numberInt": "5"}, 5),
    ({"$numberLong": "5"}, 5),
    ({"$numberDecimal": "5.10"}, Decimal("5.10")),
    ({"$numberDouble": "Infinity"}, Decimal("Infinity")),
    ({"$date": {"$numberLong": "0"}}, datetime(1970, 1, 1, tzinfo=UTC)),
    ({"$date": {"$numberLong": "-1000"}}, datetime(1970, 1, 1, tzinfo=UTC) - timedelta(seconds=1)),
    ({"$undefined": True}, None),
    ({"$symbol": "x"}, "x"),
    ({"$numberInt": "five"}, {"$numberInt": "five"}),
    ({"$date": "yesterday"}, {"$date": "yesterday"}),
    ({"$date": "2024-05-01T10:30:00"}, {"$date": "2024-05-01T10:30:00"}),
    ({"$code": "f()"}, {"$code": "f()"}),
    ({"$oid": "1", "more": 2}, {"$oid": "1", "more": 2}),
]


@pytest.mark.parametrize(("wrapped", "value"), WRAPPED, ids=[str(each[0]) for each in WRAPPED])
def test_wrappers_become_plain_values(wrapped: Any, value: Any) -> None:
    """What has no plain value stays as it is, so that no field accepts it."""
    assert plain({"a": [wrapped]}) == {"a": [value]}


@pytest.mark.parametrize("file", NOTE_FILES)
def test_an_export_may_have_any_of_three_names(store: Path, file: str) -> None:
    (found,) = _read(store, _note(), file=file)
    assert found.locator == f"{file}:1#65a0000127b71143dd555da2"


def test_an_array_is_an_export_too(store: Path) -> None:
    """`mongoexport --jsonArray`."""
    (store / NOTE_FILES[0]).write_text(json.dumps([_note(), _note(_id="b")]), encoding="utf-8")
    told = list(opened("hybrid_ehr", store).read(NOTES, None))
    assert [each.key for each in told[:-1] if isinstance(each, Record)] == [("65a0000127b71143dd555da2",), ("b",)]


SICK: list[Any] = [
    pytest.param(lambda store: (store / NOTE_FILES[0]).unlink(), NOTE_FILES[0], id="no notes"),
    pytest.param(lambda store: (store / NOTE_FILES[0]).write_text(""), "empty", id="empty notes"),
    pytest.param(lambda store: (store / NOTE_FILES[0]).write_text('{"_id": 1,'), "does not end", id="cut notes"),
    pytest.param(lambda store: (store / NOTE_FILES[0]).write_text('{"a": 1}'), "note_id is missing", id="not notes"),
    pytest.param(lambda store: (store / DATABASE).unlink(), "no SQLite file", id="no tables"),
    pytest.param(lambda store: (store / DATABASE).write_bytes(b"x" * 200), "SQLite", id="garbled tables"),
]


@pytest.mark.parametrize(("harm", "words"), SICK)
def test_a_sick_store_is_said(store: Path, harm: Callable[[Path], object], words: str) -> None:
    """One line with a hint: an export that is gone is not an empty one."""
    harm(store)
    with pytest.raises(SourceError, match=words) as caught:
        everything(opened("hybrid_ehr", store))
    assert caught.value.kind == "config"
    assert caught.value.hint
    assert opened("hybrid_ehr", store).check().status == "config"


@pytest.mark.parametrize("table", KEYS)
def test_a_missing_table_is_said(store: Path, table: str) -> None:
    with closing(sqlite3.connect(store / DATABASE)) as database:
        database.execute(f"ALTER TABLE {table} RENAME TO other")
    health = opened("hybrid_ehr", store).check()
    assert (health.status, f"no table {table}" in health.message) == ("config", True)


def test_the_zone_of_the_tables_is_demanded(store: Path) -> None:
    source = open_source(SourceConfig(SourceName("site"), "hybrid_ehr", path=store))
    assert source.check().status == "config"
    assert "timezone" in source.check().message


def test_notes_are_read_anew_when_a_record_changes(store: Path) -> None:
    """Their change token covers the tables, and their digests the records: the rule is judged again."""
    (before,) = _read(store, _note())
    token = opened("hybrid_ehr", store).change_token(NOTES)
    with closing(sqlite3.connect(store / DATABASE)) as database, database:
        database.execute("UPDATE medical_records SET patient_id = 2")
    assert opened("hybrid_ehr", store).change_token(NOTES) != token
    (after,) = [each for each in opened("hybrid_ehr", store).read(NOTES, None) if not isinstance(each, Checkpoint)]
    assert isinstance(after, Rejected)
    assert after.digest != before.digest


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The rows of a hostile store by field, and its notes."""
    folder = tmp_path_factory.mktemp("hostile")
    simulated("hybrid_ehr", folder, "hostile", patients=300)
    found: dict[str, list[dict[str, Any]]] = {}
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.text_factory = lambda cell: cell.decode("utf-8", "replace")
        for table, named in tables("hostile").items():
            names = [column.field for column in named]
            found[table] = [dict(zip(names, row, strict=True)) for row in database.execute(f"SELECT * FROM {table}")]
    lines = (folder / NOTE_FILES[0]).read_text(encoding="utf-8").splitlines()
    return {**found, NOTES: [json.loads(line) for line in lines]}


Test = Callable[[dict[str, list[dict[str, Any]]]], bool]


def _any(table: str, test: Callable[[dict[str, Any]], Any]) -> Test:
    return lambda found: any(test(row) for row in found[table])


def _repeats(table: str, field: str, count: int = 2) -> Test:
    """The same in rows of different keys."""

    def test(found: dict[str, list[dict[str, Any]]]) -> bool:
        key = KEYS.get(table, "_id")
        keys: dict[str, set[str]] = {}
        for row in found[table]:
            if row.get(field) and row.get(key):
                keys.setdefault(str(row[field]), set()).add(str(row[key]))
        return max(map(len, keys.values())) >= count

    return test


def _signs(note: dict[str, Any]) -> dict[str, Any]:
    found = note.get("observations")
    return found if isinstance(found, dict) else {}


def _double(value: Any) -> float:
    return float(value["$numberDouble"]) if isinstance(value, dict) else float(value)


def _owners(found: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {row["record_uuid"]: row["patient_id"] for row in found["medical_records"] if row["record_uuid"]}


def _patient(note: dict[str, Any]) -> str:
    value = note.get("patient_id")
    return str(plain(value)).removesuffix(".0")


DEFECTS: dict[str, Test] = {
    "free_text_gender": _any("patients", lambda row: row["gender"] == "nonbinary"),
    "free_text_status": _any("appointments", lambda row: row["status"] == "canceled"),
    "no_birth_date": _any("patients", lambda row: row["date_of_birth"] is None),
    "wrong_uuid": _any(NOTES, lambda note: "record_uuid" not in note),
    "another_patients_record": lambda found: any(
        _owners(found).get(str(note.get("record_uuid")), _patient(note)) != _patient(note) for note in found[NOTES]
    ),
    "deleted_record": lambda found: any(
        len(str(note.get("record_uuid"))) == len(UUID) and note["record_uuid"] not in _owners(found)
        for note in found[NOTES]
    ),
    "several_notes": _repeats(NOTES, "record_uuid"),
    "second_record": _repeats("medical_records", "appointment_id"),
    "deleted_appointment": _any("medical_records", lambda row: row["appointment_id"] is None),
    "fahrenheit": _any(NOTES, lambda note: "temp" in _signs(note) and _double(_signs(note)["temp"]) > 90),
    "odd_pressure": _any(NOTES, lambda note: isinstance(_signs(note).get("bp"), list)),
    "number_as_text": _any(NOTES, lambda note: str(note.get("patient_id")).isdecimal() and note["patient_id"] != 0),
    "text_id": _any(NOTES, lambda note: isinstance(note["_id"], str) and len(note["_id"]) == 24),
    "naive_time": _any(
        NOTES, lambda note: str(note["created_at"]).count("T") == 1 and isinstance(note["created_at"], str)
    ),
    "relative_file": _any(
        NOTES,
        lambda note: any("file_url" in each and "//" not in each["file_url"] for each in note.get("attachments", [])),
    ),
    "odd_amount": _any("billing", lambda row: str(row["amount"]).startswith("-") and len(str(row["amount"])) > 1),
    "paid_unknown": _any("billing", lambda row: row["paid"] is None),
    "repeated_email": _repeats("patients", "email"),
    "older_shape": _any(NOTES, lambda note: isinstance(note.get("observations"), list) and note["observations"]),
    "empty_note": _any(NOTES, lambda note: "observations" not in note),
    "no_patient_uuid": _any("patients", lambda row: row["patient_uuid"] is None),
    "no_status": _any("appointments", lambda row: row["status"] is None),
    "appointment_of_another": lambda found: any(
        row["appointment_id"]
        in (owners := {each["appointment_id"]: each["patient_id"] for each in found["appointments"]})
        and owners[row["appointment_id"]] != row["patient_id"]
        for row in found["medical_records"]
    ),
}


def test_every_defect_has_a_proof() -> None:
    """Each number of the dictionary's list but the eighteenth, which is the HTTP service's."""
    names = {name.partition(".")[2]: rate for name, rate in RATES.items() if name.startswith("hybrid_ehr.")}
    assert names.keys() == DEFECTS.keys()
    assert {rate.number for rate in names.values()} == set(range(18))


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_hostile_store_has_each_defect(hostile: dict[str, list[dict[str, Any]]], defect: str) -> None:
    assert DEFECTS[defect](hostile)


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_a_sound_store_keeps_every_constraint(tmp_path: Path, profile: str) -> None:
    """Foreign keys hold; a hundred rows or more in each table at the default size."""
    written = simulated("hybrid_ehr", tmp_path, profile, patients=240)
    assert min(written.values()) >= 100
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
