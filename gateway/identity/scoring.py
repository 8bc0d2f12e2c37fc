"""How sure it is that two records are one person: the match weight, field by field, from a frozen model.

weight = log2( m·N_m / (h·N_h + u·N_pairs) ): the log2 odds that the pair is one person rather than two relatives or two
strangers. Symmetric, and the same as the batch's SQL to within rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import exp2, log2
from operator import attrgetter
from typing import Any, NamedTuple

from gateway.identity.comparisons import COMPARISONS, FIELDS, MISSING, Comparison, level_of
from gateway.identity.forms import Forms, forms
from gateway.identity.model import Agreement, Model
from gateway.identity.roster import unpacked
from gateway.identity.traits import Traits

NEVER = -1000.0
"""Log2 of what does not happen: small enough to vanish beside anything else."""
_REMEMBERED = 10_000
"""Records whose forms are kept: some 20 MB."""
_PAIRS = 4096
"""Pairs of values whose bits are kept, of each part: together some 25 MB."""
LEAST = 1e-9
"""No share is smaller: nothing is impossible."""


class Weighed(NamedTuple):
    """A pair's weight and levels, without the words."""

    weight: float
    levels: tuple[int, ...]
    """By comparison, in the order of `COMPARISONS`; -1 = missing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one field says."""

    field: str
    level: int
    label: str
    verdict: str
    """A level's, or `missing`."""
    stranger: float
    """Bits for one person against two strangers."""
    relative: float
    """Bits for one person against two relatives."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two records compared."""

    weight: float
    """Log2 odds of one person, the prior included."""
    posterior: float
    """The same as a probability."""
    levels: tuple[int, ...]
    evidence: tuple[Evidence, ...]
    prior_stranger: float
    """Bits against two strangers before any field is looked at."""
    prior_relative: float
    model_version: str


class _Bits(NamedTuple):
    """What one field of a pair weighs; nothing where it is missing."""

    level: int
    m: float
    h: float
    u: float


_MISSING = _Bits(MISSING, 0.0, 0.0, 0.0)
_Part = tuple[Any, ...]
"""A record's forms of one part."""
Field = tuple[str, int, float, float]
"""What a field that is known says: its name, its level, the bits against strangers and against relatives."""


class _Said(NamedTuple):
    """What the fields of one part of a pair weigh, together and each."""

    levels: tuple[int, ...]
    m: float
    h: float
    u: float
    fields: tuple[_Bits, ...]


def named_alike(comparison: Comparison, agreement: Agreement) -> float | None:
    """The share of relatives who agree exactly not by chance (Jr and Sr); None where the value makes no difference."""
    if comparison.relatives != "personal":
        return None
    by_chance = agreement.u[0]
    return max(agreement.h[0] - by_chance, 0.0) / (1 - by_chance)


class Scorer:
    """Weighs pairs with one model. Safe to share between threads."""

    def __init__(self, model: Model, records: int | None = None) -> None:
        """`records`: how many there are to choose from, when not as many as the model was trained on."""
        self.model = model
        count = max(model.records if records is None else records, 2)
        self._matches = log2(max(model.matches, LEAST))
        self._relatives = log2(model.relatives) if model.relatives > 0 else NEVER
        self._pairs = log2((count - 1) / 2)
        self._parts = [
            (attrgetter(part), _remembered([_bits(comparison, model) for comparison in comparisons]))
            for part, comparisons in groupby(COMPARISONS, attrgetter("part"))
        ]
        self._known = lru_cache(_REMEMBERED)(self._unpacked)

    def _unpacked(self, row: bytes) -> tuple[Traits, Forms]:
        traits = unpacked(row)
        return traits, self.forms(traits)

    @property
    def priors(self) -> tuple[float, float, float]:
        """Log2 of how many pairs of one person, of relatives and of strangers there are, by record."""
        return self._matches, self._relatives, self._pairs

    def known(self, row: bytes) -> tuple[Traits, Forms]:
        """Traits that `roster.packed` packed, and their forms: the same records are asked about again and again."""
        return self._known(row)

    def forms(self, traits: Traits) -> Forms:
        """What of a record is compared, without values that too many share."""
        return forms(traits, self.model.common)

    def weigh(self, a: Forms, b: Forms) -> Weighed:
        """The weight of a pair, quickly."""
        m, h, u = self._matches, self._relatives, self._pairs
        levels: tuple[int, ...] = ()
        for of, said_by in self._parts:
            reached, more_m, more_h, more_u, _ = said_by(of(a), of(b))
            levels += reached
            m += more_m
            h += more_h
            u += more_u
        return Weighed(m - _log2_of_sum(h, u), levels)

    def fields(self, a: Forms, b: Forms) -> list[Field]:
        """What each field of a pair says that both have."""
        return [
            (name, level, round(m - u, 2), round(m - h, 2))
            for name, (level, m, h, u) in zip(FIELDS, self._bits(a, b), strict=True)
            if level != MISSING
        ]

    def _bits(self, a: Forms, b: Forms) -> Iterator[_Bits]:
        return (bits for of, said_by in self._parts for bits in said_by(of(a), of(b)).fields)

    def compare(self, a: Traits, b: Traits) -> Compared:
        """Two records, with the evidence of each field in words and bits."""
        one, two = self.forms(a), self.forms(b)
        weight, levels = self.weigh(one, two)
        pairs = zip(COMPARISONS, self._bits(one, two), strict=True)
        evidence = [_evidence(comparison, bits) for comparison, bits in pairs]
        return Compared(
            weight=weight,
            posterior=posterior(weight),
            levels=levels,
            evidence=tuple(evidence),
            prior_stranger=self._matches - self._pairs,
            prior_relative=self._matches - self._relatives,
            model_version=self.model.version,
        )


