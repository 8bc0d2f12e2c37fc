"""Tables of a server and of a SQLite file: the same records from both, never written to, every sickness said."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import ColumnElement, func, make_url, select

from his_adapters.base import Checkpoint, Column, Record, Rejected, SourceConfig, SourceError, SourceName
from his_adapters.sql_tables import Join, SqlAdapter, SqlTable, Tables
from his_adapters.tabular import Dataset
from tests.his_adapters.contract import everything, fingerprints
from tests.postgres import plain, postgres_server, postgres_url, reader_of

__all__ = ["postgres_server", "postgres_url"]


@dataclass(frozen=True, slots=True)
class Guest:
    guest_id: str
    name: str | None
    born: date | None
    stays: int | None
    """How many stays the guest has."""


@dataclass(frozen=True, slots=True)
class Stay:
    stay_id: str
    guest_id: str | None
    price: Decimal | None
    guest_name: str | None
    guest_born: date | None


@dataclass(frozen=True, slots=True)
class Meal:
    stay_id: str
    dish: str
    guest_id: str | None
    guest_name: str | None


def _stays(tables: Tables) -> Mapping[str, ColumnElement[Any]]:
    guest, stay = tables["guests"], tables["stays"]
    return {"stays": select(func.count()).where(stay.c.guest_id == guest.c.guest_id).scalar_subquery()}


TABLES = (
    SqlTable(Dataset("guests", "guest_id", Guest), computed=_stays, fields=frozenset({"stays"})),
    SqlTable(
        Dataset("stays", "stay_id", Stay),
        joins=(Join("guest_id", "guests", {"name": "guest_name", "born": "guest_born"}),),
    ),
    SqlTable(
        Dataset("meals", "stay_id", Meal),
        joins=(
            Join("stay_id", "stays", {"guest_id": "guest_id"}),
            Join("guest_id", "guests", {"name": "guest_name"}),
        ),
        key=("stay_id", "dish"),
    ),
)

NOWHERE = "postgresql+psycopg://reader@nowhere.invalid/house"
SCRIPT = """
CREATE TABLE guests ("Guest_ID" INTEGER, name CHAR(6), born DATE);
CREATE TABLE stays (stay_id VARCHAR(5), guest_id INTEGER, price NUMERIC(8, 2), guest_name TEXT);
CREATE TABLE meals (stay_id VARCHAR(5), dish TEXT);
INSERT INTO guests VALUES (1, 'Ada', '1990-01-31'), (2, 'Bob', NULL), (3, 'Cy', '2000-02-29'), (3, 'Cyd', NULL);
INSERT INTO stays VALUES ('s1', 1, 12.25, 'Mallory'), ('s2', 3, NULL, NULL), ('s3', 99, 1.75, NULL),
    ('s4', NULL, 7, 'x');
INSERT INTO meals VALUES ('s1', 'soup'), ('s1', 'stew'), ('s2', 'soup'), ('s7', 'stew'), ('s9', NULL);
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "house.db"
    with closing(sqlite3.connect(path)) as store:
        store.executescript(SCRIPT)
    return path


