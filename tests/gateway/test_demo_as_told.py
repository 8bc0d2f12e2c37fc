"""The whole demo is what the README tells of it, and all that it links wrongly or not at all can be explained."""

from __future__ import annotations

import csv
import json
import shlex
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from gateway.cli import main
from gateway.identity.person import SYSTEM
from tests.gateway.served import ROOT, free_port, program

README = (ROOT / "README.md").read_text(encoding="utf-8")
TOLD = "http://127.0.0.1:8080"
"""The address that the README tells."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of the demo that `make demo` makes, and its folder."""
    cwd, port = tmp_path_factory.mktemp("cwd"), free_port()
    with program("demo", "--port", str(port), cwd=cwd) as running:
        running.until("Ctrl-C ends it")
        yield f"http://127.0.0.1:{port}", cwd / "demo"


def blocks(language: str) -> list[str]:
    return [block.partition("```")[0] for block in README.split(f"```{language}\n")[1:]]


def curls() -> list[list[str]]:
    """What stands behind each `curl` of the README, as a shell reads it."""
    lines = "\n".join(blocks("bash")).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("curl ")]


def asked(words: list[str], address: str) -> requests.Response:
    options = dict(pairwise(words))
    [url] = [word for word in words if word.startswith(TOLD)]
    name, _, value = options.get("-H", "Accept: */*").partition(": ")
    method = "POST" if "--data" in options else "GET"
    url = url.replace(TOLD, address)
    return requests.request(method, url, data=options.get("--data"), headers={name: value}, timeout=60)


def test_every_request_of_the_readme_finds_something(demo: tuple[str, Path]) -> None:
    """Each answers 200, and a Bundle holds something."""
    assert len(curls()) >= 10
    for words in curls():
        answer = asked(words, demo[0])
        assert answer.status_code == 200, words
        found = answer.json()
        assert found["resourceType"] != "Bundle" or found["total"] > 0, words


def test_the_answer_in_the_readme_is_the_answer(demo: tuple[str, Path]) -> None:
    """It is shortened: what it shows is there, in its place."""
    told = json.loads(blocks("json")[0].replace(TOLD, demo[0]))
    found = asked(curls()[0], demo[0]).json()
    assert found["total"] == told["total"] == len(found["entry"])
    for shown, entry in zip(told["entry"], found["entry"], strict=False):
        assert shown["resource"].pop("meta").items() <= entry["resource"]["meta"].items()
        assert entry == {**entry, "fullUrl": shown["fullUrl"], "search": shown["search"]}
        assert shown["resource"].items() <= entry["resource"].items()


def linked(address: str) -> list[tuple[str, str, list[str], str]]:
    """Of every Patient: id, source, all values of its identifiers, and its person."""
    found = []
    url = f"{address}/fhir/Patient?_count=1000&_elements=identifier"
    while url:
        bundle = requests.get(url, timeout=60).json()
        for resource in (entry["resource"] for entry in bundle["entry"]):
            identifiers = resource["identifier"]
            [person] = [each["value"] for each in identifiers if each.get("system") == SYSTEM]
            values = [each["value"] for each in identifiers if "value" in each]
            found.append((resource["id"], resource["meta"]["source"].rpartition(":")[2], values, person))
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    return found


def explained(folder: Path, one: str, other: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["explain", one, other, "--json", "--config", str(folder / "gateway.toml")])
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_every_miss_and_every_wrong_link_is_explained(demo: tuple[str, Path]) -> None:
    """A miss by its weight or doubts, another pair of the two persons or what was asked; a link by its evidence."""
    address, folder = demo
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {(row["source"], row["native_key"]): row["person"] for row in csv.DictReader(file)}
    person_of: dict[str, str] = {}
    people: dict[str, list[str]] = defaultdict(list)
    persons: dict[str, list[str]] = defaultdict(list)
    for record, source, values, person in linked(address):
        [true] = {truth[source, value] for value in values if (source, value) in truth}
        people[true].append(record)
        persons[person].append(record)
        person_of[record] = person
    assert sum(map(len, people.values())) == len(truth)
    true_pairs, made = (
        {pair for each in of.values() for pair in combinations(sorted(each), 2)} for of in (people, persons)
    )
    assert len(true_pairs & made) > 0.94 * len(true_pairs)
    missed, wrong = sorted(true_pairs - made), sorted(made - true_pairs)
    assert missed
    for one, other in missed:
        found = explained(folder, one, other)
        parted = [each for each in found["other_pairs"] if each["action"] == "apart"]
        both = {person_of[one], person_of[other]}
        asked = [
            each
            for each in found["questions"]
            if each["status"] == "open" and {person_of[each["first"]], person_of[each["second"]]} == both
        ]
        assert found["explanation"]["action"] != "auto" or parted or asked, (one, other)
    for one, other in wrong:
        links = [each for each in explained(folder, one, other)["events"] if each["kind"] in ("link", "merge")]
        assert links, (one, other)
        for each in links:
            assert person_of[each["detail"]["record"]] == person_of[one]
