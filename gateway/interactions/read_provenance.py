"""read of a Provenance, of a current version or of a former one.

https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from hashlib import blake2b

from gateway.interactions.conditional import http_date, is_unchanged
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.parameters import require_known
from gateway.interactions.presentation import asked_of
from gateway.interactions.provenance import rendered, rendered_former, target_of
from gateway.outcomes import Gone, NotFound


def read_provenance(request: FhirRequest, services: Services, *, resource_type: str, resource_id: str) -> FhirResponse:
    """Answer `GET [base]/Provenance/[id]`."""
    require_known(request)
    target = target_of(resource_id)
    with services.store.snapshot():
        stored = None if target is None else services.store.read(target.type, target.id)
        if target is None or stored is None or stored.version < target.version:
            raise NotFound(f"there is no {resource_type} with this id")
        if stored.version == target.version and stored.body is not None:
            row = rendered(services.store, [(stored.type, stored.id)])[0]
        elif (former := rendered_former(services.store, target)) is not None:
            row = former
        else:
            raise Gone(f"this version is a deletion of the {target.type}, which has no {resource_type}")
    # It has no version of its own: its mapper and the place of its row may change while its target does not.
    etag = f'W/"{blake2b(row.body, digest_size=8).hexdigest()}"'
    headers = [("ETag", etag), ("Last-Modified", http_date(row.updated // 1000))]
    if is_unchanged(request, etag, row.updated // 1000):
        return FhirResponse(304, b"", headers)
    return FhirResponse(200, asked_of(request).resource(resource_type, row.body), headers)
