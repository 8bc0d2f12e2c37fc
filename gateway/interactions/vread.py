"""vread: one version of one resource, as it was.

https://hl7.org/fhir/R4/http.html#vread
"""

from __future__ import annotations

import re

from gateway.interactions.conditional import validators, versioned
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.parameters import require_known
from gateway.interactions.presentation import asked_of
from gateway.outcomes import Gone, NotFound

_VERSION = re.compile(r"[1-9][0-9]{0,8}")


def vread(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str, version_id: str
) -> FhirResponse:
    """Answer `GET [base]/[type]/[id]/_history/[vid]`."""
    known = _VERSION.fullmatch(version_id)
    stored = services.store.vread(resource_type, resource_id, int(version_id)) if known else None
    if stored is None:
        raise NotFound(f"there is no such version of a {resource_type} with this id")
    if stored.body is None:
        raise Gone(
            f"this version is the deletion of the {resource_type}",
            headers=dict(validators(stored.version, stored.updated)),
        )
    require_known(request)
    body = asked_of(request).resource(resource_type, stored.body)
    return versioned(request, stored.version, stored.updated, body)
