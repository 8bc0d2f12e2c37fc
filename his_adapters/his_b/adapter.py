"""Opens HIS_B: `patients.json`, `staff.json`, `finance.json`, streamed; nested objects become rows of known fields.

What an object lacks, or what has another shape than a field needs, is left out; a branch of another shape is noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from his_adapters.base import (
    Adapter,
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
    Stream,
)
from his_adapters.his_b.records import FILES, ObjectFile
from his_adapters.json_files import Element, check_ending, elements, file_digest
from his_adapters.native_fields import kind
from his_adapters.tabular import BATCH, RowLoader, digest_of, folded

_LONGEST_NAME = 100
"""Characters of a name that may be a field's."""
_DEPTH = 3
"""`medical_info.basic_tests.bp`."""
_SAMPLE = 200
"""Elements that show a file's shape."""
_MOST_PATHS = 10_000
"""A file with more of them uses names for values: the first ones show that."""
_LARGEST_BATCH = 1 << 22
"""Characters of the elements that are held at once."""


def open_source(config: SourceConfig) -> Adapter:
    """The adapter of one HIS_B. Does no I/O."""
    return HisB(config)


class HisB:
    """An Adapter over a folder of three JSON files."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._shapes = {each.dataset.name: _Shape(each) for each in FILES}

    def check(self) -> Health:
        """Look at the first objects and the last character of each file."""
        try:
            found = self.streams()
        except SourceError as error:
            return error.health()
        return Health("ok", ", ".join(f"{stream.name}: about {stream.estimated_rows} rows" for stream in found))

    def streams(self) -> list[Stream]:
        """The files, in the order in which they refer to each other. The number of rows is estimated."""
        found = []
        for name, shape in self._shapes.items():
            path = self._file_of(name)
            check_ending(path)
            sample = list(islice(elements(path), _SAMPLE))
            shape.check_key(sample, path)
            used = {place for each in sample for place in shape.places(each.value)}
            rows = len(sample)
            if rows == _SAMPLE:
                rows = round(path.stat().st_size / (sum(each.size for each in sample) / rows))
            key = (shape.file.dataset.key,)
            found.append(Stream(name, key, tuple(sorted(used)), digest_of(sorted(used)).hex(), rows, declared=False))
        return found

    def columns(self) -> list[Column]:
        """The paths of every object of the files; `*` for a .json file beside them."""
        made = []
        for name, shape in self._shapes.items():
            path = self._file_of(name)
            made += shape.columns(elements(path))
            beside = path.parent
        others = sorted(each.stem for each in beside.glob("*.json") if each.stem not in self._shapes)
        return made + [Column(name, "*") for name in others]

    def change_token(self, stream: str) -> str | None:
        """A digest of the file."""
        return file_digest(self._file_of(stream))

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every element of the file, in its order."""
        path, shape = self._file_of(stream), self._shapes[stream]
        loader = RowLoader(shape.file.dataset)
        for batch in _batches(elements(path)):
            if batch[0].number == 1:
                shape.check_key(batch, path)
            yield from _loaded(batch, shape, loader, path.name)
        yield Checkpoint(complete=True)

    def _file_of(self, stream: str) -> Path:
        folder = self._config.path
        if folder is None:
            raise SourceConfigError(
                "no path is configured", str(self._config.name), "set path to the folder of the .json files"
            )
        if not folder.is_dir():
            what = "not a folder" if folder.exists() else "no such folder"
            raise SourceConfigError(what, str(folder), "set path to the folder of the .json files")
        return folder / f"{stream}.json"


