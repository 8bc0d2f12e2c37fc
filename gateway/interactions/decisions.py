"""$merge, $unmerge, $same and $not-same: people decide who is who. The only operations that change anything.

Operations of the gateway's own. What the hospitals' records say stays as it is: a decision moves Patients between
Persons, is kept with who decided and why, and can be undone. Its inputs stand in the body, never in an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from gateway.identity.crosswalk import Authority, RefusedError
from gateway.identity.decisions import Decisions, authority
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, answered, inputs, required
from gateway.outcomes import Conflict, Gone, InvalidParameter, NotFound, Unavailable
from gateway.store import Store, StoreBusyError

_DEFINITIONS: Final = "urn:fhir-gateway:OperationDefinition"
MERGE: Final = f"{_DEFINITIONS}:Person-merge"
UNMERGE: Final = f"{_DEFINITIONS}:Person-unmerge"
SAME: Final = f"{_DEFINITIONS}:Patient-same"
NOT_SAME: Final = f"{_DEFINITIONS}:Patient-not-same"
_WHO: Final = Input("who", "string", "Who decides.", "a.reviewer")
_WHY: Final = Input("why", "string", "Why: what was seen or asked.", "the identity cards were compared")
ALONE: Final = (_WHO, _WHY)
WITH_PERSON: Final = (Input("other", "Reference", "The other Person."), *ALONE)
WITH_PATIENT: Final = (Input("other", "Reference", "The other Patient."), *ALONE)
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_WAIT: Final = {"Retry-After": "60"}


def merge(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `POST [base]/Person/[id]/$merge`: two persons are one; the older one survives."""
    given = inputs(request, WITH_PERSON)
    other = _other(services.store, given, resource_type)
    return _decided(services.store, given, resource_type, resource_id, lambda decisions, by: [
        decisions.merge(resource_id, other, by)
    ])  # fmt: skip


def unmerge(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `POST [base]/Person/[id]/$unmerge`: this person, which was merged into another one, comes back."""
    given = inputs(request, ALONE)
    return _decided(services.store, given, resource_type, resource_id, lambda decisions, by: [
        resource_id, decisions.unmerge(resource_id, by)
    ])  # fmt: skip


def same(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `POST [base]/Patient/[id]/$same`: two Patients are the same person."""
    given = inputs(request, WITH_PATIENT)
    other = _other(services.store, given, resource_type)
    return _decided(services.store, given, resource_type, resource_id, lambda decisions, by: [
        decisions.same(resource_id, other, by)
    ])  # fmt: skip


def not_same(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `POST [base]/Patient/[id]/$not-same`: two Patients are not the same person, for good."""
    given = inputs(request, WITH_PATIENT)
    other = _other(services.store, given, resource_type)
    return _decided(services.store, given, resource_type, resource_id, lambda decisions, by: list(
        decisions.not_same(resource_id, other, by)
    ))  # fmt: skip


def _decided(
    store: Store,
    given: dict[str, Any],
    resource_type: str,
    resource_id: str,
    decide: Callable[[Decisions, Authority], list[str]],
) -> FhirResponse:
    """The persons that there are after a decision."""
    from gateway.sync.deciding import deciding  # brings what a sync needs, which a server that only reads does not

    _require(store, resource_type, resource_id)
    who, why = required(given, "who"), required(given, "why")
    try:
        by = authority(who, why)
    except RefusedError as error:
        raise InvalidParameter("who", str(error)) from None
    try:
        with deciding(store) as decisions:
            persons = decide(decisions, by)
    except RefusedError as error:
        raise Conflict(str(error)) from None
    except StoreBusyError:
        raise Unavailable("a sync writes to the store: try again when it has ended", headers=_WAIT) from None
    listed = [{"name": "person", "valueReference": {"reference": f"Person/{each}"}} for each in dict.fromkeys(persons)]
    return answered({"resourceType": "Parameters", "parameter": listed})


def _require(store: Store, resource_type: str, resource_id: str) -> None:
    stored = store.read(resource_type, resource_id)
    if stored is None:
        raise NotFound(f"there is no {resource_type} with this id")
    if stored.body is None:
        raise Gone(f"this {resource_type} was deleted")


def _other(store: Store, given: dict[str, Any], resource_type: str) -> str:
    """The id of the resource that `other` refers to. Raises InvalidParameter."""
    kind, _, resource_id = str(required(given, "other").get("reference")).partition("/")
    if kind != resource_type or not _ID.fullmatch(resource_id):
        raise InvalidParameter("other", f"is not a reference as {resource_type}/[id]")
    stored = store.read(resource_type, resource_id)
    if stored is None or stored.body is None:
        raise InvalidParameter("other", f"refers to a {resource_type} that is not here")
    return resource_id
