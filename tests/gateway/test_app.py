"""The server around the interactions: errors, headers, logs, pages and start-up."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway import outcomes
from gateway.app import MOST_BYTES, create_app, create_wsgi
from gateway.settings import Settings
from tests.gateway.interactions.conftest import outcome
from tests.gateway.interactions.served import served

READABLE = [
    "/fhir/metadata",
    "/fhir/_history?_count=3",
    "/fhir/Patient?family=Jones",
    "/fhir/Patient/_history?_count=3",
    "/fhir/Patient/patient-0",
    "/fhir/Patient/patient-0/_history",
    "/fhir/Patient/patient-0/_history/1",
    "/fhir/Patient/patient-0/$everything",
    "/fhir/Patient/nobody",
    "/fhir/Starship",
]
PERSONAL = ("Jones", "patient-0", "Given", "MR0000")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with served(tmp_path_factory.mktemp("served")) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/fhir+json"}


def decision(other: str) -> bytes:
    """The inputs of a decision about this one and another."""
    said = [{"name": name, "valueString": "a.reviewer"} for name in ("who", "why")]
    named = {"name": "other", "valueReference": {"reference": other}}
    return orjson.dumps({"resourceType": "Parameters", "parameter": [*said, named]})


ERRORS = {
    "400-value": ("GET", "/fhir/Patient?birthdate=junk", {}, b"", 400, "invalid"),
    "400-query-encoding": ("GET", "/fhir/Patient?family=%FF", {}, b"", 400, "invalid"),
    "400-nul": ("GET", "/fhir/Patient?family=%00", {}, b"", 400, "invalid"),
    "400-parameters": ("GET", "/fhir/Patient?" + "family=a&" * 300, {}, b"", 400, "invalid"),
    "400-form-encoding": ("POST", "/fhir/Patient/_search", FORM, b"family=%FF", 400, "invalid"),
    "400-empty": ("GET", "/fhir/Patient/_history?_since=", {}, b"", 400, "invalid"),
    "400-twice": ("GET", "/fhir/Patient/patient-0?_format=json&_format=xml", {}, b"", 400, "invalid"),
    "400-elements": ("GET", "/fhir/Patient/patient-0?_elements=name,", {}, b"", 400, "invalid"),
    "400-host": ("GET", "/fhir/Patient", {"Host": "evil.example.org"}, b"", 400, "invalid"),
    "404-path": ("GET", "/fhir/Patient/a/b/c/d", {}, b"", 404, "not-found"),
    "404-double-slash": ("GET", "/fhir//Patient", {}, b"", 404, "not-found"),
    "404-page": ("GET", "/nowhere", {}, b"", 404, "not-found"),
    "404-type": ("GET", "/fhir/Starship", {}, b"", 404, "not-supported"),
    "404-type-write": ("PUT", "/fhir/Starship/1", {}, b"{}", 404, "not-supported"),
    "404-type-plural": ("GET", "/fhir/Patients", {}, b"", 404, "not-supported"),
    "404-type-case": ("GET", "/fhir/patient/1", {}, b"", 404, "not-supported"),
    "404-operation": ("GET", "/fhir/Patient/patient-0/$everythin", {}, b"", 404, "not-found"),
    "404-system-operation": ("GET", "/fhir/$everything", {}, b"", 404, "not-found"),
    "404-not-an-id": ("GET", "/fhir/Patient/a_b", {}, b"", 404, "not-found"),
    "404-nul": ("GET", "/fhir/Patient/%00", {}, b"", 404, "not-found"),
    "404-id": ("GET", "/fhir/Patient/nobody", {}, b"", 404, "not-found"),
    "405-create": ("POST", "/fhir/Patient", {}, b"{}", 405, "not-supported"),
    "405-update": ("PUT", "/fhir/Patient/patient-0", {}, b"{}", 405, "not-supported"),
    "405-patch": ("PATCH", "/fhir/Patient/patient-0", {}, b"{}", 405, "not-supported"),
    "405-delete": ("DELETE", "/fhir/Patient/patient-0", {}, b"", 405, "not-supported"),
    "400-not-json": ("POST", "/fhir", JSON, b'{"resourceType"', 400, "invalid"),
    "400-not-xml": ("POST", "/fhir", {"Content-Type": "application/fhir+xml"}, b"<Bundle", 400, "invalid"),
    "400-no-resource": ("POST", "/fhir", JSON, b"[]", 400, "invalid"),
    "400-no-bundle": ("POST", "/fhir/", JSON, b'{"resourceType": "Patient"}', 400, "invalid"),
    "400-transaction": (
        "POST",
        "/fhir",
        JSON,
        b'{"resourceType": "Bundle", "type": "transaction"}',
        400,
        "not-supported",
    ),
    "413-batch": (
        "POST",
        "/fhir",
        JSON,
        b'{"resourceType": "Bundle", "type": "batch", "entry": [%b0]}' % (b"0," * 1000),
        413,
        "too-long",
    ),
    "415-batch": ("POST", "/fhir", FORM, b"name=a", 415, "not-supported"),
    "405-base": ("DELETE", "/fhir", {}, b"", 405, "not-supported"),
    "405-search": ("GET", "/fhir/Patient/_search", {}, b"", 405, "not-supported"),
    "405-unheard-of": ("BREW", "/fhir/Patient", {}, b"", 405, "not-supported"),
    "405-page": ("POST", "/healthz", {}, b"", 405, "not-supported"),
    "406-accept": ("GET", "/fhir/Patient", {"Accept": "text/turtle"}, b"", 406, "not-supported"),
    "406-charset": (
        "GET",
        "/fhir/Patient",
        {"Accept": "application/fhir+json;charset=latin1"},
        b"",
        406,
        "not-supported",
    ),
    "406-version": (
        "GET",
        "/fhir/Patient",
        {"Accept": "application/fhir+json; fhirVersion=5.0"},
        b"",
        406,
        "not-supported",
    ),
    "406-format": ("GET", "/fhir/Patient?_format=ttl", {}, b"", 406, "not-supported"),
    "400-domain": (
        "GET",
        "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:unheard-of|1",
        {},
        b"",
        400,
        "code-invalid",
    ),
    "403-domain": (
        "GET",
        "/fhir/Patient/$ihe-pix?sourceIdentifier=urn:fhir-gateway:person|1&targetSystem=urn:unheard-of",
        {},
        b"",
        403,
        "code-invalid",
    ),
    "422-match": (
        "POST",
        "/fhir/Patient/$match",
        {"Content-Type": "application/fhir+json"},
        b'{"resourceType": "Patient", "birthDate": 1}',
        422,
        "processing",
    ),
    "409-decision": (
        "POST",
        "/fhir/Patient/patient-0/$same",
        {"Content-Type": "application/fhir+json"},
        decision("Patient/patient-0"),
        409,
        "conflict",
    ),
    "412-version": ("GET", "/fhir/Patient/patient-0", {"If-Match": 'W/"2"'}, b"", 412, "conflict"),
    "412-date": (
        "GET",
        "/fhir/Patient/patient-0",
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        b"",
        412,
        "conflict",
    ),
    "400-count": ("GET", "/fhir/Patient?_count=-1", {}, b"", 400, "invalid"),
    "400-prefix": ("GET", "/fhir/Patient?birthdate=xx2020", {}, b"", 400, "invalid"),
    "400-sort": ("GET", "/fhir/Patient?_sort=colour", {}, b"", 400, "invalid"),
    "400-modifier": ("GET", "/fhir/Patient?family:colour=a", {"Prefer": "handling=lenient"}, b"", 400, "invalid"),
    "400-unknown": ("GET", "/fhir/Patient?colour=a", {"Prefer": "handling=strict"}, b"", 400, "invalid"),
    "410-deleted": ("GET", "/fhir/Patient/gone", {}, b"", 410, "deleted"),
    "413-form": ("POST", "/fhir/Patient/_search", FORM, b"a" * (MOST_BYTES + 1), 413, "too-long"),
    "406-form": ("POST", "/fhir/Patient/_search", FORM, b"_format=ttl", 406, "not-supported"),
    "415-charset": (
        "POST",
        "/fhir/Patient/_search",
        {"Content-Type": f"{FORM['Content-Type']};charset=latin1"},
        b"name=a",
        415,
        "not-supported",
    ),
    "415-gzip": (
        "POST",
        "/fhir/Patient/_search",
        {**FORM, "Content-Encoding": "gzip"},
        b"name=a",
        415,
        "not-supported",
    ),
    "415-json": ("POST", "/fhir/Patient/_search", {"Content-Type": "application/json"}, b"{}", 415, "not-supported"),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS)
def test_every_error_is_an_operation_outcome(
    client: FlaskClient, case: tuple[str, str, dict[str, str], bytes, int, str]
) -> None:
    """Whoever refuses a request, FHIR's router or Flask, says why as FHIR says it."""
    method, path, headers, body, status, code = case
    response = client.open(path, method=method, headers=headers, data=body)
    assert response.status_code == status
    assert outcome(response)["code"] == code
    assert outcome(response)["diagnostics"]
    assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/fhir/Patients", "Patient"),
        ("/fhir/patient/1", "Patient"),
        ("/fhir/Encoutner?status=finished", "Encounter"),
        ("/fhir/Patient/patient-0/$everythin", "$everything"),
        ("/fhir/Patient/_history?_snice=2026", "_since"),
        ("/fhir/Patient/patient-0/$everything?_cuont=1", "_count"),
    ],
)
def test_what_may_be_meant(client: FlaskClient, path: str, meant: str) -> None:
    """A slip of the pen is answered with what is near."""
    assert f"did you mean {meant}" in outcome(client.get(path))["diagnostics"]


