"""A real MariaDB or MySQL for tests: the server that FHIR_GATEWAY_TEST_MYSQL names, or a private one.

Import the fixtures `mysql_server` and `mysql_url` where they are used. Every test gets an empty database of its own.
The URL of the environment is an administrator's: tests make databases and users, and drop them.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.gateway.served import free_port

READER = Path(__file__).parents[1] / "deploy" / "mariadb" / "reader.sql"
"""What a hospital's administrator runs for the gateway's user."""
_PASSWORD = secrets.token_hex(16)
# MariaDB refuses to run as root.
_OTHER_USER: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
_QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **_OTHER_USER}
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[str]:
    """The URL of a running server, as its administrator."""
    named = os.environ.get("FHIR_GATEWAY_TEST_MYSQL")
    if named:
        yield named
        return
    with private_folder() as folder, served(folder, free_port()) as url:
        yield url


@contextmanager
def private_folder() -> Iterator[Path]:
    """The data of a private server, which `served` starts and starts again."""
    if _program("mariadbd") is None or importlib.util.find_spec("pymysql") is None:
        pytest.skip("MariaDB (apt-get install mariadb-server, or name a server in FHIR_GATEWAY_TEST_MYSQL)")
    with tempfile.TemporaryDirectory(prefix="my", dir="/tmp") as name:
        folder = Path(name)
        if _OTHER_USER:
            shutil.chown(folder, "nobody", "nogroup")
        method = "--auth-root-authentication-method=normal"
        install = [str(_program("mariadb-install-db")), "--no-defaults", f"--datadir={folder / 'data'}", method]
        subprocess.run([*install, "--skip-test-db"], check=True, **_QUIET)
        yield folder


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """The URL of the server of a folder, as its administrator, while it runs."""
    address = folder / "socket"
    # Durability costs time and helps nobody here.
    fast = ["--skip-log-bin", "--loose-innodb-flush-method=nosync", "--innodb-doublewrite=0"]
    place = [f"--datadir={folder / 'data'}", f"--socket={address}", f"--port={port}", "--bind-address=127.0.0.1"]
    server = subprocess.Popen([str(_program("mariadbd")), "--no-defaults", *place, *fast], **_QUIET)
    try:
        _wait_for(address, server)
        yield f"mysql+pymysql://gateway_tests:{_PASSWORD}@127.0.0.1:{port}/mysql"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


@pytest.fixture
def mysql_url(mysql_server: str) -> Iterator[str]:
    """The URL of a database made for this test, as its administrator."""
    with new_database(mysql_server) as url:
        yield url


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of an empty database, as its administrator."""
    name = f"test_{secrets.token_hex(6)}"
    execute(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        execute(server, f"DROP DATABASE {name}")


@contextmanager
def reader_of(url: str) -> Iterator[str]:
    """The URL of a database as a user who may SELECT and nothing else."""
    parsed = make_url(url)
    name, password = f"reader_{secrets.token_hex(6)}", secrets.token_hex(16)
    lines = READER.read_text(encoding="utf-8").replace("gateway_reader", name).splitlines()
    grant = "\n".join(line for line in lines if not line.startswith("--"))
    execute(url, f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'", grant)
    try:
        yield parsed.set(username=name, password=password).render_as_string(hide_password=False)
    finally:
        execute(url, f"DROP USER {name}@'%'")


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A connection of the driver itself."""
    import pymysql

    parsed = make_url(url)
    with closing(
        pymysql.connect(
            host=str(parsed.host),
            port=parsed.port or 3306,
            user=parsed.username,
            password=parsed.password or "",
            database=parsed.database,
            charset="utf8mb4",
            autocommit=True,
        )
    ) as connection:
        yield connection


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements; the rows of the last one."""
    rows: list[tuple[Any, ...]] = []
    with connected(url) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            rows = list(cursor.fetchall())
    return rows


def _program(name: str) -> str | None:
    return shutil.which(name, path=_PLACES)


def _wait_for(address: Path, server: subprocess.Popen[bytes]) -> None:
    """Until the server answers; when it is new, give the tests a user of their own and take root's open door away."""
    import pymysql

    end = time.monotonic() + 30
    while True:
        try:
            with closing(socket.socket(socket.AF_UNIX)) as probe:  # PyMySQL leaves open what it cannot connect
                probe.connect(str(address))
            break
        except OSError:
            if time.monotonic() > end or server.poll() is not None:
                raise
            time.sleep(0.05)  # a poll of another process, not a wait for luck
    with (
        suppress(pymysql.err.OperationalError),
        closing(pymysql.connect(unix_socket=str(address), user="root")) as root,
    ):
        cursor = root.cursor()
        cursor.execute(f"CREATE USER gateway_tests@'%' IDENTIFIED BY '{_PASSWORD}'")
        cursor.execute("GRANT ALL ON *.* TO gateway_tests@'%' WITH GRANT OPTION")
        cursor.execute("DROP USER root@localhost")