def posterior(weight: float) -> float:
    """The probability of a weight in bits."""
    return 1 / (1 + exp2(min(-weight, 1000.0)))


def _log2_of_sum(h: float, u: float) -> float:
    """log2(2^h + 2^u); what is too small to matter vanishes."""
    more, less = (h, u) if h > u else (u, h)
    return more + log2(1 + exp2(less - more))


def logs(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Log2 of shares, none of them impossible."""
    return tuple(log2(max(share, LEAST)) for share in shares)


def _evidence(comparison: Comparison, bits: _Bits) -> Evidence:
    if bits.level == MISSING:
        return Evidence(comparison.name, MISSING, "not known on both sides", "missing", 0.0, 0.0)
    found = comparison.levels[bits.level]
    return Evidence(comparison.name, bits.level, found.label, found.verdict, bits.m - bits.u, bits.m - bits.h)


def _remembered(fields: Sequence[Callable[[_Part, _Part], _Bits]]) -> Callable[[_Part, _Part], _Said]:
    """What the fields of one part weigh: the records of a person hold the same values, so most pairs come again."""

    def said(ones: _Part, twos: _Part) -> _Said:
        found = tuple([bits(ones, twos) for bits in fields])
        levels, m, h, u = zip(*found, strict=True)
        return _Said(levels, sum(m), sum(h), sum(u), found)

    return lru_cache(_PAIRS)(said)


def _bits(comparison: Comparison, model: Model) -> Callable[[_Part, _Part], _Bits]:
    agreement, level_of_pair = model.agreements[comparison.name], level_of(comparison)
    shares = zip(logs(agreement.m), logs(agreement.h), logs(agreement.u), strict=True)
    by_level = [_Bits(level, *each) for level, each in enumerate(shares)]
    exact = _exact(comparison, agreement, model, by_level[0].m) if comparison.frequency else None

    def bits(ones: _Part, twos: _Part) -> _Bits:
        level, form = level_of_pair(ones, twos)
        if level == MISSING:
            return _MISSING
        return exact(form) if level == 0 and exact else by_level[level]

    return bits


def _exact(comparison: Comparison, agreement: Agreement, model: Model, m: float) -> Callable[[Any], _Bits]:
    """The bits of agreeing exactly on the value of a form, where these depend on the value."""
    column = str(comparison.frequency)
    frequencies, value = model.frequencies[column], attrgetter(column)
    alike = named_alike(comparison, agreement)

    def both(share: float) -> _Bits:
        relatives = agreement.h[0] if alike is None else (1 - alike) * share + alike
        return _Bits(0, m, log2(max(relatives, LEAST)), log2(max(share, LEAST)))

    listed = {text: both(share) for text, share in frequencies.values.items()}
    rare = both(frequencies.rare)
    return lambda form: listed.get(value(form), rare)