def test_not_ready(tmp_path: Path) -> None:
    """A balancer is told to go elsewhere while the store does not answer; the process is alive all the same."""
    app = create_app(Settings(file=tmp_path / "gateway.toml", store=f"sqlite:///{tmp_path / 'broken.db'}"))
    services = app.extensions["fhir_gateway"]
    with services.store.writer() as writer, writer.connection.begin():
        writer.connection.exec_driver_sql("ALTER TABLE resource RENAME TO secret_resource")
    assert app.test_client().get("/readyz").status_code == 503
    assert app.test_client().get("/healthz").status_code == 200
    services.store.close()


def test_a_search_that_takes_too_long(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """400 too-costly, soon."""
    monkeypatch.setattr("gateway.search.query.PAGE_SECONDS", 0.0)
    monkeypatch.setattr("gateway.store.snapshot._STEPS", 1)
    response = client.get("/fhir/Patient?_has:Encounter:patient:status=finished")
    assert response.status_code == outcomes.TooCostly.status
    assert outcome(response)["code"] == outcomes.TooCostly.code


def test_a_decision_while_a_sync_writes(app: Flask, client: FlaskClient) -> None:
    """503 transient, and when to try again."""
    with app.extensions["fhir_gateway"].store.writer():
        response = client.post("/fhir/Patient/patient-0/$same", data=decision("Patient/patient-1"), headers=JSON)
    assert response.status_code == outcomes.Unavailable.status
    assert outcome(response)["code"] == outcomes.Unavailable.code
    assert response.headers["Retry-After"] == "60"


# Nothing asks for these yet: no credentials.
_NOT_YET = {"Unauthorized", "Forbidden"}


def test_every_error_class_is_provoked() -> None:
    """Each class that the API can raise is in the table above, by status and code."""
    elsewhere = {(400, "too-costly"), (503, "transient"), (429, "throttled")}  # above, and in test_app_clients.py
    seen = {case[4:] for case in ERRORS.values()} | elsewhere
    classes = [outcomes.FhirError]
    for each in classes:
        classes += each.__subclasses__()
    for each in classes[1:]:
        assert (each.__name__ in _NOT_YET) != ((each.status, each.code) in seen), each


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("application/fhir+json", "application/fhir+json"),
        ("application/json", "application/json"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json"),
        ("application/fhir+json; charset=UTF-8", "application/fhir+json"),
        ("*/*", "application/fhir+json"),
        ("application/*", "application/fhir+json"),
        ("text/*", "text/json"),
        ("application/fhir+xml", "application/fhir+xml"),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("application/fhir+xml, application/fhir+json;q=0.1", "application/fhir+xml"),
        ("application/fhir+xml;q=0.9, application/fhir+json", "application/fhir+json"),
        ("application/fhir+xml, application/fhir+json", "application/fhir+json"),
        ("application/fhir+json;q=0, */*;q=0.1", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/fhir+json"),  # a browser
        ("text/html,application/xml;q=0.9", "application/xml"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/fhir+json"),  # Java's own client
        ("", "application/fhir+json"),
        ("application/fhir+json;q=0", None),
        ("*/*, application/*;q=0, text/*;q=0", None),
        ("text/csv", None),
        ("nonsense", None),
    ],
)
def test_accept(client: FlaskClient, accept: str, given: str | None) -> None:
    """RFC 9110, 12.5.1: the most specific range decides, q=0 refuses; a generic type is answered with itself."""
    response = client.get("/fhir/Patient/patient-1", headers={"Accept": accept})
    assert response.status_code == (406 if given is None else 200)
    assert response.headers["Content-Type"] == f"{given or 'application/fhir+json'}; charset=utf-8"


@pytest.mark.parametrize("path", ["/fhir/Patient/patient-1", "/fhir/Patient/nobody", "/fhir/Patient?birthdate=junk"])
@pytest.mark.parametrize(
    ("form", "given"),
    [
        *((form, "application/fhir+json") for form in ("json", "application/json", "application/fhir%2Bjson")),
        *((form, "application/fhir+json") for form in ("application/fhir+json", "text/json")),
        *((form, "application/fhir+xml") for form in ("xml", "application/xml", "application/fhir%2Bxml")),
        *((form, "application/fhir+xml") for form in ("application/fhir+xml", "text/xml")),
    ],
)
def test_format_outweighs_accept(client: FlaskClient, path: str, form: str, given: str) -> None:
    """`_format` is for those who cannot set headers; `+` may come as a space. Errors obey it too."""
    other = "application/fhir+xml" if given.endswith("json") else "application/fhir+json"
    response = client.get(f"{path}{'&' if '?' in path else '?'}_format={form}", headers={"Accept": other})
    assert response.headers["Content-Type"] == f"{given}; charset=utf-8"
    assert response.data[:1] == (b"{" if given.endswith("json") else b"<")


@pytest.mark.parametrize("path", READABLE)
def test_head_is_get_without_body(client: FlaskClient, path: str) -> None:
    """The same status and headers, no body."""
    varying = {"X-Request-Id", "Content-Length"} if "Bundle" in client.get(path).text else {"X-Request-Id"}
    get, head = client.get(path), client.head(path)
    assert head.status_code == get.status_code
    assert head.data == b""
    assert head.headers["Content-Length"] == str(len(get.data))
    for name, value in get.headers.items():
        assert name in varying or head.headers[name] == value


@pytest.mark.parametrize("path", [*READABLE, "/nowhere"])
def test_patient_data_is_guarded(client: FlaskClient, path: str) -> None:
    """Not cached, not sniffed, not framed, not readable by other sites' scripts."""
    headers = client.get(path, headers={"Origin": "https://evil.example.org"}).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not [name for name, _ in headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/fhir/Patient/patient-1", "/healthz", "/fhir/Starship"])
def test_request_ids(client: FlaskClient, path: str) -> None:
    """The client's own id comes back if it is harmless, else a new one."""
    assert client.get(path, headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    for hostile in ("a b", "x" * 65, "<script>"):
        assert client.get(path, headers={"X-Request-Id": hostile}).headers["X-Request-Id"] != hostile


@pytest.mark.parametrize("path", READABLE)
def test_logs_hold_no_patient_data(client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str) -> None:
    """One line a request: method, route pattern, status, time, size, request id; never the query or an id."""
    with caplog.at_level(logging.INFO, "gateway.requests"):
        client.get(path, headers={"X-Request-Id": "seen"})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "gateway.requests"]
    assert line.startswith("GET ")
    assert line.endswith(" seen")
    assert not any(word in line for word in PERSONAL)


def test_an_unexpected_error_tells_nothing(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """500 with an id by which the log has it; neither has the error's message, which may quote a record."""
    store = f"sqlite:///{tmp_path / 'broken.db'}"
    broken = create_app(Settings(file=tmp_path / "gateway.toml", store=store))
    services = broken.extensions["fhir_gateway"]
    with services.store.writer() as writer, writer.connection.begin():
        writer.connection.exec_driver_sql("ALTER TABLE resource RENAME TO secret_resource")
    response = broken.test_client().get("/fhir/Patient/patient-0")
    services.store.close()
    assert response.status_code == 500
    issue = outcome(response)
    assert issue["code"] == "exception"
    (line,) = [record.getMessage() for record in caplog.records if record.name == "gateway.errors"]
    assert issue["diagnostics"].rpartition(" ")[2] in line
    assert "no such table" not in line + issue["diagnostics"]
    assert not any(word in line for word in PERSONAL)


@pytest.mark.parametrize(
    ("path", "kind", "word"),
    [
        ("/", "text/html; charset=utf-8", "/fhir/metadata"),
        ("/docs/", "text/html; charset=utf-8", "/openapi.yaml"),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "swagger"),
        ("/openapi.yaml", "application/yaml", "openapi: 3.1"),
        ("/healthz", "text/plain; charset=utf-8", "ok"),
        ("/readyz", "text/plain; charset=utf-8", "ready"),
    ],
)
def test_pages(client: FlaskClient, path: str, kind: str, word: str) -> None:
    """People and balancers find what they look for, and nothing is loaded from elsewhere."""
    with client.get(path) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"] == kind
        assert word in response.text
        if kind.startswith("text/html"):
            assert not re.search(r"https?://(?!localhost/)", response.text)


def test_links_of_the_landing_page_work(client: FlaskClient) -> None:
    """Everything that the page proposes answers."""
    links = [part.partition('"')[0] for part in client.get("/").text.split('href="')[1:]]
    assert len(links) > 10
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200


def test_public_base_url(tmp_path: Path) -> None:
    """Links say the configured address, whatever host the request came to."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    settings = Settings(file=tmp_path / "gateway.toml", store=url, public_base_url="https://fhir.example.org/r4")
    app = create_app(settings)
    response = app.test_client().get("/fhir/Patient?_count=1", headers={"Host": "10.0.0.7"})
    app.extensions["fhir_gateway"].store.close()
    assert response.json["link"][0]["url"] == "https://fhir.example.org/r4/Patient?_count=1"


def test_start_up_is_light(tmp_path: Path) -> None:
    """Neither the models, the simulators nor the native schemas are loaded to serve."""
    code = (
        "import sys; from pathlib import Path\n"
        "from gateway.app import create_app; from gateway.settings import Settings\n"
        f"app = create_app(Settings(file=Path('x'), store='sqlite:///{tmp_path / 'gateway.db'}'))\n"
        "assert app.test_client().get('/fhir/metadata').status_code == 200\n"
        "assert app.test_client().get('/fhir/Patient').status_code == 200\n"
        "app.extensions['fhir_gateway'].store.close()\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"fhir", "pydantic", "faker", "marshmallow", "yaml"} & set(loaded)


def test_the_bare_wsgi_callable_is_the_same(tmp_path: Path) -> None:
    """A server that knows no Flask gets the same answers."""
    from werkzeug.test import Client

    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    wsgi = create_wsgi(Settings(file=tmp_path / "gateway.toml", store=url))
    response = Client(wsgi).get("/fhir/Patient")
    assert orjson.loads(response.data)["total"] == 0
    wsgi.services.store.close()  # type: ignore[attr-defined]
