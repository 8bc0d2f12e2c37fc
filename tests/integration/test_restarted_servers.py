"""A server that is stopped and started again: one clear line while it is away, and everything goes on when it is back.

Private servers are stopped, so what the environment names is not used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from bson.json_util import loads

from his_adapters.base import SourceConfig, SourceName
from his_adapters.central_records import simulated_database as central_records
from his_adapters.chirona import simulated_database as chirona
from tests import mariadb, mongodb, postgres
from tests.gateway.served import free_port
from tests.his_adapters.contract import simulated
from tests.integration.databases import hidden, run


@contextmanager
def _mysql(url: str, folder: Path, environment: pytest.MonkeyPatch) -> Iterator[str]:
    with mariadb.new_database(url) as owner, mariadb.reader_of(owner) as reader:
        central_records.fill(SourceConfig(SourceName("simulated"), "central_records", url=owner), folder, "seed")
        yield f'adapter = "central_records"\nurl = "{hidden("READER", reader, environment)}"\n'


@contextmanager
def _postgresql(url: str, folder: Path, environment: pytest.MonkeyPatch) -> Iterator[str]:
    with postgres.new_database(url) as owner, postgres.reader_of(owner) as reader:
        chirona.fill(SourceConfig(SourceName("simulated"), "chirona", url=owner), folder, "seed")
        yield f'adapter = "chirona"\nurl = "{hidden("READER", reader, environment)}"\n'


@contextmanager
def _mongodb(url: str, folder: Path, environment: pytest.MonkeyPatch) -> Iterator[str]:
    """With the tables in their file."""
    notes = folder / "clinical_notes.ndjson"
    with mongodb.new_database(url) as owner, mongodb.reader_of(owner) as reader:
        with mongodb.database_of(owner) as database:
            database["clinical_notes"].insert_many([loads(line) for line in notes.read_text().splitlines()])
        options = f'options = {{ notes_url = "{hidden("READER", reader, environment)}" }}'
        yield f'adapter = "hybrid_ehr"\npath = "{folder}"\n{options}\n'


SERVERS = [
    pytest.param(mariadb, "central_records", _mysql, id="MySQL"),
    pytest.param(postgres, "chirona", _postgresql, id="PostgreSQL"),
    pytest.param(mongodb, "hybrid_ehr", _mongodb, id="MongoDB"),
]


@pytest.mark.parametrize(("engine", "source", "filled"), SERVERS)
def test_a_server_that_restarts(
    engine: Any,
    source: str,
    filled: Callable[[str, Path, pytest.MonkeyPatch], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is deleted, nothing gets a new version, and the state of the streams is what it was."""
    simulated(source, tmp_path / "store", "seed")
    config, port = tmp_path / "gateway.toml", free_port()

    def synced() -> tuple[int, dict[str, Any], str]:
        done = run("sync", "--config", str(config), "--json", "--as-of", "2026-01-15")
        return done.exit_code, json.loads(done.stdout)["sources"][0], done.stderr

    def known() -> dict[str, Any]:
        (state,) = json.loads(run("sources", "--config", str(config), "--json").stdout)
        return state

    with engine.private_folder() as folder, ExitStack() as rights:
        with engine.served(folder, port) as url:
            toml = rights.enter_context(filled(url, tmp_path / "store", monkeypatch))
            config.write_text(f'[[source]]\nname = "site"\ntimezone = "Asia/Kolkata"\n{toml}')
            code, first, _ = synced()
            assert code == 0
            before = known()

        code, away, said = synced()
        assert (code, away["created"], away["deleted"]) == (1, 0, 0)
        assert (said.count("\n"), "no server answers" in said) == (1, True)
        assert known()["status"] == "transient"
        assert [known()[name] for name in ("rows", "resources", "synced_at")] == [
            before[name] for name in ("rows", "resources", "synced_at")
        ]

        with engine.served(folder, port):
            code, again, said = synced()
            rights.close()
    assert (code, said) == (0, "")
    assert [again[name] for name in ("read", "created", "changed", "deleted")] == [first["read"], 0, 0, 0]
    assert [known()[name] for name in ("status", "resources")] == ["ok", before["resources"]]
