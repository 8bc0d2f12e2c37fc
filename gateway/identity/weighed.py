"""Pairs of records with their weights, as an engine (`batch` in DuckDB, `spark`) hands them on to be decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from gateway.identity.cluster import pair
from gateway.identity.decide import RIVALS, Action, Guard, action_of, guards_of
from gateway.identity.flat import Blocking
from gateway.identity.model import Model
from gateway.identity.spellings import Named
from gateway.identity.traits import Traits

Progress = Callable[[str], None]

_LEAD = 0.001
"""Bits by which one of two rivals must lead; those that agree as well as each other are both asked about. Who agrees
surely with both tells that they are seldom twins: of 2,200 such links among a million records 8 were wrong."""


class Link(NamedTuple):
    """A pair that is linked or should be looked at."""

    a: str
    b: str
    weight: float
    levels: tuple[int, ...]
    action: Action
    guards: tuple[Guard, ...]


class Steps:
    """What a run is doing, and how long each step took."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._name, self._began = progress, "", monotonic()
        self.seconds: dict[str, float] = {}

    def begin(self, name: str) -> None:
        """The step before is done."""
        self.end()
        self._name = name
        self._progress(name)

    def end(self) -> None:
        """All steps are done."""
        now = monotonic()
        if self._name:
            self.seconds[self._name] = now - self._began
        self._began, self._name = now, ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """All records, and the pairs of them that may be one person's."""

    model: Model
    links: list[Link]
    source_of: dict[str, str]
    """By record, in the order of their ids."""
    names: dict[str, Named]
    """What each record calls its person."""
    blocking: Blocking


Engine = Callable[[Iterable[Traits], Model | None, Model | None, Steps], Weighed]
"""Blocks, compares and weighs: the records, the model (None = train one), the one to fall back on (None = the one that
ships), the steps that it tells of."""


def choice(model: Model, records: int) -> int:
    """Among how many a record's match is chosen: never fewer than in real time, so that a run is not the bolder one."""
    return max(model.records, records)


@lru_cache(maxsize=1 << 16)
def _kept(levels: tuple[int, ...]) -> tuple[int, ...]:
    """One object for equal levels: a million links share a few thousand."""
    return levels


def link_of(one: str, two: str, weight: float, found: Iterable[int]) -> Link:
    """A pair with what its levels mean."""
    levels = _kept(tuple(found))
    guards = guards_of(levels)
    return Link(*pair(one, two), weight, levels, action_of(weight, guards), guards)


def judged(weighed: Iterable[Link]) -> list[Link]:
    """The pairs in the order of their ids, each judged beside the others."""
    return _with_rivals(sorted(weighed))


def _with_rivals(links: list[Link]) -> list[Link]:
    """Guard the links of a record to two records that are not one person: the weaker one, or both when nearly equal."""
    near: dict[str, dict[str, int]] = {}
    for at, link in enumerate(links):
        if link.action is Action.AUTO:
            near.setdefault(link.a, {})[link.b] = at
            near.setdefault(link.b, {})[link.a] = at
    doubted: set[int] = set()
    for link in links:
        if RIVALS.isdisjoint(link.guards) or link.a not in near or link.b not in near:
            continue
        ones, twos = near[link.a], near[link.b]
        for record in ones.keys() & twos.keys():
            one, two = ones[record], twos[record]
            lead = links[one].weight - links[two].weight
            doubted.update([two] * (lead > -_LEAD) + [one] * (lead < _LEAD))
    for at in doubted:
        guards = (*links[at].guards, Guard.NEXT_IS_CLOSE)
        links[at] = links[at]._replace(action=action_of(links[at].weight, guards), guards=guards)
    return links
