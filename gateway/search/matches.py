"""The matches of one search in one snapshot: a page of their pks in order, and how many there are.

A selective search gathers its matches and sorts them; a broad one walks an index in the order asked for. Where a walk
passes by too much, because what matches stands close together, all matches are gathered and remembered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from gateway.search.clauses import AnyClause, Clause, Joint, Linked
from gateway.search.conditions import Shape, bound, in_order, spreads
from gateway.search.cursor import Position
from gateway.search.memory import MISSING, Memory
from gateway.search.parameters import row_key
from gateway.search.request import SearchRequest
from gateway.search.statements import Leg, SortShape, Statements, descends
from gateway.store import Query, Snapshot, TimeLimit

GATHERED_AT_MOST = 2000
"""Candidates that are sorted in one go; a broader search walks."""
GATHERED_UNCOUNTED = 250
COUNTED_AT_MOST = 100_000
"""Rows that are counted to find the best way through a broad search; matches that are remembered."""
WALK_SECONDS = 0.01
"""How long a walk may take before all matches are gathered."""
GATHER_SECONDS = 0.7
"""What gathering them may take, or a total that nobody insists on."""
REMEMBERED = 300_000
"""Matches in all, in one process: some 30 MB."""
_ALL = 2**31 - 1
_SELECTIVE = 50
_BROAD_RANK = 8

T = TypeVar("T")
Sorted = tuple[Any, ...]
"""A pk, then its values of the sort keys."""


class Page(NamedTuple):
    """Some of the matches."""

    rows: list[Sorted]
    has_previous: bool
    has_next: bool


class Index(NamedTuple):
    """What searches of a store share."""

    statements: Statements
    sequence: Query
    """The number of the store's last change."""
    memory: Memory


