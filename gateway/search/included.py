"""The resources of a page, and what they include: each once, and real.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from gateway.outcomes import TooCostly
from gateway.search.conditions import padded
from gateway.search.includes import Include, is_indexed
from gateway.search.statements import Statements
from gateway.store import Snapshot

INCLUDED_AT_MOST = 10_000
"""Resources that a page may bring besides its matches."""


class Row(NamedTuple):
    """A current resource."""

    type: str
    id: str
    version: int
    updated: int
    """ms since 1970 UTC."""
    body: bytes


Rows = dict[int, Row]
"""Resources by pk."""


def resources(statements: Statements, snapshot: Snapshot, pks: list[int]) -> Rows:
    """The resources of pks, in their order."""
    if not pks:
        return {}
    listed = _listed("pk", pks)
    found = {row[0]: _row(row[1:]) for row in snapshot.all(statements.bodies(len(listed)), **listed)}
    # Most pages are in the order of their pks, and so is what SQLite finds.
    return found if list(found) == pks else {pk: found[pk] for pk in pks if pk in found}


def included(statements: Statements, snapshot: Snapshot, matches: Rows, includes: Sequence[Include]) -> list[Row]:
    """What matches include, and what this includes in turn. Raises TooCostly."""
    found: Rows = {}
    includes = [include for include in includes if is_indexed(include)]
    newest, wanted = matches, includes
    while newest and wanted:
        added: Rows = {}
        for include in wanted:
            follow = _referring if include.reverse else _referred
            most = INCLUDED_AT_MOST - len(found) - len(added)
            for pk, row in follow(statements, snapshot, newest, include, most + len(matches) + 1):
                if pk not in matches and pk not in found:
                    added[pk] = row
            if len(found) + len(added) > INCLUDED_AT_MOST:
                raise TooCostly(
                    f"the matches of this page bring more than {INCLUDED_AT_MOST} other resources; "
                    "ask for fewer with _count, or search for what refers to them"
                )
        found |= added
        newest, wanted = added, [include for include in includes if include.iterate]
    return list(found.values())


def _referred(
    statements: Statements, snapshot: Snapshot, rows: Rows, include: Include, most: int
) -> Iterable[tuple[int, Row]]:
    """What the rows refer to."""
    listed, keys = _listed("pk", tuple(rows)), _listed("k", include.keys)
    query = statements.included(len(listed), len(keys), targeted=include.target is not None)
    return _rows(snapshot.all(query, **listed, **keys, t=include.target, cap=most))


def _referring(
    statements: Statements, snapshot: Snapshot, rows: Rows, include: Include, most: int
) -> Iterable[tuple[int, Row]]:
    """What refers to the rows."""
    pks = [pk for pk, row in rows.items() if include.target in (None, row.type)]
    if not pks:
        return ()
    listed, keys = _listed("pk", pks), _listed("k", include.keys)
    query = statements.referring(len(listed), len(keys))
    return _rows(snapshot.all(query, **listed, **keys, cap=most))


def _rows(found: list[tuple[Any, ...]]) -> Iterable[tuple[int, Row]]:
    return ((row[0], _row(row[1:])) for row in found)


_row: Callable[[tuple[Any, ...]], Row] = partial(tuple.__new__, Row)
"""What `Row._make` does; it takes five times as long, for each row of a page."""


def _listed(name: str, values: Sequence[Any] | None) -> dict[str, Any]:
    if not values:
        return {}
    values = padded(values)
    return dict(zip(_names(name, len(values)), values, strict=True))


@cache
def _names(name: str, size: int) -> tuple[str, ...]:
    """The names of so many values, a power of two."""
    return tuple(f"{name}{at}" for at in range(size))
