"""Answers a SearchRequest from the index: matches in order, page by page, with what they include.

Pages follow the values of their last row, so that a row that stays as it is is neither lost nor repeated while others
change.
https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import select

from gateway.outcomes import TooCostly
from gateway.search.conditions import padded
from gateway.search.cursor import Position, seal, unseal
from gateway.search.matches import REMEMBERED, Index, Matches, Sorted
from gateway.search.memory import Memory
from gateway.search.parameters import row_key
from gateway.search.request import SearchRequest
from gateway.search.statements import Statements
from gateway.store import Snapshot, Store, TimeLimit
from gateway.store.tables import CLOCK

PAGE_SECONDS = 1.2
"""What a page may take, or a total that is all that is asked for."""


class Row(NamedTuple):
    """A current resource."""

    type: str
    id: str
    version: int
    updated: int
    """ms since 1970 UTC."""
    body: bytes


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
    kept = _kept(store)
    position = None if cursor is None else unseal(kept.secret, request.fingerprint, cursor)
    with store.snapshot() as snapshot:
        try:
            with snapshot.within(PAGE_SECONDS):
                return _searched(kept, snapshot, request, position)
        except TimeLimit:
            raise TooCostly(
                "the search takes too long: it compares too many resources; add a parameter that fewer resources match"
            ) from None


def _searched(kept: _Kept, snapshot: Snapshot, request: SearchRequest, position: Position | None) -> SearchResult:
    matches = Matches(kept.index, snapshot, request)
    if request.counts_only:
        return SearchResult([], [], matches.total(), None, None)
    page = matches.page(position)
    total = None if request.total == "none" else matches.total()

    def cursor(row: Sorted, *, backward: bool) -> str:
        return seal(kept.secret, request.fingerprint, Position(backward, row[1:], row[0]))

    found, included = _Resources(kept.index.statements, snapshot, request).of([row[0] for row in page.rows])
    return SearchResult(
        found,
        included,
        total,
        cursor(page.rows[-1], backward=False) if page.rows and page.has_next else None,
        cursor(page.rows[0], backward=True) if page.rows and page.has_previous else None,
    )


class _Resources:
    """The resources of a page, and what they include."""

    def __init__(self, statements: Statements, snapshot: Snapshot, request: SearchRequest) -> None:
        self.statements, self.snapshot, self.request = statements, snapshot, request

    def of(self, pks: list[int]) -> tuple[list[Row], list[Row]]:
        if not pks:
            return [], []
        listed = padded(pks)
        named = {f"pk{at}": pk for at, pk in enumerate(listed)}
        found = self.snapshot.all(self.statements.bodies(len(listed)), **named)
        by_pk = {row[0]: Row(*row[1:]) for row in found}
        matches = [by_pk[pk] for pk in pks if pk in by_pk]
        if not (self.request.includes or self.request.revincludes):
            return matches, []
        included: dict[int, Row] = {}
        for include in self.request.includes:
            query = self.statements.included(len(listed), targeted=include.target is not None)
            key = row_key(f"{include.resource_type}.{include.code}")
            for row in self.snapshot.all(query, **named, k=key, t=include.target):
                included.setdefault(row[0], Row(*row[1:]))
        ids = padded([row.id for row in matches])
        for include in self.request.revincludes:
            values: dict[str, Any] = {f"id{at}": found_id for at, found_id in enumerate(ids)}
            values["k"] = row_key(f"{include.resource_type}.{include.code}")
            values["t"] = self.request.resource_type
            for row in self.snapshot.all(self.statements.referring(len(ids)), **values):
                included.setdefault(row[0], Row(*row[1:]))
        return matches, [row for pk, row in included.items() if pk not in by_pk]
