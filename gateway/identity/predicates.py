"""What a comparison level asks of two records, each question compiled twice: to DuckDB's SQL and to a Python function.

Both must give the same answer for every pair of records; texts are ASCII by then, so bytes and characters are the same.
A question is never asked of a missing (empty) value, unless it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Protocol

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

Test = Callable[[Any, Any], bool]
"""Of two forms (`gateway.identity.forms`): whether they agree on this level."""


class Predicate(Protocol):
    """One question."""

    def sql(self, left: str, right: str) -> str:
        """As a condition on two aliases of the table of forms."""
        ...

    def test(self) -> Test:
        """As a function of two forms."""
        ...


@dataclass(frozen=True, slots=True)
class Equal:
    """The two values are the same, and there."""

    field: str

    def sql(self, left: str, right: str) -> str:
        return f"({left}.{self.field} = {right}.{self.field} AND {left}.{self.field} <> '')"

    def test(self) -> Test:
        value = attrgetter(self.field)
        return lambda a, b: bool(value(a)) and value(a) == value(b)


@dataclass(frozen=True, slots=True)
class Crossed:
    """One field of the one record is the other field of the other, both ways round."""

    field: str
    other: str

    def sql(self, left: str, right: str) -> str:
        return (
            f"({left}.{self.field} = {right}.{self.other} AND {left}.{self.other} = {right}.{self.field}"
            f" AND {left}.{self.field} <> '' AND {left}.{self.other} <> '')"
        )

    def test(self) -> Test:
        one, two = attrgetter(self.field), attrgetter(self.other)
        return lambda a, b: bool(one(a)) and bool(two(a)) and one(a) == two(b) and two(a) == one(b)


@dataclass(frozen=True, slots=True)
class Similar:
    """Jaro-Winkler similarity of at least so much."""

    field: str
    least: float

    def sql(self, left: str, right: str) -> str:
        return f"jaro_winkler_similarity({left}.{self.field}, {right}.{self.field}) >= {self.least!r}"

    def test(self) -> Test:
        value, least = attrgetter(self.field), self.least
        return lambda a, b: JaroWinkler.similarity(value(a), value(b)) >= least


@dataclass(frozen=True, slots=True)
class Near:
    """At most so many slips apart: letters wrong, lost, doubled or swapped (true Damerau-Levenshtein)."""

    field: str
    slips: int = 1

    def sql(self, left: str, right: str) -> str:
        one, two = f"{left}.{self.field}", f"{right}.{self.field}"
        # A swap is two plain edits: the plain distance, ten times as quick, rules nearly everything out.
        plain = f"abs(length({one}) - length({two})) <= {self.slips} AND levenshtein({one}, {two}) <= {2 * self.slips}"
        return f"CASE WHEN {plain} THEN damerau_levenshtein({one}, {two}) <= {self.slips} ELSE false END"

    def test(self) -> Test:
        value, slips = attrgetter(self.field), self.slips
        return lambda a, b: DamerauLevenshtein.distance(value(a), value(b), score_cutoff=slips) <= slips


@dataclass(frozen=True, slots=True)
class Begins:
    """The one begins with the other: an initial, the first half of a double name."""

    field: str

    def sql(self, left: str, right: str) -> str:
        one, two = f"{left}.{self.field}", f"{right}.{self.field}"
        return f"(starts_with({one}, {two}) OR starts_with({two}, {one}))"

    def test(self) -> Test:
        value = attrgetter(self.field)
        return lambda a, b: value(a).startswith(value(b)) or value(b).startswith(value(a))


_INITIALS = ("ygtkqwpz", "jjdccvbs")
"""First letters that transliterations put for one another: Yasmin and Jasmin, Dawei and Tawei."""


@dataclass(frozen=True, slots=True)
class SameInitial:
    """Both begin with the same letter, or with one that transliterations put for it."""

    field: str

    def sql(self, left: str, right: str) -> str:
        one, two = (
            f"translate(substr({side}.{self.field}, 1, 1), '{_INITIALS[0]}', '{_INITIALS[1]}')"
            for side in (left, right)
        )
        return f"{one} = {two}"

    def test(self) -> Test:
        value, table = attrgetter(self.field), str.maketrans(*_INITIALS)
        return lambda a, b: value(a)[:1].translate(table) == value(b)[:1].translate(table)


@dataclass(frozen=True, slots=True)
class Shared:
    """Two lists have a value in common."""

    field: str

    def sql(self, left: str, right: str) -> str:
        return f"list_has_any({left}.{self.field}, {right}.{self.field})"

    def test(self) -> Test:
        value = attrgetter(self.field)
        return lambda a, b: not set(value(a)).isdisjoint(value(b))


@dataclass(frozen=True, slots=True)
class Holds:
    """A flag is set on either side, or on both."""

    field: str
    on_both: bool = False

    def sql(self, left: str, right: str) -> str:
        return f"({left}.{self.field} {'AND' if self.on_both else 'OR'} {right}.{self.field})"

    def test(self) -> Test:
        value = attrgetter(self.field)
        if self.on_both:
            return lambda a, b: bool(value(a) and value(b))
        return lambda a, b: bool(value(a) or value(b))


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Predicate

    def sql(self, left: str, right: str) -> str:
        return f"(NOT {self.part.sql(left, right)})"

    def test(self) -> Test:
        part = self.part.test()
        return lambda a, b: not part(a, b)


class Both:
    """All of the questions."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Predicate) -> None:
        self.parts = parts

    def sql(self, left: str, right: str) -> str:
        return f"({' AND '.join(part.sql(left, right) for part in self.parts)})"

    def test(self) -> Test:
        parts = [part.test() for part in self.parts]
        return lambda a, b: all(part(a, b) for part in parts)


class Either:
    """At least one of the questions."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Predicate) -> None:
        self.parts = parts

    def sql(self, left: str, right: str) -> str:
        return f"({' OR '.join(part.sql(left, right) for part in self.parts)})"

    def test(self) -> Test:
        parts = [part.test() for part in self.parts]
        return lambda a, b: any(part(a, b) for part in parts)
