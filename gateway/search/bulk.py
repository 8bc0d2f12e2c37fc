"""Index rows of many resources as columns, sorted as the tables are.

They are made where resources are read, beside the one that writes: it has to put in numbers, and nothing to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import compress
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from gateway.search import numbers
from gateway.search.parameter_types.terms import Place
from gateway.search.tables import DATE, ENTRY, QUANTITY, REFERENCE, STRING, TOKEN, URI

_TOGETHER = 100
"""Rows that one statement writes: a statement takes longer to begin than to write a row."""

Columns = Sequence[Sequence[Any]]


class IndexRows(NamedTuple):
    """All index rows of one resource, without its pk. Picklable."""

    entry: int
    string: tuple[tuple[int, str, str, int], ...]
    token: tuple[tuple[int, str, int, int], ...]
    date: tuple[tuple[int, int, int, int], ...]
    quantity: tuple[tuple[int, float, float, str, str, str, int], ...]
    uri: tuple[tuple[int, str, int], ...]
    reference: tuple[tuple[Place, tuple[int, ...]], ...]
    """Each place once, with the keys of all that lead there."""


class Bulk(NamedTuple):
    """All index rows of many resources. Where the tables have a pk, here is the resource's number: 0 for the first.

    Instead of the numbers of URIs and of places, here are their positions in `uris` and `places`. Picklable.
    """

    entry: Sequence[int]
    """By the resource's number."""
    string: Columns
    token: Columns
    date: Columns
    quantity: Columns
    uris: Sequence[str]
    uri: Columns
    places: Sequence[Place]
    reference: Columns
    """Position of the place, key, resource."""


def bulk(resources: Sequence[IndexRows]) -> Bulk:
    """The rows of resources, which get the numbers from 0 on."""
    counted = list(enumerate(resources))
    uris: dict[str, int] = {}
    uri = [(uris.setdefault(v, len(uris)), k, n, e) for n, rows in counted for k, v, e in rows.uri]
    places: dict[Place, int] = {}
    leads = [
        (places.setdefault(place, len(places)), key, n)
        for n, rows in counted
        for place, keys in rows.reference
        for key in keys
    ]
    return Bulk(
        [rows.entry for rows in resources],
        _columns([(k, v, n, x, e) for n, rows in counted for k, v, x, e in rows.string]),
        _columns([(k, c, n, s, e) for n, rows in counted for k, c, s, e in rows.token]),
        _columns([(k, a, n, z, e) for n, rows in counted for k, a, z, e in rows.date]),
        _columns([(k, a, n, z, s, c, u, e) for n, rows in counted for k, a, z, s, c, u, e in rows.quantity]),
        list(uris),
        _columns(uri),
        list(places),
        _columns(leads),
    )


def put(connection: Connection, rows: Bulk, pks: Sequence[int | None]) -> None:
    """Write the rows of resources, by number under these pks; those that have none are left out."""
    _insert(connection, ENTRY, _without_none((pks, rows.entry), pks))
    for table, columns in ((STRING, rows.string), (TOKEN, rows.token), (DATE, rows.date), (QUANTITY, rows.quantity)):
        _insert(connection, table, _placed(columns, pks))
    if placed := _placed(rows.uri, pks):
        positions, *rest = placed
        known = numbers.uris(connection, [rows.uris[each] for each in sorted(set(positions))])
        _insert(connection, URI, ([known[rows.uris[each]] for each in positions], *rest))
    put_references(connection, rows.places, _placed(rows.reference, pks))


def put_references(connection: Connection, places: Sequence[Place], leads: Columns) -> None:
    """Write rows of references: columns of positions of places, keys and pks."""
    _insert(connection, REFERENCE, list(zip(*numbers.postings(connection, places, leads), strict=True)))


def _columns(rows: list[tuple[Any, ...]]) -> Columns:
    rows.sort()
    return tuple(zip(*rows, strict=True))


def _placed(columns: Columns, pks: Sequence[int | None]) -> Columns:
    """Columns whose third is numbers of resources, with their pks instead."""
    if not columns:
        return ()
    first, second, resources, *rest = columns
    third = [pks[each] for each in resources]
    return _without_none((first, second, third, *rest), third)


def _without_none(columns: Columns, pks: Sequence[int | None]) -> Columns:
    """Columns without the rows whose pk is None."""
    if None not in pks:
        return columns
    there = [pk is not None for pk in pks]
    return tuple(list(compress(column, there)) for column in columns) if any(there) else ()


def _insert(connection: Connection, table: Table, columns: Columns) -> None:
    if not columns:
        return
    wide = len(columns)
    flat: list[Any] = [None] * (wide * len(columns[0]))
    for place, column in enumerate(columns):
        flat[place::wide] = column
    step = wide * _TOGETHER
    together = len(flat) - len(flat) % step
    mark = mark_of(connection)
    for start, end, size in ((0, together, step), (together, len(flat), wide)):
        if parts := [tuple(flat[each : each + size]) for each in range(start, end, size)]:
            connection.exec_driver_sql(_text(table, mark, size // wide), parts)


def mark_of(connection: Connection) -> str:
    """How the driver's SQL spells a value."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


@cache
def _text(table: Table, mark: str, rows: int) -> str:
    marks = f"({', '.join(mark for _ in table.columns)})"
    return f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES {', '.join([marks] * rows)}"  # noqa: S608
