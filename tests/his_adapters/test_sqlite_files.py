"""SQLite sources: never written to, never in the hospital's way, every sickness said. https://www.sqlite.org/wal.html"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from his_adapters.base import Column, Record, SourceConfigError, SourceError
from his_adapters.sqlite_files import reading
from tests.his_adapters.contract import everything, fingerprints, opened, simulated


@pytest.fixture
def store(tmp_path: Path) -> Path:
    simulated("his_a", tmp_path, "seed")
    return tmp_path


def _wal(path: Path) -> sqlite3.Connection:
    """A writer of the hospital that keeps the database open in WAL mode."""
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute("UPDATE patients SET city = 'Elsewhere' WHERE rowid = 1")
    return writer


def test_a_wal_in_use_is_read_with_its_latest_commit(store: Path) -> None:
    """What the hospital has committed to the -wal is read; database and -wal stay as they are."""
    path = store / "patients.db"
    with closing(_wal(path)):
        before = {name: digest for name, digest in fingerprints(store).items() if not name.endswith("-shm")}
        cities = [each.data.city for each in opened("his_a", store).read("patients", None) if isinstance(each, Record)]
        after = {name: digest for name, digest in fingerprints(store).items() if not name.endswith("-shm")}
    assert "Elsewhere" in cities
    assert after == before


def test_a_reader_sees_one_state_and_holds_no_writer_up(store: Path) -> None:
    """The hospital commits in the middle of a read; the read goes on with the state that it began with."""
    path = store / "patients.db"
    with closing(_wal(path)) as writer, reading(path) as connection:
        cursor = connection.execute("SELECT city FROM patients")
        cursor.fetchone()
        writer.execute("UPDATE patients SET city = 'Moved'")
        rest = [city for (city,) in cursor]
        assert "Moved" not in rest
        assert writer.execute("SELECT count(*) FROM patients WHERE city = 'Moved'").fetchone()[0] > 1


def test_a_reader_in_rollback_mode_holds_no_writer_up(store: Path) -> None:
    """Without WAL a long read in place would lock the hospital out: it works on a private snapshot."""
    path = store / "patients.db"
    with reading(path) as connection, closing(sqlite3.connect(path, timeout=0)) as writer:
        cursor = connection.execute("SELECT city FROM patients")
        cursor.fetchone()
        with writer:
            writer.execute("UPDATE patients SET city = 'Moved'")
        assert "Moved" not in [city for (city,) in cursor]


def test_a_closed_wal_database_gets_no_side_files(store: Path) -> None:
    path = store / "patients.db"
    _wal(path).close()
    assert path.read_bytes()[18:20] == b"\x02\x02"
    before = fingerprints(store)
    assert everything(opened("his_a", store))
    assert fingerprints(store) == before


def test_a_wal_left_by_a_crash_is_read_and_kept(store: Path) -> None:
    """A -wal without its -shm, as a power cut leaves it: its commits count, and nothing is recovered in place."""
    path = store / "patients.db"
    crash = "import os, sqlite3, sys; w = sqlite3.connect(sys.argv[1], isolation_level=None); "
    crash += "w.execute('PRAGMA journal_mode=WAL'); w.execute(\"UPDATE patients SET city = 'Elsewhere'\"); os._exit(9)"
    subprocess.run([sys.executable, "-c", crash, str(path)], check=False)
    path.with_name("patients.db-shm").unlink()
    before = fingerprints(store)
    cities = {each.data.city for each in opened("his_a", store).read("patients", None) if isinstance(each, Record)}
    assert cities == {"Elsewhere"}
    assert fingerprints(store) == before


def test_a_hot_journal_left_by_a_crash_is_rolled_back_in_the_copy_only(store: Path) -> None:
    path = store / "patients.db"
    crash = "import os, sqlite3, sys; w = sqlite3.connect(sys.argv[1], isolation_level=None); "
    crash += "w.execute('PRAGMA cache_size=1'); w.execute('BEGIN'); "
    crash += 'w.execute("UPDATE patients SET city = hex(randomblob(2000))"); os._exit(9)'
    subprocess.run([sys.executable, "-c", crash, str(path)], check=False)
    assert path.with_name("patients.db-journal").exists()
    before = fingerprints(store)
    cities = [each.data.city for each in opened("his_a", store).read("patients", None) if isinstance(each, Record)]
    assert max(len(city or "") for city in cities) < 100
    assert fingerprints(store) == before


def test_one_file_may_hold_all_tables(store: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    single = tmp_path_factory.mktemp("single") / "patients.db"
    with closing(sqlite3.connect(single)) as target:
        for name in ("patients", "staff", "finance"):
            target.execute("ATTACH ? AS part", (str(store / f"{name}.db"),))
            target.execute(f"CREATE TABLE {name} AS SELECT * FROM part.{name}")
            target.commit()
            target.execute("DETACH part")
    apart = [
        (each.stream, each.key, each.digest) for each in everything(opened("his_a", store)) if isinstance(each, Record)
    ]
    for path in (single, single.parent):
        together = everything(opened("his_a", path))
        assert [(each.stream, each.key, each.digest) for each in together if isinstance(each, Record)] == apart


def test_tables_and_files_that_nobody_reads_are_told(store: Path) -> None:
    """In the datasets' files and beside them; of a file that cannot be read, that it is there."""
    for path in (store / "staff.db", store / "garage.db"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE parking (place TEXT)")
    (store / "broken.db").write_bytes(b"no database")
    found = [column for column in opened("his_a", store).columns() if column.stream not in {"patients", "finance"}]
    assert Column("staff", "joining_date", "joining_date") in found
    assert Column("staff", "salary") in found
    strangers = [column for column in found if column.stream != "staff"]
    assert strangers == [Column("broken", "*"), Column("parking", "place"), Column("parking", "place")]


SICK = [
    pytest.param(lambda path: path.write_bytes(b""), "not a SQLite database", id="empty"),
    pytest.param(lambda path: path.write_bytes(b"name,dob\n" * 200), "not a SQLite database", id="not SQLite"),
    pytest.param(lambda path: path.write_bytes(path.read_bytes()[:3000]), "SQLite", id="truncated"),
    pytest.param(lambda path: path.write_bytes(path.read_bytes()[:100] + b"\xff" * 8000), "SQLite", id="garbled"),
    pytest.param(lambda path: (path.unlink(), path.mkdir()), "patients", id="a folder"),
    pytest.param(lambda path: path.unlink(), "patients", id="missing"),
]


@pytest.mark.parametrize(("harm", "words"), SICK)
def test_a_sick_file_is_said_in_one_line(store: Path, harm: object, words: str) -> None:
    """What, where and how to mend it; no other exception."""
    path = store / "patients.db"
    harm(path)  # type: ignore[operator]
    with pytest.raises(SourceError, match=words) as caught:
        everything(opened("his_a", store))
    assert str(store) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert opened("his_a", store).check().status != "ok" or "truncated" in str(caught)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything: be nobody for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("closed", [".", "patients.db"], ids=["folder", "file"])
def test_missing_rights_are_said(store: Path, closed: str) -> None:
    for folder in (store, store.parent, store.parent.parent):
        folder.chmod(0o755)
    (store / closed).chmod(0)
    with unprivileged():
        health = opened("his_a", store).check()
    (store / closed).chmod(0o755)
    assert (health.status, health.hint) == ("config", "give the gateway's user read rights")


def test_a_missing_key_column_is_said(store: Path) -> None:
    with closing(sqlite3.connect(store / "patients.db")) as writer:
        writer.execute("DROP TABLE patients")
        writer.execute("CREATE TABLE patients (nummer TEXT, dob TEXT)")
    with pytest.raises(SourceConfigError, match="patient_id is missing"):
        opened("his_a", store).streams()
