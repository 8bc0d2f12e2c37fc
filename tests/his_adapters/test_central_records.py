"""The central records as files: the adapter contract, the joins, and the defects of the data dictionary one by one."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from his_adapters.base import Checkpoint, Record, Rejected, Skipped, SourceConfigError
from his_adapters.central_records.records import LabReportRow, VisitRow
from his_adapters.central_records.schema import KEYS, LANDING_ZONE, TABLES
from his_adapters.central_records.simulator import FULL_PATIENTS, simulate
from his_adapters.error_rates import RATES
from his_adapters.population import PLANTED_FAMILY, Population, write_truth
from tests.his_adapters.contract import AdapterContract, fingerprints, opened, simulated

SOURCE = "central_records"
PATIENT = {"patient_id": "P1", "name": "Abeer Sridhar", "gender": "F", "dob": "1996-01-10", "city": "Baranagar"}
DOCTOR = {"doctor_id": "D1", "name": "Sarthak Thakkar", "specialization": "Neurologist", "hospital": "Fortis"}
VISIT = {"visit_id": "V1", "patient_id": "P1", "doctor_id": "D1", "visit_date": "2024-08-03", "reason": "Fever"}
REPORT = {"report_id": "R1", "visit_id": "V1", "test_type": "ECG", "result": "Normal", "report_date": "2024-08-19"}
STORE: Mapping[str, list[dict[str, str]]] = {
    "patients": [PATIENT],
    "doctors": [DOCTOR],
    "visits": [VISIT],
    "lab_reports": [REPORT],
}


class TestCentralRecords(AdapterContract):
    """The CSV landing zone."""

    adapter = SOURCE
    streams = ("doctors", "patients", "visits", "lab_reports")


def write(folder: Path, **tables: list[dict[str, str]]) -> Path:
    """A landing zone of a few rows; tables that are not named are sound."""
    zone = folder / LANDING_ZONE
    zone.mkdir(parents=True, exist_ok=True)
    for table, rows in {**STORE, **tables}.items():
        columns = [column.name for column in TABLES["seed"][table]]
        with (zone / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def told(folder: Path, stream: str) -> list[Record | Rejected | Skipped]:
    found = list(opened(SOURCE, folder).read(stream, None))
    return [each for each in found if not isinstance(each, Checkpoint)]


def visit(folder: Path) -> VisitRow:
    (found,) = told(folder, "visits")
    assert isinstance(found, Record)
    assert isinstance(found.data, VisitRow)
    return found.data


def report(folder: Path) -> LabReportRow:
    (found,) = told(folder, "lab_reports")
    assert isinstance(found, Record)
    assert isinstance(found.data, LabReportRow)
    return found.data


# Joins --------------------------------------------------------------------------------------------------------------


def test_a_report_knows_its_patient_and_a_visit_its_hospital(tmp_path: Path) -> None:
    write(tmp_path)
    assert (report(tmp_path).patient_id, report(tmp_path).visit_date) == ("P1", date(2024, 8, 3))
    assert (visit(tmp_path).doctor_hospital, visit(tmp_path).patient_dob) == ("Fortis", date(1996, 1, 10))


def test_a_report_of_no_visit_has_no_patient(tmp_path: Path) -> None:
    write(tmp_path, lab_reports=[{**REPORT, "visit_id": "V2"}])
    assert report(tmp_path).patient_id is None


UNCLEAR: list[Any] = [
    pytest.param([VISIT, {**VISIT, "patient_id": "P2"}], id="two patients under one visit"),
    pytest.param([{**VISIT, "patient_id": "P2"}, VISIT], id="and in the other order"),
]


@pytest.mark.parametrize("visits", UNCLEAR)
def test_a_report_whose_patient_is_in_doubt_is_nobodys(tmp_path: Path, visits: list[dict[str, str]]) -> None:
    write(tmp_path, visits=visits)
    (found,) = told(tmp_path, "lab_reports")
    assert isinstance(found, Rejected)
    assert ("patient_id", "unclear-reference") in {(each.field, each.rule) for each in found.problems}
    assert found.key == ("R1",)


def test_a_repeated_row_is_no_doubt(tmp_path: Path) -> None:
    write(tmp_path, visits=[VISIT, {**VISIT, "reason": "Headache"}])
    assert report(tmp_path).patient_id == "P1"


def test_a_visit_that_cannot_be_read_holds_its_reports_back(tmp_path: Path) -> None:
    """A cell too many: whose visit it is cannot be told, though its key can."""
    write(tmp_path)
    path = tmp_path / LANDING_ZONE / "visits.csv"
    path.write_text(path.read_text().replace("V1,P1,D1", "V1,P1,P2,D1"))
    (found,) = told(tmp_path, "lab_reports")
    assert isinstance(found, Rejected)


def test_a_doctor_in_doubt_costs_a_visit_its_hospital_only(tmp_path: Path) -> None:
    write(tmp_path, doctors=[DOCTOR, {**DOCTOR, "hospital": "Apollo"}])
    (found,) = told(tmp_path, "visits")
    assert isinstance(found, Record)
    assert found.data.doctor_hospital is None
    assert [(each.field, each.rule) for each in found.notes] == [("doctor_hospital", "unclear-reference")]


JOINED: list[Any] = [
    pytest.param("doctors", {**DOCTOR, "hospital": "Apollo"}, "visits", id="the doctor's hospital"),
    pytest.param("patients", {**PATIENT, "dob": "1996-01-11"}, "visits", id="the patient's birth date"),
    pytest.param("visits", {**VISIT, "patient_id": "P2"}, "lab_reports", id="the visit's patient"),
]


@pytest.mark.parametrize(("table", "row", "stream"), JOINED)
def test_what_a_row_takes_counts_as_its_own(tmp_path: Path, table: str, row: dict[str, str], stream: str) -> None:
    """When it changes, the change token and the row's digest do."""
    write(tmp_path)
    token, (before,) = opened(SOURCE, tmp_path).change_token(stream), told(tmp_path, stream)
    write(tmp_path, **{table: [row]})
    (after,) = told(tmp_path, stream)
    assert opened(SOURCE, tmp_path).change_token(stream) != token
    assert isinstance(before, Record)
    assert isinstance(after, Record)
    assert after.digest != before.digest