class _Shape:
    """Finds the fields of one file's objects, however these are nested and spelled."""

    def __init__(self, file: ObjectFile) -> None:
        self.file = file
        self._key = folded(file.dataset.key)
        self._paths: dict[str, tuple[str, ...]] = {}
        """Field to folded paths."""
        branches: dict[str, str] = {}
        for item in fields(file.dataset.row):
            paths = file.paths.get(item.name, (item.name,))
            self._paths[item.name] = tuple(_folded(path) for path in paths)
            for path in paths:
                parents = path.removeprefix("*.").split(".")[:-1]
                for depth in range(1, len(parents) + 1):
                    native = ".".join(parents[:depth])
                    branches[_folded(native)] = native
        self._branches = branches
        leaves = {path for paths in self._paths.values() for path in paths}
        self._only_branches = {path: native for path, native in branches.items() if path not in leaves}

    def check_key(self, sample: Sequence[Element], path: Path) -> None:
        """Raise SourceConfigError when no object so much as names its key."""
        if sample and not any(folded(name) == self._key for each in sample for name in each.value):
            key = self.file.dataset.key
            raise SourceConfigError(f"no object has {key}", str(path), "rename the key, or check which file this is")

    def places(self, value: Mapping[str, Any]) -> set[str]:
        """The paths of the object that are read, in its own spelling."""
        wanted = {path for paths in self._paths.values() for path in paths}
        return {
            path
            for path, part in _parts(value)
            if not isinstance(part, dict)
            and ((found := _folded(path)) in wanted or f"*.{found.partition('.')[2]}" in wanted)
        }

    def columns(self, found: Iterable[Element]) -> list[Column]:
        """The paths of all objects, in the order of their first appearance, each with the field that reads it."""
        paths: dict[str, None] = {}
        for each in found:
            paths.update((path, None) for path in _leaves(each.value) if len(paths) < _MOST_PATHS)
        branches = {path.rpartition(".")[0] for path in paths}
        branches |= {branch.rpartition(".")[0] for branch in branches}
        readers = {path: field for field, paths in reversed(self._paths.items()) for path in paths}
        made = []
        for path in paths:
            whole = _folded(path)
            name = readers.get(whole) or readers.get(f"*.{whole.partition('.')[2]}")
            # A branch that is null in some objects is no column of its own.
            if name or (path not in branches and whole not in self._only_branches):
                made.append(Column(self.file.dataset.name, path, name))
        return made

    def row(self, value: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        """The fields of an object, and which of its branches are none."""
        parts: dict[str, Any] = {}
        for path, part in _parts(value):
            found = _folded(path)
            if part is not None:
                parts.setdefault(found, part)
                _, dot, leaf = found.partition(".")
                if dot and "." not in leaf:
                    parts.setdefault(f"*.{leaf}", part)
        return {name: self._part(parts, paths) for name, paths in self._paths.items()}, tuple(
            Problem(native, "not-an-object", f"{kind(parts[path])} where an object is expected")
            for path, native in self._only_branches.items()
            if not isinstance(parts.get(path, {}), dict)
        )

    def _part(self, parts: Mapping[str, Any], paths: Sequence[str]) -> Any:
        for path in paths:
            part = parts.get(path)
            if part is not None and not (isinstance(part, dict) and path in self._branches):
                return part
        return None


@lru_cache(maxsize=4096)
def _folded(path: str) -> str:
    return ".".join(part if part == "*" else folded(part) for part in path.split("."))


def _parts(value: Mapping[str, Any], before: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, Any]]:
    """Every part of an object by its path, branches before what is in them."""
    for name, part in value.items():
        if len(name) > _LONGEST_NAME:
            continue
        yield before + name, part
        if depth > 1 and isinstance(part, dict):
            yield from _parts(part, f"{before}{name}.", depth - 1)


def _leaves(value: Mapping[str, Any]) -> Iterator[str]:
    """The paths of an object that lead to no other."""
    return (path for path, part in _parts(value) if not isinstance(part, dict) or path.count(".") == _DEPTH - 1)


def _batches(found: Iterator[Element]) -> Iterator[list[Element]]:
    """Elements by some hundreds, fewer where they are large."""
    batch: list[Element] = []
    size = 0
    for each in found:
        batch.append(each)
        size += each.size
        if len(batch) == BATCH or size > _LARGEST_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _loaded(batch: Sequence[Element], shape: _Shape, loader: RowLoader, file: str) -> Iterator[Record | Rejected]:
    """One record or reject an element, in order."""
    sound = [each for each in batch if not each.problem]
    rows = [shape.row(each.value) for each in sound]

    def locator(index: int, key: str) -> str:
        return _place(file, sound[index].number, key)

    loaded = zip(loader.load([row for row, _ in rows], [each.digest for each in sound], locator), rows, strict=True)
    for each in batch:
        if each.problem:
            yield Rejected(shape.file.dataset.name, (), _place(file, each.number), each.digest, (each.problem,))
            continue
        told, (_, problems) = next(loaded)
        if isinstance(told, Record) and problems:
            yield replace(told, notes=told.notes + problems)
        else:
            yield told


def _place(file: str, number: int, key: str = "") -> str:
    return f"{file}:{number}#{key}" if key else f"{file}:{number}"
