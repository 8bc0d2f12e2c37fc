"""Candidates: the persons that a record might be, each judged by all of its records, best first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.identity.comparisons import FIELDS
from gateway.identity.decide import MARGIN, REVIEW, RIVALS, Action, Guard, action_of, guards_of
from gateway.identity.forms import Forms
from gateway.identity.scoring import Scorer
from gateway.identity.spellings import named_in, told, two_peoples
from gateway.identity.traits import Traits

Ruling = Callable[[str], bool | None]
"""What was ruled about the record in question and another one: True = the same person; None = nothing."""
Confirmed = Callable[[Collection[str]], Iterable[tuple[str, str]]]
"""The pairs that were ruled the same person which any of these records is in."""

_SOURCE, _ONE_SOURCE = FIELDS.index("source"), 0


@dataclass(frozen=True, slots=True)
class Known:
    """A record of the index. What is compared of it is made when it is asked for: most of a first sync is never."""

    record: str
    source: str
    person: str
    row: bytes
    """Its traits, as the roster keeps them."""
    scorer: Scorer

    @property
    def traits(self) -> Traits:
        """What linking sees of it."""
        return self.scorer.known(self.row)[0]

    @property
    def forms(self) -> Forms:
        """What is compared."""
        return self.scorer.known(self.row)[1]


class Candidate(NamedTuple):
    """A person that the record might be."""

    person: str
    record: str
    """The one of its records that agrees best."""
    weight: float
    levels: tuple[int, ...]
    guards: tuple[Guard, ...]
    action: Action
    weighed: tuple[tuple[float, tuple[int, ...], Known], ...]
    """All of its records: weight and levels."""
    ruled_same: bool = False
    """Somebody has said so."""


def candidates(
    scorer: Scorer,
    forms: Forms,
    people: Iterable[Sequence[Known]],
    ruling: Ruling,
    confirmed: Confirmed,
    taken: Collection[str] = (),
) -> list[Candidate]:
    """Judge each of `people` (the records of a person, at least one) for a record with these forms, best first.

    `taken`: persons that have a record of the same source already, where a source has each person once.
    """
    found = [_judged(scorer, forms, members, ruling, confirmed, taken) for members in people]
    found.sort(key=lambda each: (not each.ruled_same, -each.weight, each.person))
    if len(found) > 1 and not found[0].ruled_same:
        best, rival = found[0], next((each for each in found[1:] if each.action != Action.APART), None)
        if best.action == Action.AUTO and rival is not None and best.weight - rival.weight < MARGIN:
            found[0] = best._replace(guards=(*best.guards, Guard.NEXT_IS_CLOSE), action=Action.REVIEW)
    return found


def _judged(
    scorer: Scorer,
    forms: Forms,
    members: Sequence[Known],
    ruling: Ruling,
    confirmed: Confirmed,
    taken: Collection[str],
) -> Candidate:
    weighed = tuple([(*scorer.weigh(forms, each.forms), each) for each in members])
    weight, levels, closest = max(weighed, key=lambda each: (each[0], each[2].record))
    guards = list(guards_of(levels))
    action = action_of(weight, guards)
    rulings = {ruling(each.record) for each in members}
    if False in rulings:
        guards.append(Guard.CANNOT_LINK)
        action = Action.APART
    elif True in rulings:
        return Candidate(closest.person, closest.record, weight, levels, (), Action.AUTO, weighed, ruled_same=True)
    elif action == Action.AUTO:
        guards += _against(weighed)
        if _otherwise_called(forms, members, confirmed):
            guards.append(Guard.TWO_NAMES)
        if closest.person in taken:
            guards.append(Guard.ONE_TO_ONE)
        action = Action.REVIEW if guards else Action.AUTO
    return Candidate(closest.person, closest.record, weight, levels, tuple(guards), action, weighed)


def _otherwise_called(forms: Forms, members: Sequence[Known], confirmed: Confirmed) -> bool:
    """Whether only with this record two names of the person are two people's, as a run heeds it."""
    if len(members) < 3 or not forms.origins:  # two names, two sources each; who only asks is no source
        return False
    names = {each.record: named_in(each.forms) for each in members}
    held = [(names[each.record], each.source) for each in members]
    doubtful = two_peoples([*held, (named_in(forms), forms.origins[0].origin)]) - two_peoples(held)
    if not doubtful:
        return False
    agreed = {told(names[one], names[two]) for one, two in confirmed(names) if one in names and two in names}
    return not doubtful <= agreed


def _against(weighed: Sequence[tuple[float, tuple[int, ...], Known]]) -> list[Guard]:
    """What the other records of a person say against its closest one, as a run over all records heeds it."""
    found: set[Guard] = set()
    for weight, levels, _ in weighed:
        guards = guards_of(levels)
        found |= RIVALS.intersection(guards)
        if levels[_SOURCE] == _ONE_SOURCE and (guards or weight < REVIEW):
            found.add(Guard.SAME_SOURCE)
    return sorted(found)
