"""What index rows say by a number: URIs, and where references lead. Each stands in the index once, for good.

Numbers are given in the order of appearance: what is written together stands together, and rows are small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Table

from gateway.search.parameter_types.terms import Place
from gateway.search.tables import AWAITED, TARGET, URI_TEXT
from gateway.store import RESOURCE
from gateway.store.sql import Row, WriterSql

Posting = tuple[int, int, int, int]
"""A row of references."""
_Identifier = tuple[str, int]
_NONE: _Identifier = ("", 0)
# Our own names, here and below.
_URIS = f"SELECT value, number FROM {URI_TEXT.name} WHERE value IN (??)"  # noqa: S608
_RESOURCES = f"SELECT id, type, number, code, system FROM {TARGET.name} WHERE id IN (??)"  # noqa: S608
_OTHERS = f"SELECT code, system, number FROM {TARGET.name} WHERE id = '' AND code IN (??)"  # noqa: S608
_HELD = f"SELECT id, pk FROM {RESOURCE.name} WHERE type = ? AND id IN (??)"  # noqa: S608
_AWAIT = f"INSERT INTO {AWAITED.name} (id, type, number) VALUES (?, ?, ?)"  # noqa: S608
_AWAITS = f"SELECT 1 FROM {AWAITED.name} LIMIT 1"  # noqa: S608
_CAME = (
    f"SELECT r.pk, a.number, a.id, a.type FROM {RESOURCE.name} r"  # noqa: S608
    f" JOIN {AWAITED.name} a ON a.id = r.id AND a.type = r.type WHERE r.pk IN (??)"
)
_PLACE = f"UPDATE {TARGET.name} SET pk = ? WHERE number = ?"  # noqa: S608
_ARRIVED = f"DELETE FROM {AWAITED.name} WHERE id = ? AND type = ?"  # noqa: S608
_IDENTIFY = f"UPDATE {TARGET.name} SET code = ?, system = ? WHERE number = ?"  # noqa: S608


class _Target(NamedTuple):
    """What stands for a place in the rows."""

    number: int
    identified: int
    other: int | None
    """The number of the identifier, where the target has another one."""


class _Kept(NamedTuple):
    """What one transaction knows: if it is rolled back, numbers that it gave were never there."""

    transaction: object
    uris: dict[str, int]
    places: dict[Place, _Target]


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


def postings(connection: Connection, places: Sequence[Place], leads: Sequence[Sequence[int]]) -> list[Posting]:
    """The rows of references, sorted, each once; `leads` is columns: positions of places, keys, pks.

    Each place that is named has a number from now on.
    """
    if not leads:
        return []
    positions, keys, pks = leads
    named = {each: places[each] for each in set(positions)}
    known = _kept(connection).places
    if unknown := {place for place in named.values() if place not in known}:
        _learn(WriterSql(connection), known, unknown)
    number = {each: known[place].number for each, place in named.items()}
    identified = {each: known[place].identified for each, place in named.items()}
    rows = list(
        zip([number[each] for each in positions], keys, pks, [identified[each] for each in positions], strict=True)
    )
    others = {each: other for each, place in named.items() if (other := known[place].other) is not None}
    if others:
        rows += [(others[each], key, pk, 1) for each, key, pk in zip(*leads, strict=True) if each in others]
    rows.sort()
    if others or len(set(number.values())) < len(number):  # a row may be there with the identifier, and without
        rows = [(*row, carried) for row, carried in {row[:3]: row[3] for row in rows}.items()]
    return rows


def _learn(sql: WriterSql, known: dict[Place, _Target], unknown: Collection[Place]) -> None:
    """Number places. The first identifier with which a reference leads to a target is the target's."""
    carried: dict[tuple[str, str], _Identifier] = {}
    for target_id, target_type, code, system in unknown:
        if target_id and not carried.get((target_id, target_type), _NONE)[0]:
            carried[target_id, target_type] = code, system
    stored = sql.rows(_RESOURCES, list({target_id for target_id, _ in carried})) if carried else ()
    targets = {(row[0], row[1]): (row[2], (row[3], row[4])) for row in stored}
    new = [target for target in carried if target not in targets]
    held = _held(sql, new)
    numbers = _number(sql, TARGET, [(*target, *carried[target], held.get(target)) for target in new])
    absent = [
        (*target, number) for target, number in zip(new, numbers, strict=True) if target[1] and target not in held
    ]
    sql.many(_AWAIT, absent)
    targets.update((target, (number, carried[target])) for target, number in zip(new, numbers, strict=True))
    gained = [target for target, identifier in carried.items() if identifier[0] and not targets[target][1][0]]
    sql.many(_IDENTIFY, [(*carried[target], targets[target][0]) for target in gained])
    targets.update((target, (targets[target][0], carried[target])) for target in gained)
    apart = {place for place in unknown if not place[0] or place[2:] not in (_NONE, targets[place[:2]][1])}
    others = _others(sql, {(code, system) for _, _, code, system in apart})
    for target_id, target_type, code, system in unknown:
        other = others.get((code, system)) if (target_id, target_type, code, system) in apart else None
        if target_id:
            identified = int(code != "" and other is None)
            known[target_id, target_type, code, system] = _Target(targets[target_id, target_type][0], identified, other)
        else:
            known[target_id, target_type, code, system] = _Target(others[code, system], int(code != ""), None)


def _held(sql: WriterSql, targets: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The pks of those (id, type) that the store has, or had."""
    by_type: dict[str, list[str]] = {}
    for target_id, target_type in targets:
        by_type.setdefault(target_type, []).append(target_id)
    return {
        (row[0], target_type): row[1]
        for target_type, ids in by_type.items()
        if target_type
        for row in sql.rows(_HELD, target_type, ids)
    }


def arrived(connection: Connection, pks: Sequence[int]) -> None:
    """Tell the targets that were awaited of resources that the store has from now on."""
    sql = WriterSql(connection)
    if pks and sql.rows(_AWAITS):
        came = sql.rows(_CAME, list(pks))
        sql.many(_PLACE, [(row[0], row[1]) for row in came])
        sql.many(_ARRIVED, [(row[2], row[3]) for row in came])


def _others(sql: WriterSql, wanted: Collection[_Identifier]) -> dict[_Identifier, int]:
    """Numbers of identifiers that no target has for its own; and of nothing."""
    if not wanted:
        return {}
    known = {(row[0], row[1]): row[2] for row in sql.rows(_OTHERS, list({code for code, _ in wanted}))}
    new = sorted(set(wanted) - known.keys())
    known.update(zip(new, _number(sql, TARGET, [("", "", *each, None) for each in new]), strict=True))
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
