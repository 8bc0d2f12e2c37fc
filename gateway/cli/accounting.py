"""What a source's columns become, and how many of its stored resources have what its columns decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import orjson

from his_adapters import adapter_module
from mappers.coverage import accounts, place_of
from mappers.fhir.paths import is_absent, required, stated

if TYPE_CHECKING:
    from gateway.store import Store
    from his_adapters.base import Column, SourceConfig
    from mappers.base import Resource

Status = Literal["mapped", "ignored", "unknown"]


@dataclass(frozen=True, slots=True)
class AccountedColumn:
    """One native column of a store."""

    stream: str
    column: str
    status: Status
    """`ignored`: on purpose; `unknown`: the store has it, and nobody knows it."""
    elements: tuple[str, ...] = ()
    """The FHIR elements that it decides."""
    reason: str = ""
    """Why it is ignored."""

    @property
    def name(self) -> str:
        """Stream and column in one line that no name can break: it is another's text, and a terminal obeys some."""
        return "".join(letter if letter.isprintable() else "?" for letter in f"{self.stream}.{self.column}")


@dataclass(frozen=True, slots=True)
class FilledElement:
    """How many resources of a type have an element."""

    element: str
    required: bool
    """FHIR demands it."""
    filled: int
    """Those that state it; one that says it is unknown does not."""


@dataclass(frozen=True, slots=True)
class FilledType:
    """The stored resources of one type."""

    type: str
    stored: int
    elements: tuple[FilledElement, ...]


def accounted_columns(source: SourceConfig) -> list[AccountedColumn]:
    """Every column that the source's store has, in the adapter's order. Raises SourceError."""
    table = accounts(source.adapter)
    found: list[Column] = adapter_module(source.adapter).open_source(source).columns()
    made = []
    for column in dict.fromkeys(found):
        row = table.get(place_of(column))
        if row is None:
            made.append(AccountedColumn(column.stream, column.name, "unknown"))
        else:
            status: Status = "mapped" if row.elements else "ignored"
            made.append(AccountedColumn(column.stream, column.name, status, row.elements, row.reason))
    return made


def filled_types(store: Store, source: str, columns: Iterable[AccountedColumn]) -> list[FilledType]:
    """For each stored type: what FHIR demands of it and what the columns decide. Looks at every body, one at a time.

    `meta` is left out: it is about the record, not about the patient.
    """
    targets = [element for column in columns for element in column.elements if ".meta." not in element]
    made = []
    for kind in sorted(store.counts().get(source, {})):
        demanded = required(kind)
        wanted = dict.fromkeys((*demanded, *sorted(each for each in targets if each.startswith(f"{kind}."))))
        stored, filled = 0, Counter[str]()
        for body in store.bodies(source, kind):
            stored += 1
            filled.update(_filled(orjson.loads(body)))
        elements = tuple(FilledElement(path, path in demanded, filled[path]) for path in wanted)
        made.append(FilledType(kind, stored, elements))
    return made


def _filled(resource: Resource) -> set[str]:
    """The paths of the elements that a resource states, those on the way to another one too."""
    found: set[str] = set()
    for path, value in stated(resource):
        if not is_absent(value):
            while path not in found:
                found.add(path)
                path = path.rpartition(".")[0]  # noqa: PLW2901 - up to the type
    return found


def percent(part: int, whole: int) -> float:
    """A share in percent to one decimal, rounded down: only all of it is 100. Nothing of nothing is all of it."""
    return part * 1000 // whole / 10 if whole else 100.0


def share_accounted(columns: Sequence[AccountedColumn]) -> float:
    """How many of the columns are mapped or ignored on purpose, in percent."""
    return percent(sum(column.status != "unknown" for column in columns), len(columns))
