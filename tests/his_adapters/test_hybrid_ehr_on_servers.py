"""Hybrid EHR on PostgreSQL and on a MongoDB-compatible server, as users who may only read: what the files give.

A real MongoDB runs the same tests where FHIR_GATEWAY_TEST_MONGODB names one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from bson.json_util import loads
from sqlalchemy import make_url

from his_adapters.base import (
    Adapter,
    Checkpoint,
    Column,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceError,
    SourceName,
)
from his_adapters.hybrid_ehr import simulated_database
from his_adapters.hybrid_ehr.adapter import open_source
from his_adapters.hybrid_ehr.schema import NOTE_FILES, NOTES
from tests import postgres
from tests.his_adapters.contract import everything, opened, simulated
from tests.his_adapters.test_hybrid_ehr import STREAMS
from tests.mongodb import database_of, mongodb_server, mongodb_url, private_server, reader_of
from tests.postgres import postgres_server, postgres_url

__all__ = ["mongodb_server", "mongodb_url", "postgres_server", "postgres_url"]

Told = dict[tuple[str, tuple[str, ...]], Any]


@pytest.fixture
def folder(tmp_path: Path, profile: str) -> Path:
    simulated("hybrid_ehr", tmp_path, profile)
    return tmp_path


@pytest.fixture(params=["seed", "original"])
def profile(request: pytest.FixtureRequest) -> str:
    """A hostile export would not fit into the tables as they are declared."""
    return str(request.param)


@pytest.fixture
def owner(folder: Path, profile: str, postgres_url: str, mongodb_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Both databases, filled, and the connection of the tables' owner."""
    options = {"notes_url": mongodb_url}
    config = SourceConfig(SourceName("simulated"), "hybrid_ehr", url=postgres_url, options=options)
    simulated_database.fill(config, folder, profile)
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection


@pytest.fixture
def sql_reader(owner: psycopg.Connection[Any], postgres_url: str) -> Iterator[str]:
    with postgres.reader_of(postgres_url) as url:
        yield url


@pytest.fixture
def notes_reader(owner: psycopg.Connection[Any], mongodb_url: str) -> Iterator[str]:
    with reader_of(mongodb_url) as url:
        yield url


def _on_servers(url: str, notes_url: str) -> Adapter:
    options = {"notes_url": notes_url}
    return open_source(
        SourceConfig(SourceName("site"), "hybrid_ehr", url=url, timezone="Asia/Kolkata", options=options)
    )


def _by_key(adapter: Adapter) -> Told:
    return {
        (each.stream, each.key): each.data if isinstance(each, Record) else getattr(each, "problems", None)
        for each in everything(adapter)
    }


def test_servers_and_files_give_the_same_records(folder: Path, sql_reader: str, notes_reader: str) -> None:
    """And so the same resources and golden files: mappers see nothing else."""
    source = _on_servers(sql_reader, notes_reader)
    assert source.check().status == "ok"
    assert [stream.name for stream in source.streams()] == list(STREAMS)
    files = opened("hybrid_ehr", folder)
    assert [stream.estimated_rows for stream in source.streams()] == [each.estimated_rows for each in files.streams()]
    assert _by_key(source) == _by_key(files)
    assert set(source.columns()) == set(files.columns())


@pytest.mark.parametrize("profile", ["seed"])
def test_the_law_of_a_read_holds_on_servers(sql_reader: str, notes_reader: str) -> None:
    """Each row once, the same twice, a complete checkpoint at the end, places that are unique."""
    source = _on_servers(sql_reader, notes_reader)
    assert everything(source) == everything(source)
    assert set(Counter(each.locator for each in everything(source)).values()) == {1}
    for stream in STREAMS:
        told = list(source.read(stream, None))
        assert isinstance(told[-1], Checkpoint)
        assert told[-1].complete
        assert all(isinstance(each, Record | Rejected | Skipped) for each in told[:-1])
        assert source.change_token(stream) is None


@pytest.mark.parametrize("profile", ["seed"])
def test_a_note_is_judged_by_the_records_of_the_day(
    owner: psycopg.Connection[Any], sql_reader: str, notes_reader: str
) -> None:
    """When a record becomes another patient's, its note is refused, and its digest tells the engine so."""
    source = _on_servers(sql_reader, notes_reader)
    before = next(each for each in source.read(NOTES, None) if isinstance(each, Record))
    changed = "UPDATE medical_records SET patient_id = patient_id %% 40 + 1 WHERE record_uuid = %s"
    owner.execute(changed, (before.data.record_uuid,))
    after = next(
        each for each in source.read(NOTES, None) if not isinstance(each, Checkpoint) and each.key == before.key
    )
    assert isinstance(after, Rejected)
    assert [problem.rule for problem in after.problems] == ["other-patient"]
    assert after.digest != before.digest


def _sickness(source: Adapter, *urls: str) -> SourceError:
    """One line with a hint and no password; the same from `check`."""
    with pytest.raises(SourceError) as caught:
        everything(source)
    health = source.check()
    assert health.status == caught.value.kind
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    for url in urls:
        assert (urlsplit(url).password or "-no-") not in f"{caught.value} {health}"
    return caught.value


