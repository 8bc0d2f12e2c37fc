"""ProactiveHealth's heart: nobody is ever given another patient's diagnoses, treatments, medicines, bills or policies.

REFR_NO is not unique, and DIAG, TRTM and TMMD name no patient (defect 1 of the data dictionary). Small worlds are
written in which each row tells in a harmless cell whose it is; what the adapter tells is held against that.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from his_adapters.base import Checkpoint, Problem, Record, Rejected, SourceConfigError, SourceTransientError
from his_adapters.proactive_health.records import Visit
from his_adapters.proactive_health.schema import TABLES
from his_adapters.proactive_health.visits import Candidate, visit_at, visit_of
from tests.his_adapters.contract import opened

A = Candidate("W1", "A", "2024-01-01 10:00:00", "2024-03-01 10:00:00")
A_AGAIN = Candidate("W1", "A", "2024-02-01 10:00:00", "2024-02-02 10:00:00")
B = Candidate("W1", "B", "2024-02-02 11:30:15", "2024-02-09 11:30:15")
B_THEN = Candidate("W1", "B", "2024-01-01 10:00:00", "2024-01-09 10:00:00")
BROKEN = Candidate("W1", None, None, None)

RULES = [
    pytest.param([A], A.vis_en, {}, A, id="the only visit, at its start"),
    pytest.param([A], None, {}, A, id="the only visit, no time"),
    pytest.param([A], "2024-01-01", {}, A, id="the only visit, the day alone"),
    pytest.param([A], "2024-01-01 10:00", {}, A, id="the only visit, to the minute"),
    pytest.param([A, A], None, {}, A, id="the same row twice is one visit"),
    pytest.param([A, B], A.vis_en, {}, A, id="two patients, the first one's start"),
    pytest.param([A, B], B.vis_en, {}, B, id="two patients, the second one's start"),
    pytest.param([A, B], "2024-02-02", {}, "ambiguous-visit", id="two patients on two days, the day alone"),
    pytest.param([A, A_AGAIN], A_AGAIN.vis_en, {}, A_AGAIN, id="one patient, two visits, one start"),
    pytest.param([], A.vis_en, {}, "unknown-visit", id="no visit"),
    pytest.param([A], "2024-02-01 10:00:00", {}, "another-time", id="within the stay, not at its start"),
    pytest.param([A, B], "2024-02-20 10:00:00", {}, "another-time", id="at nobody's start"),
    pytest.param([A, B], None, {}, "ambiguous-visit", id="two patients, no time"),
    pytest.param([A, A_AGAIN], None, {}, "ambiguous-visit", id="one patient, two visits, no time"),
    pytest.param([A, B_THEN], A.vis_en, {}, "ambiguous-visit", id="two patients at one second"),
    pytest.param([A, BROKEN], A.vis_en, {}, "ambiguous-visit", id="a row of the number that cannot be used"),
    pytest.param([BROKEN], A.vis_en, {}, "ambiguous-visit", id="no row of the number can be used"),
    pytest.param([A], A.vis_en, {"strangers": True}, "ambiguous-visit", id="a bill of a stranger"),
    pytest.param([A], None, {"all_legible": False}, "ambiguous-visit", id="an unreadable row, no time"),
    pytest.param([A], "2024-01-01", {"all_legible": False}, "ambiguous-visit", id="an unreadable row, a day"),
    pytest.param([A], A.vis_en, {"all_legible": False}, A, id="an unreadable row, to the second"),
]


@pytest.mark.parametrize(("candidates", "at", "more", "expected"), RULES)
def test_a_row_is_of_the_visit_that_is_proven(
    candidates: list[Candidate], at: str | None, more: dict[str, bool], expected: Candidate | str
) -> None:
    found = visit_at(candidates, at, **{"strangers": False, "all_legible": True, **more})
    if isinstance(expected, str):
        assert isinstance(found, Problem)
        assert found.rule == expected
        assert found.reason
    else:
        assert found == Visit(*expected)


BILLS = [
    pytest.param([A, B], "A", A, False, id="own visit among two"),
    pytest.param([A, A_AGAIN], "A", None, False, id="two own visits"),
    pytest.param([B], "A", None, True, id="only a stranger's"),
    pytest.param([B, BROKEN], "A", None, False, id="a stranger's and an unusable one"),
    pytest.param([], "A", None, False, id="none"),
]


@pytest.mark.parametrize(("candidates", "patient", "expected", "contradicted"), BILLS)
def test_a_bill_is_of_its_own_patients_visit(
    candidates: list[Candidate], patient: str, expected: Candidate | None, contradicted: bool
) -> None:
    assert visit_of(candidates, patient) == (expected and Visit(*expected), contradicted)


class Stay(NamedTuple):
    """A visit of a small world."""

    number: str
    patient: str
    start: str
    fate: str
    """What becomes of its row in VIST."""
    stated: str
    """How its diagnosis states the time."""


STAYS = st.lists(
    st.builds(
        Stay,
        st.sampled_from(["W1", "E2", "1234567"]),
        st.sampled_from(["1A", "2B", "3C"]),
        st.sampled_from([f"2024-01-0{day} 10:00:0{second}" for day in (1, 2) for second in (0, 5)]),
        st.sampled_from(["sound", "sound", "sound", "lost", "wide", "no patient", "no start", "bad start", "twice"]),
        st.sampled_from(["whole", "whole", "minute", "day", "spreadsheet", "none", "bad"]),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda stay: stay[:3],
)


def _spreadsheet(time: str) -> str:
    return f"1/{int(time[8:10])}/2024 {time[11:16]}"


def _stated(stay: Stay) -> str:
    return {
        "whole": stay.start,
        "minute": stay.start[:16],
        "day": stay.start[:10],
        "spreadsheet": _spreadsheet(stay.start),
        "none": "",
        "bad": "tomorrow",
    }[stay.stated]


def write(
    folder: Path, tables: dict[str, list[dict[str, Any]]], extra: dict[str, list[list[str]]] | None = None
) -> None:
    """A store of these rows; tables that are not named are empty."""
    for name, columns in TABLES["seed"].items():
        with (folder / f"STG_EHP__{name}.csv").open("w", encoding="utf-8", newline="") as file:
            names = [column.name for column in columns]
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(tables.get(name, []))
            csv.writer(file).writerows((extra or {}).get(name, []))


def _world(folder: Path, stays: list[Stay]) -> None:
    """Every visit has its bill, whatever becomes of its own row; each row tells whose it is where nobody looks."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("VIST", "DIAG", "TRTM", "TMMD", "BILL", "INSR")}
    wide = []
    for place, stay in enumerate(stays):
        number = f"{stay.number}.0" if stay.number.isdigit() and place % 2 else stay.number
        visit = {"REFR_NO": number, "PAT_ID": stay.patient, "VIS_EN": stay.start, "VIS_EX": "2024-05-01 10:00:00"}
        match stay.fate:
            case "no patient":
                visit["PAT_ID"] = " "
            case "no start":
                visit["VIS_EN"] = ""
            case "bad start":
                visit["VIS_EN"] = "2024-02-30 10:00:00"
        if stay.fate == "wide":
            wide.append([number, "x", stay.patient, "T1", stay.start, "", "0", "Discharged", "0", "Diagnosis", ""])
        elif stay.fate != "lost":
            tables["VIST"] += [visit] * (2 if stay.fate == "twice" else 1)
        told = {"REFR_NO": stay.number}
        tables["DIAG"].append({**told, "DIG_EN": _stated(stay), "DIG_SEQ": place, "DIG_DES": stay.patient})
        tables["TRTM"].append({**told, "TRTM_EN": _stated(stay), "TRTM_SEQ": place, "TRTM_DES": stay.patient})
        tables["TMMD"].append({**told, "MEDS_SEQ": place, "DOS_DES": stay.patient, "MED_ID": "M1"})
        tables["BILL"].append({**told, "PAT_ID": stay.patient, "BILL_AMT": 1000})
        tables["INSR"].append(
            {
                "POL_NO": f"P{place}",
                "PAT_ID": stay.patient,
                "COM_NAME": stay.patient,
                "POL_ST": "1/1/2023",
                "POL_ED": "1/1/2025",
                "ISTAT_DES": "Active",
            }
        )
    write(folder, tables, {"VIST": wide})


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(stays=STAYS)
def test_nobody_is_given_another_patients_rows(tmp_path_factory: pytest.TempPathFactory, stays: list[Stay]) -> None:
    """Whatever numbers, starts and broken rows: who is told with a row is who it belongs to; no row is lost."""
    folder = tmp_path_factory.mktemp("world")
    _world(folder, stays)
    source = opened("proactive_health", folder)
    for stream, place in (("DIAG", "dig_des"), ("TRTM", "trtm_des"), ("TMMD", "dos_des")):
        told = list(source.read(stream, None))[:-1]
        assert len(told) == len(stays)
        for each in told:
            if isinstance(each, Record):
                assert each.data.visit.pat_id == getattr(each.data.row, place)
    for each in source.read("BILL", None):
        if isinstance(each, Record):
            assert each.data.visit is None or each.data.visit.pat_id == each.data.row.pat_id
            assert {policy.com_name for policy in each.data.policies} <= {each.data.row.pat_id}


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(stays=STAYS)
def test_what_is_certain_is_told(tmp_path_factory: pytest.TempPathFactory, stays: list[Stay]) -> None:
    """A visit whose number is its own, with a sound row and a whole time, loses nothing."""
    folder = tmp_path_factory.mktemp("world")
    _world(folder, stays)
    source = opened("proactive_health", folder)
    numbers = [stay.number for stay in stays]
    plain = {
        str(place)
        for place, stay in enumerate(stays)
        if numbers.count(stay.number) == 1 and stay.fate in {"sound", "twice"} and stay.stated != "bad"
    }
    for stream, place in (("DIAG", "dig_seq"), ("TRTM", "trtm_seq"), ("TMMD", "meds_seq")):
        told = {getattr(each.data.row, place) for each in source.read(stream, None) if isinstance(each, Record)}
        assert plain <= told


