"""Training without labels: expectation maximisation over three classes, one person, one household, strangers.

What strangers agree on is counted (u): how common values are, and what random pairs do. What people and relatives agree
on (m, h) and how many such pairs there are is what explains the pairs that blocking found. Pairs are grouped by their
levels first, so a million records train as fast as ten thousand. Deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from gateway.identity.comparisons import COMPARISONS, MISSING, Comparison, level_sql
from gateway.identity.forms import Common
from gateway.identity.model import Agreement, Frequencies, Model
from gateway.identity.score_sql import VALUED, frequency, value_tables, valued_joins
from gateway.identity.scoring import LEAST, named_alike

ROUNDS = 200
CLOSE_ENOUGH = 1e-4
"""Relative change of the numbers of matches and relatives at which training ends."""
RANDOM_PAIRS = 500_000
LISTED = 5_000
"""Values of a column whose frequency is kept; the others count as rare."""
FEWEST_RELATIVES = 0.01
"""Relatives by match below which a population has no households worth a class."""
FEWEST_MATCHES = 100
"""Matches found, below which there was nothing to learn from: hardly anybody is known twice."""
MOST_DISAGREEMENTS = {"given": 0.3, "birth date": 0.3}
"""The largest shares of matches that may disagree altogether; or else something else was taken for matches."""
MOST_ALIKE = {"given": 0.1, "birth date": 0.1}
"""The largest shares of relatives that may agree more than strangers do; or else relatives are taken to be matches."""
MOST_NAMESAKES = 0.03
"""The largest share of relatives that is believed in the end to bear one given name (Jr, Sr): 4.7 % were learned of a
million records of which 1.1 % were true. Bounded while it learns, namesakes would be taken for people with two birth
dates."""
_BELIEVED = {"m": 100.0, "h": 10.0}
"""Pairs that the first guess is worth: what hardly occurs in the data keeps what is known of people anyway."""
_FEWEST = 0.5
"""Of exact agreements among strangers: what was not seen is rare and not impossible."""
_UNKNOWN = 1e5
"""Pairs that a field that nobody has is taken to have: its values are as good as unique."""
_UNSEEN = 0.01
"""The same among random pairs: few chances suffice there to call something rare."""

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Pairs grouped by what they agree on."""

    levels: npt.NDArray[np.int8]
    """Pattern by comparison."""
    shares: _Floats
    """Pattern by comparison: how common the value is on which the pair agrees exactly; else 0."""
    counts: _Floats


@dataclass(frozen=True, slots=True)
class _Strangers:
    """What was counted for one comparison."""

    sampled: _Floats
    """Random pairs by level."""
    exact: float
    """Pairs of all records that agree exactly."""
    observed: float
    """Pairs of all records that both have a value."""


def train(store: duckdb.DuckDBPyConnection, records: int, common: Common) -> Model:
    """A model of the tables `people`, `values` and `compared`."""
    frequencies = {
        comparison.frequency: _frequencies(store, comparison.frequency)
        for comparison in COMPARISONS
        if comparison.frequency
    }
    value_tables(store, frequencies)
    strangers = [_strangers(store, comparison) for comparison in COMPARISONS]
    fit = _Fit(_patterns(store, frequencies), strangers, records)
    fit.run()
    return Model(
        records=records,
        matches=fit.matches / records,
        relatives=fit.relatives / records if fit.relatives >= FEWEST_RELATIVES * fit.matches else 0.0,
        agreements={comparison.name: fit.agreement(at) for at, comparison in enumerate(COMPARISONS)},
        frequencies=frequencies,
        common=dict(common),
    )


def is_plausible(model: Model) -> bool:
    """Whether there were matches to learn from, and this can be how one person's records agree."""
    return model.matches * model.records >= FEWEST_MATCHES and all(
        model.agreements[name].m[-1] <= most for name, most in MOST_DISAGREEMENTS.items()
    )


def _frequencies(store: duckdb.DuckDBPyConnection, column: str) -> Frequencies:
    counted = f"SELECT {column} AS value, count(*) AS n FROM people WHERE {column} <> '' GROUP BY 1"  # noqa: S608
    ((total, squares),) = store.execute(f"SELECT sum(n), sum(n * n) FROM ({counted})").fetchall()  # noqa: S608
    listed = store.execute(f"{counted} HAVING n > 1 ORDER BY n DESC, value LIMIT {LISTED}").fetchall()
    if not total:
        return Frequencies(LEAST, {})
    left = total - sum(n for _, n in listed)
    rare = (squares - sum(n * n for _, n in listed)) / left / total if left else 1 / total
    return Frequencies(float(rare), {value: n / total for value, n in listed})


