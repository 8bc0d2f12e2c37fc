"""The central records in their database: the adapter contract, the same records as the files, and every sickness said.

What ran is MariaDB, unless FHIR_GATEWAY_TEST_MYSQL names a MySQL server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pymysql
import pytest
from sqlalchemy import make_url

from his_adapters import adapter_module
from his_adapters.base import (
    Adapter,
    Checkpoint,
    Record,
    SourceConfig,
    SourceConfigError,
    SourceError,
    SourceName,
    SourceTransientError,
)
from his_adapters.central_records.schema import KEYS
from tests.conftest import GOLDEN
from tests.gateway.served import free_port
from tests.his_adapters.central_records_database import create, fill
from tests.his_adapters.contract import AdapterContract, everything, opened, simulated
from tests.mappers.mapped import mapped
from tests.mariadb import connected, execute, mysql_server, mysql_url, reader_of

__all__ = ["mysql_server", "mysql_url"]

SOURCE = "central_records"
STREAMS = ("doctors", "patients", "visits", "lab_reports")


def at(url: str) -> Adapter:
    """The adapter over a database."""
    made: Adapter = adapter_module(SOURCE).open_source(SourceConfig(SourceName("site"), SOURCE, url=url))
    return made


@pytest.fixture
def reader(mysql_url: str) -> Iterator[str]:
    """The database of a test, as a user who may only SELECT."""
    with reader_of(mysql_url) as url:
        yield url


def checksums(url: str) -> list[tuple[Any, ...]]:
    return execute(url, f"CHECKSUM TABLE {', '.join(KEYS)}")


class TestCentralRecordsOnMariaDb(AdapterContract):
    """Four tables, read by a user who may only SELECT."""

    adapter = SOURCE
    streams = STREAMS

    @pytest.fixture
    def written(self, tmp_path: Path, profile: str, mysql_url: str) -> dict[str, int]:
        simulated(SOURCE, tmp_path, profile)
        return fill(mysql_url, tmp_path, profile)

    @pytest.fixture
    def source(self, written: dict[str, int], reader: str) -> Adapter:  # type: ignore[override]
        return at(reader)

    def test_nothing_is_written(self, source: Adapter, mysql_url: str) -> None:  # type: ignore[override]
        before = checksums(mysql_url)
        source.check()
        everything(source)
        assert checksums(mysql_url) == before

    def test_a_server_proves_nothing(self, source: Adapter) -> None:
        assert {source.change_token(stream) for stream in STREAMS} == {None}

    # About files and folders; the database's own are below.
    test_the_change_token_holds_while_nothing_changes = None  # type: ignore[assignment]
    test_the_change_token_changes_with_the_store = None  # type: ignore[assignment]
    test_a_missing_folder_is_said_with_a_hint = None  # type: ignore[assignment]
    test_no_path_is_said = None  # type: ignore[assignment]
    test_an_empty_folder_is_said = None  # type: ignore[assignment]


# One source whichever way in ------------------------------------------------------------------------------------------


def records(adapter: Adapter) -> dict[tuple[str, tuple[str, ...]], Any]:
    """Every record's data by stream and key; a store without rejects has no repeats either."""
    told = everything(adapter)
    assert all(isinstance(each, Record) for each in told)
    made = {(each.stream, each.key): each.data for each in told if isinstance(each, Record)}
    assert len(made) == len(told)
    return made


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_files_and_database_give_the_same_records(profile: str, tmp_path: Path, mysql_url: str, reader: str) -> None:
    written = simulated(SOURCE, tmp_path, profile, 200)
    assert fill(mysql_url, tmp_path, profile) == written
    assert records(at(reader)) == records(opened(SOURCE, tmp_path))


