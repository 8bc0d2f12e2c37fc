"""How right links are, held against who is who: precision, recall and F1 over pairs of records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from gateway.identity.batch import BatchResult
from gateway.identity.cluster import Pair
from gateway.identity.comparisons import COMPARISONS
from gateway.identity.decide import RIVALS, Action
from gateway.identity.forms import forms
from gateway.identity.model import Model
from gateway.identity.traits import Traits
from gateway.identity.weighed import Link

SURE = 0.0
"""The weight from which one person is likelier than two."""
_COMPARED = [each for each in COMPARISONS if each.name not in ("generation", "source")]
"""Fields that can speak for a person."""
COMPARABLE = 3
"""Fewer fields that both records have cannot decide."""


class Accuracy(NamedTuple):
    """Of pairs that are said to be one person's."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


class Band(NamedTuple):
    """Pairs with which the same is done."""

    action: str
    pairs: int
    right: int
    """Of them, pairs of one person."""


class Truth:
    """Who each record is, and the pairs that follow."""

    def __init__(self, entity_of: Mapping[str, str]) -> None:
        self._entity_of = entity_of
        groups: dict[str, list[str]] = {}
        for record, entity in entity_of.items():
            groups.setdefault(entity, []).append(record)
        self._groups = groups.values()
        self.pairs = sum(len(group) * (len(group) - 1) // 2 for group in groups.values())

    def same(self, pair: Pair) -> bool:
        """Whether two records are one person's."""
        return self._entity_of[pair[0]] == self._entity_of[pair[1]]

    def true_pairs(self) -> Iterable[Pair]:
        """All pairs of records of one person."""
        for group in self._groups:
            yield from combinations(sorted(group), 2)

    def of_pairs(self, pairs: Collection[Pair]) -> Accuracy:
        """How right these pairs are, each given once."""
        right = sum(map(self.same, pairs))
        return self._accuracy(len(pairs), right)

    def of_persons(self, persons: Iterable[Sequence[str]]) -> Accuracy:
        """How right all pairs within persons are. A person of many records is counted, not spelled out."""
        said = right = 0
        for members in persons:
            said += len(members) * (len(members) - 1) // 2
            of: dict[str, int] = {}
            for record in members:
                of[self._entity_of[record]] = of.get(self._entity_of[record], 0) + 1
            right += sum(count * (count - 1) // 2 for count in of.values())
        return self._accuracy(said, right)

    def best_by_levels(self, links: Iterable[Link]) -> Accuracy:
        """The best that can be made of these pairs when those of the same levels are all taken, or none.

        Chosen with the labels, so nothing that sees only levels does better; how common a value is, it does not see.
        """
        counts: dict[tuple[int, ...], list[int]] = {}
        for each in links:
            counted = counts.setdefault(tuple(each.levels), [0, 0])
            counted[0] += 1
            counted[1] += self.same((each.a, each.b))
        said = right = 0
        best = self._accuracy(0, 0)
        for pairs, ours in sorted(counts.values(), key=lambda each: -each[1] / each[0]):
            said, right = said + pairs, right + ours
            best = max(best, self._accuracy(said, right), key=lambda each: each.f1)
        return best

    def bands(self, links: Iterable[Link], reviews: Iterable[Pair]) -> list[Band]:
        """What is linked, what people are asked about, and what remains of the true pairs."""
        auto = [(each.a, each.b) for each in links if each.action is Action.AUTO]
        asked = set(reviews)
        right_auto, right_asked = sum(map(self.same, auto)), sum(map(self.same, asked))
        rest = self.pairs - right_auto - right_asked
        return [
            Band("linked", len(auto), right_auto),
            Band("asked", len(asked), right_asked),
            Band("neither", rest, rest),
        ]

    def comparable(self, people: Iterable[Traits]) -> set[Pair]:
        """The true pairs that have enough fields in common to be decided."""
        known = {traits.resource_id: _known(traits) for traits in people}
        return {(one, two) for one, two in self.true_pairs() if (known[one] & known[two]).bit_count() >= COMPARABLE}

    def _accuracy(self, said: int, right: int) -> Accuracy:
        return Accuracy(right / said if said else 1.0, right / self.pairs if self.pairs else 1.0)


def likely(result: BatchResult) -> list[Link]:
    """The pairs that are likelier one person than two, asked about or not.

    Where there are households, a guard that speaks for two of their members is believed.
    """
    return [each for each in result.links if each.weight >= SURE and not speaks_for_two(each, result.model)]


def speaks_for_two(link: Link, model: Model) -> bool:
    """Whether a guard takes the pair for two members of a household; never where there are none."""
    return model.relatives > 0 and not RIVALS.isdisjoint(link.guards)


def linked(result: BatchResult) -> list[Pair]:
    """The pairs that are linked."""
    return [(each.a, each.b) for each in result.links if each.action is Action.AUTO]


def one_to_one(weighed: Iterable[tuple[float, Pair]], source_of: Mapping[str, str]) -> list[Pair]:
    """Of the pairs of two sources the surest ones, such that a record has one partner at most in each other source."""
    taken: set[tuple[str, str]] = set()
    kept = []
    for _, (one, two) in sorted(weighed, key=lambda each: (-each[0], each[1])):
        source, other = source_of[one], source_of[two]
        if source == other or (one, other) in taken or (two, source) in taken:
            continue
        taken |= {(one, other), (two, source)}
        kept.append((one, two))
    return kept


def _known(traits: Traits) -> int:
    """The fields that a record has, as bits."""
    made = forms(traits)
    return sum(
        1 << at
        for at, comparison in enumerate(_COMPARED)
        if any(all(getattr(form, column) for column in comparison.needs) for form in getattr(made, comparison.part))
    )
