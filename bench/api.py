"""(a) The API over HTTP against the ceiling: the same server and Flask, returning constant bytes.

Rounds of gateway and ceiling alternate, so that what else the machine does meets both.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cases import Case, cases
from bench.load import HOST, Measured, ask, load
from bench.processes import CommandError, children, cpu_seconds, running
from bench.report import Goal, Section
from bench.stores import Hospitals, synced

PATIENTS = 64_000
WORKERS, THREADS = 2, 16
"""The gateway's defaults."""
_CONNECTIONS = 32
_PER_CONNECTION = {"date", "content-length", "connection", "server"}
_METHOD = """{patients:,} patients of {sources} with their records, {size:.1f} GB in SQLite; granian with
{workers} workers of {threads} threads each; the gateway with its default settings, its log included. Ceiling: the same
server with Flask returning constant bytes of the same size under the same headers. Throughput on {connections}
keep-alive connections (an epoll loop over raw sockets, in Python); CPU is user and system time of the server's
processes for one answer; latencies on one connection. Ratios are the gateway's share of the ceiling; 1 = as quick."""


@dataclass(slots=True)
class Figures:
    """One case on one server, an entry a round."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Seconds an answer."""
    median: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    """ms on one connection."""


class Server:
    """A server under load."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pids = [pid, *children(pid)]
        """The main process, then the workers."""

    def measure(self, paths: list[str], seconds: float, into: Figures, connections: int = _CONNECTIONS) -> None:
        """One round: throughput, then latency."""
        before = cpu_seconds(self.pids)
        loaded: Measured = load(self.port, paths, connections, seconds)
        into.cpu.append((cpu_seconds(self.pids) - before) / loaded.answers)
        into.rates.append(loaded.rate)
        alone = load(self.port, paths, 1, seconds / 2)
        into.median.append(alone.quantile(0.5))
        into.p99.append(alone.quantile(0.99))


def bench(rounds: int, seconds: float, patients: int = PATIENTS) -> Section:
    """Measure all cases."""
    made = synced(patients)
    with ExitStack() as stack:
        gateway = stack.enter_context(serving(gateway_command(made.config)))
        asked = cases(made.store, gateway.port)
        folder = Path(stack.enter_context(TemporaryDirectory()))
        constants = folder / "constants.json"
        constants.write_text(json.dumps({f"c{at}": _constant(gateway.port, case) for at, case in enumerate(asked)}))
        command = [sys.executable, "-m", "bench.ceiling", "{port}", str(WORKERS), str(THREADS), str(constants)]
        ceiling = stack.enter_context(serving(command, "/c0"))
        found = []
        for at, case in enumerate(asked):
            print(f"http: {case.name}", file=sys.stderr, flush=True)
            pair = Figures(), Figures()
            load(gateway.port, case.paths, _CONNECTIONS, seconds / 2)  # caches fill, statements compile
            for _ in range(rounds):
                ceiling.measure([f"/c{at}"], seconds, pair[0])
                gateway.measure(case.paths, seconds, pair[1])
            found.append((case, *pair))
    return _section(made, found)


def gateway_command(config: Path) -> list[str]:
    """The gateway as an operator starts it."""
    sized = ["--workers", str(WORKERS), "--threads", str(THREADS)]
    return [sys.executable, "-m", "gateway.cli", "serve", "--config", str(config), "--port", "{port}", *sized]


@contextmanager
def serving(command: list[str], path: str = "/fhir/metadata") -> Iterator[Server]:
    """A server that answers; `{port}` in its command becomes a free one."""
    port = free_port()
    with running([part.replace("{port}", str(port)) for part in command]) as process:
        for _ in range(2000):
            try:
                ask(port, path)
            except OSError:
                if process.poll() is not None:
                    raise CommandError(f"{' '.join(command)}: exit code {process.returncode}") from None
                time.sleep(0.005)
            else:
                break
        else:
            raise CommandError(f"{' '.join(command)}: does not answer")
        yield Server(port, process.pid)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _constant(port: int, case: Case) -> dict[str, object]:
    """The answer of median size among the first ones, with its headers."""
    answers = sorted((ask(port, path) for path in case.paths[:25]), key=lambda answer: len(answer[1]))
    head, body = answers[len(answers) // 2]
    lines = (line.partition(": ")[::2] for line in head.decode("latin-1").split("\r\n")[1:])
    headers = [(name, value) for name, value in lines if name.lower() not in _PER_CONNECTION]
    return {"headers": headers, "body": body.decode()}


def _section(made: Hospitals, found: list[tuple[Case, Figures, Figures]]) -> Section:
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for case, ceiling, gateway in found:
        rate, ceiling_rate = statistics.median(gateway.rates), statistics.median(ceiling.rates)
        ratio = statistics.median(mine / theirs for mine, theirs in zip(gateway.rates, ceiling.rates, strict=True))
        by_cpu = statistics.median(theirs / mine for mine, theirs in zip(gateway.cpu, ceiling.cpu, strict=True))
        median, p99 = statistics.median(gateway.median), statistics.median(gateway.p99)
        rows.append(
            (
                case.name,
                f"{ceiling_rate:,.0f}",
                f"{rate:,.0f}",
                f"{ratio:.2f}",
                f"{statistics.median(gateway.cpu) * 1e6:.0f}",
                f"{by_cpu:.2f}",
                f"{median:.2f}",
                f"{p99:.2f}",
                f"{statistics.median(ceiling.median):.2f}",
            )
        )
        if case.goal is not None:
            figure = f"{ratio:.2f} ({by_cpu:.2f} by CPU)"
            goals.append(
                Goal(f"{case.name}, of the ceiling", f"≥ {case.goal:.2f}", figure, min(ratio, by_cpu) >= case.goal)
            )
        goals += case.latency_goals(median, p99)
    columns = (
        "request",
        "ceiling/s",
        "gateway/s",
        "ratio",
        "CPU µs",
        "ratio by CPU",
        "median ms",
        "p99 ms",
        "ceiling's median ms",
    )
    method = _METHOD.format(
        patients=made.patients,
        sources=", ".join(made.sources),
        size=made.store.stat().st_size / 1e9,
        workers=WORKERS,
        threads=THREADS,
        connections=_CONNECTIONS,
    )
    return Section("HTTP", method, columns, rows, goals)