@pytest.mark.parametrize("profile", ["seed", "original"])
def test_golden_files_hold_for_the_database(
    profile: str, tmp_path: Path, mysql_url: str, reader: str, golden: Callable[[str, Any], None]
) -> None:
    """Each golden record, found in the database, makes the golden resources."""
    simulated(SOURCE, tmp_path, profile, 20)
    fill(mysql_url, tmp_path, profile)
    found = {(each.stream, each.key): each for each in everything(at(reader)) if isinstance(each, Record)}
    for stream in STREAMS:
        name = f"{SOURCE}/{profile}-{stream}"
        native = json.loads((GOLDEN / f"{name}.json").read_text())["native"]
        one = mapped(SOURCE, found[stream, (native[KEYS[stream]],)])
        cells = {name: str(value) for name, value in asdict(one.record.data).items() if value is not None}
        issues = [asdict(issue) for issue in one.report.issues]
        golden(name, {"native": cells, "resources": one.own, "shared": one.shared, "issues": issues})


def test_what_the_loader_spoiled_is_not_stated(mysql_url: str, reader: str) -> None:
    """INSERT IGNORE makes 0000-00-00 of a date that is none, and cuts a text: the row stays, the date is noted."""
    create(mysql_url)
    execute(
        mysql_url,
        "INSERT IGNORE INTO patients VALUES ('P1', REPEAT('x', 200), '', '31/02/2020', NULL, NULL)",
    )
    (found,) = [each for each in at(reader).read("patients", None) if isinstance(each, Record)]
    assert (found.data.dob, len(found.data.name), found.data.gender) == (None, 100, None)
    assert [(each.field, each.rule) for each in found.notes] == [("dob", "not-a-date")]


def test_rows_with_nothing_but_a_key_are_records(mysql_url: str, reader: str) -> None:
    """Only primary keys are NOT NULL."""
    create(mysql_url)
    execute(mysql_url, *(f"INSERT INTO {table} ({key}) VALUES ('K1')" for table, key in KEYS.items()))
    assert [each.key for each in everything(at(reader)) if isinstance(each, Record)] == [("K1",)] * 4


def test_a_reference_in_another_case_is_the_same_reference(mysql_url: str, reader: str) -> None:
    """MySQL's keys do not tell `v1` from `V1`: nor does the join."""
    create(mysql_url)
    execute(
        mysql_url,
        "INSERT INTO patients (patient_id) VALUES ('P1')",
        "INSERT INTO visits (visit_id, patient_id) VALUES ('V1', 'P1')",
        "INSERT INTO lab_reports (report_id, visit_id) VALUES ('R1', 'v1')",
    )
    (report,) = [each for each in at(reader).read("lab_reports", None) if isinstance(each, Record)]
    assert report.data.patient_id == "P1"


# Sickness -------------------------------------------------------------------------------------------------------------


SICK: list[Any] = [
    pytest.param({"password": "wr0ng"}, SourceConfigError, "user or password", id="wrong password"),
    pytest.param({"username": "nobody_known"}, SourceConfigError, "user or password", id="unknown user"),
    pytest.param({"database": "no_such_database"}, SourceConfigError, "no such database", id="missing database"),
    pytest.param({"port": 0}, SourceTransientError, "no server answers", id="nothing listens"),
    pytest.param({"host": "host.invalid"}, SourceTransientError, "the host is not known", id="unknown host"),
]


@pytest.mark.parametrize(("change", "kind", "words"), SICK)
def test_a_database_that_cannot_be_reached(
    change: dict[str, Any], kind: type[SourceError], words: str, mysql_url: str, reader: str
) -> None:
    """One line with a hint, and never the password."""
    create(mysql_url)
    url = make_url(reader)
    password = str(url.password)
    if "port" in change:
        change = {"port": free_port()}
    source = at(url.set(**change).render_as_string(hide_password=False))
    with pytest.raises(kind) as raised:
        source.streams()
    health = source.check()
    assert health.status == raised.value.kind
    assert health.hint
    for said in (str(raised.value), f"{health}"):
        assert words in said
        assert "\n" not in said
        assert password not in said
        assert "wr0ng" not in said


