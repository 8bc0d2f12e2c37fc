"""Simulated native stores, whichever sources bring a simulator; used by `simulate` and `demo`. Names no source."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from his_adapters import installed, simulator_module

if TYPE_CHECKING:
    from pathlib import Path

    from his_adapters.population import Population


def simulated_sources() -> tuple[str, ...]:
    """The adapters that bring a simulator. Imports none of them: they need Faker."""
    return tuple(name for name in installed() if find_spec(f"his_adapters.{name}.simulator"))


def demo_patients(source: str) -> int:
    """The size of a source's store in the demo: it answers within a minute."""
    return int(simulator_module(source).DEFAULT_PATIENTS)


def full_patients(source: str) -> int:
    """The size of a source's store that its specification names."""
    return int(simulator_module(source).FULL_PATIENTS)


def population_of(seed: int, sizes: dict[str, int]) -> Population:
    """The people of a seed number, registered in HISes of these sizes."""
    from his_adapters.population import Population

    return Population(seed, sizes)


def write_store(source: str, population: Population, folder: Path, *, profile: str, seed: int) -> dict[str, int]:
    """Write one native store. Returns the rows written by table or file."""
    simulate: Any = simulator_module(source).simulate
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, int] = simulate(population, folder, patients=population.sizes[source], profile=profile, seed=seed)
    return rows
