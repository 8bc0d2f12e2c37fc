"""Which codes stand above and below others, for the code systems of which a hierarchy is shipped.

`facts/hierarchy.csv` has the codes that our tables and mappers use and all that is above them: of ICD-10-CM the
subcategories, categories, blocks and chapters (its 2026 release). A code below another is a kind of it.
https://hl7.org/fhir/R4/codesystem.html#hierarchy
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FACTS = Path(__file__).parent / "facts"


class Placed(NamedTuple):
    """A code and its place."""

    system: str
    code: str
    display: str
    parent: str
    """The code above it; "" = none."""


@cache
def placed() -> tuple[Placed, ...]:
    """Every code that has a place, a parent before its children."""
    with (_FACTS / "hierarchy.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Placed(**row) for row in csv.DictReader(file))


def systems() -> tuple[str, ...]:
    """The code systems of which a hierarchy is shipped."""
    return tuple(_parents())


def ancestors(system: str, code: str) -> frozenset[str]:
    """The code and all above it; empty where its place is not known."""
    parents = _parents().get(system, {})
    found = set[str]()
    while code in parents:
        found.add(code)
        code = parents[code]
    return frozenset(found)


def descendants(system: str, code: str) -> frozenset[str]:
    """The code and all that are shipped below it; empty where its place is not known."""
    return frozenset(each for each in _parents().get(system, {}) if code in ancestors(system, each))


@cache
def _parents() -> dict[str, dict[str, str]]:
    """The code above each code, by system."""
    found: dict[str, dict[str, str]] = {}
    for each in placed():
        found.setdefault(each.system, {})[each.code] = each.parent
    return found
