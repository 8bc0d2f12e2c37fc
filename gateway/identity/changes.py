"""What a batch run changes in the crosswalk: persons that become one, and questions for people.

A run never parts a person's records: where it would, people are asked, and the person gains nothing meanwhile. A
question that people have answered is not asked again about the same two persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from gateway.identity.batch import BatchResult, Review
from gateway.identity.cluster import Pair, Weigh
from gateway.identity.decide import Action, Guard
from gateway.identity.reviews import Finding
from gateway.identity.weighed import Link

_GUARDS = frozenset(Guard)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done, in this order."""

    merges: list[Link]
    """The surest link of each two persons that become one; what comes first is done first."""
    findings: list[Finding]


def changes(
    result: BatchResult, person_of: Mapping[str, str], rulings: Mapping[Pair, bool], weigh: Weigh, model: int
) -> Changes:
    """Hold a run's persons against those of the crosswalk (`person_of` each record), under the number of its model."""
    cluster_of = {record: at for at, members in enumerate(result.clusters.persons) for record in members}
    torn = _torn(result.clusters.persons, person_of)
    persons = _Persons(person_of)
    merges, prevented = [], []
    for link in sorted(result.links, key=lambda each: (-each.weight, each.a, each.b)):
        if link.action is not Action.AUTO or cluster_of[link.a] != cluster_of[link.b]:
            continue
        if persons.of(link.a) == persons.of(link.b):
            continue
        if person_of[link.a] in torn or person_of[link.b] in torn:
            prevented.append(Review(link, "weight"))
        else:
            merges.append(link)
            persons.unite(link.a, link.b)
    findings = _questions([*prevented, *result.reviews], persons, rulings, model)
    findings += _splits(torn.values(), cluster_of, weigh, model)
    return Changes(merges, findings)


def _torn(clusters: Iterable[Sequence[str]], person_of: Mapping[str, str]) -> dict[str, list[str]]:
    """The persons whose records the run would part, with these records."""
    seen: dict[str, int] = {}
    torn: dict[str, list[str]] = {}
    for at, members in enumerate(clusters):
        for record in members:
            if seen.setdefault(person_of[record], at) != at:
                torn[person_of[record]] = []
    for record, person in person_of.items():
        if person in torn:
            torn[person].append(record)
    return torn


class _Persons:
    """The persons as they become one after the other one."""

    def __init__(self, person_of: Mapping[str, str]) -> None:
        self._person_of = person_of
        self._into: dict[str, str] = {}

    def of(self, record: str) -> str:
        person = self._person_of[record]
        while (above := self._into.get(person)) is not None:
            person = above
        return person

    def unite(self, one: str, two: str) -> None:
        self._into[self.of(two)] = self.of(one)


def _questions(reviews: Iterable[Review], persons: _Persons, rulings: Mapping[Pair, bool], model: int) -> list[Finding]:
    told_apart = {frozenset((persons.of(one), persons.of(two))) for (one, two), same in rulings.items() if not same}
    asked: set[frozenset[str]] = set()
    findings = []
    for link, reason in ((each.link, each.reason) for each in reviews):
        between = frozenset((persons.of(link.a), persons.of(link.b)))
        if len(between) == 1 or between in told_apart or between in asked:
            continue
        asked.add(between)
        guards = dict.fromkeys((*link.guards, *((reason,) if reason in _GUARDS else ())))
        findings.append(Finding(link.a, link.b, "link", link.weight, tuple(guards), model))
    return findings


def _splits(torn: Iterable[Sequence[str]], cluster_of: Mapping[str, int], weigh: Weigh, model: int) -> list[Finding]:
    """One question for each two sides of a person that the run would part: about the surest pair across."""
    findings = []
    for records in torn:
        best: dict[tuple[int, int], tuple[float, str, str]] = {}
        for one, two in combinations(sorted(records), 2):
            first, second = sorted((cluster_of[one], cluster_of[two]))
            if first != second:
                found = (weigh(one, two), one, two)
                best[first, second] = max(best.get((first, second), found), found)
        findings += [Finding(one, two, "split", weight, (), model) for weight, one, two in best.values()]
    return findings
