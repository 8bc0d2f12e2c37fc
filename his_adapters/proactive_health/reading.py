"""Turns one file's rows into records and rejects, batch by batch, each joined with what it is told with.

Most cells are plain: they are read by the shortest way. A row with any other cell goes through the marshmallow schema
of its table, which says what is wrong with it; both ways read a cell alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import date
from typing import Any

from marshmallow import ValidationError
from marshmallow.fields import Field

from his_adapters.base import NativeKey, Problem, Record, Rejected, Skipped
from his_adapters.csv_rows import CsvRow
from his_adapters.native_fields import Key, Text
from his_adapters.proactive_health.fields import (
    ClockTime,
    Code,
    Number,
    SpreadsheetDate,
    Word,
    day_of,
    number_of,
    time_of,
)
from his_adapters.proactive_health.files import Part
from his_adapters.proactive_health.tables import Table
from his_adapters.tabular import BATCH, RowLoader, digest_of, schema_of

Join = Callable[[Sequence[Any]], Sequence["tuple[Any, ...] | Problem"]]
"""Rows -> for each, what it is told with, or why it cannot be told."""
_SHORT = 255
_LOST = "some bytes of the cell are not in the file's encoding"


class OddCellError(Exception):
    """A cell that is not plain."""


class Reading:
    """One pass through one file."""

    def __init__(self, table: Table, part: Part, join: Join | None, told: Callable[..., Any]) -> None:
        self._table, self._part, self._join, self._told = table, part, join, told
        self._name = table.dataset.name
        self._loader = RowLoader(table.dataset)
        self._kept = [(index, name) for index, name in enumerate(part.names) if name]
        self._header = digest_of(part.header)
        names = [item.name for item in fields(table.dataset.row)]
        self._places = [part.names.index(name) if name in part.names else None for name in names]
        self._fields = loaded = schema_of(table.dataset.row)().fields
        self._readers = [_reader(loaded[name]) for name in names]
        self._lacking = [name for name, place in zip(names, self._places, strict=True) if place is None]
        self._always_slow = any(loaded[name].required for name in self._lacking)
        self.unbalanced: int | None = None
        """The first line whose quotes do not match."""

    def rows(self, found: Iterator[CsvRow]) -> Iterator[Record | Rejected | Skipped]:
        """The rows in the words of the contract, in their order."""
        batch: list[CsvRow] = []
        for row in found:
            if row.fault == "not-csv" and self.unbalanced is None:
                self.unbalanced = row.line
            batch.append(row)
            if len(batch) == BATCH:
                yield from self._load(batch)
                batch = []
        yield from self._load(batch)

    def _load(self, batch: Sequence[CsvRow]) -> Iterator[Record | Rejected | Skipped]:
        """One outcome a row, in order; sound rows are joined together."""
        outcomes = [self._row(row) for row in batch]
        sound = [outcome[0] for outcome in outcomes if isinstance(outcome, tuple)]
        joined: Iterator[tuple[Any, ...] | Problem] = iter(self._join(sound) if self._join and sound else ())
        for row, outcome in zip(batch, outcomes, strict=True):
            if not isinstance(outcome, tuple):
                yield outcome
                continue
            data, notes = outcome
            key, place, extra = self._key(data), self._place(row), ()
            if self._join:
                found = next(joined)
                if isinstance(found, Problem):
                    digest = digest_of((self._header, row.cells, found.rule))
                    yield Rejected(self._name, key, place, digest, (found, *notes))
                    continue
                data, extra = self._told(data, *found), found
            yield Record(self._name, key, data, place, digest_of((self._header, row.cells, extra)), notes)

    def _row(self, row: CsvRow) -> tuple[Any, tuple[Problem, ...]] | Rejected | Skipped:
        if row.blank:
            return Skipped(self._name, (), self._place(row), "the line is blank")
        if row.fault:
            # A stray separator does not shift a key that is one first column.
            known = self._table.keys[1:] == () and self._part.names[0] == self._table.keys[0]
            key = self._key_of(row) if known else ()
            problem = Problem("", row.fault, row.reason)
            return Rejected(self._name, key, self._place(row), digest_of((self._header, row.cells)), (problem,))
        if self._table.skipped:
            return Skipped(self._name, (), self._place(row), self._table.skipped)
        if not row.illegible and not self._always_slow:
            cells = row.cells
            with suppress(OddCellError):
                values = [
                    None if place is None else read(cells[place])
                    for place, read in zip(self._places, self._readers, strict=True)
                ]
                return self._table.dataset.row(*values), ()
        return self._slowly(row)

    def _slowly(self, row: CsvRow) -> tuple[Any, tuple[Problem, ...]] | Rejected:
        digest = digest_of((self._header, row.cells))
        values = {name: row.cells[index] for index, name in self._kept}
        (made,) = self._loader.load([values], [digest], lambda _index, _key: self._place(row))
        lost = tuple(Problem(name, "not-in-encoding", _LOST) for index, name in self._kept if index in row.illegible)
        if isinstance(made, Rejected) or any(each.field in self._loader.strict for each in lost):
            known = made.problems if isinstance(made, Rejected) else made.notes
            return Rejected(self._name, self._key_of(row), self._place(row), digest, (*known, *lost))
        return made.data, (*made.notes, *lost)

    def _key_of(self, row: CsvRow) -> NativeKey:
        """The key of a row that cannot be used; () unless every part of it can be read."""
        key = []
        for name in self._table.keys:
            place = self._part.names.index(name) if name in self._part.names else None
            try:
                value = None if place is None else self._fields[name].deserialize(row.cells[place])
            except ValidationError:
                return ()
            if place in row.illegible or (value is None and name not in self._table.optional):
                return ()
            key.append(value or "-")
        return tuple(key)

    def _key(self, data: Any) -> NativeKey:
        return tuple([getattr(data, name) or "-" for name in self._table.keys])

    def _place(self, row: CsvRow) -> str:
        return f"{self._part.path.name}:{row.line}"


def _reader(field: Field[Any]) -> Callable[[str], Any]:
    """How a plain cell is read; OddCellError for any other."""
    if isinstance(field, Number):
        return _number
    if isinstance(field, Key):
        return _key
    if isinstance(field, Code):
        return _code
    if isinstance(field, Word):
        return _word
    if isinstance(field, Text):
        return _text
    if isinstance(field, ClockTime) and not field.required:
        return _time
    if isinstance(field, SpreadsheetDate):
        return _day
    read = field.deserialize

    def any_other(cell: str) -> Any:
        try:
            return read(cell)
        except ValidationError:
            raise OddCellError from None

    return any_other


def _text(cell: str) -> str | None:
    if cell.isprintable() and len(cell) <= _SHORT:
        return cell.strip() or None
    raise OddCellError


def _word(cell: str) -> str | None:
    text = _text(cell)
    return None if text == "NULL" else text


def _code(cell: str) -> str | None:
    text = _word(cell)
    return number_of(text) if text else None


def _key(cell: str) -> str:
    text = _text(cell)
    if text is None:
        raise OddCellError
    return text


def _number(cell: str) -> str:
    return number_of(_key(cell))


def _time(cell: str) -> str | None:
    if not cell:
        return None
    try:
        if cell[0].isdigit():
            return time_of(cell)
    except ValidationError:
        pass
    raise OddCellError


def _day(cell: str) -> date | None:
    if not cell:
        return None
    try:
        if cell[0].isdigit():
            return day_of(cell.partition(" ")[0].partition("T")[0])
    except ValidationError:
        pass
    raise OddCellError
