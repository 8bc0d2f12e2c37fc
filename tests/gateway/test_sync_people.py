"""Who is who in a sync: every Patient has its person at once, and says the truth about it at any time."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.identity.crosswalk import Authority, Crosswalk
from gateway.identity.person import SYSTEM
from gateway.identity.replay import materialised, replayed
from gateway.identity.reviews import Reviews, Task
from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.store.sql import WriterSql
from gateway.sync import SyncReport
from mappers.fhir import resource_id
from tests.gateway.list_backed import Hospital, Row
from tests.gateway.syncs import bodies, store, whole_run
from tests.postgres import postgres_server, postgres_url, store_url

__all__ = ["postgres_server", "postgres_url", "store", "store_url"]

ASHA = {"name": "Asha Patil", "given": ["Asha"], "family": "Patil", "born": "1970-03-09", "phone": "98230 11122"}
RAVI = {"name": "Ravi Kulkarni", "given": ["Ravi"], "family": "Kulkarni", "born": "1988-11-30", "phone": "98191 44455"}
FAMILIES = ("Banerjee", "Chopra", "Deshmukh", "Fernandes", "Goswami", "Hegde", "Iyer", "Joshi", "Khan", "Lokhande")
STRANGERS = [
    {"name": family, "family": family, "given": [given], "born": f"19{50 + 7 * at}-0{1 + at}-1{at}"}
    for family in FAMILIES
    for at, given in enumerate(("Anil", "Bhavna", "Chetan", "Devika", "Esha"))
]
REVIEWER = Authority("a.reviewer", "the papers were seen")


@pytest.fixture
def north(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path / "north.json", "north")


@pytest.fixture
def south(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path / "south.json", "south")


def person(facts: Row, key: str = "p0", **more: Any) -> Row:
    return {"key": key, "sex": "female", **facts, **more}


def synced(store: Store, *hospitals: Hospital) -> SyncReport:
    for each in hospitals:
        each.write()
    report = whole_run(store, list(hospitals))
    assert report.ok
    consistent(store)
    return report


def record(hospital: str, key: str = "p0") -> str:
    return resource_id(hospital, "Patient", "people", (key,))


def consistent(store: Store) -> None:
    """Every Patient is in one Person, both say so alike, and the events tell the same."""
    with store.writer() as writer, writer.connection.begin():
        view = materialised(WriterSql(writer.connection))
        assert view == replayed(WriterSql(writer.connection))
    living = bodies(store)
    patients = {name: body for (kind, name), body in living.items() if kind == "Patient"}
    assert view.person_of.keys() == patients.keys()
    assert view.person_of == {name: enterprise(body) for name, body in patients.items()}
    for name, body in patients.items():
        mates = {other for other, whose in view.person_of.items() if whose == view.person_of[name]} - {name}
        assert links(body) == {f"Patient/{mate}" for mate in mates}
    told: dict[str, str] = {}
    for (kind, name), body in living.items():
        if kind == "Person" and body["active"]:
            told |= dict.fromkeys((link["target"]["reference"] for link in body["link"]), name)
    assert told == {f"Patient/{name}": whose for name, whose in view.person_of.items()}


def enterprise(patient: dict[str, Any]) -> str:
    (found,) = [each["value"] for each in patient["identifier"] if each["system"] == SYSTEM]
    return str(found)


def links(patient: dict[str, Any]) -> set[str]:
    assert all(each["type"] == "seealso" for each in patient.get("link", ()))
    return {each["other"]["reference"] for each in patient.get("link", ())}


def tasks(store: Store) -> list[Task]:
    with store.writer() as writer, writer.connection.begin():
        return Reviews(WriterSql(writer.connection), 0).page("open", 100)


def test_one_person_in_two_hospitals(store: Store, north: Hospital, south: Hospital) -> None:
    """Both Patients carry one enterprise identifier and lead to each other; one Person leads to both."""
    north.streams["people"] = [person(ASHA), person(RAVI, "p1", sex="male")]
    south.streams["people"] = [person(ASHA)]
    synced(store, north, south)
    one, other = (store.read("Patient", record(name)) for name in ("north", "south"))
    assert one is not None
    assert other is not None
    # The one that came first learns of the other at the end; the one that came last says all in its first version.
    assert (one.version, other.version) == (2, 1)
    asha = enterprise(bodies(store)["Patient", record("south")])
    whole = bodies(store)["Person", asha]
    assert whole["name"] == [{"text": "Asha Patil", "family": "Patil", "given": ["Asha"]}]
    assert (whole["birthDate"], whole["gender"]) == ("1970-03-09", "female")
    assert [link["assurance"] for link in whole["link"]] == ["level3", "level3"]
    before = len(store.history(count=1000))
    report = synced(store, north, south)
    assert len(store.history(count=1000)) == before
    assert report.people.relinked == report.people.persons_changed == 0


def test_a_record_that_goes_leaves_its_person(store: Store, north: Hospital, south: Hospital) -> None:
    """And comes back to it; a person without records has ended."""
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(ASHA)]
    synced(store, north, south)
    asha = enterprise(bodies(store)["Patient", record("south")])
    north.streams["people"] = []
    synced(store, north, south)
    assert links(bodies(store)["Patient", record("south")]) == set()
    south.streams["people"] = []
    synced(store, north, south)
    assert ("Person", asha) not in bodies(store)
    south.streams["people"] = [person(ASHA)]
    synced(store, north, south)
    north.streams["people"] = [person(ASHA)]
    synced(store, north, south)
    found = bodies(store)
    assert enterprise(found["Patient", record("south")]) == enterprise(found["Patient", record("north")])


def test_a_doubtful_pair_is_a_question(store: Store, north: Hospital, south: Hospital) -> None:
    """Twins: the same home, the same day, another name. They stay apart until somebody decides."""
    twin = {**ASHA, "name": "Meera Patil", "given": ["Meera"]}
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(twin)]
    assert synced(store, north, south).people.waiting == 1
    (task,) = tasks(store)
    assert {task.first, task.second} == {record("north"), record("south")}
    assert (task.question, task.guards) == ("link", "twins too-little-agrees")
    south.streams["people"] = [person(RAVI, sex="male")]
    assert synced(store, north, south).people.waiting == 0


def test_a_record_that_no_longer_fits_is_a_question(store: Store, north: Hospital, south: Hospital) -> None:
    """What is linked is never parted by a machine."""
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(ASHA)]
    synced(store, north, south)
    asha = enterprise(bodies(store)["Patient", record("south")])
    south.streams["people"] = [person(RAVI, sex="male")]
    synced(store, north, south)
    assert enterprise(bodies(store)["Patient", record("south")]) == asha
    assert [task.question for task in tasks(store)] == ["split"]
    south.streams["people"] = [person(ASHA)]
    synced(store, north, south)
    assert tasks(store) == []


def test_a_record_that_fits_now_is_linked(store: Store, north: Hospital, south: Hospital) -> None:
    """A mended row joins its person; the younger person's id leads to the older's."""
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(RAVI, sex="male")]
    synced(store, north, south)
    younger = enterprise(bodies(store)["Patient", record("south")])
    south.streams["people"] = [person(ASHA)]
    synced(store, north, south)
    found = bodies(store)
    asha = enterprise(found["Patient", record("north")])
    assert enterprise(found["Patient", record("south")]) == asha != younger
    former = found["Person", younger]
    assert (former["active"], former["link"][0]["target"]["reference"]) == (False, f"Person/{asha}")
    assert former["identifier"][0]["use"] == "old"
    assert former["identifier"][0]["period"]["end"] == found["Person", asha]["identifier"][1]["period"]["end"]


def test_not_the_same_survives_everything(store: Store, north: Hospital, south: Hospital) -> None:
    """Changes, deletion, return: what a person ruled holds. And so does what they confirmed."""
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(ASHA)]
    synced(store, north, south)
    with store.writer() as writer, writer.batch():
        crosswalk = Crosswalk(WriterSql(writer.connection), writer.now)
        crosswalk.tell_apart(record("north"), record("south"), [record("south")], REVIEWER)
        crosswalk.flush()
    for rows in ([person(ASHA, phone="98230 99999")], [], [person(ASHA)]):
        south.streams["people"] = rows
        synced(store, north, south)
        assert {
            enterprise(body) for (kind, _), body in bodies(store).items() if kind == "Patient"
        }.__len__() == 1 + len(rows)
    with store.writer() as writer, writer.batch():
        crosswalk = Crosswalk(WriterSql(writer.connection), writer.now)
        crosswalk.confirm(record("south"), record("north"), REVIEWER)
        crosswalk.flush()
    for rows in ([], [person(RAVI, sex="male")]):
        south.streams["people"] = rows
        synced(store, north, south)
    found = bodies(store)
    whole = found["Person", enterprise(found["Patient", record("north")])]
    assert [link["assurance"] for link in whole["link"]] == ["level4", "level4"]


def test_a_store_from_before_is_caught_up(store: Store, north: Hospital, south: Hospital) -> None:
    """Where the index was made by other code, or not at all, the next sync makes it of what is stored."""
    north.streams["people"], south.streams["people"] = [person(ASHA)], [person(ASHA)]
    synced(store, north, south)
    with store.writer() as writer, writer.batch():
        for table in reversed(TABLES[1].sorted_tables):
            WriterSql(writer.connection).run(f"DELETE FROM {table.name}")
        writer.states.keep_fact("notes", "other code")
    synced(store, north, south)
    assert len(links(bodies(store)["Patient", record("north")])) == 1


def test_an_index_of_other_code_finds_who_was_there(store: Store, north: Hospital, south: Hospital) -> None:
    """A version that notes other things of people looks for them by new keys: those who have not changed too."""
    north.streams["people"] = [person(ASHA), person(RAVI, "p1", sex="male")]
    synced(store, north)
    with store.writer() as writer, writer.batch():
        before = WriterSql(writer.connection).rows("SELECT value, number FROM identity_key ORDER BY 1, 2")
        writer.states.keep_fact("notes", "other code")
    synced(store, north)
    with store.writer() as writer, writer.batch():
        assert WriterSql(writer.connection).rows("SELECT value, number FROM identity_key ORDER BY 1, 2") == before
        writer.states.keep_fact("notes", "yet other code")
    south.streams["people"] = [person(ASHA)]
    synced(store, north, south)
    assert len(links(bodies(store)["Patient", record("south")])) == 1


KILLED = """
import os, signal, sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.sync import sync
from tests.gateway.list_backed import STEPS, Hospital

left = int(sys.argv[2])

def write_index(*given):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    STEPS.write_index(*given)

folder = Path(sys.argv[1])
hospitals = [Hospital(folder / f"{name}.json", name).config for name in ("north", "south")]
with Store.open(f"sqlite:///{folder}/gw.db", extra=TABLES) as store:
    sync(store, hospitals, as_of=date(2026, 1, 1), steps=replace(STEPS, write_index=write_index), jobs=1)
"""


@pytest.mark.parametrize("writes", [3, 6, 8])
def test_a_killed_sync_leaves_nobody_without_a_person(
    tmp_path: Path, north: Hospital, south: Hospital, writes: int
) -> None:
    """kill -9 at any point: the next sync finishes what was begun."""
    for each in (north, south):
        each.streams["people"] = [person(facts, f"p{at}") for at, facts in enumerate(STRANGERS)]
        each.write()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, str(writes)],
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Store.open(f"sqlite:///{tmp_path}/gw.db", extra=TABLES) as store:
        synced(store, north, south)
        people = [body for (kind, _), body in bodies(store).items() if kind == "Person"]
        assert [len(each["link"]) for each in people] == [2] * len(STRANGERS)
