"""The steps that the flow is made of, each a plain function, so that the flow names no source.

`PRODUCT` holds the product's own; each imports what it needs on first use, because `serve` imports this package too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import his_adapters
import mappers
from gateway.sync.links import Target
from his_adapters.base import Adapter, SourceConfig
from mappers.base import Mapping, MappingContext, Resource


class Finding(Protocol):
    """One broken rule of a resource."""

    @property
    def path(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Steps:
    """Functions of modules, so that a worker process can import them."""

    open_source: Callable[[SourceConfig], Adapter]
    mappings: Callable[[str], tuple[Mapping, ...]]
    hospital: Callable[[MappingContext], Iterable[Resource]]
    check: Callable[[Resource], Sequence[Finding]]
    index_rows: Callable[..., Any]
    """(resource, targets or None): None where it is not known what all its literal references lead to."""
    gained_rows: Callable[[Any, str, Resource], Any]
    """(index rows, type, elements): the rows when a resource of the type gains these elements."""
    bulk: Callable[[Sequence[Any]], Any]
    """The index rows of many resources as one, sorted. Of plain tuples, lists, texts and numbers."""
    write_index: Callable[..., None]
    """(connection, additions, removals, bulk or None): an addition is (pk, index rows), or (pk, their number in it)."""
    write_references: Callable[[Any, Sequence[tuple[int, Resource, Resource]]], None]
    """(connection, (pk, before, after)): the index rows of resources that have changed in references alone."""
    referrers: Callable[[Any, Sequence[Target]], list[int]]
    """(connection, targets): the pks of those that refer literally to any of them."""
    unreferred: Callable[[Any, Sequence[Target]], list[Target]]
    """(connection, targets): those that nothing refers to literally."""
    notes: Callable[[Resource], Any]
    """What linking has to know of a resource; None for what is not a person."""
    notes_digest: Callable[[], str]
    """Changes when that has to be made anew for all persons."""
    mapper_digest: Callable[[str], str]
    """Changes when an adapter's rows have to be mapped again."""
    index_digest: Callable[[], str]
    """Changes when all resources have to be indexed again."""
    terminology: Callable[[], Iterable[Resource]]
    """The gateway's own code tables."""
    terminology_digest: Callable[[], str]
    """Changes when these have to be written again."""


def _open_source(config: SourceConfig) -> Adapter:
    adapter: Adapter = his_adapters.adapter_module(config.adapter).open_source(config)
    return adapter


def _hospital(context: MappingContext) -> Iterable[Resource]:
    from mappers.fhir import hospital

    return hospital(context)


@cache
def _check_function() -> Callable[[Resource], Sequence[Finding]]:
    from mappers.fhir.check import check  # takes what is compiled from fhir.resources

    return check


def _check(resource: Resource) -> Sequence[Finding]:
    return _check_function()(resource)


@cache
def _index() -> Any:
    from gateway.search import index

    return index


def _index_rows(resource: Resource, targets: Sequence[Target] | None = None) -> Any:
    return _index().index_rows(resource, targets)


def _gained_rows(rows: Any, resource_type: str, elements: Resource) -> Any:
    return _index().gained(rows, resource_type, elements)


def _bulk(rows: Sequence[Any]) -> Any:
    return tuple(_index().bulk(rows))


def _write_index(
    connection: Any, additions: Sequence[tuple[int, Any]], removals: Sequence[int], bulk: Any = None
) -> None:
    _index().write(connection, additions, removals, bulk and _index().Bulk._make(bulk))


def _write_references(connection: Any, changes: Sequence[tuple[int, Resource, Resource]]) -> None:
    _index().write_references(connection, changes)


def _referrers(connection: Any, targets: Sequence[Target]) -> list[int]:
    found: list[int] = _index().referrers(connection, targets)
    return found


def _unreferred(connection: Any, targets: Sequence[Target]) -> list[Target]:
    found: list[Target] = _index().unreferred(connection, targets)
    return found


@cache
def _mapper_digest(adapter: str) -> str:
    """A changed line in a mapper, its tables or the check maps its rows again: always right, seldom too often."""
    adapters, folder = Path(his_adapters.__file__).parent, Path(mappers.__file__).parent
    return _code_digest(
        adapters / adapter,
        folder / adapter,
        folder / f"{adapter}.py",
        folder / "base.py",
        folder / "fhir",
        folder / "terminology",
    )


@cache
def _index_digest() -> str:
    return _code_digest(Path(__file__).parent.parent / "search")


def _terminology() -> Iterable[Resource]:
    from mappers.terminology.resources import resources

    return resources()


@cache
def _terminology_digest() -> str:
    folder = Path(mappers.__file__).parent
    return _code_digest(folder / "terminology", folder / "fhir", Path(__file__).parent.parent / "search")


@cache
def _notes() -> Callable[[Resource], Any]:
    from gateway.identity.roster import notes

    return notes


def _notes_of(resource: Resource) -> Any:
    return _notes()(resource) if resource["resourceType"] == "Patient" else None


@cache
def _notes_digest() -> str:
    folder = Path(__file__).parent.parent / "identity"
    return _code_digest(*(folder / f"{name}.py" for name in ("traits", "names", "normalize", "blocking", "roster")))


def _code_digest(*places: Path) -> str:
    digest = blake2b(digest_size=16)
    for place in places:
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


PRODUCT = Steps(
    open_source=_open_source,
    mappings=mappers.mappings,
    hospital=_hospital,
    check=_check,
    index_rows=_index_rows,
    gained_rows=_gained_rows,
    bulk=_bulk,
    write_index=_write_index,
    write_references=_write_references,
    referrers=_referrers,
    unreferred=_unreferred,
    notes=_notes_of,
    notes_digest=_notes_digest,
    mapper_digest=_mapper_digest,
    index_digest=_index_digest,
    terminology=_terminology,
    terminology_digest=_terminology_digest,
)
