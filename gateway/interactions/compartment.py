"""Compartment search: what belongs to a patient, an encounter, a practitioner or a device, of one type or of all.

https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.negotiation import is_strict
from gateway.interactions.parameters import types
from gateway.interactions.search_provenance import Named, search_within
from gateway.interactions.search_system import over_types, type_pairs
from gateway.interactions.searchset import asked_for, searchset
from gateway.outcomes import Gone, NotFound, UnknownType
from gateway.search.clauses import did_you_mean
from gateway.search.compartments import members, memberships, rendered_members
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES
from gateway.search.request import parse

ANY = "*"
_OF_TARGETS = "Patient"
"""The compartment that a Provenance is in by its target."""


def compartment(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str, member_type: str
) -> FhirResponse:
    """Answer `GET [base]/[compartment]/[id]/[type]?…`, `…/*?…` and the same by a form to `…/_search`."""
    possible, besides = members(resource_type), rendered_members(resource_type)
    _require_member(resource_type, member_type, (*possible, *besides))
    stored = services.store.read(resource_type, resource_id)
    if stored is None:
        raise NotFound(f"there is no {resource_type} with this id")
    if stored.body is None:
        raise Gone(f"this {resource_type} was deleted")
    path = f"/{resource_type}/{resource_id}/{member_type}"
    if member_type in besides:
        # Of a Patient it is the target; a Practitioner or a Device would be an agent, which none of ours ever is.
        targets: set[Named] = {(resource_type, resource_id, None)} if resource_type == _OF_TARGETS else set()
        return search_within(request, services, path, [targets])
    if member_type == ANY:
        named = types(request, possible) or possible
        bounds = [(each, within) for each in named for within in memberships(resource_type, resource_id, each)]
        return searchset(request, services, path, over_types(request, bounds), type_pairs(request))
    bounds = [(member_type, within) for within in memberships(resource_type, resource_id, member_type)]
    if len(bounds) > 1:
        return searchset(request, services, path, over_types(request, bounds))
    within = bounds[0][1]
    asked, strict = asked_for(request), is_strict(request)
    search = parse(member_type, asked, strict=strict, base=request.base_url, within=within)
    return searchset(request, services, path, (search,))


def _require_member(compartment_type: str, member_type: str, possible: tuple[str, ...]) -> None:
    if member_type in {ANY, *possible}:
        return
    if member_type not in {*SERVED_TYPES, *RENDERED_TYPES}:
        close = did_you_mean(member_type, possible)
        raise UnknownType(f"{member_type} is not served{close}; valid: *, {', '.join(possible)}")
    raise NotFound(
        f"{member_type} is never in the compartment of a {compartment_type}; valid: *, {', '.join(possible)}"
    )
