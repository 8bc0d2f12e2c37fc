"""Whole walks over the pages of searches, forward and back, while resources are inserted, changed and deleted and the
server starts anew: what is there throughout, as it is, is neither lost nor repeated.

https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from gateway.search import matches, query
from gateway.search.query import SearchResult
from gateway.search.request import sortable
from tests.gateway.search.naive import Records
from tests.gateway.search.world import Json, Maker, World

HELD = 50
FILTERS: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {
    "Patient": ((), (("gender", "male"),), (("active:not", "true"),), (("name", "a"), ("birthdate:missing", "false"))),
    "Observation": ((), (("status", "final"),), (("date", "ge2020"),), (("subject:missing", "false"),)),
    "Condition": ((), (("code:missing", "false"),), (("onset-date", "le2020-03"),)),
}
PLANS = ("gathered", "walked", "remembered")
"""All ways to answer: few candidates are sorted, many are walked, or remembered where a walk is slow."""
Pairs = tuple[tuple[str, str], ...]


class Hospital:
    """A store in a folder that changes by chance, and what it should hold."""

    def __init__(self, folder: Path, dice: Random) -> None:
        self.folder, self.dice = folder, dice
        self.world = World.in_folder(folder)
        self.made = 0
        self.held: dict[tuple[str, str], Json] = {}
        self.touched: set[str] = set()
        for resource_type in FILTERS:
            self._put(self._made(resource_type) for _ in range(HELD))

    def _made(self, resource_type: str, resource_id: str = "") -> Json:
        self.made += 1
        return Maker(self.dice.randrange(2**32)).make(resource_type, resource_id or f"r{self.made}")

    def _put(self, resources: Iterator[Json]) -> None:
        found = list(resources)
        self.world.put(found)
        self.held |= {(each["resourceType"], each["id"]): each for each in found}
        self.touched |= {each["id"] for each in found}

    def change(self, resource_type: str) -> None:
        """Something is inserted, changed or deleted; now and then the server starts anew."""
        there = sorted(each for _, each in self.held if _ == resource_type)
        match self.dice.choice(("insert", "change", "delete", "restart", "nothing")):
            case "insert" if len(there) < 2 * HELD:
                self._put(self._made(resource_type) for _ in range(self.dice.randint(1, 3)))
            case "change":
                self._put(iter([self._made(resource_type, self.dice.choice(there))]))
            case "delete" if len(there) > HELD // 2:
                gone = self.dice.choice(there)
                self.world.delete((resource_type, gone))
                del self.held[resource_type, gone]
                self.touched.add(gone)
            case "restart":
                self.world.store.close()
                self.world = World.in_folder(self.folder)
            case _:
                pass

    def page(self, resource_type: str, pairs: Pairs, cursor: str | None) -> SearchResult:
        """After a change."""
        self.change(resource_type)
        return self.world.search(resource_type, *pairs, cursor=cursor)

    def walk(self) -> int:
        """Forward to the end and back to the beginning; how many pages there were."""
        resource_type = self.dice.choice(tuple(FILTERS))
        filters = self.dice.choice(FILTERS[resource_type])
        count = str(self.dice.randint(3, 12))
        pairs = (*filters, *self._sort(resource_type), ("_count", count))
        records = Records(each for (kind, _), each in self.held.items() if kind == resource_type)
        wanted = set.intersection(
            {each["id"] for each in records.of_type(resource_type)},
            *(records.ids(resource_type, name, value) for name, value in filters),
        )
        self.touched = set()
        page = self.world.search(resource_type, *pairs)
        forward, pages = _ids(page), 1
        while page.next is not None:
            page = self.page(resource_type, pairs, page.next)
            forward += _ids(page)
            pages += 1
        self._require_once(wanted, forward)
        backward = _ids(page)
        if not backward:
            return pages  # all of the last page is gone, and its links with it
        while page.previous is not None:
            page = self.page(resource_type, pairs, page.previous)
            found = _ids(page)
            pages += 1
            if page.previous is None and (set(found) & set(backward)) - self.touched:
                break  # all that stood before is gone: this is the first page again
            backward = found + backward
        self._require_once(wanted, backward)
        there = wanted - self.touched
        assert [each for each in backward if each in there] == [each for each in forward if each in there]
        return pages

    def _sort(self, resource_type: str) -> Pairs:
        keys = self.dice.sample(sortable(resource_type), self.dice.randint(0, 3))
        signed = ",".join(self.dice.choice(("", "-")) + each for each in keys)
        return (("_sort", signed),) if signed else ()

    def _require_once(self, wanted: set[str], seen: list[str]) -> None:
        for each in wanted - self.touched:
            assert seen.count(each) == 1, each


def _ids(page: SearchResult) -> list[str]:
    return [row.id for row in page.matches]


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("walks", [6, pytest.param(334, marks=pytest.mark.soak)])
def test_nothing_is_lost_or_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: str, walks: int) -> None:
    """By any sort; cursors hold after a restart."""
    monkeypatch.setattr(query, "PAGE_SECONDS", 60)  # what is exact is the question here, not what is quick
    if plan != "gathered":
        for bound in ("GATHERED_AT_MOST", "GATHERED_UNCOUNTED"):
            monkeypatch.setattr(matches, bound, 0)
    if plan == "remembered":
        monkeypatch.setattr(matches, "WALK_SECONDS", 0)
        monkeypatch.setattr("gateway.store.snapshot._STEPS", 1)
    hospital = Hospital(tmp_path, Random(f"{plan} {walks}"))
    pages = [hospital.walk() for _ in range(walks)]
    hospital.world.store.close()
    assert max(pages) > 10
