"""Native records to FHIR resources: pure functions, one module a source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, cast

from mappers.base import Mapping, MappingContext, MappingReport, Resource, ToResources
from mappers.fhir.profiles import claimed

_NOT_SOURCES = {"base", "coverage", "fhir", "terminology"}


@cache
def installed() -> tuple[str, ...]:
    """The adapters that have a mapper: every module here but the shared ones. No list is kept by hand."""
    found = (module.name for module in iter_modules([str(Path(__file__).parent)]))
    return tuple(sorted(name for name in found if name not in _NOT_SOURCES))


@cache
def mappings(adapter: str) -> tuple[Mapping, ...]:
    """The `MAPPINGS` table of an adapter's mapper, in its order; what is made claims the profiles that it satisfies."""
    made = cast("tuple[Mapping, ...]", import_module(f"{__name__}.{adapter}").MAPPINGS)
    return tuple(
        replace(each, own=tuple(map(_claiming, each.own)), shared=tuple(map(_claiming, each.shared))) for each in made
    )


def _claiming(to_resources: ToResources) -> ToResources:
    def to_claimed(record: Any, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
        return map(claimed, to_resources(record, context, report))

    return to_claimed
