"""Patient/$everything: the patient, the resources that refer to it, and what all of these refer to.

The whole answer is worked out for each page and put into an order of its own, so pages follow one another exactly.
https://hl7.org/fhir/R4/operation-patient-everything.html
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal, NamedTuple

import orjson

from gateway.bundles import Link, bundle, in_json, search_entry, url
from gateway.interactions import parameters
from gateway.interactions.capabilities import reverse_includes
from gateway.interactions.care_dates import is_of_period
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, in_query
from gateway.interactions.presentation import asked_of
from gateway.interactions.provenance import rendered
from gateway.outcomes import Gone, InvalidParameter, NotFound
from gateway.search.cursor import Position, seal, unseal
from gateway.search.parameter_types.date import BEGINNING, END
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES
from gateway.search.query import search
from gateway.search.request import parse
from gateway.store import Store

INPUTS = (
    Input("start", "text", "Only care on or after this date, which may be partial.", "2024"),
    Input("end", "text", "Only care on or before this date, which may be partial.", "2026-06-30"),
    Input("person", "boolean", "Also the records of the same person in other hospitals.", "true"),
    Input("_since", "text", "Only versions made at or after this instant."),
    Input("_type", "text", "Only resources of these types, with a comma between them.", "Encounter,Condition"),
    Input("_count", "integer", "How many entries a page holds.", "20"),
)
NAMES = ("start", "end", "person", "_type", "_since", "_count", "_cursor")
_LITERAL = re.compile(rb'"reference":"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})"')


class _Part(NamedTuple):
    """One resource of the record. Its order: the patient, what refers to it, what these refer to."""

    rank: Literal[0, 1, 2]
    type: str
    id: str
    updated: int
    body: bytes

    @property
    def place(self) -> tuple[int, str, str]:
        return self[:3]

    @property
    def mode(self) -> Literal["match", "include"]:
        return "include" if self.rank == 2 else "match"


def everything(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `[base]/Patient/[id]/$everything`. Without `_count` all of it comes at once."""
    request = in_query(request, (*NAMES, "_elements", "_summary"))
    parameters.refuse_unknown(request, NAMES)
    presentation = asked_of(request)
    types, since = parameters.types(request, (*SERVED_TYPES, *RENDERED_TYPES)), parameters.since(request)
    period = _period(request)
    count = parameters.count(request) if parameters.once(request, "_count") is not None else None
    updated = services.store.updated()  # before the rest is read: what is seen of later changes does no harm
    records = _records if parameters.is_true(request, "person") else _record
    parts = sorted(
        part
        for part in records(services.store, resource_type, resource_id, request.base_url, period)
        if (types is None or part.type in types) and (since is None or part.updated >= since)
    )
    here = [pair for pair in request.query if pair[0] != "_cursor"]
    sealing = services.store.secret("cursor"), _fingerprint(request.path, here)
    start, stop = _page(parts, count, _position(request, sealing))

    base = in_json(request.base_url)
    entries = [
        search_entry(base, part.type, part.id, presentation.resource(part.type, part.body), part.mode)
        for part in parts[start:stop]
    ]
    path = request.base_url + request.path

    def beside(part: _Part, *, backward: bool) -> str:
        return url(path, [*here, ("_cursor", seal(*sealing, Position(backward, part.place, 0)))])

    links: list[Link] = [("self", url(path, request.query)), ("first", url(path, here))]
    if 0 < start < len(parts):
        links.append(("previous", beside(parts[start], backward=True)))
    if start < stop < len(parts):
        links.append(("next", beside(parts[stop - 1], backward=False)))
    total = sum(part.mode == "match" for part in parts)
    return FhirResponse(200, bundle("searchset", total, links, entries, updated))


def _records(
    store: Store, resource_type: str, resource_id: str, base: str, period: tuple[int, int] | None
) -> list[_Part]:
    """The same of all Patients of the patient's person, each resource once."""
    with store.snapshot():
        found = {part.place[1:]: part for part in _record(store, resource_type, resource_id, base, period)}
        patient = orjson.loads(found[resource_type, resource_id].body)
        for link in patient.get("link", ()):
            if link["type"] == "seealso":
                other = link["other"]["reference"].removeprefix(f"{resource_type}/")
                for part in _record(store, resource_type, other, base, period):
                    place = part.place[1:]
                    found[place] = min(part, found.get(place, part))
    return list(found.values())


def _record(
    store: Store, resource_type: str, resource_id: str, base: str, period: tuple[int, int] | None
) -> list[_Part]:
    """All of a patient's record, or the care of a period. Raises NotFound and Gone."""
    own = [path for path in reverse_includes(resource_type) if path.partition(":")[0] not in (resource_type, "Person")]
    asked = [("_id", resource_id), *(("_revinclude", path) for path in own)]
    with store.snapshot():
        patient = store.read(resource_type, resource_id)
        if patient is None:
            raise NotFound(f"there is no {resource_type} with this id")
        if patient.body is None:
            raise Gone(f"this {resource_type} was deleted")
        found = {(resource_type, resource_id): _Part(0, resource_type, resource_id, patient.updated, patient.body)}
        outside: set[tuple[str, str]] = set()
        for row in search(store, parse(resource_type, asked, strict=True, base=base)).included:
            key = (row.type, row.id)
            if period is not None and not is_of_period(orjson.loads(row.body), *period):
                outside.add(key)
            else:
                found[key] = _Part(1, *key, row.updated, row.body)
        for row in rendered(store, [(resource_type, resource_id)]):  # in the compartment, by its target
            found[row.type, row.id] = _Part(1, row.type, row.id, row.updated, row.body)
        waiting = list(found.values())
        while waiting:
            for key in _referred(waiting.pop(), resource_type):
                if key in found or key in outside:
                    continue
                target = store.read(*key)
                if target is not None and target.body is not None:
                    found[key] = _Part(2, *key, target.updated, target.body)
                    waiting.append(found[key])
    return list(found.values())


def _referred(part: _Part, resource_type: str) -> Iterator[tuple[str, str]]:
    """What a resource refers to."""
    if part.rank == 2 and part.type == resource_type:
        return  # another patient's record begins here
    for name, resource_id in _LITERAL.findall(part.body):
        key = (name.decode(), resource_id.decode())
        if not part.type == key[0] == resource_type:  # the same person's record in another hospital: nobody asks for it
            yield key


def _period(request: FhirRequest) -> tuple[int, int] | None:
    """From the beginning of `start` to the end of `end`."""
    start, end = parameters.span_of(request, "start"), parameters.span_of(request, "end")
    if start is None and end is None:
        return None
    low, high = BEGINNING if start is None else start[0], END if end is None else end[1]
    if low >= high:
        raise InvalidParameter("end", "is before start")
    return low, high


def _fingerprint(path: str, pairs: list[tuple[str, str]]) -> bytes:
    """What the record and its order depend on: a cursor opens for nothing else."""
    return blake2b(orjson.dumps([path, sorted(pairs)]), digest_size=16).digest()


def _position(request: FhirRequest, sealing: tuple[bytes, bytes]) -> Position | None:
    value = parameters.once(request, "_cursor")
    return None if value is None else unseal(*sealing, value)


def _page(parts: list[_Part], count: int | None, position: Position | None) -> tuple[int, int]:
    """Where the page of a position begins and stops."""
    if count is None:
        return 0, len(parts)
    places = [part.place for part in parts]
    if position is None:
        return 0, min(count, len(parts))
    if position.backward:
        stop = bisect_left(places, position.values)
        return max(0, stop - count), stop or min(count, len(parts))
    start = bisect_right(places, position.values)
    return start, min(start + count, len(parts))