@pytest.fixture
def owner(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(plain(postgres_url), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA House")
        connection.execute("SET search_path TO House")
        connection.execute(SCRIPT)
        yield connection


@pytest.fixture
def reader(owner: psycopg.Connection[Any], postgres_url: str) -> Iterator[str]:
    """The URL of a user who may SELECT and nothing else."""
    with reader_of(postgres_url) as url:
        yield url


def _at(url: str | None = None, path: Path | None = None, schema: str | None = "House") -> SqlAdapter:
    options = {"schema": schema} if schema and url else {}
    return SqlAdapter(SourceConfig(SourceName("site"), "house", path=path, url=url, options=options), TABLES)


def _told(adapter: SqlAdapter) -> list[tuple[Any, ...]]:
    return [
        (
            type(each),
            each.stream,
            each.key,
            each.data if isinstance(each, Record) else None,
            each.locator.partition("#")[2],
        )
        for each in everything(adapter)
    ]


def _place(told: tuple[Any, ...]) -> str:
    return repr((told[1], told[2], told[-1]))


def test_a_row_takes_cells_only_from_the_one_row_that_it_names(file: Path) -> None:
    """A key that two rows bear gives nothing; a joined field is never read from a column of the row's own table."""
    records = {each.key: each.data for each in everything(_at(path=file)) if isinstance(each, Record)}
    assert records["s1",] == Stay("s1", "1", Decimal("12.25"), "Ada", date(1990, 1, 31))
    assert records["s2",] == Stay("s2", "3", None, None, None)
    assert records["s3",].guest_name is None
    assert records["s4",].guest_name is None
    assert records["s1", "stew"] == Meal("s1", "stew", "1", "Ada")
    assert records["s2", "soup"] == Meal("s2", "soup", "3", None)


def test_a_row_takes_cells_from_the_one_row_that_names_it(file: Path) -> None:
    """`by` names another field than the key: a guest of one stay gets its price, a guest of several would get none."""
    guests = SqlTable(
        Dataset("guests", "guest_id", Guest), (Join("guest_id", "stays", {"price": "stays"}, "guest_id"),)
    )
    with closing(sqlite3.connect(file)) as store:
        store.execute("INSERT INTO stays VALUES ('s5', 2, 3, NULL), ('s6', 2, 4, NULL), ('s7', 3, 9, NULL)")
        store.execute("UPDATE stays SET price = 12 WHERE stay_id = 's1'")
        store.commit()
    source = SqlAdapter(SourceConfig(SourceName("site"), "house", path=file), (guests, *TABLES[1:]))
    told = [each.data for each in source.read("guests", None) if isinstance(each, Record)]
    assert [(each.guest_id, each.stays) for each in told] == [("1", 12), ("2", None), ("3", None), ("3", None)]


def test_the_database_computes_fields(file: Path) -> None:
    told = [each for each in _at(path=file).read("guests", None) if isinstance(each, Record)]
    assert [each.data.stays for each in told] == [1, 0, 1, 1]
    assert [each.key for each in told] == [("1",), ("2",), ("3",), ("3",)]


def test_a_row_is_found_by_its_whole_key(file: Path) -> None:
    told = [each for each in _at(path=file).read("meals", None) if isinstance(each, Record)]
    assert [each.locator for each in told] == [f"house.db:meals#{'/'.join(each.key)}" for each in told]


def test_a_refused_row_has_no_part_of_a_key(file: Path) -> None:
    refused = [each for each in everything(_at(path=file)) if isinstance(each, Rejected)]
    assert [(each.stream, each.key, each.problems[0].field) for each in refused] == [("meals", (), "dish")]


def test_a_server_and_a_file_give_the_same_records(file: Path, reader: str) -> None:
    """Whatever the server's types and schema; the order is that of the keys."""
    from_server = _told(_at(url=reader))
    assert sorted(from_server, key=_place) == sorted(_told(_at(path=file)), key=_place)
    assert [each[2] for each in from_server if each[1] == "stays"] == [("s1",), ("s2",), ("s3",), ("s4",)]
    assert [each.name for each in _at(url=reader).streams()] == ["guests", "stays", "meals"]
    assert [each.estimated_rows for each in _at(url=reader).streams()] == [4, 4, 5]


def test_a_long_table_is_not_counted_row_by_row(
    owner: psycopg.Connection[Any], reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue tells about how many rows there are; a look at a server takes a moment, however many they are."""
    monkeypatch.setattr("his_adapters.sql_tables._COUNTED", 2)
    assert [each.estimated_rows for each in _at(url=reader).streams()] == [3, 3, 3]
    owner.execute("ANALYZE house.guests, house.stays, house.meals")
    assert [each.estimated_rows for each in _at(url=reader).streams()] == [4, 4, 5]


STRANGERS = """
CREATE TABLE parking (place TEXT, guest_id INTEGER);
CREATE VIEW latest AS SELECT name FROM guests;
"""
COLUMNS = {
    Column("guests", "Guest_ID", "guest_id"),
    Column("guests", "name", "name"),
    Column("guests", "born", "born"),
    Column("stays", "stay_id", "stay_id"),
    Column("stays", "guest_id", "guest_id"),
    Column("stays", "price", "price"),
    # It has the name of a joined field, and is not read.
    Column("stays", "guest_name"),
    Column("meals", "stay_id", "stay_id"),
    Column("meals", "dish", "dish"),
    Column("parking", "place"),
    Column("parking", "guest_id"),
}


def test_the_columns_of_all_tables_are_told(file: Path, owner: psycopg.Connection[Any], reader: str) -> None:
    """Those that nobody reads too, alike from a server and a file. A view has none of its own."""
    with closing(sqlite3.connect(file)) as store:
        store.executescript(STRANGERS)
    owner.execute(STRANGERS)
    owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA House TO PUBLIC")
    assert set(_at(path=file).columns()) == COLUMNS
    assert set(_at(url=reader).columns()) == COLUMNS


def test_a_sqlite_url_and_a_folder_are_the_file_too(file: Path) -> None:
    assert _told(_at(url=f"sqlite:///{file}")) == _told(_at(path=file.parent)) == _told(_at(path=file))


def test_a_file_is_never_written_to(file: Path) -> None:
    before = fingerprints(file.parent)
    _at(path=file).check()
    everything(_at(path=file))
    assert fingerprints(file.parent) == before


def test_a_read_sees_one_state_and_holds_no_writer_up(owner: psycopg.Connection[Any], reader: str) -> None:
    owner.execute("INSERT INTO stays SELECT 'x' || n, 1, n FROM generate_series(1000, 4000) AS n")
    reading = _at(url=reader).read("stays", None)
    next(reading)
    owner.execute("DELETE FROM stays")
    assert sum(not isinstance(each, Checkpoint) for each in reading) == 3004


def test_a_cell_that_a_driver_cannot_read_costs_only_itself(owner: psycopg.Connection[Any], reader: str) -> None:
    owner.execute("UPDATE guests SET born = 'infinity' WHERE name = 'Ada'")
    first = next(iter(_at(url=reader).read("guests", None)))
    assert isinstance(first, Record)
    assert [(each.field, each.rule) for each in first.notes] == [("born", "not-a-date")]


def _sick(adapter: SqlAdapter, url: str) -> SourceError:
    """What a source's sickness is told as: one line, a hint, no password; the same from `check`."""
    with pytest.raises(SourceError) as caught:
        everything(adapter)
    assert adapter.check().status == caught.value.kind
    assert "\n" not in str(caught.value)
    assert str(make_url(url).password) not in f"{caught.value} {caught.value!r} {adapter.check()}"
    assert caught.value.hint
    return caught.value


WRONG = [
    pytest.param({"password": "wrongly-typed"}, "config", "password is refused", id="password"),
    pytest.param({"username": "nobody_known"}, "config", "password is refused", id="user"),
    pytest.param({"database": "nowhere"}, "config", "no such database", id="database"),
    pytest.param({"port": 1}, "transient", "no server answers", id="port"),
    pytest.param({"host": "no-such-host.invalid"}, "transient", "host is not known", id="host"),
    pytest.param({"drivername": "postgresql+nodriver"}, "config", "is not installed", id="driver"),
    pytest.param({"drivername": "oracle"}, "config", "not a kind of database", id="engine"),
]


@pytest.mark.parametrize(("part", "kind", "words"), WRONG)
def test_a_wrong_url_is_said(reader: str, part: dict[str, Any], kind: str, words: str) -> None:
    wrong = make_url(reader).set(**part).render_as_string(hide_password=False)
    found = _sick(_at(url=wrong), wrong)
    assert (found.kind, words in found.what) == (kind, True), str(found)


HARM = [
    pytest.param("DROP TABLE stays", "no table stays", id="missing table"),
    pytest.param('ALTER TABLE guests RENAME "Guest_ID" TO nummer', "column guest_id is missing", id="renamed key"),
    pytest.param("REVOKE SELECT ON stays FROM {reader}", "no table stays", id="no right to a table"),
    pytest.param("REVOKE USAGE ON SCHEMA house FROM {reader}", "may not read", id="no right to the schema"),
]


@pytest.mark.parametrize(("harm", "words"), HARM)
def test_a_harmed_schema_is_said(owner: psycopg.Connection[Any], reader: str, harm: str, words: str) -> None:
    owner.execute(harm.format(reader=make_url(reader).username))
    found = _sick(_at(url=reader), reader)
    assert (found.kind, words in found.what) == ("config", True), str(found)


def test_a_renamed_column_is_missed_and_nothing_else(owner: psycopg.Connection[Any], reader: str) -> None:
    """The fingerprint tells that the shape has changed; the column's field is empty."""
    before = _at(url=reader).streams()
    owner.execute("ALTER TABLE guests RENAME born TO geboren")
    after = _at(url=reader).streams()
    assert [a.fingerprint == b.fingerprint for a, b in zip(before, after, strict=True)] == [False, True, True]
    assert {each.data.born for each in _at(url=reader).read("guests", None) if isinstance(each, Record)} == {None}


def test_a_connection_dropped_in_mid_read_is_transient(owner: psycopg.Connection[Any], reader: str) -> None:
    owner.execute("INSERT INTO stays SELECT 'x' || n, 1, n FROM generate_series(1000, 9000) AS n")
    reading = _at(url=reader).read("stays", None)
    next(reading)
    mine = make_url(reader).username
    owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (mine,))
    with pytest.raises(SourceError) as caught:
        list(reading)
    assert caught.value.kind == "transient"


@pytest.mark.parametrize("told", [0, -1, 86_401, "60", 1.5, True])
def test_a_read_timeout_is_a_number_of_seconds(told: object) -> None:
    """What is not one is said before any server is asked."""
    config = SourceConfig(SourceName("site"), "house", url=NOWHERE, options={"read_timeout": told})
    health = SqlAdapter(config, TABLES).check()
    assert (health.status, health.message) == (
        "config",
        "read_timeout is not a number of seconds from 1 to 86400: site",
    )


def test_a_folder_without_databases_is_said(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "no SQLite file"), (tmp_path / "nowhere", "no such file or folder"), (None, "path")):
        assert words in f"{_at(path=path).check().message} {_at(path=path).check().hint}"
