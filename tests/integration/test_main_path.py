"""The main path, end to end: hospitals → sync → store → one FHIR API, with the laws that must hold for all of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.interactions.provenance import rendered
from gateway.settings import Settings
from gateway.store import Store
from gateway.sync import SyncReport
from his_adapters import installed
from his_adapters.error_rates import PROFILES
from his_adapters.population import PLANTED_FAMILY
from mappers.fhir.check import check, judge
from tests.his_adapters.contract import fingerprints
from tests.integration.hospitals import opened_store, resources, simulate_all, synced
from tests.mappers.fhir.test_profiles import satisfied

PATIENTS = 120


class World:
    """Hospitals of one profile with what a first sync made of them."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder = folder
        self.stores = folder / "stores"
        self.profile = profile
        self.written = simulate_all(self.stores, PATIENTS, profile)
        self.before = fingerprints(self.stores)
        self.store = opened_store(folder / "gateway.db")
        self.report = synced(self.store, self.stores)
        self.resources = resources(self.store)


@pytest.fixture(scope="module", params=PROFILES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"), str(request.param))
    with closing(made.store):
        yield made


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("served")
    world = World(folder, "seed")
    world.store.close()
    app = create_app(Settings(file=folder / "gateway.toml", store=f"sqlite:///{folder / 'gateway.db'}"))
    yield app.test_client()
    app.extensions["fhir_gateway"].store.close()


def test_every_hospital_is_read(world: World) -> None:
    assert [(each.source, each.errors) for each in world.report.sources] == [(name, []) for name in installed()]


def test_no_row_is_lost(world: World) -> None:
    """rows written = rows read = mapped + quarantined + skipped, for every stream of every hospital."""
    for source in world.report.sources:
        for stream in source.streams:
            counts = stream.counts
            assert counts.read == world.written[source.source][stream.stream]
            assert counts.read == counts.mapped + counts.quarantined + counts.skipped


def test_few_rows_of_a_good_day_are_quarantined(world: World) -> None:
    """At most 3 % on profile `seed`; the shapes of the originals are no reason for quarantine either."""
    for source in world.report.sources:
        if world.profile != "hostile":
            assert source.counts.quarantined <= 0.03 * source.counts.read


def test_quarantine_names_place_rule_and_reason(world: World) -> None:
    entries = world.store.quarantine(limit=100_000)
    assert len(entries) == sum(source.counts.quarantined for source in world.report.sources)
    assert all(each.locator and each.rule and each.reason for each in entries)
    if world.profile == "hostile":
        assert entries


def test_every_resource_is_valid_r4(world: World) -> None:
    """Our check finds nothing in any resource, fhir.resources (R4B) nothing in a fair share of each type."""
    seen: Counter[tuple[str, str]] = Counter()
    for resource in world.resources:
        assert check(resource) == []
        kind = (resource["meta"]["source"], resource["resourceType"])
        seen[kind] += 1
        if seen[kind] <= 20:
            assert judge(resource) == []


def test_every_resource_has_its_provenance(world: World) -> None:
    """The hospital's own Organization, and the place of the native row without its key; US Core's profile holds."""
    sample = {(each["resourceType"], each["meta"]["source"], each["id"][0]): each for each in world.resources}.values()
    made = rendered(world.store, [(each["resourceType"], each["id"]) for each in sample])
    hospitals = {
        each["meta"]["source"]: each["id"]
        for each in world.resources
        if each["resourceType"] == "Organization" and each["name"].startswith("Hospital ")
    }
    traced = set()
    for resource, row in zip(sample, made, strict=True):
        provenance = orjson.loads(row.body)
        assert check(provenance) == []
        assert provenance["meta"]["profile"] == satisfied(provenance)
        assert provenance["recorded"] == resource["meta"]["lastUpdated"]
        source = provenance["meta"]["source"]
        assert source == resource["meta"]["source"]
        if source in hospitals:
            assert provenance["agent"][1]["who"]["reference"] == f"Organization/{hospitals[source]}"
            identifier = provenance["entity"][0]["what"].get("identifier", {"value": "-:1"})
            assert re.fullmatch(r"[^#]+(?::\d+|#[0-9a-f]{32})", identifier["value"])
            if "system" in identifier:
                assert provenance["agent"][0]["who"]["identifier"]["value"]
                traced.add(source)
    assert traced == set(hospitals) == {f"urn:fhir-gateway:source:{name}" for name in installed()}


@pytest.mark.soak
@pytest.mark.parametrize("profile", PROFILES)
def test_every_resource_of_full_hospitals_passes_both_judges(profile: str, tmp_path: Path) -> None:
    """Our check and fhir.resources (R4B) find nothing in any resource of hospitals of 1,000 patients each."""
    simulate_all(tmp_path / "stores", 1000, profile)
    with closing(opened_store(tmp_path / "gateway.db")) as store:
        report = synced(store, tmp_path / "stores")
        assert [each.errors for each in report.sources] == [[] for _ in report.sources]
        for resource in resources(store):
            assert check(resource) == []
            assert judge(resource) == []


def test_every_literal_reference_resolves(world: World) -> None:
    known = {f"{each['resourceType']}/{each['id']}" for each in world.resources}
    for resource in world.resources:
        for reference in _references(resource):
            if literal := reference.get("reference"):
                assert literal in known


def test_orphan_bills_are_served_with_logical_references_and_listed(world: World) -> None:
    """A bill whose patient is in no table keeps the patient's identifier, and is a data-quality issue."""
    orphans = [
        each
        for each in world.resources
        if each["resourceType"] == "Invoice" and "subject" in each and "reference" not in each["subject"]
    ]
    assert orphans
    for orphan in orphans:
        assert orphan["subject"]["type"] == "Patient"
        assert orphan["subject"]["identifier"]["value"]
    listed = {(each.resource_type, each.resource_id) for each in world.store.issues(code="orphan", limit=100_000)}
    assert {("Invoice", each["id"]) for each in orphans} <= listed


def test_a_second_sync_makes_no_version(world: World) -> None:
    """Whether unchanged streams are proven so or read again."""
    versions = {(each["resourceType"], each["id"], each["meta"]["versionId"]) for each in world.resources}
    for full in (False, True):
        again = synced(world.store, world.stores, full=full)
        counts = [source.counts for source in again.sources]
        assert [(each.created, each.changed, each.deleted) for each in counts] == [(0, 0, 0)] * len(counts)
    assert {
        (each["resourceType"], each["id"], each["meta"]["versionId"]) for each in resources(world.store)
    } == versions


def test_first_versions_are_one(world: World) -> None:
    """A Patient has a second one where another record of its person came after it, and so says where it leads."""
    again = [each for each in world.resources if each["meta"]["versionId"] != "1"]
    assert {(each["resourceType"], each["meta"]["versionId"]) for each in again} <= {("Patient", "2")}
    assert all(each["link"] for each in again)


def test_the_hospitals_stay_unchanged_byte_for_byte(world: World) -> None:
    assert fingerprints(world.stores) == world.before


def test_another_store_gets_the_same_resources(world: World, tmp_path: Path) -> None:
    """Ids and contents depend on the hospitals alone."""
    with closing(opened_store(tmp_path / "other.db")) as other:
        assert _comparable(_synced_resources(other, world.stores)) == _comparable(world.resources)


def _synced_resources(store: Store, stores: Path) -> list[dict[str, Any]]:
    report: SyncReport = synced(store, stores)
    assert report.ok
    return resources(store)


def _comparable(found: list[dict[str, Any]]) -> list[bytes]:
    """The resources without when they were stored."""
    bare = [{**each, "meta": {**each["meta"], "lastUpdated": ""}} for each in found]
    return sorted(orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in bare)


def _references(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "reference" in value or {"type", "identifier"} <= value.keys():
            yield value
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _walk(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    following: str | None = path
    while following:
        response = client.get(following)
        assert response.status_code == 200, response.data
        bundle = orjson.loads(response.data)
        entries += bundle.get("entry", [])
        following = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    return entries


def test_one_search_finds_a_family_in_the_hospitals(client: FlaskClient) -> None:
    """The planted family: hits from at least three hospitals, each naming its source, sorted, each exactly once."""
    path = f"/fhir/Patient?family={PLANTED_FAMILY}&_sort=given,birthdate&_count=3"
    total = orjson.loads(client.get(path).data)["total"]
    found = [entry["resource"] for entry in _walk(client, path)]
    assert len(found) == total == len({each["id"] for each in found})
    assert len({each["meta"]["source"] for each in found}) >= min(3, len(installed()))
    assert all(each["name"][0]["family"].casefold().startswith(PLANTED_FAMILY.casefold()) for each in found)
    given = [
        min(name.casefold() for name in each["name"][0]["given"]) for each in found if each["name"][0].get("given")
    ]
    assert given == sorted(given)


NOT_IN_THE_STORE = {
    ("central_records", "Condition"),  # reasons for visits are symptoms, not diagnoses
    ("central_records", "Claim"),
    ("chirona", "Claim"),  # no insurance
    ("hybrid_ehr", "Condition"),  # a record's title is no diagnosis
}


@pytest.mark.parametrize("kind", ["Patient", "Practitioner", "Encounter", "Condition", "Claim"])
def test_each_type_is_served_from_each_hospital(client: FlaskClient, kind: str) -> None:
    for name in installed():
        if (name, kind) in NOT_IN_THE_STORE:
            continue
        bundle = orjson.loads(client.get(f"/fhir/{kind}?_source=urn:fhir-gateway:source:{name}&_count=1").data)
        assert bundle["total"] > 0, name
