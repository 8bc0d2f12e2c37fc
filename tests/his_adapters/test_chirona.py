"""Chirona: the adapter contract on SQLite, its schema, its configuration, and each defect of its data dictionary."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from his_adapters.base import Record, Rejected, SourceConfig, SourceName
from his_adapters.chirona.adapter import OPTIONS, open_source
from his_adapters.chirona.connection import located
from his_adapters.chirona.schema import columns
from his_adapters.chirona.tables import SQL_TABLES
from his_adapters.error_rates import PROFILES, RATES
from tests.his_adapters.contract import AdapterContract, everything, fingerprints, opened, simulated

STREAMS = tuple(getattr(each, "dataset", each).name for each in SQL_TABLES)


class TestChirona(AdapterContract):
    """One SQLite file of 15 tables."""

    adapter = "chirona"
    streams = STREAMS


REFUSED = [
    pytest.param("INSERT INTO {}Room VALUES (900, 'suite', 'Available')", id="room type"),
    pytest.param("INSERT INTO {}Room VALUES (900, 'private rooms', 'Free')", id="room availability"),
    pytest.param("INSERT INTO {}Doctor VALUES (99999, 'Cardiology')", id="doctor who is no staff"),
    pytest.param("UPDATE {}Staff SET StaffRole = 'Cook'", id="role"),
    pytest.param("UPDATE {}Staff SET StaffDOB = NULL", id="not null"),
    pytest.param("UPDATE {}Patient SET PatientTelNo = '+91 98765 43210'", id="long phone"),
    pytest.param("UPDATE {}AdminStaff SET UserName = 'michaelharris'", id="long login"),
    pytest.param("UPDATE {}Invoice SET TotalAmount = TotalAmount + 1", id="total"),
    pytest.param("UPDATE {}MedicalTest SET TestCost = 1000", id="cost of a test"),
    pytest.param("UPDATE {}Treatment SET TreatmentCost = 100000", id="cost of a treatment"),
    pytest.param("UPDATE {}Payment SET PaymentMethod = 'Gold'", id="method"),
    pytest.param("UPDATE {}Shift SET ShiftDayOfWeek = 'Freitag'", id="weekday"),
    pytest.param("UPDATE {}Admission SET AdmissionStatus = 'Gone'", id="status of an admission"),
    pytest.param("UPDATE {}Appointment SET AppointmentStatus = 'Missed'", id="status of an appointment"),
    pytest.param("INSERT INTO {0}MedicalTestInvoice SELECT * FROM {0}MedicalTestInvoice", id="key of two columns"),
    pytest.param("UPDATE {}Payment SET InvoiceNo = 'INV999999'", id="unknown invoice"),
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A store as the simulator writes it, with foreign keys in force; every test is rolled back."""
    folder = tmp_path_factory.mktemp("sound")
    simulated("chirona", folder, "seed")
    with closing(sqlite3.connect(folder / "chirona.db", isolation_level=None)) as store:
        store.execute("PRAGMA foreign_keys = ON")
        yield store


