"""From a weight to what is done: link, ask a person, or keep apart. Guards turn a link into a question, and say why.

A wrong merge is the worst thing this gateway can do, a missed one costs a click: so a guard never rejects in silence,
and never links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from gateway.identity.comparisons import COMPARISONS, FIELDS, MISSING
from gateway.identity.scoring import Compared

AUTO = 8.0
"""From this weight on, two records are linked."""
PROBABLE = 3.0
"""From this weight on, a candidate is called probable."""
REVIEW = 1.0
"""From this weight on, a person is asked. Of the questions below, down to -1 bit, one in five was about one person, and
they were every tenth question."""
POSSIBLE = -3.0
"""From this weight on, two records that are not asked about still count: for `$match`, and as a sign of twins."""
MARGIN = 3.0
"""Bits by which the best person must lead the next one."""
_AGREES = ("same", "close", "slip", "variant", "nickname", "alike")
_PERSONAL = ("given", "birth date", "identifier")


class Action(StrEnum):
    """What is done with a pair."""

    AUTO = "auto"
    REVIEW = "review"
    APART = "apart"


class Guard(StrEnum):
    """Why a pair is not linked although its weight would do."""

    IDENTIFIER_CONFLICT = "identifier-conflict"
    IDENTIFIER_WITH_OTHER_NAMES = "identifier-with-other-names"
    TWINS = "twins"
    ALIKE = "alike"
    OTHERWISE_SPELLED = "otherwise-spelled"
    OTHER_FAMILY_NAME = "other-family-name"
    GENERATION_CONFLICT = "generation-conflict"
    GENDER_CONFLICT = "gender-conflict"
    TOO_LITTLE_AGREES = "too-little-agrees"
    NEXT_IS_CLOSE = "next-is-close"
    SAME_SOURCE = "same-source"
    TWO_NAMES = "two-names"
    OTHERS_DISAGREE = "others-disagree"
    CANNOT_LINK = "cannot-link"
    ONE_TO_ONE = "one-to-one"


RIVALS = frozenset((Guard.TWINS, Guard.GENERATION_CONFLICT, Guard.IDENTIFIER_CONFLICT))
"""Guards that speak for two people: a third record can be one of them only."""
REASONS = {
    Guard.IDENTIFIER_CONFLICT: "the same authority has given them different identifiers",
    Guard.IDENTIFIER_WITH_OTHER_NAMES: "the identifier is the same, but neither name is",
    Guard.TWINS: "the given names differ while birth date and family or home agree: they may be twins",
    Guard.ALIKE: "the given names are only alike and the birth dates agree: without more in common they may be twins",
    Guard.OTHERWISE_SPELLED: "one source spells the given names of its two records differently: they may be twins",
    Guard.OTHER_FAMILY_NAME: "the family names differ, and no phone, mailbox, home or identifier makes up for it",
    Guard.GENERATION_CONFLICT: "one is called Jr, the other Sr, or the like",
    Guard.GENDER_CONFLICT: "the genders differ",
    Guard.TOO_LITTLE_AGREES: "fewer than two of given name, birth date, identifier and own phone agree",
    Guard.NEXT_IS_CLOSE: "another person matches nearly as well",
    Guard.SAME_SOURCE: "its source has a record of this person that it does not agree with",
    Guard.TWO_NAMES: "two sources or more write each of two given names: they may be twins",
    Guard.OTHERS_DISAGREE: "both persons have other records, and all of them together agree too little",
    Guard.CANNOT_LINK: "somebody has said that they are not the same person",
    Guard.ONE_TO_ONE: "the source knows each person once, and has another record of this one",
}
"""Each guard in words."""
SAID_SAME = "somebody has said that they are the same person"
"""Why a pair is linked whatever its weight and its guards are."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with a pair, and why."""

    action: Action
    guards: tuple[Guard, ...]
    reasons: tuple[str, ...]


