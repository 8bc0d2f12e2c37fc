"""The web server's side: WSGI in, FhirRequest out, and back. Flask serves the pages and reads bodies.

What is asked below /fhir without a body is answered before Flask sees it: dispatching through Flask costs more than the
whole of a read. A form goes through Flask, which knows how to read one safely, to the same `answer`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from html import escape
from http import HTTPStatus
from io import BytesIO
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest, HTTPException

from gateway.arrival import Arrivals
from gateway.identity.tables import TABLES
from gateway.interactions.compression import encoded
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.negotiation import form_by_headers, form_of_refusal
from gateway.interactions.pairs import pairs
from gateway.interactions.routes import ROUTES, answer, answer_in_json, failure, refusal
from gateway.outcomes import FhirError, InvalidRequest, MethodNotAllowed, NotFound, TooLarge
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES
from gateway.store import Store

if TYPE_CHECKING:
    from gateway.settings import Settings

    StartResponse = Callable[..., Any]
    Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

BASE = "/fhir"
MOST_BYTES = 1 << 20
"""Of a request body: the API reads forms only."""

_LOG = logging.getLogger("gateway.requests")
_ERRORS = logging.getLogger("gateway.errors")
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?")
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

API_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Vary", "Accept, Accept-Encoding, Prefer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Patient data stays out of caches, frames and referrers. No CORS header: other sites' scripts cannot read it."""
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)
"""Swagger UI's page starts itself by a script inside the page."""


