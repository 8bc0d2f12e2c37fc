"""How the other records of two persons stand to each other: what the explanation of one pair alone leaves unsaid."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product
from typing import NamedTuple

from gateway.identity.cluster import Pair, pair
from gateway.identity.crosswalk import rulings
from gateway.identity.decide import REASONS, Action, decide
from gateway.identity.reviews import Reviews, Task
from gateway.identity.roster import Entry, Roster, unpacked
from gateway.identity.scoring import Scorer
from gateway.store.sql import Sql


class Standing(NamedTuple):
    """Two records compared."""

    patients: Pair
    sources: Pair
    weight: float
    """Log2 odds."""
    action: Action
    """By themselves."""
    doubts: tuple[str, ...]
    """The guards, in words."""


class Standings(NamedTuple):
    """What holds two persons together or apart besides one pair of their records."""

    pairs: tuple[Standing, ...]
    """Of two persons one record each, of one person any two of its records; what speaks most against comes first."""
    questions: tuple[Task, ...]
    """All that was ever asked about one of the pair and anybody, or about two of their persons' records."""


def standings(sql: Sql, scorer: Scorer, one: Entry, other: Entry) -> Standings:
    """Of the persons of two records, which may be one person, without the pair itself."""
    members = Roster(sql).members({one.person, other.person})
    ours, theirs = ([each for each in members if each.person == entry.person] for entry in (one, other))
    pairs: Iterable[tuple[Entry, Entry]]
    pairs = combinations(ours, 2) if one.person == other.person else product(ours, theirs)
    records = [each.record for each in members]
    ruled = rulings(sql, records)
    itself = pair(one.record, other.record)
    found = [
        _standing(scorer, *each, ruled.get(named))
        for each in pairs
        if (named := pair(each[0].record, each[1].record)) != itself
    ]
    found.sort(key=lambda each: (each.weight, each.patients))
    return Standings(tuple(found), tuple(Reviews(sql, 0).about(itself, records)))


def _standing(scorer: Scorer, one: Entry, other: Entry, ruled: bool | None) -> Standing:
    compared = scorer.compare(unpacked(one.traits), unpacked(other.traits))
    decision = decide(compared, cannot_link=ruled is False)
    doubts = tuple(REASONS[guard] for guard in decision.guards)
    action = Action.AUTO if ruled else decision.action
    return Standing((one.record, other.record), (one.source, other.source), compared.weight, action, doubts)
