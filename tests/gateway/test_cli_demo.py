"""`demo`: one command from nothing to an API that answers, and again with what is there."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.simulations import full_patients, simulated_sources
from gateway.settings import load
from tests.gateway.served import Program, free_port, program

SMALL = "0.05"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Path, int]]:
    """A small demo, serving."""
    cwd, port = tmp_path_factory.mktemp("cwd"), free_port()
    with program("demo", "--port", str(port), "--size", SMALL, cwd=cwd) as running:
        running.until("Ctrl-C ends it")
        yield running, cwd / "demo", port


def versions(folder: Path) -> list[tuple[str, str, int]]:
    connection = sqlite3.connect(folder / "gateway.db")
    try:
        return connection.execute("SELECT type, id, version FROM resource ORDER BY type, id").fetchall()
    finally:
        connection.close()


def test_every_printed_address_works(demo: tuple[Program, Path, int]) -> None:
    """The curl examples give what they promise: hits of the planted family from the hospitals, a patient, a stay."""
    said = demo[0].said
    addresses = [shlex.split(line.partition("curl ")[2])[0] for line in said.splitlines() if " curl '" in line]
    assert len(addresses) == 4
    answers = []
    for address in addresses:
        whole = f"{address}&_count=100" if "?family=" in address else address
        with urlopen(whole) as answered:
            answers.append(json.load(answered))
    family, patient, encounters, capabilities = answers
    assert {entry["resource"]["meta"]["source"] for entry in family["entry"]} == {
        f"urn:fhir-gateway:source:{source}" for source in simulated_sources()
    }
    assert patient["resourceType"] == "Patient"
    assert encounters["entry"][0]["resource"]["subject"]["reference"] == f"Patient/{patient['id']}"
    assert capabilities["resourceType"] == "CapabilityStatement"
    found = re.search(r"Documentation: +(http\S+)", said)
    assert found
    with urlopen(found[1]) as answered:
        assert answered.status == 200


def test_every_source_is_synced(demo: tuple[Program, Path, int]) -> None:
    """Each simulated hospital has its row in the table and its store, and the truth names its patients."""
    running, folder, _ = demo
    for source in simulated_sources():
        row = re.search(rf"^{source} +([\d,]+) ", running.said, re.MULTILINE)
        assert row, running.said
        assert int(row[1].replace(",", "")) > 0
        assert any((folder / "stores" / source).iterdir())
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0].keys() == {"person", "source", "native_key"}
    assert {row["source"] for row in rows} == set(simulated_sources())


def test_its_configuration_is_sound(demo: tuple[Program, Path, int]) -> None:
    """The other commands work on the demo's folder."""
    settings = load(demo[1] / "gateway.toml", {})
    assert [source.name for source in settings.sources] == list(simulated_sources())
    assert settings.refused == ()


def test_a_port_in_use_is_told_before_the_work(demo: tuple[Program, Path, int], tmp_path: Path) -> None:
    """One line, and no folder is made."""
    done = CliRunner().invoke(main, ["demo", "--port", str(demo[2]), "--folder", str(tmp_path / "other")])
    assert done.exit_code == 1
    assert "Address already in use" in done.stderr
    assert not (tmp_path / "other").exists()


def test_a_second_run_takes_up_what_is_there_and_a_half_made_one_is_mended(tmp_path: Path) -> None:
    """Nothing is simulated or versioned anew; a store that is missing is made again, the same."""
    words = ("demo", "--folder", "here", "--port", str(free_port()))
    with program(*words, "--size", SMALL, cwd=tmp_path) as first:
        first.until("Ctrl-C ends it")
        code, out, said = first.stop_by(signal.SIGINT, whole_group=True)
    assert (code, said) == (0, "")
    assert "Stopped. The demo stays in" in out
    assert "Linked" in first.said
    before = versions(tmp_path / "here")
    broken = tmp_path / "here" / "stores" / simulated_sources()[-1]
    files = {file: file.read_bytes() for file in broken.rglob("*") if file.is_file()}
    for file in files:
        file.unlink()
    broken.rmdir()
    for simulated in (True, False):
        with program(*words, cwd=tmp_path) as again:
            again.until("Ctrl-C ends it")
            assert ("Simulated" in again.said) is simulated
            assert "Linked" not in again.said
            assert again.stop_by(signal.SIGTERM)[0] == 0
        assert versions(tmp_path / "here") == before
    assert {file: file.read_bytes() for file in files} == files


@pytest.mark.parametrize("last_said", ["Simulated", "Persons: "])
def test_ctrl_c_while_it_works_leaves_something_that_can_be_taken_up(tmp_path: Path, last_said: str) -> None:
    """Interrupted in the sync, or in linking: the next run gives the whole demo."""
    words = ("demo", "--port", str(free_port()))
    with program(*words, "--size", "0.3", cwd=tmp_path) as first:
        first.until(last_said)
        code, _, said = first.stop_by(signal.SIGINT, whole_group=True)
    assert code == 130
    assert "Traceback" not in said
    assert said.endswith("fhir-gateway: stopped\n")
    with program(*words, cwd=tmp_path) as again:
        again.until("Ctrl-C ends it")
        assert "Simulated" not in again.said
        assert "Linked" in again.said


def test_the_full_demo_has_the_specified_sizes_and_is_taken_up_as_one(tmp_path: Path) -> None:
    """At a hundredth of them, whichever source it is."""
    words = ("demo", "--port", str(free_port()))
    with program(*words, "--full", "--size", "0.01", cwd=tmp_path) as first:
        first.until("Ctrl-C ends it")
        assert first.stop_by(signal.SIGINT, whole_group=True)[0] == 0
    with (tmp_path / "demo" / "truth.csv").open(encoding="utf-8", newline="") as file:
        counted = Counter(row["source"] for row in csv.DictReader(file))
    assert counted == {source: round(full_patients(source) / 100) for source in simulated_sources()}
    with program(*words, cwd=tmp_path) as again:
        again.until("Ctrl-C ends it")
        assert "Simulated" not in again.said


@pytest.mark.parametrize(
    ("first_line", "words", "line"),
    [
        ("[gateway]", [], "is not a demo's (choose another --folder)"),
        ("# Made by: fhir-gateway demo --seed 1 --profile seed --size 1.0", ["--seed", "2"], "made with --seed 1"),
        ("# Made by: fhir-gateway demo --seed 1 --profile seed --size 1.0", ["--size", "2"], "made with --size 1.0"),
        ("# Made by: fhir-gateway demo --seed 1 --profile seed --size 1.0", ["--full"], "made without --full"),
    ],
    ids=["a folder of somebody's own", "other seed", "other size", "small, where full is wanted"],
)
def test_a_folder_that_holds_something_else_is_left_alone(
    first_line: str, words: list[str], line: str, tmp_path: Path
) -> None:
    """One line, exit code 2, and nothing is overwritten."""
    file = tmp_path / "gateway.toml"
    file.write_text(first_line, encoding="utf-8")
    done = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path), *words])
    assert done.exit_code == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["gateway.toml"]
    assert file.read_text(encoding="utf-8") == first_line
