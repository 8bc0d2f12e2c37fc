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
    doubted: str = ""
    """The one of its records that people are asked about, where it is not the one that agrees best."""

    @property
    def asked(self) -> str:
        """The one of its records that people are asked about."""
        return self.doubted or self.record


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
    guards, doubted = list(guards_of(levels)), ""
    action = action_of(weight, guards)
    rulings = {ruling(each.record) for each in members}
    if False in rulings:
        guards.append(Guard.CANNOT_LINK)
        action = Action.APART
    elif True in rulings:
        return Candidate(closest.person, closest.record, weight, levels, (), Action.AUTO, weighed, ruled_same=True)
    elif action == Action.AUTO:
        guards += _against(weighed)
        doubted = _otherwise_called(forms, weighed, confirmed)
        if doubted:
            guards.append(Guard.TWO_NAMES)
        if closest.person in taken:
            guards.append(Guard.ONE_TO_ONE)
        action = Action.REVIEW if guards else Action.AUTO
    return Candidate(closest.person, closest.record, weight, levels, tuple(guards), action, weighed, doubted=doubted)


def _otherwise_called(
    forms: Forms, weighed: Sequence[tuple[float, tuple[int, ...], Known]], confirmed: Confirmed
) -> str:
    """Where only with this record two names of the person are two people's, as a run heeds it: a record of the other.

    The best of them: to say that it is the same person's as this one is to say that the names are.
    """
    if len(weighed) < 3 or not forms.origins:  # two names, two sources each; who only asks is no source
        return ""
    called, members = named_in(forms), [each for _, _, each in weighed]
    names = {each.record: named_in(each.forms) for each in members}
    held = [(names[each.record], each.source) for each in members]
    doubtful = two_peoples([*held, (called, forms.origins[0].origin)]) - two_peoples(held)
    if doubtful:
        pairs = [each for each in confirmed(names) if names.keys() >= {*each}]
        doubtful -= {told(names[one], names[two]) for one, two in pairs}
    others = {name for two in doubtful for name in two} - {called.called}
    found = [(weight, each.record) for weight, _, each in weighed if names[each.record].called in others]
    return max(found)[1] if found else ""


def _against(weighed: Sequence[tuple[float, tuple[int, ...], Known]]) -> list[Guard]:
    """What the other records of a person say against its closest one, as a run over all records heeds it."""
    found: set[Guard] = set()
    for weight, levels, _ in weighed:
        guards = guards_of(levels)
        found |= RIVALS.intersection(guards)
        if levels[_SOURCE] == _ONE_SOURCE and (guards or weight < REVIEW):
            found.add(Guard.SAME_SOURCE)
    return sorted(found)
