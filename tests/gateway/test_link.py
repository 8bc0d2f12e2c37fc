"""A link run over a store: it joins what a sync left apart, asks before it parts, and obeys what people have ruled."""

from __future__ import annotations

from pathlib import Path
from random import Random

import orjson
import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.identity.crosswalk import Crosswalk
from gateway.identity.models import Published, published
from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.store.sql import WriterSql
from gateway.sync.deciding import deciding
from gateway.sync.link import LinkReport, link
from tests.gateway.list_backed import Hospital, Row
from tests.gateway.syncs import bodies, store
from tests.gateway.test_sync_people import (
    ASHA,
    RAVI,
    REVIEWER,
    consistent,
    enterprise,
    north,
    person,
    record,
    south,
    synced,
    tasks,
)
from tests.postgres import postgres_server, postgres_url, store_url

__all__ = ["north", "postgres_server", "postgres_url", "south", "store", "store_url"]

MAIDEN = {key: value for key, value in ASHA.items() if key != "phone"}
MARRIED = {**ASHA, "name": "Asha Kulkarni", "family": "Kulkarni"}
GIVEN = ("Asha", "Bhavna", "Chetan", "Devika", "Esha", "Farida", "Gautam", "Harish", "Indira", "Jyoti", "Kiran", "Lata")
FAMILIES = ("Patil", "Kulkarni", "Banerjee", "Chopra", "Fernandes", "Goswami", "Iyer", "Khan", "Mukherjee", "Reddy")


@pytest.fixture
def hospitals(tmp_path: Path, north: Hospital, south: Hospital) -> list[Hospital]:
    """North, south, east and west."""
    return [north, south, *(Hospital(tmp_path / f"{name}.json", name) for name in ("east", "west"))]


def ran(store: Store, *, keep_model: bool = False) -> LinkReport:
    report = link(store, keep_model=keep_model)
    consistent(store)
    return report


def decisive(store: Store) -> Published:
    with store.writer() as writer, writer.connection.begin():
        return published(WriterSql(writer.connection))


def persons(store: Store) -> set[str]:
    return {enterprise(body) for (kind, _), body in bodies(store).items() if kind == "Patient"}


def town(hospital: Hospital, people: int, seed: int = 1) -> list[Row]:
    """Some people as a hospital knows them: now and then without a phone, or with a slip in the birth date."""
    drawn, desk = Random(seed), Random(hospital.config.name)
    rows = []
    for at in range(people):
        given, family = drawn.choice(GIVEN), drawn.choice(FAMILIES)
        born = f"{drawn.randint(1940, 2020)}-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"
        phone = f"98{drawn.randrange(10**8):08}"
        if desk.random() < 0.05:
            born = f"{born[:-1]}{(int(born[-1]) + 1) % 8 + 1}"
        facts = {"name": f"{given} {family}", "given": [given], "family": family, "born": born}
        rows.append(person(facts, f"p{at}", **({"phone": phone} if desk.random() < 0.8 else {})))
    return rows


def test_what_came_in_a_bad_order_is_joined(store: Store, north: Hospital, south: Hospital, tmp_path: Path) -> None:
    """Two records that share too little are one person's by a third; the sync asked, the run merges, once."""
    east = Hospital(tmp_path / "east.json", "east")
    north.streams["people"], south.streams["people"] = [person(MARRIED)], [person(MAIDEN)]
    synced(store, north, south)
    east.streams["people"] = [person(ASHA)]
    synced(store, north, south, east)
    assert len(persons(store)) > 1
    assert tasks(store)
    report = ran(store)
    assert len(persons(store)) == 1
    assert (report.merges, report.link_questions, tasks(store)) == (report.persons_before - 1, 0, [])
    before = len(store.history(count=1000))
    assert ran(store).merges == 0
    assert len(store.history(count=1000)) == before


def test_a_sync_links_nobody_whom_a_run_would_part(store: Store, north: Hospital, south: Hospital) -> None:
    """A hospital that spells two of its records differently may mean twins: another one's record joins one of them."""
    isha = {**ASHA, "name": "Isha Patil", "given": ["Isha"]}
    twin = {**ASHA, "name": "Aisha Patil", "given": ["Aisha"]}
    north.streams["people"], south.streams["people"] = [person(isha)], [person(isha)]
    synced(store, north, south)
    north.streams["people"].append(person(twin, "p1"))
    synced(store, north, south)
    assert (len(persons(store)), [task.guards for task in tasks(store)]) == (2, ["same-source"])
    report = ran(store)
    assert (len(persons(store)), report.merges, report.split_questions) == (2, 0, 0)


