"""(e) Who a described person may be: `Patient/$match` over HTTP and in process, against the hospitals' people.

Every question is what one of the records says, without its identifiers and its id. $BENCH_MATCH_RECORDS makes it
smaller.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from time import perf_counter

import orjson

from bench import stores
from bench.api import serving
from bench.identity.population import patients
from bench.latencies import read_through
from bench.load import HOST, AnswerError
from bench.processes import anonymous_bytes
from bench.report import Goal, Section
from bench.stores import digest_of
from gateway.identity.crosswalk import Authority, Crosswalk
from gateway.identity.matching import match
from gateway.identity.roster import Roster, notes
from gateway.identity.tables import TABLES
from gateway.identity.traits import from_patient
from gateway.store import Store
from gateway.store.sql import WriterSql
from gateway.sync.content import content
from mappers.base import Resource

RECORDS = 1_000_000
SEED = 103
QUESTIONS = 2_000
WARM_UP = 200
_BATCH = 5_000
_CODE = ("his_adapters", "mappers", "gateway/store", "gateway/identity")
_TOLD = ("resourceType", "name", "telecom", "gender", "birthDate", "address")
_TRUTH = Authority("sync", "the simulation says so")
_METHOD = """{date}. {records:,} Patients of the eight simulated hospitals (seed {seed}) in SQLite, their persons as the
simulation knows them. {questions:,} questions, one after another: in process, and over HTTP on one keep-alive
connection to one worker of 16 threads. Milliseconds, and the share of the answers that hold the very record that was
asked for. The store's file has been read before, so that it lies in memory. The machine's load when the questions
began: {load:.1f}."""
TITLE = "Matching"

_Asked = Sequence[tuple[str, Resource]]
"""The id of a record, and what it says."""


@dataclass(slots=True)
class _Figures:
    """What the questions cost and found."""

    took: list[float] = field(default_factory=list)
    """Milliseconds of each answer."""
    found: int = 0
    """Answers with the very record that the question was made of."""


def bench(records: int | None = None) -> Section:
    """Measure."""
    records = records or int(os.environ.get("BENCH_MATCH_RECORDS", RECORDS))
    folder = _filled(records)
    step = max(1, records // QUESTIONS)
    asked = [(patient["id"], _question(patient)) for patient, _ in islice(patients(SEED, records), 0, None, step)]
    load = os.getloadavg()[0]
    read_through(folder / "gateway.db")
    inside = _in_process(folder, asked)
    read_through(folder / "gateway.db")
    over_http, grown = _over_http(folder, asked)
    rows = [_row("in process", inside), _row("POST Patient/$match", over_http)]
    p99, p95 = _quantile(inside.took, 0.99), _quantile(over_http.took, 0.95)
    among = f"{TITLE}, among {records:,} records"
    goals = [
        Goal(f"{among}, in process, p99", "≤ 5 ms", f"{p99:.1f} ms", p99 <= 5),
        Goal(f"{among}, over HTTP on one worker, p95", "≤ 20 ms", f"{p95:.1f} ms", p95 <= 20),
        Goal(f"{among}, growth of the worker", "< 300 MB", f"{grown / 1e6:.0f} MB", grown < 300e6),
    ]
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    method = _METHOD.format(date=date, records=records, seed=SEED, questions=len(asked), load=load)
    return Section(TITLE, method, ("", "median", "p95", "p99", "mean", "finds the record"), rows, goals)


def _row(name: str, figures: _Figures) -> tuple[str, ...]:
    took = figures.took
    quantiles = [f"{_quantile(took, share):.2f}" for share in (0.5, 0.95, 0.99)]
    return name, *quantiles, f"{statistics.mean(took):.2f}", f"{figures.found / len(took):.1%}"


def _filled(records: int) -> Path:
    """A folder with the gateway's store of so many records; kept while the code that makes it stays."""
    folder = stores.DATA / f"match-{records}-{digest_of(_CODE)}"
    if not (folder / "done").exists():
        print(f"match: filling a store with {records:,} records ...", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
        persons: dict[str, str] = {}
        with Store.open(_url(folder), extra=TABLES) as store, store.writer() as writer:
            waiting = patients(SEED, records)
            while batch := list(islice(waiting, _BATCH)):
                with writer.batch():
                    sql = WriterSql(writer.connection)
                    crosswalk = Crosswalk(sql, writer.now)
                    keys = []
                    for patient, person in batch:
                        told, source = notes(patient), patient["meta"]["source"].rpartition(":")[2]
                        assert told is not None
                        if person in persons:
                            crosswalk.join(patient["id"], source, told.traits, persons[person], _TRUTH)
                        else:
                            persons[person] = crosswalk.start(patient["id"], source, told.traits, _TRUTH)
                        keys += [(value, crosswalk.numbers[patient["id"]]) for value in told.keys]
                        writer.create(source, [content(patient)])
                    crosswalk.flush()
                    Roster(sql).put(keys)
        (folder / "gateway.toml").write_text('[gateway]\nstore = "sqlite:///gateway.db"\n')
        (folder / "done").touch()
    return folder


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'gateway.db'}"


def _question(patient: Resource) -> Resource:
    return {name: patient[name] for name in _TOLD if name in patient}


def _in_process(folder: Path, asked: _Asked) -> _Figures:
    made = _Figures()
    with Store.open(_url(folder), extra=TABLES) as store:
        for _, each in asked[:WARM_UP]:
            match(store, from_patient({"id": "", **each}))
        for record, each in asked:
            started = perf_counter()
            answer = match(store, from_patient({"id": "", **each}))
            made.took.append((perf_counter() - started) * 1000)
            made.found += any(found.record == record for found in answer.matches)
    return made


def _over_http(folder: Path, asked: _Asked) -> tuple[_Figures, int]:
    """With the bytes of its own by which the worker has grown since it was asked first."""
    made = _Figures()
    command = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(folder / "gateway.toml")]
    with serving([*command, "--port", "{port}", "--workers", "1"]) as server:
        connection = HTTPConnection(HOST, server.port)
        before = sum(anonymous_bytes(pid) for pid in server.pids)
        for _, each in asked[:WARM_UP]:
            _ask(connection, orjson.dumps(each))
        for record, each in asked:
            body = orjson.dumps(each)
            started = perf_counter()
            answer = _ask(connection, body)
            made.took.append((perf_counter() - started) * 1000)
            made.found += any(entry["resource"].get("id") == record for entry in orjson.loads(answer).get("entry", ()))
        grown = sum(anonymous_bytes(pid) for pid in server.pids) - before
        connection.close()
    return made, grown


def _ask(connection: HTTPConnection, body: bytes) -> bytes:
    connection.request("POST", "/fhir/Patient/$match", body, {"Content-Type": "application/fhir+json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise AnswerError(f"$match: {response.status}: {answer[:200]!r}")
    return answer


def _quantile(found: Sequence[float], share: float) -> float:
    return sorted(found)[min(int(share * len(found)), len(found) - 1)]
