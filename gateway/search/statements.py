"""The SQL of searches: one statement a shape, compiled once and kept.

A shape is everything but the values: which tables and conditions, sorted how, from where. Knows no request and runs
nothing. `gather` starts from the rows of one clause and sorts what it finds; `walk` follows an index in the order asked
for and stops when the page is full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Label,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
)

from gateway.search.conditions import RowsShape, Shape, holds, matching, rows_of
from gateway.search.parameters import row_key
from gateway.search.tables import DATE, ENTRY, HIGHEST, LOWEST, QUANTITY, REFERENCE, TARGET, UNNAMED, URI, URI_TEXT
from gateway.store import RESOURCE, Query


class SortShape(NamedTuple):
    """A sort key without its parameter. Binds `s<i>`."""

    table: Table
    column: str
    descending: bool


class Leg(NamedTuple):
    """One stretch of a walk: the resources that have a value of the first sort key, or those that lack one."""

    lacking: bool
    backward: bool
    nulls: tuple[bool, ...] | None
    """Of the position where it starts: which of its values are missing. Binds `c<i>` and `cpk`. None = at its end."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one dialect."""

    dialect: Literal["sqlite", "postgresql"]

    def probe(self, shape: Shape) -> Query:
        """How many rows a clause has, up to `cap`. Its name is 0."""
        return _probe(self.dialect, shape)

    def gather(self, shapes: tuple[Shape, ...], driver: int | None, sort: tuple[SortShape, ...]) -> Query:
        """pk and sort values of all matches in order, of `cap` rows of a clause, or of the type."""
        return _gather(self.dialect, shapes, driver, sort)

    def walk(self, shapes: tuple[Shape, ...], sort: tuple[SortShape, ...], leg: Leg, along: int | None = None) -> Query:
        """pk and sort values of the next `cap` matches of a leg; without a sort, along the rows of a clause."""
        return _walk(self.dialect, shapes, sort, leg, along)

    def total(self, shapes: tuple[Shape, ...], driver: int | None) -> Query:
        """How many resources match."""
        return _total(self.dialect, shapes, driver)

    def bodies(self, size: int) -> Query:
        """The resources of `pk0` … `pk<size - 1>`."""
        return _bodies(self.dialect, size)

    def included(self, size: int, keys: int, *, targeted: bool) -> Query:
        """What `pk0` … refer to under the keys `k0` …, or any (of type `t`): `cap` of it."""
        return _included(self.dialect, size, keys, targeted)

    def referring(self, size: int, keys: int) -> Query:
        """What refers to `pk0` … under the keys `k0` …, or any: `cap` of it."""
        return _referring(self.dialect, size, keys)


_KEPT = 512


def _all_hold(shapes: Sequence[Shape], pk: ColumnElement[int], but: int | None = None) -> Iterator[ColumnElement[bool]]:
    """Each clause as a condition on a pk."""
    return (holds(shape, str(at), pk) for at, shape in enumerate(shapes) if at != but)


@lru_cache(maxsize=_KEPT)
def _probe(dialect: str, shape: Shape) -> Query:
    found = matching(shape, "0").subquery("found")
    capped = select(found.c.pk).limit(bindparam("cap")).subquery("capped")
    return Query(select(func.count()).select_from(capped), dialect)


@lru_cache(maxsize=_KEPT)
def _gather(dialect: str, shapes: tuple[Shape, ...], driver: int | None, sort: tuple[SortShape, ...]) -> Query:
    # The bound keeps a search that is broader than thought from being sorted whole.
    found = _candidates(shapes, driver).limit(bindparam("cap")).subquery("found")
    keys = [_key_of(shape, at, found.c.pk) for at, shape in enumerate(sort)]
    statement = select(found.c.pk, *keys).where(*_all_hold(shapes, found.c.pk, driver))
    return Query(
        statement.order_by(*_order(keys, sort, backward=False), _directed(found.c.pk, sort, backward=False)), dialect
    )


def _candidates(shapes: tuple[Shape, ...], driver: int | None) -> Select[Any]:
    """The pks of a clause's matches, each once; of the whole type without one. Binds `type`."""
    if driver is None:
        return select(ENTRY.c.pk).where(ENTRY.c.type == bindparam("type"))
    matches = matching(shapes[driver], str(driver)).subquery("matches")
    return select(matches.c.pk).distinct()


