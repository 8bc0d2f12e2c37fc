"""batch: many requests in one body, each answered by itself and in its place. Always 200; an entry has its own status.

Entries go through the router as if they had come alone. A transaction is refused: nothing is written here.
https://hl7.org/fhir/R4/http.html#transaction, https://hl7.org/fhir/R4/bundle.html#bundle-unique
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from typing import Any, Final
from urllib.parse import unquote

import orjson

from gateway import outcomes
from gateway.bundles import bundle
from gateway.interactions.conditional import http_date
from gateway.interactions.exchange import FHIR_JSON, FhirRequest, FhirResponse, Services
from gateway.interactions.pairs import pairs
from gateway.interactions.parameters import require_known
from gateway.outcomes import FhirError, InvalidRequest, NotSupported, TooCostly, TooLarge

MOST_ENTRIES: Final = 1000
MOST_SECONDS: Final = 10.0
MOST_BYTES: Final = 64 << 20
"""Of time and of answers in one batch: what comes after is not answered, and says so."""

_OF_THE_WHOLE: Final = {
    *("accept", "accept-encoding", "content-length", "content-type"),
    *("if-match", "if-modified-since", "if-none-exist", "if-none-match", "if-unmodified-since"),
}
"""Headers that are not about an entry; the others, such as Prefer, hold for each."""
_FORM: Final = ("_format", "_pretty")
"""An entry has the form of the whole."""


def batch(request: FhirRequest, services: Services) -> FhirResponse:
    """Answer `POST [base]`."""
    require_known(request)
    entries = _entries(orjson.loads(request.body))
    answered: list[bytes] = []
    until, size = monotonic() + MOST_SECONDS, 0
    for at, entry in enumerate(entries):
        if monotonic() > until or size > MOST_BYTES:
            error = TooCostly("not answered: the batch has grown too much; send this entry again in another one")
            answered.append(_refused(error))
            continue
        answered.append(_answered(entry, f"Bundle.entry[{at}]", request, services))
        size += len(answered[-1])
    return FhirResponse(200, bundle("batch-response", None, (), answered))


def _entries(given: dict[str, Any]) -> list[Any]:
    """The entries of a batch. Raises InvalidRequest and TooLarge."""
    if given["resourceType"] != "Bundle":
        raise InvalidRequest("the body is not a Bundle", expression="resourceType")
    kind, entries = given.get("type"), given.get("entry", [])
    if kind == "transaction":
        raise NotSupported("the API is read-only: it offers batch, no transaction", expression="Bundle.type")
    if kind != "batch":
        raise InvalidRequest("Bundle.type is not batch", expression="Bundle.type")
    if not isinstance(entries, list):
        raise InvalidRequest("Bundle.entry is not a list", expression="Bundle.entry")
    if len(entries) > MOST_ENTRIES:
        raise TooLarge(f"the batch has more than {MOST_ENTRIES} entries", expression="Bundle.entry")
    return entries


def _answered(entry: Any, path: str, whole: FhirRequest, services: Services) -> bytes:
    try:
        asked = _asked(entry, path, whole)
    except FhirError as error:
        return _refused(error)
    response = services.answer(asked, services)
    return _entry(response, with_body=asked.method != "HEAD")


def _asked(entry: Any, path: str, whole: FhirRequest) -> FhirRequest:
    """The request of an entry. Raises InvalidRequest, which names the element."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise InvalidRequest("the entry has no request", expression=f"{path}.request")
    texts = {name: request.get(name) for name in ("method", "url", "ifMatch", "ifNoneMatch", "ifModifiedSince")}
    for name, text in texts.items():
        if not isinstance(text, str if name in {"method", "url"} else str | None):
            raise InvalidRequest(f"request.{name} is missing or no text", expression=f"{path}.request.{name}")
    try:
        address, query = _address(str(texts["url"]), whole.base_url)
        headers = {name: value for name, value in whole.headers.items() if name not in _OF_THE_WHOLE}
        headers |= _conditions(texts["ifMatch"], texts["ifNoneMatch"], texts["ifModifiedSince"])
    except InvalidRequest as error:
        raise InvalidRequest(f"request: {error.diagnostics}", expression=f"{path}.request") from None
    body = b""
    if "resource" in entry:
        body, headers["content-type"] = orjson.dumps(entry["resource"]), FHIR_JSON
    return FhirRequest(str(texts["method"]), address, query, headers, body, whole.base_url)


def _address(url: str, base: str) -> tuple[str, list[tuple[str, str]]]:
    """Path and parameters of a URL that is relative to `[base]`, or absolute below it."""
    if url.startswith(f"{base}/"):
        url = url[len(base) :]
    elif ":" in url.partition("?")[0].partition("/")[0]:
        raise InvalidRequest("the URL is neither relative nor one of this server")
    path, _, query = url.partition("?")
    try:
        decoded = unquote(path, errors="strict").strip("/")
    except UnicodeDecodeError:
        raise InvalidRequest("the URL is not UTF-8") from None
    if not decoded and not query:
        raise InvalidRequest("a batch cannot stand in a batch")
    # pairs() reads what a server gets: the bytes of UTF-8.
    given = pairs(query.encode(errors="surrogatepass").decode("latin-1"))
    return f"/{decoded}", [(name, value) for name, value in given if name not in _FORM]


def _conditions(wanted: str | None, etag: str | None, since: str | None) -> Iterator[tuple[str, str]]:
    """The entry's conditions as the headers that they stand for."""
    if wanted is not None:
        yield "if-match", wanted
    if etag is not None:
        yield "if-none-match", etag
    if since is not None:
        try:
            moment = datetime.fromisoformat(since)
        except ValueError:
            raise InvalidRequest("ifModifiedSince is not an instant") from None
        if moment.tzinfo is None:
            raise InvalidRequest("ifModifiedSince has no time zone")
        yield "if-modified-since", http_date(int(moment.timestamp()))


def _refused(error: FhirError) -> bytes:
    return _entry(FhirResponse(error.status, outcomes.render(error)), with_body=True)


def _entry(response: FhirResponse, *, with_body: bool) -> bytes:
    """An answer as an entry of the Bundle: a refusal's OperationOutcome stands beside its status."""
    headers = dict(response.headers)
    parts = [b'"status":"%d %b"' % (response.status, HTTPStatus(response.status).phrase.encode())]
    if "ETag" in headers:
        parts.append(b'"etag":' + orjson.dumps(headers["ETag"]))
    if "Last-Modified" in headers:
        moment = parsedate_to_datetime(headers["Last-Modified"]).astimezone(UTC)
        parts.append(b'"lastModified":"%b"' % moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode())
    if response.status >= 400:
        parts.append(b'"outcome":' + response.body)
    about = b'"response":{%b}' % b",".join(parts)
    if response.status >= 300 or not with_body:
        return b"{%b}" % about
    return b'{"resource":%b,%b}' % (response.body, about)
