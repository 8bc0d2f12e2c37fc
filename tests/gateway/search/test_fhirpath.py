"""The compiled subset of FHIRPath: as fhirpathpy evaluates it, and nothing beyond it.

http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from gateway.search.fhirpath import UnsupportedExpression, branches, evaluate, extractor
from gateway.search.parameters import INDEXED_TYPES, SearchParameter, offered
from tests.gateway.search import naive
from tests.gateway.search.world import Maker

SAMPLED = ("Patient", "Observation", "Condition")


def found(expression: str, resource: dict[str, Any], datatypes: tuple[str, ...] = ()) -> list[Any]:
    return [value for branch in branches(expression, datatypes) for value in evaluate(branch, resource)]


def simple(resource_type: str) -> list[SearchParameter]:
    """The parameters that are not made of others."""
    return [each for each in offered(resource_type).values() if each.type != "composite"]


def as_set(values: list[Any]) -> list[str]:
    return sorted(json.dumps(value, sort_keys=True, default=float) for value in values)  # fhirpathpy makes Decimals


@pytest.mark.parametrize("resource_type", SAMPLED)
def test_every_expression_yields_what_fhirpathpy_yields(resource_type: str) -> None:
    """Over generated resources, which stay as they are."""
    maker = Maker(seed=11)
    for number in range(12):
        resource = maker.make(resource_type, f"x{number}")
        before = copy.deepcopy(resource)
        for parameter in simple(resource_type):
            expression = parameter.expression.replace("Resource.", f"{resource_type}.")
            expected = naive.values(resource, expression)
            if parameter.type == "date":  # other forms of a choice are no dates
                expected = [
                    value for value in expected if not isinstance(value, dict) or set(value) & {"start", "end", "event"}
                ]
            assert as_set(found(expression, resource, parameter.datatypes)) == as_set(expected), parameter.code
        assert resource == before


@pytest.mark.parametrize("resource_type", INDEXED_TYPES)
def test_every_expression_of_the_table_compiles(resource_type: str) -> None:
    for parameter in simple(resource_type):
        assert branches(parameter.expression, parameter.datatypes), parameter.code


PERSON = {
    "resourceType": "X",
    "a": [{"b": 1, "s": "p"}, {"b": 2, "s": "q"}],
    "vString": "t",
    "r": [{"reference": "Y/1"}],
}
EXTENDED = {
    "resourceType": "X",
    "extension": [{"url": "u", "valueCoding": {"code": "c"}}, {"url": "w", "valueString": "no"}],
}


@pytest.mark.parametrize(
    ("expression", "resource", "expected"),
    [
        ("X.a.b", PERSON, [1, 2]),
        ("X.a.b | X.vString", PERSON, [1, 2, "t"]),
        ("X.a.where(s='q').b", PERSON, [2]),
        ("X.a.where(s!='q').b", PERSON, [1]),
        ("X.a.where(s='q' and b.exists()).b", PERSON, [2]),
        ("X.a.where(nothing.exists()).b", PERSON, []),
        ("(X.v as string)", PERSON, ["t"]),
        ("X.v.as(string)", PERSON, ["t"]),
        ("X.v.ofType(string)", PERSON, ["t"]),
        ("(X.v as Quantity)", PERSON, []),
        ("(X.v as uri)", {"vCanonical": "urn:c"}, ["urn:c"]),
        ("(X.v as canonical)", {"vUri": "urn:c"}, []),
        ("X.r.where(resolve() is Y)", PERSON, [{"reference": "Y/1"}]),
        ("X.r.where(resolve() is Z)", PERSON, []),
        (
            "X.r.where(resolve() is Y)",
            {"r": {"reference": "http://h/Z/Y/1/_history/2"}},
            [{"reference": "http://h/Z/Y/1/_history/2"}],
        ),
        ("X.r.where(resolve() is Z)", {"r": {"reference": "http://h/Z/Y/1"}}, []),
        ("X.r.where(resolve() is Y)", {"r": {"type": "Y"}}, [{"type": "Y"}]),
        ("X.r.where(resolve() is Y)", {"r": [{"display": "Y"}, {"reference": "#Y"}]}, []),
        ("X.extension('u').value.as(Coding)", EXTENDED, [{"code": "c"}]),
        ("X.e", {"e": {"extension": [{"url": "u"}]}}, []),
        (
            "X.e",
            {"e": [{"extension": [{"url": "u"}], "id": "1"}, {"extension": [], "b": 1}]},
            [{"extension": [], "b": 1}],
        ),
        ("X.v.exists() and X.v != false", PERSON, [True]),
        ("X.w.exists() and X.w != false", PERSON, [False]),
    ],
)
def test_the_subset(expression: str, resource: dict[str, Any], expected: list[Any]) -> None:
    assert found(expression, resource) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "X",
        "X.a[0]",
        "X.a.first()",
        "X.a + 1",
        "Y.a | X.a",
        "X.a.where(b > 1)",
        "X.a.where(b = 1)",
        "X.a.where(b='1'",
        "X.a)",
        "X..a",
        "X.a.'b'",
    ],
)
def test_what_is_beyond_the_subset_is_refused_when_it_is_compiled(expression: str) -> None:
    with pytest.raises(UnsupportedExpression):
        branches(expression)


def test_one_walk_yields_what_the_branches_yield() -> None:
    """The merged walk of a type and the single expressions agree, value by value."""
    maker = Maker(seed=5)
    for number in range(20):
        resource = maker.make("Observation", f"o{number}")
        told: dict[str, list[Any]] = {}
        sinks = [
            (branch, lambda value, into, code=code: into.setdefault(code, []).append(value))
            for parameter in simple("Observation")
            for code in (parameter.code,)
            for branch in branches(parameter.expression, parameter.datatypes)
        ]
        extractor(sinks)(resource, told)
        for parameter in simple("Observation"):
            code = parameter.code
            assert as_set(told.get(code, [])) == as_set(found(parameter.expression, resource, parameter.datatypes))
