"""`match`, `explain`, `review`, `merge` and `unmerge`: who is who, asked and decided on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.store.sql import WriterSql
from tests.gateway.interactions.people import fill, record
from tests.gateway.test_sync_people import consistent

BY = ("--who", "A. Clerk", "--why", "the identity cards were compared")
NORTH, SOUTH, TWIN, RAVI = (
    record(*each.split("/")) for each in ("north/asha", "south/asha", "south/twin", "north/ravi")
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a store that knows some people."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    with Store.open(url, extra=TABLES) as store:
        fill(store, tmp_path)
    file = tmp_path / "gateway.toml"
    file.write_text(f'[gateway]\nstore = "{url}"\n', encoding="utf-8")
    return file


def run(config: Path, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, [*words, "--config", str(config)], input=typed)


def done(config: Path, *words: str) -> str:
    result = run(config, *words)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def explained(config: Path, one: str, other: str) -> dict[str, Any]:
    return json.loads(done(config, "explain", one, other, "--json"))


def persons(config: Path, one: str, other: str) -> list[str]:
    return [each["person"] for each in explained(config, one, other)["patients"]]


def test_match_asks_and_explains(config: Path) -> None:
    """What is typed is compared field by field; what is left empty says nothing."""
    typed = "Asha\nPatil\n1970-03-09\n\n+91 98230 11122\n\n\n\n\n"
    result = run(config, "match", typed=typed)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.index(NORTH) < result.stdout.index(TWIN)
    assert "certain" in result.stdout
    assert "the same birth date: 1970-03-09" in result.stdout
    assert "doubt: the given names differ" in result.stdout


def test_match_reads_a_file(config: Path, tmp_path: Path) -> None:
    """A FHIR Patient, and an answer for scripts."""
    file = tmp_path / "patient.json"
    patient = {"resourceType": "Patient", "name": [{"family": "Patil", "given": ["Asha"]}], "birthDate": "1970-03-09"}
    file.write_text(json.dumps(patient), encoding="utf-8")
    found = json.loads(done(config, "match", "--file", str(file), "--json", "--count", "2"))
    assert len(found) == 2
    assert found[0]["grade"] == "certain"
    fields = {each["field"]: each for each in found[0]["explanation"]["fields"]}
    assert fields["birth date"]["values"] == ["1970-03-09", "1970-03-09"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("\n\n\n\n\n\n\n\n\n", "Too little is told"),
        ("Gundula\nSchmetterling\n1901-02-03\n\n\n\n\n\n\n", "Nobody like this"),
    ],
    ids=["nothing", "nobody"],
)
def test_match_finds_nobody(config: Path, typed: str, said: str) -> None:
    """And says which it is: nothing to go by, or nobody like this."""
    assert said in run(config, "match", typed=typed).stdout


@pytest.mark.parametrize(
    ("words", "content"),
    [
        (("match",), "Asha\nPatil\nMarch Quillfeather\n\n\n\n\n\n\n"),
        (("match",), "Asha\nPatil\n\nQuillfeather\n\n\n\n\n\n"),
        (("match", "--file", "-"), '{"resourceType": "Patient", "birthDate": "Quillfeather"}'),
        (("match", "--file", "-"), '{"resourceType": "Quillfeather"}'),
        (("match", "--file", "-"), "Quillfeather"),
        (("explain", "Quillfeather", NORTH), ""),
        (("merge", "Quillfeather", "nobody", *BY), ""),
        (("unmerge", "Quillfeather", *BY), ""),
    ],
    ids=["date", "gender", "not-valid", "another-type", "no-json", "explain", "merge", "unmerge"],
)
def test_errors_are_one_line_without_what_was_typed(config: Path, words: tuple[str, ...], content: str) -> None:
    """Nobody's name stands in a log of a shell."""
    result = run(config, *words, typed=content)
    assert result.exit_code == 1
    error = result.stderr.splitlines()[-1]
    assert error.startswith("fhir-gateway: ")
    assert "Quillfeather" not in error


