"""The simulators of HIS_A to HIS_D: the dictionaries' stores, byte for byte the same, with every numbered defect."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from his_adapters.error_rates import PROFILES, RATES
from his_adapters.name_pools import names
from his_adapters.population import PLANTED_FAMILY, Population
from his_adapters.simulated_rows import Ledger
from tests.his_adapters.simulated import SIZES, SOURCES, TABLES, header, leaves, rows, schema, simulator

SEED = 20

Rows = list[dict[str, Any]]


def make(source: str, profile: str, folder: Path, *, patients: int = 520, seed: int = SEED) -> dict[str, int]:
    found: dict[str, int] = simulator(source).simulate(
        Population(seed, SIZES), folder, patients=patients, profile=profile, seed=seed
    )
    return found


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


class Stores:
    """Each store of 520 patients, made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written: dict[tuple[str, str], dict[str, int]] = {}

    def folder(self, source: str, profile: str) -> Path:
        folder = self._folder / profile / source
        if (source, profile) not in self.written:
            self.written[source, profile] = make(source, profile, folder)
        return folder

    def rows(self, source: str, profile: str, table: str) -> Rows:
        return rows(source, profile, self.folder(source, profile), table)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    return Stores(tmp_path_factory.mktemp("stores"))


every_store = pytest.mark.parametrize(
    ("source", "profile"), [(source, profile) for source in SOURCES for profile in PROFILES]
)


