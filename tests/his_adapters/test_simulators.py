"""The simulators of HIS_A to HIS_D: the dictionaries' stores, byte for byte the same, with every numbered defect."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from his_adapters.error_rates import PROFILES
from his_adapters.population import PLANTED_FAMILY, Population
from his_adapters.simulated_rows import Ledger
from tests.his_adapters.simulated import SEED, SIZES, SOURCES, TABLES, Stores, header, make, rows, schema, simulator


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


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