def _strangers(store: duckdb.DuckDBPyConnection, comparison: Comparison) -> _Strangers:
    at = COMPARISONS.index(comparison)
    sampled = np.zeros(len(comparison.levels))
    for level, count in store.execute(f"SELECT c{at}, count(*) FROM random GROUP BY 1").fetchall():  # noqa: S608
        if level != MISSING:
            sampled[level] = count
    # The first level is the agreement on all that is needed, in every comparison: so it can be counted by value.
    there = " AND ".join(f"{column} <> ''" for column in comparison.needs)
    values = ", ".join(_exact_columns(comparison))
    ((exact, known),) = store.execute(
        f"""SELECT coalesce(sum(n * (n - 1)) / 2, 0), coalesce(sum(n), 0)
            FROM (SELECT count(*)::DOUBLE AS n FROM people WHERE {there} GROUP BY {values})"""  # noqa: S608
    ).fetchall()
    return _Strangers(sampled, float(exact), known * (known - 1) / 2)


def _exact_columns(comparison: Comparison) -> tuple[str, ...]:
    return {"street": ("street", "number")}.get(comparison.name, comparison.needs)


def draw_random_pairs(store: duckdb.DuckDBPyConnection, records: int) -> None:
    """Make the table `random`: the levels of pairs drawn evenly, the same ones in every run."""
    draws = np.random.default_rng(records).integers(0, max(records, 1), size=(RANDOM_PAIRS, 2))
    draws = np.unique(np.sort(draws[draws[:, 0] != draws[:, 1]], axis=1), axis=0)
    chosen = {"a": np.ascontiguousarray(draws[:, 0]), "b": np.ascontiguousarray(draws[:, 1])}
    store.register("draws", chosen)
    store.execute(f"CREATE TEMP TABLE random AS {levels_of('draws')}")
    store.unregister("draws")


def levels_of(pairs: str) -> str:
    """The SELECT that compares the pairs of a table: a, b and the columns c0, c1 ... with the levels."""
    levels = ", ".join(f"{level_sql(comparison, 'x', 'y')} AS c{at}" for at, comparison in enumerate(COMPARISONS))
    return f"""SELECT a, b, {levels} FROM {pairs} JOIN people x ON x.r = a JOIN people y ON y.r = b
               WHERE x.several = '' AND y.several = ''"""  # noqa: S608


def _patterns(store: duckdb.DuckDBPyConnection, frequencies: Mapping[str, Frequencies]) -> _Patterns:
    """Values that are about as common (to a factor of two) count as one."""
    scales = ", ".join(
        f"CASE WHEN c{at} = 0 THEN round(log2({frequency(frequencies[column], at)}))::TINYINT END AS f{at}"
        for at, column in VALUED.items()
    )
    levels = ", ".join(f"c{at}" for at in range(len(COMPARISONS)))
    grouped = store.execute(
        f"""SELECT {levels}, {scales}, count(*) AS n
            FROM compared JOIN people ON people.r = a {valued_joins("people")} GROUP BY ALL ORDER BY ALL"""  # noqa: S608
    ).fetchnumpy()
    shares = np.zeros((len(grouped["n"]), len(COMPARISONS)))
    for at in VALUED:
        scale: Any = grouped[f"f{at}"]
        shares[:, at] = np.where(np.ma.getmaskarray(scale), 0.0, np.exp2(np.ma.filled(scale, 0).astype(float)))
    return _Patterns(
        np.stack([np.asarray(grouped[f"c{at}"], dtype=np.int8) for at in range(len(COMPARISONS))], axis=1),
        shares,
        np.asarray(grouped["n"], dtype=float),
    )


