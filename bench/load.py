"""The load generator: keep-alive connections on one thread, each with one request under way, over raw sockets.

It shares the cores with the server that it asks. Every answer is read whole and must be 200.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter

HOST = "127.0.0.1"
_LENGTH = b"content-length:"


class AnswerError(Exception):
    """The server has answered with something else than what is measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a stretch of load has shown."""

    answers: int
    seconds: float
    latencies: list[float]
    """Of each answer in seconds, ascending."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def quantile(self, share: float) -> float:
        """The latency that this share of the answers keeps, in ms."""
        return self.latencies[min(int(share * len(self.latencies)), len(self.latencies) - 1)] * 1000


def ask(port: int, path: str) -> tuple[bytes, bytes]:
    """(head, body) of one answer."""
    with socket.create_connection((HOST, port)) as connection:
        connection.sendall(_request(port, path))
        return _received(connection)


def load(port: int, paths: Sequence[str], connections: int, seconds: float) -> Measured:
    """Ask for the paths in turn on every connection for about `seconds`."""
    requests = cycle([_request(port, path) for path in paths])
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(connections):
            connection = stack.enter_context(socket.create_connection((HOST, port)))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
        return _measured(selector, requests, seconds)


def ask_in_turn(asked: Sequence[tuple[int, Sequence[str]]], turn: int) -> list[Measured]:
    """Ask servers (port, paths) for each path once, on one connection each: so many of one, then of the next ...

    What else the machine does meanwhile is shared by all.
    """
    latencies: list[list[float]] = [[] for _ in asked]
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection((HOST, port))) for port, _ in asked]
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, max(len(paths) for _, paths in asked), turn):
            for (port, paths), connection, into in zip(asked, connections, latencies, strict=True):
                for request in [_request(port, path) for path in paths[start : start + turn]]:
                    sent = perf_counter()
                    connection.sendall(request)
                    _received(connection)
                    into.append(perf_counter() - sent)
    return [Measured(len(each), sum(each), sorted(each)) for each in latencies]


def _measured(selector: selectors.BaseSelector, requests: Iterator[bytes], seconds: float) -> Measured:
    asked: dict[int, float] = {}
    latencies: list[float] = []
    started = perf_counter()
    for key in selector.get_map().values():
        asked[key.fd] = perf_counter()
        key.fileobj.send(next(requests))  # type: ignore[union-attr]
    end = started + seconds
    while asked:
        for key, _ in selector.select():
            _received(key.fileobj)  # type: ignore[arg-type]
            now = perf_counter()
            latencies.append(now - asked[key.fd])
            if now < end:
                asked[key.fd] = now
                key.fileobj.send(next(requests))  # type: ignore[union-attr]
            else:
                del asked[key.fd]
    return Measured(len(latencies), perf_counter() - started, sorted(latencies))


def _request(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept: application/fhir+json\r\n\r\n".encode()


def _received(connection: socket.socket) -> tuple[bytes, bytes]:
    data = connection.recv(1 << 18)
    while (end := data.find(b"\r\n\r\n")) < 0:
        if not (more := connection.recv(1 << 18)):
            raise AnswerError("the server has hung up")
        data += more
    head = data[:end].lower()
    if not head.startswith(b"http/1.1 200"):
        raise AnswerError(data[:end].decode("latin-1"))
    at = head.index(_LENGTH) + len(_LENGTH)
    missing = int(head[at:].split(b"\r\n", 1)[0]) + end + 4 - len(data)
    while missing > 0:
        if not (more := connection.recv(missing)):
            raise AnswerError("the server has hung up")
        data += more
        missing -= len(more)
    return data[:end], data[end + 4 :]
