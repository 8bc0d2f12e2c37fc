"""A small simulated store of which one native column at a time is changed, to see which elements change with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from his_adapters.base import Checkpoint, Column, Record
from mappers.base import Resource
from mappers.fhir.paths import stated
from tests.his_adapters.contract import opened
from tests.laws.native_files import Row, read_rows, tables_in, write_rows
from tests.mappers.mapped import mapped

_NOTHING = (None, "", [], {})
Values = Callable[[list[Any]], list[Any]]
"""What a column holds -> what it holds instead."""
Rewrite = Callable[[str, Row], Row]
"""Table and row -> the row as it is written."""


class _Told(NamedTuple):
    native: object
    made: list[Resource]


class NativeStore:
    """Written once. `changed_by` changes a column, looks what has become of the rows, and puts the column back."""

    def __init__(self, adapter: str, folder: Path, rewrite: Rewrite = lambda table, row: row) -> None:
        self._adapter, self._folder = adapter, folder
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        tables = [(path, table) for path in files for table in tables_in(path)]
        self._rows = {(path, table): [rewrite(table, row) for row in read_rows(path, table)] for path, table in tables}
        self._write(list(self._rows))
        source = opened(adapter, folder)
        self.columns = source.columns()
        self._keys = {stream.name: stream.key for stream in source.streams()}
        self._told = {name: self._tell(name) for name in self._keys}
        self._touched: dict[str, list[str]] = {}

    def changed_by(self, column: Column) -> set[str]:
        """The elements that are other ones, in any row of any stream, when the column holds other values.

        A type alone: some rows make more or fewer resources of it than before, and nothing else of it changes. An id
        is told only where nothing else changes: it is made of the key, and so is the identifier, which says more.
        """
        streams = self._streams_with(column.stream)
        found = self._differences({column: self._others(column)}, streams, self._told)
        if any("." not in path for path in found):
            for others in (_renamed_once, _renamed_twice, _emptied):
                found |= self._differences({column: others}, streams, self._told)
        if not found and column.field:
            found = self._unmasked(column)
        found = {path for path in found if not path.endswith(".id")} or found
        return {path for path in found if "." in path or not any(each.startswith(f"{path}.") for each in found)}

    def _unmasked(self, column: Column) -> set[str]:
        """The same where another column of the row, which is preferred to this one, is empty."""
        for other in self.columns:
            if other.stream == column.stream and other.field and other != column:
                with self._changed({other: _emptied}):
                    told = {column.stream: self._tell(column.stream)}
                if found := self._differences({column: self._others(column), other: _emptied}, list(told), told):
                    return found
        return set()

    def _streams_with(self, stream: str) -> list[str]:
        """The streams of which some row is another one when all columns of a stream hold other values at once."""
        if stream not in self._touched:
            columns = {column: self._others(column) for column in self.columns if column.stream == stream}
            with self._changed(columns):
                source = opened(self._adapter, self._folder)
                self._touched[stream] = [
                    name
                    for name, told in self._told.items()
                    if list(source.read(name, None)) != [each.native for each in told]
                ]
        return self._touched[stream]

    def _others(self, column: Column) -> Values:
        return _new_keys if self._keys[column.stream] == (column.field,) else _other_values

    @contextmanager
    def _changed(self, columns: Mapping[Column, Values]) -> Iterator[None]:
        """The store while columns of one stream hold other values."""
        stream = next(iter(columns)).stream
        tables = [key for key in self._rows if stream in {key[1], key[1].lower(), *key[1].split("_")}]
        before: list[tuple[Row, str, Any]] = []
        for column, others in columns.items():
            cells = [cell for key in tables for row in self._rows[key] for cell in _cells(row, column.name)]
            values = [inside[name] for inside, name in cells]
            for (inside, name), value, other in zip(cells, values, others(values), strict=True):
                before.append((inside, name, value))
                inside[name] = other
        self._write(tables)
        try:
            yield
        finally:
            for inside, name, value in before:
                inside[name] = value
            self._write(tables)

    def _write(self, tables: list[tuple[Path, str]]) -> None:
        for path, table in tables:
            write_rows(path, table, self._rows[path, table])

    def _tell(self, stream: str) -> list[_Told]:
        told = opened(self._adapter, self._folder).read(stream, None)
        return [_Told(each, _made(self._adapter, each)) for each in told]

    def _differences(
        self, columns: Mapping[Column, Values], streams: Iterable[str], before: Mapping[str, list[_Told]]
    ) -> set[str]:
        found: set[str] = set()
        with self._changed(columns):
            source = opened(self._adapter, self._folder)
            for stream in streams:
                for was, now in zip(before[stream], source.read(stream, None), strict=True):
                    if not _same(was.native, now):
                        found.update(_differences(was.made, _made(self._adapter, now)))
        return found


def _same(was: object, now: object) -> bool:
    """Whether a mapper cannot tell two rows apart."""
    if isinstance(was, Record) and isinstance(now, Record):
        return (was.key, was.data) == (now.key, now.data)
    return not isinstance(was, Record) and not isinstance(now, Record)


def _made(adapter: str, told: object) -> list[Resource]:
    if isinstance(told, Checkpoint):
        assert told.complete
    if not isinstance(told, Record):
        return []
    one = mapped(adapter, told)
    return one.own + one.shared


def _differences(before: list[Resource], after: list[Resource]) -> Iterator[str]:
    for kind in {made["resourceType"] for made in before + after}:
        was = {made["id"]: made for made in before if made["resourceType"] == kind}
        now = {made["id"]: made for made in after if made["resourceType"] == kind}
        pairs = [(was.pop(each), now.pop(each)) for each in was.keys() & now.keys()]
        if len(was) == len(now):
            pairs += zip(was.values(), now.values(), strict=True)
        else:
            yield kind
        for one, other in (pair for pair in pairs if pair[0] != pair[1]):
            old, new = _elements(one), _elements(other)
            yield from (path for path in old | new if old.get(path) != new.get(path))


def _elements(resource: Resource) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for path, value in stated(resource):
        found.setdefault(path, []).append(value)
    return found


def _cells(row: Any, path: str) -> Iterator[tuple[Row, str]]:
    """Where the values of a column stand in a row: objects and their names."""
    if not isinstance(row, dict):
        return
    if path in row:
        if not _is_object(row[path]):
            yield row, path
        return
    head, dot, rest = path.partition(".")
    inside = row.get(head.removesuffix("[]")) if dot else None
    for part in inside if isinstance(inside, list) else (inside,):
        yield from _cells(part, rest)


def _is_object(value: Any) -> bool:
    """Whether a value has columns of its own: Extended JSON's wrappers have not."""
    parts = value if isinstance(value, list) else (value,)
    return any(isinstance(part, dict) and part and not next(iter(part)).startswith("$") for part in parts)


