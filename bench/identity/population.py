"""The simulated hospitals' people as linking sees them, with the truth: simulated, read and mapped, kept on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib import import_module
from pathlib import Path

import orjson

from bench import stores
from bench.stores import digest_of
from gateway.cli.simulations import demo_patients, population_of, simulated_sources, write_store
from gateway.identity.traits import Traits, from_patient
from his_adapters.base import Record, SourceConfig, SourceName
from mappers.base import MappingContext, MappingReport

AS_OF = date(2025, 11, 1)
WORKERS = 2
_CODE = ("his_adapters", "mappers")
_ELEMENTS = ("id", "meta", "identifier", "name", "telecom", "gender", "birthDate", "address")


def sizes_of(records: int) -> dict[str, int]:
    """So many registrations, parted among the sources as in the demo."""
    shares = {source: demo_patients(source) for source in simulated_sources()}
    total = sum(shares.values())
    return {source: round(records * share / total) for source, share in shares.items()}


def people(seed: int, records: int) -> Iterator[tuple[Traits, str]]:
    """(traits, who it is) of every Patient that the mappers make of the stores, in the order of the files."""
    for patient, person in patients(seed, records):
        yield from_patient(patient), person


def patients(seed: int, records: int) -> Iterator[tuple[dict, str]]:
    """The same with the elements of the Patient that say who it is."""
    files = _files(seed, records)
    if missing := {source: file for source, file in files.items() if not file.exists()}:
        with ProcessPoolExecutor(WORKERS) as workers:
            largest_first = sorted(missing, key=lambda source: -sizes_of(records)[source])
            list(workers.map(_make, [seed] * len(missing), [records] * len(missing), largest_first))
    for file in files.values():
        with file.open("rb") as lines:
            for line in lines:
                patient, person = orjson.loads(line)
                yield {"resourceType": "Patient", **patient}, person


def _files(seed: int, records: int) -> dict[str, Path]:
    folder = stores.DATA / f"people-{seed}-{records}-{digest_of(_CODE)}"
    return {source: folder / f"{source}.ndjson" for source in simulated_sources()}


def _make(seed: int, records: int, source: str) -> None:
    population = population_of(seed, sizes_of(records))
    truth = {key: person for person, of, key in population.truth() if of == source}
    file = _files(seed, records)[source]
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with tempfile.TemporaryDirectory() as folder, part.open("wb") as out:
        write_store(source, population, Path(folder), profile="seed", seed=seed)
        for patient in _patients(source, Path(folder)):
            person = truth[patient["identifier"][0]["value"]]
            slim = {element: patient[element] for element in _ELEMENTS if element in patient}
            out.write(orjson.dumps([slim, person]) + b"\n")
    part.replace(file)


def _patients(source: str, folder: Path) -> Iterator[dict]:
    config = SourceConfig(SourceName(source), source, path=folder, timezone="Asia/Kolkata")
    adapter = import_module(f"his_adapters.{source}.adapter").open_source(config)
    context = MappingContext(source=source, organization=source, as_of=AS_OF, timezone="Asia/Kolkata")
    for mapping in import_module(f"mappers.{source}").MAPPINGS:
        for to_patient in (each for each in mapping.own if each.__name__ == "to_patient"):
            for record in adapter.read(mapping.stream, None):
                if isinstance(record, Record):
                    yield from to_patient(record, context, MappingReport())
