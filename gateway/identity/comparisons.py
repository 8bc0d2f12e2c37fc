"""COMPARISONS: what is compared and how well two values may agree. One table, compiled to SQL and to Python.

A comparison asks its levels in order and takes the first that holds; the last holds always. Where a value is missing on
either side there is no level, and no weight for or against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from operator import attrgetter
from typing import Any, Literal

from gateway.identity.predicates import (
    Begins,
    Both,
    Crossed,
    Either,
    Equal,
    Holds,
    Near,
    Not,
    Predicate,
    SameInitial,
    Shared,
    Similar,
)

MISSING = -1
"""The level where nothing can be compared."""


@dataclass(frozen=True, slots=True)
class Level:
    """One way to agree."""

    label: str
    """In words, for people."""
    verdict: Literal["same", "close", "slip", "variant", "nickname", "alike", "other"]
    """From `slip` on: so two names of one person may differ, but so may those of twins, each the more."""
    predicate: Predicate | None = None
    """None = whatever is left."""
    said_before: bool = False
    """Another comparison's level holds for the very same pairs, and weighs for both."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field of a person, and its levels from the strongest to the weakest."""

    name: str
    part: str
    """The part of `Forms` that it looks at."""
    needs: tuple[str, ...]
    """Columns that both sides must have, or else the field is missing."""
    levels: tuple[Level, ...]
    frequency: str | None = None
    """The column whose value tells how often strangers agree exactly: a rare name says more than a common one."""
    relatives: Literal["learned", "personal", "like strangers"] = "learned"
    """How relatives agree: as training finds; the same, but exactly on a common value more often than on a rare one, as
    strangers do; or as strangers altogether."""
    same_kind: str | None = None
    """A column that must be equal, or else the two values are of different kinds, and the field is missing."""


COMPARISONS = (
    Comparison(
        "given",
        "names",
        ("given",),
        (
            Level("the same given name", "same", Equal("given")),
            Level(  # a slip is seldom the first letter, and seldom makes a name that many bear
                "two given names, one letter apart",
                "alike",
                Both(
                    Either(Holds("usual", on_both=True), Not(SameInitial("given"))),
                    Near("given"),
                    Not(Equal("given_bones")),
                ),
            ),
            Level("a nickname of the other", "nickname", Shared("formal")),
            Level(
                "two given names that many bear, and that sound alike",
                "variant",
                Both(Holds("usual", on_both=True), Equal("given_bones")),
            ),
            Level("given names that sound alike", "close", Equal("given_bones")),
            Level(
                "given and family name swapped",
                "same",
                Either(Crossed("given", "family"), Crossed("given_bones", "family_bones")),
            ),
            Level("given names one slip apart", "slip", Near("given")),
            Level("given names much alike", "alike", Similar("given", 0.92)),
            Level("given names a little alike", "other", Either(Similar("given", 0.80), Begins("given"))),
            Level("other given names", "other"),
        ),
        frequency="given",
        relatives="personal",
    ),
    Comparison(
        "family",
        "names",
        ("family",),
        (
            Level("the same family name", "same", Equal("family")),
            Level("family names one slip apart", "close", Either(Similar("family", 0.92), Near("family"))),
            Level(
                "family and given name swapped",
                "same",
                Either(Crossed("given", "family"), Crossed("given_bones", "family_bones")),
                said_before=True,
            ),
            Level("family names that sound alike", "close", Equal("family_bones")),
            Level("family names a little alike", "other", Either(Similar("family", 0.85), Begins("family"))),
            Level("other family names", "other"),
        ),
        frequency="family",
    ),
    Comparison(
        "generation",
        "names",
        ("generation",),
        (
            Level("the same generation (Jr, Sr, II)", "same", Equal("generation")),
            Level("other generations (Jr, Sr, II)", "other"),
        ),
    ),
    Comparison(
        "birth date",
        "births",
        ("born",),
        (
            Level("the same birth date", "same", Both(Equal("born"), Not(Holds("defaulted")))),
            Level("day and month swapped", "close", Both(Crossed("born", "born_crossed"), Not(Holds("defaulted")))),
            Level("the same year, and a day not known", "close", Both(Equal("year"), Holds("defaulted"))),
            Level("birth dates one slip apart", "close", Near("born")),
            Level(
                "two of year, month and day the same",
                "other",
                Either(Equal("year_month"), Equal("year_day"), Equal("month_day")),
            ),
            Level("other birth dates", "other"),
        ),
    ),
    Comparison(
        "gender",
        "genders",
        ("gender",),
        (Level("the same gender", "same", Equal("gender")), Level("other genders", "other")),
        relatives="like strangers",
    ),
    Comparison(
        "phone",
        "phones",
        ("phone",),
        (
            Level("the same phone", "same", Equal("phone")),
            Level("phones one slip apart", "close", Near("phone")),
            Level("other phones", "other"),
        ),
    ),
    Comparison(
        "email",
        "emails",
        ("email",),
        (
            Level("the same e-mail address", "same", Equal("email")),
            Level(  # ravi.shah227 and ravi.shah237 are two who bear one name
                "e-mail addresses one slip apart", "close", Both(Equal("email_number"), Near("email"))
            ),
            Level("other e-mail addresses", "other"),
        ),
    ),
    Comparison(
        "street",
        "addresses",
        ("street",),
        (
            Level("the same street and number", "same", Both(Equal("street"), Equal("number"))),
            Level("nearly the same street and number", "close", Both(Similar("street", 0.92), Near("number"))),
            Level("the same street", "close", Similar("street", 0.92)),
            Level("other streets", "other"),
        ),
    ),
    Comparison(
        "postcode",
        "addresses",
        ("postcode",),
        (
            Level("the same postcode", "same", Equal("postcode")),
            Level("postcodes one slip apart", "close", Near("postcode")),
            Level("other postcodes", "other"),
        ),
        frequency="postcode",
    ),
    Comparison(
        "city",
        "addresses",
        ("city",),
        (
            Level("the same city", "same", Equal("city")),
            Level("nearly the same city", "close", Similar("city", 0.90)),
            Level("other cities", "other"),
        ),
        frequency="city",
    ),
    Comparison(
        "identifier",
        "identifiers",
        ("identifier",),
        (
            Level("the same identifier", "same", Equal("identifier")),
            Level("identifiers one slip apart", "close", Near("identifier")),
            Level("other identifiers", "other"),
        ),
        relatives="like strangers",
        same_kind="identifier_system",
    ),
    Comparison(  # a hospital knows its own patients: two of its records are rarely one person
        "source",
        "origins",
        ("origin",),
        (Level("two records of one source", "same", Equal("origin")), Level("records of two sources", "other")),
    ),
)
FIELDS = tuple(comparison.name for comparison in COMPARISONS)
"""The names of the comparisons, in the order of every tuple of levels."""

