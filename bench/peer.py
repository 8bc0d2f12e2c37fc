"""(h) Another FHIR server in Python over the same Patients: sekmet-fhir, from PyPI, in an environment of its own.

`make bench` leaves it out: it needs PyPI.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import environments, stores
from bench.api import PATIENTS, Figures, Server, gateway_command, serving
from bench.cases import Case, cases
from bench.load import HOST, ask
from bench.processes import CommandError
from bench.report import Goal, Section

NAME, VERSION = "sekmet-fhir", "0.1.1"
TITLE = "Beside another server"
GOAL = 10
_CASE = "family prefix"
_BATCH = 500
_COMPARED = 50
_METHOD = """{date}. {patients:,} Patients of all sources in both servers, in the gateway with all their other
records, in the other one alone. {name} {version} as it is installed from PyPI, its validation, simulator and log of
traffic switched off; it runs in one process, the gateway in two. Searches by prefixes of family names with about ten
hits, on one keep-alive connection: while it searches, {name} leaves the others waiting until it hangs up on them.
Of {compared} searches {same} found as many Patients in both."""


def bench(rounds: int, seconds: float, patients: int = PATIENTS) -> Section:
    """Measure the same searches on both servers, in turn."""
    made = stores.synced(patients)
    with serving(gateway_command(made.config)) as gateway, _peer(made) as peer:
        case = next(each for each in cases(made.store, gateway.port) if each.name.startswith(_CASE))
        compared = case.paths[:_COMPARED]
        same = sum(_total(gateway.port, path) == _total(peer.port, path) for path in compared)
        pair = Figures(), Figures()
        for at in range(rounds):
            print(f"peer: round {at + 1}", file=sys.stderr, flush=True)
            for server, figures in zip((gateway, peer), pair, strict=True):
                server.measure(case.paths, seconds, figures, connections=1)
    method = _METHOD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        patients=made.patients,
        name=NAME,
        version=VERSION,
        compared=len(compared),
        same=same,
    )
    return section(method, case, *pair)


@contextmanager
def _peer(made: stores.Hospitals) -> Iterator[Server]:
    """The other server with all Patients of a store."""
    command = str(environments.installed(f"{NAME}=={VERSION}") / "sekmet")
    with TemporaryDirectory(dir=stores.DATA, prefix="peer-") as folder:
        settings = Path(folder) / "settings.yaml"
        chosen = {"data_dir": folder, "log_inbound": False, "validation": {"inbound": "off"}}
        settings.write_text(json.dumps({**chosen, "simulator": {"enabled": False}}))  # JSON is YAML
        with serving([command, "serve", "--config", str(settings), "--host", HOST, "--port", "{port}"]) as server:
            print(f"peer: giving {made.patients:,} Patients to {NAME} ...", file=sys.stderr, flush=True)
            _give(server.port, _patients(made.store))
            yield server


def _patients(store: Path) -> Iterator[tuple[str, bytes]]:
    for batch in stores.resources(store, _BATCH):
        yield from ((resource_id, body) for kind, resource_id, body in batch if kind == "Patient")


def _give(port: int, patients: Iterator[tuple[str, bytes]]) -> None:
    while batch := list(islice(patients, _BATCH)):
        connection = HTTPConnection(HOST, port)  # it hangs up on one that has been silent for some seconds
        entries = (
            b'{"request":{"method":"PUT","url":"Patient/%s"},"resource":%s}' % (resource_id.encode(), body)
            for resource_id, body in batch
        )
        bundle = b'{"resourceType":"Bundle","type":"transaction","entry":[%s]}' % b",".join(entries)
        connection.request("POST", "/fhir", bundle, {"Content-Type": "application/fhir+json"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise CommandError(f"{NAME}: status {answer.status}\n{body[:500].decode()}")


def _total(port: int, path: str) -> int:
    return int(json.loads(ask(port, path)[1])["total"])


def section(method: str, case: Case, gateway: Figures, peer: Figures) -> Section:
    """The figures of both servers."""
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{statistics.median(figures.rates):,.0f}",
            f"{statistics.median(figures.cpu) * 1e6:,.0f}",
            f"{statistics.median(figures.median):.2f}",
            f"{statistics.median(figures.p99):.2f}",
        )
        for name, figures in (("gateway", gateway), (f"{NAME} {VERSION}", peer))
    ]
    times = statistics.median(mine / theirs for mine, theirs in zip(gateway.rates, peer.rates, strict=True))
    goal = Goal(f"{TITLE}, {case.name}, times {NAME} {VERSION}", f"≥ {GOAL}", f"{times:.0f}", times >= GOAL)
    columns = ("server", "searches/s", "CPU µs", "median ms", "p99 ms")
    return Section(TITLE, method, columns, rows, [goal])
