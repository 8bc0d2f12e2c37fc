"""How the other records of two persons stand to each other: what the explanation of one pair alone leaves unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from itertools import combinations, product
from math import comb
from typing import NamedTuple

from gateway.identity.cluster import Pair, pair
from gateway.identity.crosswalk import rulings
from gateway.identity.decide import REASONS, SAID_SAME, Action, Guard, action_of, guards_of
from gateway.identity.reviews import Reviews, Task
from gateway.identity.roster import Entry, Roster
from gateway.identity.scoring import Scorer
from gateway.store.sql import Sql

MOST = 100
"""Pairs that are told. A record that nobody should have kept, a test patient's, may have very many."""
_WORST_FIRST = (Action.APART, Action.REVIEW, Action.AUTO)


class Standing(NamedTuple):
    """Two records compared."""

    patients: Pair
    sources: Pair
    weight: float
    """Log2 odds."""
    action: Action
    """By themselves, or as somebody has said."""
    reasons: tuple[str, ...]
    """What speaks against them besides the weight, or who has decided, in words."""


class Standings(NamedTuple):
    """What holds two persons together or apart besides one pair of their records."""

    pairs: tuple[Standing, ...]
    """Of two persons one record each, of one person any two of its records; first those that speak most against."""
    total: int
    """How many there are; of more than `MOST` the others are left out."""
    questions: tuple[Task, ...]
    """All that was ever asked about one of the pair and anybody, or about two of their persons' records."""
    asked: bool
    """Whether one of them is about the two persons, or about two records of the one."""


def standings(sql: Sql, scorer: Scorer, one: Entry, other: Entry) -> Standings:
    """Of the persons of two records, which may be one person, without the pair itself."""
    members = Roster(sql).members({one.person, other.person})
    person_of = {each.record: each.person for each in members}
    itself = pair(one.record, other.record)
    questions = Reviews(sql, 0).about(itself, list(person_of))
    persons = {one.person, other.person}
    ours, theirs = ([each for each in members if each.person == entry.person] for entry in (one, other))
    total = comb(len(ours), 2) if one.person == other.person else len(ours) * len(theirs)
    worst = nsmallest(
        MOST,
        _compared(sql, scorer, ours, theirs, itself),
        key=lambda each: (_WORST_FIRST.index(each.action), each.weight, each.patients),
    )
    return Standings(
        tuple(worst),
        total - (one.record != other.record),
        tuple(questions),
        any({person_of.get(each.first), person_of.get(each.second)} == persons for each in questions),
    )


def _compared(sql: Sql, scorer: Scorer, ours: list[Entry], theirs: list[Entry], itself: Pair) -> Iterator[Standing]:
    members = {each.record: each for each in (*ours, *theirs)}
    forms = {record: scorer.known(each.traits)[1] for record, each in members.items()}
    ruled = rulings(sql, members)
    pairs: Iterable[tuple[Entry, Entry]] = combinations(ours, 2) if ours == theirs else product(ours, theirs)
    for one, other in pairs:
        named = pair(one.record, other.record)
        if named != itself:
            weight, levels = scorer.weigh(forms[one.record], forms[other.record])
            action, reasons = _judged(weight, guards_of(levels), ruled.get(named))
            yield Standing((one.record, other.record), (one.source, other.source), weight, action, reasons)


def _judged(weight: float, guards: tuple[Guard, ...], ruled: bool | None) -> tuple[Action, tuple[str, ...]]:
    if ruled:
        return Action.AUTO, (SAID_SAME,)
    if ruled is False:
        guards = (*guards, Guard.CANNOT_LINK)
    return action_of(weight, guards), tuple(REASONS[guard] for guard in guards)
