"""The value sets of the code tables: all codes that a table's native words can become, and these words themselves.

Their URLs are `urn:fhir-gateway:value-set:<table>` and `…:<table>-words`, with `-` for each `_` of the table's name.
https://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

from functools import cache

from mappers.terminology import table, tables

_URL = "urn:fhir-gateway:value-set:"
_WORDS = "urn:fhir-gateway:code-system:"


def value_sets() -> tuple[str, ...]:
    """The URLs of all value sets."""
    return tuple(_codes())


def value_set(url: str) -> frozenset[tuple[str, str]] | None:
    """The (system, code) pairs of a value set; None for one that is not shipped."""
    return _codes().get(url)


def value_set_with_id(resource_id: str) -> frozenset[tuple[str, str]] | None:
    """The same by the id of its ValueSet."""
    return value_set(_urls().get(resource_id, ""))


@cache
def _urls() -> dict[str, str]:
    dashed = [name.replace("_", "-") for name in tables()]
    return {f"{name}-codes": _URL + name for name in dashed} | {
        f"{name}-words-set": f"{_URL}{name}-words" for name in dashed
    }


@cache
def _codes() -> dict[str, frozenset[tuple[str, str]]]:
    found = {}
    for name in tables():
        codes, dashed = table(name), name.replace("_", "-")
        concepts = (concept for _, concept in codes.rows if concept.code)
        found[_URL + dashed] = frozenset((concept.system, concept.code) for concept in concepts)
        found[f"{_URL}{dashed}-words"] = frozenset((_WORDS + dashed, word) for word in codes.words())
    return found