@lru_cache(maxsize=_KEPT)
def _walk(dialect: str, shapes: tuple[Shape, ...], sort: tuple[SortShape, ...], leg: Leg, along: int | None) -> Query:
    if along is not None:
        return Query(_walk_along(shapes, along, leg), dialect)
    keys: list[ColumnElement[Any]] = []
    rows: FromClause
    if not sort or leg.lacking:
        rows = ENTRY.alias("e")
        there = [rows.c.type == bindparam("type")]
        if sort:
            keys.append(null())
            there.append(~exists(_valued(sort[0], 0, rows.c.pk)))
    else:
        first = sort[0]
        rows = _sorted_by(first, "w")
        there = [_keyed(first, rows, 0)]
        if first.table is not RESOURCE:
            there.append(rows.c.edge.op("&")(literal_column(str(HIGHEST if first.descending else LOWEST))) != 0)
        keys.append(rows.c[first.column].label("key0"))
    pk = rows.c.pk
    keys += [_key_of(shape, at, pk) for at, shape in enumerate(sort) if at]
    own = 0 if not sort or not leg.lacking else 1  # the first key that orders this leg
    if leg.nulls is not None:
        there.append(_beyond(keys, sort, pk, leg, own))
    order = list(_order(keys[own:], sort[own:], backward=leg.backward, certain=own == 0))
    statement = select(pk, *keys).where(*there, *_all_hold(shapes, pk))
    return Query(
        statement.order_by(*order, _directed(pk, sort, backward=leg.backward)).limit(bindparam("cap")), dialect
    )


def _walk_along(shapes: tuple[Shape, ...], along: int, leg: Leg) -> Select[Any]:
    shape = shapes[along]
    assert isinstance(shape, RowsShape)  # noqa: S101 - only rows stand in order
    rows, condition = rows_of(shape, str(along))
    pk = rows.c.pk
    statement = select(pk).distinct().where(condition, *_all_hold(shapes, pk, along))
    if leg.nulls is not None:
        statement = statement.where(pk < bindparam("cpk") if leg.backward else pk > bindparam("cpk"))
    return statement.order_by(pk.desc() if leg.backward else pk.asc()).limit(bindparam("cap"))


def _valued(shape: SortShape, at: int, pk: ColumnElement[int]) -> Select[Any]:
    rows = _sorted_by(shape, f"s{at}")
    return select(literal_column("1")).select_from(rows).where(rows.c.pk == pk, _keyed(shape, rows, at))


def _key_of(shape: SortShape, at: int, pk: ColumnElement[int]) -> ColumnElement[Any]:
    """A resource's value of a sort key: its lowest, or highest; NULL without one."""
    rows = _sorted_by(shape, f"s{at}")
    column = rows.c[shape.column]
    value = column if shape.table is RESOURCE else func.max(column) if shape.descending else func.min(column)
    return select(value).where(rows.c.pk == pk, _keyed(shape, rows, at)).scalar_subquery().label(f"key{at}")


def _sorted_by(shape: SortShape, name: str) -> FromClause:
    """Rows with the values that are sorted by."""
    if shape.table is not URI:
        return shape.table.alias(name)
    rows = select(URI.c.param, URI.c.pk, URI.c.edge, URI_TEXT.c.value)
    return rows.join_from(URI, URI_TEXT, URI_TEXT.c.number == URI.c.uri).subquery(name)


def _keyed(shape: SortShape, rows: FromClause, at: int) -> ColumnElement[bool]:
    if shape.table is RESOURCE:
        return and_(rows.c.type == bindparam(f"s{at}"), rows.c.deleted == false())
    key = rows.c.param == bindparam(f"s{at}")
    # Some rows only say that the element is there.
    if shape.table in (DATE, QUANTITY):
        return and_(key, rows.c.low <= rows.c.high)
    return and_(key, rows.c[shape.column] != "")


def _order(
    keys: Sequence[ColumnElement[Any]], sort: Sequence[SortShape], *, backward: bool, certain: bool = False
) -> Iterator[ColumnElement[Any]]:
    """Resources without a value stand last. `certain`: all have one of the first key."""
    for at, (key, shape) in enumerate(zip(keys, sort, strict=True)):
        if at or not certain:
            yield key.is_(None).desc() if backward else key.is_(None)
        yield key.desc() if shape.descending != backward else key.asc()


