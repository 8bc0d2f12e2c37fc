"""The same searches on PostgreSQL: each parameter, modifier and kind of value once, and pages in every order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from gateway.search import matches
from gateway.search.parameters import offered
from gateway.store import TimeLimit
from tests.gateway.search import test_chains
from tests.gateway.search.test_matching import SEARCHES, TYPES_SEARCHED, expected, resources
from tests.gateway.search.test_matrix import Hospitals, samples_of
from tests.gateway.search.test_paging import SORTS, ids, pages, patients
from tests.gateway.search.world import World
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

TEXTS = {
    "string": ("m", "groß"),
    "token": ("1", "urn:a|X", "|male", "urn:b|"),
    "date": ("2020", "gt2020-02-29T12:00:00.123Z", "le2019", "ne2020-02"),
    "quantity": ("100", "lt5.4", "ge99.5||mg"),
    "reference": ("1", "Patient/1", "http://other.org/fhir/Patient/1"),
    "uri": ("http://a.org/p", "http://a.org/p/1/x"),
}


@pytest.fixture
def world(postgres_url: str) -> Iterator[World]:
    world = World.at(postgres_url)
    yield world
    world.store.close()


def texts_for(resource_type: str, code: str, modifier: str) -> tuple[str, ...]:
    parameter = offered(resource_type)[code]
    if modifier == "missing" or "boolean" in parameter.datatypes:
        return ("true", "false")
    if modifier in ("text", "of-type", "identifier"):
        return {"text": ("h", "ähn"), "of-type": ("urn:types|MR|1",), "identifier": ("1", "urn:a|2")}[modifier]
    return ("1", f"{modifier}/1") if modifier == "Patient" else TEXTS[parameter.type]


def test_every_kind_of_search_finds_what_the_rules_find(world: World) -> None:
    """Alone, and beside a sort key."""
    for resource_type in TYPES_SEARCHED:
        world.put(resources(resource_type))
    found = 0
    for resource_type, code, modifier in SEARCHES:
        name = f"{code}:{modifier}" if modifier else code
        for text, sort in product(texts_for(resource_type, code, modifier), ((), (("_sort", "-_lastUpdated,_id"),))):
            matches = world.ids(resource_type, (name, text), *sort)
            assert set(matches) == expected(resource_type, code, modifier, [text]), (resource_type, name, text)
            found += len(matches)
    assert found > 1000


def test_the_rarer_kinds_find_what_the_rules_find(world: World) -> None:
    """Composites, sounds, value sets, hierarchies and units."""
    rare = {
        "Patient": ("phonetic", "gender"),
        "Observation": ("code", "value-quantity", "code-value-string", "combo-code-value-quantity"),
        "DocumentReference": ("relationship",),
    }
    for resource_type in rare:
        world.put(samples_of(resource_type))
    hospitals = Hospitals(world.store)
    for resource_type, codes in rare.items():
        for code in codes:
            assert hospitals.compare(resource_type, code)[1], (resource_type, code)


@pytest.mark.parametrize("plan", test_chains.PLANS)
def test_links_are_followed(world: World, monkeypatch: pytest.MonkeyPatch, plan: str) -> None:
    test_chains.take(plan, monkeypatch)
    world.put(test_chains.RECORDS.all.values())
    for resource_type, name, value in test_chains.SEARCHES:
        wanted = test_chains.RECORDS.ids(resource_type, name, value)
        found = world.search(resource_type, (name, value), ("_total", "accurate"), ("_count", "1000"))
        assert ({row.id for row in found.matches}, found.total) == (wanted, len(wanted)), (name, value)


def test_a_query_that_takes_too_long_is_stopped(world: World) -> None:
    """And the snapshot can be used on."""
    world.put(patients(2))
    with world.store.snapshot() as snapshot:
        with pytest.raises(TimeLimit), snapshot.within(5), snapshot.within(0.01):
            snapshot.rows("SELECT pg_sleep(30)")
        assert snapshot.rows("SELECT count(*) FROM resource") == [(2,)]


@pytest.mark.parametrize("gathered", [True, False], ids=["gathered", "walked"])
def test_pages_hold_every_match_once_and_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch, *, gathered: bool
) -> None:
    if not gathered:
        for bound in ("GATHERED_AT_MOST", "GATHERED_UNCOUNTED"):
            monkeypatch.setattr(matches, bound, 0)
    world.put(patients(60))
    for sort in SORTS:
        pairs = [("active:not", "true"), *([("_sort", sort)] if sort else [])]
        found = ids(pages(world, *pairs, ("_count", "7")))
        assert found == ids([world.search("Patient", *pairs, ("_count", "1000"))]), sort
        assert len(found) == len(set(found)) > 20
