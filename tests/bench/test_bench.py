"""The benchmarks of bench/ at a tiny size: they measure what they say, and every figure reaches the report."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bench import api, erp, growth, match, peer, searches, startup, stores, sync
from bench.cases import Case
from bench.report import Goal, Section, document, with_former, with_section

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux: the benchmarks read /proc")


@pytest.fixture(autouse=True)
def _own_data(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small stores never take the place of the big ones that a developer keeps."""
    monkeypatch.setattr(stores, "DATA", tmp_path_factory.getbasetemp() / "bench")


@pytest.fixture
def hospitals() -> stores.Hospitals:
    return stores.synced(_PATIENTS)


_PATIENTS = 60 * len(stores.sources())


def _figures(section: Section) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in section.rows}


def test_every_request_is_measured_against_the_ceiling(hospitals: stores.Hospitals) -> None:
    """Each case has a figure in every column: the servers answered 200 to all that was asked."""
    section = api.bench(rounds=1, seconds=0.2, patients=_PATIENTS)
    figures = _figures(section)
    assert {"read", "identifier", "Encounter by patient", "sorted, family"} <= figures.keys()
    assert all(float(figure.replace(",", "")) > 0 for row in figures.values() for figure in row if figure != "0")
    assert {goal.what.partition(",")[0] for goal in section.goals} >= {"read", "family prefix", "sorted"}


def test_searches_that_follow_references_are_each_asked_once(hospitals: stores.Hospitals) -> None:
    """Each has a median and a tail, and a goal for both; but for the tail where hits are few or very many."""
    section = searches.bench(rounds=1, patients=_PATIENTS)
    figures = _figures(section)
    assert figures.keys() == {"chain of two", "_has", "_has, frequent codes", "_revinclude of 20"}
    assert all(0 < float(median) <= float(p99) for median, p99 in figures.values())
    assert len(section.goals) == 2 * len(figures) - 1


def test_growth_is_measured_on_two_stores_of_some_sources() -> None:
    """Each request has a median on both; what is apart has goals that begin with its title."""
    section = growth.bench(rounds=1, small=120, big=240)
    figures = _figures(section)
    assert {"read", "identifier", "sorted, family, deep page", "chain of two", "_has"} <= figures.keys()
    for small, big, _, grown in figures.values():
        assert float(grown) == pytest.approx(float(big) / float(small), abs=0.005, rel=0.01)
    assert [goal.what for goal in section.goals] == [f"{growth.TITLE}, {name}" for name in figures]
    [made] = stores.DATA.glob("synced-240-his_a-his_c-*")
    assert (made / "done").exists()


def test_the_other_server_is_compared_by_throughput() -> None:
    """As many times as quick as it is, in the median of the rounds."""
    case = Case("family prefix, 10 hits", ["/fhir/Patient?family=abc"])
    ours, theirs = (
        api.Figures(rates=rates, cpu=[0.001] * 3, median=[1.0] * 3, p99=[2.0] * 3)
        for rates in ([900.0, 1000.0, 1100.0], [100.0, 100.0, 200.0])
    )
    section = peer.section("How.", case, ours, theirs)
    assert [row[1] for row in section.rows] == ["1,000", "100"]
    assert [(goal.figure, goal.met) for goal in section.goals] == [("9", False)]


def test_the_same_code_takes_the_same_store(hospitals: stores.Hospitals) -> None:
    """A store is made once for a size while the code that makes it stays."""
    made = hospitals.store.stat().st_mtime_ns
    assert stores.synced(_PATIENTS).store.stat().st_mtime_ns == made


def test_a_sync_is_measured_with_its_floor_and_memory() -> None:
    """The first sync has a rate and both peaks; the second one creates nothing and is quicker."""
    figures = _figures(sync.bench(rounds=1, patients_each=50))
    assert float(figures["floor"][0]) < float(figures["first sync"][0])
    assert float(figures["first sync"][3]) > float(figures["second sync, nothing has changed"][3])
    assert int(figures["first sync"][4]) > 10


def test_a_start_is_measured_to_its_first_answer(hospitals: stores.Hospitals) -> None:
    """Time and memory are those of processes that ran."""
    figures = _figures(startup.bench(rounds=1, seconds=0.2, patients=_PATIENTS))
    assert 0 < float(figures["start to first answer, s"][0]) <= float(figures["slowest of the rounds, s"][0])
    assert int(figures["resident memory of a worker, MB"][0]) >= int(figures["private memory of a worker, MB"][0]) > 0


def test_matching_is_measured_in_process_and_over_http() -> None:
    """Every question is answered, nearly all by the record that it was made of, and each goal has a figure."""
    section = match.bench(records=400)
    assert [row[0] for row in section.rows] == ["in process", "POST Patient/$match"]
    assert all(float(figure) > 0 for row in section.rows for figure in row[1:-1])
    assert all(float(row[-1].rstrip("%")) > 95 for row in section.rows)
    assert [goal.what.partition(", ")[0] for goal in section.goals] == [match.TITLE] * 3


def test_a_whole_erp_is_measured_with_its_store_and_memory() -> None:
    """The first sync has a rate, a capacity and three peaks; the goals say what a resource costs."""
    section = erp.bench(patients=30)
    figures = _figures(section)
    assert all(figures["first sync"][:5])
    assert int(figures["first sync"][7]) >= int(figures["first sync"][5]) > 10
    assert figures["second sync, nothing has changed"][1] == ""
    assert int(section.goals[2].figure.replace(",", "")) > 100
    assert not list(stores.DATA.glob("erp-*"))


def test_what_was_measured_apart_stays_in_the_report() -> None:
    """Its section and goals are replaced as a whole, once each, and kept when all else is measured anew."""
    rest = [Section("Rest", "How.", ("", "figure"), [("one", "1")], [Goal("rest, speed", "1", "1", met=True)])]
    apart = [
        Section("Apart", "How.", ("", "figure"), [("one", figure)], [Goal("Apart, speed", "9", figure, met=False)])
        for figure in ("7", "8")
    ]
    text = with_section(with_section(document(rest, rounds=5), apart[0]), apart[1])
    assert text.endswith("| one | 8 |\n")
    assert [line for line in text.splitlines() if "speed" in line] == [
        "| rest, speed | 1 | 1 | yes |",
        "| Apart, speed | 9 | 8 | **no** |",
    ]
    assert with_former(document(rest, rounds=5), "Apart", text) == text
    assert with_former(document(rest, rounds=5), "Elsewhere", text) == document(rest, rounds=5)


def test_the_report_names_the_machine_by_its_size_only() -> None:
    """RESULTS.md holds neither paths nor host names."""
    text = document([Section("Nothing", "How.", ("", "figure"), [("one", "1")])], rounds=5)
    assert re.search(r"\d+ cores, \d+ GiB", text)
    assert str(Path.home()) not in text
    assert Path("/proc/sys/kernel/hostname").read_text().strip() not in text
