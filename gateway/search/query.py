"""Answers a SearchRequest from the index: matches in order, page by page, with what they include.

Pages follow the values of their last row, so that a row that stays as it is is neither lost nor repeated while others
change.
https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from weakref import WeakKeyDictionary

from sqlalchemy import select

from gateway.outcomes import TooCostly
from gateway.search.cursor import Position, seal, unseal
from gateway.search.included import Row, included, resources
from gateway.search.matches import REMEMBERED, Index, Matches, Sorted
from gateway.search.memory import Memory
from gateway.search.merged import merged
from gateway.search.request import SearchRequest
from gateway.search.statements import Statements
from gateway.store import Snapshot, Store, TimeLimit
from gateway.store.tables import CLOCK

PAGE_SECONDS = 1.2
"""What a page may take, or a total that is all that is asked for."""
SHORT_PAGE, SHORT_PAGE_SECONDS = 20, 0.5
"""What is tried where a page of more than `LONG_PAGE` takes too long: on a disk that has not been read for long, each
of its resources is a wait. A server may give fewer than `_count`."""
LONG_PAGE = 100


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page."""

    matches: list[Row]
    included: list[Row]
    total: int | None
    """How many resources match; None when it was not asked for."""
    next: str | None
    """The cursor of the next page, where there is one."""
    previous: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is remembered of a store while it is open."""

    secret: bytes
    index: Index


_STORES: WeakKeyDictionary[Store, _Kept] = WeakKeyDictionary()


def _kept(store: Store) -> _Kept:
    kept = _STORES.get(store)
    if kept is None:
        index = Index(Statements(store.dialect), store.prepare(select(CLOCK.c.sequence)), Memory(REMEMBERED))
        kept = _STORES[store] = _Kept(store.secret("cursor"), index)
    return kept


def search(store: Store, request: SearchRequest, *, cursor: str | None = None) -> SearchResult:
    """One page of a search. Raises InvalidParameter for a cursor of another search, and TooCostly."""
    return _search(store, (request,), request.fingerprint, cursor)


def search_all(store: Store, requests: Sequence[SearchRequest], *, cursor: str | None = None) -> SearchResult:
    """One page of what matches any of several requests, which share their sort keys, count, total and summary.

    Raises as `search` does.
    """
    if len(requests) == 1:
        return search(store, requests[0], cursor=cursor)
    fingerprint = blake2b(b"".join(each.fingerprint for each in requests), digest_size=16).digest()
    return _search(store, requests, fingerprint, cursor)


def _search(store: Store, requests: Sequence[SearchRequest], fingerprint: bytes, sealed: str | None) -> SearchResult:
    kept = _kept(store)
    position = None if sealed is None else unseal(kept.secret, fingerprint, sealed)
    with store.snapshot() as snapshot:
        for asked, seconds in _attempts(requests):
            try:
                with snapshot.within(seconds):
                    return _searched(kept, snapshot, asked, fingerprint, position)
            except TimeLimit:
                continue
        raise TooCostly(
            "the search takes too long: it compares too many resources; add a parameter that fewer resources match"
        )


def _attempts(requests: Sequence[SearchRequest]) -> Iterator[tuple[Sequence[SearchRequest], float]]:
    """What is asked for, and in how many seconds; then less of it."""
    yield requests, PAGE_SECONDS
    if requests[0].count > LONG_PAGE and not requests[0].counts_only:
        yield [replace(each, count=SHORT_PAGE) for each in requests], SHORT_PAGE_SECONDS


def _searched(
    kept: _Kept, snapshot: Snapshot, requests: Sequence[SearchRequest], fingerprint: bytes, position: Position | None
) -> SearchResult:
    first = requests[0]
    matches = [Matches(kept.index, snapshot, request) for request in requests]
    if first.counts_only:
        return SearchResult([], [], _sum(matches), None, None)
    page = matches[0].page(position) if len(matches) == 1 else merged(matches, position, first.count)
    total = None if first.total == "none" else _sum(matches)

    def cursor(row: Sorted, *, backward: bool) -> str:
        return seal(kept.secret, fingerprint, Position(backward, row[1:], row[0]))

    found = resources(kept.index.statements, snapshot, [row[0] for row in page.rows])
    return SearchResult(
        list(found.values()),
        included(kept.index.statements, snapshot, found, first.includes),
        total,
        cursor(page.rows[-1], backward=False) if page.rows and page.has_next else None,
        cursor(page.rows[0], backward=True) if page.rows and page.has_previous else None,
    )


def _sum(matches: Sequence[Matches]) -> int | None:
    """All totals together; None as soon as one is not known."""
    total = 0
    for each in matches:
        counted = each.total()
        if counted is None:
            return None
        total += counted
    return total