def _directed(pk: ColumnElement[int], sort: Sequence[SortShape], *, backward: bool) -> ColumnElement[Any]:
    """Resources that sort alike stand in the order of their pks, in the first key's direction: an index runs so."""
    return pk.desc() if descends(sort) != backward else pk.asc()


def descends(sort: Sequence[SortShape]) -> bool:
    """Whether pks descend among resources that sort alike."""
    return bool(sort) and sort[0].descending


def _beyond(
    keys: Sequence[ColumnElement[Any]], sort: Sequence[SortShape], pk: ColumnElement[int], leg: Leg, own: int
) -> ColumnElement[bool]:
    """What comes after the position, in the direction of the walk."""
    at_pk: BindParameter[Any] = bindparam("cpk")
    rest: ColumnElement[bool] = pk < at_pk if descends(sort) != leg.backward else pk > at_pk
    nulls = leg.nulls or ()
    for at in reversed(range(own, len(sort))):
        key, down = keys[at], sort[at].descending != leg.backward
        value: BindParameter[Any] = bindparam(f"c{at}")
        if isinstance(key, Label):
            key = key.element
        certain = at == 0
        if nulls[at]:
            later: ColumnElement[bool] = key.is_not(None) if leg.backward else false()
            same: ColumnElement[bool] = key.is_(None)
            rest = or_(later, and_(same, rest)) if leg.backward else and_(same, rest)
            continue
        later = key < value if down else key > value
        if not certain and not leg.backward:
            later = or_(later, key.is_(None))
        rest = or_(later, and_(key == value, rest))
        if certain:  # said again in a form that bounds the index range
            rest = and_(key <= value if down else key >= value, rest)
    return rest


@lru_cache(maxsize=_KEPT)
def _total(dialect: str, shapes: tuple[Shape, ...], driver: int | None) -> Query:
    found = _candidates(shapes, driver).subquery("found")
    return Query(select(func.count()).select_from(found).where(*_all_hold(shapes, found.c.pk, driver)), dialect)


_SERVED = (RESOURCE.c.pk, RESOURCE.c.type, RESOURCE.c.id, RESOURCE.c.version, RESOURCE.c.updated, RESOURCE.c.body)


def _listed(name: str, size: int) -> list[BindParameter[Any]]:
    return [bindparam(f"{name}{at}") for at in range(size)]


@lru_cache(maxsize=_KEPT)
def _bodies(dialect: str, size: int) -> Query:
    return Query(select(*_SERVED).where(RESOURCE.c.pk.in_(_listed("pk", size)), RESOURCE.c.deleted == false()), dialect)


@lru_cache(maxsize=_KEPT)
def _included(dialect: str, size: int, keys: int, targeted: bool) -> Query:
    led = select(TARGET.c.pk).join_from(REFERENCE, TARGET, TARGET.c.number == REFERENCE.c.target)
    led = led.where(REFERENCE.c.pk.in_(_listed("pk", size)), _followed(keys))
    if targeted:
        led = led.where(TARGET.c.type == bindparam("t"))
    statement = select(*_SERVED).where(RESOURCE.c.pk.in_(led), RESOURCE.c.deleted == false())
    return Query(statement.limit(bindparam("cap")), dialect)


@lru_cache(maxsize=_KEPT)
def _referring(dialect: str, size: int, keys: int) -> Query:
    targets = select(TARGET.c.number).where(TARGET.c.pk.in_(_listed("pk", size)))
    referrers = select(REFERENCE.c.pk).where(REFERENCE.c.target.in_(targets), _followed(keys))
    statement = select(*_SERVED).where(RESOURCE.c.pk.in_(referrers), RESOURCE.c.deleted == false())
    return Query(statement.limit(bindparam("cap")), dialect)


def _followed(keys: int) -> ColumnElement[bool]:
    """References under any of the keys `k0` …; of any search parameter without one."""
    if keys:
        return REFERENCE.c.param.in_(_listed("k", keys))
    return REFERENCE.c.param != literal_column(str(row_key(UNNAMED)))
