"""Chirona on PostgreSQL: the contract, the records and the golden files of SQLite, every constraint, no write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import make_url

from his_adapters.base import Adapter, Checkpoint, Record, SourceConfig, SourceError, SourceName
from his_adapters.chirona.adapter import open_source
from his_adapters.error_rates import PROFILES
from tests.his_adapters import chirona_server
from tests.his_adapters.chirona_server import opened_at
from tests.his_adapters.contract import AdapterContract, everything, opened
from tests.his_adapters.test_chirona import REFUSED, STREAMS
from tests.mappers.mapped import mapped
from tests.mappers.test_golden import compare_with_golden
from tests.postgres import new_database, plain, postgres_server, postgres_url, reader_of

__all__ = ["postgres_server", "postgres_url"]


class Hospital(NamedTuple):
    """A database of one profile."""

    profile: str
    owner: psycopg.Connection[Any]
    url: str
    """Of a user who may only read."""
    folder: Path
    """With the same hospital in SQLite."""
    written: dict[str, int]


@contextmanager
def _hospital(server: str, folder: Path, profile: str) -> Iterator[Hospital]:
    with new_database(server) as url, psycopg.connect(plain(url), autocommit=True) as owner:
        written = chirona_server.simulate_on(owner, folder, profile)
        with reader_of(url) as reader:
            yield Hospital(profile, owner, reader, folder, written)


@pytest.fixture(scope="module", params=PROFILES)
def hospital(
    request: pytest.FixtureRequest, postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hospital]:
    """A hospital that no test changes."""
    with _hospital(postgres_server, tmp_path_factory.mktemp("chirona"), str(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def sound(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """A hospital whose tests are rolled back, to its owner."""
    with _hospital(postgres_server, tmp_path_factory.mktemp("sound"), "seed") as made:
        yield made.owner


@pytest.fixture
def owner(postgres_url: str, tmp_path: Path) -> Iterator[psycopg.Connection[Any]]:
    """A hospital that a test may harm, to its owner."""
    with psycopg.connect(plain(postgres_url), autocommit=True) as connection:
        chirona_server.simulate_on(connection, tmp_path / "store", "seed")
        yield connection


@pytest.fixture
def url(owner: psycopg.Connection[Any], postgres_url: str) -> Iterator[str]:
    with reader_of(postgres_url) as reader:
        yield reader


class TestChironaOnPostgresql(AdapterContract):
    """The schema ChironaSchema, read by a user who has SELECT only."""

    adapter = "chirona"
    streams = STREAMS

    @pytest.fixture
    def profile(self, hospital: Hospital) -> str:
        return hospital.profile

    @pytest.fixture
    def written(self, hospital: Hospital) -> dict[str, int]:
        return hospital.written

    @pytest.fixture
    def source(self, hospital: Hospital) -> Adapter:
        return opened_at(hospital.url)

    def test_nothing_is_written(self, source: Adapter, hospital: Hospital) -> None:
        before = chirona_server.rows(hospital.owner)
        source.check()
        everything(source)
        assert chirona_server.rows(hospital.owner) == before

    def test_the_change_token_holds_while_nothing_changes(self, source: Adapter) -> None:
        """A server proves nothing cheaply."""
        assert [source.change_token(stream) for stream in self.streams] == [None] * len(self.streams)

    def test_the_change_token_changes_with_the_store(self, source: Adapter) -> None:
        assert source.change_token("patient") is None


def test_both_engines_tell_the_same_records(hospital: Hospital) -> None:
    """But for the bytes that PostgreSQL cannot hold, which only a bad export has."""
    if hospital.profile == "hostile":
        return
    there = [(each.stream, each.key, each.data) for each in everything(opened_at(hospital.url)) if _is_record(each)]
    here = [
        (each.stream, each.key, each.data)
        for each in everything(opened("chirona", hospital.folder))
        if _is_record(each)
    ]
    assert there == here


def _is_record(told: object) -> bool:
    return isinstance(told, Record)


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_golden(profile: str, postgres_url: str, tmp_path: Path, golden: Callable[[str, Any], None]) -> None:
    """The golden files are SQLite's."""
    with psycopg.connect(plain(postgres_url), autocommit=True) as owner:
        chirona_server.simulate_on(owner, tmp_path, profile, 20)
        with reader_of(postgres_url) as reader:
            told = everything(opened_at(reader))
        compare_with_golden(
            "chirona", profile, (mapped("chirona", each) for each in told if isinstance(each, Record)), golden
        )


