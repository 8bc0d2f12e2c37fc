"""Answers a SearchRequest from the index: matches in order, page by page, with what they include.

A selective search gathers its candidates and sorts them; a broad one walks an index in the order asked for. Pages
follow the values of their last row, so that a row that stays as it is is neither lost nor repeated while others change.
https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import select

from gateway.outcomes import TooCostly
from gateway.search.clauses import AnyClause, Clause, Linked
from gateway.search.conditions import Shape, bound, padded, spreads
from gateway.search.cursor import Position, seal, unseal
from gateway.search.parameters import row_key
from gateway.search.request import SearchRequest
from gateway.search.statements import Leg, SortShape, Statements, descends
from gateway.store import Snapshot, Store, TimeLimit
from gateway.store.tables import CLOCK

GATHERED_AT_MOST = 2000
"""Candidates that are sorted in one go; a broader search walks."""
GATHERED_UNCOUNTED = 250
COUNTED_AT_MOST = 20_000
"""Rows that are counted to find the best way to a total."""
TOTAL_SECONDS, PAGE_SECONDS = 0.7, 1.2
"""What a total may take that nobody insists on; and a page, or a total that is all that is asked for."""
_ALL = 2**31 - 1
_SELECTIVE = 50
_BROAD_RANK = 8
_TOTALS_KEPT = 1024

Sorted = tuple[Any, ...]
"""A pk, then its values of the sort keys."""


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


class _Page(NamedTuple):
    rows: list[Sorted]
    has_previous: bool
    has_next: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is remembered of a store while it is open."""

    secret: bytes
    statements: Statements
    totals: dict[tuple[str, tuple[AnyClause, ...]], tuple[int, int]]
    """By type and clauses: the change sequence at which they were counted, and the total."""
    sequence: Any


_STORES: WeakKeyDictionary[Store, _Kept] = WeakKeyDictionary()


def _kept(store: Store) -> _Kept:
    kept = _STORES.get(store)
    if kept is None:
        kept = _Kept(store.secret("cursor"), Statements(store.dialect), {}, store.prepare(select(CLOCK.c.sequence)))
        _STORES[store] = kept
    return kept


def search(store: Store, request: SearchRequest, *, cursor: str | None = None) -> SearchResult:
    """One page of a search. Raises InvalidParameter for a cursor of another search."""
    kept = _kept(store)
    position = None if cursor is None else unseal(kept.secret, request.fingerprint, cursor)
    with store.snapshot() as snapshot:
        return _Search(kept, snapshot, request).page(position)


