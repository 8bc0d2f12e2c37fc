"""Each numbered defect of the four data dictionaries is in a hostile store, and what only bad exports do besides."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from his_adapters.error_rates import RATES
from his_adapters.name_pools import names
from tests.his_adapters.simulated import SOURCES, TABLES, Rows, Stores, leaves


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    return Stores(tmp_path_factory.mktemp("stores"))


def looks_like_a_number(key: object) -> bool:
    return bool(re.fullmatch(r"\d{8}|\d+e\d+", str(key)))


def orphans(found: dict[str, Rows]) -> bool:
    known = {row["patient_id"] for row in found["patients"]}
    return any(bill["patient_id"] not in known for bill in found["finance"])


def repeats(found: dict[str, Rows]) -> bool:
    return max(Counter(row["patient_id"] for row in found["patients"]).values()) > 1


def age_at_joining(row: dict[str, Any], joined: str) -> int:
    try:
        return int(text(row, joined)[:4]) - int(text(row, "dob")[:4])
    except ValueError:
        return 99


def one(table: str, test: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Rows]], bool]:
    """Some row of the table has it."""
    return lambda found: any(test(row) for row in found[table])


def leaf(table: str, test: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Rows]], bool]:
    """Some object of the file has it, wherever it is nested."""
    return lambda found: any(test(dict(leaves(row))) for row in found[table])


def text(row: dict[str, Any], field: str) -> str:
    return str(row.get(field) or "")


def number(row: dict[str, Any], field: str) -> float:
    try:
        return float(row[field])
    except (TypeError, ValueError):
        return 0.0


def is_python(cell: str) -> bool:
    try:
        return isinstance(ast.literal_eval(cell), dict) and "'" in cell
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False


TITLES = ("Mr. ", "Mrs. ", "Ms. ", "Dr. ", " MD", " DVM", " II")


def is_titled(name: str) -> bool:
    return name.startswith(TITLES) or name.endswith(TITLES)


def a_child_of(cm: int) -> Callable[[dict[str, Any]], bool]:
    return lambda row: text(row, "dob") >= "2017" and number(row, "height_cm") >= cm


def has_python_none(row: dict[str, Any]) -> bool:
    return ": None" in row["emergency_person"] and is_python(row["emergency_person"])


def has_two_emails(row: dict[str, Any]) -> bool:
    return "@" in text(row, "contact") and text(row, "email") not in text(row, "contact")


def has_stage_of_flu(row: dict[str, Any]) -> bool:
    return row["disease"] in PLAIN_DISEASES and text(row, "stage_or_danger").startswith("Stage ")


def has_more_years_than_life(row: dict[str, Any]) -> bool:
    born = re.match(r"\d{4}", text(row, "dob"))
    return bool(born) and number(row, "experience_years") > 2025 - int(born[0])  # type: ignore[index]


FEMALE = set(names("en_IN").female) - set(names("en_IN").male)
PLAIN_DISEASES = {"Flu", "Covid-19", "Fracture", "Heart Disease"}

DEFECTS: dict[tuple[str, int], Callable[[dict[str, Rows]], bool]] = {
    ("his_a", 1): orphans,
    ("his_a", 2): repeats,
    ("his_a", 3): one("patients", lambda row: looks_like_a_number(row["patient_id"])),
    ("his_a", 4): one("patients", lambda row: row["medical_history"] == "None"),
    ("his_a", 5): one("patients", lambda row: row["severity"] == "treating"),
    ("his_a", 6): one("patients", lambda row: (row["patient_status"], row["bed_type"]) == ("Discharged", "ICU")),
    ("his_a", 7): one("patients", a_child_of(150)),
    ("his_a", 8): one("patients", lambda row: row["first_name"] in FEMALE and row["gender"] == "Male"),
    ("his_a", 9): one("patients", lambda row: (row["city"], row["state"]) == ("Delhi", "Maharashtra")),
    ("his_a", 10): lambda found: not any("admission" in name or "discharge" in name for name in found["patients"][0]),
    ("his_a", 11): one("finance", lambda row: "2" < text(row, "due_date")[:10] < text(row, "billing_date")),
    ("his_a", 12): one("staff", lambda row: age_at_joining(row, "joining_date") < 18),
    ("his_a", 13): lambda found: max(Counter(row["insurance_id"] for row in found["patients"]).values()) > 1,
    ("his_a", 14): one("patients", lambda row: bool(re.fullmatch(r"\d{13}", text(row, "phone")))),
    ("his_b", 1): leaf("patients", lambda row: "None" in {row.get("allergies"), row.get("chronic_conditions")}),
    ("his_b", 2): leaf("patients", lambda row: row["severity"] == "treating"),
    ("his_b", 3): leaf("patients", lambda row: looks_like_a_number(row["patient_id"])),
    ("his_b", 4): orphans,
    ("his_b", 5): leaf("finance", lambda row: "2" < text(row, "due_date")[:10] < text(row, "billing_date")),
    ("his_b", 6): leaf("finance", lambda row: row.get("insurance_claimed") == "No" and bool(row.get("insurance_id"))),
    ("his_b", 7): leaf("staff", lambda row: age_at_joining(row, "joining_date") < 18),
    ("his_b", 8): leaf("patients", lambda row: bool(re.fullmatch(r"\d+/\d+", text(row, "bp")))),
    ("his_b", 9): leaf("patients", lambda row: isinstance(row.get("hb"), float)),
    ("his_b", 10): one("patients", lambda row: isinstance((row["medical_info"] or {}).get("allergies"), str)),
    ("his_b", 11): one("patients", lambda row: None in row.values() and {} in row.values()),
    ("his_b", 12): leaf("patients", lambda row: isinstance(row.get("hb"), str)),
    ("his_b", 15): one("patients", lambda row: is_titled(text(row["emergency_person"] or {}, "name"))),
    ("his_c", 1): one("patients", lambda row: ".0" in text(row, "contact")),
    ("his_c", 2): one("patients", lambda row: row["allergies"] == "None"),
    ("his_c", 3): one("staff", lambda row: "\n" in row["address"]),
    ("his_c", 4): one("patients", lambda row: "â€" in row["specialty"]),
    ("his_c", 5): one("patients", lambda row: row["specialty"].startswith("\u2013")),
    ("his_c", 6): one("patients", lambda row: row["gender"] == "Male" and row["specialty"].startswith("Gynecology")),
    ("his_c", 7): one("patients", lambda row: row["bed_type"] == "ICU"),
    ("his_c", 8): one("patients", lambda row: is_titled(row["name"])),
    ("his_c", 9): one("finance", lambda row: row["payment_type"] == "Cash" and row["insurance_claim_id"][:3] == "CLM"),
    ("his_c", 10): orphans,
    ("his_c", 11): one("patients", lambda row: "2024" < row["time_bound"] < "2025-11"),
    ("his_c", 12): one(
        "patients", lambda row: "None" in row["emergency_person"] and is_python(row["emergency_person"])
    ),
    ("his_d", 1): one("patients", lambda row: text(row, "location").endswith("(Vatican City State)")),
    ("his_d", 2): one("patients", lambda row: bool(re.search(r"x\d+, .+@", text(row, "contact")))),
    ("his_d", 3): one("staff", lambda row: text(row, "certifications").count(",") > 1),
    ("his_d", 4): one("staff", has_two_emails),
    ("his_d", 5): one("patients", has_stage_of_flu),
    ("his_d", 6): one("patients", lambda row: row["disease"] == "Flu" and row["treatment_plan"] == "Chemotherapy"),
    ("his_d", 7): one("patients", lambda row: (row["treatment_plan"], row["need_of_surgery"]) == ("Surgery", "No")),
    ("his_d", 8): lambda found: {"HIV", "TB"} <= {row["medical_history"] for row in found["patients"]},
    ("his_d", 9): one("patients", lambda row: row["severity"] == "treating"),
    ("his_d", 10): one("patients", lambda row: (row["disease"], row["department_admitted"]) == ("Flu", "Radiotherapy")),
    ("his_d", 11): one("patients", lambda row: "2024" < text(row, "followup_date") < "2025-11"),
    ("his_d", 12): repeats,
    ("his_d", 13): orphans,
    ("his_d", 14): one("patients", lambda row: looks_like_a_number(row["patient_id"])),
    ("his_d", 15): one(
        "finance",
        lambda row: (
            number(row, "insurance_covered")
            > number(row, "treatment_cost") + number(row, "hospital_charges") + number(row, "miscellaneous_charges")
            > 1000
        ),
    ),
    ("his_d", 16): one("patients", lambda row: bool(re.search(r", Nevada, (?!India)", text(row, "location")))),
    ("his_d", 17): one("staff", has_more_years_than_life),
}
FILE_DEFECTS: dict[tuple[str, int], Callable[[Path], bool]] = {
    ("his_b", 13): lambda folder: (folder / "staff.json").read_bytes().startswith(b"\xef\xbb\xbf"),
    ("his_b", 14): lambda folder: (folder / "finance.json").read_text().startswith("{"),
    ("his_c", 4): lambda folder: b" \x96 " in (folder / "patients.csv").read_bytes(),
}
NUMBERED = {
    (source, rate.number): name
    for name, rate in RATES.items()
    for source in [name.partition(".")[0]]
    if rate.number and source in SOURCES
}


def test_every_numbered_defect_has_a_rate_and_a_test() -> None:
    """No gap in the numbers, no defect without a proof."""
    assert NUMBERED.keys() == DEFECTS.keys() | FILE_DEFECTS.keys()
    for source, count in (("his_a", 14), ("his_b", 15), ("his_c", 12), ("his_d", 17)):
        assert {number for where, number in NUMBERED if where == source} == set(range(1, count + 1))


@pytest.mark.parametrize("defect", sorted(NUMBERED), ids=lambda defect: NUMBERED[defect])
def test_a_hostile_store_has_each_numbered_defect(defect: tuple[str, int], stores: Stores) -> None:
    source, _ = defect
    if defect in DEFECTS:
        assert DEFECTS[defect]({table: stores.rows(source, "hostile", table) for table in TABLES})
    if defect in FILE_DEFECTS:
        assert FILE_DEFECTS[defect](stores.folder(source, "hostile"))


def cells(stores: Stores, source: str) -> Iterator[str]:
    for table in TABLES:
        for row in stores.rows(source, "hostile", table):
            yield from ("" if cell is None else str(cell) for _, cell in leaves(row))


@pytest.mark.parametrize(
    ("nasty", "pattern"),
    [
        ("foreign_ids", r"^PAT\d{5}$"),
        ("digits_only_ids", r"^000000\d\d$"),
        ("no_id_or_null_cell", r"^$"),
        ("unparsable_date", r"^(31/02/2020|2023-13-45|0000-00-00)$"),
        ("number_as_text", r"^(NaN|five|170 cm)$"),
        ("absurd_length", r"^(absurd ){10000}$"),
        ("control_characters", r"[\x00\x07\x1b]"),
        ("untrimmed", r"^  .*\r\n\t"),
        ("unknown_code", r"^(Unknown|N/A|\?)$"),
    ],
)
@pytest.mark.parametrize("source", SOURCES)
def test_a_hostile_store_is_nasty(source: str, nasty: str, pattern: str, stores: Stores) -> None:
    assert any(re.search(pattern, cell, re.DOTALL) for cell in cells(stores, source)), nasty


@pytest.mark.parametrize("source", ["his_a", "his_c", "his_d"])
def test_a_hostile_store_has_bytes_that_are_not_utf8(source: str, stores: Stores) -> None:
    assert any(re.search("[\udc80-\udcff]", cell) for cell in cells(stores, source))


@pytest.mark.parametrize("source", SOURCES)
def test_a_hostile_store_repeats_rows_and_ids(source: str, stores: Stores) -> None:
    found = [json.dumps(row) for table in TABLES for row in stores.rows(source, "hostile", table)]
    assert len(set(found)) < len(found)
    ids = Counter(row["patient_id"] for row in stores.rows(source, "hostile", "patients"))
    whole = Counter(json.dumps(row) for row in stores.rows(source, "hostile", "patients"))
    assert sum(ids.values()) - len(ids) > sum(whole.values()) - len(whole)


@pytest.mark.parametrize("source", SOURCES)
def test_profile_seed_has_none_of_what_only_bad_exports_do(source: str, stores: Stores) -> None:
    for table in TABLES:
        content = json.dumps(stores.rows(source, "seed", table))
        assert not re.search(r"PAT\d{5}|absurd absurd|\\u0000|31/02/2020|\\udc", content)