def test_the_reader_may_not_write(url: str) -> None:
    """So that none of these tests could."""
    with psycopg.connect(plain(url)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM chironaschema.payment")


def test_serial_ids_were_inserted_so_the_next_insert_collides(sound: psycopg.Connection[Any]) -> None:
    """Defect 3 of the original: the sequences are behind."""
    statement = "INSERT INTO ChironaSchema.Room (RoomType, RoomAvailability) VALUES ('private rooms', 'Available')"
    with pytest.raises(psycopg.errors.UniqueViolation):
        sound.execute(statement)


def test_a_member_of_staff_takes_appointments_and_invoices_along(sound: psycopg.Connection[Any]) -> None:
    """ON DELETE CASCADE, all the way."""
    names = (("Appointment", "ScheduledBy"), ("Invoice", "GeneratedBy"), ("AdminStaff", "AdminId"))
    count = " UNION ALL ".join(f"SELECT count(*) FROM ChironaSchema.{table} WHERE {name} = 4" for table, name in names)
    with sound.transaction(force_rollback=True):
        assert all(found for (found,) in sound.execute(count))
        sound.execute("DELETE FROM ChironaSchema.Staff WHERE StaffId = 4")
        assert [found for (found,) in sound.execute(count)] == [0, 0, 0]


@pytest.mark.parametrize("statement", REFUSED)
def test_constraints_hold(sound: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises((psycopg.errors.IntegrityError, psycopg.errors.DataError)):
        sound.execute(statement.format("ChironaSchema."))


HARM = [
    pytest.param("DROP TABLE ChironaSchema.Payment", "no table payment", id="missing table"),
    pytest.param(
        "ALTER TABLE ChironaSchema.Patient RENAME PatientLastName TO Surname", "PatientLastName", id="renamed"
    ),
    pytest.param("ALTER TABLE ChironaSchema.Patient RENAME PatientId TO No", "patient_id", id="renamed key"),
    pytest.param("REVOKE SELECT ON ChironaSchema.Room FROM {}", "room", id="no right"),
]


@pytest.mark.parametrize(("harm", "words"), HARM)
def test_a_harmed_schema_is_one_line(owner: psycopg.Connection[Any], url: str, harm: str, words: str) -> None:
    owner.execute(harm.format(make_url(url).username))
    health = opened_at(url).check()
    assert health.status == "config"
    assert words in health.message
    assert health.hint
    assert "\n" not in f"{health.message}{health.hint}"


MANY_ROOMS = "INSERT INTO ChironaSchema.Room SELECT n, 'private rooms', 'Available' FROM generate_series(999, 9999) n"


def test_a_connection_dropped_in_mid_read_is_transient(owner: psycopg.Connection[Any], url: str) -> None:
    owner.execute(MANY_ROOMS)
    reading = opened_at(url).read("room", None)
    next(reading)
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (make_url(url).username,)
    )
    with pytest.raises(SourceError) as caught:
        list(reading)
    assert caught.value.kind == "transient"


def test_a_read_sees_one_state(owner: psycopg.Connection[Any], url: str) -> None:
    owner.execute(MANY_ROOMS)
    reading = opened_at(url).read("room", None)
    next(reading)
    owner.execute("DELETE FROM ChironaSchema.Room WHERE RoomId > 900")
    assert sum(not isinstance(each, Checkpoint) for each in reading) > 9000


def test_conn_yml_is_the_same_hospital(url: str, tmp_path: Path) -> None:
    """The system's own file; without SSL, for the test's server has none. The password is in no message."""
    found = make_url(url)
    lines = (f"dbname: {found.database}", f"admin: {found.username}", f"passwd: '{found.password}'")
    file = tmp_path / "conn.yml"
    file.write_text("\n".join([*lines, f"server: {found.host}", f"port: {found.port}"]))
    assert _opened_by(file, sslmode="disable").check().status == "ok"
    demanded = _opened_by(file).check()
    assert (demanded.status, "SSL" in demanded.message) == ("config", True)
    wrong = _opened_by(_rewritten(file, str(found.password), "not-the-password"), sslmode="disable").check()
    assert (wrong.status, "password is refused" in wrong.message) == ("config", True)
    for health in (demanded, wrong):
        assert str(found.password) not in repr(health)
        assert "not-the-password" not in repr(health)


def _opened_by(file: Path, **options: str) -> Adapter:
    config = SourceConfig(SourceName("site"), "chirona", path=file, timezone="Asia/Kolkata", options=options)
    return open_source(config)


def _rewritten(file: Path, old: str, new: str) -> Path:
    file.write_text(file.read_text().replace(old, new))
    return file
