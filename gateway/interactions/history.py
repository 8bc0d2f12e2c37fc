"""history: what was changed, newest first, of one resource, of a type, or of all.

Pages begin below a change sequence number, so what is committed meanwhile moves no entry to another page. A Bundle's
`meta.lastUpdated` is a `_since` with which nothing is missed, not what is being written at that moment either.
https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.bundles import Link, bundle, history_entry, in_json, url
from gateway.interactions import parameters
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.presentation import asked_of
from gateway.outcomes import InvalidParameter, NotFound

if TYPE_CHECKING:
    from gateway.store import Change

NAMES = ("_since", "_at", "_count", "_cursor")
_SEQUENCE = re.compile(r"[1-9][0-9]{0,18}")


def history_instance(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `GET [base]/[type]/[id]/_history`. A deleted resource has a history too."""
    if services.store.read(resource_type, resource_id) is None:
        raise NotFound(f"there is no {resource_type} with this id")
    return _history(request, services, resource_type, resource_id)


def history_type(request: FhirRequest, services: Services, *, resource_type: str) -> FhirResponse:
    """Answer `GET [base]/[type]/_history`."""
    return _history(request, services, resource_type, None)


def history_system(request: FhirRequest, services: Services) -> FhirResponse:
    """Answer `GET [base]/_history`."""
    return _history(request, services, None, None)


def _history(
    request: FhirRequest, services: Services, resource_type: str | None, resource_id: str | None
) -> FhirResponse:
    # A history bundle has no place for a note that a parameter was ignored, so none is.
    parameters.refuse_unknown(request, NAMES)
    presentation = asked_of(request)
    count = parameters.count(request)
    with services.store.snapshot():
        changes = services.store.history(
            resource_type,
            resource_id,
            since_ms=parameters.since(request),
            at_ms=parameters.at(request),
            before=_before(request),
            count=count + 1,
        )
        updated = services.store.updated()
    page = changes[:count]
    base = in_json(request.base_url)

    def entry(change: Change) -> bytes:
        body = None if change.body is None else presentation.resource(change.type, change.body)
        return history_entry(base, change.type, change.id, change.version, change.updated, change.method, body)

    path = request.base_url + request.path
    first = [(name, value) for name, value in request.query if name != "_cursor"]
    links: list[Link] = [("self", url(path, request.query)), ("first", url(path, first))]
    if page and len(changes) > count:
        links.append(("next", url(path, [*first, ("_cursor", str(page[-1].sequence))])))
    return FhirResponse(200, bundle("history", None, links, [entry(change) for change in page], updated))


def _before(request: FhirRequest) -> int | None:
    value = parameters.once(request, "_cursor")
    if value is None:
        return None
    if not _SEQUENCE.fullmatch(value) or int(value) >= 2**62:
        raise InvalidParameter("_cursor", "not a cursor of this server; follow the links of a Bundle")
    return int(value)
