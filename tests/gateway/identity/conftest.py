"""A few hundred simulated people of the eight hospitals, mapped as `sync` maps them, with the truth."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from gateway.cli.simulations import population_of, simulated_sources, write_store
from gateway.identity.batch import BatchResult, link_all
from gateway.identity.traits import Traits, from_patient
from his_adapters.base import Record, SourceConfig, SourceName
from mappers.base import MappingContext, MappingReport

SEED, PATIENTS_EACH = 7, 250


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Traits, str]]:
    """(traits, who it is)."""
    population = population_of(SEED, dict.fromkeys(simulated_sources(), PATIENTS_EACH))
    who = {(source, key): person for person, source, key in population.truth()}
    found = []
    for source in simulated_sources():
        folder = tmp_path_factory.mktemp(source)
        write_store(source, population, folder, profile="seed", seed=SEED)
        found += [(traits, who[source, key]) for traits, key in _mapped(source, folder)]
    return found


def _mapped(source: str, folder: Path) -> list[tuple[Traits, str]]:
    config = SourceConfig(SourceName(source), source, path=folder, timezone="Asia/Kolkata")
    adapter = import_module(f"his_adapters.{source}.adapter").open_source(config)
    context = MappingContext(source, source, date(2025, 11, 1), "Asia/Kolkata")
    return [
        (from_patient(patient), patient["identifier"][0]["value"])
        for mapping in import_module(f"mappers.{source}").MAPPINGS
        for to_patient in mapping.own
        if to_patient.__name__ == "to_patient"
        for record in adapter.read(mapping.stream, None)
        if isinstance(record, Record)
        for patient in to_patient(record, context, MappingReport())
    ]


@pytest.fixture(scope="session")
def linked(people: list[tuple[Traits, str]]) -> BatchResult:
    """All of them linked, with a model trained on them."""
    return link_all(traits for traits, _ in people)