def test_a_row_in_doubt_has_another_digest_than_one_without_a_visit(tmp_path: Path) -> None:
    """Else the quarantined report would count as unchanged when the doubt is gone."""
    write(tmp_path, visits=[VISIT, {**VISIT, "patient_id": "P2"}])
    (doubtful,) = told(tmp_path, "lab_reports")
    write(tmp_path, visits=[{**VISIT, "visit_id": "V2"}])
    (orphan,) = told(tmp_path, "lab_reports")
    assert isinstance(doubtful, Rejected)
    assert isinstance(orphan, Record)
    assert doubtful.digest != orphan.digest


def test_a_column_of_a_joined_name_is_not_taken_for_it(tmp_path: Path) -> None:
    """A report's own `patient_id` could contradict its visit's."""
    write(tmp_path)
    path = tmp_path / LANDING_ZONE / "lab_reports.csv"
    path.write_text("report_id,visit_id,patient_id\nR1,V1,P666\n")
    assert report(tmp_path).patient_id == "P1"


def test_a_broken_quote_among_the_visits_stops_the_reports_too(tmp_path: Path) -> None:
    """Which visit the line was is unknown: no report may lose its patient by it."""
    write(tmp_path, visits=[VISIT, {**VISIT, "visit_id": "V2", "reason": "REASON"}])
    path = tmp_path / LANDING_ZONE / "visits.csv"
    path.write_text(path.read_text().replace("REASON", '"Fever" and more') + "V3,P1,D1,2024-08-03,Fever,\n")
    with pytest.raises(SourceConfigError, match=r"visits\.csv:3"):
        told(tmp_path, "lab_reports")


