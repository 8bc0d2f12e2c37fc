"""What index rows say by a number: URIs, and where references lead. Each stands in the index once, for good.

Numbers are given in the order of appearance: what is written together stands together, and rows are small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, Table

from gateway.search.parameter_types.terms import Reference
from gateway.search.tables import TARGET, URI_TEXT
from gateway.store.sql import Row, WriterSql

Posting = tuple[int, int, int, int]
"""A row of references."""
Referrers = Iterable[tuple[int, Sequence[Reference]]]
"""pks, and the references of each."""
_Identifier = tuple[str, int]
_NONE: _Identifier = ("", 0)
# Our own names, here and below.
_URIS = f"SELECT value, number FROM {URI_TEXT.name} WHERE value IN (??)"  # noqa: S608
_RESOURCES = f"SELECT id, type, number, code, system FROM {TARGET.name} WHERE id IN (??)"  # noqa: S608
_OTHERS = f"SELECT code, system, number FROM {TARGET.name} WHERE id = '' AND code IN (??)"  # noqa: S608
_IDENTIFY = f"UPDATE {TARGET.name} SET code = ?, system = ? WHERE number = ?"  # noqa: S608


def uris(connection: Connection, values: Collection[str]) -> dict[str, int]:
    """The number of each."""
    if not values:
        return {}
    sql = WriterSql(connection)
    known: dict[str, int] = {row[0]: row[1] for row in sql.rows(_URIS, list(values))}
    new = [value for value in values if value not in known]
    known.update(zip(new, _number(sql, URI_TEXT, [(value,) for value in new]), strict=True))
    return known


def postings(connection: Connection, referrers: Referrers) -> list[Posting]:
    """The rows of references. Where they lead has a number from now on."""
    sql = WriterSql(connection)
    found = [(pk, each) for pk, references in referrers for each in references]
    resources = _resources(sql, found)
    rows: dict[tuple[int, int, int], int] = {}
    others: list[tuple[int, Reference]] = []
    for pk, each in found:
        target_id, target_type, key, code, system = each
        if target_id:
            number, own = resources[target_id, target_type]
            if code and own == (code, system):
                rows[number, key, pk] = 1
                continue
            rows.setdefault((number, key, pk), 0)
        if code or not target_id:
            others.append((pk, each))
    if others:
        numbers = _others(sql, {(each.code, each.system) for _, each in others})
        rows.update({(numbers[each.code, each.system], each.key, pk): int(each.code != "") for pk, each in others})
    return [(*place, identified) for place, identified in rows.items()]


def _resources(
    sql: WriterSql, found: Sequence[tuple[int, Reference]]
) -> dict[tuple[str, str], tuple[int, _Identifier]]:
    """Numbers and identifiers of what has an id. The first identifier that a reference to it carries is its own."""
    carried: dict[tuple[str, str], _Identifier] = {}
    for _, (target_id, target_type, _, code, system) in found:
        if target_id and not carried.get((target_id, target_type), _NONE)[0]:
            carried[target_id, target_type] = code, system
    if not carried:
        return {}
    stored = sql.rows(_RESOURCES, list({target_id for target_id, _ in carried}))
    known = {(row[0], row[1]): (row[2], (row[3], row[4])) for row in stored}
    gained = [name for name, (_, own) in known.items() if not own[0] and carried.get(name, _NONE)[0]]
    sql.many(_IDENTIFY, [(*carried[name], known[name][0]) for name in gained])
    known.update({name: (known[name][0], carried[name]) for name in gained})
    new = [name for name in carried if name not in known]
    numbers = _number(sql, TARGET, [(*name, *carried[name]) for name in new])
    known.update({name: (number, carried[name]) for name, number in zip(new, numbers, strict=True)})
    return known


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
