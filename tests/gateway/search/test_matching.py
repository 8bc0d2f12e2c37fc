"""Search finds exactly what the naive matcher finds: every parameter type, modifier and prefix.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.search.clauses import MAX_VALUES
from gateway.search.parameters import offered
from tests.gateway.search import naive
from tests.gateway.search.world import (
    CODES,
    FAMILIES,
    GIVEN,
    INSTANTS,
    NUMBERS,
    SYSTEMS,
    TEXTS,
    TYPES,
    UNITS,
    URLS,
    Json,
    Maker,
    World,
)

TYPES_SEARCHED = ("Patient", "Observation", "Condition")
PER_TYPE = 120
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")


@cache
def resources(resource_type: str) -> tuple[Json, ...]:
    maker = Maker(seed=TYPES_SEARCHED.index(resource_type))
    return tuple(maker.make(resource_type, f"{resource_type.lower()}-{number}") for number in range(PER_TYPE))


@cache
def extracted(resource_type: str, code: str) -> dict[str, list[Any]]:
    expression = offered(resource_type)[code].expression.replace("Resource.", f"{resource_type}.", 1)
    return {resource["id"]: naive.values(resource, expression) for resource in resources(resource_type)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World.in_folder(tmp_path_factory.mktemp("matching"))
    for resource_type in TYPES_SEARCHED:
        world.put(resources(resource_type))
    yield world
    world.store.close()


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")


def prefixes_of(texts: tuple[str, ...]) -> st.SearchStrategy[str]:
    cut = st.sampled_from(texts).flatmap(lambda text: st.integers(1, len(text)).map(lambda end: text[:end]))
    spelled = st.tuples(cut, st.sampled_from((str, str.upper, str.lower))).map(lambda pair: pair[1](pair[0]))
    return spelled.filter(lambda text: text.strip() != "").map(escaped)


STRINGS = prefixes_of((*FAMILIES, *GIVEN, "Dr X"))
TOKENS = st.builds(
    lambda form, system, code: form.format(system or "urn:a", code),
    st.sampled_from(("{1}", "{0}|{1}", "|{1}", "{0}|")),
    st.sampled_from((*SYSTEMS, "http://hl7.org/fhir/administrative-gender", "http://hl7.org/fhir/observation-status")),
    st.sampled_from((*CODES, "male", "final", "home")),
)
DATES = st.builds("{}{}".format, st.sampled_from((*PREFIXES, "ap")), st.sampled_from(INSTANTS))
WRITTEN_NUMBERS = (*map(str, NUMBERS), "100.0", "1e2", "99.50")
WRITTEN_UNITS = (
    "",
    "|http://unitsofmeasure.org|g",
    *(f"|{system}|{code}" for system, code, _ in UNITS if system),
    "||mg",
    "||kg",
)
QUANTITIES = st.builds(
    "{}{}{}".format,
    st.sampled_from((*PREFIXES, "ap")),
    st.sampled_from(WRITTEN_NUMBERS),
    st.sampled_from(WRITTEN_UNITS),
)
REFERENCES = st.sampled_from(
    ("0", "1", "Patient/1", "Group/1", "http://here/fhir/Patient/2", "http://other.org/fhir/Patient/1")
)
FLAGS = st.sampled_from(("true", "false"))
OF_TYPE = st.builds("urn:types|{}|{}".format, st.sampled_from(TYPES), st.sampled_from(CODES))
BELOW_ABOVE = st.sampled_from([url for url in URLS if "://" in url] + ["http://a.org/p/"])


def texts_for(kind: str, modifier: str, datatypes: tuple[str, ...]) -> st.SearchStrategy[str]:
    if modifier == "missing" or "boolean" in datatypes:
        return FLAGS
    if modifier == "text":
        return prefixes_of(TEXTS)
    if modifier == "of-type":
        return OF_TYPE
    if modifier == "identifier":
        return TOKENS
    if modifier in ("above", "below"):
        return BELOW_ABOVE
    if modifier in ("Patient", "Group"):
        return st.sampled_from(("0", "1", f"{modifier}/2"))
    return {
        "string": STRINGS,
        "token": TOKENS,
        "date": DATES,
        "quantity": QUANTITIES,
        "reference": REFERENCES,
        "uri": st.sampled_from(URLS),
    }[kind]


SEARCHES: tuple[tuple[str, str, str], ...] = tuple(
    (resource_type, code, modifier)
    for resource_type, codes in {
        "Patient": "name family given address address-city address-use identifier telecom phone email gender active "
        "deceased birthdate death-date general-practitioner _tag _profile _source",
        "Observation": "code category status subject patient date value-quantity value-concept value-string value-date "
        "combo-code combo-value-quantity component-value-quantity",
        "Condition": "code clinical-status encounter patient onset-date onset-age onset-info subject",
    }.items()
    for code in codes.split()
    for modifier in {
        "string": ("", "exact", "contains", "missing"),
        "token": ("", "not", "missing", "text", "of-type"),
        "date": ("", "missing"),
        "quantity": ("", "missing"),
        "reference": ("", "identifier", "missing", "Patient"),
        "uri": ("", "below", "above", "missing"),
    }[offered(resource_type)[code].type]
    if modifier != "of-type" or code == "identifier"
    if modifier != "text" or {"CodeableConcept", "Coding", "Identifier"} & set(offered(resource_type)[code].datatypes)
    if modifier != "Patient" or "Patient" in offered(resource_type)[code].targets
)


def expected(resource_type: str, code: str, modifier: str, texts: list[str]) -> set[str]:
    parameter = offered(resource_type)[code]
    return {
        resource_id
        for resource_id, found in extracted(resource_type, code).items()
        if naive.matches(found, parameter.type, modifier, texts, parameter.system)
    }


@pytest.mark.parametrize(("resource_type", "code", "modifier"), SEARCHES, ids=lambda value: value or "plain")
def test_one_parameter_finds_what_the_rules_find(filled: World, resource_type: str, code: str, modifier: str) -> None:
    """For any values, with a comma for OR, the index answers as the naive matcher does, and counts as it does."""
    parameter = offered(resource_type)[code]
    most = 1 if modifier == "missing" else 3

    @settings(max_examples=12, deadline=None)
    @given(st.lists(texts_for(parameter.type, modifier, parameter.datatypes), min_size=1, max_size=most, unique=True))
    def holds(texts: list[str]) -> None:
        name = f"{code}:{modifier}" if modifier else code
        result = filled.search(resource_type, (name, ",".join(texts)), ("_count", "1000"))
        assert {row.id for row in result.matches} == expected(resource_type, code, modifier, texts)
        assert result.total == len(result.matches)

    holds()


@pytest.mark.parametrize(
    ("resource_type", "code"),
    [
        (resource_type, code)
        for resource_type, code, modifier in SEARCHES
        if not modifier and offered(resource_type)[code].type in ("date", "quantity")
    ],
)
def test_every_prefix_compares_with_every_value(filled: World, resource_type: str, code: str) -> None:
    """Each bound is met exactly, from both sides: all prefixes with all dates, or all numbers in all units."""
    written = INSTANTS
    if offered(resource_type)[code].type == "quantity":
        written = tuple(f"{number}{unit}" for number in WRITTEN_NUMBERS for unit in WRITTEN_UNITS[:2])
    for prefix in (*PREFIXES, "ap"):
        for text in written:
            result = filled.search(resource_type, (code, prefix + text), ("_count", "1000"))
            wanted = expected(resource_type, code, "", [prefix + text])
            assert {row.id for row in result.matches} == wanted, prefix + text


MANY = [
    ("Patient", "family", "", "x{}", "m,s"),
    ("Patient", "family", "contains", "x{}", "m,s"),
    ("Patient", "identifier", "", "urn:none|{}", "urn:a|X,1,urn:b|"),
    ("Patient", "gender", "not", "none-{}", "female"),
    ("Patient", "birthdate", "", "ge3{:03}", "2020,lt1990"),
    ("Patient", "birthdate", "", "sa3{:03}", "ap2020,ne2020-02"),
    ("Patient", "general-practitioner", "", "Practitioner/none-{}", "1,Practitioner/2"),
    ("Patient", "_source", "below", "http://none.org/{}", "http://a.org/p"),
    ("Observation", "value-quantity", "", "gt9{}||none", "100,lt5.4"),
]


@pytest.mark.parametrize(("resource_type", "code", "modifier", "none", "some"), MANY)
def test_as_many_values_as_may_be_given(
    filled: World, monkeypatch: pytest.MonkeyPatch, resource_type: str, code: str, modifier: str, none: str, some: str
) -> None:
    """Each of them counts, and a parameter beside them still holds."""
    monkeypatch.setattr("gateway.search.query.PAGE_SECONDS", 60)  # a busy machine is slow to compile the first
    texts = some.split(",")
    texts = [*(none.format(number) for number in range(MAX_VALUES - len(texts))), *texts]
    wanted = expected(resource_type, code, modifier, texts)
    name, beside = f"{code}:{modifier}" if modifier else code, sorted(wanted)[: len(wanted) // 2]
    assert beside
    assert set(filled.ids(resource_type, (name, ",".join(texts)))) == wanted
    assert set(filled.ids(resource_type, (name, ",".join(texts)), ("_id", ",".join(beside)))) == set(beside)
    ids = [*(f"none-{number}" for number in range(MAX_VALUES - len(beside))), *beside]
    assert set(filled.ids(resource_type, ("_id", ",".join(ids)), (name, ",".join(texts)))) == set(beside)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_parameters_are_all_to_hold(filled: World, data: st.DataObject) -> None:
    """Repeated and different parameters are AND, in any order, sorted or not."""
    resource_type = data.draw(st.sampled_from(TYPES_SEARCHED))
    usable = [search for search in SEARCHES if search[0] == resource_type]
    pairs, sets = [], [{resource["id"] for resource in resources(resource_type)}]
    for _, code, modifier in data.draw(st.lists(st.sampled_from(usable), min_size=2, max_size=3)):
        parameter = offered(resource_type)[code]
        text = data.draw(texts_for(parameter.type, modifier, parameter.datatypes))
        pairs.append((f"{code}:{modifier}" if modifier else code, text))
        sets.append(expected(resource_type, code, modifier, [text]))
    if data.draw(st.booleans()):
        pairs.append(("_sort", "-_lastUpdated,_id"))
    found = filled.ids(resource_type, *pairs)
    assert set(found) == set.intersection(*sets)
    assert len(found) == len(set(found))


def test_every_search_of_the_matrix_can_find_something(filled: World) -> None:
    """The generated resources hold what is looked for: the comparison is never one of empty sets only."""
    for resource_type, code, _ in SEARCHES:
        assert any(extracted(resource_type, code).values()), (resource_type, code)
