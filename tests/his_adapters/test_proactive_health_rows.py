"""ProactiveHealth's files, cells and numbered defects; the simulator's stores.

Each numbered defect of the data dictionary is in a hostile store (`error_rates`); what the adapter makes of it is here.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from his_adapters.base import Record, Rejected, Skipped, SourceConfigError
from his_adapters.csv_rows import CsvRow
from his_adapters.error_rates import RATES
from his_adapters.population import Population
from his_adapters.proactive_health import simulator
from his_adapters.proactive_health.files import Part
from his_adapters.proactive_health.reading import Reading
from his_adapters.proactive_health.schema import ROWS
from his_adapters.proactive_health.tables import TABLES, Table
from tests.his_adapters.contract import everything, fingerprints, opened, simulated
from tests.his_adapters.test_proactive_health_patients import write

Rows = dict[str, list[dict[str, str]]]
PATIENTS = 350


def rows_of(folder: Path) -> Rows:
    """A store naively read, columns folded as the hostile profile respells them."""
    found: Rows = {}
    for path in sorted(folder.iterdir()):
        table = path.stem.split("_")[3]
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            header, *lines = csv.reader(file)
        names = ["DT_BRT" if name == "DOB" else name.upper().replace(" ", "_") for name in header]
        found.setdefault(table, []).extend(
            {**dict(zip(names, line, strict=False)), "file": path.name, "width": str(len(line) - len(names))}
            for line in lines
        )
    return found


@pytest.fixture(scope="module", params=["seed", "hostile"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(str(request.param))
    simulated("proactive_health", folder, str(request.param), PATIENTS)
    return str(request.param), folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("hostile")
    simulated("proactive_health", folder, "hostile", PATIENTS)
    return rows_of(folder)


def _patients_by_number(found: Rows) -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for row in found["VIST"]:
        made.setdefault(row["REFR_NO"], set()).add(row["PAT_ID"])
    return made


def _overlaps(found: Rows) -> bool:
    stays = sorted((row["PAT_ID"], row["VIS_EN"], row["VIS_EX"]) for row in found["VIST"] if row["VIS_EX"][:2] == "20")
    return any(one[0] == two[0] and two[1] < one[2] for one, two in pairwise(stays))


def _without_policy(found: Rows) -> bool:
    insured = {row["PAT_ID"] for row in found["INSR"]}
    return any(row["PAT_ID"] not in insured and "Covered" in row["BSTAT_DES"] for row in found["BILL"])


DEFECTS: dict[int, Callable[[Rows], bool]] = {
    1: lambda found: any(number and len(people) > 1 for number, people in _patients_by_number(found).items()),
    2: lambda found: (
        {row["REFR_NO"][:1].isdigit() for row in found["VIST"] if row["REFR_NO"].strip()} == {True, False}
        and all(row["REFR_NO"].isdigit() for row in found["APPT"] if row["REFR_NO"].strip())
    ),
    3: _overlaps,
    4: lambda found: any(row["VSTAT_DES"] == "Admitted" and row["VIS_EX"] > "2025-11" for row in found["VIST"]),
    5: lambda found: (
        any(re.fullmatch(r"\d\d-\d\d-\d{4}", row["DT_BRT"]) for row in found["PATN"])
        and any(row["M_NAME"] == "NULL" for row in found["PATN"])
    ),
    6: lambda found: len({(row["BSTAT_CD"], row["BSTAT_DES"]) for row in found["BILL"]}) > 7,
    7: lambda found: any(
        count > 1 for count in Counter(row["ROM_ID"] for row in found["ROMS"] if row["ROM_ID"].strip()).values()
    ),
    8: lambda found: 0.2 < sum(not row["ROM_ID"] for row in found["VIST"]) / len(found["VIST"]) < 0.35,
    9: lambda found: {"Diagnosis", "Treatment"} <= {row["VTYPE_DES"] for row in found["VIST"]},
    10: lambda found: any(row["DIG_TOT"] == row["DIG_SEQ"] == "3" for row in found["DIAG"]),
    11: lambda found: len({row["file"] for row in found["DIAG"]}) > 1,
    12: lambda found: "Anaphylaxis" in {row["SVR_DES"] for row in found["PTAL"]},
    13: _without_policy,
    14: lambda found: len(found["INVN"]) > 2 * len(found["PATN"]),
    15: lambda found: (
        any(re.fullmatch(r"PAT\d{5}", row["PAT_ID"]) for row in found["PATN"])
        and "COM" in {row["ASTAT_CD"] for row in found["APPT"]}
        and any((row["GEN_CD"], row["GEN_DES"]) == ("M", "Female") for row in found["PATN"])
    ),
}


def test_every_numbered_defect_has_a_rate_and_a_test() -> None:
    numbers = {rate.number for name, rate in RATES.items() if name.startswith("proactive_health.")}
    assert numbers - {0} == set(DEFECTS) == set(range(1, 16))


@pytest.mark.parametrize("number", sorted(DEFECTS))
def test_a_hostile_store_has_each_numbered_defect(number: int, hostile: Rows) -> None:
    assert DEFECTS[number](hostile)


def test_decimals_of_the_second_file_are_codes_again(store: tuple[str, Path]) -> None:
    """Defect 11: `36.0` in one file and `36` in the other are one code."""
    profile, folder = store
    if profile == "seed":
        assert any(row["DIG_CD"].endswith(".0") for row in rows_of(folder)["DIAG"] if "_2" in row["file"])
    codes = {each.data.row.dig_cd for each in everything(opened("proactive_health", folder)) if _is(each, "DIAG")}
    assert codes
    assert not [code for code in codes if code and code.endswith(".0")]


def _is(told: Any, stream: str) -> bool:
    return isinstance(told, Record) and told.stream == stream


def test_a_team_is_told_once_with_all_its_members(store: tuple[str, Path]) -> None:
    """By one row of it; the other rows tell nobody."""
    _, folder = store
    told = [each for each in everything(opened("proactive_health", folder)) if _is(each, "MEDT")]
    members: dict[str, set[str]] = {}
    for each in told:
        members.setdefault(each.data.row.medt_id, set()).add(each.data.row.stf_id)
    tellers = [each for each in told if each.data.members]
    assert {each.data.row.medt_id for each in tellers} == set(members)
    for each in tellers:
        assert {member.stf_id for member in each.data.members} == members[each.data.row.medt_id]


def test_stock_and_vendor_payments_are_counted_and_left_out(store: tuple[str, Path]) -> None:
    """Nothing of R4 is their home: every row of them is skipped with the reason, broken ones are rejected."""
    _, folder = store
    for stream in ("INVN", "VPMT"):
        told = list(opened("proactive_health", folder).read(stream, None))[:-1]
        assert len(told) == len(rows_of(folder)[stream])
        assert any(isinstance(each, Skipped) and "FHIR R4" in each.reason for each in told)
        assert not [each for each in told if isinstance(each, Record)]


def test_a_room_in_two_departments_is_no_visits_room(tmp_path: Path) -> None:
    """Defect 7: which of the two is meant is not known."""
    rooms = [{"ROM_ID": "R1", "DEP_ID": "D1"}, {"ROM_ID": "R1", "DEP_ID": "D2"}, {"ROM_ID": "R2", "DEP_ID": "D1"}]
    visit = {"PAT_ID": "1A", "VIS_EN": "2024-01-01 10:00:00"}
    visits = [{**visit, "REFR_NO": "W1", "ROM_ID": "R1"}, {**visit, "REFR_NO": "W2", "ROM_ID": "R2"}]
    write(tmp_path, {"ROMS": rooms, "VIST": visits})
    first, second, _ = opened("proactive_health", tmp_path).read("VIST", None)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert first.data.room is None
    assert second.data.room == ("R2", "D1")


DATES = [
    pytest.param("3/14/2012", date(2012, 3, 14), id="month first"),
    pytest.param("2012-03-14", date(2012, 3, 14), id="ISO"),
    pytest.param("2012-03-14 00:00:00", date(2012, 3, 14), id="ISO with a time"),
    pytest.param("05-05-2012", date(2012, 5, 5), id="re-saved, one reading"),
    pytest.param("25-09-2012", date(2012, 9, 25), id="re-saved, day first"),
    pytest.param("05-09-2012", None, id="re-saved, two readings"),
    pytest.param("10-02-0035", None, id="year 35"),
    pytest.param("00-03-2008", None, id="day nought"),
    pytest.param("2/30/2012", None, id="no such day"),
    pytest.param("NULL", None, id="NULL"),
]


@pytest.mark.parametrize(("cell", "expected"), DATES)
def test_dates_are_read_in_the_one_way_they_can_be(tmp_path: Path, cell: str, expected: date | None) -> None:
    """A date that two calendars read differently is left out with a note."""
    write(tmp_path, {"PATN": [{"PAT_ID": "1A", "DT_BRT": cell}]})
    told, _ = opened("proactive_health", tmp_path).read("PATN", None)
    assert isinstance(told, Record)
    assert told.data.dt_brt == expected
    assert bool(told.notes) == (expected is None and cell != "NULL")


TIMES = [
    pytest.param("2024-03-14 09:05:07", "2024-03-14 09:05:07", id="as it stands"),
    pytest.param("2024-03-14T09:05:07", "2024-03-14 09:05:07", id="T"),
    pytest.param("3/14/2024 9:05", "2024-03-14 09:05", id="spreadsheet"),
    pytest.param("3/14/2024", "2024-03-14", id="day"),
    pytest.param("2024-03-14 24:05:07", None, id="hour 24"),
    pytest.param("2023-02-29 09:05:07", None, id="no leap year"),
]


@pytest.mark.parametrize(("cell", "expected"), TIMES)
def test_times_keep_their_precision(tmp_path: Path, cell: str, expected: str | None) -> None:
    write(tmp_path, {"APPT": [{"REFR_NO": "1", "PAT_ID": "1A", "APT_TIME": cell}]} | {"PATN": []})
    told, _ = opened("proactive_health", tmp_path).read("APPT", None)
    assert isinstance(told, Record)
    assert told.data.apt_time == expected


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", " ", "NULL", "null", "1849560.0", "36.0", "x" * 300, "\x00", "a\nb", " a ", "12.5", "1,5"]),
    st.sampled_from(["3/14/2012", " 3/14/2012", "2012-03-14", "2024-03-14 09:05:07", "2024-03-14 09:05:07 ", "5/5/20"]),
    st.sampled_from(["2024-3-4 1:02", "05-09-2012", "2024-03-14T09:05", "1/2/2024 10:00:00  ", "٣/٣/٢٠٢٤", "²"]),
)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.dataset.name)
@settings(max_examples=40)
@given(data=st.data())
def test_the_short_way_reads_as_the_schema_does(table: Table, data: st.DataObject) -> None:
    """A row of any cells is the same record or reject, whichever way it is read."""
    names = list(table.dataset.row.__dataclass_fields__)
    cells = data.draw(st.lists(CELLS, min_size=len(names), max_size=len(names)))
    part = Part(Path("x.csv"), names, list(names))
    short, long = (Reading(table, part, None, lambda row: row) for _ in range(2))
    long._always_slow = True
    assert list(short.rows(iter([CsvRow(2, cells)]))) == list(long.rows(iter([CsvRow(2, cells)])))


BROKEN = [
    pytest.param("PAT_ID", "PATIENT", "pat_id", id="renamed key"),
    pytest.param("PAT_ID,F_NAME", "PAT_ID,PAT_ID", "twice", id="a column twice"),
]


@pytest.mark.parametrize(("old", "new", "said"), BROKEN)
def test_a_table_without_its_key_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    simulated("proactive_health", tmp_path, "seed", 5)
    path = tmp_path / "STG_EHP__PATN.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    source = opened("proactive_health", tmp_path)
    assert source.check().status == "config"
    with pytest.raises(SourceConfigError, match=said) as error:
        source.streams()
    assert "PATN" in str(error.value)


def test_a_broken_row_keeps_the_key_it_had(tmp_path: Path) -> None:
    """What became of it is not deleted: a reject with its key leaves the last good version."""
    write(tmp_path, {"BILL": [{"REFR_NO": "W1", "PAT_ID": "1A", "BILL_AMT": "1,000"}]} | {"PATN": []})
    told, _ = opened("proactive_health", tmp_path).read("BILL", None)
    assert isinstance(told, Rejected)
    assert told.key == ("W1", "1A")


def test_the_same_seed_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.his_adapters.contract import simulated;"
        "[simulated('proactive_health', Path(sys.argv[1]) / p, p, 60) for p in ('seed', 'original', 'hostile')]"
    )
    for run, hash_seed in (("one", "1"), ("two", "4321")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."}
        subprocess.run([sys.executable, "-c", script, str(tmp_path / run)], env=environment, check=True)
    one, two = (list(fingerprints(tmp_path / run).values()) for run in ("one", "two"))
    assert one == two
    simulated("proactive_health", tmp_path / "one" / "seed", "seed", 20)
    simulated("proactive_health", tmp_path / "one" / "seed", "seed", 60)
    assert list(fingerprints(tmp_path / "one").values()) == two


@pytest.mark.parametrize("patients", [0, 1, 3])
@pytest.mark.parametrize("profile", ["seed", "original", "hostile"])
def test_stores_of_any_size_can_be_read(patients: int, profile: str, tmp_path: Path) -> None:
    written = simulated("proactive_health", tmp_path, profile, patients)
    counted = Counter(each.stream for each in everything(opened("proactive_health", tmp_path)))
    assert {stream: counted[stream] for stream in written} == written


def test_tables_keep_the_published_proportions(tmp_path: Path) -> None:
    """Rows a patient as published, within a tenth; fixed tables as they are."""
    patients = 2_000
    written = simulator.simulate(
        Population(4, {"proactive_health": patients}), tmp_path, patients=patients, profile="seed", seed=4
    )
    for table, full in ROWS.items():
        if table in {"DPMT", "ALGY"}:
            assert written[table] == full
        else:
            expected = full * patients / ROWS["PATN"]
            assert abs(written[table] - expected) <= 0.1 * expected + 2, table
    files = Counter(path.stem.split("_")[3] for path in tmp_path.iterdir())
    assert (files["DIAG"], files["PMNT"], files["TMMD"], files["PATN"]) == (2, 3, 5, 1)
