"""Reads a hospital's CSV files as text, row by row: no type is inferred, nothing is lost, nothing is written.

A file is UTF-8, with or without a byte order mark, unless the source's option `encoding` says otherwise. See
`his_adapters.csv_rows` for how a file is taken apart. https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from marshmallow import ValidationError

from his_adapters.base import (
    Checkpoint,
    Column,
    Health,
    Problem,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceConfigError,
    SourceError,
    SourceTransientError,
    Stream,
)
from his_adapters.csv_rows import CLOSE, CsvFormat, CsvRow, header_of, rows_of, sample_of
from his_adapters.native_fields import Key
from his_adapters.row_lookup import Entry, RowLookup, complete
from his_adapters.tabular import BATCH, Dataset, Join, RowLoader, columns_of, digest_of, folded, told_columns

_UNBALANCED = "a quote is not balanced"
_WRITING = "the hospital is writing; sync again later"
_OPTIONS = "options of the source: encoding, delimiter"
_NOT_UTF8 = "is not UTF-8: the unreadable characters become \ufffd unless the option encoding names its code page"


class CsvAdapter:
    """An Adapter over a folder of CSV files with a header, one file a dataset: `<dataset>.csv`.

    `inside` names folders below the configured one that are looked into first.
    """

    def __init__(self, config: SourceConfig, datasets: Sequence[Dataset], inside: Sequence[str] = ()) -> None:
        self._config, self._inside = config, inside
        self._datasets = {dataset.name: dataset for dataset in datasets}

    def check(self) -> Health:
        """Look at the header and the first rows of each file."""
        try:
            found = self.streams()
            legible = [self._legible(dataset) for dataset in self._datasets.values()]
        except SourceError as error:
            return error.health()
        about = ", ".join(f"{stream.name}: about {stream.estimated_rows} rows" for stream in found)
        return Health("ok", about, "; ".join(filter(None, legible)))

    def streams(self) -> list[Stream]:
        """The datasets found, in the order of the table of datasets."""
        made = []
        for dataset in self._datasets.values():
            path, form = self._file_of(dataset), self._form()
            with _explained(path):
                header = header_of(path, form)
                names = self._columns(dataset, header, path, form)
                estimated = sample_of(path).estimated_rows
            used = tuple(column for column, name in zip(header, names, strict=True) if name)
            fingerprint = digest_of((header, form)).hex()
            made.append(Stream(dataset.name, (dataset.key,), used, fingerprint, estimated))
        return made

    def columns(self) -> list[Column]:
        """The columns of every file, also of those beside the datasets that are none of them."""
        made, form, read = [], self._form(), []
        for dataset in self._datasets.values():
            path = self._file_of(dataset)
            with _explained(path):
                header = header_of(path, form)
            made += told_columns(dataset.name, header, self._columns(dataset, header, path, form))
            read.append(path)
        return made + self.strangers(read)

    def strangers(self, read: Collection[Path]) -> list[Column]:
        """The columns of the .csv files that lie beside those that are read."""
        made = []
        for folder in dict.fromkeys(path.parent for path in read):
            with _explained(folder):
                beside = sorted(each for each in folder.iterdir() if each.suffix.casefold() == ".csv")
            for path in beside:
                if path not in read:
                    try:
                        made += told_columns(path.stem, header_of(path, self._form()))
                    except (SourceError, OSError):
                        made.append(Column(path.stem, "*"))
        return made

    def change_token(self, stream: str) -> str | None:
        """A digest of the file, of those that its rows take cells from, and of how they are read."""
        contents = []
        for dataset in self._read_for(self._datasets[stream]):
            path = self._file_of(dataset)
            with _explained(path), path.open("rb") as file:
                contents.append(hashlib.file_digest(file, "blake2b").hexdigest())
        return digest_of((*contents, self._form())).hex()

    def _read_for(self, dataset: Dataset) -> list[Dataset]:
        """A dataset and those that its rows take cells from."""
        return [dataset, *(self._datasets[join.dataset] for join in dataset.joins)]

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every row, in the order of the file."""
        dataset = self._datasets[stream]
        path, form = self._file_of(dataset), self._form()
        paths = [self._file_of(each) for each in self._read_for(dataset)]
        with _explained(path), ExitStack() as open_lookups:
            before = [_state_of(each) for each in paths]
            header = header_of(path, form)
            names = self._columns(dataset, header, path, form)
            joins = [(join, open_lookups.enter_context(closing(self._lookup(join)))) for join in dataset.joins]
            reading = _Reading(dataset, path.name, header, names, joins)
            yield from reading.rows(rows_of(path, form))
            for each, was in zip(paths, before, strict=True):
                if _state_of(each) != was:
                    raise SourceTransientError("the file changed while it was read", str(each), _WRITING)
        if reading.unbalanced:
            # Every other row is told, but which row the broken line was is unknown: nothing may count as deleted.
            raise SourceConfigError(_UNBALANCED, f"{path}:{reading.unbalanced}", CLOSE)
        yield Checkpoint(complete=True)

    def _lookup(self, join: Join) -> RowLookup:
        """The rows that a join takes cells from. Raises SourceError when one of them cannot be told."""
        dataset = self._datasets[join.dataset]
        path, form = self._file_of(dataset), self._form()
        with _explained(path):
            names = self._columns(dataset, header_of(path, form), path, form)
            return RowLookup(_entries(rows_of(path, form), names, dataset.key, join, str(path)), len(join.taken))

    def _columns(self, dataset: Dataset, header: Sequence[str], path: Path, form: CsvFormat) -> list[str | None]:
        other = next((each for each in ";\t|,\x1f" if len(header) == 1 and each in header[0]), None)
        if other:
            raise SourceConfigError(
                f"the header has one column, parted by {other!r} and not by {form.delimiter!r}",
                str(path),
                "name the right delimiter in the source's options",
            )
        names = columns_of(dataset, header, str(path))
        known = {folded(column) for column, name in zip(header, names, strict=True) if name}
        seen: set[str] = set()
        for column in map(folded, header):
            if column in seen and column in known:
                raise SourceConfigError(
                    f"the column {column} is there twice", str(path), "take one of the two columns out of the export"
                )
            seen.add(column)
        return names

    def _legible(self, dataset: Dataset) -> str:
        path = self._file_of(dataset)
        form = self._form()
        return "" if form.encoding or sample_of(path).legible else f"{path.name} {_NOT_UTF8}"

    def _form(self) -> CsvFormat:
        """The source's options. Raises SourceConfigError when they make no sense."""
        delimiter = self._config.options.get("delimiter", ",")
        encoding = self._config.options.get("encoding")
        where = str(self._config.name)
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0':
            raise SourceConfigError("the delimiter is not one character", where, _OPTIONS)
        if encoding is None:
            return CsvFormat(delimiter)
        try:
            name = codecs.lookup(encoding).name
            "".encode(name)
        except (LookupError, TypeError):
            raise SourceConfigError("no such text encoding", where, _OPTIONS) from None
        return CsvFormat(delimiter, None if name in {"utf-8", "utf-8-sig"} else name)

    def _file_of(self, dataset: Dataset) -> Path:
        folder = self._config.path
        if folder is None:
            raise SourceConfigError(
                "no path is configured", str(self._config.name), "set path to the folder of the .csv files"
            )
        wanted = f"{dataset.name}.csv"
        for inside in self._inside:
            with _explained(folder), suppress(FileNotFoundError):
                if found := _found(folder / inside, wanted):
                    return found
        with _explained(folder):
            if found := _found(folder, wanted):
                return found
        raise SourceConfigError(f"{wanted} is missing", str(folder), "check the source's path, or export the file")


