"""Given names of one person that are no slips of the pen: two sources write each of them.

Of persons with two such names that few people bear (Ottmar, Ottomar) one in five was a pair of twins, and of those with
two that many bear and that sound otherwise (Liz, Elizabeth), one in four. Where many bear one of the two, the other one
is its slip, and where both sound alike, they are spellings (Laxmi, Lakshmi): there it was one in a hundred, or less.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from gateway.identity.forms import Forms
from gateway.identity.names import skeleton


class Called(NamedTuple):
    """A given name."""

    given: str
    usual: bool
    """Whether many people bear it, or a table knows it."""
    bones: str


NAMELESS = Called("", usual=False, bones="")


@lru_cache(maxsize=1 << 16)
def called(given: str, usual: bool) -> Called:
    """The same name is the same object: a million records share some thousands."""
    return Called(given, usual, skeleton(given)) if given else NAMELESS


def called_in(forms: Forms) -> Called:
    """The given name of a record."""
    return next((called(name.given, name.usual) for name in forms.names), NAMELESS)


def two_peoples(held: Iterable[tuple[Called, str]]) -> set[tuple[Called, Called]]:
    """Of the names of a person's records, each with its source, those two and two that hardly are one person's."""
    sources: dict[Called, set[str]] = {}
    for name, source in held:
        if name.given:
            sources.setdefault(name, set()).add(source)
    if len(sources) < 2:
        return set()
    settled = sorted(name for name, of in sources.items() if len(of) > 1)
    return {(one, two) for one, two in combinations(settled, 2) if _tell_apart(one, two)}


def _tell_apart(one: Called, two: Called) -> bool:
    return one.usual == two.usual and not (one.usual and one.bones == two.bones)
