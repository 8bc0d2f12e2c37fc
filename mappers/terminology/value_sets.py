"""The value sets of the code tables: all codes that a table's native words can become.

A value set's URL is `urn:fhir-gateway:value-set:<table>`, with `-` for each `_` of the table's name.
https://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

from functools import cache

from mappers.terminology import table, tables

_URL = "urn:fhir-gateway:value-set:"


def value_sets() -> tuple[str, ...]:
    """The URLs of all value sets."""
    return tuple(_codes())


def value_set(url: str) -> frozenset[tuple[str, str]] | None:
    """The (system, code) pairs of a value set; None for one that is not shipped."""
    return _codes().get(url)


@cache
def _codes() -> dict[str, frozenset[tuple[str, str]]]:
    found = {}
    for name in tables():
        codes = table(name)
        concepts = (concept for word in codes.words() for concept in codes.all(word))
        found[_URL + name.replace("_", "-")] = frozenset((concept.system, concept.code) for concept in concepts)
    return found
