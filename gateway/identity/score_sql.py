"""The model as SQL: the weight of every compared pair, the same as `scoring.Scorer` gives to within rounding."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np

from gateway.identity.comparisons import COMPARISONS
from gateway.identity.model import Frequencies, Model, Shares
from gateway.identity.scoring import LEAST, Scorer, logs, named_alike

VALUED = {at: str(each.frequency) for at, each in enumerate(COMPARISONS) if each.frequency}
"""The comparisons whose exact agreement depends on the value, with its column."""


def value_tables(store: duckdb.DuckDBPyConnection, frequencies: Mapping[str, Frequencies]) -> None:
    """Make the tables `known0` ... of the values' frequencies."""
    for at, column in VALUED.items():
        known = frequencies[column].values
        listed = {
            "value": np.array(list(known), dtype=object),
            "f": np.fromiter(known.values(), dtype=float, count=len(known)),
        }
        store.execute(f"CREATE OR REPLACE TEMP TABLE known{at} (value VARCHAR, f DOUBLE)")
        if known:
            store.register("listed", listed)
            store.execute(f"INSERT INTO known{at} SELECT * FROM listed")  # noqa: S608 - a number
            store.unregister("listed")


def valued_joins(people: str) -> str:
    """The JOINs that give `known<n>.f` where a pair agrees exactly on a listed value; `people` is the first record."""
    return " ".join(
        f"LEFT JOIN known{at} ON c{at} = 0 AND known{at}.value = {people}.{column}" for at, column in VALUED.items()
    )


def frequency(known: Frequencies, at: int) -> str:
    """How common the value is on which the pair agrees exactly."""
    return f"coalesce(known{at}.f, {known.rare!r})"


def scored(model: Model, records: int) -> str:
    """The SELECT of the pairs of `compared` that weigh at least its parameter: ids, weight, levels."""
    exact = {at: frequency(model.frequencies[column], at) for at, column in VALUED.items()}
    priors = zip("mhu", Scorer(model, records).priors, strict=True)
    found = sums(model, exact)
    made = ", ".join(f"{prior!r} + {found[name]} AS {name}" for name, prior in priors)
    levels = ", ".join(f"c{at}" for at in range(len(COMPARISONS)))
    return f"""
        SELECT x.id, y.id, m - (greatest(h, u) + log2(1 + pow(2.0, least(h, u) - greatest(h, u)))) AS weight, {levels}
        FROM (SELECT a, b, {levels}, {made}
              FROM compared JOIN people ON people.r = a {valued_joins("people")})
        JOIN people x ON x.r = a JOIN people y ON y.r = b
        WHERE weight >= ?"""  # noqa: S608 - numbers and names of our own columns


def sums(model: Model, exact: Mapping[int, str]) -> dict[str, str]:
    """Log2 of how often people (m), relatives (h) and strangers (u) agree on the levels `c0` ..., as expressions.

    `exact`: by comparison, the expression of how common the value is on which a pair agrees exactly.
    """
    people, relatives, strangers = [], [], []
    for at, comparison in enumerate(COMPARISONS):
        agreement, common = model.agreements[comparison.name], exact.get(at)
        people.append(_case(at, agreement.m))
        relatives.append(_case(at, agreement.h, _of_relatives(named_alike(comparison, agreement), common)))
        strangers.append(_case(at, agreement.u, common))
    return {"m": " + ".join(people), "h": " + ".join(relatives), "u": " + ".join(strangers)}


def _of_relatives(alike: float | None, exact: str | None) -> str | None:
    return None if exact is None or alike is None else f"((1 - {alike!r}) * {exact} + {alike!r})"


def _case(at: int, shares: Shares, exact: str | None = None) -> str:
    bits = [repr(each) for each in logs(shares)]
    if exact:
        bits[0] = f"log2(greatest({exact}, {LEAST!r}))"
    whens = " ".join(f"WHEN {level} THEN {each}" for level, each in enumerate(bits))
    return f"(CASE c{at} {whens} ELSE 0.0 END)::DOUBLE"