def create_app(settings: Settings) -> Flask:
    """The whole server: the FHIR API at /fhir, its documentation, and what a balancer asks."""
    services = _services(settings)
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    door = _Door(services, settings.public_base_url, app.wsgi_app, Arrivals(max(1, settings.threads // 2)))

    @app.post(f"{BASE}/", defaults={"_path": ""}, strict_slashes=False)
    @app.post(f"{BASE}/<path:_path>")
    def fhir(_path: str) -> Response:
        body, declared = request.get_data(cache=False), request.content_length
        if declared is not None and len(body) < declared:
            # Half a form asks for more than the whole: a parameter less, a shorter name.
            raise BadRequest("the body is shorter than its Content-Length")
        answered = door.answer(request.environ, body)
        request.environ[_ROUTE] = answered.route
        return _flask(answered)

    app.extensions["fhir_gateway"] = services
    _add_pages(app, services)
    _add_errors(app)
    app.wsgi_app = door  # type: ignore[method-assign]  # Flask's documented way to put WSGI middleware around itself
    return app


def create_wsgi(settings: Settings) -> Wsgi:
    """The same as a bare WSGI callable."""
    return create_app(settings).wsgi_app


def _services(settings: Settings) -> Services:
    return Services(Store.open(settings.store, extra=TABLES), ROUTES, answer_in_json)


_ROUTE = "fhir_gateway.route"


class _Door:
    """Answers what has no body below /fhir, hands everything else to Flask, and logs one line a request."""

    def __init__(self, services: Services, public_base_url: str | None, flask: Wsgi, arrivals: Arrivals) -> None:
        self.services, self._public_base_url, self._flask = services, public_base_url, flask
        self._arrivals = arrivals

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = perf_counter()
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        asked = environ.get("HTTP_X_REQUEST_ID")
        request_id = asked if asked is not None and _SAFE_ID.fullmatch(asked) else f"{getrandbits(64):016x}"
        if method != "POST" and (path.startswith(f"{BASE}/") or path == BASE):
            # What nobody wants is read too: a client that is still sending would lose our answer with its connection.
            busy = self._arrive(environ) if environ.get("CONTENT_LENGTH", "0") not in ("", "0") else None
            response = self.answer(environ, b"") if busy is None else busy
            size = len(response.body)
            headers = [*response.headers, *API_HEADERS, ("X-Request-Id", request_id)]
            if response.status != 304:
                headers.append(("Content-Length", str(size)))
            start_response(_STATUS[response.status], headers)
            _log(method, response.route, response.status, started, size, request_id)
            return [] if method == "HEAD" else [response.body]

        def noted(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            size = next((int(value) for name, value in headers if name == "Content-Length"), 0)
            _log(method, environ.get(_ROUTE, "-"), int(status[:3]), started, size, request_id)
            return start_response(status, [*headers, ("X-Request-Id", request_id)], exc_info)

        busy = self._arrive(environ) if method == "POST" else None
        if busy is not None:
            return _flask(busy)(environ, noted)
        return self._flask(environ, noted)

    def _arrive(self, environ: dict[str, Any]) -> FhirResponse | None:
        """Read a body that is not too long, and put it in its place. The answer where too many are slow already."""
        declared = environ.get("CONTENT_LENGTH", "")
        most = int(declared) if declared.isdecimal() else MOST_BYTES + 1
        if environ["REQUEST_METHOD"] == "POST" and declared and most > MOST_BYTES:
            return None  # it is refused unread
        try:
            environ["wsgi.input"] = BytesIO(self._arrivals.read(environ["wsgi.input"], min(most, MOST_BYTES + 1)))
        except FhirError as error:
            return refusal(error, form_by_headers(_headers(environ)))
        return None

    def answer(self, environ: dict[str, Any], body: bytes) -> FhirResponse:
        """Answer a request to the FHIR API."""
        headers = _headers(environ)
        try:
            asked = FhirRequest(
                environ["REQUEST_METHOD"],
                _decoded(environ["PATH_INFO"])[len(BASE) :],
                pairs(environ.get("QUERY_STRING", "")),
                headers,
                body,
                self._public_base_url or _own_base(environ["wsgi.url_scheme"], environ.get("HTTP_HOST", "")),
            )
        except FhirError as error:
            return refusal(error, form_by_headers(headers))
        response = answer(asked, self.services)
        accepted = headers.get("accept-encoding")
        try:
            return response if accepted is None else encoded(response, accepted)
        except FhirError as error:
            return refusal(error, form_of_refusal(asked), response.route)


def _decoded(text: str) -> str:
    """WSGI gives the bytes of a URL as Latin-1; they are UTF-8."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        raise InvalidRequest("the URL is not UTF-8") from None


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    if "CONTENT_TYPE" in environ:
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


@lru_cache(maxsize=64)
def _own_base(scheme: str, host: str) -> str:
    """`[base]` as the client wrote it. Only for loopback: elsewhere anyone could put their own host into our links."""
    if not _LOOPBACK.fullmatch(host):
        raise InvalidRequest("this host name is not known; set public_base_url", expression="http.Host")
    return f"{scheme}://{host}{BASE}"


def _log(method: str, route: str, status: int, started: float, size: int, request_id: str) -> None:
    """Never the query or an id: they are patient data."""
    _LOG.info("%s %s %d %.1fms %dB %s", method, route, status, (perf_counter() - started) * 1000, size, request_id)


def _add_pages(app: Flask, services: Services) -> None:
    """What people and balancers ask for: a way in, the documentation, and whether we are well."""
    from flask_swagger_ui import get_swaggerui_blueprint

    app.register_blueprint(
        get_swaggerui_blueprint(
            "/docs",
            "/openapi.yaml",
            # Without a validatorUrl the page asks nobody else about our document.
            config={"app_name": "FHIR gateway", "validatorUrl": None, "docExpansion": "none", "filter": True},
        )
    )

    @app.get("/")
    def landing() -> Response:
        types, examples = (
            "".join(f'<li><a href="{BASE}/{escape(path)}">{escape(path)}</a>' for path in paths)
            for paths in ((*SERVED_TYPES, *RENDERED_TYPES), _EXAMPLES)
        )
        return _page(_LANDING.format(types=types, examples=examples))

    @app.get("/openapi.yaml")
    def description() -> Response:
        return Response(_openapi(), mimetype="application/yaml")

    @app.get("/healthz")
    def alive() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @app.get("/readyz")
    def ready() -> Response:
        try:
            services.store.read("Patient", "-")
        except Exception as error:  # noqa: BLE001  whatever it is, a balancer has to send others elsewhere
            _ERRORS.error("not ready: type=%s", type(error).__qualname__)
            return Response("the store does not answer\n", 503, mimetype="text/plain")
        return Response("ready\n", mimetype="text/plain")

    @app.after_request
    def guard(response: Response) -> Response:
        if request.url_rule is not None:
            request.environ.setdefault(_ROUTE, request.url_rule.rule)
        if "Content-Security-Policy" not in response.headers:
            response.headers["Content-Security-Policy"] = PAGE_POLICY
        for name, value in API_HEADERS:
            if name in {"Referrer-Policy", "X-Content-Type-Options"}:
                response.headers.setdefault(name, value)
        return response


def _add_errors(app: Flask) -> None:
    """Flask's own errors as OperationOutcomes too."""

    def refused(error: HTTPException) -> Response:
        if error.response is not None or (error.code or 500) < 400:
            return app.make_response(error.get_response())  # a redirect
        code = error.code or 500
        headers = {name: value for name, value in error.get_headers() if name == "Allow"}
        kind = {404: NotFound, 405: MethodNotAllowed, 413: TooLarge}.get(code, InvalidRequest)
        form = form_by_headers(_headers(request.environ))
        said = str(error.description) if isinstance(error, BadRequest) else error.name.lower()
        return _flask(refusal(kind(said, headers=headers), form))

    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Exception, lambda error: _flask(failure(error)))


def _flask(response: FhirResponse) -> Response:
    return Response(response.body, response.status, [*response.headers, *API_HEADERS])


def _page(html: str) -> Response:
    return Response(html, mimetype="text/html", headers={"Cache-Control": "no-cache"})


@cache
def _openapi() -> str:
    from gateway.interactions.openapi import render  # costs a second, for those who ask

    return render()


_EXAMPLES = (
    "Patient?_count=5&_pretty=true",
    "Encounter?_sort=-date&_include=Encounter:subject&_pretty=true",
    "Condition?_summary=count&_pretty=true",
)
_LANDING = """<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width">
<title>FHIR gateway</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}
ul{{padding-left:1.2rem}}ul:has(li:nth-child(6)){{columns:3 12rem}}li{{overflow-wrap:anywhere}}
code{{background:#8882;padding:.1em .3em}}</style>
<h1>FHIR gateway</h1>
<p>Hospital information systems, read where they are and served as one FHIR R4 API. It is read-only.
<p><a href=/docs/>Try the API</a> · <a href=/openapi.yaml>openapi.yaml</a> ·
<a href="/fhir/metadata?_pretty=true">CapabilityStatement</a>
<h2>Resources</h2>
<ul>{types}</ul>
<h2>Examples</h2>
<ul>{examples}</ul>
</html>
"""
