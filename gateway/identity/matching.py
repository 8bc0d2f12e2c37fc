"""Matching: the records that a described person may be, best first. Reads one snapshot, with the frozen model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from weakref import WeakKeyDictionary

from gateway.identity.blocking import keys
from gateway.identity.candidates import Candidate, Known, candidates
from gateway.identity.decide import AUTO, POSSIBLE, PROBABLE, Action, Guard, guards_of
from gateway.identity.models import Published, current_number, published
from gateway.identity.roster import Roster, hashed
from gateway.identity.scoring import Scorer, posterior
from gateway.identity.traits import Traits
from gateway.store import Store
from gateway.store.sql import SnapshotSql, Sql

Grade = Literal["certain", "probable", "possible"]


class Match(NamedTuple):
    """A record that may be the person."""

    record: str
    person: str
    weight: float
    probability: float
    grade: Grade
    guards: tuple[Guard, ...]
    traits: Traits


@dataclass(frozen=True, slots=True)
class Found:
    """What matching found."""

    matches: Sequence[Match]
    """Best first."""
    certain: Match | None
    """The best record of the one person that it surely is; None where there is no such person, or more than one."""
    is_searchable: bool
    """Whether anything usable was told: no key, no candidates."""
    scorer: Scorer


class _Deciding(NamedTuple):
    """The model in force, ready to weigh."""

    published: Published
    scorer: Scorer


_DECIDING: WeakKeyDictionary[Store, _Deciding] = WeakKeyDictionary()


def deciding(store: Store, sql: Sql) -> _Deciding:
    """The model that decides now, kept while no other one is published."""
    known = _DECIDING.get(store)
    if known is None or known.published.number != current_number(sql):
        found = published(sql)
        known = _DECIDING[store] = _Deciding(found, Scorer(found.model))
    return known


def match(store: Store, traits: Traits) -> Found:
    """Who a person may be."""
    with store.snapshot() as snapshot:
        sql = SnapshotSql(snapshot, store.dialect)
        scorer, roster = deciding(store, sql).scorer, Roster(sql)
        values = hashed(keys(traits))
        numbers = {number for found in roster.sharing(values).values() for number in found}
        members = roster.members(roster.persons_of(numbers))
    people: dict[str, list[Known]] = {}
    for each in members:
        people.setdefault(each.person, []).append(Known(each.record, each.source, each.person, each.traits, scorer))
    ranked = candidates(scorer, scorer.forms(traits), people.values(), _nothing_ruled, _nothing_confirmed)
    matches = [found for each in ranked for found in _matches(each)]
    matches.sort(key=lambda each: (-each.weight, each.record))
    certain = [each for each in ranked if each.action == Action.AUTO]
    best = next((each for each in matches if certain and each.record == certain[0].record), None)
    return Found(matches, best if len(certain) == 1 else None, bool(values), scorer)


def _nothing_ruled(_record: str) -> None:
    """People rule about records, and this is none."""


def _nothing_confirmed(_records: Collection[str]) -> tuple[()]:
    """Who is asked about is no further record of a person."""
    return ()


def _matches(candidate: Candidate) -> list[Match]:
    """The records of a person that match by themselves. What stands against the person stands against each."""
    against = candidate.guards
    found = []
    for weight, levels, known in candidate.weighed:
        guards = tuple(dict.fromkeys((*guards_of(levels), *against)))
        if weight >= POSSIBLE and Guard.IDENTIFIER_CONFLICT not in guards:
            grade = _grade(weight, guards)
            found.append(Match(known.record, known.person, weight, posterior(weight), grade, guards, known.traits))
    return found


def _grade(weight: float, guards: Sequence[Guard]) -> Grade:
    if weight >= AUTO and not guards:
        return "certain"
    return "probable" if weight >= PROBABLE else "possible"