def test_the_same_seed_gives_the_same_bytes_in_any_process(tmp_path: Path, stores: Stores) -> None:
    """Whatever the hash seed, for every source and profile."""
    script = (
        "import sys; from tests.his_adapters.test_simulators import *; base = Path(sys.argv[1]);"
        "[make(s, p, base / p / s) for s in SOURCES for p in PROFILES]"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4321", "PYTHONPATH": "."}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, check=True)
    for source in SOURCES:
        for profile in PROFILES:
            assert digest(stores.folder(source, profile)) == digest(tmp_path / profile / source), (source, profile)


@pytest.mark.parametrize("source", SOURCES)
def test_another_seed_gives_another_store_and_a_new_run_overwrites_the_old(source: str, tmp_path: Path) -> None:
    make(source, "seed", tmp_path, patients=60)
    first = digest(tmp_path)
    make(source, "seed", tmp_path, patients=60, seed=SEED + 1)
    assert digest(tmp_path) != first
    make(source, "seed", tmp_path, patients=60)
    assert digest(tmp_path) == first


@every_store
def test_the_rows_written_are_counted(source: str, profile: str, stores: Stores) -> None:
    folder = stores.folder(source, profile)
    counted = {table: len(rows(source, profile, folder, table)) for table in TABLES}
    assert counted == stores.written[source, profile]
    if profile != "hostile":
        assert counted["patients"] == 520


@pytest.mark.parametrize(("source", "published"), [("his_a", 400), ("his_b", 400), ("his_c", 500), ("his_d", 500)])
def test_default_sizes_are_those_of_the_seed_and_staff_and_bills_keep_pace(source: str, published: int) -> None:
    assert published <= simulator(source).DEFAULT_PATIENTS <= published * 1.1
    assert SIZES[source] >= simulator(source).DEFAULT_PATIENTS


@pytest.mark.parametrize("patients", [0, 1, 3, 129])
@every_store
def test_small_stores_are_whole(source: str, profile: str, patients: int, tmp_path: Path) -> None:
    written = make(source, profile, tmp_path, patients=patients)
    assert written["staff"] >= 6
    assert (written["finance"] >= 10) == (patients > 0)
    if profile != "hostile":
        assert written["patients"] == patients


@pytest.mark.parametrize("source", SOURCES)
def test_more_patients_than_people_are_refused_and_nothing_is_left_half_written(source: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="521 patients are asked for, but the population has 520"):
        make(source, "seed", tmp_path, patients=521)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", SOURCES)
def test_an_unknown_profile_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no profile 'sed'"):
        make(source, "sed", tmp_path, patients=5)


# Columns ------------------------------------------------------------------------------------------------------------

SEED_COLUMNS = {  # as the texts that asked for the gateway list them
    ("his_a", "patients"): """patient_id first_name last_name dob gender blood_group height_cm weight_kg country state
        city postal_code phone email emergency_contact_name emergency_contact_relation emergency_contact_phone
        insurance_id insurance_provider primary_physician medical_history disease patient_status severity
        department_admitted current_department bed_type""",
    ("his_a", "staff"): """staff_id first_name last_name department role experience_years phone email qualification
        joining_date shift_timing salary address""",
    ("his_a", "finance"): """transaction_id patient_id amount payment_type insurance_covered billing_date due_date
        status remarks""",
    ("his_c", "patients"): """patient_id name dob gender contact location emergency_person specialty
        treatment_duration_days care_instructions time_bound department_admitted current_department bed_type severity
        patient_status""",
    ("his_c", "staff"): """staff_id name department role experience_years qualification shift salary contact address
        specialty_handled""",
    ("his_c", "finance"): """transaction_id patient_id amount payment_type insurance_covered billing_date due_date
        status remarks special_services_charges""",
    ("his_d", "patients"): """patient_id name dob gender contact location disease stage_or_danger need_of_surgery
        primary_physician department_admitted current_department bed_type severity patient_status insurance_id
        insurance_provider medical_history allergies test_results treatment_plan""",
    ("his_d", "staff"): """staff_id name department role experience_years qualification shift contact salary
        specialty_handled research_publications""",
    ("his_d", "finance"): """transaction_id patient_id amount payment_type insurance_covered billing_date due_date
        status remarks surgery_charges medication_charges""",
}
ORIGINAL_WIDTHS = {
    ("his_a", "patients"): 27,
    ("his_a", "staff"): 21,
    ("his_a", "finance"): 20,
    ("his_c", "patients"): 26,
    ("his_c", "staff"): 14,
    ("his_c", "finance"): 9,
    ("his_d", "patients"): 24,
    ("his_d", "staff"): 17,
    ("his_d", "finance"): 11,
}


@pytest.mark.parametrize(("source", "table"), sorted(SEED_COLUMNS))
def test_profile_seed_has_the_seed_s_columns(source: str, table: str, stores: Stores) -> None:
    """All of them, the key first; whatever else is there is the original's."""
    found = header(source, stores.folder(source, "seed"), table)
    wanted = SEED_COLUMNS[source, table].split()
    assert found[0] == wanted[0]
    assert set(wanted) <= set(found)
    if (source, table) == ("his_a", "patients"):
        assert found == wanted
    originals = {column.field for column in schema(source).TABLES["original"][table]}
    extra = set(found) - set(wanted)
    assert extra <= originals | {"emergency_person"}


@pytest.mark.parametrize(("source", "table"), sorted(ORIGINAL_WIDTHS))
def test_profile_original_has_the_original_s_columns_in_order(source: str, table: str, stores: Stores) -> None:
    found = header(source, stores.folder(source, "original"), table)
    assert len(found) == ORIGINAL_WIDTHS[source, table]
    assert found == [column.name for column in schema(source).TABLES["original"][table]]


@pytest.mark.parametrize(("source", "table"), sorted(ORIGINAL_WIDTHS))
def test_profile_hostile_respells_every_column(source: str, table: str, stores: Stores) -> None:
    """Other case, blanks and order, but still the same words."""
    found = header(source, stores.folder(source, "hostile"), table)
    plain = {re.sub("[^a-z0-9]", "", name.lower()) for name in found}
    spelled = {
        name for profile in ("seed", "original") for name in header(source, stores.folder(source, profile), table)
    }
    assert plain - {"unnamed0"} <= {name.replace("_", "") for name in spelled}
    assert sum(name in spelled for name in found) < len(found) / 2


@pytest.mark.parametrize("source", ["his_a", "his_d"])
def test_sqlite_declares_types_and_keys_as_the_original_does(source: str, stores: Stores) -> None:
    """TEXT keys, INTEGER sizes, REAL amounts, no declared foreign key, a rollback journal."""
    for table in TABLES:
        path = stores.folder(source, "original") / f"{table}.db"
        with closing(sqlite3.connect(path)) as store:
            info = store.execute(f"PRAGMA table_info({table})").fetchall()
            assert (info[0][2], info[0][5]) == ("TEXT", 1)
            assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert store.execute("PRAGMA journal_mode").fetchone() == ("delete",)
            assert store.execute(f"PRAGMA foreign_key_list({table})").fetchall() == []
        assert {path.name for path in path.parent.iterdir()} == {"patients.db", "staff.db", "finance.db"}


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_json_is_what_json_dump_with_indent_writes(profile: str, stores: Stores) -> None:
    for table in TABLES:
        text = (stores.folder("his_b", profile) / f"{table}.json").read_text(encoding="ascii")
        assert text == json.dumps(json.loads(text), indent=4)


def test_csv_is_utf8_with_plain_line_ends(stores: Stores) -> None:
    for table in TABLES:
        content = (stores.folder("his_c", "seed") / f"{table}.csv").read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in content
        content.decode("utf-8")


# What joins ---------------------------------------------------------------------------------------------------------

STAFF_REFERENCE = {"his_a": "staff_id", "his_b": "staff_id", "his_c": "processed_by_staff_id"}


@pytest.mark.parametrize("patients", [420, 520])
@pytest.mark.parametrize("source", SOURCES)
def test_92_to_95_percent_of_the_bills_join(source: str, patients: int, tmp_path: Path) -> None:
    """Patients, staff, and both at once."""
    make(source, "seed", tmp_path, patients=patients)
    known = {row["patient_id"] for row in rows(source, "seed", tmp_path, "patients")}
    staff = {row["staff_id"] for row in rows(source, "seed", tmp_path, "staff")}
    bills = rows(source, "seed", tmp_path, "finance")
    joined = [bill["patient_id"] in known for bill in bills]
    assert 0.92 <= sum(joined) / len(bills) <= 0.95
    if source in STAFF_REFERENCE:
        served = [bill[STAFF_REFERENCE[source]] in staff for bill in bills]
        assert 0.92 <= sum(served) / len(bills) <= 0.95
        both = [one and other for one, other in zip(joined, served, strict=True)]
        assert 0.92 <= sum(both) / len(bills) <= 0.95


@pytest.mark.parametrize("bills", [*range(100, 320, 7), 1000, 12345])
def test_the_orphans_share_holds_for_any_number_of_bills(bills: int) -> None:
    """92 to 95 % join, counted by patient, by staff and by both, from a hundred bills on."""
    ledger = Ledger(Population(1, {"his_a": 50}), "his_a", Random(bills), bills=bills, patients=50, staff=9, share=0.06)
    patients = [ledger.patient(bill) < 50 for bill in range(bills)]
    staff = [ledger.staff(bill) < 9 for bill in range(bills)]
    both = [one and other for one, other in zip(patients, staff, strict=True)]
    for joined in (patients, staff, both):
        assert 0.92 <= sum(joined) / bills <= 0.95


@pytest.mark.parametrize("source", SOURCES)
def test_no_bill_of_the_original_joins(source: str, stores: Stores) -> None:
    known = {row["patient_id"] for row in stores.rows(source, "original", "patients")}
    assert not any(bill["patient_id"] in known for bill in stores.rows(source, "original", "finance"))


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_truth_holds_exactly_the_keys_in_the_stores(profile: str, stores: Stores) -> None:
    truth = {(source, key) for _, source, key in Population(SEED, SIZES).truth()}
    found = [(source, row["patient_id"]) for source in SOURCES for row in stores.rows(source, profile, "patients")]
    assert len(found) == len(set(found))
    assert set(found) == truth


@pytest.mark.parametrize("profile", PROFILES)
def test_the_planted_family_is_in_every_store(profile: str, stores: Stores) -> None:
    for source in SOURCES:
        texts = [json.dumps(row).casefold() for row in stores.rows(source, profile, "patients")]
        assert sum(PLANTED_FAMILY.casefold() in text for text in texts) >= 3, source


@pytest.mark.parametrize("source", SOURCES)
def test_ids_are_unique_and_present_in_profile_seed(source: str, stores: Stores) -> None:
    for table, key in (("patients", "patient_id"), ("staff", "staff_id"), ("finance", "transaction_id")):
        ids = [row[key] for row in stores.rows(source, "seed", table)]
        assert len(set(ids)) == len(ids)
        assert all(isinstance(found, str) and re.fullmatch("[ST]?[0-9a-f]{7,8}", found) for found in ids)


# Defects ------------------------------------------------------------------------------------------------------------


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