class _Fit:
    """The expectation maximisation."""

    def __init__(self, patterns: _Patterns, strangers: list[_Strangers], records: int) -> None:
        self._patterns, self._strangers = patterns, strangers
        self._pairs = max(records * (records - 1) / 2, 1.0)
        self.matches = self.relatives = max(records / 2, 1.0)
        self.m = [_first_guess(comparison) for comparison in COMPARISONS]
        none = np.zeros(len(patterns.counts))
        self.u = [self._counted(at, none) for at in range(len(COMPARISONS))]
        self.h = [_first_relatives(comparison, u) for comparison, u in zip(COMPARISONS, self.u, strict=True)]

        self._first_m, self._first_h = list(self.m), list(self.h)

    def run(self) -> None:
        """Until the numbers of matches and relatives hold still."""
        for _ in range(ROUNDS):
            before = np.array((self.matches, self.relatives))
            self._step()
            after = np.array((self.matches, self.relatives))
            if np.all(np.abs(after - before) <= CLOSE_ENOUGH * np.maximum(before, 1.0)):
                break
        for at, comparison in enumerate(COMPARISONS):
            if comparison.relatives == "personal":
                self.h[at] = _no_match(comparison, self.h[at], self.u[at], MOST_NAMESAKES)

    def _step(self) -> None:
        odds = np.stack(
            (
                self._log_odds(self.m, self.matches, None),
                self._log_odds(self.h, self.relatives, self._relatives_on),
                self._log_odds(self.u, self._pairs, self._strangers_on),
            )
        )
        odds = np.exp2(odds - odds.max(axis=0))
        classes = odds / odds.sum(axis=0) * self._patterns.counts
        self.matches, self.relatives = (max(float(total), 1.0) for total in classes[:2].sum(axis=1))
        for at in range(len(COMPARISONS)):
            self.m[at] = self._shares(at, classes[0], self._first_m[at] * _BELIEVED["m"])
            self.h[at] = self._shares(at, classes[1], self._first_h[at] * _BELIEVED["h"])
        for at, comparison in enumerate(COMPARISONS):
            self.u[at] = self._counted(at, classes[0] + classes[1])
            if comparison.relatives == "like strangers":
                self.h[at] = self.u[at]
            elif comparison.name in MOST_ALIKE:
                self.h[at] = _no_match(comparison, self.h[at], self.u[at], MOST_ALIKE[comparison.name])
            if comparison.relatives == "personal":
                self.h[at] = _written_alike(comparison, self.h[at], self.m[at])
            for level in (place for place, each in enumerate(comparison.levels) if each.said_before):
                self.h[at][level] = self.m[at][level] = self.u[at][level]

    def _log_odds(self, shares: list[_Floats], number: float, exact: Any) -> _Floats:
        total = np.full(len(self._patterns.counts), np.log2(number))
        for at in range(len(COMPARISONS)):
            levels = self._patterns.levels[:, at]
            chances = np.append(shares[at], 1.0)[levels]  # -1, missing, takes the 1.0
            valued = self._patterns.shares[:, at] > 0
            if exact and valued.any():
                chances = np.where(valued, exact(at), chances)
            total += np.log2(np.maximum(chances, LEAST))
        return total

    def _strangers_on(self, at: int) -> _Floats:
        return self._patterns.shares[:, at]

    def _relatives_on(self, at: int) -> _Floats:
        comparison = COMPARISONS[at]
        alike = named_alike(comparison, self.agreement(at))
        learned: _Floats = self.h[at][0]
        return learned if alike is None else (1 - alike) * self._patterns.shares[:, at] + alike

    def agreement(self, at: int) -> Agreement:
        return Agreement(*(tuple(map(float, shares[at])) for shares in (self.m, self.h, self.u)))

    def _shares(self, at: int, weights: _Floats, believed: _Floats) -> _Floats:
        summed = self._by_level(at, weights) + believed
        made: _Floats = summed / summed.sum()
        return made

    def _by_level(self, at: int, weights: _Floats) -> _Floats:
        levels = self._patterns.levels[:, at]
        known = levels != MISSING
        counted = np.bincount(levels[known], weights=weights[known], minlength=len(COMPARISONS[at].levels))
        return counted.astype(np.float64)

    def _counted(self, at: int, others: _Floats) -> _Floats:
        """u: random pairs by level, the first level of all pairs; less the pairs that are people and relatives."""
        found, made = self._strangers[at], self._by_level(at, others)
        exact = max(found.exact - made[0], found.exact / 100, _FEWEST) / max(found.observed, _UNKNOWN)
        rest = np.maximum(found.sampled - made * (found.sampled.sum() / self._pairs), found.sampled / 100)[1:] + _UNSEEN
        rest[-1] += 1.0
        return np.concatenate(([exact], rest / rest.sum() * (1 - exact)))


def _first_guess(comparison: Comparison) -> _Floats:
    """Mostly exact, the rest spread evenly."""
    levels = len(comparison.levels)
    return np.array([0.8, *[0.2 / (levels - 1)] * (levels - 1)])


def _no_match(comparison: Comparison, relatives: _Floats, strangers: _Floats, most: float) -> _Floats:
    """Relatives of whom `most` agree, beside those who do by chance: those who agree as a rule are one person."""
    alike = np.array([level.verdict != "other" for level in comparison.levels])
    most, found = most + strangers[alike].sum(), relatives[alike].sum()
    if found <= most:
        return relatives
    made: _Floats = np.where(alike, relatives * most / found, relatives * (1 - most) / (1 - found))
    return made


def _written_alike(comparison: Comparison, relatives: _Floats, people: _Floats) -> _Floats:
    """The same name in another way (swapped): relatives who are namesakes write it so as often as one person does.

    Learned freely, relatives take over those of the matches of which nothing but the home says that they are none.
    """
    made = relatives.copy()
    for level, each in enumerate(comparison.levels[1:-1], start=1):
        if each.verdict == "same":
            made[level] = relatives[0] * people[level] / people[0]
            made[-1] += relatives[level] - made[level]
    return made


_FIRST_TWINS, _FIRST_NAMESAKES = 0.015, 0.02


def _first_relatives(comparison: Comparison, strangers: _Floats) -> _Floats:
    """Relatives share home and family name, and are otherwise as strangers, but for a few twins and namesakes."""
    share = {"birth date": _FIRST_TWINS, "given": _FIRST_NAMESAKES}.get(comparison.name)
    if share is None and comparison.relatives == "learned":
        return _first_guess(comparison)
    made = strangers * (1 - (share or 0.0))
    made[0] += share or 0.0
    return made
