"""search-system: the resources of several types, or of all, in one order and on the same pages.

A parameter has to be one of all the types. https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.negotiation import is_strict
from gateway.interactions.parameters import types
from gateway.interactions.searchset import asked_for, searchset
from gateway.outcomes import InvalidParameter
from gateway.search.parameters import SERVED_TYPES
from gateway.search.request import SearchRequest, Within, parse

_OF_ONE_TYPE = ("_include", "_revinclude")


def search_system(request: FhirRequest, services: Services) -> FhirResponse:
    """Answer `GET [base]?…` and `POST [base]/_search`."""
    named = types(request, SERVED_TYPES)
    searches = over_types(request, ((each, None) for each in named or SERVED_TYPES))
    return searchset(request, services, "", searches, type_pairs(request))


def type_pairs(request: FhirRequest) -> list[tuple[str, str]]:
    """The parameter that names the types, for links."""
    return [pair for pair in request.query if pair[0] == "_type"]


def over_types(request: FhirRequest, types: Iterable[tuple[str, Within | None]]) -> list[SearchRequest]:
    """One search for each type. Raises InvalidParameter where they do not understand the parameters alike."""
    asked = [pair for pair in asked_for(request) if pair[0] != "_type"]
    for name, _ in asked:
        if name.partition(":")[0] in _OF_ONE_TYPE:
            raise InvalidParameter(name, "is for searches of one type")
    strict = is_strict(request)
    searches = [parse(each, asked, strict=strict, base=request.base_url, within=within) for each, within in types]
    _require_alike(searches)
    return searches


def _require_alike(searches: Sequence[SearchRequest]) -> None:
    """A filter must not hold for some of the types only, and values of an order have to be comparable."""
    first = searches[0]
    for other in searches[1:]:
        apart = {each.name for each in first.ignored} ^ {each.name for each in other.ignored}
        for name in sorted(apart):
            lacking = first if name in {each.name for each in first.ignored} else other
            raise InvalidParameter(name, f"not a search parameter of {lacking.resource_type}, which is searched too")
        if [(key.table, key.column) for key in first.sort] != [(key.table, key.column) for key in other.sort]:
            raise InvalidParameter("_sort", f"{first.resource_type} and {other.resource_type} have nothing in common")