def test_explain_shows_fields_decision_and_events(config: Path) -> None:
    """For people as a table, for scripts as JSON, of the same facts."""
    shown = done(config, "explain", NORTH, TWIN)
    for text in ("asha", "meera", "the same birth date", "they may be twins", "Today they are two"):
        assert text in shown
    assert shown.index("Other pairs of records of the two persons") < shown.index("What was asked about them")
    found = explained(config, NORTH, TWIN)
    assert [SOUTH, TWIN] in [each["patients"] for each in found["other_pairs"]]
    assert all({NORTH, SOUTH, TWIN} & {each["first"], each["second"]} for each in found["questions"])
    found = explained(config, NORTH, SOUTH)
    assert "bits with" in done(config, "explain", NORTH, SOUTH)
    assert found["explanation"]["action"] == "auto"
    assert [each["kind"] for each in found["events"]] == ["new", "link"]
    assert found["patients"][0]["person"] == found["patients"][1]["person"]
    bits = found["explanation"]
    stranger = bits["prior_strangers"] + sum(each["against_strangers"] for each in bits["fields"])
    relative = bits["prior_relatives"] + sum(each["against_relatives"] for each in bits["fields"])
    assert bits["weight"] <= min(stranger, relative)
    assert bits["weight"] == pytest.approx(min(stranger, relative), abs=1.0)


def test_a_review_is_confirmed_or_rejected(config: Path) -> None:
    """Who said it and why is kept; the question is asked no more."""
    (task, *_) = tasks = json.loads(done(config, "review", "list", "--json"))
    assert {task["first"], task["second"]} & {TWIN}
    assert "twins" in done(config, "review", "list")
    done(config, "review", "reject", str(task["number"]), *BY)
    left = json.loads(done(config, "review", "list", "--json"))
    assert task["number"] not in [each["number"] for each in left]
    (rejected,) = json.loads(done(config, "review", "list", "--status", "rejected", "--json"))
    assert (rejected["actor"], rejected["reason"]) == (BY[1], BY[3])
    assert "rejected by A. Clerk" in done(config, "review", "list", "--status", "rejected")
    one, other = persons(config, task["first"], task["second"])
    assert one != other
    done(config, "review", "confirm", str(task["number"]), *BY)
    one, other = persons(config, task["first"], task["second"])
    assert one == other
    assert [each["kind"] for each in explained(config, task["first"], task["second"])["events"]][-2:] == [
        "not-same",
        "confirm",
    ]
    assert len(tasks) >= 1
    assert run(config, "review", "confirm", "9999", *BY).exit_code == 1


def test_merge_and_unmerge(config: Path) -> None:
    """What was merged comes back; neither works without who and why."""
    before = persons(config, NORTH, RAVI)
    assert run(config, "merge", *before).exit_code == 2
    assert run(config, "merge", *before, "--who", "A. Clerk", "--why", " ").exit_code == 1
    done(config, "merge", *before, *BY)
    (survivor,) = set(persons(config, NORTH, RAVI))
    retired = next(each for each in before if each != survivor)
    assert run(config, "merge", *before, *BY).exit_code == 1
    done(config, "unmerge", retired, *BY)
    assert persons(config, NORTH, RAVI) == before


def test_replay_makes_who_is_who_of_its_history(config: Path, tmp_path: Path) -> None:
    """Whatever was written into the view: persons, merges and what the resources say follow from the events again."""
    merged = persons(config, NORTH, RAVI)
    done(config, "merge", *merged, *BY)
    before = persons(config, NORTH, RAVI)
    assert done(config, "replay").endswith("Mended: 0 records in a wrong person, 0 persons\n")
    with Store.open(f"sqlite:///{tmp_path / 'gateway.db'}", extra=TABLES) as store:
        with store.writer() as writer, writer.batch():
            sql = WriterSql(writer.connection)
            sql.run("UPDATE identity_record SET person = 'nobody' WHERE record = ?", RAVI)
            sql.run("UPDATE identity_person SET merged_into = NULL, merged_by = NULL")
        assert done(config, "replay").endswith("Mended: 1 records in a wrong person, 1 persons\n")
        consistent(store)
    assert persons(config, NORTH, RAVI) == before


def test_replay_invents_no_record(config: Path, tmp_path: Path) -> None:
    """A record that the index has lost is said in one line."""
    with (
        Store.open(f"sqlite:///{tmp_path / 'gateway.db'}", extra=TABLES) as store,
        store.writer() as writer,
        writer.batch(),
    ):
        WriterSql(writer.connection).run("DELETE FROM identity_record WHERE record = ?", RAVI)
    refused = run(config, "replay")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "1 records are either in the events or in the index" in refused.stderr