@pytest.mark.parametrize("statement", REFUSED)
def test_constraints_hold_in_sqlite_too(sound: sqlite3.Connection, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        sound.execute(statement.format(""))


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_every_foreign_key_of_a_simulated_store_leads_somewhere(profile: str, tmp_path: Path) -> None:
    simulated("chirona", tmp_path, profile, 300)
    with closing(sqlite3.connect(tmp_path / "chirona.db")) as store:
        assert store.execute("PRAGMA foreign_key_check").fetchall() == []
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_original_has_the_original_s_columns(tmp_path: Path) -> None:
    """All 15 tables; what the seed proposes is nullable and stands in the seed's tables only."""
    proposed = {
        ("patient", "PatientDOB"),
        ("patient", "PatientType"),
        ("treatment", "Medication"),
        ("treatment", "Diagnosis"),
        ("admission", "DischargeDate"),
        ("shift", "ShiftType"),
    }
    found = {}
    for profile in ("seed", "original"):
        simulated("chirona", tmp_path / profile, profile)
        with closing(sqlite3.connect(tmp_path / profile / "chirona.db")) as store:
            found[profile] = {
                (table, name): bool(needed)
                for table in STREAMS
                for _, name, _, needed, _, _ in store.execute(f"PRAGMA table_info({table})")
            }
    assert found["seed"].keys() - found["original"].keys() == proposed
    assert not any(found["seed"][column] for column in proposed)
    assert len({table for table, _ in found["original"]}) == 15
    assert len(found["original"]) == 74


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for profile in PROFILES:
        simulated("chirona", tmp_path / "one" / profile, profile)
        simulated("chirona", tmp_path / "two" / profile, profile)
        one, two = (fingerprints(tmp_path / each / profile) for each in ("one", "two"))
        assert list(one.values()) == list(two.values())


# Configuration -------------------------------------------------------------------------------------------------------


def _config(path: Path | None = None, **more: Any) -> SourceConfig:
    return SourceConfig(SourceName("site"), "chirona", path=path, **{"timezone": "Asia/Kolkata", **more})


def test_the_zone_of_the_clock_times_is_demanded(tmp_path: Path) -> None:
    simulated("chirona", tmp_path, "seed")
    health = open_source(_config(tmp_path, timezone=None)).check()
    assert (health.status, "timezone" in health.message, "timezone" in health.hint) == ("config", True, True)


CONN = "dbname: chirona\nadmin: gw@azure\npasswd: 'S3cret/:@'\nserver: db.example.org\nport: 6432\n"


@pytest.mark.parametrize(
    "text",
    [CONN, "conn:\n" + "".join(f"  {line}\n" for line in CONN.splitlines()), CONN.replace("port: 6432\n", "")],
    ids=["flat", "under a heading", "without port"],
)
def test_conn_yml_becomes_a_url(text: str, tmp_path: Path) -> None:
    file = tmp_path / "conn.yml"
    file.write_text(text)
    found = located(_config(file))
    assert found.path is None
    url = make_url(str(found.url))
    assert (url.username, url.password, url.host, url.database) == (
        "gw@azure",
        "S3cret/:@",
        "db.example.org",
        "chirona",
    )
    assert url.port == (6432 if "port" in text else 5432)
    assert url.query == {"sslmode": "require"}
    assert found.options == {"schema": "chironaschema"}
    assert "S3cret" not in repr(found)


def test_ssl_options_reach_the_driver(tmp_path: Path) -> None:
    options = {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/azure.pem", "schema": "other"}
    found = located(_config(url="postgresql+psycopg://gw:secret@db/chirona", options=options))
    assert make_url(str(found.url)).query == {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/azure.pem"}
    assert found.options == {"schema": "other"}
    assert set(options) <= set(OPTIONS)


BROKEN = [
    pytest.param("dbname: x\nadmin: y\n", "passwd, server missing", id="missing words"),
    pytest.param(CONN.replace("6432", "S3cret"), "port", id="no port"),
    pytest.param("passwd: 'S3cret\nadmin: [", "not valid YAML", id="no YAML"),
    pytest.param("S3cret", "not a table", id="no table"),
    pytest.param("!!python/object/apply:os.system ['S3cret']", "not valid YAML", id="code"),
]


@pytest.mark.parametrize(("text", "words"), BROKEN)
def test_a_broken_conn_yml_is_said_without_its_password(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "conn.yml"
    file.write_text(text)
    health = open_source(_config(file)).check()
    assert (health.status, words in health.message) == ("config", True), health
    assert "S3cret" not in repr(health)
    assert health.hint
    assert "no such file" in open_source(_config(tmp_path / "gone.yml")).check().message


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE Payment", "no table payment"),
        ("ALTER TABLE Patient RENAME PatientLastName TO Surname", "PatientLastName"),
    ],
)
def test_a_missing_table_or_column_stops_the_source(statement: str, words: str, tmp_path: Path) -> None:
    """A patient without family name would be published otherwise."""
    simulated("chirona", tmp_path, "seed")
    with closing(sqlite3.connect(tmp_path / "chirona.db")) as store:
        store.execute(statement)
    health = open_source(_config(tmp_path)).check()
    assert (health.status, words in health.message) == ("config", True)


# Records -------------------------------------------------------------------------------------------------------------


def _stored(folder: Path, *statements: str, profile: str = "seed") -> dict[str, dict[tuple[str, ...], Any]]:
    """The records of a small hospital after some statements, by stream and key."""
    simulated("chirona", folder, profile, 12)
    with closing(sqlite3.connect(folder / "chirona.db")) as store:
        for statement in statements:
            store.executescript(statement)
        store.commit()
    found: dict[str, dict[tuple[str, ...], Any]] = {stream: {} for stream in STREAMS}
    for each in everything(opened("chirona", folder)):
        if isinstance(each, Record):
            found[each.stream][each.key] = each.data
    return found


APPOINTMENT = "INSERT INTO Appointment VALUES ({}, 1, 1, 4, '2030-05-05', '{}', '{}', '{}');"


@pytest.mark.parametrize(
    ("other", "clash"),
    [
        (("10:15:00", "10:45:00", "Scheduled"), True),
        (("09:00:00", "12:00:00", "Scheduled"), True),
        (("10:05:00", "10:06:00", "Completed"), True),
        (("10:30:00", "11:00:00", "Scheduled"), False),
        (("09:00:00", "10:00:00", "Scheduled"), False),
        (("10:15:00", "10:45:00", "Cancelled"), False),
        (("10:15:00", "10:15:00", "Scheduled"), False),
    ],
    ids=["partly", "around", "within", "after", "before", "cancelled", "no time at all"],
)
def test_two_appointments_of_a_doctor_clash_both_ways(other: tuple[str, str, str], clash: bool, tmp_path: Path) -> None:
    statements = (APPOINTMENT.format(901, "10:00:00", "10:30:00", "Scheduled"), APPOINTMENT.format(902, *other))
    found = _stored(tmp_path, "DELETE FROM Appointment", *statements)["appointment"]
    assert [bool(found[key,].overlaps) for key in ("901", "902")] == [clash, clash]


def test_appointments_of_two_doctors_or_days_do_not_clash(tmp_path: Path) -> None:
    at = ("10:00:00", "10:30:00", "Scheduled")
    statements = [APPOINTMENT.format(number, *at) for number in (901, 902, 903)]
    moved = "UPDATE Appointment SET DoctorId = 6 WHERE AppointmentId = 902;"
    moved += "UPDATE Appointment SET AppointmentDate = '2030-05-06' WHERE AppointmentId = 903"
    found = _stored(tmp_path, "DELETE FROM Appointment", *statements, moved)["appointment"]
    assert not any(each.overlaps for each in found.values())


ADMISSION = "INSERT INTO Admission VALUES ({}, 1, {}, NULL, 3, '{}', {});"


@pytest.mark.parametrize(
    ("other", "clash"),
    [
        (("'2030-01-02 10:00:00'", "Discharged", "'2030-01-03 10:00:00'"), True),
        (("'2029-12-01 10:00:00'", "In Treatment", "NULL"), True),
        (("'2030-01-05 10:00:00'", "Discharged", "'2030-01-06 10:00:00'"), False),
        (("'2030-01-02 10:00:00'", "Cancelled", "'2030-01-03 10:00:00'"), False),
        (("'2030-01-02 10:00:00'", "Discharged", "NULL"), False),
        (("'2030-01-02 10:00:00'", "Pending", "NULL"), False),
        (("NULL", "Admitted", "NULL"), False),
    ],
    ids=["within", "still there", "after", "cancelled", "end unknown", "pending", "start unknown"],
)
def test_two_admissions_to_a_room_clash_both_ways(other: tuple[str, str, str], clash: bool, tmp_path: Path) -> None:
    first = ADMISSION.format(901, "'2030-01-01 10:00:00'", "Discharged", "'2030-01-05 10:00:00'")
    found = _stored(tmp_path, "DELETE FROM Admission", first, ADMISSION.format(902, *other))["admission"]
    assert [bool(found[key,].overlaps) for key in ("901", "902")] == [clash, clash]


def test_blanks_that_pad_a_cell_are_no_part_of_it(tmp_path: Path) -> None:
    """Defect 4: `INV000001 ` and `marybrown `."""
    found = _stored(tmp_path, "UPDATE AdminStaff SET UserName = 'marybrown ' WHERE AdminId = 4")
    assert found["adminstaff"]["4",].user_name == found["staff"]["4",].user_name == "marybrown"
    assert all(len(number) == 9 for (number,) in found["invoice"])
    assert {(each.invoice_no,) for each in found["payment"].values() if each.invoice_no} <= found["invoice"].keys()


def test_money_has_two_decimals_whatever_sqlite_remembers(tmp_path: Path) -> None:
    found = _stored(tmp_path, "UPDATE Treatment SET TreatmentCost = 100.10 WHERE TreatmentId = 1")
    assert str(found["treatment"]["1",].treatment_cost) == "100.10"


def test_an_appointment_of_an_unknown_status_is_refused(tmp_path: Path) -> None:
    """FHIR has no unknown for it, and `booked` would be invented."""
    simulated("chirona", tmp_path, "hostile", 200)
    refused = [
        each
        for each in opened("chirona", tmp_path).read("appointment", None)
        if isinstance(each, Rejected) and each.key
    ]
    rules = {(problem.field, problem.rule) for each in refused for problem in each.problems}
    assert {("appointment_status", "unknown-code"), ("appointment_status", "missing")} <= rules


# Defects -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The rows of a bad export, by table and field."""
    folder = tmp_path_factory.mktemp("hostile")
    simulated("chirona", folder, "hostile", 300)
    found = {}
    with closing(sqlite3.connect(folder / "chirona.db")) as store:
        store.text_factory = lambda cell: cell.decode("utf-8", "surrogateescape")
        for table in STREAMS:
            names = [column.field for column in columns(table, "hostile")]
            found[table] = [dict(zip(names, row, strict=True)) for row in store.execute(f"SELECT * FROM {table}")]
    return found


def _by(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def _lines(store: dict[str, list[dict[str, Any]]]) -> Counter[str]:
    pairs = {(row["treatment_id"], row["invoice_no"]) for row in store["treatmentinvoice"]}
    return Counter(treatment for treatment, _ in pairs if treatment)


def _sums_differ(store: dict[str, list[dict[str, Any]]]) -> bool:
    costs = {row["treatment_id"]: row["treatment_cost"] for row in store["treatment"]}
    tested = {row["invoice_no"] for row in store["medicaltestinvoice"]}
    invoices = _by(store["invoice"], "invoice_no")
    found = 0
    for row in store["treatmentinvoice"]:
        cost, invoice = costs.get(row["treatment_id"]), invoices.get(row["invoice_no"])
        alone = sum(each["invoice_no"] == row["invoice_no"] for each in store["treatmentinvoice"]) == 1
        if cost and invoice and alone and row["invoice_no"] not in tested and invoice["amount"]:
            found += invoice["amount"] != cost
    return found > 3


def _weekdays_differ(store: dict[str, list[dict[str, Any]]]) -> bool:
    found = 0
    for row in store["shift"]:
        if re.fullmatch(r"20\d\d-\d\d-\d\d", str(row["shift_date"])) and row["shift_date"] < "2026":
            with suppress(ValueError):
                found += date.fromisoformat(row["shift_date"]).strftime("%A") != row["shift_day_of_week"]
    return found > 3


def _double(store: dict[str, list[dict[str, Any]]]) -> bool:
    found = Counter((row["shift_id"], row["staff_id"]) for row in store["shiftassignment"])
    return len([one for one in found if found[one] > 1 and None not in one]) > 3


DEFECTS: dict[str, Callable[[dict[str, list[dict[str, Any]]]], bool]] = {
    "cut_user_name": lambda store: any(len(str(row["user_name"])) == 10 for row in store["adminstaff"]),
    "availability_by_default": lambda store: all(
        sum(row["room_availability"] == word for row in store["room"]) > 3 for word in ("Available", "Occupied")
    ),
    "sequences_behind": lambda store: {"1", "2"} <= {row["room_id"] for row in store["room"]},
    "blank_padding": lambda store: any(str(row["invoice_no"]).endswith(" ") for row in store["invoice"]),
    "no_birth_date": lambda store: sum(not row["patient_dob"] for row in store["patient"]) > 90,
    "no_country_code": lambda store: (
        sum(bool(re.fullmatch(r"0\d{10}", str(row["patient_tel_no"]))) for row in store["patient"]) > 150
    ),
    "completed_without_result": lambda store: (
        sum(row["test_status"] == "Completed" and not row["test_result"] for row in store["medicaltest"]) > 20
    ),
    "result_before_test": lambda store: (
        sum(
            row["test_status"] in {"Scheduled", "Cancelled"} and bool(row["test_result"])
            for row in store["medicaltest"]
        )
        > 3
    ),
    "without_admission": lambda store: (
        bool({row["treatment_id"] for row in store["treatment"]} - {row["treatment_id"] for row in store["admission"]})
        and sum(row["treatment_id"] is None for row in store["admission"]) > 3
    ),
    "charged_twice": lambda store: sum(count > 1 for count in _lines(store).values()) > 3,
    "sum_differs": _sums_differ,
    "no_amount_paid": lambda store: not any("amount" in name for name in store["payment"][0]),
    "paid_in_parts": lambda store: any(
        count > 1 for _, count in Counter(row["invoice_no"] for row in store["payment"] if row["invoice_no"]).items()
    ),
    "paid_by_another": lambda store: (
        sum(
            bool(row["paid_by"])
            and row["invoice_no"] in (known := _by(store["invoice"], "invoice_no"))
            and known[row["invoice_no"]]["patient_id"] not in {None, row["paid_by"]}
            for row in store["payment"]
        )
        > 3
    ),
    "doctor_by_table_only": lambda store: any(
        (_by(store["staff"], "staff_id").get(row["doctor_id"]) or {}).get("staff_role") == "Nurse"
        for row in store["doctor"]
    ),
    "null_reference": lambda store: all(
        any(row[name] is None for row in store[table])
        for table, name in (("appointment", "doctor_id"), ("invoice", "patient_id"), ("payment", "invoice_no"))
    ),
    "wrong_weekday": _weekdays_differ,
    "ends_before_start": lambda store: (
        sum(
            "07" < str(row["appointment_end_time"]) <= str(row["appointment_start_time"]) < "2"
            for row in store["appointment"]
        )
        > 20
    ),
    "assigned_twice": _double,
}


@pytest.mark.parametrize("defect", sorted(set(DEFECTS)))
def test_a_bad_export_has_every_defect(defect: str, hostile: dict[str, list[dict[str, Any]]]) -> None:
    assert DEFECTS[defect](hostile), RATES[f"chirona.{defect}"].meaning


def test_bookings_clash_in_a_bad_export(tmp_path: Path) -> None:
    """Defects 19 and 20, as the adapter tells them."""
    simulated("chirona", tmp_path, "hostile", 200)
    told = [each for each in everything(opened("chirona", tmp_path)) if isinstance(each, Record)]
    for stream in ("appointment", "admission"):
        assert sum(bool(each.data.overlaps) for each in told if each.stream == stream) > 5


def test_every_numbered_defect_is_tested() -> None:
    numbered = {name.partition(".")[2] for name in RATES if name.startswith("chirona.")}
    assert numbered == set(DEFECTS) | {"doctor_booked_twice", "room_booked_twice"}
    assert sorted(rate.number for name, rate in RATES.items() if name.startswith("chirona.")) == list(range(1, 22))