class _Search:
    """One search in one snapshot."""

    def __init__(self, kept: _Kept, snapshot: Snapshot, request: SearchRequest) -> None:
        self.kept, self.statements, self.snapshot, self.request = kept, kept.statements, snapshot, request
        self.clauses = request.clauses
        self.counts: dict[tuple[AnyClause, int], int] = {}
        self.sort = tuple(SortShape(key.table, key.column, key.descending) for key in request.sort)
        self.values: dict[str, Any] = {"type": row_key(request.resource_type)}
        for at, key in enumerate(request.sort):
            self.values[f"s{at}"] = key.key

    def page(self, position: Position | None) -> SearchResult:
        try:
            with self.snapshot.within(PAGE_SECONDS):
                return self._page(position)
        except TimeLimit:
            raise TooCostly(
                "the search takes too long: it compares too many resources; add a parameter that fewer resources match"
            ) from None

    def _page(self, position: Position | None) -> SearchResult:
        request = self.request
        gathered, driver = self._gather()
        total = None
        if request.counts_only or request.total != "none":
            total = self._total(driver) if gathered is None else len(gathered)
        if request.counts_only:
            return SearchResult([], [], total, None, None)
        if gathered is None and total is not None and total <= GATHERED_AT_MOST and driver is not None:
            # What is asked for is broad, its matches are few: a walk would pass by most of what it sees.
            gathered = self._gathered(driver, _ALL)
        page = self._walked(position) if gathered is None else _paged(gathered, position, self.sort, request.count)
        matches, included = self._resources([row[0] for row in page.rows])
        return SearchResult(
            matches,
            included,
            total,
            self._cursor(page.rows[-1], backward=False) if page.rows and page.has_next else None,
            self._cursor(page.rows[0], backward=True) if page.rows and page.has_previous else None,
        )

    def _cursor(self, row: Sorted, *, backward: bool) -> str:
        return seal(self.kept.secret, self.request.fingerprint, Position(backward, row[1:], row[0]))

    def _shapes(self, *, most: int = GATHERED_AT_MOST) -> tuple[Shape, ...]:
        """The clauses' shapes. A resource may have very many links: what few lead to is looked for beforehand."""
        return tuple(
            bound(clause, str(at), self.values, as_set=spreads(clause) and self._count(clause, most + 1) <= most)
            for at, clause in enumerate(self.clauses)
        )

    def _gather(self) -> tuple[list[Sorted] | None, int | None]:
        """All matches in order, unless there may be too many; and the clause to start from."""
        positive = [at for at, clause in enumerate(self.clauses) if not (isinstance(clause, Clause) and clause.negated)]
        if not positive:
            return None, None
        positive.sort(key=lambda at: self.clauses[at].rank)
        first = self.clauses[positive[0]]
        if len(self.clauses) == 1 and (not self.sort or _reads_many(first)) and self._starts_small(first):
            # To gather some is as quick as to count them first.
            most = GATHERED_AT_MOST if self.sort else GATHERED_UNCOUNTED
            gathered = self._gathered(positive[0], most + 1)
            return (gathered if len(gathered) <= most else None), positive[0]
        driver = self._narrowest(positive, GATHERED_AT_MOST)
        if driver is not None:
            return self._gathered(driver, GATHERED_AT_MOST + 1), driver
        return None, self._narrowest(positive, COUNTED_AT_MOST) if len(positive) > 1 else positive[0]

    def _starts_small(self, clause: AnyClause) -> bool:
        """Whether few resources stand at the far ends of a clause's links, if it has any."""
        return isinstance(clause, Clause) or all(
            self._count(link.clause, GATHERED_AT_MOST + 1) <= GATHERED_AT_MOST for link in clause.links
        )

    def _narrowest(self, positive: Sequence[int], most: int) -> int | None:
        """The clause with the fewest rows, as far as that is few."""
        best, fewest = None, most + 1
        for at in positive:
            clause = self.clauses[at]
            if best is not None and _reads_many(clause):
                break
            rows = self._count(clause, most + 1)
            if rows < fewest:
                best, fewest = at, rows
            if fewest <= _SELECTIVE:
                break
        return best

    def _count(self, clause: AnyClause, cap: int) -> int:
        """How many rows a clause has, up to `cap`: as many as that, where only to count them is much work."""
        known = self.counts.get((clause, cap))
        if known is None:
            known = self.counts[clause, cap] = self._counted(clause, cap)
        return known

    def _counted(self, clause: AnyClause, cap: int) -> int:
        if isinstance(clause, Linked):
            if any(self._count(link.clause, cap) >= cap for link in clause.links):
                return cap
        elif clause.negated:
            return cap
        values: dict[str, Any] = {}
        shape = bound(clause, "0", values)
        counted = self.snapshot.one(self.statements.probe(shape), **values, cap=cap)
        return int(counted[0]) if counted else 0

    def _gathered(self, driver: int, cap: int) -> list[Sorted]:
        query = self.statements.gather(self._shapes(), driver, self.sort)
        return self.snapshot.all(query, **self.values, cap=cap)

    def _total(self, driver: int | None) -> int | None:
        """Counted once while nothing changes; None where that is much work and nobody insists."""
        at = self.snapshot.one(self.kept.sequence)
        sequence = at[0] if at else 0
        key = (self.request.resource_type, self.clauses)
        known = self.kept.totals.get(key)
        if known is not None and known[0] == sequence:
            return known[1]
        insisted = self.request.counts_only or self.request.total == "accurate"
        try:
            with self.snapshot.within(PAGE_SECONDS if insisted else TOTAL_SECONDS):
                query = self.statements.total(self._shapes(most=COUNTED_AT_MOST), driver)
                counted = self.snapshot.one(query, **self.values)
        except TimeLimit:
            if insisted:
                raise
            return None
        total = int(counted[0]) if counted else 0
        if len(self.kept.totals) >= _TOTALS_KEPT:
            self.kept.totals.clear()
        self.kept.totals[key] = sequence, total
        return total

    def _walked(self, position: Position | None) -> _Page:
        """A page from the index in order: first what has a value of the first sort key, then what lacks one."""
        backward = position is not None and position.backward
        wanted = self.request.count + 1
        rows: list[Sorted] = []
        shapes = self._shapes()
        for lacking in self._legs(position):
            starts_here = position is not None and lacking == bool(self.sort and position.values[0] is None)
            nulls = tuple(value is None for value in position.values) if position and starts_here else None
            query = self.statements.walk(shapes, self.sort, Leg(lacking, backward, nulls))
            values = {f"c{at}": value for at, value in enumerate(position.values)} if position else {}
            if position:
                values["cpk"] = position.pk
            rows += self.snapshot.all(query, **self.values, **values, cap=wanted - len(rows))
            if len(rows) == wanted:
                break
        more, rows = len(rows) == wanted, rows[: wanted - 1]
        if not backward:
            return _Page(rows, position is not None, more)
        if not rows:  # what came before is gone: begin again
            return self._walked(None)
        return _Page(rows[::-1], more, has_next=True)

    def _legs(self, position: Position | None) -> Iterable[bool]:
        """The legs of the walk that are still ahead; only sort keys of the index can be lacking."""
        if not self.sort or self.sort[0].column in ("id", "updated"):
            return (False,)
        first_lacks = position is not None and position.values[0] is None
        if position is not None and position.backward:
            return (True, False) if first_lacks else (False,)
        return (True,) if first_lacks else (False, True)

    def _resources(self, pks: list[int]) -> tuple[list[Row], list[Row]]:
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


def _reads_many(clause: AnyClause) -> bool:
    """Whether to find a clause's rows means to read many others."""
    return clause.rank >= _BROAD_RANK


def _paged(rows: list[Sorted], position: Position | None, sort: tuple[SortShape, ...], count: int) -> _Page:
    """The page of a position out of all matches in order."""
    start, end = 0, count
    if position is not None:
        place = (position.pk, *position.values)
        if position.backward:
            end = bisect_left(rows, x=True, key=lambda row: not _precedes(row, place, sort))
            start = max(0, end - count)
            end = end or count  # what came before is gone: begin again
        else:
            start = bisect_left(rows, x=True, key=lambda row: _precedes(place, row, sort))
            end = start + count
    return _Page(rows[start:end], start > 0, end < len(rows))


def _precedes(one: Sorted, other: Sorted, sort: tuple[SortShape, ...]) -> bool:
    """Whether a row stands before another, as `gather` orders them."""
    for mine, theirs, shape in zip(one[1:], other[1:], sort, strict=True):
        if mine == theirs:
            continue
        if mine is None or theirs is None:
            return theirs is None
        return bool(mine > theirs) if shape.descending else bool(mine < theirs)
    return bool(one[0] > other[0] if descends(sort) else one[0] < other[0])