def _found(folder: Path, wanted: str) -> Path | None:
    names = os.listdir(folder)  # noqa: PTH208 - a Path for each name costs more than the look
    name = wanted if wanted in names else next((name for name in sorted(names) if name.casefold() == wanted), None)
    return folder / name if name else None


def _entries(rows: Iterator[CsvRow], names: Sequence[str | None], key: str, join: Join, where: str) -> Iterator[Entry]:
    """What each row gives to those that name it."""
    key_at = names.index(key)
    places = [names.index(name) if name in names else None for name in join.taken]
    needed = {place for place in places if place is not None}
    for row in rows:
        if row.fault == "not-csv":
            # Which row the broken line was is unknown: those that name it would lose what they take from it.
            raise SourceConfigError(_UNBALANCED, f"{where}:{row.line}", CLOSE)
        if row.blank or key_at in row.illegible or (row.fault and key_at):
            continue
        try:
            name: str = Key().deserialize(row.cells[key_at])
        except ValidationError:
            continue
        if row.fault or needed & set(row.illegible):
            yield Entry(name, None)
        else:
            yield Entry(name, tuple("" if place is None else row.cells[place] for place in places))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """The operating system's errors come out as SourceError: what, where, how to mend it."""
    try:
        yield
    except OSError as error:
        _explain(error, str(path))


explained = _explained
"""For adapters whose tables have other files."""


