"""deploy/: the servers are pinned, local and without a password in clear; what sets them up works on real ones.

The compose file itself has not run here: there is no Docker. MongoDB's script needs mongosh and has not run either.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
import yaml
from sqlalchemy import URL, make_url

from gateway.settings import load
from tests.gateway.test_cli import demand_parses
from tests.mariadb import connected, execute, mysql_server, mysql_url
from tests.postgres import postgres_binaries, postgres_server, postgres_url

__all__ = ["mysql_server", "mysql_url", "postgres_server", "postgres_url"]

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
README = (DEPLOY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_local_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?", service["image"])
    assert service["ports"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["healthcheck"]["test"]
    assert any(volume.partition(":")[0] in COMPOSE["volumes"] for volume in service["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_password_is_a_file_s(name: str) -> None:
    service = SERVICES[name]
    for variable, value in service["environment"].items():
        if "PASSWORD" in variable:
            assert variable.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert set(service["secrets"]) == set(COMPOSE["secrets"])


def test_every_mounted_file_is_there() -> None:
    mounted = [volume.split(":") for service in SERVICES.values() for volume in service["volumes"] if volume[0] == "."]
    assert {Path(source).name for source, _, _ in mounted} == {"init.sh", "init.js", "reader.sql"}
    for source, _, mode in mounted:
        assert (DEPLOY / source).is_file()
        assert mode == "ro"


def test_the_configuration_reads_what_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every URL names the reader, a service's port and a database that this makes."""
    monkeypatch.setenv("READER_PASSWORD", "x")
    sources = load(DEPLOY / "gateway.toml").sources
    urls = [make_url(str(url)) for each in sources for url in (each.url, each.options.get("notes_url")) if url]
    ports = {int(port.split(":")[1]) for service in SERVICES.values() for port in service["ports"]}
    assert {url.port for url in urls} == ports
    assert {url.username for url in urls} == {"gateway_reader"}
    made = "".join(path.read_text(encoding="utf-8") for path in (DEPLOY / "compose.yaml", DEPLOY / "postgres/init.sh"))
    assert all(str(url.database) in made for url in urls)


@pytest.mark.parametrize("line", re.findall(r"^fhir-gateway .+", README, re.MULTILINE))
def test_the_commands_parse(line: str) -> None:
    demand_parses(line)


def _run(script: str, folder: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """An init script with the passwords `owner` and `reader` of a folder."""
    places = os.pathsep.join([os.environ["PATH"], *([str(binaries)] if (binaries := postgres_binaries()) else [])])
    if shutil.which(program, path=places) is None:
        pytest.skip(f"{program} (apt-get install {script.replace('postgres', 'postgresql')}-client)")
    files = {"READER_PASSWORD_FILE": str(folder / "reader"), "READER_SQL": str(DEPLOY / script / "reader.sql")}
    return subprocess.run(
        ["/bin/sh", str(DEPLOY / script / "init.sh")],
        env={"PATH": places, **files, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_mariadb_is_set_up(mysql_url: str, tmp_path: Path) -> None:
    """The reader may read what is made later, and not write it."""
    url, password = make_url(mysql_url), secrets.token_hex(16)
    (tmp_path / "owner").write_text(str(url.password))
    (tmp_path / "reader").write_text(f"{password}\n")
    place = {"MYSQL_HOST": str(url.host), "MYSQL_TCP_PORT": str(url.port or 3306)}
    made = {"MARIADB_ROOT_PASSWORD_FILE": str(tmp_path / "owner"), "MARIADB_DATABASE": str(url.database)}
    try:
        done = _run("mariadb", tmp_path, "mariadb", ADMINISTRATOR=str(url.username), **place, **made)
        assert (done.returncode, done.stderr) == (0, "")
        execute(mysql_url, "CREATE TABLE later (id INTEGER)", "INSERT INTO later VALUES (1)")
        reader = url.set(username="gateway_reader", password=password).render_as_string(hide_password=False)
        assert execute(reader, "SELECT id FROM later") == [(1,)]
        with connected(reader) as connection, pytest.raises(pymysql.err.OperationalError):
            connection.cursor().execute("DELETE FROM later")
    finally:
        execute(mysql_url, "DROP USER IF EXISTS gateway_reader@'%'")


@pytest.mark.parametrize("password", ["it's", "", "a;b"])
def test_mariadb_takes_no_password_that_is_sql(password: str, tmp_path: Path) -> None:
    (tmp_path / "owner").touch()
    (tmp_path / "reader").write_text(password)
    named = {"MARIADB_ROOT_PASSWORD_FILE": str(tmp_path / "owner"), "MARIADB_DATABASE": "x"}
    done = _run("mariadb", tmp_path, "sh", MYSQL_HOST="127.0.0.1", MYSQL_TCP_PORT="1", **named)
    assert done.returncode == 1
    assert "not of letters and digits" in done.stderr


def test_postgresql_is_set_up(postgres_url: str, tmp_path: Path) -> None:
    """Two databases; the reader may read what the owner makes later, also in a new schema, and not write it."""
    url, password = make_url(postgres_url), "it's;a\\secret"
    (tmp_path / "reader").write_text(password)
    place = {"PGHOST": str(url.host), "PGPORT": str(url.port or 5432), "PGPASSWORD": str(url.password)}
    owner = url.set(drivername="postgresql")
    try:
        done = _run(
            "postgres", tmp_path, "psql", POSTGRES_USER=str(url.username), POSTGRES_DB=str(url.database), **place
        )
        assert (done.returncode, done.stderr) == (0, "")
        for database in (str(url.database), "healthdb"):
            _demand_readable(owner.set(database=database), password)
    finally:
        with psycopg.connect(_text(owner), autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS healthdb WITH (FORCE)")
            connection.execute("DROP OWNED BY gateway_reader; DROP ROLE gateway_reader")


def _demand_readable(owner: URL, password: str) -> None:
    with psycopg.connect(_text(owner), autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA later; CREATE TABLE later.rows (id INTEGER); INSERT INTO later.rows VALUES (1)"
        )
    reader = owner.set(username="gateway_reader", password=password)
    with psycopg.connect(_text(reader), autocommit=True) as connection:
        assert connection.execute("SELECT id FROM later.rows").fetchall() == [(1,)]
        for statement in ("DELETE FROM later.rows", "CREATE TABLE mine (id INTEGER)", "CREATE SCHEMA mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
