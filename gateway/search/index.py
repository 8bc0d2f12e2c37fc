"""The search index: resources in, rows out, kept in bulk.

`index_rows` is pure and can run in any process; `write` puts what it made beside the store's own tables, in the
caller's transaction. Knows no query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from gateway.search.bulk import Bulk, IndexRows, bulk, mark_of, put, put_references
from gateway.search.fhirpath import extractor
from gateway.search.numbers import arrived, postings
from gateway.search.parameter_types import reference, sinks
from gateway.search.parameter_types.terms import Place, Rows
from gateway.search.parameters import INDEXED_TYPES, offered, row_key, system_key
from gateway.search.tables import (
    DATE,
    ENTRY,
    HIGHEST,
    INDEX,
    LOWEST,
    QUANTITY,
    REFERENCE,
    STRING,
    TARGET,
    TOKEN,
    UNNAMED,
    URI,
)

__all__ = [
    "INDEX",
    "TABLES",
    "Bulk",
    "IndexRows",
    "bulk",
    "gained",
    "index_rows",
    "referrers",
    "unreferred",
    "write",
    "write_references",
]

TABLES = (INDEX,)
"""For `Store.open(url, extra=TABLES)`."""

_ANY_REFERENCE = row_key(UNNAMED)
_STORED_BY_COLUMN = ("_id", "_lastUpdated")
_IN_ONE_STATEMENT = 500


def index_rows(resource: dict[str, Any], targets: Sequence[tuple[str, str]] | None = None) -> IndexRows:
    """The index rows of a resource, which stays as it is.

    `targets`: (type, id) of all that its literal references lead to, where that is known: looking for them takes a
    fifth of the time.
    """
    resource_type: str = resource["resourceType"]
    rows = Rows([], [], [], [], [], [])
    _extractor(resource_type)(resource, rows)
    places: dict[Place, tuple[int, ...]] = {}
    for place, key in rows.reference:
        keys = places.get(place, ())
        if key not in keys:
            places[place] = (*keys, key)
    named = {place[:2] for place in places}
    for target_type, target_id in map(reference.target, _literals(resource)) if targets is None else targets:
        if target_id and (target_id, target_type) not in named:
            places[target_id, target_type, "", 0] = (_ANY_REFERENCE,)
    return IndexRows(
        row_key(resource_type),
        _edged(rows.string),
        _edged([(key, code, system_key(system)) for key, code, system in rows.token]),
        _edged(rows.date),
        _edged(rows.quantity),
        _edged(rows.uri),
        tuple(places.items()),
    )


def gained(rows: IndexRows, resource_type: str, elements: dict[str, Any]) -> IndexRows:
    """The rows of a resource that gains elements, or values of a list, which have parameters of their own.

    The same as `index_rows` of the whole resource, without looking at the rest of it again.
    """
    more, none = index_rows({"resourceType": resource_type, **elements}), _nothing(resource_type)
    places = {place: keys for place, keys in rows.reference if keys != (_ANY_REFERENCE,)}
    unnamed = {place: keys for place, keys in rows.reference if place not in places}
    for place, keys in more.reference:
        places[place] = tuple(dict.fromkeys((*places.get(place, ()), *keys)))
    named = {place[:2] for place in places}
    places.update((place, keys) for place, keys in unnamed.items() if place[:2] not in named)
    return IndexRows(
        rows.entry,
        _united(rows.string, more.string, none.string),
        _united(rows.token, more.token, none.token),
        _united(rows.date, more.date, none.date),
        _united(rows.quantity, more.quantity, none.quantity),
        _united(rows.uri, more.uri, none.uri),
        tuple(places.items()),
    )


def _united(rows: tuple[Any, ...], more: tuple[Any, ...], none: tuple[Any, ...]) -> tuple[Any, ...]:
    """Rows and those of `more` that are not in `none`, with their edges anew."""
    fresh = {row[:-1] for row in more} - {row[:-1] for row in none}
    return _edged([*(row[:-1] for row in rows), *fresh]) if fresh else rows


@cache
def _nothing(resource_type: str) -> IndexRows:
    """The rows of a resource that says nothing: what its parameters find even so."""
    return index_rows({"resourceType": resource_type})


@cache
def _extractor(resource_type: str) -> Callable[[dict[str, Any], Rows], None]:
    """One walk for all parameters of a type."""
    if resource_type not in INDEXED_TYPES:
        raise KeyError(resource_type)
    indexed = (each for each in offered(resource_type).values() if each.code not in _STORED_BY_COLUMN)
    return extractor(found for parameter in indexed for found in sinks(parameter))


def _edged(rows: list[Any]) -> tuple[Any, ...]:
    """Each row once, with the mark of the one that sorts first, and last, under its key."""
    if len(rows) > 1:
        rows = sorted(set(rows))
    made = []
    key = None
    for row in rows:
        if row[1] == "" or (type(row[1]) is not str and row[1] > row[2]):  # nothing to sort by
            made.append((*row, 0))
            continue
        if row[0] == key:
            made.append((*row, HIGHEST))
            before = made[-2]
            made[-2] = (*before[:-1], before[-1] & LOWEST)
        else:
            key = row[0]
            made.append((*row, LOWEST | HIGHEST))
    return tuple(made)


def _literals(resource: dict[str, Any]) -> list[str]:
    """Every literal reference in a resource, wherever it stands. Most values are texts: they are asked for first."""
    found: list[str] = []
    elements: list[Any] = [resource]
    for element in elements:  # grows as it is walked
        for name, value in element.items():
            kind = type(value)
            if kind is str:
                if name == "reference":
                    found.append(value)
            elif kind is dict:
                elements.append(value)
            elif kind is list:
                elements += [item for item in value if type(item) is dict]
    return found


def write(
    connection: Connection,
    additions: Sequence[tuple[int, IndexRows | int]],
    removals: Sequence[int],
    many: Bulk | None = None,
) -> None:
    """Remove the rows of resources by pk, then add others, in the caller's transaction.

    What is added is rows, or the number that a resource has in `many`. A resource that changes is in both. Index rows
    of a pk that is added must have been removed before.
    """
    if removals:
        gone = [(pk,) for pk in removals]
        for table in (ENTRY, STRING, TOKEN, DATE, QUANTITY, URI, REFERENCE):
            connection.exec_driver_sql(_delete(table, mark_of(connection)), gone)
    known = set(removals)
    arrived(connection, [pk for pk, _ in additions if pk not in known])
    alone = [(pk, rows) for pk, rows in additions if not isinstance(rows, int)]
    if alone:
        put(connection, bulk([rows for _, rows in alone]), [pk for pk, _ in alone])
    numbered = {rows: pk for pk, rows in additions if isinstance(rows, int)}
    if numbered:
        if many is None:
            raise ValueError("Numbers of index rows came without these")
        put(connection, many, [numbered.get(number) for number in range(len(many.entry))])


def write_references(connection: Connection, changes: Sequence[tuple[int, dict[str, Any], dict[str, Any]]]) -> None:
    """Follow resources that have changed in references alone: (pk, before, after), with those elements or with all.

    A tenth of the cost of writing all rows of a resource again.
    """
    places: dict[Place, int] = {}
    removed: list[tuple[int, int, int]] = []
    added: list[tuple[int, int, int]] = []
    for pk, before, after in changes:
        old, new = set(index_rows(before).reference), set(index_rows(after).reference)
        if not any(code for (*_, code, _), _ in old | new):  # else one row may stand for several
            old, new = old - new, new - old
        for rows, found in ((old, removed), (new, added)):
            found += [(places.setdefault(place, len(places)), key, pk) for place, keys in rows for key in keys]
    mark = mark_of(connection)
    if gone := [row[:3] for row in postings(connection, list(places), list(zip(*sorted(removed), strict=True)))]:
        where = f"target = {mark} AND param = {mark} AND pk = {mark}"
        connection.exec_driver_sql(f"DELETE FROM {REFERENCE.name} WHERE {where}", gone)  # noqa: S608
    put_references(connection, list(places), list(zip(*sorted(added), strict=True)))


@cache
def _delete(table: Table, mark: str) -> str:
    return f"DELETE FROM {table.name} WHERE pk = {mark}"  # noqa: S608 - our own names


_LED = f"FROM {TARGET.name} t JOIN {REFERENCE.name} r ON r.target = t.number"  # our own names


def referrers(connection: Connection, targets: Sequence[tuple[str, str]]) -> list[int]:
    """The pks of the resources that refer literally to any of these (type, id)."""
    mark, found = mark_of(connection), set[int]()
    for start in range(0, len(targets), _IN_ONE_STATEMENT):
        some = targets[start : start + _IN_ONE_STATEMENT]
        pairs = ", ".join(f"({mark}, {mark})" for _ in some)
        rows = connection.exec_driver_sql(
            f"SELECT r.pk {_LED} WHERE (t.id, t.type) IN (VALUES {pairs})",
            tuple(value for target_type, target_id in some for value in (target_id, target_type)),
        )
        found.update(pk for (pk,) in rows)
    return sorted(found)


def unreferred(connection: Connection, targets: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of (type, id) to which nothing refers literally. One seek each, however many refer."""
    mark = mark_of(connection)
    text = f"SELECT 1 {_LED} WHERE t.id = {mark} AND t.type = {mark} LIMIT 1"
    return [
        (target_type, target_id)
        for target_type, target_id in targets
        if connection.exec_driver_sql(text, (target_id, target_type)).first() is None
    ]
