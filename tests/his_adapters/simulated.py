"""Reads simulated stores back, naively and by field, whatever the profile calls its columns."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from his_adapters.population import Population

Rows = list[dict[str, Any]]

SOURCES = ("his_a", "his_b", "his_c", "his_d")
SIZES = dict.fromkeys(SOURCES, 520)
SEED = 20
TABLES = ("patients", "staff", "finance")


def simulator(source: str) -> Any:
    return import_module(f"his_adapters.{source}.simulator")


def schema(source: str) -> Any:
    return import_module(f"his_adapters.{source}.schema")


def header(source: str, folder: Path, table: str) -> list[str]:
    """The columns of a table as the store names them."""
    if source == "his_c":
        with (folder / f"{table}.csv").open(encoding="utf-8-sig", errors="surrogateescape", newline="") as found:
            return next(csv.reader(found))
    with closing(sqlite3.connect(folder / f"{table}.db")) as store:
        return [row[1] for row in store.execute(f"PRAGMA table_info({table})")]


def rows(source: str, profile: str, folder: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table or file, by field; objects of JSON as they are."""
    if source == "his_b":
        text = (folder / f"{table}.json").read_text(encoding="utf-8-sig")
        return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    fields = {column.name: column.field for column in schema(source).TABLES[profile][table]}
    return [{fields[name]: cell for name, cell in row.items()} for row in _flat(source, folder, table)]


def _flat(source: str, folder: Path, table: str) -> Iterator[dict[str, Any]]:
    if source == "his_c":
        text = (folder / f"{table}.csv").read_bytes().decode("utf-8-sig", "surrogateescape")
        yield from csv.DictReader(io.StringIO(text, newline=""))
        return
    with closing(sqlite3.connect(folder / f"{table}.db")) as store:
        store.text_factory = lambda cell: cell.decode("utf-8", "surrogateescape")
        names = header(source, folder, table)
        for cells in store.execute(f"SELECT * FROM {table}"):
            yield dict(zip(names, cells, strict=True))


def leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """The leaf names and values of an object."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(inner, dict | list):
                yield name, inner
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


def make(source: str, profile: str, folder: Path, *, patients: int = 520, seed: int = SEED) -> dict[str, int]:
    found: dict[str, int] = simulator(source).simulate(
        Population(seed, SIZES), folder, patients=patients, profile=profile, seed=seed
    )
    return found


class Stores:
    """Each store of 520 patients, made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written: dict[tuple[str, str], dict[str, int]] = {}

    def folder(self, source: str, profile: str) -> Path:
        folder = self._folder / profile / source
        if (source, profile) not in self.written:
            self.written[source, profile] = make(source, profile, folder)
        return folder

    def rows(self, source: str, profile: str, table: str) -> Rows:
        return rows(source, profile, self.folder(source, profile), table)
