"""`serve`: answers soon, only to this machine, and ends cleanly."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.server import is_loopback
from gateway.cli.simulations import simulated_sources
from tests.gateway.served import ROOT, Program, free_port, program

ADAPTER = simulated_sources()[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with a small synced source."""
    folder = tmp_path_factory.mktemp("gateway")
    run = CliRunner().invoke
    run(main, ["simulate", "--source", ADAPTER, "--patients", "8", "--out", str(folder / "store")])
    (folder / "gateway.toml").write_text(f'[[source]]\nname = "one"\nadapter = "{ADAPTER}"\npath = "store"\n')
    assert run(main, ["sync", "--config", str(folder / "gateway.toml")]).exit_code == 0
    return folder


@pytest.fixture
def serving(folder: Path) -> Iterator[tuple[Program, int]]:
    """The server, answering."""
    port = free_port()
    with program("serve", "--port", str(port), cwd=folder) as running:
        running.until(rf"Serving FHIR R4 at http://127\.0\.0\.1:{port}/fhir ")
        yield running, port


def status(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("sent", "whole_group"),
    [(signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGHUP, True)],
    ids=["SIGTERM", "SIGINT", "Ctrl-C in a terminal", "the terminal closes"],
)
def test_it_answers_when_it_says_so_and_ends_cleanly(
    serving: tuple[Program, int], sent: signal.Signals, whole_group: bool
) -> None:
    """The printed address answers; a signal ends it with exit code 0, soon, without a trace; the port is free."""
    running, port = serving
    assert status(port, "/fhir/metadata") == 200
    assert status(port, "/fhir/Patient") == 200
    started = time.monotonic()
    code, _, said = running.stop_by(sent, whole_group=whole_group)
    assert code == 0
    assert time.monotonic() - started < 5
    assert said.endswith("Stopped.\n")
    assert "Traceback" not in said
    with pytest.raises(ConnectionRefusedError):
        status(port, "/fhir/metadata")


def test_workers_do_not_outlive_a_killed_parent(serving: tuple[Program, int]) -> None:
    """SIGKILL leaves nobody on the port: the output ends because every process of the server has ended."""
    running, port = serving
    running.stop_by(signal.SIGKILL)
    with pytest.raises(ConnectionRefusedError):
        status(port, "/fhir/metadata")


def test_a_second_server_on_the_port_is_refused(serving: tuple[Program, int], folder: Path) -> None:
    """Two servers would share the port silently."""
    _, port = serving
    with program("serve", "--port", str(port), cwd=folder) as second:
        out, said = second.process.communicate(timeout=60)
    assert second.process.returncode == 1
    assert out == ""
    assert said == (
        f"fhir-gateway: port {port}: cannot be used: Address already in use (choose another: --port {port + 1})\n"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_others_cannot_reach_it_while_auth_is_off(host: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A non-loopback address is wrong usage, however it is set; nothing listens."""
    config = str(folder / "gateway.toml")
    line = f"fhir-gateway: host {host}: others could read patient data there, and auth is off (listen on 127.0.0.1)\n"
    done = CliRunner().invoke(main, ["serve", "--config", config, "--host", host])
    assert (done.exit_code, done.stderr) == (2, line)
    monkeypatch.setenv("FHIR_GATEWAY_HOST", host)
    done = CliRunner().invoke(main, ["serve", "--config", config])
    assert (done.exit_code, done.stderr) == (2, line)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("a", False)],
)
def test_loopback_is_recognized(host: str, loopback: bool) -> None:
    """By the address itself; of names only localhost."""
    assert is_loopback(host) is loopback


def test_a_store_that_cannot_be_used_ends_it_in_lines(folder: Path, tmp_path: Path) -> None:
    """Exit code 1 and what is wrong, no trace."""
    shutil.copy(folder / "gateway.toml", tmp_path)
    (tmp_path / "gateway.db").write_bytes(b"this is no database" * 100)
    with program("serve", "--port", str(free_port()), cwd=tmp_path) as running:
        out, said = running.process.communicate(timeout=60)
    assert running.process.returncode == 1
    assert out == ""
    assert "gateway.db" in said
    assert "Traceback" not in said


def test_serving_loads_no_mapping_and_no_simulation() -> None:
    """Start-up stays quick: these cost more than the whole start."""
    code = "import sys, gateway.cli.serve, gateway.cli.server, gateway.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"fhir", "faker", "marshmallow", "pydantic", "rich", "jsonschema_rs"}


def test_commands_load_only_what_they_need() -> None:
    """Help and version answer at once."""
    code = "import sys; from gateway.cli import main; main(['version'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(re.split(r"\s+", done.stdout))
    assert not loaded & {
        "flask",
        "granian",
        "sqlalchemy",
        "rich.table",
        "fhir",
        "faker",
        "gateway.store",
        "gateway.sync",
    }