class Matches:
    """What matches a request, asked page by page."""

    def __init__(self, index: Index, snapshot: Snapshot, request: SearchRequest) -> None:
        self._statements, self._memory, self._snapshot = index.statements, index.memory, snapshot
        self._asks_sequence = index.sequence
        self._request, self._clauses = request, request.clauses
        self.sort = tuple(SortShape(key.table, key.column, key.descending) for key in request.sort)
        self._values: dict[str, Any] = {"type": row_key(request.resource_type)}
        for at, key in enumerate(request.sort):
            self._values[f"s{at}"] = key.key
        self._key = ("rows", request.resource_type, request.clauses, request.sort)
        self._counts: dict[tuple[AnyClause, int], int] = {}
        self._known_sequence: int | None = None
        self._rows: list[Sorted] | None = None
        self._driver: int | None = None
        self._is_gathered = False

    def page(self, position: Position | None) -> Page:
        """The matches after a position, or before it; the first ones without. Raises TimeLimit."""
        if not self._clauses:
            return self._walked(position)
        self._gather()
        return self._broad(position) if self._rows is None else self._paged(self._rows, position)

    def total(self) -> int | None:
        """How many there are; None where counting is much work and nobody insists. Raises TimeLimit."""
        if self._clauses:
            self._gather()
        if self._rows is not None:
            return len(self._rows)
        key = ("total", self._request.resource_type, self._clauses)
        if self._request.counts_only or self._request.total == "accurate":
            return self._once((*key, "insisted"), self._counted_all)
        return self._once(key, lambda: self._unless_slow(self._counted_all))

    def _counted_all(self) -> int:
        query = self._statements.total(self._shapes(self._driver), self._driver)
        counted = self._snapshot.one(query, **self._values)
        return int(counted[0]) if counted else 0

    def _unless_slow(self, work: Callable[[], T]) -> T | None:
        try:
            with self._snapshot.within(GATHER_SECONDS):
                return work()
        except TimeLimit:
            return None

    def _once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What was worked out before under a key, if nothing has changed since."""
        known = self._memory.get(key, self._sequence())
        if known is MISSING:
            known = work()
            self._memory.put(key, self._sequence(), known)
        return cast("T", known)

    def _sequence(self) -> int:
        if self._known_sequence is None:
            found = self._snapshot.one(self._asks_sequence)
            self._known_sequence = found[0] if found else 0
        return self._known_sequence

    # Which way

    def _gather(self) -> None:
        """Put all matches into order, unless there may be too many: then find the clause to start from."""
        if self._is_gathered:
            return
        self._is_gathered = True
        laborious = any(not isinstance(clause, Clause) for clause in self._clauses)
        if laborious:
            known = self._memory.get(self._key, self._sequence())
            if known is not MISSING and known is not None:
                self._rows = known
                return
        self._choose()
        if laborious and self._rows is not None:  # to find them again may be much more work than they are many
            self._memory.put(self._key, self._sequence(), self._rows, weight=1 + len(self._rows))

    def _choose(self) -> None:
        positive = [
            at for at, clause in enumerate(self._clauses) if not (isinstance(clause, Clause) and clause.negated)
        ]
        if not positive:
            return
        positive.sort(key=lambda at: self._clauses[at].rank)
        first = self._clauses[positive[0]]
        if len(self._clauses) == 1 and (not self.sort or _reads_many(first)) and self._starts_small(first):
            # To gather some is as quick as to count them first; where the index has them in order, so is to walk.
            in_turn = not self.sort and in_order(first)
            most = GATHERED_UNCOUNTED if in_turn else GATHERED_AT_MOST
            gathered = self._gathered(positive[0], most + 1)
            self._rows, self._driver = (gathered if len(gathered) <= most else None), positive[0]
            return
        self._driver = self._narrowest(positive, GATHERED_AT_MOST)
        if self._driver is not None:
            self._rows = self._gathered(self._driver, GATHERED_AT_MOST)
        elif len(positive) == 1:
            self._driver = positive[0]
        else:
            self._driver = self._narrowest(positive, COUNTED_AT_MOST)
        if self._driver is not None and self._rows is None and self._is_less_than_linked(self._clauses[self._driver]):
            self._driver = None

    def _is_less_than_linked(self, clause: AnyClause) -> bool:
        """Whether fewer resources are searched than stand at the far ends of a clause's links: each is asked then."""
        if not isinstance(clause, Linked):
            return False
        return self._size() < sum(self._count(link.clause, COUNTED_AT_MOST + 1) for link in clause.links)

    def _size(self) -> int:
        """How many resources of the type there are."""
        return self._once(("size", self._request.resource_type), self._counted_size)

    def _counted_size(self) -> int:
        counted = self._snapshot.one(self._statements.total((), None), **self._values)
        return int(counted[0]) if counted else 0

    def _starts_small(self, clause: AnyClause) -> bool:
        """Whether few resources stand where a clause starts from."""
        if isinstance(clause, Linked):
            return all(self._are_few(link.clause) for link in clause.links)
        return isinstance(clause, Clause) or all(self._are_few(first) for first, *_ in clause.alternatives)

    def _narrowest(self, positive: Sequence[int], most: int) -> int | None:
        """The clause with the fewest rows, as far as that is few."""
        narrow = [at for at in positive if not _reads_many(self._clauses[at])]
        if len(narrow) > 1:  # what the first has is not worth counting to its end where another one is selective
            selective = self._fewest(narrow, min(_SELECTIVE, most))
            if selective is not None:
                return selective
        return self._fewest(positive, most)

    def _fewest(self, positive: Sequence[int], most: int) -> int | None:
        """The same of these clauses, counted one after another until one is selective."""
        best, fewest = None, most + 1
        for at in positive:
            clause = self._clauses[at]
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
        known = self._counts.get((clause, cap))
        if known is None:
            if cap <= GATHERED_AT_MOST + 1:  # quicker than to remember
                known = self._counted(clause, cap)
            else:
                known = self._once(("count", clause, cap), lambda: self._counted(clause, cap))
            self._counts[clause, cap] = known
        return known

    def _counted(self, clause: AnyClause, cap: int) -> int:
        if isinstance(clause, Linked):
            if any(self._count(link.clause, cap) >= cap for link in clause.links):
                return cap
        elif isinstance(clause, Joint):
            if any(self._count(first, cap) >= cap for first, *_ in clause.alternatives):
                return cap
        elif clause.negated:
            return cap
        values: dict[str, Any] = {}
        shape = bound(clause, "0", values)
        counted = self._snapshot.one(self._statements.probe(shape), **values, cap=cap)
        return int(counted[0]) if counted else 0

    def _shapes(self, driver: int | None) -> tuple[Shape, ...]:
        """The clauses' shapes, to start from one of them or from none.

        A resource may have very many links: what few lead to is looked for beforehand.
        """
        return tuple(
            bound(clause, str(at), self._values, as_set=at != driver and spreads(clause) and self._are_few(clause))
            for at, clause in enumerate(self._clauses)
        )

    def _are_few(self, clause: AnyClause) -> bool:
        return self._count(clause, GATHERED_AT_MOST + 1) <= GATHERED_AT_MOST

    # The page

    def _gathered(self, driver: int | None, cap: int) -> list[Sorted]:
        query = self._statements.gather(self._shapes(driver), driver, self.sort)
        return self._snapshot.all(query, **self._values, cap=cap)

    def _broad(self, position: Position | None) -> Page:
        known = self._memory.get(self._key, self._sequence())
        if known is MISSING:
            try:
                with self._snapshot.within(WALK_SECONDS):
                    return self._walked(position)
            except TimeLimit:
                known = self._unless_slow(self._all_gathered)
                self._memory.put(self._key, self._sequence(), known, weight=1 + len(known or ()))
        self._rows = known
        return self._walked(position) if known is None else self._paged(known, position)

    def _all_gathered(self) -> list[Sorted] | None:
        """None where they are too many to be remembered."""
        found = self._gathered(self._driver, _ALL)
        return found if len(found) <= COUNTED_AT_MOST else None

    def _paged(self, rows: list[Sorted], position: Position | None) -> Page:
        """The page of a position out of all matches in order."""
        start, end = 0, self._request.count
        if position is not None:
            after, before = self._around(rows, position)
            if position.backward:
                start = max(0, before - self._request.count)
                end = before or self._request.count  # what came before is gone: begin again
            else:
                start, end = after, after + self._request.count
        return Page(rows[start:end], start > 0, end < len(rows))

    def _walked(self, position: Position | None) -> Page:
        """A page from the index in order: first what has a value of the first sort key, then what lacks one."""
        backward = position is not None and position.backward
        wanted = self._request.count + 1
        rows: list[Sorted] = []
        shapes = self._shapes(None)
        for lacking in self._legs(position):
            starts_here = position is not None and lacking == bool(self.sort and position.values[0] is None)
            nulls = tuple(value is None for value in position.values) if position and starts_here else None
            query = self._statements.walk(shapes, self.sort, Leg(lacking, backward, nulls), self._along())
            values = {f"c{at}": value for at, value in enumerate(position.values)} if position else {}
            if position:
                values["cpk"] = position.pk
            leg = self._lacking if lacking and not self._clauses else self._next
            rows += leg(query, {**values, "cap": wanted - len(rows)}, position if starts_here else None)
            if len(rows) == wanted:
                break
        more, rows = len(rows) == wanted, rows[: wanted - 1]
        if not backward:
            return Page(rows, position is not None, more)
        if not rows:  # what came before is gone: begin again
            return self._walked(None)
        return Page(rows[::-1], more, has_next=True)

    def _next(self, query: Query, values: dict[str, Any], position: Position | None) -> list[Sorted]:
        """The next rows of a leg."""
        del position
        return self._snapshot.all(query, **self._values, **values)

    def _lacking(self, query: Query, values: dict[str, Any], position: Position | None) -> list[Sorted]:
        """The same of all resources that lack a value. Few of very many are found once, and remembered."""
        key = ("lacking", self._request.resource_type, self._request.sort)
        known = self._memory.get(key, self._sequence())
        if known is MISSING:
            try:
                with self._snapshot.within(WALK_SECONDS):
                    return self._next(query, values, position)
            except TimeLimit:
                known = self._all_lacking()
                self._memory.put(key, self._sequence(), known, weight=1 + len(known or ()))
        if known is None:
            return self._next(query, values, position)
        count = values["cap"]
        if position is None:
            return cast("list[Sorted]", known[:count])
        start, end = self._around(known, position)
        return cast(
            "list[Sorted]", known[max(0, end - count) : end][::-1] if position.backward else known[start:][:count]
        )

    def _all_lacking(self) -> list[Sorted] | None:
        """None where they are too many to be remembered."""
        query = self._statements.walk((), self.sort, Leg(lacking=True, backward=False, nulls=None))
        found = self._snapshot.all(query, **self._values, cap=COUNTED_AT_MOST + 1)
        return found if len(found) <= COUNTED_AT_MOST else None

    def _around(self, rows: list[Sorted], position: Position) -> tuple[int, int]:
        """Where what stands after a position begins, and where what stands before it ends."""
        place = (position.pk, *position.values)
        start = bisect_left(rows, x=True, key=lambda row: precedes(place, row, self.sort))
        return start, bisect_left(rows, x=True, key=lambda row: not precedes(row, place, self.sort))

    def _along(self) -> int | None:
        """The clause whose rows are walked, where they stand in the order asked for."""
        driver = self._driver
        return driver if not self.sort and driver is not None and in_order(self._clauses[driver]) else None

    def _legs(self, position: Position | None) -> Iterable[bool]:
        """The legs of the walk that are still ahead; only sort keys of the index can be lacking."""
        if not self.sort or self.sort[0].column in ("id", "updated"):
            return (False,)
        first_lacks = position is not None and position.values[0] is None
        if position is not None and position.backward:
            return (True, False) if first_lacks else (False,)
        return (True,) if first_lacks else (False, True)


def _reads_many(clause: AnyClause) -> bool:
    """Whether to find a clause's rows means to read many others."""
    return clause.rank >= _BROAD_RANK


def precedes(one: Sorted, other: Sorted, sort: tuple[SortShape, ...]) -> bool:
    """Whether a row stands before another, as pages order them."""
    for mine, theirs, shape in zip(one[1:], other[1:], sort, strict=True):
        if mine == theirs:
            continue
        if mine is None or theirs is None:
            return theirs is None
        return bool(mine > theirs) if shape.descending else bool(mine < theirs)
    return bool(one[0] > other[0] if descends(sort) else one[0] < other[0])
