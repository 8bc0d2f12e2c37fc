"""Wrong input through the real command line: one line says what, where and how to mend it; the others still sync."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from his_adapters import installed
from tests.his_adapters.contract import fingerprints
from tests.integration.hospitals import opened_store, resources, simulate_all, synced

PATIENTS = 30


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with all hospitals' stores and a gateway.toml."""
    simulate_all(tmp_path / "stores", PATIENTS)
    lines = ["[gateway]"]
    for name in installed():
        lines += ["[[source]]", f'name = "{name}"', f'adapter = "{name}"', f'path = "stores/{name}"']
        lines += ['timezone = "Asia/Kolkata"', f'organization = "Hospital {name}"']
    (tmp_path / "gateway.toml").write_text("\n".join(lines) + "\n")
    return tmp_path


def gateway(site: Path, *arguments: str, nobody: bool = False) -> subprocess.CompletedProcess[str]:
    """The command line as a person runs it."""
    command = [sys.executable, "-m", "gateway.cli", "--config", str(site / "gateway.toml"), *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_GATEWAY")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=site, env=environment)


def _overwrite(name: str, made: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def harm(stores: Path) -> None:
        path = stores / name
        path.write_bytes(made(path.read_bytes()))

    return harm


def _unbalanced(raw: bytes) -> bytes:
    """A quote that opens in the middle of the file and never closes."""
    lines = raw.split(b"\n")
    middle = len(lines) // 2
    return b"\n".join([*lines[:middle], b'"' + lines[middle], *lines[middle + 1 :]])


SICK = [
    pytest.param("his_a", lambda stores: (stores / "his_a/staff.db").unlink(), "staff", id="missing SQLite file"),
    pytest.param("his_b", lambda stores: (stores / "his_b/staff.json").unlink(), "staff.json", id="missing JSON file"),
    pytest.param("his_c", lambda stores: (stores / "his_c/staff.csv").unlink(), "staff.csv", id="missing CSV file"),
    pytest.param("his_a", _overwrite("his_a/patients.db", lambda raw: b"junk" * 99), "patients.db", id="no SQLite"),
    pytest.param("his_d", _overwrite("his_d/patients.db", lambda raw: raw[:5000]), "patients.db", id="cut SQLite"),
    pytest.param(
        "his_d",
        _overwrite("his_d/patients.db", lambda raw: raw[:4096] + bytes(len(raw) - 4096)),
        "patients.db",
        id="corrupt SQLite",
    ),
    pytest.param(
        "his_b", _overwrite("his_b/patients.json", lambda raw: raw[: len(raw) // 2]), "patients.json", id="cut JSON"
    ),
    pytest.param("his_b", _overwrite("his_b/patients.json", lambda raw: b""), "patients.json", id="empty JSON"),
    pytest.param("his_c", _overwrite("his_c/patients.csv", _unbalanced), "patients.csv", id="unbalanced quote"),
    pytest.param("his_c", _overwrite("his_c/patients.csv", lambda raw: b""), "patients.csv", id="empty CSV"),
    pytest.param("his_a", lambda stores: _swap(stores / "his_a"), "his_a", id="a file for a folder"),
    pytest.param("chirona", lambda stores: (stores / "chirona/chirona.db").unlink(), "chirona", id="no SQLite file"),
    pytest.param(
        "chirona", lambda stores: _sql(stores / "chirona/chirona.db", "DROP TABLE Room"), "room", id="missing table"
    ),
    pytest.param(
        "chirona",
        lambda stores: _sql(stores / "chirona/chirona.db", "ALTER TABLE Staff RENAME StaffRole TO Job"),
        "StaffRole",
        id="renamed column",
    ),
]


def _sql(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as store:
        store.execute(statement)


def _swap(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.write_text("not a folder")


@pytest.mark.parametrize(("sick", "harm", "words"), SICK)
def test_one_line_says_what_where_and_how(site: Path, sick: str, harm: Callable[[Path], None], words: str) -> None:
    """Exit code 1, one line about the sick source, and every other source is synced."""
    harm(site / "stores")
    done = gateway(site, "sync")
    assert done.returncode == 1, done.stderr
    said = [line for line in done.stderr.splitlines() if line.strip()]
    assert len([line for line in said if sick in line]) == 1, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    state = json.loads(gateway(site, "sources", "--json").stdout)
    served = {each["source"] if "source" in each else each["name"]: each["resources"] for each in state}
    for name in installed():
        if name != sick:
            assert served[name]


CONFIG = [
    pytest.param("[gateway]\nprot = 8080\n", "port", id="unknown key"),
    pytest.param("[gatewya]\nport = 8080\n", "gateway", id="unknown table"),
    pytest.param('[[source]]\nname = "a"\nadapter = "hisa"\npath = "x"\n', "his_a", id="unknown adapter"),
    pytest.param('[[source]]\nname = "a"\nadapter = "his_a"\npaht = "x"\n', "path", id="unknown source key"),
    pytest.param("[gateway\n", "line 1", id="no TOML"),
]


@pytest.mark.parametrize(("text", "words"), CONFIG)
def test_a_wrong_configuration_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    """Exit code 2, the file, what is wrong, and what was meant."""
    (tmp_path / "gateway.toml").write_text(text)
    done = gateway(tmp_path, "sync")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "gateway.toml" in done.stderr
    assert words in done.stderr


def test_the_last_good_data_stays_when_a_source_falls_sick(site: Path) -> None:
    with closing(opened_store(site / "other.db")) as store:
        assert synced(store, site / "stores").ok
        before = store.counts()
        (site / "stores/his_a/patients.db").write_bytes(b"junk")
        assert not synced(store, site / "stores").ok
        assert store.counts() == before


def test_a_sync_works_while_the_hospital_writes(site: Path) -> None:
    """A WAL database under constant writes: each sync sees one committed state and stops no writer."""
    path = site / "stores/his_a/patients.db"
    stop = threading.Event()
    commits = []

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as writer:
            while not stop.is_set():
                writer.execute("UPDATE patients SET city = ?", (f"City {len(commits)}",))
                commits.append(len(commits))

    with closing(sqlite3.connect(path)) as first:
        first.execute("PRAGMA journal_mode=WAL")
        hospital = threading.Thread(target=write)
        hospital.start()
        try:
            with closing(opened_store(site / "other.db")) as store:
                for _ in range(5):
                    before = len(commits)
                    while len(commits) == before:
                        stop.wait(0.001)
                    report = synced(store, site / "stores")
                    assert report.ok, [each.errors for each in report.sources]
                    patients = [each for each in resources(store) if each["resourceType"] == "Patient"]
                    cities = {
                        each["address"][0]["city"] for each in patients if each["meta"]["source"].endswith(":his_a")
                    }
                    assert len(cities) == 1
        finally:
            stop.set()
            hospital.join()
    assert len(commits) > 5


def test_no_command_writes_to_a_source(site: Path) -> None:
    before = fingerprints(site / "stores")
    for command in (["check"], ["sync"], ["sync", "--full"], ["sources"], ["quarantine", "list"]):
        gateway(site, *command)
    assert fingerprints(site / "stores") == before
