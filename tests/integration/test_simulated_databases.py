"""`simulate --url`: a real database is filled, is read as the files are, and nothing in a database is written over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import mongodb
from tests.integration.databases import PATIENTS, SERVERS, Place, new_place, run
from tests.mariadb import mysql_server
from tests.mongodb import mongodb_server
from tests.postgres import postgres_server

__all__ = ["mongodb_server", "mysql_server", "postgres_server"]

PROFILES = ("seed", "original", "hostile")


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with new_place(str(request.param), request, monkeypatch) as made:
        yield made


def _synced(folder: Path, toml: str) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    (folder / "gateway.toml").write_text(toml, encoding="utf-8")
    done = run("sync", "--config", str(folder / "gateway.toml"), "--json", "--as-of", "2026-01-15")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["sources"][0]
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_a_filled_database_gives_what_the_files_give(profile: str, place: Place, tmp_path: Path) -> None:
    """The same rows and resources, but for what a bad export holds and a database does not take."""
    made = place.simulate("--profile", profile)
    assert made.exit_code == 0, made.stderr
    assert ":***@" in made.stdout
    held = {name: int(count.replace(",", "")) for count, name in map(str.split, made.stdout.splitlines()[:-1])}
    there = _synced(tmp_path / "servers", place.toml)
    assert {stream["stream"]: stream["read"] for stream in there["streams"]} == held
    assert there["read"] == there["mapped"] + there["quarantined"] + there["skipped"]
    files = tmp_path / "store"
    run("simulate", "--source", place.source, "--patients", PATIENTS, "--profile", profile, "--out", str(files))
    toml = f'[[source]]\nname = "site"\nadapter = "{place.source}"\ntimezone = "Asia/Kolkata"\npath = "{files}"\n'
    here = _synced(tmp_path / "files", toml)
    if profile == "hostile":
        assert place.source == "central_records" or there["quarantined"]
        assert there["read"] <= here["read"]
    else:
        counts = ("read", "mapped", "quarantined", "skipped", "created")
        assert [there[name] for name in counts] == [here[name] for name in counts]


def test_what_is_there_is_not_written_over(place: Place) -> None:
    """One line that names what is there; nothing is added."""
    assert run("simulate", *place.words, "--patients", "5").exit_code == 0
    again = run("simulate", *place.words, "--patients", "5")
    assert (again.exit_code, again.stderr.count("\n"), again.stdout) == (1, 1, "")
    assert "is there already" in again.stderr
    assert "writes over nothing" in again.stderr


def test_notes_that_are_there_are_not_written_over(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are tables made beside them."""
    with new_place("hybrid_ehr", request, monkeypatch) as place:
        assert place.notes_owner
        with mongodb.database_of(place.notes_owner) as database:
            database["clinical_notes"].insert_one({"note_text": "somebody's"})
        done = run("simulate", *place.words, "--patients", "5")
        assert (done.exit_code, "the collection clinical_notes is there already" in done.stderr) == (1, True)
        with mongodb.database_of(place.notes_owner) as database:
            assert database["clinical_notes"].count_documents({}) == 1
            database.drop_collection("clinical_notes")
        assert run("simulate", *place.words, "--patients", "5").exit_code == 0


def test_the_gateway_s_user_cannot_be_filled_with(place: Place) -> None:
    """Who named the reader in place of the owner gets one line, and no table is made."""
    reader = next(line for line in place.toml.splitlines() if line.startswith("url")).partition('"')[2].rstrip('"')
    words = [reader if word.startswith(("mysql", "postgresql")) else word for word in place.words]
    done = run("simulate", *words, "--patients", "5")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "the user may not make tables" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "his_a", "--url", "postgresql+psycopg://h/d"], "his_a is files: use --out"),
        (["--source", "chirona", "--url", "mysql+pymysql://h/d"], "not a postgresql database"),
        (["--source", "chirona", "--url", "sqlite:///x.db"], "not a postgresql database"),
        (["--source", "central_records", "--url", "postgresql+psycopg://h/d"], "not a mysql database"),
        (["--source", "chirona", "--url", "postgresql+psycopg://u:clear@h/d"], "holds a password in clear"),
        (["--source", "chirona", "--url", "postgresql+psycopg://u:${NOT_SET}@h/d"], "${NOT_SET} is not set"),
        (["--source", "chirona", "--url", "postgresql+psycopg://127.0.0.1:1/d"], "no server answers"),
        (["--source", "chirona", "--url", "postgresql+psycopg://h/d", "--option", "x=y"], "unknown option"),
        (["--source", "chirona", "--url", "postgresql+psycopg://h/d", "--out", "x"], "either --out or --url"),
        (["--source", "chirona"], "either --out or --url"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_place_that_cannot_be_filled_is_one_line(words: list[str], said: str) -> None:
    done = run("simulate", *words)
    assert done.exit_code in {1, 2}
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "clear@" not in done.stderr
