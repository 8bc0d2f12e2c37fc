"""mappers.terminology.resources: the code tables as valid ConceptMaps, ValueSets and CodeSystems that say no more.

https://hl7.org/fhir/R4/terminology-module.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mappers import terminology
from mappers.fhir.check import check, judge
from mappers.terminology import folded
from mappers.terminology.resources import code_systems, concept_maps, resources, value_sets
from mappers.terminology.value_sets import value_set, value_set_with_id
from mappers.terminology.value_sets import value_sets as urls

FOLDER = Path(terminology.__file__).parent
URLS = {each["url"]: each for each in resources()}


def rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def targets(concept_map: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(native word, system, code) of every pair; "" and "" where there is none."""
    return {
        (element["code"], group.get("target", ""), target.get("code", ""))
        for group in concept_map["group"]
        for element in group["element"]
        for target in element["target"]
    }


@pytest.mark.parametrize("resource", resources(), ids=lambda each: each["id"])
def test_valid(resource: dict[str, Any]) -> None:
    """Valid R4, with a name that a program can use (cmd-0, vsd-0, csd-0), and no two alike."""
    assert check(resource) == judge(resource) == []
    assert re.fullmatch(r"[A-Z]\w{0,254}", resource["name"])
    assert URLS[resource["url"]] is resource
    assert (resource["status"], resource["experimental"]) == ("active", False)


def test_ids_are_unique_over_all_types() -> None:
    """An id names one of them, whatever its type."""
    assert len({each["id"] for each in resources()}) == len(resources())


@pytest.mark.parametrize("name", terminology.tables())
def test_a_map_says_what_its_table_says(name: str) -> None:
    """Every row is a pair, no pair is without a row, and what is not certain is not called equivalent."""
    concept_map = URLS[f"urn:fhir-gateway:concept-map:{name.replace('_', '-')}"]
    assert targets(concept_map) == {(folded(row["native"]), row["system"], row["code"]) for row in rows(name)}
    trust = {(folded(row["native"]), row["code"]): row["trust"] for row in rows(name)}
    for group in concept_map["group"]:
        for element in group["element"]:
            for target in element["target"]:
                said = trust[element["code"], target.get("code", "")]
                assert target["comment"].endswith(said)
                if target["equivalence"] == "equivalent":
                    assert said in {"stated", "high"}
                assert (target["equivalence"] == "unmatched") == ("code" not in target)


def test_everything_that_is_named_is_there() -> None:
    """A map's words and codes are in the CodeSystems and the ValueSet that it names."""
    codes = {each["url"]: {concept["code"] for concept in each["concept"]} for each in code_systems()}
    for concept_map in concept_maps():
        (words,) = URLS[concept_map["sourceCanonical"]]["compose"]["include"]
        assert {group["source"] for group in concept_map["group"]} == {words["system"]}
        assert URLS[words["system"]]["valueSet"] == concept_map["sourceCanonical"]
        includes = URLS[concept_map["targetCanonical"]]["compose"]["include"]
        members = {(each["system"], concept["code"]) for each in includes for concept in each["concept"]}
        for group in concept_map["group"]:
            assert {element["code"] for element in group["element"]} <= codes[group["source"]]
        pairs = {(system, code) for _, system, code in targets(concept_map) if code}
        assert pairs == members
        assert all(code in codes[system] for system, code in pairs)


def test_notices() -> None:
    """Whatever names a code of LOINC, of the NUCC or of HL7 carries its notice; SNOMED CT and CPT are nowhere."""
    for resource in (*concept_maps(), *value_sets(), *code_systems()):
        text = str(resource)
        assert ("http://loinc.org'" in text) == ("LOINC is copyright Regenstrief" in text)
        assert ("http://nucc.org/provider-taxonomy" in text) == ("American Medical Association" in text)
        assert not re.search(r"snomed|ama-assn|/cpt", text, re.IGNORECASE)
    for system in code_systems():
        assert system["content"] == ("complete" if system["url"].startswith("urn:fhir-gateway:") else "fragment")
        assert system["content"] == "complete" or system["copyright"]


def test_value_sets_are_what_searches_take_them_for() -> None:
    """`:in` finds exactly the codes that the ValueSet of this URL has."""
    codes = {each["url"]: {concept["code"] for concept in each["concept"]} for each in code_systems()}
    for one in value_sets():
        members = {
            (include["system"], code)
            for include in one["compose"]["include"]
            for code in ({each["code"] for each in include.get("concept", ())} or codes[include["system"]])
        }
        assert value_set(one["url"]) == value_set_with_id(one["id"]) == members
    assert {each["url"] for each in value_sets()} == set(urls())
