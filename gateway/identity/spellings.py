"""Given names of one person that are no slips of the pen: two sources write each of them.

Of persons with two such names that few people bear (Ottmar, Ottomar) one in five was a pair of twins, and of those with
two that many bear and that sound otherwise (Liz, Elizabeth) one in four. Where many bear one of the two, the other one
is its slip, and two that many bear and that sound alike are spellings (Laxmi, Lakshmi): there it was one in a hundred,
or less. A record that states two given names says that one person has both.
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


class Named(NamedTuple):
    """What a record calls its person."""

    called: Called
    family: str


Told = tuple[Called, Called]
"""Two names that are two people's, in order."""
NAMELESS = Named(Called("", usual=False, bones=""), "")
"""A record without a given name, or with several."""


@lru_cache(maxsize=1 << 16)
def named(given: str, family: str, usual: bool) -> Named:
    """What a record with one given name calls its person. Many are the same object: there may be millions."""
    return Named(Called(given, usual, skeleton(given)), family) if given else NAMELESS


def named_in(forms: Forms) -> Named:
    """What a record calls its person."""
    if not forms.names or len({name.given for name in forms.names}) > 1:
        return NAMELESS
    first = forms.names[0]
    return named(first.given, first.family, first.usual)


def two_peoples(held: Iterable[tuple[Named, str]]) -> set[Told]:
    """Of the names of a person's records, each with its source, those two and two that hardly are one person's."""
    sources: dict[Called, set[str]] = {}
    families: dict[Called, set[str]] = {}
    for (called, family), source in held:
        if called.given:
            sources.setdefault(called, set()).add(source)
            families.setdefault(called, set()).add(family)
    if len(sources) < 2:
        return set()
    settled = sorted(called for called, of in sources.items() if len(of) > 1)
    return {
        (one, two)
        for one, two in combinations(settled, 2)
        if one.usual == two.usual
        and not (one.usual and one.bones == two.bones)
        and not (one.given in families[two] and two.given in families[one])  # swapped
    }


def told(one: Named, two: Named) -> Told:
    """The given names of two records, in order."""
    return (one.called, two.called) if one.called < two.called else (two.called, one.called)