def _other_values(values: list[Any]) -> list[Any]:
    """Each value replaced by the next other one of the column. One value alone goes; where there is none, one comes."""
    filled = [value for value in values if value not in _NOTHING]
    if len(_distinct(filled)) < 2:
        return _emptied(values) if filled else ["1"] * len(values)
    others: list[Any] = []
    following, other = filled[0], None
    for value in reversed(filled + filled):
        if repr(value) != repr(following):
            following, other = value, following
        others.append(other)
    found = iter(others[: len(filled) - 1 : -1])
    return [value if value in _NOTHING else next(found) for value in values]


def _renamed(values: list[Any], places: int) -> list[Any]:
    """Each value, wherever it stands, replaced by the same other one."""
    distinct = _distinct([value for value in values if value not in _NOTHING])
    names = list(distinct)
    other = {name: distinct[names[(place + places) % len(names)]] for place, name in enumerate(names)}
    return [other.get(repr(value), value) for value in values]


def _renamed_once(values: list[Any]) -> list[Any]:
    return _renamed(values, 1)


def _renamed_twice(values: list[Any]) -> list[Any]:
    return _renamed(values, 2)


def _emptied(values: list[Any]) -> list[Any]:
    return [None] * len(values)


def _distinct(values: list[Any]) -> dict[str, Any]:
    return {repr(value): value for value in values}


def _new_keys(values: list[Any]) -> list[Any]:
    return [_new_key(value) for value in values] if len(_distinct(values)) == len(values) else _other_values(values)


def _new_key(value: Any) -> Any:
    if isinstance(value, int):
        return value + 5_000_000
    if isinstance(value, dict):
        return {name: inside[::-1] for name, inside in value.items()}
    return f"{value}9"