def test_a_long_table_is_not_counted_row_by_row(mysql_url: str, reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue tells about how many rows there are; a look at a server takes a moment, however many they are."""
    create(mysql_url)
    execute(mysql_url, *(f"INSERT INTO patients (patient_id) VALUES ('P{number}')" for number in range(9)))
    execute(mysql_url, "ANALYZE TABLE patients")
    monkeypatch.setattr("his_adapters.sql_tables._COUNTED", 2)
    assert [stream.estimated_rows for stream in at(reader).streams()] == [0, 9, 0, 0]


CHANGED: list[Any] = [
    pytest.param("DROP TABLE lab_reports", "lab_reports", id="missing table"),
    pytest.param("ALTER TABLE patients RENAME COLUMN patient_id TO number", "patient_id", id="renamed key"),
]


@pytest.mark.parametrize(("change", "words"), CHANGED)
def test_a_database_of_another_shape_is_said(change: str, words: str, mysql_url: str, reader: str) -> None:
    create(mysql_url)
    execute(mysql_url, change)
    health = at(reader).check()
    assert (health.status, words in health.message) == ("config", True)


def test_a_renamed_cell_is_another_shape(mysql_url: str, reader: str) -> None:
    """The fingerprint says so, and the rows are told without the cell."""
    create(mysql_url)
    execute(mysql_url, "INSERT INTO patients (patient_id, city) VALUES ('P1', 'Pune')")
    before = at(reader).streams()[1]
    execute(mysql_url, "ALTER TABLE patients RENAME COLUMN city TO town")
    after = at(reader).streams()[1]
    assert after.fingerprint != before.fingerprint
    (found,) = [each for each in at(reader).read("patients", None) if isinstance(each, Record)]
    assert found.data.city is None


def test_a_table_that_may_not_be_read_is_said(mysql_url: str, reader: str) -> None:
    create(mysql_url)
    name = make_url(reader).username
    database = make_url(mysql_url).database
    execute(
        mysql_url,
        f"REVOKE SELECT ON {database}.* FROM {name}@'%'",
        *(f"GRANT SELECT ON {database}.{table} TO {name}@'%'" for table in ("patients", "doctors", "visits")),
    )
    health = at(reader).check()
    assert (health.status, "lab_reports" in health.message) == ("config", True)


def test_a_connection_that_drops_in_the_middle(
    mysql_url: str, reader: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What was told is told; then a transient error in one line, no checkpoint, and the next read is whole."""
    create(mysql_url)
    with connected(mysql_url) as connection:
        rows = [(f"P{number}", "x" * 100) for number in range(40_000)]  # more than sockets and buffers hold
        connection.cursor().executemany("INSERT INTO patients (patient_id, name) VALUES (%s, %s)", rows)
    reading = at(reader).read("patients", None)
    told = [next(reading)]
    kill(mysql_url, str(make_url(reader).username))
    with pytest.raises(SourceTransientError) as raised:
        told.extend(reading)
    assert "\n" not in str(raised.value)
    assert (caplog.records, capfd.readouterr().err) == ([], "")
    assert len(told) < len(rows)
    assert not any(isinstance(each, Checkpoint) for each in told)
    assert sum(1 for _ in at(reader).read("patients", None)) == len(rows) + 1


def kill(url: str, user: str) -> None:
    """End every connection of a user."""
    for (number,) in execute(url, f"SELECT id FROM information_schema.processlist WHERE user = '{user}'"):
        execute(url, f"KILL CONNECTION {number}")


def test_a_read_sees_one_state_and_holds_nobody_up(mysql_url: str, reader: str, tmp_path: Path) -> None:
    """The hospital writes in the middle of a read: the reader neither sees it nor stops it."""
    simulated(SOURCE, tmp_path, "seed")
    fill(mysql_url, tmp_path, "seed")
    reading = at(reader).read("visits", None)
    first = next(reading)
    execute(mysql_url, "SET innodb_lock_wait_timeout = 1", "UPDATE visits SET reason = 'Written'")
    told = [first, *reading]
    assert not [each for each in told if isinstance(each, Record) and each.data.reason == "Written"]


def test_the_reader_cannot_write(mysql_url: str, reader: str) -> None:
    """The tests' reader is what the README asks for: SELECT and nothing else."""
    create(mysql_url)
    writing = ("INSERT INTO patients (patient_id) VALUES ('P1')", "DELETE FROM patients", "DROP TABLE visits")
    with connected(reader) as connection, connection.cursor() as cursor:
        for statement in writing:
            with pytest.raises(pymysql.err.OperationalError):
                cursor.execute(statement)
