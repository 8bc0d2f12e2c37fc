"""Servers that fall sick, through the real command line: one clear line, nothing lost, the others go on; then all well.

What ran is MariaDB, PostgreSQL and a MongoDB-compatible server, unless the environment names others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import mariadb
from tests.integration.databases import Place, new_place, run
from tests.mariadb import mysql_server
from tests.mongodb import database_of, mongodb_server
from tests.postgres import plain, postgres_server
from tests.proxy import Proxy, proxy_to

__all__ = ["mongodb_server", "mysql_server", "postgres_server"]

LONG = 6_000
"""Characters of a cell: its table is more than sockets and buffers hold."""
CUT = 100_000
"""Bytes: more than a look at the columns, less than the long table."""


class Engine(NamedTuple):
    """One server of one source, and what its owner does to it."""

    source: str
    is_for_notes: bool
    run: Callable[[Place, str], None]
    long: str
    """Makes a table long."""
    row: str
    """Makes a row that becomes one more resource of a type."""
    made: str
    lost: tuple[str, str, str]
    """A table goes away, and comes again; what is said of it."""
    renamed: tuple[str, str, str] | None
    """A column has another name, and its own again."""
    lock: str | None
    """Keeps everybody else from a table while the session lasts."""
    silent: str
    """What is said of a server that does not answer though it is there."""


def _mysql(place: Place, statement: str) -> None:
    mariadb.execute(place.owner, statement)


@contextmanager
def _at_work(place: Place, statement: str) -> Iterator[None]:
    """A session of the owner that has run a statement and lasts."""
    if place.source == "central_records":
        with mariadb.connected(place.owner) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            yield
    else:
        with psycopg.connect(plain(place.owner)) as connection:
            connection.execute(statement)
            yield


def _postgresql(place: Place, statement: str) -> None:
    with psycopg.connect(plain(place.owner), autocommit=True) as connection:
        connection.execute(statement)


def _mongodb(place: Place, statement: str) -> None:
    with database_of(str(place.notes_owner)) as database:
        verb, _, rest = statement.partition(" ")
        if verb == "rename":
            old, new = rest.split()
            database[old].rename(new)
        elif verb == "copy":
            copied = next(each for each in database[rest].find({}).sort("_id", 1) if each.get("note_text"))
            database[rest].insert_one({**copied, "_id": "copy"})
        else:
            database[rest].update_many({}, {"$set": {"note_text": "x" * LONG}})


ENGINES = {
    "MySQL": Engine(
        source="central_records",
        is_for_notes=False,
        run=_mysql,
        long="UPDATE visits SET reason = REPEAT('\N{GRINNING FACE}', 255)",
        row="INSERT INTO patients VALUES ('P999', 'New Patient', 'F', '1990-01-31', 'A+', 'Pune')",
        made="Patient",
        lost=("RENAME TABLE lab_reports TO gone", "RENAME TABLE gone TO lab_reports", "no table lab_reports"),
        renamed=(
            "ALTER TABLE patients RENAME COLUMN city TO town",
            "ALTER TABLE patients RENAME COLUMN town TO city",
            "patients no longer has the column city",
        ),
        lock="LOCK TABLES patients WRITE",
        silent="the server takes too long",
    ),
    "PostgreSQL": Engine(
        source="chirona",
        is_for_notes=False,
        run=_postgresql,
        long=f"UPDATE chironaschema.treatment SET treatmentprocedure = repeat('x', {LONG})",
        row="INSERT INTO chironaschema.room VALUES (999, 'private rooms', 'Available')",
        made="Location",
        lost=(
            "ALTER TABLE chironaschema.payment RENAME TO gone",
            "ALTER TABLE chironaschema.gone RENAME TO payment",
            "no table payment",
        ),
        renamed=(
            "ALTER TABLE chironaschema.patient RENAME patientlastname TO surname",
            "ALTER TABLE chironaschema.patient RENAME surname TO patientlastname",
            "column PatientLastName is missing",
        ),
        lock="LOCK TABLE chironaschema.payment IN ACCESS EXCLUSIVE MODE",
        silent="no server answers",
    ),
    "PostgreSQL beside MongoDB": Engine(
        source="hybrid_ehr",
        is_for_notes=False,
        run=_postgresql,
        long=f"UPDATE medical_records SET summary = repeat('x', {LONG})",
        row="INSERT INTO patients (patient_id, first_name, last_name) VALUES (999, 'New', 'Patient')",
        made="Patient",
        lost=("ALTER TABLE billing RENAME TO gone", "ALTER TABLE gone RENAME TO billing", "no table billing"),
        renamed=(
            "ALTER TABLE patients RENAME gender TO sex",
            "ALTER TABLE patients RENAME sex TO gender",
            "patients no longer has the column gender",
        ),
        lock="LOCK TABLE billing IN ACCESS EXCLUSIVE MODE",
        silent="no server answers",
    ),
    "MongoDB": Engine(
        source="hybrid_ehr",
        is_for_notes=True,
        run=_mongodb,
        long="lengthen clinical_notes",
        row="copy clinical_notes",
        made="DocumentReference",
        lost=("rename clinical_notes gone", "rename gone clinical_notes", "no collection clinical_notes"),
        renamed=None,  # a note without the name is refused by itself
        lock=None,  # readers and writers do not wait for each other
        silent="no server answers",
    ),
}


class Site(NamedTuple):
    """A hospital on a server and another in files, both synced once."""

    engine: Engine
    place: Place
    way: Proxy
    config: Path

    def sync(self) -> tuple[int, list[str]]:
        """Exit code, and the lines of stderr."""
        done = run("sync", "--config", str(self.config), "--as-of", "2026-01-15")
        return done.exit_code, done.stderr.splitlines()

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is known of the hospital, and of the other."""
        mine, other = json.loads(run("sources", "--config", str(self.config), "--json").stdout)
        return mine, other


