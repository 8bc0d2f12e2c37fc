"""A real server under hostile requests: no failure of ours, no hang, and every refusal is an OperationOutcome."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from time import perf_counter
from xml.etree import ElementTree as ET

import pytest

from tests.gateway.hostile import Attack, Attacker
from tests.gateway.serving import serving

LONGEST = 2.0
"""Seconds."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as base:
        yield base.split("/")[2]


def exchange(host: str, wire: bytes, method: str) -> tuple[int, str, bytes, float]:
    """Status, media type and body of the answer, and the seconds until it was there."""
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        started = perf_counter()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused before it was sent to its end
            connection.sendall(wire)
        response = HTTPResponse(connection, method=method)
        response.begin()
        body = response.read()
        return response.status, response.headers.get_content_type(), body, perf_counter() - started


def complaint(host: str, attack: Attack) -> str | None:
    """What is wrong with the answer."""
    status, media_type, body, seconds = exchange(host, attack.wire(host), attack.method)
    if seconds > LONGEST:  # of a busy machine the server is innocent
        seconds = exchange(host, attack.wire(host), attack.method)[-1]
    if seconds > LONGEST:
        return f"{seconds:.1f} s"
    if status >= 500 or b'"status":"5' in body:
        return f"{status}: {body[:300]!r}"
    if status >= 400 and attack.method != "HEAD" and not is_outcome(media_type, body):
        return f"{status} without an OperationOutcome: {body[:300]!r}"
    return None


def is_outcome(media_type: str, body: bytes) -> bool:
    if not body:
        return False
    if media_type.endswith("xml"):
        return ET.fromstring(body).tag == "{http://hl7.org/fhir}OperationOutcome"
    return json.loads(body)["resourceType"] == "OperationOutcome"


def withstand(host: str, seed: int, attacks: int) -> None:
    attacker = Attacker(seed)
    found = {}
    for _ in range(attacks):
        attack = attacker.attack()
        if (wrong := complaint(host, attack)) is not None:
            found[attack.wire(host)[:2_000]] = wrong
    assert found == {}


def test_hostile_requests(host: str) -> None:
    """Foul encodings, NUL, long values, deep chains, SQL, stray escapes, strange headers, giant and nested bodies."""
    withstand(host, seed=1, attacks=800)


@pytest.mark.soak
def test_many_hostile_requests(host: str) -> None:
    """The same, 5,000 of them."""
    withstand(host, seed=2, attacks=5_000)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\r\n\r\n",
        b"GET",
        b"GET /fhir/Patient\r\n\r\n",
        b"GET /fhir/Patient HTTP/9.9\r\n\r\n",
        b"GET /fhir/Patient?name=\xff\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b'GET /fhir/Patient?name="<>" HTTP/1.1\r\nHost: x\r\n\r\n',
        b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
        b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX: a\r\n" + b"Y: b\r\n" * 5_000 + b"\r\n",
        b"GET /fhir/Patient?" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nname=a\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500,
    ],
    ids=lambda wire: repr(wire[:40]),
)
def test_what_is_no_http(host: str, wire: bytes) -> None:
    """Is refused by the HTTP server, or its connection is closed; the next request is answered."""
    name, _, port = host.partition(":")
    head, started = b"", perf_counter()
    with socket.create_connection((name, int(port)), timeout=10) as connection, contextlib.suppress(OSError):
        connection.sendall(wire)
        connection.shutdown(socket.SHUT_WR)
        head = connection.recv(12)
    assert perf_counter() - started < LONGEST
    assert not head.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))
    status, _, body, seconds = exchange(host, Attack("GET", "/fhir/Patient/patient-1", (), b"").wire(host), "GET")
    assert (status, json.loads(body)["id"]) == (200, "patient-1")
    assert seconds < LONGEST
