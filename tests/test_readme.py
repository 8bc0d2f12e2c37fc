"""The README is true: its commands work, and its table says what the hospitals' stores hold."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.interactions.provenance import rendered
from gateway.search.parameters import OWN_TYPES, RENDERED_TYPES, SEARCH_PARAMETERS, SERVED_TYPES
from gateway.settings import Settings
from his_adapters import installed
from mappers.fhir.profiles import PROFILES
from tests.integration.hospitals import opened_store, resources, simulate_all, synced

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
POSTS = re.findall(r"curl -H '.*' 'http://127\.0\.0\.1:8080(/[^']*)' --data \\\n +'([^']*)'", README)
PATHS = re.findall(r"curl 'http://127\.0\.0\.1:8080(/[^']*)'", README)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the hospitals of a small demo, and the gateway's database beside them."""
    folder = tmp_path_factory.mktemp("demo")
    simulate_all(folder, 60)
    with closing(opened_store(folder / "gateway.db")) as store:
        assert synced(store, folder).ok
    return folder


@pytest.fixture(scope="module")
def client(demo: Path) -> Iterator[FlaskClient]:
    app = create_app(Settings(file=demo / "gateway.toml", store=f"sqlite:///{demo / 'gateway.db'}"))
    yield app.test_client()
    app.extensions["fhir_gateway"].store.close()


def test_there_are_commands_to_try() -> None:
    assert len(PATHS) >= 5
    assert POSTS


@pytest.mark.parametrize("path", PATHS)
def test_commands_work(path: str, client: FlaskClient) -> None:
    """Each curl line is answered, strictly: no parameter of it is ignored."""
    response = client.get(path, headers={"Prefer": "handling=strict"})
    assert response.status_code == 200, response.data
    body = orjson.loads(response.data)
    assert body["resourceType"] in {"Bundle", "CapabilityStatement", "Parameters"}
    assert body.get("total") != 0 or "birthdate=" in path


@pytest.mark.parametrize(("path", "body"), POSTS)
def test_posts_work(path: str, body: str, client: FlaskClient) -> None:
    """Each body that is sent is understood."""
    response = client.post(path, data=body, content_type="application/fhir+json")
    assert response.status_code == 200, response.data
    assert orjson.loads(response.data)["type"] == "searchset"


def table_of(demo: Path) -> str:
    """The README's table as it should be: resource type by source."""
    with closing(opened_store(demo / "gateway.db")) as store:
        counts = store.counts()
    lines = [f"| Resource | {' | '.join(installed())} |", "|---" * (len(installed()) + 1) + "|"]
    for kind in (each for each in SERVED_TYPES if each not in OWN_TYPES):
        cells = ["yes" if counts[name].get(kind) else "not in the store" for name in installed()]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_the_table_of_types_is_true(demo: Path) -> None:
    assert table_of(demo) in README


def test_the_profiles_are_named() -> None:
    """Every profile that is claimed stands beside its type, and no other one."""
    rows = dict(re.findall(r"^\| ([A-Za-z]+) \| ((?:us-core-|\w+-uv-ips)[^|]*) \|", README, re.MULTILINE))
    named = {(kind, name) for kind, listed in rows.items() for name in listed.split(", ")}
    assert named == {(each.resource_type, each.url.rpartition("/")[2]) for each in PROFILES}


def has(node: Any, path: list[str]) -> bool:
    """Whether there is something at a path of elements; `value[x]` is any of its kinds."""
    if isinstance(node, list):
        return any(has(each, path) for each in node)
    if not path:
        return True
    name = path[0].removesuffix("[x]")
    found = [each for each in node if each == name or (name != path[0] and re.fullmatch(f"{name}[A-Z].*", each))]
    return any(has(node[each], path[1:]) for each in found)


def test_the_table_of_must_support_is_true(demo: Path) -> None:
    """Of every profile of US Core, exactly the must-support elements that no resource has which claims it."""
    with closing(opened_store(demo / "gateway.db")) as store:
        stored = resources(store)
        some = [(each["resourceType"], each["id"]) for each in stored[:50]]
        traced = [orjson.loads(row.body) for row in rendered(store, some)]
    lacking: dict[str, list[str]] = {}
    with (ROOT / "tests" / "us_core_must_support.csv").open(encoding="utf-8") as file:
        wanted = {row["profile"]: row["elements"].split() for row in csv.DictReader(file)}
    assert set(wanted) == {name for each in PROFILES if (name := each.url.rpartition("/")[2]).startswith("us-core-")}
    for profile, elements in wanted.items():
        url = f"http://hl7.org/fhir/us/core/StructureDefinition/{profile}"
        claiming = [each for each in (*stored, *traced) if url in each["meta"].get("profile", ())]
        assert claiming, profile
        if missing := [each for each in elements if not has(claiming, each.split("."))]:
            lacking[profile] = missing
    told = re.findall(r"^\| (us-core-[a-z-]+) \| ([^|]+) \| [^|]+ \|$", README, re.MULTILINE)
    assert {profile: named.split(", ") for profile, named in told} == lacking


def test_the_search_parameters_that_are_not_offered_are_named() -> None:
    """Each with its types and its reason, and no other one."""
    rows = re.findall(r"^\| (`[\w-]+`(?:, `[\w-]+`)*) \| ([^|]*) \| ([^|]*) \|$", README, re.MULTILINE)
    named = [(code.strip("`"), kind, why) for codes, kind, why in rows for code in codes.split(", ")]
    types = {"Resource": "every type"} | {each: each for each in (*SERVED_TYPES, *RENDERED_TYPES)}
    missing = [
        (each.code, types[each.resource_type], each.reason)
        for each in SEARCH_PARAMETERS
        if each.reason and each.resource_type in types
    ]
    assert sorted(named) == sorted(missing)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
