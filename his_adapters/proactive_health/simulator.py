"""Makes a ProactiveHealth of any size: its 22 tables from a population, patient after patient. Knows no FHIR."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from his_adapters.population import Population
from his_adapters.proactive_health.simulated_care import Care
from his_adapters.proactive_health.simulated_files import Files
from his_adapters.proactive_health.simulated_house import House

DEFAULT_PATIENTS = 350
"""A thousandth of the published set."""
FULL_PATIENTS = 3_518
"""A hundredth. The published set has 351,765; any size is streamed."""


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write the files below `folder`, over old ones. Returns the rows written by table."""
    house = House(population, patients, profile, seed)
    care = Care(house, patients, profile, seed)
    with Files(folder, profile, patients, seed) as files:
        put = files.put
        for table, row in chain(house.rows(), care.rows()):
            put(table, row)
    return files.written