@pytest.fixture
def twins(store: Store, hospitals: list[Hospital]) -> list[Hospital]:
    """Two hospitals know Grete and a third one Grit, a slip; a fourth knows Grit too, and is synced by the test."""
    grete, grit = ({**ASHA, "name": f"{given} Patil", "given": [given]} for given in ("Grete", "Grit"))
    for hospital, facts in zip(hospitals, (grete, grete, grit, grit), strict=True):
        hospital.streams["people"] = [person(facts)]
    synced(store, *hospitals[:3])
    assert (len(persons(store)), tasks(store)) == (1, [])
    return hospitals


def test_two_names_that_two_hospitals_write_each_are_two_people(store: Store, twins: list[Hospital]) -> None:
    """One hospital's Grit is Grete with a slip; another one's tells that she is a twin, and people are asked."""
    synced(store, *twins)
    [task] = tasks(store)
    assert (len(persons(store)), task.guards) == (2, "two-names")
    assert {task.first, task.second} <= {record("west"), record("north"), record("south")}
    report = ran(store)
    assert (len(persons(store)), report.merges, report.split_questions) == (2, 0, 1)


def test_two_names_that_somebody_has_confirmed_are_one_persons(store: Store, twins: list[Hospital]) -> None:
    """Nobody is asked again, neither when the next hospital writes one of them nor by a run."""
    with deciding(store) as decisions:
        decisions.same(record("north"), record("east"), REVIEWER)
    synced(store, *twins)
    assert (len(persons(store)), tasks(store)) == (1, [])
    report = ran(store)
    assert (len(persons(store)), report.link_questions, report.split_questions) == (1, 0, 0)


def test_who_answers_that_two_names_are_one_persons_is_not_asked_again(store: Store, twins: list[Hospital]) -> None:
    """The question is about a record of either name: the answer holds for the names."""
    synced(store, *twins)
    [task] = tasks(store)
    with deciding(store) as decisions:
        decisions.same(task.first, task.second, REVIEWER)
    report = ran(store)
    assert (len(persons(store)), report.link_questions, report.split_questions, tasks(store)) == (1, 0, 0, [])


def test_names_the_other_way_round_are_one_persons(store: Store, hospitals: list[Hospital]) -> None:
    """Two hospitals write the given name first, two the family name: no twins."""
    swapped = {**ASHA, "name": "Patil Asha", "given": ["Patil"], "family": "Asha"}
    for hospital, facts in zip(hospitals, (ASHA, ASHA, swapped, swapped), strict=True):
        hospital.streams["people"] = [person(facts)]
    synced(store, *hospitals)
    assert (len(persons(store)), tasks(store)) == (1, [])


def test_a_person_is_never_parted(store: Store, north: Hospital, south: Hospital) -> None:
    """Records that no longer agree are a question, once, until somebody answers; then they stay as they were told."""
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(ASHA)]
    synced(store, north, south)
    south.streams["people"] = [person(RAVI, sex="male")]
    synced(store, north, south)
    for _ in range(2):
        assert ran(store).split_questions == 1
        assert [task.question for task in tasks(store)] == ["split"]
        assert len(persons(store)) == 1
    with store.writer() as writer, writer.batch():
        crosswalk = Crosswalk(WriterSql(writer.connection), writer.now)
        crosswalk.confirm(record("north"), record("south"), REVIEWER)
        crosswalk.flush()
    assert ran(store).split_questions == 0
    assert (len(persons(store)), tasks(store)) == (1, [])


def test_not_the_same_survives_every_run(store: Store, north: Hospital, south: Hospital) -> None:
    """However sure the weights are, with the old model and with a new one; and nobody is asked again."""
    same = [person(ASHA), *town(north, 300)]
    north.streams["people"], south.streams["people"] = same, [person(ASHA), *town(south, 300)]
    synced(store, north, south)
    with store.writer() as writer, writer.batch():
        crosswalk = Crosswalk(WriterSql(writer.connection), writer.now)
        crosswalk.tell_apart(record("north"), record("south"), [record("south")], REVIEWER)
        crosswalk.flush()
    for keep_model in (True, False, False):
        ran(store, keep_model=keep_model)
        found = bodies(store)
        assert enterprise(found["Patient", record("north")]) != enterprise(found["Patient", record("south")])
        assert {record("north"), record("south")} not in [{task.first, task.second} for task in tasks(store)]


