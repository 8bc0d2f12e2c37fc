"""Composite parameters: values that must match together, in the same resource or in the same element of it.

Components of the resource itself are the rows of its own parameters. For components inside an element, the rows of the
one component stand under a key that holds the other's code, so that both are asked in one place.
https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import Any, NamedTuple

from gateway.search.fhirpath import Branch, Sink, branches, evaluate
from gateway.search.parameter_types import date, quantity, reference, string, token
from gateway.search.parameter_types.terms import Rows, invalid, split, unescape
from gateway.search.parameters import SearchParameter, of_type, row_key

MODIFIERS: tuple[str, ...] = ()

_TYPES: dict[str, ModuleType] = {
    "string": string,
    "token": token,
    "date": date,
    "reference": reference,
    "quantity": quantity,
}


class Component(NamedTuple):
    """One of the values."""

    parameter: SearchParameter
    """Which says how its text is read."""
    expression: str
    """Where it is found in the element, or in the resource; "" = as the parameter says."""


def stands_for(parameter: SearchParameter) -> tuple[str, ...]:
    """The codes of the composites of which any may match, where it has no components of its own."""
    return tuple(each[1:] for each in parameter.datatypes if each.startswith("="))


@cache
def components(parameter: SearchParameter) -> tuple[Component, ...]:
    """The components in the order in which their values are given."""
    known = of_type(parameter.resource_type)
    parts = [each.partition("@") for each in parameter.datatypes]
    return tuple(Component(known[code], expression) for code, _, expression in parts)


def parts(parameter: SearchParameter) -> tuple[SearchParameter, ...]:
    """The parameters of which a value has a value each; none where it is no composite."""
    if parameter.type != "composite":
        return ()
    others = stands_for(parameter)
    found = of_type(parameter.resource_type)[others[0]] if others else parameter
    return tuple(component.parameter for component in components(found))


def is_inside(parameter: SearchParameter) -> bool:
    """Whether the components stand in an element of which a resource may have several."""
    return parameter.expression != parameter.resource_type


def of_resource(parameter: SearchParameter, component: Component) -> SearchParameter:
    """The parameter whose rows a component of the resource has."""
    if not component.expression:
        return component.parameter
    return replace(
        component.parameter,
        code=f"{parameter.code}${component.parameter.code}",
        expression=f"{parameter.resource_type}.{component.expression}",
    )


def sinks(parameter: SearchParameter) -> Iterator[tuple[Branch, Sink]]:
    """What has to be indexed, and from where, besides what the components' own parameters index."""
    if stands_for(parameter):
        return
    if is_inside(parameter):
        for branch in branches(parameter.expression):
            yield branch, _inside(parameter)
        return
    for component in components(parameter):
        if component.expression:
            own = of_resource(parameter, component)
            for branch in branches(own.expression):
                yield branch, _TYPES[own.type].indexer(own)


def _inside(parameter: SearchParameter) -> Sink:
    """Rows of an element: the other component's, under a key for each form of each code."""
    coded, other = coded_and_other(parameter)
    key, index_codes = row_key(f"{parameter.resource_type}.{coded.parameter.code}"), token.indexer(coded.parameter)
    find_codes, find_others = _found(coded.expression), _found(other.expression)
    beside = lru_cache(maxsize=512)(partial(_indexer, parameter))

    def index(element: Any, rows: Rows) -> None:
        if type(element) is not dict:
            return
        scratch = Rows([], [], [], [], [], [])
        for value in (value for branch in find_codes for value in evaluate(branch, element)):
            index_codes(value, scratch)
        forms = {
            form for at, code, system in scratch.token if at == key and code for form in (code, f"{system}|{code}")
        }
        for value in (value for branch in find_others for value in evaluate(branch, element)):
            for form in forms:
                beside(form)(value, rows)

    return index


def _found(expression: str) -> tuple[Branch, ...]:
    return branches(" | ".join(f"Element.{each}" for each in expression.split("|")))


def coded_and_other(parameter: SearchParameter) -> tuple[Component, Component]:
    """The component that is a code, and the other one, of components inside an element."""
    one, two = components(parameter)
    return (one, two) if one.parameter.type == "token" else (two, one)


def under(parameter: SearchParameter, form: str) -> SearchParameter:
    """The other component as a parameter of its own, beside one form of a code."""
    return replace(coded_and_other(parameter)[1].parameter, code=f"{parameter.code}${form}")


def _indexer(parameter: SearchParameter, form: str) -> Sink:
    beside = under(parameter, form)
    found: Sink = _TYPES[beside.type].indexer(beside)
    return found


def forms(parameter: SearchParameter, text: str) -> tuple[str, ...]:
    """The forms of a code, as rows stand under them, that a token asks for. Raises InvalidParameter."""
    match [unescape(part) for part in split(text, "|")]:
        case [code] if code:
            return (code,)
        case ["", code] if code:
            return tuple({f"|{code}", f"{parameter.system}|{code}"})
        case [system, code] if system and code:
            return (f"{system}|{code}",)
    raise invalid(parameter.code, text, "is not a code", ("code", "system|code", "|code"))


def texts(parameter: SearchParameter, text: str) -> list[str]:
    """The values of the components. Raises InvalidParameter."""
    found = split(text, "$")
    wanted = [component.parameter.code for component in components(parameter)]
    if len(found) != len(wanted) or not all(found):
        raise invalid(parameter.code, text, r"is not a value for each part (a $ inside one is \$)", ("$".join(wanted),))
    return found
