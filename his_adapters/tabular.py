"""Flat native rows to records: column aliases, batches through marshmallow, rejects with reasons. Knows no store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from itertools import repeat
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from marshmallow import EXCLUDE, Schema, ValidationError, missing
from marshmallow.fields import Field

from his_adapters.base import Column, Problem, Record, Rejected, SourceConfigError
from his_adapters.native_fields import Amount, IsoDate, Key, Text, WholeNumber

BATCH = 500
"""Rows loaded at once: marshmallow costs about half as much a row in batches."""

_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Join:
    """Cells that a row takes from the one row of another dataset whose key it names.

    A key of rows that disagree gives nothing: taking one of them could give a person what is another's.
    """

    field: str
    """The field of this row that holds the other row's key; on a server, of an earlier join too."""
    dataset: str
    """The name of the other dataset."""
    taken: Mapping[str, str]
    """Field of the other row -> field of this row. None of these is read from a column of this dataset."""
    by: str = ""
    """On a server: the field of the other row that is compared, where it is not its key."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One native table or file: what its rows are, and under which spellings its columns are known."""

    name: str
    key: str
    """The field that holds the native key."""
    row: type
    """A frozen dataclass; its fields are the canonical names. A broken field refuses the whole row where its type has
    no None; any other broken field is left out and noted."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other spellings of the columns: native name -> canonical field."""
    strict: frozenset[str] = frozenset()
    """Fields that may be absent but refuse the whole row when they are broken: half a bill is worse than none."""
    joins: tuple[Join, ...] = ()
    """What its rows need of other datasets' rows."""


def folded(column: str) -> str:
    """A column name without case, blanks and punctuation: `Patient ID`, `patient_id` and `PATIENT-ID` are one."""
    return _NOT_A_WORD.sub("", column.casefold())


def columns_of(dataset: Dataset, found: Sequence[str], where: str) -> list[str | None]:
    """The canonical field of each column found (None = not read). The canonical spelling wins over an alias.

    Raises SourceConfigError when the key's column is not there under any spelling.
    """
    joined = {name for join in dataset.joins for name in join.taken.values()}
    canonical = {folded(item.name): item.name for item in fields(dataset.row) if item.name not in joined}
    spelled = {folded(native): name for native, name in dataset.aliases.items()}
    direct = {canonical[folded(column)] for column in found if folded(column) in canonical}
    taken: set[str] = set()
    names: list[str | None] = []
    for column in found:
        name = canonical.get(folded(column))
        if name is None:
            name = spelled.get(folded(column))
            name = None if name in direct else name
        if name in taken:
            name = None
        if name is not None:
            taken.add(name)
        names.append(name)
    if dataset.key not in taken:
        raise SourceConfigError(
            f"column {dataset.key} is missing from {dataset.name}",
            where,
            "rename the column, or check which file this is",
        )
    return names


def told_columns(stream: str, found: Sequence[str], names: Iterable[str | None] = repeat(None)) -> list[Column]:
    """The columns found with the fields that they are read as; one without a name is told by its place."""
    listed = enumerate(zip(found, names, strict=False), start=1)
    return [Column(stream, column.strip() or f"column {place}", name) for place, (column, name) in listed]


def digest_of(native: object) -> bytes:
    """A digest of one native row: equal rows have equal digests, in every run."""
    return hashlib.blake2b(repr(native).encode("utf-8", "surrogatepass"), digest_size=16).digest()


_FIELDS: Mapping[Any, Callable[..., Field[Any]]] = {
    str: Text,
    date: IsoDate,
    Decimal: Amount,
    int: WholeNumber,
}


def schema_of(row: type) -> type[Schema]:
    """The marshmallow schema of a row's dataclass: text, dates, decimals and whole numbers by their annotation.

    A `str` that may not be None is a key. `Annotated[X, field]` names any other marshmallow field.
    """
    made: dict[str, Field[Any]] = {}
    for name, hint in get_type_hints(row, include_extras=True).items():
        if get_origin(hint) is Annotated:
            made[name] = next(each for each in get_args(hint) if isinstance(each, Field))
            continue
        kinds = [each for each in get_args(hint) if each is not type(None)] or [hint]
        required = type(None) not in get_args(hint)
        make = Key if required and kinds == [str] else _FIELDS[kinds[0]]
        made[name] = make(required=required, allow_none=not required, error_messages=_MISSING)
    return Schema.from_dict(made, name=f"{row.__name__}Schema")


_MISSING: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "missing: the field is not there",
    "null": "missing: the field is empty",
}


class RowLoader:
    """Loads batches of raw rows of one dataset into records and rejects.

    The cells of a sound row are read by their fields one by one. A row with any other cell goes through the whole
    schema, which says all that is wrong with it.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._schema = schema_of(dataset.row)(unknown=EXCLUDE)
        self.strict = {name for name, each in self._schema.fields.items() if each.required} | dataset.strict
        """The fields that refuse the whole row when they are broken."""
        self._names = tuple(item.name for item in fields(dataset.row))
        self._key = self._names.index(dataset.key)
        self._readers = [(name, *_reader(self._schema.fields[name])) for name in self._names]

    def load(
        self, rows: Sequence[Mapping[str, Any]], digests: Sequence[bytes], locators: Callable[[int, str], str]
    ) -> Iterator[Record | Rejected]:
        """One record or reject a row, in order. `locators(index, key)` says where a row of the batch lies."""
        for index, (values, found) in enumerate([self._values(row) for row in rows]):
            key = values[self._key]
            locator = locators(index, key or "")
            if key is None or (found and any(each.field in self.strict for each in found)):
                yield Rejected(self._dataset.name, (key,) if key else (), locator, digests[index], found)
                continue
            yield Record(self._dataset.name, (key,), self._dataset.row(*values), locator, digests[index], found)

    def _values(self, row: Mapping[str, Any]) -> tuple[list[Any], tuple[Problem, ...]]:
        """The values of the fields, None for a broken one, and what is wrong with them."""
        try:
            return [read(row.get(name, absent)) for name, absent, read in self._readers], ()
        except ValidationError:
            return self._by_schema(row)

    def _by_schema(self, row: Mapping[str, Any]) -> tuple[list[Any], tuple[Problem, ...]]:
        loaded: Any
        found: tuple[Problem, ...] = ()
        try:
            loaded = self._schema.load(row)
        except ValidationError as error:
            loaded, found = error.valid_data, tuple(_problems(error.messages))
        return [loaded.get(name) for name in self._names], found


def _reader(field: Field[Any]) -> tuple[Any, Callable[[Any], Any]]:
    """What a field reads where no cell is, and how it reads one: without those steps of marshmallow that it lacks."""
    if field.required:
        return missing, field.deserialize
    if not field.allow_none or field.validators or field.pre_load or field.post_load:
        return None, field.deserialize
    read = field._deserialize  # noqa: SLF001 - what a marshmallow field of one's own defines
    return None, lambda cell: None if cell is None else read(cell, None, None)


def _problems(found: Any, prefix: str = "") -> Iterator[Problem]:
    """marshmallow's nested messages as flat problems."""
    if isinstance(found, Mapping):
        for name, inner in found.items():
            yield from _problems(inner, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(found, str):
        rule, separator, reason = found.partition(": ")
        if separator:
            yield Problem(prefix, rule, reason)
        else:
            yield Problem(prefix, "invalid", found)
    elif isinstance(found, Iterable):
        for inner in found:
            yield from _problems(inner, prefix)
