"""A hospital that is a JSON file of lists, and small real mappers for it: what the tests of the sync are fed with.

A row is {"key", ...}; its `how` says what the adapter makes of it: a record, a rejected or a skipped row, the end of a
connection. People become a Patient and, with an insurer, a Coverage; visits an Encounter.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any

from gateway.sync import PRODUCT, Steps
from his_adapters.base import (
    Checkpoint,
    Column,
    Health,
    Problem,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceName,
    SourceTransientError,
    Stream,
)
from mappers.base import Mapping, MappingContext, MappingReport, Resource
from mappers.fhir.elements import coding, identifier, reference, resource
from mappers.fhir.hospital import hospital_reference, insurer, insurer_reference

Row = dict[str, Any]


class ListBacked:
    """Reads the file; counts nothing, writes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self) -> dict[str, Any]:
        file: dict[str, Any] = json.loads(self._path.read_text())
        return file

    def check(self) -> Health:
        if not self._path.exists():
            return Health("config", f"There is no {self._path.name}", "write it")
        return Health("ok", "is there")

    def streams(self) -> list[Stream]:
        file = self._file()
        names = tuple(file.get("columns", ("key", "name")))
        declared = not file.get("sampled")
        return [
            Stream(name, ("key",), names, "1", len(rows), declared=declared) for name, rows in file["streams"].items()
        ]

    def columns(self) -> list[Column]:
        return [Column(name, field, field) for name in self._file()["streams"] for field in ("key", "name")]

    def change_token(self, stream: str) -> str | None:
        file = self._file()
        return blake2b(json.dumps(file["streams"][stream]).encode()).hexdigest() if file.get("tokens") else None

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        file = self._file()
        for line, row in enumerate(file["streams"][stream]):
            yield from _told(stream, row, f"{self._path.name}:{line}")
        yield Checkpoint(complete=not file.get("cut_short"), state=file.get("state"))


def _told(stream: str, row: Row, locator: str) -> Iterator[Record | Rejected | Skipped]:
    digest = blake2b(json.dumps(row).encode(), digest_size=16).digest()
    key = (str(row["key"]),) if "key" in row else ()
    match row.get("how", "sound"):
        case "sound":
            notes = (Problem("phone", "not-a-phone", "a text that is no phone"),) if row.get("broken_cell") else ()
            yield Record(stream, key, row, locator, digest, notes)
        case "rejected":
            yield Rejected(stream, key, locator, digest, (Problem("name", "missing", "has no name"),))
        case "skipped":
            yield Skipped(stream, key, locator, "a blank line")
        case "disconnects":
            raise SourceTransientError("The connection dropped", "list", "sync again")
        case "breaks":
            raise ZeroDivisionError(row["name"])
        case "kills":
            os._exit(9)


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    row: Row = record.data
    made = resource(context, "Patient", "people", record.key)
    made["identifier"] = [identifier(context, "people", record.key[0])]
    made["name"] = [{"text": row["name"]} | {part: row[part] for part in ("family", "given") if part in row}]
    if "born" in row:
        made["birthDate"] = row["born"]
    if "phone" in row:
        made["telecom"] = [{"system": "phone", "value": row["phone"]}]
    if "sex" in row:
        made["gender"] = row["sex"]
    if row.get("raises"):
        raise ValueError(row["name"])
    made["managingOrganization"] = hospital_reference(context)
    report.add("defaulted", "Patient.active", "not stated")
    yield made


def to_coverage(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    if (name := record.data.get("insurer")) and record.data.get("is_covered", True):
        made = resource(context, "Coverage", "people", record.key)
        made["status"] = "active"
        made["beneficiary"] = reference(context, "Patient", "people", record.key)
        made["payor"] = [insurer_reference(context, name)]
        yield made


def to_insurer(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    if name := record.data.get("insurer"):
        yield insurer(context, name)


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    row: Row = record.data
    made = resource(context, "Encounter", "visits", record.key)
    made["status"] = "finished"
    if day := row.get("planned_for"):
        planned = date.fromisoformat(day)
        if context.as_of < planned:
            made["status"] = "planned"
            report.until(planned)
    made["class"] = coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB")
    if "person" in row:
        made["subject"] = reference(context, "Patient", "people", (row["person"],), display="A person")
    yield made


MAPPINGS = (
    Mapping("visits", own=(to_encounter,)),
    Mapping("people", own=(to_patient, to_coverage), shared=(to_insurer,)),
)


def open_source(config: SourceConfig) -> ListBacked:
    assert config.path is not None
    return ListBacked(config.path)


def mappings(_adapter: str) -> tuple[Mapping, ...]:
    return MAPPINGS


def mapper_digest(adapter: str) -> str:
    return adapter


def mappings_that_shout(_adapter: str) -> tuple[Mapping, ...]:
    """Another edition of the mapper."""
    return (Mapping("people", own=(to_loud_patient,)), Mapping("visits", own=(to_encounter,)))


def to_loud_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    for made in to_patient(record, context, report):
        made["name"] = [{"text": record.data["name"].upper()}]
        yield made


def mapper_digest_that_shouts(adapter: str) -> str:
    return adapter + "!"


STEPS: Steps = dataclasses.replace(
    PRODUCT, open_source=open_source, mappings=mappings, mapper_digest=mapper_digest, terminology=tuple
)
LOUD: Steps = dataclasses.replace(STEPS, mappings=mappings_that_shout, mapper_digest=mapper_digest_that_shouts)


class Hospital:
    """A source of tests: set `streams`, `write()`, sync."""

    def __init__(self, path: Path, name: str = "list") -> None:
        self.path = path
        self.config = SourceConfig(SourceName(name), "list_backed", path=path)
        self.streams: dict[str, list[Row]] = {"people": [], "visits": []}
        self.extras: dict[str, Any] = {}

    def write(self) -> None:
        self.path.write_text(json.dumps({"streams": self.streams, **self.extras}))


def people(count: int, **more: Any) -> list[Row]:
    return [{"key": f"p{number}", "name": f"Person {number}", "sex": "male", **more} for number in range(count)]


def visits(count: int, persons: int) -> list[Row]:
    return [{"key": f"v{number}", "name": "visit", "person": f"p{number % persons}"} for number in range(count)]
