"""A real server on loopback, asked by real clients: fhirpy, fhirclient and plain HTTP."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import orjson
import pytest
import requests
from fhirclient import client as smart
from fhirclient.models.encounter import Encounter
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ResourceNotFound

from tests.gateway.interactions.served import PATIENTS
from tests.gateway.serving import serving
from tests.node_programs import run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`fhir-gateway serve` over the world; it says when it answers and ends cleanly."""
    with serving(tmp_path_factory.mktemp("server")) as base:
        yield base


def test_fhirpy_pages_through_everything(server: str) -> None:
    """fhirpy follows our links to the end and finds every encounter once."""
    client = SyncFHIRClient(server)
    ids = [each.id for each in client.resources("Encounter").sort("-date").limit(70)]
    assert len(ids) == len(set(ids)) == 2 * PATIENTS
    assert client.resources("Patient").search(family="Jones").count() == PATIENTS // 5
    assert client.reference("Patient", "patient-1").to_resource()["birthDate"] == "1951-02-11"
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", "nobody").to_resource()


def test_fhirclient_reads_and_searches(server: str) -> None:
    """fhirclient accepts our CapabilityStatement, resources and bundles as valid."""
    client = smart.FHIRClient(settings={"app_id": "test", "api_base": server})
    client.prepare()
    assert Patient.read("patient-1", client.server).name[0].family == "Smythe"
    found = Encounter.where({"patient": "patient-3"}).perform_resources_iter(client.server)
    assert sorted(each.id for each in found) == ["visit-3-1", "visit-3-2"]


def test_fhir_kit_client_finds_its_way(server: str) -> None:
    """npm's fhir-kit-client reads, searches, pages both ways, sends batches and operations, understands refusals."""
    (seen,) = run("client.js", server)
    assert seen == {
        "version": "4.0.1",
        "read": "1951-02-11",
        "vread": "1",
        "total": PATIENTS // 5,
        "pages": 20,
        "back": True,
        "posted": True,
        "compartment": ["visit-3-1", "visit-3-2"],
        "system": ["patient-1", "visit-1-1"],
        "batch": ["200 OK", "404 Not Found"],
        "everything": 8,  # the Provenance of the Patient among them
        "posting": 8,
        "history": 3,
        "resource": "patient-1",
        "unknown": {"status": 404, "type": "OperationOutcome", "code": "not-found"},
        "deleted": {"status": 410, "type": "OperationOutcome", "code": "deleted"},
        "invalid": {"status": 400, "type": "OperationOutcome", "code": "invalid"},
        "create": {"status": 405, "type": "OperationOutcome", "code": "not-supported"},
    }


def test_head_keeps_the_length(server: str) -> None:
    """A HEAD through the real server has GET's Content-Length and no body, and the connection stays usable."""
    with requests.Session() as session:
        get = session.get(f"{server}/Patient/patient-1", timeout=10)
        head = session.head(f"{server}/Patient/patient-1", timeout=10)
        assert head.headers["Content-Length"] == str(len(get.content))
        assert head.content == b""
        assert session.get(f"{server}/Patient/patient-1", timeout=10).content == get.content
        unchanged = session.get(
            f"{server}/Patient/patient-1", headers={"If-None-Match": get.headers["ETag"]}, timeout=10
        )
        assert unchanged.status_code == 304


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/fhir/Patient/%FF", 400),
        ("/fhir/Patient?family=%C3%28", 400),
        ("/fhir/Patient?family=M%C3%BCller", 200),
        ("/fhir/Patient/../../etc/passwd", 404),
        ("/fhir/Patient/..%2f..%2fetc%2fpasswd", 404),
        ("/docs/..%2f..%2f__init__.py", 404),
    ],
)
def test_raw_targets(server: str, target: str, status: int) -> None:
    """What clients normalize before sending is sent as it is."""
    connection = http.client.HTTPConnection(server.split("/")[2], timeout=10)
    connection.request("GET", target)
    response = connection.getresponse()
    body = orjson.loads(response.read())
    connection.close()
    assert response.status == status
    assert body["resourceType"] == ("Bundle" if status == 200 else "OperationOutcome")


def test_a_chunked_form(server: str) -> None:
    """A form without Content-Length is read too."""
    response = requests.post(
        f"{server}/Patient/_search",
        data=iter([b"family=Jo", b"nes&_summary=count"]),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        timeout=10,
    )
    assert response.json()["total"] == PATIENTS // 5


def test_a_form_that_is_cut_short(server: str) -> None:
    """Half a name would find more people than the whole: it is refused."""
    host, _, port = server.split("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 12\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nfamily=Jo"
        )
        connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 400
        assert orjson.loads(response.read())["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_are_refused(server: str, method: str) -> None:
    """A write is 405 whatever its body, and the connection stays usable."""
    with requests.Session() as session:
        refused = session.request(method, f"{server}/Patient/patient-1", data=b"x" * 500_000, timeout=10)
        assert refused.status_code == 405
        assert refused.headers["Allow"] == "GET, HEAD"
        assert session.get(f"{server}/Patient/patient-1", timeout=10).status_code == 200


def test_slow_clients_do_not_stop_others(server: str) -> None:
    """While 40 clients keep the rest of their forms back, what has no body is answered, and forms soon refused."""
    host, _, port = server.split("/")[2].partition(":")
    with ExitStack() as stack:
        for _ in range(40):
            slow = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            slow.sendall(
                b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 12\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nfamily=Jo"
            )
        statuses = []
        for _ in range(20):
            assert requests.get(f"{server}/Patient/patient-1", timeout=2).status_code == 200
            refused = requests.post(f"{server}/Patient/_search", data={"family": "Jones"}, timeout=2)
            statuses.append(refused.status_code)
            if refused.status_code == 429:
                assert refused.json()["issue"][0]["code"] == "throttled"
                assert refused.headers["Retry-After"] == "1"
        assert set(statuses) <= {200, 429}
        assert 429 in statuses
    afterwards = (requests.post(f"{server}/Patient/_search", data={"family": "Jones"}, timeout=2) for _ in range(100))
    assert any(each.status_code == 200 for each in afterwards)  # as soon as the server has seen that they are gone