def _with(url: str, **parts: Any) -> str:
    """A MongoDB URL with another password, place or database."""
    found = urlsplit(url)
    user, password = parts.get("user", found.username), parts.get("password", found.password)
    place = parts.get("place", f"{found.hostname}:{found.port}")
    return f"mongodb://{user}:{password}@{place}{parts.get('path', found.path)}{parts.get('query', '')}"


WRONG = [
    pytest.param({"password": "wrongly-typed"}, "config", "password is refused", id="password"),
    pytest.param({"user": "nobody_known"}, "config", "password is refused", id="user"),
    pytest.param({"place": "127.0.0.1:1"}, "transient", "no server answers", id="port"),
    pytest.param({"place": "no-such-host.invalid"}, "transient", "no server answers", id="host"),
    pytest.param({"path": ""}, "config", "names no database", id="no database"),
    pytest.param({"place": "127.0.0.1:no"}, "config", "not a usable MongoDB URL", id="not a port"),
    pytest.param({"query": "?tls=perhaps"}, "config", "not a usable MongoDB URL", id="odd option"),
]


@pytest.mark.parametrize("profile", ["seed"])
@pytest.mark.parametrize(("parts", "kind", "words"), WRONG)
def test_a_wrong_notes_url_is_said(
    sql_reader: str, notes_reader: str, parts: dict[str, str], kind: str, words: str
) -> None:
    wrong = _with(notes_reader, **parts)
    found = _sickness(_on_servers(sql_reader, wrong), wrong.replace(":no/", ":1/"), sql_reader)
    assert (found.kind, words in found.what) == (kind, True), str(found)


@pytest.mark.parametrize("profile", ["seed"])
def test_a_missing_collection_is_no_empty_one(sql_reader: str, notes_reader: str, mongodb_url: str) -> None:
    """Nobody deletes all notes because a collection was renamed."""
    with database_of(mongodb_url) as database:
        database[NOTES].rename("notes")
    found = _sickness(_on_servers(sql_reader, notes_reader), notes_reader)
    assert (found.kind, found.what) == ("config", f"no collection {NOTES}")


@pytest.mark.parametrize("profile", ["seed"])
def test_tables_and_collections_that_nobody_reads_are_told(
    sql_reader: str, notes_reader: str, mongodb_url: str, owner: psycopg.Connection[Any]
) -> None:
    with database_of(mongodb_url) as database:
        database["imaging"].insert_one({"patient_id": 1})
    owner.execute("CREATE TABLE parking (place TEXT); GRANT SELECT ON parking TO PUBLIC")
    found = _on_servers(sql_reader, notes_reader).columns()
    assert [column for column in found if column.stream not in STREAMS] == [
        Column("parking", "place"),
        Column("imaging", "*"),
    ]


@pytest.mark.parametrize("profile", ["seed"])
def test_a_renamed_key_of_notes_is_said(sql_reader: str, notes_reader: str, mongodb_url: str) -> None:
    """Without their uuids no note can be told to be its patient's: all are refused, none is lost."""
    with database_of(mongodb_url) as database:
        database[NOTES].update_many({}, {"$rename": {"record_uuid": "record"}})
        count = database[NOTES].count_documents({})
    told = list(_on_servers(sql_reader, notes_reader).read(NOTES, None))
    assert [type(each) for each in told] == [Rejected] * count + [Checkpoint]


@pytest.mark.parametrize("profile", ["seed"])
def test_readers_may_not_write(sql_reader: str, notes_reader: str) -> None:
    """The users of these tests have no right but to read."""
    from pymongo.errors import OperationFailure

    with database_of(notes_reader) as database, pytest.raises(OperationFailure):
        database[NOTES].delete_one({})
    plain = make_url(sql_reader).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM billing")


@pytest.mark.parametrize("profile", ["seed"])
def test_a_url_for_tables_alone_is_said(sql_reader: str) -> None:
    source = open_source(SourceConfig(SourceName("site"), "hybrid_ehr", url=sql_reader, timezone="UTC"))
    assert "notes_url" in f"{source.check().message}"


@contextmanager
def _many_notes(folder: Path, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    lines = (folder / NOTE_FILES[0]).read_text(encoding="utf-8").splitlines()
    with private_server(tmp_path / "server") as (place, server):
        url = f"{place}/{NOTES}"
        with database_of(url) as database:
            notes = [loads(line) for line in lines]
            database[NOTES].insert_many([{**notes[n % len(notes)], "_id": n} for n in range(4000)])
        yield url, server


@pytest.mark.parametrize("profile", ["seed"])
def test_a_server_that_dies_in_mid_read_is_transient(folder: Path, tmp_path: Path, sql_reader: str) -> None:
    (tmp_path / "server").mkdir()
    with _many_notes(folder, tmp_path) as (url, server):
        reading = _on_servers(sql_reader, url).read(NOTES, None)
        next(reading)
        server.kill()
        server.wait(timeout=30)
        with pytest.raises(SourceError) as caught:
            list(reading)
    assert caught.value.kind == "transient"