# Places -------------------------------------------------------------------------------------------------------------


def test_the_files_may_lie_in_the_folder_itself(tmp_path: Path) -> None:
    write(tmp_path)
    inside = opened(SOURCE, tmp_path)
    direct = opened(SOURCE, tmp_path / LANDING_ZONE)
    assert direct.streams() == inside.streams()
    for stream in TestCentralRecords.streams:
        assert list(direct.read(stream, None)) == list(inside.read(stream, None))


@pytest.mark.parametrize("missing", TestCentralRecords.streams)
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    write(tmp_path)
    (tmp_path / LANDING_ZONE / f"{missing}.csv").unlink()
    health = opened(SOURCE, tmp_path).check()
    assert (health.status, f"{missing}.csv is missing" in health.message) == ("config", True)


@pytest.mark.parametrize("table", sorted(KEYS))
def test_a_renamed_key_is_named(tmp_path: Path, table: str) -> None:
    write(tmp_path)
    path = tmp_path / LANDING_ZONE / f"{table}.csv"
    path.write_text(path.read_text().replace(KEYS[table], "number", 1))
    health = opened(SOURCE, tmp_path).check()
    assert (health.status, f"column {KEYS[table]} is missing from {table}" in health.message) == ("config", True)


# The simulator and the defects of its dictionary ---------------------------------------------------------------------

Rows = list[dict[str, str]]
Store = dict[str, Rows]
PATIENTS = 520


def stored(folder: Path, profile: str) -> Store:
    """The files by field, naively."""
    found = {}
    for table in KEYS:
        fields = {column.name: column.field for column in TABLES[profile][table]}
        with (folder / LANDING_ZONE / f"{table}.csv").open(encoding="utf-8", errors="replace", newline="") as file:
            found[table] = [{fields[name]: cell for name, cell in row.items()} for row in csv.DictReader(file)]
    return found


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Store]:
    made: dict[str, Store] = {}

    def store(profile: str) -> Store:
        if profile not in made:
            folder = tmp_path_factory.mktemp(profile)
            simulated(SOURCE, folder, profile, PATIENTS)
            made[profile] = stored(folder, profile)
        return made[profile]

    return store


