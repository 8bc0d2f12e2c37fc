"""search-type: the resources of a type that match, a page at a time, by GET or by a form.

https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.negotiation import is_strict
from gateway.interactions.searchset import asked_for, searchset
from gateway.search.request import parse


def search_type(request: FhirRequest, services: Services, *, resource_type: str) -> FhirResponse:
    """Answer `GET [base]/[type]?…` and `POST [base]/[type]/_search`."""
    parsed = parse(resource_type, asked_for(request), strict=is_strict(request), base=request.base_url)
    return searchset(request, services, f"/{resource_type}", (parsed,))
