"""Finds the files of ProactiveHealth's tables: one a table, or several parts, each with a header of its own."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from his_adapters.base import SourceConfig, SourceConfigError, SourceTransientError
from his_adapters.csv_files import CsvAdapter, explained, state_of
from his_adapters.csv_rows import CsvFormat, CsvRow, Sample, header_of, rows_of, sample_of
from his_adapters.proactive_health.tables import TABLES, Table

_FILE = re.compile(r"(?:STG_EHP__)?(?P<table>[a-z]+)(?P<part>(?:_\d+)*)\.csv", re.IGNORECASE)


class Part(NamedTuple):
    """One file of a table, and the field of each of its columns."""

    path: Path
    header: list[str]
    names: list[str | None]


class TableFiles(CsvAdapter):
    """The folder of the .csv files, looked at when it is asked for."""

    def __init__(self, config: SourceConfig) -> None:
        super().__init__(config, [table.dataset for table in TABLES])
        self.tables = {table.dataset.name: table for table in TABLES}
        self._samples: dict[tuple[Path, tuple[int, ...]], Sample] = {}
        self._digests: dict[tuple[Path, tuple[int, ...]], str] = {}

    def found(self) -> dict[str, list[Path]]:
        """The files of each table that is there, in the order of the tables and of their parts."""
        folder = self._config.path
        hint = "set path to the folder of the .csv files"
        if folder is None:
            raise SourceConfigError("no path is configured", str(self._config.name), hint)
        with explained(folder):
            names = sorted(os.listdir(folder))  # noqa: PTH208 - a Path for each name costs more than the look
        parts: dict[str, list[tuple[list[int], str]]] = {}
        for name in names:
            if match := _FILE.fullmatch(name):
                numbers = [int(number) for number in match["part"].split("_")[1:]]
                parts.setdefault(match["table"].upper(), []).append((numbers, name))
        if "PATN" not in parts:
            raise SourceConfigError("STG_EHP__PATN.csv is missing", str(folder), hint)
        return {table: [folder / name for _, name in sorted(parts[table])] for table in self.tables if table in parts}

    def parts(self, table: Table) -> list[Part]:
        """The files of a table with their columns. Raises SourceConfigError when a key's column is not there."""
        form, made = self.form(), []
        for path in self.files(table):
            with explained(path):
                header = header_of(path, form)
            names = self._columns(table.dataset, header, path, form)
            missing = [key for key in table.keys if key not in names and key not in table.optional]
            if missing:
                raise SourceConfigError(
                    f"column {missing[0]} is missing from {table.dataset.name}",
                    str(path),
                    "rename the column, or check which file this is",
                )
            made.append(Part(path, header, names))
        return made

    def files(self, table: Table) -> list[Path]:
        """The files of a table. Raises SourceConfigError when there is none."""
        files = self.found().get(table.dataset.name)
        if not files:
            raise SourceConfigError(
                f"STG_EHP__{table.dataset.name}.csv is missing",
                str(self._config.path),
                "export the table, or check the source's path",
            )
        return files

    def form(self) -> CsvFormat:
        """How the files are written."""
        return self._form()

    def rows(self, part: Part) -> Iterator[CsvRow]:
        """The rows of a file. Raises SourceTransientError when it changes meanwhile."""
        with explained(part.path):
            before = state_of(part.path)
            yield from rows_of(part.path, self.form())
            if state_of(part.path) != before:
                raise SourceTransientError(
                    "the file changed while it was read", str(part.path), "the hospital is writing; sync again later"
                )

    def state(self, paths: Sequence[Path]) -> tuple[tuple[int, ...], ...]:
        """What a change of the files changes."""
        made = []
        for path in paths:
            with explained(path):
                made.append(state_of(path))
        return tuple(made)

    def sample(self, path: Path) -> Sample:
        """What the first part of a file tells; looked at once."""
        with explained(path):
            place = (path, state_of(path))
            if place not in self._samples:
                self._samples[place] = sample_of(path)
        return self._samples[place]

    def digest(self, path: Path) -> str:
        """A digest of a file's content; taken once while the file is as it was."""
        with explained(path):
            place = (path, state_of(path))
            if place not in self._digests:
                with path.open("rb") as file:
                    self._digests[place] = hashlib.file_digest(file, "blake2b").hexdigest()
        return self._digests[place]
