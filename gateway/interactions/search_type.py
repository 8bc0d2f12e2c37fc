"""search-type: the resources of a type that match, a page at a time, by GET or by a form.

https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from gateway import outcomes
from gateway.bundles import Link, bundle, in_json, outcome_entry, search_entry, url
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.negotiation import is_strict
from gateway.interactions.presentation import Presentation, Summary
from gateway.outcomes import InvalidParameter
from gateway.search.query import search
from gateway.search.request import Ignored, parse

_PRESENTATION = ("_format", "_pretty")


def search_type(request: FhirRequest, services: Services, *, resource_type: str) -> FhirResponse:
    """Answer `GET [base]/[type]?…` and `POST [base]/[type]/_search`."""
    about_form = [pair for pair in request.query if pair[0] in _PRESENTATION]
    asked = [pair for pair in request.query if pair[0] not in _PRESENTATION and pair[0] != "_cursor"]
    about_page = [pair for pair in request.query if pair[0] == "_cursor"]
    _require_one_meaning([*about_form, *about_page])
    parsed = parse(resource_type, asked, strict=is_strict(request), base=request.base_url)
    cursor = about_page[0][1] if about_page else None
    result = search(services.store, parsed, cursor=cursor)

    presentation = Presentation(cast("Summary | None", parsed.summary), parsed.elements)
    base = in_json(request.base_url)
    rows = [(row, "match") for row in result.matches] + [(row, "include") for row in result.included]
    entries = [
        search_entry(base, row.type, row.id, presentation.resource(row.type, row.body), mode)  # type: ignore[arg-type]
        for row, mode in rows
    ]
    if parsed.ignored:
        entries.append(_not_applied(parsed.ignored))
    first = url(f"{request.base_url}/{resource_type}", [*parsed.self_pairs, *about_form])
    before_cursor = f"{first}{'&' if '?' in first else '?'}_cursor="
    here = first if cursor is None else before_cursor + quote(cursor)
    links: list[Link] = [("self", here), ("first", first)]
    if result.previous is not None:
        links.append(("previous", before_cursor + result.previous))
    if result.next is not None:
        links.append(("next", before_cursor + result.next))
    return FhirResponse(200, bundle("searchset", result.total, links, entries))


def _require_one_meaning(given: list[tuple[str, str]]) -> None:
    """A parameter may stand in the URL and in the form, but says one thing."""
    meanings: dict[str, str] = {}
    for name, value in given:
        if meanings.setdefault(name, value) != value:
            raise InvalidParameter(name, "may be given only once")


def _not_applied(ignored: tuple[Ignored, ...]) -> bytes:
    """What was not applied is always said: the result is wider than what was asked for."""
    said = (
        outcomes.issue("warning", "not-supported", f"{name}: not applied; {reason}", f"http.{name}")
        for name, reason in dict.fromkeys(ignored)
    )
    return outcome_entry(outcomes.outcome(*said))
