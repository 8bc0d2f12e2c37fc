"""Explanation: why two records are, may be or are not one person, field by field, in words and in bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.identity.decide import AUTO, REVIEW, SAID_SAME, Action, decide
from gateway.identity.scoring import Scorer
from gateway.identity.traits import Traits


@dataclass(frozen=True, slots=True)
class Field:
    """What one field says."""

    field: str
    values: tuple[str, str]
    """As they are compared: in plain small letters."""
    agreement: str
    against_strangers: float
    """Bits for one person rather than two strangers."""
    against_relatives: float
    """Bits for one person rather than two members of a household."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Two records compared. Weights are log2 odds."""

    fields: tuple[Field, ...]
    prior_strangers: float
    """What counts before any field is looked at."""
    prior_relatives: float
    weight: float
    probability: float
    action: Action
    reasons: tuple[str, ...]
    links_from: float
    asks_from: float
    model: str


def explain(scorer: Scorer, one: Traits, other: Traits, ruled: bool | None = None) -> Explanation:
    """Explain a pair; `ruled`: what somebody has said about it (True = the same person)."""
    compared = scorer.compare(one, other)
    decision = decide(compared, cannot_link=ruled is False)
    action, reasons = decision.action, decision.reasons
    if ruled:
        action, reasons = Action.AUTO, (*reasons, SAID_SAME)
    fields = [
        Field(
            each.field,
            (_VALUES[each.field](one), _VALUES[each.field](other)),
            each.label,
            each.stranger,
            each.relative,
        )
        for each in compared.evidence
    ]
    return Explanation(
        tuple(fields),
        compared.prior_stranger,
        compared.prior_relative,
        compared.weight,
        compared.posterior,
        action,
        reasons,
        AUTO,
        REVIEW,
        compared.model_version,
    )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


_VALUES: Final[dict[str, Callable[[Traits], str]]] = {
    "given": lambda traits: _listed(" ".join(each.given) for each in traits.names),
    "family": lambda traits: _listed(each.family for each in traits.names),
    "generation": lambda traits: _listed(each.generation for each in traits.names),
    "birth date": lambda traits: f"{traits.birth_date}{' (day not known)' if traits.birth_date_defaulted else ''}",
    "gender": lambda traits: traits.gender,
    "phone": lambda traits: _listed(traits.phones),
    "email": lambda traits: _listed(traits.emails),
    "street": lambda traits: _listed(f"{each.number} {each.street}".strip() for each in traits.addresses),
    "postcode": lambda traits: _listed(each.postcode for each in traits.addresses),
    "city": lambda traits: _listed(each.city for each in traits.addresses),
    "identifier": lambda traits: _listed(value for _, value in traits.identifiers),
    "source": lambda traits: traits.source,
}
"""What a record says in the field of each comparison."""
