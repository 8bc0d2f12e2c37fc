"""The whole index, read for a run over all records, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.identity.cluster import Pair
from gateway.identity.roster import unpacked
from gateway.identity.traits import Traits
from gateway.store.sql import Sql

_PAGE = 5_000
_RECORDS = "SELECT number, traits FROM identity_record WHERE number > ? ORDER BY number LIMIT ?"
_PERSONS = "SELECT number, record, person FROM identity_record WHERE number > ? ORDER BY number LIMIT ?"
_RULINGS = "SELECT first, second, same FROM identity_ruling ORDER BY seq"


def everybody(sql: Sql) -> Iterator[Traits]:
    """The traits of every record."""
    after = 0
    while rows := sql.rows(_RECORDS, after, _PAGE):
        yield from (unpacked(row[1]) for row in rows)
        after = rows[-1][0]


def person_of_everybody(sql: Sql) -> dict[str, str]:
    """The person of every record."""
    found: dict[str, str] = {}
    after = 0
    while rows := sql.rows(_PERSONS, after, _PAGE):
        found.update((row[1], row[2]) for row in rows)
        after = rows[-1][0]
    return found


def all_rulings(sql: Sql) -> dict[Pair, bool]:
    """What people have ruled about pairs of records, whether these live or not: True = the same person."""
    return {(first, second): bool(same) for first, second, same in sql.rows(_RULINGS)}
