"""The Bundle that answers a search: matches, what they include, what was not applied, and links that say it again.

https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/bundle.html#searchset
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import quote

from gateway import outcomes
from gateway.bundles import Link, SearchMode, bundle, in_json, outcome_entry, search_entry, url
from gateway.interactions.domains import names_unknown_domain
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.presentation import Presentation, Summary
from gateway.interactions.provenance import rendered
from gateway.outcomes import InvalidParameter
from gateway.search.included import Row
from gateway.search.includes import joins_rendered
from gateway.search.query import SearchResult, search_all
from gateway.search.request import Ignored, SearchRequest

_PRESENTATION = ("_format", "_pretty")
_UNKNOWN_DOMAIN = outcome_entry(
    outcomes.outcome(
        outcomes.issue("warning", "not-found", "identifier: of one of the systems nobody is known", "http.identifier")
    )
)


def asked_for(request: FhirRequest) -> list[tuple[str, str]]:
    """The parameters that are about matches and their order, not about the form of the answer or the page."""
    return [pair for pair in request.query if pair[0] not in _PRESENTATION and pair[0] != "_cursor"]


def searchset(
    request: FhirRequest,
    services: Services,
    path: str,
    searches: Sequence[SearchRequest],
    more: Sequence[tuple[str, str]] = (),
    shown: Callable[[SearchResult], list[tuple[Row, SearchMode]]] | None = None,
    beside: Sequence[Row] = (),
) -> FhirResponse:
    """Answer with a page of what the searches match. Its links lead to `path`, with `more` parameters first.

    `shown` makes the entries of what was found, where they are not the matches and what they include. Matches `beside`
    these stand on the same page.
    """
    first = searches[0]
    about_form = [pair for pair in request.query if pair[0] in _PRESENTATION]
    about_page = [pair for pair in request.query if pair[0] == "_cursor"]
    _require_one_meaning([*about_form, *about_page])
    cursor = about_page[0][1] if about_page else None
    presentation = Presentation(cast("Summary | None", first.summary), first.elements)
    base = in_json(request.base_url)
    with services.store.snapshot():
        result = search_all(services.store, searches, cursor=cursor)
        rows = _found(services, first, result) if shown is None else shown(result)
        updated = services.store.updated()
    if beside and not first.counts_only:
        rows = [*((row, "match") for row in beside), *rows]
    total = None if result.total is None else result.total + len(beside)
    if not presentation.is_whole:
        rows = [(row._replace(body=presentation.resource(row.type, row.body)), mode) for row, mode in rows]
    entries = [search_entry(base, name, number, body, mode) for (name, number, _, _, body), mode in rows]
    if first.ignored:
        entries.append(_not_applied(first.ignored))
    if names_unknown_domain(services.store, first):
        entries.append(_UNKNOWN_DOMAIN)
    start = url(request.base_url + path, [*more, *first.self_pairs, *about_form])
    before_cursor = f"{start}{'&' if '?' in start else '?'}_cursor="
    here = start if cursor is None else before_cursor + quote(cursor)
    links: list[Link] = [("self", here), ("first", start)]
    if result.previous is not None:
        links.append(("previous", before_cursor + result.previous))
    if result.next is not None:
        links.append(("next", before_cursor + result.next))
    return FhirResponse(200, bundle("searchset", total, links, entries, updated))


def _found(services: Services, search: SearchRequest, result: SearchResult) -> list[tuple[Row, SearchMode]]:
    """The matches, what they include, and their Provenance if that is asked for."""
    matches: list[tuple[Row, SearchMode]] = [(row, "match") for row in result.matches]
    if not search.includes:
        return matches
    traced = [
        row
        for rows, includes in (
            (result.matches, search.includes),
            (result.included, [each for each in search.includes if each.iterate]),
        )
        for row in rows
        if any(each.reverse and joins_rendered(each, row.type) for each in includes)
    ]
    included = [*result.included, *(rendered(services.store, [(row.type, row.id) for row in traced]) if traced else ())]
    return matches + [(row, "include") for row in included]


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
