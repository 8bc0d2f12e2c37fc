"""A MongoDB for tests: the server that FHIR_GATEWAY_TEST_MONGODB names, or a private MongoDB-compatible one.

The private one is SecantusDB, which speaks MongoDB's protocol: what passes there has not been seen on MongoDB itself.
Import the fixtures `mongodb_server` and `mongodb_url` where they are used. Every test gets a database of its own. The
URL of the environment is an administrator's: tests make databases and users, and drop them.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.gateway.served import free_port

_PASSWORD = secrets.token_hex(16)


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[str]:
    """The URL of a running server, as its administrator."""
    named = os.environ.get("FHIR_GATEWAY_TEST_MONGODB")
    if named:
        yield named
        return
    with private_folder() as folder, served(folder, free_port()) as url:
        yield url


@pytest.fixture
def mongodb_url(mongodb_server: str) -> Iterator[str]:
    """The URL of a database for this test, as the administrator."""
    with new_database(mongodb_server) as url:
        yield url


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of an empty database, as the administrator."""
    name = f"test_{secrets.token_hex(6)}"
    try:
        yield f"{_place(server)}/{name}?authSource=admin"
    finally:
        with _client(server) as client:
            client.drop_database(name)


@contextmanager
def reader_of(url: str) -> Iterator[str]:
    """The URL of a database as a user who may read it and nothing else."""
    database = urlsplit(url).path.removeprefix("/")
    name, password = f"reader_{secrets.token_hex(6)}", secrets.token_hex(16)
    _command(url, "createUser", name, pwd=password, roles=[{"role": "read", "db": database}])
    try:
        yield f"mongodb://{name}:{password}@{urlsplit(url).netloc.rpartition('@')[2]}/{database}"
    finally:
        _command(url, "dropUser", name)


@contextmanager
def database_of(url: str) -> Iterator[Any]:
    """The database that a URL names."""
    with _client(url) as client:
        yield client.get_default_database()


@contextmanager
def private_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server for one test, without users, that the test may kill."""
    with _started(folder, free_port()) as (place, server):
        yield f"mongodb://{place}", server


@contextmanager
def private_folder() -> Iterator[Path]:
    """The data of a private server, which `served` starts and starts again."""
    if importlib.util.find_spec("secantus") is None or importlib.util.find_spec("pymongo") is None:
        pytest.skip("MongoDB (pip install secantusdb, or name a server in FHIR_GATEWAY_TEST_MONGODB)")
    with tempfile.TemporaryDirectory(prefix="mongo", dir="/tmp") as name:
        folder = Path(name)
        with _started(folder, free_port()) as (place, _):
            _command(f"mongodb://{place}/admin", "createUser", "gw", pwd=_PASSWORD, roles=["root"])
        yield folder


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """The URL of the server of a folder, as its administrator, while it runs."""
    with _started(folder, port, "--auth") as (place, _):
        yield f"mongodb://gw:{_PASSWORD}@{place}/admin"


def _place(server: str) -> str:
    parts = urlsplit(server)
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def _client(url: str) -> Iterator[Any]:
    from pymongo import MongoClient

    client: MongoClient[Any] = MongoClient(url, serverSelectionTimeoutMS=30_000)
    with client:
        yield client


def _command(url: str, *command: Any, **arguments: Any) -> None:
    with database_of(url) as database:
        database.command(*command, **arguments)


@contextmanager
def _started(folder: Path, port: int, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    where = ["--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "data"), "--standalone"]
    command = [sys.executable, "-m", "secantus", *where, *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        _wait_for(port, server)
        yield f"127.0.0.1:{port}", server
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:  # now and then it hangs in the interpreter's end
            server.kill()
            server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end or server.poll() is not None:
                raise
            time.sleep(0.05)  # a poll of another process, not a wait for luck
        else:
            return
