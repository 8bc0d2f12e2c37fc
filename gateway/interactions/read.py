"""read: the current version of one resource, byte for byte as it is stored.

https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from gateway.interactions.conditional import validators, versioned
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.parameters import require_known
from gateway.interactions.presentation import asked_of
from gateway.outcomes import Gone, NotFound


def read(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `GET [base]/[type]/[id]`."""
    stored = services.store.read(resource_type, resource_id)
    if stored is None:
        raise NotFound(f"there is no {resource_type} with this id")
    if stored.body is None:
        raise Gone(f"this {resource_type} was deleted", headers=dict(validators(stored.version, stored.updated)))
    body = stored.body
    if request.query:
        require_known(request)
        body = asked_of(request).resource(resource_type, body)
    return versioned(request, stored.version, stored.updated, body)
