"""HIS_A: the adapter contract, and each defect of its data dictionary."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from his_adapters.base import Record, Rejected
from his_adapters.his_a.records import FinanceRow, PatientRow, StaffRow
from tests.his_adapters.contract import AdapterContract, opened, simulated


class TestHisA(AdapterContract):
    """Three SQLite files."""

    adapter = "his_a"
    streams = ("staff", "patients", "finance")


def _stored(folder: Path, table: str, row: dict[str, Any], columns: Sequence[str] = ()) -> Record | Rejected:
    """The one row of a table as the adapter tells it; the other tables are made too."""
    simulated("his_a", folder, "seed", patients=4)
    with closing(sqlite3.connect(folder / f"{table}.db")) as writer:
        writer.execute(f"DROP TABLE {table}")
        names = ", ".join(f'"{name}"' for name in row)
        writer.execute(f"CREATE TABLE {table} ({names})")
        writer.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", list(row.values()))
        writer.commit()
    told = next(iter(opened("his_a", folder).read(table, None)))
    assert isinstance(told, Record | Rejected)
    return told


def test_ids_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    """Defect 3: `07603108` keeps its zero, `122e2091` is not 122 · 10^2091."""
    for key in ("07603108", "122e2091", "704e0891"):
        told = _stored(tmp_path, "patients", {"patient_id": key, "dob": "1957-07-28"})
        assert told.key == (key,)


def test_the_word_none_stays_a_word(tmp_path: Path) -> None:
    """Defect 4: what `None` means is for the mapper to say."""
    told = _stored(tmp_path, "patients", {"patient_id": "81f91df9", "medical_history": "None"})
    assert isinstance(told, Record)
    assert told.data == PatientRow("81f91df9", *[None] * 19, "None", *[None] * 6)


def test_both_spellings_of_staff_read_alike(tmp_path: Path) -> None:
    """`designation` and `work_shift` of the original are `role` and `shift_timing`."""
    ours = _stored(tmp_path, "staff", {"staff_id": "S0000001", "role": "Doctor", "shift_timing": "Night"})
    theirs = _stored(tmp_path, "staff", {"staff_id": "S0000001", "designation": "Doctor", "work_shift": "Night"})
    assert isinstance(ours, Record)
    assert isinstance(theirs, Record)
    assert isinstance(ours.data, StaffRow)
    assert ours.data == theirs.data


def test_both_spellings_of_finance_read_alike(tmp_path: Path) -> None:
    ours = {"payment_type": "UPI", "insurance_covered": "Yes", "status": "Paid"}
    theirs = {"payment_method": "UPI", "insurance_claimed": "Yes", "payment_status": "Paid"}
    start = {"transaction_id": "T0000001", "patient_id": "81f91df9", "amount": 200.5}
    found = [_stored(tmp_path, "finance", {**start, **words}) for words in (ours, theirs)]
    assert isinstance(found[0], Record)
    assert isinstance(found[0].data, FinanceRow)
    assert isinstance(found[1], Record)
    assert found[0].data == found[1].data


def test_insurance_covered_may_be_an_amount(tmp_path: Path) -> None:
    told = _stored(
        tmp_path, "finance", {"transaction_id": "T1", "patient_id": "P", "amount": 10, "insurance_covered": 1250.5}
    )
    assert isinstance(told, Record)
    assert told.data.insurance_covered == "1250.5"


def test_a_broken_date_is_left_out_and_noted(tmp_path: Path) -> None:
    told = _stored(tmp_path, "patients", {"patient_id": "81f91df9", "dob": "28/07/1957", "city": "Pune"})
    assert isinstance(told, Record)
    assert (told.data.dob, told.data.city) == (None, "Pune")
    assert [(note.field, note.rule) for note in told.notes] == [("dob", "not-a-date")]


def test_a_broken_sum_refuses_the_bill(tmp_path: Path) -> None:
    """Half a bill is worse than none."""
    bill = {"transaction_id": "T1", "patient_id": "P", "amount": 10, "tax": "9 %"}
    told = _stored(tmp_path, "finance", bill)
    assert isinstance(told, Rejected)
    assert [(problem.field, problem.rule) for problem in told.problems] == [("tax", "not-a-number")]


def test_a_row_without_key_is_rejected_with_its_place(tmp_path: Path) -> None:
    told = _stored(tmp_path, "patients", {"patient_id": None, "dob": "1957-07-28"})
    assert isinstance(told, Rejected)
    assert (told.key, told.locator) == ((), "patients.db:patients#row 1")


def test_appended_runs_are_all_read(tmp_path: Path) -> None:
    """Defect 2: the original's tables grow with every run of its program."""
    written = simulated("his_a", tmp_path, "original", patients=40)
    told = [each for each in opened("his_a", tmp_path).read("patients", None) if isinstance(each, Record)]
    assert len(told) == written["patients"]
    assert len({each.key for each in told}) == len(told)