def _explain(error: OSError, where: str) -> NoReturn:
    if isinstance(error, FileNotFoundError):
        raise SourceConfigError("no such file or folder", where, "check the source's path") from None
    if isinstance(error, PermissionError):
        raise SourceConfigError("it cannot be read", where, "give the gateway's user read rights") from None
    if isinstance(error, NotADirectoryError):
        raise SourceConfigError("it is a file", where, "set path to the folder of the .csv files") from None
    if isinstance(error, IsADirectoryError):
        raise SourceConfigError("it is a folder and no file", where, "check the source's path") from None
    raise SourceTransientError(f"it cannot be read ({error.strerror})", where, "check the disk or mount") from None


def _state_of(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


state_of = _state_of
"""What changes when a file does."""


class _Reading:
    """One pass through one file: batches of rows into records, rejects and skips."""

    def __init__(
        self,
        dataset: Dataset,
        file: str,
        header: Sequence[str],
        names: Sequence[str | None],
        joins: Sequence[tuple[Join, RowLookup]],
    ) -> None:
        self._dataset, self._file, self._joins = dataset, file, joins
        self._loader = RowLoader(dataset)
        self._kept = [(index, name) for index, name in enumerate(names) if name]
        self._key = names.index(dataset.key)
        self._header = digest_of(list(header))
        self._batch: list[CsvRow] = []
        self.unbalanced: int | None = None
        """The first line whose quotes do not match."""

    def rows(self, found: Iterator[CsvRow]) -> Iterator[Record | Rejected | Skipped]:
        """The rows in the words of the contract, in their order."""
        for row in found:
            if row.fault or row.blank:
                if row.fault == "not-csv" and self.unbalanced is None:
                    self.unbalanced = row.line
                yield from self._load()
                yield (
                    self._rejected(row)
                    if row.fault
                    else Skipped(self._dataset.name, (), self._place(row), "the line is blank")
                )
                continue
            self._batch.append(row)
            if len(self._batch) == BATCH:
                yield from self._load()
        yield from self._load()

    def _load(self) -> Iterator[Record | Rejected]:
        batch, self._batch = self._batch, []
        if not batch:
            return
        rows = [{name: row.cells[index] for index, name in self._kept} for row in batch]
        clear = [complete(rows, join, lookup) for join, lookup in self._joins]
        unclear = [
            [join for (join, _), each in zip(self._joins, clear, strict=True) if not each[index]]
            for index in range(len(batch))
        ]
        digests = [self._digest(*each) for each in zip(batch, rows, unclear, strict=True)]
        loaded = self._loader.load(rows, digests, lambda index, _key: self._place(batch[index]))
        for row, made, joins in zip(batch, loaded, unclear, strict=True):
            yield self._noted(made, row, joins) if row.illegible or joins else made

    def _noted(self, made: Record | Rejected, row: CsvRow, unclear: Sequence[Join]) -> Record | Rejected:
        """The same with a note on every cell that could not be read or joined; an illegible key is no key."""
        problems = tuple(
            Problem(name, "not-in-encoding", "some bytes of the cell are not in the file's encoding")
            for index, name in self._kept
            if index in row.illegible
        )
        problems += tuple(
            Problem(name, "unclear-reference", f"the rows of {join.dataset} with this key cannot be read or disagree")
            for join in unclear
            for name in join.taken.values()
        )
        if isinstance(made, Rejected):
            key = () if self._key in row.illegible else made.key
            return replace(made, key=key, problems=made.problems + problems)
        if any(each.field in self._loader.strict for each in problems):
            key = () if self._key in row.illegible else made.key
            return Rejected(made.stream, key, made.locator, made.digest, problems + made.notes)
        return replace(made, notes=made.notes + problems)

    def _rejected(self, row: CsvRow) -> Rejected:
        """A row whose cells cannot be told apart. A key in the first column is not shifted by a stray separator."""
        key: tuple[str, ...] = ()
        if self._key == 0 and 0 not in row.illegible:
            with suppress(ValidationError):
                key = (Key().deserialize(row.cells[0]),)
        problem = Problem("", row.fault, row.reason)
        return Rejected(self._dataset.name, key, self._place(row), self._digest(row), (problem,))

    def _digest(self, row: CsvRow, completed: Mapping[str, Any] | None = None, unclear: Sequence[Join] = ()) -> bytes:
        if completed is None or not self._joins:
            return digest_of((self._header, row.cells))
        joined = [completed.get(name) for join, _ in self._joins for name in join.taken.values()]
        return digest_of((self._header, row.cells, joined, [join.dataset for join in unclear]))

    def _place(self, row: CsvRow) -> str:
        return f"{self._file}:{row.line}"
