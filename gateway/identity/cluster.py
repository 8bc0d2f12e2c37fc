"""Records to persons: best-first union of the surest pairs, never across a "not the same".

Deterministic and free of order: edges of one given name are taken first, then the others, each by weight and then by
their records' ids, so the same edges in any order give the same persons. What is refused is said, and becomes a
question for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import fsum
from typing import Literal

from gateway.identity.spellings import NAMELESS, Named, Told, told, two_peoples

Pair = tuple[str, str]
"""Two resource ids, the smaller first."""
Weigh = Callable[[str, str], float]
"""The match weight of two records."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Two records that were compared and are to be one person."""

    weight: float
    a: str
    b: str
    same_name: bool = True
    """Whether both write the same given name. Those are joined first: who is called so then meets as a whole."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A union that was not made, and what stood against it."""

    edge: Edge
    reason: Literal["cannot-link", "one-to-one", "same-source", "two-names", "others-disagree"]
    against: Pair
    """The two records, one of each side, that may not be one person, or that agree least."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """The persons, each as its records' ids in order, ordered by their first; and the unions that were refused."""

    persons: tuple[tuple[str, ...], ...]
    refused: tuple[Refusal, ...]


def pair(one: str, two: str) -> Pair:
    """Two ids as a pair."""
    return (one, two) if one < two else (two, one)


def cluster(
    sources: Mapping[str, str],
    edges: Iterable[Edge],
    must_links: Iterable[Pair] = (),
    cannot_links: Iterable[Pair] = (),
    one_to_one: Collection[str] = (),
    acquainted: Collection[Pair] | None = None,
    names: Mapping[str, Named] | None = None,
    weigh: Weigh | None = None,
    on_average: float = 0.0,
) -> Clusters:
    """Every record of `sources` (resource id to source) in exactly one person.

    `must_links` are made first and beat everything but `cannot_links`; `one_to_one` names sources of which a person has
    at most one record. Of one source, only pairs of `acquainted` may meet in a person (None = all): a source that keeps
    two records apart must itself give reason to join them. `names`: what each record calls its person; two given names
    that are hardly one person's (`two_peoples`) do not meet in a person. Two persons of several records each are joined
    only if all pairs of their records weigh `on_average` so much (`weigh`; None = they are not asked): one pair of
    namesakes joins no two persons of whom more is known. Every edge's records must be in `sources`.
    """
    must_links = list(must_links)
    unions = _Unions(sources, must_links, cannot_links, one_to_one, acquainted, names or {}, weigh, on_average)
    refused = [
        refusal
        for ordered in (
            sorted((Edge(float("inf"), *pair(*each)) for each in must_links), key=_order),
            sorted(edges, key=_order),
        )
        for edge in ordered
        if (refusal := unions.join(edge, must=edge.weight == float("inf")))
    ]
    persons = sorted(tuple(sorted(members)) for members in unions.members())
    return Clusters(tuple(persons), tuple(refused))


def _order(edge: Edge) -> tuple[bool, float, str, str]:
    return not edge.same_name, -edge.weight, *pair(edge.a, edge.b)