def test_an_unreadable_number_makes_every_timeless_row_uncertain(tmp_path: Path) -> None:
    """A row of VIST of which not even the number can be read may be anybody's visit of any number."""
    stay = Stay("W1", "1A", "2024-01-01 10:00:00", "sound", "whole")
    _world(tmp_path, [stay])
    with (tmp_path / "STG_EHP__VIST.csv").open("ab") as file:
        file.write(b"W\xff2,2B,T1,2024-01-01 10:00:00,,0,Discharged,0,Diagnosis,\n")
    source = opened("proactive_health", tmp_path)
    assert isinstance(next(source.read("DIAG", None)), Record)
    (rejected, end) = source.read("TMMD", None)
    assert isinstance(rejected, Rejected)
    assert [problem.rule for problem in rejected.problems] == ["ambiguous-visit"]
    assert end == Checkpoint(complete=True)


def test_an_unbalanced_quote_is_the_files_fault_and_hides_no_visit(tmp_path: Path) -> None:
    """The other rows are told, the read is not complete, and rows that name no patient wait for a whole VIST."""
    stays = [Stay(f"W{number}", "1A", "2024-01-01 10:00:00", "sound", "whole") for number in range(5)]
    _world(tmp_path, stays)
    path = tmp_path / "STG_EHP__VIST.csv"
    lines = path.read_text().splitlines()
    lines[2] = f'"W1"x{lines[2]}'
    path.write_text("\n".join(lines) + "\n")
    source, told = opened("proactive_health", tmp_path), []
    with pytest.raises(SourceConfigError, match=r"VIST\.csv:3"):
        told += list(source.read("VIST", None))
    for each in source.read("TMMD", None):
        assert not isinstance(each, Record)


def test_a_join_holds_only_while_its_tables_do(tmp_path: Path) -> None:
    """When VIST changes between two reads, what was joined is no proof any more."""
    _world(tmp_path, [Stay("W1", "1A", "2024-01-01 10:00:00", "sound", "whole")])
    source = opened("proactive_health", tmp_path)
    assert isinstance(next(source.read("DIAG", None)), Record)
    path = tmp_path / "STG_EHP__VIST.csv"
    path.write_text(path.read_text().replace(",1A,", ",2B,,"))
    with pytest.raises(SourceTransientError, match="VIST"):
        list(source.read("TRTM", None))


def test_without_visits_nobody_is_guessed(tmp_path: Path) -> None:
    _world(tmp_path, [Stay("W1", "1A", "2024-01-01 10:00:00", "sound", "whole")])
    (tmp_path / "STG_EHP__VIST.csv").unlink()
    source = opened("proactive_health", tmp_path)
    assert "VIST" not in {stream.name for stream in source.streams()}
    assert "VIST" in source.check().hint
    with pytest.raises(SourceConfigError, match="VIST"):
        list(source.read("DIAG", None))
