"""What index rows say by a number: URIs, and where references lead. Each stands in the index once, for good.

Numbers are given in the order of appearance: what is written together stands together, and rows are small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Table

from gateway.search.parameter_types.terms import Reference
from gateway.search.tables import TARGET, URI_TEXT
from gateway.store.sql import Row, WriterSql

Posting = tuple[int, int, int, int]
"""A row of references."""
_Place = tuple[str, str]
"""Id and type."""
_Identifier = tuple[str, int]
_NONE: _Identifier = ("", 0)
# Our own names, here and below.
_URIS = f"SELECT value, number FROM {URI_TEXT.name} WHERE value IN (??)"  # noqa: S608
_RESOURCES = f"SELECT id, type, number, code, system FROM {TARGET.name} WHERE id IN (??)"  # noqa: S608
_OTHERS = f"SELECT code, system, number FROM {TARGET.name} WHERE id = '' AND code IN (??)"  # noqa: S608
_IDENTIFY = f"UPDATE {TARGET.name} SET code = ?, system = ? WHERE number = ?"  # noqa: S608


class _Kept(NamedTuple):
    """What one transaction knows: if it is rolled back, numbers that it gave were never there."""

    transaction: object
    uris: dict[str, int]
    targets: dict[_Place, tuple[int, _Identifier]]


def _kept(connection: Connection) -> _Kept:
    transaction = connection.get_transaction()
    kept: _Kept | None = connection.info.get(__name__)
    if kept is None or kept.transaction is not transaction:
        kept = connection.info[__name__] = _Kept(transaction, {}, {})
    return kept


def uris(connection: Connection, values: Iterable[str]) -> dict[str, int]:
    """The number of each, and of others."""
    known = _kept(connection).uris
    if unknown := {value for value in values if value not in known}:
        sql = WriterSql(connection)
        known.update((row[0], row[1]) for row in sql.rows(_URIS, list(unknown)))
        new = sorted(unknown - known.keys())
        known.update(zip(new, _number(sql, URI_TEXT, [(value,) for value in new]), strict=True))
    return known


def postings(connection: Connection, referrers: Iterable[tuple[int, Sequence[Reference]]]) -> list[Posting]:
    """The rows of references, given by pk. Where they lead has a number from now on."""
    found = [(pk, each) for pk, references in referrers for each in references]
    known, sql = _kept(connection).targets, WriterSql(connection)
    _learn(sql, known, (each for _, each in found))
    rows: dict[tuple[int, int, int], int] = {}
    others: list[tuple[int, Reference]] = []
    for pk, each in found:
        target_id, target_type, key, code, system = each
        if target_id:
            number, own = known[target_id, target_type]
            if code and own == (code, system):
                rows[number, key, pk] = 1
                continue
            rows.setdefault((number, key, pk), 0)
        if code or not target_id:
            others.append((pk, each))
    if others:
        numbers = _others(sql, {each[3:] for _, each in others})
        rows.update({(numbers[each[3:]], each[2], pk): int(each[3] != "") for pk, each in others})
    return [(*place, identified) for place, identified in rows.items()]


def _learn(sql: WriterSql, known: dict[_Place, tuple[int, _Identifier]], references: Iterable[Reference]) -> None:
    """Know numbers and identifiers of what has an id. The first identifier that a reference carries is its target's."""
    carried: dict[_Place, _Identifier] = {}
    for each in references:
        place = each[:2]
        lacks = place not in known or (each[3] and not known[place][1][0])
        if lacks and each[0] and not carried.get(place, _NONE)[0]:
            carried[place] = each[3:]
    if unknown := {target_id for target_id, target_type in carried if (target_id, target_type) not in known}:
        for target_id, target_type, number, *own in sql.rows(_RESOURCES, list(unknown)):
            known[target_id, target_type] = number, (own[0], own[1])
    new = [place for place in carried if place not in known]
    gained = [place for place in carried if place in known and carried[place][0] and not known[place][1][0]]
    numbers = _number(sql, TARGET, [(*place, *carried[place]) for place in new])
    sql.many(_IDENTIFY, [(*carried[place], known[place][0]) for place in gained])
    known.update({place: (number, carried[place]) for place, number in zip(new, numbers, strict=True)})
    known.update({place: (known[place][0], carried[place]) for place in gained})


def _others(sql: WriterSql, wanted: Collection[_Identifier]) -> dict[_Identifier, int]:
    """Numbers of identifiers that no target has for its own; and of nothing."""
    codes = list({code for code, _ in wanted})
    known = {(row[0], row[1]): row[2] for row in sql.rows(_OTHERS, codes)}
    new = sorted(set(wanted) - known.keys())
    known.update(zip(new, _number(sql, TARGET, [("", "", *each) for each in new]), strict=True))
    return known


def _number(sql: WriterSql, table: Table, rows: Sequence[Row]) -> range:
    """Write rows that are not there yet, with the next numbers; these."""
    if not rows:
        return range(0)
    last = int(sql.rows(f"SELECT coalesce(max(number), 0) FROM {table.name}")[0][0])  # noqa: S608
    marks = ", ".join("?" for _ in table.columns)
    numbers = range(last + 1, last + 1 + len(rows))
    into = f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES ({marks})"  # noqa: S608
    sql.many(into, [(number, *row) for number, row in zip(numbers, rows, strict=True)])
    return numbers
