"""Pages: every row once, in order, forward and back, while others come, change and go; cursors that open nothing else.

https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from gateway.outcomes import InvalidParameter, TooCostly
from gateway.search import matches, query
from tests.gateway.search import naive
from tests.gateway.search.world import Json, Maker, World

SORTS = (
    "",
    "family",
    "-family",
    "birthdate",
    "-birthdate,family",
    "family,-birthdate",
    "gender,-_lastUpdated",
    "_id",
    "-_id",
)
FILTERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("gender", "male"),),
    (("gender:not", "male"),),
    (("birthdate", "2020"), ("active", "true")),
)


def patients(count: int, seed: int = 7) -> list[Json]:
    maker = Maker(seed)
    return [maker.make("Patient", f"p{number}") for number in range(count)]


@pytest.fixture(params=["gathered", "walked", "remembered"])
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """All ways to answer: few candidates are sorted, many are walked, or remembered where a walk is slow."""
    monkeypatch.setattr(query, "PAGE_SECONDS", 60)  # what is exact is the question here, not what is quick
    if request.param != "gathered":
        for bound in ("GATHERED_AT_MOST", "GATHERED_UNCOUNTED"):
            monkeypatch.setattr(matches, bound, 0)
    if request.param == "remembered":
        monkeypatch.setattr(matches, "WALK_SECONDS", 0)
        monkeypatch.setattr("gateway.store.snapshot._STEPS", 1)
    return str(request.param)


def pages(world: World, *pairs: tuple[str, str]) -> list[query.SearchResult]:
    found = [world.search("Patient", *pairs)]
    while (cursor := found[-1].next) is not None:
        found.append(world.search("Patient", *pairs, cursor=cursor))
    return found


def ids(found: list[query.SearchResult]) -> list[str]:
    return [row.id for page in found for row in page.matches]


@pytest.mark.parametrize("filters", FILTERS, ids=lambda pairs: "&".join("=".join(pair) for pair in pairs) or "all")
@pytest.mark.parametrize("sort", SORTS, ids=lambda sort: sort or "unsorted")
def test_pages_hold_every_match_once_and_lead_back(
    world: World, plan: str, sort: str, filters: tuple[tuple[str, str], ...]
) -> None:
    """Next pages make the whole, in the order of one big page; previous pages lead back over the same rows."""
    world.put(patients(60))
    pairs = [*filters, ("_count", "7"), *([("_sort", sort)] if sort else [])]
    found = pages(world, *pairs)
    assert len(ids(found)) == found[0].total
    assert len(set(ids(found))) == len(ids(found))
    assert all(page.matches for page in found)
    assert found[0].previous is None
    in_one = [pair for pair in pairs if pair[0] != "_count"]
    assert ids(found) == ids([world.search("Patient", *in_one, ("_count", "1000"))])
    back = found[-1:]
    while (cursor := back[0].previous) is not None:
        back.insert(0, world.search("Patient", *pairs, cursor=cursor))
    assert ids(back) == ids(found)


def sort_key(resource: Json, code: str) -> Any:
    if code == "birthdate":
        found = resource.get("birthDate")
        return found and naive.bounds(found)[0]
    found = [naive.fold(name["family"]) for name in resource.get("name", []) if "family" in name]
    return found or None


@pytest.mark.parametrize("sort", ["family", "-family", "birthdate", "-birthdate"])
def test_order_is_that_of_the_values_and_missing_ones_come_last(world: World, plan: str, sort: str) -> None:
    """Ascending by the lowest value of a resource, descending by the highest."""
    made = {patient["id"]: patient for patient in patients(60)}
    world.put(made.values())
    code, descending = sort.removeprefix("-"), sort.startswith("-")
    choose = max if descending else min
    keys = [sort_key(made[found], code) for found in world.ids("Patient", ("_sort", sort), ("_count", "9"))]
    held = [choose(key) if isinstance(key, list) else key for key in keys if key is not None]
    assert keys[len(held) :] == [None] * (len(keys) - len(held))
    assert held == sorted(held, reverse=descending)


@pytest.mark.parametrize("sort", ["family", "-birthdate,family", "_id", ""])
@pytest.mark.parametrize("seed", range(3))
def test_unchanged_rows_are_neither_lost_nor_repeated_under_writes(
    world: World, plan: str, sort: str, seed: int
) -> None:
    """Between two pages others are inserted, changed and deleted; what stays as it is, is seen exactly once."""
    dice = random.Random(seed)
    world.put(patients(60))
    touched: set[str] = set()
    pairs = [("_count", "5"), *([("_sort", sort)] if sort else [])]
    page, seen, turn = world.search("Patient", *pairs), list[str](), 0
    while True:
        seen += [row.id for row in page.matches]
        if page.next is None:
            break
        turn += 1
        maker = Maker(seed * 1000 + turn)
        changed, gone = dice.sample(range(60), 2)
        world.put([maker.make("Patient", f"new{turn}"), maker.make("Patient", f"p{changed}")])
        world.delete(("Patient", f"p{gone}"))
        touched |= {f"p{changed}", f"p{gone}"}
        page = world.search("Patient", *pairs, cursor=page.next)
    for number in range(60):
        if f"p{number}" not in touched:
            assert seen.count(f"p{number}") == 1


def test_a_previous_page_whose_rows_are_gone_is_the_first_page(world: World, plan: str) -> None:
    """A link never leads to nothing while there is something."""
    world.put(patients(9))
    second = pages(world, ("_count", "3"))[1]
    world.delete(*(("Patient", f"p{number}") for number in range(3)))
    found = world.search("Patient", ("_count", "3"), cursor=second.previous)
    assert [row.id for row in found.matches] == ["p3", "p4", "p5"]


def test_totals_are_counted_anew_when_something_changed(world: World, plan: str) -> None:
    """A total is never older than the page that states it."""
    world.put(patients(10))
    assert world.search("Patient").total == 10
    world.delete(("Patient", "p1"))
    assert world.search("Patient").total == 9
    world.put([{"resourceType": "Patient", "id": "p1"}])
    assert world.search("Patient", ("_summary", "count")).total == 10
    assert world.search("Patient", ("_total", "none")).total is None


@pytest.mark.parametrize("pair", [("_count", "0"), ("_summary", "count")], ids=lambda pair: pair[0])
def test_a_search_for_the_count_has_no_entries(world: World, plan: str, pair: tuple[str, str]) -> None:
    world.put(patients(10))
    found = world.search("Patient", pair, ("_total", "none"))
    assert (found.matches, found.included, found.total, found.next) == ([], [], 10, None)


def test_cursors_hide_the_values_that_they_hold(world: World) -> None:
    world.put([{"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"Secret{n}"}]} for n in range(3)])
    cursor = world.search("Patient", ("_sort", "family"), ("_count", "1")).next
    assert cursor is not None
    assert "ecret" not in cursor
    assert cursor.replace("-", "").replace("_", "").isalnum()


def _tampered(cursor: str) -> str:
    return cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]


@pytest.mark.parametrize(
    "spoil", [_tampered, lambda cursor: cursor[:-4], lambda _: "", lambda _: "ünï", lambda _: "AAAA" * 9]
)
def test_a_cursor_that_was_changed_is_refused(world: World, spoil: Any) -> None:
    world.put(patients(9))
    cursor = world.search("Patient", ("_count", "3")).next
    assert cursor is not None
    with pytest.raises(InvalidParameter, match="_cursor"):
        world.search("Patient", ("_count", "3"), cursor=spoil(cursor))


def test_a_cursor_opens_only_for_its_own_search(world: World) -> None:
    """Filters, order and type are bound in; the size of the page is not."""
    world.put(patients(30))
    cursor = world.search("Patient", ("_sort", "family"), ("_count", "3")).next
    assert len(world.search("Patient", ("_sort", "family"), ("_count", "5"), cursor=cursor).matches) == 5
    for pairs in ([("_sort", "-family")], [("_sort", "family"), ("gender", "male")], []):
        with pytest.raises(InvalidParameter, match="_cursor"):
            world.search("Patient", *pairs, cursor=cursor)
    with pytest.raises(InvalidParameter, match="_cursor"):
        world.search("Practitioner", cursor=cursor)


def test_a_cursor_of_another_store_is_refused(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = World.in_folder(tmp_path_factory.mktemp("other"))
    other.put(patients(9))
    world.put(patients(9))
    cursor = other.search("Patient", ("_count", "3")).next
    other.store.close()
    with pytest.raises(InvalidParameter, match="_cursor"):
        world.search("Patient", ("_count", "3"), cursor=cursor)


def test_a_long_page_that_takes_too_long_is_a_short_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disk that has not been read for long is slow: the client gets less, and goes on from there."""
    world = World.in_folder(tmp_path)
    made = patients(query.LONG_PAGE + 30)
    world.put(made)
    monkeypatch.setattr(query, "PAGE_SECONDS", 0.0)
    monkeypatch.setattr(query, "SHORT_PAGE_SECONDS", 60.0)
    monkeypatch.setattr("gateway.store.snapshot._STEPS", 1)
    pairs = ("_sort", "_id"), ("_count", str(query.LONG_PAGE + 1))
    found = pages(world, *pairs)
    assert [len(page.matches) for page in found[:-1]] == [query.SHORT_PAGE] * (len(found) - 1)
    assert [row.id for page in found for row in page.matches] == sorted(each["id"] for each in made)
    with pytest.raises(TooCostly):
        world.search("Patient", pairs[0])
    world.store.close()