LevelOf = Callable[[tuple[Any, ...], tuple[Any, ...]], tuple[int, Any]]
"""(level, the form of the first record that reached it) of a comparison, from both records' forms of its part;
(MISSING, None) where nothing compares."""


def level_of(comparison: Comparison) -> LevelOf:
    """A comparison as a Python function: the best level over all forms of both records."""
    needs = [attrgetter(column) for column in comparison.needs]
    kind = attrgetter(comparison.same_kind) if comparison.same_kind else None
    tests = [level.predicate.test() for level in comparison.levels if level.predicate]
    last = len(tests)

    def compared(one: Any, two: Any) -> int:
        for need in needs:
            if not need(one) or not need(two):
                return MISSING
        if kind and kind(one) != kind(two):
            return MISSING
        for at, test in enumerate(tests):
            if test(one, two):
                return at
        return last

    def level(ones: tuple[Any, ...], twos: tuple[Any, ...]) -> tuple[int, Any]:
        if len(ones) == 1 and len(twos) == 1:
            return compared(ones[0], twos[0]), ones[0]
        reached = [(found, one) for one, two in product(ones, twos) if (found := compared(one, two)) != MISSING]
        return min(reached, key=lambda each: (each[0], needs[0](each[1])), default=(MISSING, None))

    return level


def level_sql(comparison: Comparison, left: str = "a", right: str = "b") -> str:
    """A comparison as an SQL expression over two flat rows: the level, or -1."""
    whens = [
        f"WHEN {level.predicate.sql(left, right)} THEN {at}"
        for at, level in enumerate(comparison.levels)
        if level.predicate
    ]
    missing = missing_sql(comparison, left, right)
    return f"(CASE WHEN {missing} THEN {MISSING} {' '.join(whens)} ELSE {len(whens)} END)::TINYINT"


def missing_sql(comparison: Comparison, left: str, right: str) -> str:
    """Where there is nothing to compare, as an SQL condition over two flat rows."""
    missing = [f"{side}.{column} = ''" for column in comparison.needs for side in (left, right)]
    if comparison.same_kind:
        missing.append(f"{left}.{comparison.same_kind} <> {right}.{comparison.same_kind}")
    return " OR ".join(missing)
