"""Native records to FHIR resources: pure functions, one module a source."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import cast

from mappers.base import Mapping

_NOT_SOURCES = {"base", "coverage", "fhir", "terminology"}


@cache
def installed() -> tuple[str, ...]:
    """The adapters that have a mapper: every module here but the shared ones. No list is kept by hand."""
    found = (module.name for module in iter_modules([str(Path(__file__).parent)]))
    return tuple(sorted(name for name in found if name not in _NOT_SOURCES))


def mappings(adapter: str) -> tuple[Mapping, ...]:
    """The `MAPPINGS` table of an adapter's mapper, in its order."""
    return cast("tuple[Mapping, ...]", import_module(f"{__name__}.{adapter}").MAPPINGS)
