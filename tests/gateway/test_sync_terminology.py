"""The gateway's own code tables in the store: written once, searched as all resources, versioned when they change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.identity.tables import TABLES
from gateway.search.query import search
from gateway.search.request import parse
from gateway.store import Store
from gateway.sync import PRODUCT, Steps, sync
from mappers.terminology.resources import resources

SOME = [each for each in resources() if each["id"].startswith("gender-")]
TODAY = date(2026, 1, 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/gw.db", extra=TABLES) as opened:
        yield opened


def shipped(tables: list[dict[str, Any]], digest: str) -> Steps:
    return dataclasses.replace(PRODUCT, terminology=lambda: tables, terminology_digest=lambda: digest)


def ids(store: Store, resource_type: str, *pairs: tuple[str, str]) -> list[str]:
    return [row.id for row in search(store, parse(resource_type, pairs, strict=True, base="http://here")).matches]


def test_a_sync_writes_them_and_they_are_found(store: Store) -> None:
    """By URL, by code, by status, by the value set that a map leads to."""
    sync(store, [], as_of=TODAY, steps=shipped(SOME, "1"))
    assert ids(store, "ConceptMap", ("url", "urn:fhir-gateway:concept-map:gender")) == ["gender-map"]
    assert ids(store, "ConceptMap", ("target", "urn:fhir-gateway:value-set:gender")) == ["gender-map"]
    assert ids(store, "ConceptMap", ("source-code", "m"), ("target-code", "female")) == ["gender-map"]
    assert ids(store, "ValueSet", ("reference", "http://hl7.org/fhir/administrative-gender")) == ["gender-codes"]
    assert ids(store, "CodeSystem", ("code", "transgender"), ("status", "active")) == ["gender-words"]
    assert ids(store, "CodeSystem", ("content-mode:not", "complete")) == []


def test_the_next_sync_leaves_them_alone(store: Store) -> None:
    """What has not changed has no new version, also when something else has."""
    for digest in ("1", "1", "2"):
        sync(store, [], as_of=TODAY, steps=shipped(SOME, digest))
        assert [change.version for change in store.history()] == [1] * len(SOME)


def test_a_change_is_a_version_and_a_loss_a_deletion(store: Store) -> None:
    """History says what became of a table."""
    sync(store, [], as_of=TODAY, steps=shipped(SOME, "1"))
    changed = [{**each, "title": "Changed"} for each in SOME if each["resourceType"] != "CodeSystem"]
    sync(store, [], as_of=TODAY, steps=shipped(changed, "2"))
    assert [change.version for change in store.history("ConceptMap", "gender-map")] == [2, 1]
    gone = store.read("CodeSystem", "gender-words")
    assert gone is not None
    assert gone.deleted
    assert ids(store, "CodeSystem", ("url", "urn:fhir-gateway:code-system:gender")) == []
    assert ids(store, "ValueSet", ("title", "changed"), ("_sort", "_id")) == ["gender-codes", "gender-words-set"]
    sync(store, [], as_of=TODAY, steps=shipped(SOME, "3"))
    assert ids(store, "CodeSystem", ("title", "gender")) == ["gender-words"]


def test_the_product_ships_all_of_them(store: Store) -> None:
    """A first sync without any source writes every table."""
    sync(store, [], as_of=TODAY)
    assert sum(sum(types.values()) for types in store.counts().values()) == len(resources())


def test_what_is_not_valid_is_not_written(store: Store) -> None:
    """A table that makes no valid FHIR stops the sync: it is our fault, and no hospital's."""
    with pytest.raises(ValueError, match="gender-map is not valid"):
        sync(store, [], as_of=TODAY, steps=shipped([{**SOME[0], "status": "bad"}], "1"))
    assert store.history() == []