def test_a_ruling_about_a_record_that_is_gone_waits_for_it(store: Store, north: Hospital, south: Hospital) -> None:
    """It stops no run, and holds when the record is back."""
    north.streams["people"] = [person(ASHA)]
    south.streams["people"] = [person(ASHA), person(RAVI, "p1", sex="male")]
    synced(store, north, south)
    with deciding(store) as decisions:
        decisions.not_same(record("north"), record("south"), REVIEWER)
    gone = south.streams["people"].pop(0)
    synced(store, north, south)
    assert ran(store).merges == 0
    south.streams["people"].append(gone)
    synced(store, north, south)
    ran(store)
    found = bodies(store)
    assert enterprise(found["Patient", record("north")]) != enterprise(found["Patient", record("south")])


def test_a_run_trains_the_model_that_decides_from_then_on(tmp_path: Path, north: Hospital, south: Hospital) -> None:
    """A model is published once for the same records, with what the run found; --keep-model publishes none."""
    north.streams["people"], south.streams["people"] = town(north, 300), town(south, 300)
    with Store.open(f"sqlite:///{tmp_path}/gw.db", extra=TABLES) as store:
        synced(store, north, south)
        assert (ran(store, keep_model=True).model, decisive(store).number) == (0, 0)
        report = ran(store)
        assert (report.model, report.run.model_version) == (1, decisive(store).model.version)
        assert decisive(store).model.records == 600
        assert ran(store).model == 1
        assert len(persons(store)) == pytest.approx(300, abs=5)
        south.streams["people"].append(person(ASHA, "new"))
        north.streams["people"].append(person(ASHA, "new"))
        synced(store, north, south)
        found = bodies(store)
        assert enterprise(found["Patient", record("north", "new")]) == enterprise(
            found["Patient", record("south", "new")]
        )


def test_one_hospital_without_duplicates_teaches_nothing(tmp_path: Path, north: Hospital) -> None:
    """Where nobody is known twice there is no match to learn from: the model that ships decides, and links nobody."""
    north.streams["people"] = town(north, 600)
    with Store.open(f"sqlite:///{tmp_path}/gw.db", extra=TABLES) as store:
        synced(store, north)
        before = persons(store)
        report = ran(store)
        assert (report.model, report.merges) == (0, 0)
        assert persons(store) == before


def test_the_command_tells_what_it_did(tmp_path: Path, north: Hospital, south: Hospital) -> None:
    """In a table for people and in JSON for scripts; without a store, in one line."""
    config = tmp_path / "gateway.toml"
    config.write_text('[gateway]\nstore = "sqlite:///gw.db"\n')
    runner = CliRunner()
    refused = runner.invoke(main, ["link", "--config", str(config)])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(ASHA)]
    with Store.open(f"sqlite:///{tmp_path}/gw.db", extra=TABLES) as store:
        synced(store, north, south)
    told = runner.invoke(main, ["link", "--config", str(config), "--json"])
    assert told.exit_code == 0, told.output
    report = orjson.loads(told.stdout)
    assert (report["run"]["records"], report["persons_before"], report["merges"]) == (2, 1, 0)
    shown = runner.invoke(main, ["link", "--config", str(config), "--keep-model"])
    assert shown.exit_code == 0, shown.output
    assert "records" in shown.stdout


def test_spark_is_refused_in_one_line_where_it_cannot_run(
    tmp_path: Path, north: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a model to keep, without the optional packages, or without Java: nothing is linked by something else."""
    config = tmp_path / "gateway.toml"
    config.write_text('[gateway]\nstore = "sqlite:///gw.db"\n')
    north.streams["people"] = [person(ASHA)]
    with Store.open(f"sqlite:///{tmp_path}/gw.db", extra=TABLES) as store:
        synced(store, north)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    runner = CliRunner()
    trained = runner.invoke(main, ["link", "--engine", "spark", "--config", str(config)])
    assert (trained.exit_code, trained.stderr.count("\n")) == (2, 1)
    assert "--keep-model" in trained.stderr
    lacking = runner.invoke(main, ["link", "--engine", "spark", "--keep-model", "--config", str(config)])
    assert (lacking.exit_code, lacking.stderr.count("\n")) == (1, 1)
    assert lacking.stderr.startswith("fhir-gateway: spark: ")
