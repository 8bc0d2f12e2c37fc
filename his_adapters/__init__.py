"""Native stores to native records: one folder a hospital information system. Knows no FHIR."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType


@cache
def installed() -> tuple[str, ...]:
    """The names of the adapters: every folder beside this file. No list is kept by hand."""
    return tuple(sorted(found.name for found in iter_modules([str(Path(__file__).parent)]) if found.ispkg))


def adapter_module(adapter: str) -> ModuleType:
    """`his_adapters.<adapter>.adapter`, which has `open_source(config) -> Adapter`, and `OPTIONS` where it takes some.

    Imported on first use.
    """
    return import_module(f"{__name__}.{adapter}.adapter")


def simulator_module(adapter: str) -> ModuleType:
    """`his_adapters.<adapter>.simulator`, which has `simulate(...)`. Imported on first use: it needs Faker."""
    return import_module(f"{__name__}.{adapter}.simulator")


def simulated_database_module(adapter: str) -> ModuleType | None:
    """`his_adapters.<adapter>.simulated_database`, which has `demand_free(config)` and `fill(config, folder, profile)`.

    None where the simulated store is files only.
    """
    if find_spec(f"{__name__}.{adapter}.simulated_database") is None:
        return None
    return import_module(f"{__name__}.{adapter}.simulated_database")
