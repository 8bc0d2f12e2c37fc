"""One version as an answer: ETag, Last-Modified, 304 when the client has it already, 412 when it wants another one.

https://hl7.org/fhir/R4/http.html#cread
"""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

from gateway.interactions.exchange import FhirRequest, FhirResponse
from gateway.outcomes import PreconditionFailed


def versioned(request: FhirRequest, version: int, updated: int, body: bytes) -> FhirResponse:
    """Answer with one version of a resource. `updated` is in ms since 1970 UTC. Raises PreconditionFailed."""
    headers = validators(version, updated)
    _require_wanted(request, headers[0][1], updated // 1000)
    if is_unchanged(request, headers[0][1], updated // 1000):
        return FhirResponse(304, b"", headers)
    return FhirResponse(200, body, headers)


def validators(version: int, updated: int) -> list[tuple[str, str]]:
    """The headers that name a version: they say what `meta.versionId` and `meta.lastUpdated` say."""
    return [("ETag", f'W/"{version}"'), ("Last-Modified", http_date(updated // 1000))]


def is_unchanged(request: FhirRequest, etag: str, updated: int | None) -> bool:
    """Whether the client has it; `updated` in seconds. RFC 9110, 13.2.2: If-None-Match outweighs the date."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return _names(known, etag)
    since = request.headers.get("if-modified-since")
    moment = _seconds(since) if since is not None else None
    return moment is not None and updated is not None and updated <= moment


def _require_wanted(request: FhirRequest, etag: str, updated: int) -> None:
    """Raise PreconditionFailed unless it is the version that the client asks for. RFC 9110, 13.2.2.

    FHIR's ETags are weak, and name versions all the same: they are compared as they are in its conditional update.
    """
    wanted = request.headers.get("if-match")
    if wanted is not None and not _names(wanted, etag):
        raise PreconditionFailed("another version is current", expression="http.If-Match")
    since = request.headers.get("if-unmodified-since")
    moment = _seconds(since) if since is not None and wanted is None else None
    if moment is not None and updated > moment:
        raise PreconditionFailed("it was changed since", expression="http.If-Unmodified-Since")


def _names(tags: str, etag: str) -> bool:
    """Whether a list of entity tags, or `*`, names this one."""
    opaque = etag.removeprefix("W/")
    return tags.strip() == "*" or opaque in {tag.strip().removeprefix("W/") for tag in tags.split(",")}


@lru_cache(maxsize=1024)
def http_date(seconds: int) -> str:
    """An HTTP date; a bulk load gives many resources the same one."""
    return formatdate(seconds, usegmt=True)


def _seconds(value: str) -> float | None:
    """RFC 9110, 13.1.3: a date that is not valid is as if it were not sent."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