class _Unions:
    """Disjoint sets of records, small into large, with what each set may not be joined with."""

    def __init__(
        self,
        sources: Mapping[str, str],
        must_links: Iterable[Pair],
        cannot_links: Iterable[Pair],
        one_to_one: Collection[str],
        acquainted: Collection[Pair] | None,
        names: Mapping[str, Named],
        weigh: Weigh | None,
        on_average: float,
    ) -> None:
        self._root = {record: record for record in sources}
        self._members: dict[str, list[str]] = {}
        self._apart: dict[str, set[str]] = {}
        for one, two in cannot_links:
            self._apart.setdefault(one, set()).add(two)
            self._apart.setdefault(two, set()).add(one)
        self._sources, self._single, self._acquainted = sources, frozenset(one_to_one), acquainted
        self._names, self._weigh, self._on_average = names, weigh, on_average
        self._confirmed: dict[str, set[Told]] = {}
        """By record, the two names that somebody has said are one person's."""
        for joined in must_links:
            for record in joined:
                self._confirmed.setdefault(record, set()).add(told(*(self._named(each)[0] for each in joined)))
        self._disagreed: dict[tuple[str, str, int], Pair] = {}

    def find(self, record: str) -> str:
        root = record
        while (above := self._root[root]) != root:
            root = above
        while (above := self._root[record]) != root:
            self._root[record], record = root, above
        return root

    def join(self, edge: Edge, *, must: bool) -> Refusal | None:
        one, two = self.find(edge.a), self.find(edge.b)
        if one == two:
            return None
        ones, twos = self._members.get(one, [one]), self._members.get(two, [two])
        if len(ones) < len(twos):
            one, two, ones, twos = two, one, twos, ones
        if against := self._forbidden(ones, twos):
            return Refusal(edge, "cannot-link", against)
        if not must:
            if against := self._colliding(ones, twos, self._is_doubled):
                return Refusal(edge, "one-to-one", against)
            if against := self._colliding(ones, twos, self._is_strange):
                return Refusal(edge, "same-source", against)
            if against := self._otherwise_called(ones, twos):
                return Refusal(edge, "two-names", against)
            if against := self._disagreeing(one, two, ones, twos):
                return Refusal(edge, "others-disagree", against)
        self._root[two] = one
        self._members[one] = ones + twos if len(ones) == 1 else ones
        if len(ones) > 1:
            ones.extend(twos)
        self._members.pop(two, None)
        return None

    def _forbidden(self, ones: Collection[str], twos: Collection[str]) -> Pair | None:
        if not self._apart:
            return None
        others = set(ones)
        found = [pair(two, other) for two in twos for other in self._apart.get(two, ()) if other in others]
        return min(found, default=None)

    def _colliding(
        self, ones: Collection[str], twos: Collection[str], forbids: Callable[[str, str], bool]
    ) -> Pair | None:
        """The first pair of records of one source, one of each side, that is forbidden."""
        of_source: dict[str, list[str]] = {}
        for record in ones:
            of_source.setdefault(self._sources[record], []).append(record)
        found = [pair(one, two) for two in twos for one in of_source.get(self._sources[two], ()) if forbids(one, two)]
        return min(found, default=None)

    def _otherwise_called(self, ones: Sequence[str], twos: Sequence[str]) -> Pair | None:
        """Two records, one of each side, whose names would be two people's only if the sides were joined."""
        if len(ones) + len(twos) < 4:  # two names, two sources each
            return None
        together = two_peoples(map(self._named, (*ones, *twos)))
        if not together:
            return None
        for side in (ones, twos):  # what people have joined, others may join
            together -= two_peoples(map(self._named, side))
            together.difference_update(*(self._confirmed.get(record, ()) for record in side))
        found = []
        for (one, two), (left, right) in product(together, ((ones, twos), (twos, ones))):
            first = min((record for record in left if self._named(record)[0].called == one), default=None)
            second = min((record for record in right if self._named(record)[0].called == two), default=None)
            if first is not None and second is not None:
                found.append(pair(first, second))
        return min(found, default=None)

    def _named(self, record: str) -> tuple[Named, str]:
        return self._names.get(record, NAMELESS), self._sources[record]

    def _disagreeing(self, one: str, two: str, ones: Sequence[str], twos: Sequence[str]) -> Pair | None:
        """The pair that agrees least, where both are several records that do not agree on average."""
        if self._weigh is None or len(twos) < 2:  # the smaller side
            return None
        asked = *pair(one, two), len(ones) + len(twos)  # again for each pair that would join them
        if asked not in self._disagreed:
            weights = [(self._weigh(*found), found) for found in (pair(*each) for each in product(ones, twos))]
            if fsum(weight for weight, _ in weights) >= self._on_average * len(weights):
                return None
            self._disagreed[asked] = min(weights)[1]
        return self._disagreed[asked]

    def _is_doubled(self, one: str, two: str) -> bool:
        return self._sources[one] in self._single

    def _is_strange(self, one: str, two: str) -> bool:
        return self._acquainted is not None and pair(one, two) not in self._acquainted

    def members(self) -> Iterable[list[str]]:
        joined = {record for found in self._members.values() for record in found}
        yield from self._members.values()
        yield from ([record] for record in self._root if record not in joined)
