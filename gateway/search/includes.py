"""`_include` and `_revinclude` as they are asked for: which references to follow, from what, in which direction.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.search.clauses import did_you_mean, followable, targets
from gateway.search.parameter_types.terms import invalid
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES, SearchParameter, offered, row_key


class Include(NamedTuple):
    """References to follow from the matches; `iterate`: from what they lead to as well."""

    reverse: bool
    """Whether they are followed from their targets to what refers to them."""
    iterate: bool
    keys: tuple[int, ...] | None
    """The `row_key`s of the reference parameters; None = all."""
    target: str | None
    """The only type that they may lead to."""


def read_include(resource_type: str, value: str, *, iterate: bool) -> Include:
    """`Type:parameter`, `Type:parameter:Target`, `Type:*` or `*`. Raises InvalidParameter."""
    name = _named("_include", iterate=iterate)
    if value == "*":
        return Include(False, iterate, None, None)
    types = SERVED_TYPES if iterate else (resource_type,)
    source, codes, target = _parts(name, value, types)
    return Include(False, iterate, _keys(source, codes), target)


def read_revinclude(resource_type: str, value: str, *, iterate: bool) -> Include:
    """The same from what refers to the matches. Raises InvalidParameter."""
    name = _named("_revinclude", iterate=iterate)
    if value == "*":
        return Include(True, iterate, None, None)
    source, codes, target = _parts(name, value, (*SERVED_TYPES, *RENDERED_TYPES))
    if iterate:
        return Include(True, iterate, _keys(source, codes), target)
    leading = [code for code in codes if resource_type in targets(offered(source)[code])]
    if not leading:
        raise invalid(name, value, f"does not refer to {resource_type}")
    if target not in (None, resource_type):
        raise invalid(name, value, "names another target than what is searched", (resource_type,))
    return Include(True, iterate, _keys(source, tuple(leading)), resource_type)


_RENDERED: dict[int, SearchParameter] = {
    row_key(f"{resource_type}.{code}"): offered(resource_type)[code]
    for resource_type in RENDERED_TYPES
    for code in followable(resource_type)
}
"""The references of what is not stored, by the keys that no row of the index has."""


def is_indexed(include: Include) -> bool:
    """Whether the index may know what the include leads to."""
    return include.keys is None or not set(include.keys) <= _RENDERED.keys()


def joins_rendered(include: Include, resource_type: str) -> bool:
    """Whether the include leads from what is rendered for a resource of the type to it, or back."""
    if include.target not in (None, resource_type):
        return False
    followed = _RENDERED.keys() if include.keys is None else _RENDERED.keys() & set(include.keys)
    return any(resource_type in targets(_RENDERED[key]) for key in followed)


def _named(name: str, *, iterate: bool) -> str:
    return f"{name}:iterate" if iterate else name


def _parts(name: str, value: str, types: tuple[str, ...]) -> tuple[str, tuple[str, ...], str | None]:
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if source not in types:
        problem = "does not begin with a type that can be followed here"
        raise invalid(name, value, problem + did_you_mean(source, types), types)
    known = followable(source)
    if code == "*":
        codes = known
    elif code in known:
        codes = (code,)
    else:
        raise invalid(name, value, "does not name a reference parameter" + did_you_mean(code, known), (*known, "*"))
    leading = tuple(code for code in codes if not target or target in _possible(source, code))
    if codes and not leading:
        possible = tuple(dict.fromkeys(each for code in codes for each in _possible(source, code)))
        raise invalid(name, value, "names a type that the parameter does not refer to", possible)
    return source, leading, target or None


def _possible(source: str, code: str) -> tuple[str, ...]:
    """The types that a parameter may lead to, served or not."""
    named = offered(source)[code].targets
    return SERVED_TYPES if "*" in named else named


def _keys(source: str, codes: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(row_key(f"{source}.{code}") for code in codes)