@pytest.fixture(scope="module", params=ENGINES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    engine, folder = ENGINES[str(request.param)], tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        ways: list[Proxy] = []

        def through(url: str) -> str:
            there = urlsplit(url)
            ways.append(stack.enter_context(proxy_to(str(there.hostname), int(there.port or 0))))
            return url.replace(f"@{there.hostname}:{there.port}", f"@127.0.0.1:{ways[-1].port}")

        place = stack.enter_context(new_place(engine.source, request, environment, way=through, notes_way=through))
        assert place.simulate().exit_code == 0
        engine.run(place, engine.long)
        assert run("simulate", "--source", "his_a", "--patients", "5", "--out", str(folder / "other")).exit_code == 0
        toml = f'{place.toml}[[source]]\nname = "other"\nadapter = "his_a"\npath = "other"\n'
        (folder / "gateway.toml").write_text(toml, encoding="utf-8")
        made = Site(engine, place, ways[engine.is_for_notes], folder / "gateway.toml")
        assert made.sync() == (0, [])
        yield made


def _demand_one_line(site: Site, kind: str, words: str) -> None:
    """The sync fails with one line that says what, where and how to mend it; what was good stays, the other goes on."""
    before, other_before = site.state()
    code, said = site.sync()
    assert code == 1
    (line,) = said
    assert re.fullmatch(r"fhir-gateway: site( \w+(, \w+)*)?: .+ \(.+\)", line)
    assert words in line
    after, other_after = site.state()
    assert after["status"] == kind
    assert words in after["error"]
    assert [after[name] for name in ("synced_at", "resources")] == [before[name] for name in ("synced_at", "resources")]
    assert (other_after["status"], other_after["synced_at"] > other_before["synced_at"]) == ("ok", True)


def _demand_all_again(site: Site) -> None:
    before, _ = site.state()
    assert site.sync() == (0, [])
    after, _ = site.state()
    assert (after["status"], after["error"]) == ("ok", None)
    assert after["resources"] == before["resources"]
    assert after["synced_at"] > before["synced_at"]


def test_a_wrong_password(site: Site) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NOTES_READER" if site.engine.is_for_notes else "READER", "wr0ng")
        _demand_one_line(site, "config", "user or password is refused")
    _demand_all_again(site)


def test_a_host_that_does_not_answer(site: Site) -> None:
    site.way.refuse()
    try:
        _demand_one_line(site, "transient", "no server answers")
    finally:
        site.way.listen()
    _demand_all_again(site)


def test_a_server_that_says_nothing(site: Site) -> None:
    site.way.is_silent = True
    try:
        _demand_one_line(site, "transient", site.engine.silent)
    finally:
        site.way.is_silent = False
    _demand_all_again(site)


@pytest.mark.parametrize("site", [name for name, engine in ENGINES.items() if engine.lock], indirect=True)
def test_a_table_that_somebody_has_locked(site: Site) -> None:
    """Neither a check nor a sync waits for them."""
    assert site.engine.lock
    with _at_work(site.place, site.engine.lock):
        checked = run("check", "--config", str(site.config))
        assert (checked.exit_code, "a table is locked" in checked.stdout) == (1, True)
        _demand_one_line(site, "transient", "a table is locked")
    _demand_all_again(site)


def test_a_table_that_is_missing(site: Site) -> None:
    harm, mend, words = site.engine.lost
    site.engine.run(site.place, harm)
    _demand_one_line(site, "config", words)
    site.engine.run(site.place, mend)
    _demand_all_again(site)


@pytest.mark.parametrize("site", [name for name, engine in ENGINES.items() if engine.renamed], indirect=True)
def test_a_column_that_is_renamed(site: Site) -> None:
    assert site.engine.renamed
    harm, mend, words = site.engine.renamed
    site.engine.run(site.place, harm)
    _demand_one_line(site, "config", words)
    site.engine.run(site.place, mend)
    _demand_all_again(site)


def test_a_connection_that_is_cut_in_the_middle(site: Site) -> None:
    """The next sync reads on to the end, with what the hospital has written meanwhile."""
    site.way.cut_after = CUT
    try:
        _demand_one_line(site, "transient", "the connection was lost")
    finally:
        site.way.cut_after = None
    before, _ = site.state()
    site.engine.run(site.place, site.engine.row)
    assert site.sync() == (0, [])
    after, _ = site.state()
    assert after["resources"][site.engine.made] == before["resources"][site.engine.made] + 1


def test_a_server_that_stalls_in_the_middle(site: Site) -> None:
    """The connection stays and nothing comes: it is given up, and the next sync reads on to the end."""
    told = site.config.read_text(encoding="utf-8")
    site.config.write_text(_patient(told, 2), encoding="utf-8")
    site.way.stalls_after = CUT
    try:
        _demand_one_line(site, "transient", "the server takes too long")
    finally:
        site.way.stalls_after = None
        site.config.write_text(told, encoding="utf-8")
    _demand_all_again(site)


def _patient(toml: str, seconds: int) -> str:
    """A configuration whose first source is waited for so long."""
    if "options = {" in toml:
        return toml.replace("options = {", f"options = {{ read_timeout = {seconds},", 1)
    return toml.replace("[[source]]\n", f"[[source]]\noptions = {{ read_timeout = {seconds} }}\n", 1)
