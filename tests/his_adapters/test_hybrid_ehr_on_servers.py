"""Hybrid EHR on PostgreSQL and on a MongoDB-compatible server, as users who may only read: what the files give.

A real MongoDB runs the same tests where FHIR_GATEWAY_TEST_MONGODB names one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from bson.json_util import loads

from his_adapters.base import (
    Adapter,
    Checkpoint,
    Column,
    Record,
    Rejected,
    SourceConfig,
    SourceError,
    SourceName,
)
from his_adapters.error_rates import PROFILES
from his_adapters.hybrid_ehr import simulated_database
from his_adapters.hybrid_ehr.adapter import open_source
from his_adapters.hybrid_ehr.schema import KEYS, NOTE_FILES, NOTES
from tests import mongodb, postgres
from tests.his_adapters.contract import AdapterContract, everything, opened, simulated
from tests.his_adapters.test_hybrid_ehr import STREAMS
from tests.mappers.mapped import mapped
from tests.mappers.test_golden import compare_with_golden
from tests.mongodb import database_of, mongodb_server, mongodb_url, private_server, reader_of
from tests.postgres import plain, postgres_server, postgres_url

__all__ = ["mongodb_server", "mongodb_url", "postgres_server", "postgres_url"]

Told = dict[tuple[str, tuple[str, ...]], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    simulated("hybrid_ehr", tmp_path, "seed")
    return tmp_path


def _filled(folder: Path, profile: str, url: str, notes_url: str) -> dict[str, int]:
    options = {"notes_url": notes_url}
    config = SourceConfig(SourceName("simulated"), "hybrid_ehr", url=url, options=options)
    return simulated_database.fill(config, folder, profile)


@pytest.fixture
def owner(folder: Path, postgres_url: str, mongodb_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Both databases, filled, and the connection of the tables' owner."""
    _filled(folder, "seed", postgres_url, mongodb_url)
    with psycopg.connect(plain(postgres_url), autocommit=True) as connection:
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


class Clinic(NamedTuple):
    """Both databases of one profile, which no test changes."""

    profile: str
    url: str
    notes_url: str
    """Of users who may only read."""
    folder: Path
    """With the same clinic in files."""
    written: dict[str, int]
    owner: tuple[str, str]
    """The URLs of the owners."""


@pytest.fixture(scope="module", params=PROFILES)
def clinic(
    request: pytest.FixtureRequest, postgres_server: str, mongodb_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clinic]:
    profile, folder = str(request.param), tmp_path_factory.mktemp("clinic")
    simulated("hybrid_ehr", folder, profile)
    with postgres.new_database(postgres_server) as url, mongodb.new_database(mongodb_server) as notes:
        written = _filled(folder, profile, url, notes)
        with postgres.reader_of(url) as sql_reader, reader_of(notes) as notes_reader:
            yield Clinic(profile, sql_reader, notes_reader, folder, written, (url, notes))


class TestHybridEhrOnServers(AdapterContract):
    """PostgreSQL and a MongoDB-compatible server, read by users who have SELECT and the role read only."""

    adapter = "hybrid_ehr"
    streams = STREAMS

    @pytest.fixture
    def profile(self, clinic: Clinic) -> str:
        return clinic.profile

    @pytest.fixture
    def written(self, clinic: Clinic) -> dict[str, int]:
        return clinic.written

    @pytest.fixture
    def source(self, clinic: Clinic) -> Adapter:
        return _on_servers(clinic.url, clinic.notes_url)

    def test_nothing_is_written(self, source: Adapter, clinic: Clinic) -> None:
        before = _held(*clinic.owner)
        source.check()
        everything(source)
        assert _held(*clinic.owner) == before

    def test_the_change_token_holds_while_nothing_changes(self, source: Adapter) -> None:
        """A server proves nothing cheaply."""
        assert {source.change_token(stream) for stream in STREAMS} == {None}

    # About files; a server has no token that could change.
    test_the_change_token_changes_with_the_store = None  # type: ignore[assignment]


def test_servers_and_files_give_the_same_records(clinic: Clinic) -> None:
    """But for what no database can hold, which only a bad export has."""
    if clinic.profile == "hostile":
        return
    source, files = _on_servers(clinic.url, clinic.notes_url), opened("hybrid_ehr", clinic.folder)
    assert [stream.estimated_rows for stream in source.streams()] == [each.estimated_rows for each in files.streams()]
    assert _by_key(source) == _by_key(files)
    assert set(source.columns()) == set(files.columns())


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_golden(
    profile: str, postgres_url: str, mongodb_url: str, tmp_path: Path, golden: Callable[[str, Any], None]
) -> None:
    """The golden files are those of the files."""
    simulated("hybrid_ehr", tmp_path, profile, 20)
    _filled(tmp_path, profile, postgres_url, mongodb_url)
    with postgres.reader_of(postgres_url) as url, reader_of(mongodb_url) as notes:
        told = [each for each in everything(_on_servers(url, notes)) if isinstance(each, Record)]
    compare_with_golden("hybrid_ehr", profile, (mapped("hybrid_ehr", each) for each in told), golden)


def _held(url: str, notes: str) -> list[Any]:
    with psycopg.connect(plain(url)) as connection, database_of(notes) as database:
        rows = [sorted(map(repr, connection.execute(f"SELECT * FROM {table}").fetchall())) for table in KEYS]
        return [*rows, sorted(map(repr, database[NOTES].find({})))]


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


@pytest.mark.parametrize(("parts", "kind", "words"), WRONG)
def test_a_wrong_notes_url_is_said(
    sql_reader: str, notes_reader: str, parts: dict[str, str], kind: str, words: str
) -> None:
    wrong = _with(notes_reader, **parts)
    found = _sickness(_on_servers(sql_reader, wrong), wrong.replace(":no/", ":1/"), sql_reader)
    assert (found.kind, words in found.what) == (kind, True), str(found)


def test_a_missing_collection_is_no_empty_one(sql_reader: str, notes_reader: str, mongodb_url: str) -> None:
    """Nobody deletes all notes because a collection was renamed."""
    with database_of(mongodb_url) as database:
        database[NOTES].rename("notes")
    found = _sickness(_on_servers(sql_reader, notes_reader), notes_reader)
    assert (found.kind, found.what) == ("config", f"no collection {NOTES}")


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


def test_a_renamed_key_of_notes_is_said(sql_reader: str, notes_reader: str, mongodb_url: str) -> None:
    """Without their uuids no note can be told to be its patient's: all are refused, none is lost."""
    with database_of(mongodb_url) as database:
        database[NOTES].update_many({}, {"$rename": {"record_uuid": "record"}})
        count = database[NOTES].count_documents({})
    told = list(_on_servers(sql_reader, notes_reader).read(NOTES, None))
    assert [type(each) for each in told] == [Rejected] * count + [Checkpoint]


def test_readers_may_not_write(sql_reader: str, notes_reader: str) -> None:
    """The users of these tests have no right but to read."""
    from pymongo.errors import OperationFailure

    with database_of(notes_reader) as database, pytest.raises(OperationFailure):
        database[NOTES].delete_one({})
    with psycopg.connect(plain(sql_reader)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM billing")


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