def decide(compared: Compared, *, cannot_link: bool = False) -> Decision:
    """Decide on a pair. `cannot_link`: somebody has said "not the same"."""
    guards = list(guards_of(compared.levels))
    if cannot_link:
        guards.append(Guard.CANNOT_LINK)
    action = action_of(compared.weight, guards)
    reasons = (_of_weight(compared.weight), *(REASONS[guard] for guard in guards))
    return Decision(action, tuple(guards), reasons)


def _of_weight(weight: float) -> str:
    if weight >= AUTO:
        return f"the weight {weight:.1f} reaches {AUTO:.0f}, from which records are linked"
    if weight >= REVIEW:
        return f"the weight {weight:.1f} lies between {REVIEW:.0f} and {AUTO:.0f}, where a person decides"
    return f"the weight {weight:.1f} is below {REVIEW:.0f}"


def action_of(weight: float, guards: Sequence[Guard]) -> Action:
    """What a weight and its guards amount to."""
    if Guard.IDENTIFIER_CONFLICT in guards or Guard.CANNOT_LINK in guards or weight < REVIEW:
        return Action.APART
    return Action.AUTO if weight >= AUTO and not guards else Action.REVIEW


@lru_cache(maxsize=1 << 16)
def guards_of(levels: tuple[int, ...]) -> tuple[Guard, ...]:
    """The guards that a pair's levels alone raise."""
    verdicts = {
        name: "missing" if level == MISSING else comparison.levels[level].verdict
        for name, comparison, level in zip(FIELDS, COMPARISONS, levels, strict=True)
    }
    return tuple(guard for guard, raised in _raised(verdicts) if raised)


def _raised(verdict: dict[str, str]) -> Sequence[tuple[Guard, bool]]:
    given, family = verdict["given"], verdict["family"]
    agrees = {field for field, found in verdict.items() if found in _AGREES}
    personal = sum(field in agrees for field in _PERSONAL)
    # A phone or mailbox may be the family's: it speaks for a person only together with the given name. Of the newborns
    # without one that were linked by birth date and phone, one in fourteen was the twin.
    personal += "given" in agrees and not agrees.isdisjoint(("phone", "email"))
    # A source that spells its own two records differently means two people, if both were born on one day.
    twice = verdict["source"] == "same" and given in ("variant", "nickname", "alike", "missing")
    # Rosalind and Rosamund: of the pairs that only this would link, one in sixteen were twins. A phone or mailbox makes
    # up for a nickname, not for names that are much alike: of those, one in four were twins on their family's phone.
    excuses = ("identifier",) if given == "alike" else ("phone", "email", "identifier")
    elsewhere = "other" in (verdict["phone"], verdict["email"])
    # Joanne and Joanna: who spells the family name otherwise too, has only another way of spelling.
    spelled = given == "variant" and family == "same"
    doubtful = given in ("nickname", "alike") or spelled or (given == "slip" and elsewhere)
    alike = doubtful and "birth date" in agrees and agrees.isdisjoint(excuses)
    home = not agrees.isdisjoint(("phone", "email", "street", "postcode"))
    kin = home or "family" in agrees
    return (
        (Guard.IDENTIFIER_CONFLICT, verdict["identifier"] == "other"),
        (Guard.IDENTIFIER_WITH_OTHER_NAMES, "identifier" in agrees and given == family == "other"),
        (Guard.TWINS, given == "other" and "birth date" in agrees and kin),
        (Guard.ALIKE, alike),
        (Guard.OTHERWISE_SPELLED, twice and "birth date" in agrees and kin),
        (Guard.OTHER_FAMILY_NAME, family == "other" and not home and "identifier" not in agrees),
        (Guard.GENERATION_CONFLICT, verdict["generation"] == "other"),
        (Guard.GENDER_CONFLICT, verdict["gender"] == "other"),
        (Guard.TOO_LITTLE_AGREES, personal < 2),
    )
