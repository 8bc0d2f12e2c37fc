"""Patient/$everything: the patient, the resources that refer to it, and what all of these refer to.

The whole answer is worked out for each page and put into an order of its own, so pages follow one another exactly.
https://hl7.org/fhir/R4/operation-patient-everything.html
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from gateway.bundles import Link, bundle, in_json, search_entry, url
from gateway.interactions import parameters
from gateway.interactions.capabilities import reverse_includes
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.presentation import asked_of
from gateway.outcomes import Gone, InvalidParameter, NotFound
from gateway.search.parameters import SERVED_TYPES
from gateway.search.query import search
from gateway.search.request import parse
from gateway.store import Store

NAMES = ("_type", "_since", "_count", "_cursor")
_LITERAL = re.compile(rb'"reference":"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})"')


class _Part(NamedTuple):
    """One resource of the record. Its order: the patient, what refers to it, what these refer to."""

    rank: Literal[0, 1, 2]
    type: str
    id: str
    updated: int
    body: bytes


def everything(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `GET [base]/Patient/[id]/$everything`. Without `_count` all of it comes at once."""
    parameters.refuse_unknown(request, NAMES)
    presentation = asked_of(request)
    types, since = parameters.types(request, SERVED_TYPES), parameters.since(request)
    count = parameters.count(request) if parameters.once(request, "_count") is not None else None
    parts = sorted(
        part
        for part in _record(services.store, resource_type, resource_id, request.base_url)
        if (types is None or part.type in types) and (since is None or part.updated >= since)
    )
    after = _after(request)
    rest = parts if after is None else [part for part in parts if part[:3] > after]
    page = rest if count is None else rest[:count]

    base = in_json(request.base_url)
    entries = [
        search_entry(base, part.type, part.id, presentation.resource(part.type, part.body), _mode(part))
        for part in page
    ]
    path = request.base_url + request.path
    first = [(name, value) for name, value in request.query if name != "_cursor"]
    links: list[Link] = [("self", url(path, request.query)), ("first", url(path, first))]
    if page and len(page) < len(rest):
        links.append(("next", url(path, [*first, ("_cursor", "/".join(map(str, page[-1][:3])))])))
    total = sum(_mode(part) == "match" for part in parts)
    return FhirResponse(200, bundle("searchset", total, links, entries))


def _record(store: Store, resource_type: str, resource_id: str, base: str) -> list[_Part]:
    """All of a patient's record. Raises NotFound and Gone."""
    own = [path for path in reverse_includes(resource_type) if path.partition(":")[0] not in (resource_type, "Person")]
    asked = [("_id", resource_id), *(("_revinclude", path) for path in own)]
    referring = search(store, parse(resource_type, asked, strict=True, base=base)).included
    with store.snapshot():
        patient = store.read(resource_type, resource_id)
        if patient is None:
            raise NotFound(f"there is no {resource_type} with this id")
        if patient.body is None:
            raise Gone(f"this {resource_type} was deleted")
        found = {(resource_type, resource_id): _Part(0, resource_type, resource_id, patient.updated, patient.body)}
        found |= {(row.type, row.id): _Part(1, row.type, row.id, row.updated, row.body) for row in referring}
        waiting = list(found.values())
        while waiting:
            part = waiting.pop()
            if part.rank == 2 and part.type == resource_type:
                continue  # another patient's record begins here
            for match in _LITERAL.findall(part.body):
                key = (match[0].decode(), match[1].decode())
                if part.type == key[0] == resource_type:
                    continue  # the same person's record in another hospital: nobody has asked for it
                if key in found or (target := store.read(*key)) is None or target.body is None:
                    continue
                found[key] = _Part(2, *key, target.updated, target.body)
                waiting.append(found[key])
    return list(found.values())


def _mode(part: _Part) -> Literal["match", "include"]:
    return "include" if part.rank == 2 else "match"


def _after(request: FhirRequest) -> tuple[int, str, str] | None:
    value = parameters.once(request, "_cursor")
    if value is None:
        return None
    found = re.fullmatch(r"([012])/([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})", value)
    if found is None:
        raise InvalidParameter("_cursor", "not a cursor of this server; follow the links of a Bundle")
    return int(found[1]), found[2], found[3]