def joined(store: Store) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Reports with their visits."""
    visits = {row["visit_id"]: row for row in store["visits"]}
    return [(row, visits[row["visit_id"]]) for row in store["lab_reports"] if row["visit_id"] in visits]


def early_reports(store: Store) -> int:
    return sum("2" < each["report_date"] < found["visit_date"] for each, found in joined(store))


def unborn(store: Store) -> int:
    born = {row["patient_id"]: row["dob"] for row in store["patients"]}
    return sum("2" < row["visit_date"] < born.get(row["patient_id"], "") < "2027" for row in store["visits"])


def impossible(store: Store) -> int:
    pairs = {("ECG", "Fracture Detected"), ("X-Ray", "High Cholesterol"), ("Blood Test", "Fracture Detected")}
    return sum((row["test_type"], row["result"]) in pairs for row in store["lab_reports"])


def unrelated(store: Store) -> int:
    pairs = {("Emergency", "Follow-up"), ("Emergency", "Diabetes Checkup")}
    return sum((row["visit_type"], row["reason"]) in pairs for row in store["visits"])


def namesakes(store: Store) -> int:
    return sum(count - 1 for table in ("patients", "doctors") for count in names(store[table]).values())


def names(rows: Rows) -> Counter[str]:
    """Of rows with keys of their own."""
    return Counter({row[next(iter(row))]: row["name"] for row in rows if row["name"]}.values())


def orphans(store: Store) -> int:
    keys = {table: {row[key] for row in store[table]} for table, key in KEYS.items()}
    return (
        sum(row["patient_id"] not in keys["patients"] for row in store["visits"])
        * sum(row["doctor_id"] not in keys["doctors"] for row in store["visits"])
        * sum(row["visit_id"] not in keys["visits"] for row in store["lab_reports"])
    )


def foreign_genders(store: Store) -> int:
    return sum(row["gender"] == "Other" for row in store["patients"]) * sum(
        row["gender"] == "" for row in store["patients"]
    )


def words_for_hospitals(store: Store) -> int:
    assert "hospital" not in store["visits"][0]
    return sum(row["hospital"] == "Ruby Hall" for row in store["doctors"])


DEFECTS: dict[int, Callable[[Store], int]] = {
    1: early_reports,
    2: unborn,
    3: impossible,
    4: unrelated,
    5: namesakes,
    6: words_for_hospitals,
    7: orphans,
    8: foreign_genders,
}


def test_every_numbered_defect_has_a_rate_and_a_test() -> None:
    rates = [rate.number for name, rate in RATES.items() if name.startswith(f"{SOURCE}.") and rate.number]
    assert sorted(rates) == sorted(DEFECTS) == list(range(1, len(DEFECTS) + 1))


@pytest.mark.parametrize("number", sorted(DEFECTS))
def test_a_hostile_store_has_each_numbered_defect(number: int, stores: Callable[[str], Store]) -> None:
    assert DEFECTS[number](stores("hostile"))


def test_the_original_is_as_it_was_measured(stores: Callable[[str], Store]) -> None:
    """Its dates and results are drawn without a look at each other; its references are whole."""
    store = stores("original")
    reports, visits = len(store["lab_reports"]), len(store["visits"])
    assert (len(store["patients"]), len(store["doctors"]), visits, reports) == (520, 52, 2600, 1560)
    assert 0.42 < early_reports(store) / reports < 0.56
    assert 0.002 < unborn(store) / visits < 0.03
    assert 0.06 < impossible(store) / reports < 0.14
    assert orphans(store) == 0
    assert {row["gender"] for row in store["patients"]} == {"F", "M"}
    assert max(Counter(row["patient_id"] for row in store["visits"]).values()) <= 15


def test_a_good_day_has_few_contradictions(stores: Callable[[str], Store]) -> None:
    store = stores("seed")
    assert early_reports(store) < 0.05 * len(store["lab_reports"])
    assert impossible(store) < 0.02 * len(store["lab_reports"])
    assert orphans(store) == 0
    content = str(store)
    assert not any(word in content for word in ("PAT00", "absurd absurd", "31/02/2020", "\x00"))


def test_truth_holds_exactly_the_keys_of_the_store(tmp_path: Path) -> None:
    population = Population(3, {SOURCE: 60, "his_a": 60})
    simulate(population, tmp_path, patients=60, profile="seed", seed=3)
    write_truth(population, tmp_path / "truth.csv")
    lines = (tmp_path / "truth.csv").read_text().splitlines()
    truth = {row[2] for row in csv.reader(lines) if row[1] == SOURCE}
    found = stored(tmp_path, "seed")["patients"]
    assert {row["patient_id"] for row in found} == truth
    assert sum(PLANTED_FAMILY.casefold() in row["name"].casefold() for row in found) >= 3


@pytest.mark.parametrize("profile", ["seed", "original", "hostile"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, profile: str) -> None:
    def written(name: str, seed: int) -> list[str]:
        folder = tmp_path / name
        simulate(Population(seed, {SOURCE: 60}), folder, patients=60, profile=profile, seed=seed)
        return list(fingerprints(folder).values())

    first = written("first", 5)
    assert written("second", 5) == first
    assert not set(written("third", 6)) & set(first)


@pytest.mark.parametrize("patients", [0, 1, 3])
def test_small_stores_are_whole(tmp_path: Path, patients: int) -> None:
    rows = simulate(Population(5, {SOURCE: patients}), tmp_path, patients=patients, profile="seed", seed=5)
    assert rows == {"patients": patients, "doctors": 6, "visits": 5 * patients, "lab_reports": 3 * patients}
    assert opened(SOURCE, tmp_path).check().status == "ok"


def test_the_full_size_is_the_original_s() -> None:
    assert FULL_PATIENTS == 10_000
