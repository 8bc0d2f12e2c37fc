"""Clauses as SQL: which resources match, and whether one resource does.

A shape is a clause without its values: a statement is compiled for each shape once. Knows no request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Table,
    UnaryExpression,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.operators import custom_op

from gateway.search.clauses import AnyClause, Clause, Joint, Linked
from gateway.search.parameter_types import date, quantity, reference, string, token, uri
from gateway.search.parameter_types.terms import Condition
from gateway.search.parameters import row_key
from gateway.search.tables import DATE, ENTRY, REFERENCE, TARGET
from gateway.store import RESOURCE


class RowsShape(NamedTuple):
    """Rows of one table. Binds `k<name>_<key>` and `v<name>_<term>_<value>`."""

    table: Table
    terms: tuple[tuple[int, Condition, int], ...]
    """Each term's key, as its place among the keys, its condition and number of values."""
    negated: bool


class LinkShape(NamedTuple):
    """A reference to follow. Binds `k<name>`, `t<name>` and `e<name>`."""

    reverse: bool
    shape: Shape


class LinkedShape(NamedTuple):
    """References to follow, whichever leads to a match."""

    links: tuple[LinkShape, ...]
    as_set: bool
    """Whether all matches are looked for before a resource is asked about; else the links of each are followed."""


class JointShape(NamedTuple):
    """Alternatives, of which all parts match."""

    alternatives: tuple[tuple[Shape, ...], ...]


Shape = RowsShape | LinkedShape | JointShape
_READS_ALL = (string.contains, token.any_code, date.not_within, quantity.not_within)
"""Conditions for which all values of a parameter have to be looked at, once for any number of them."""
_OF_ONE_VALUE = (token.any_system, token.no_system, token.both, uri.same, reference.of_type)
Pks = Select[Any] | CompoundSelect[Any]


def bound(clause: AnyClause, name: str, values: dict[str, Any], *, as_set: bool = False) -> Shape:
    """The shape of a clause; its values are put under their names."""
    if isinstance(clause, Linked):
        shapes = []
        for at, link in enumerate(clause.links):
            inner = f"{name}_{at}"
            values[f"k{inner}"], values[f"t{inner}"] = link.key, link.target
            values[f"e{inner}"] = row_key(link.far)
            shapes.append(LinkShape(link.reverse, bound(link.clause, inner, values)))
        return LinkedShape(tuple(shapes), as_set)
    if isinstance(clause, Joint):
        return JointShape(
            tuple(
                tuple(bound(part, f"{name}_{at}_{place}", values) for place, part in enumerate(parts))
                for at, parts in enumerate(clause.alternatives)
            )
        )
    return _rows_bound(clause, name, values)


def _rows_bound(clause: Clause, name: str, values: dict[str, Any]) -> RowsShape:
    keys: dict[int | str, int] = {}
    terms = []
    for at, term in enumerate(padded(clause.terms)):
        place = keys.setdefault(term.key, len(keys))
        values[f"k{name}_{place}"] = term.key
        for index, value in enumerate(term.values):
            values[f"v{name}_{at}_{index}"] = value
        terms.append((place, term.condition, len(term.values)))
    return RowsShape(clause.terms[0].table, tuple(terms), clause.negated)


def padded(values: Sequence[Any]) -> Sequence[Any]:
    """Values repeated up to a power of two: few shapes serve any number."""
    wanted = 1 << (len(values) - 1).bit_length()
    return values if wanted == len(values) else [*values, *[values[-1]] * (wanted - len(values))]


def matching(shape: Shape, name: str) -> Pks:
    """The pks of what matches, some of them repeated. At the top a shape must not be negated."""
    if isinstance(shape, LinkedShape):
        found = [_at_its_end(link, f"{name}_{at}") for at, link in enumerate(shape.links)]
        return found[0] if len(found) == 1 else union(*found)
    if isinstance(shape, JointShape):
        joined = [_joined(parts, f"{name}_{at}") for at, parts in enumerate(shape.alternatives)]
        return joined[0] if len(joined) == 1 else union(*joined)
    if shape.negated:
        entry = ENTRY.alias(f"n{name}")
        return select(entry.c.pk).where(entry.c.type == bindparam(f"e{name}"), holds(shape, name, entry.c.pk))
    rows, condition = rows_of(shape, name)
    return select(rows.c.pk).where(condition)


def _joined(parts: tuple[Shape, ...], name: str) -> Select[Any]:
    first = matching(parts[0], f"{name}_0").subquery(f"j{name}")
    rest = (holds(part, f"{name}_{place}", first.c.pk) for place, part in enumerate(parts) if place)
    return select(first.c.pk).where(*rest)


def _at_its_end(link: LinkShape, name: str) -> Select[Any]:
    """What has a link that leads to a match, found from the matches."""
    # Named, because SQLite's parser allows but so many SELECTs one inside another.
    far = select(matching(link.shape, name).cte(f"c{name}").c.pk)
    references, led = _along(name)
    of_key = references.c.param == bindparam(f"k{name}")
    if link.reverse:
        ends = select(led.c.pk).join_from(references, led, led.c.number == references.c.target)
        return ends.where(references.c.pk.in_(far), of_key, led.c.type == bindparam(f"t{name}"), _lives(led.c.pk))
    # What matches is of the type already: the index of targets by pk has all that is needed of them.
    return select(references.c.pk).where(references.c.target.in_(select(led.c.number).where(led.c.pk.in_(far))), of_key)


def _along(name: str) -> tuple[FromClause, FromClause]:
    """References of a link, and where they lead."""
    return REFERENCE.alias(f"r{name}"), TARGET.alias(f"l{name}")


def _lives(pk: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether there is a resource, not deleted: its entry says so, and its row, with its body, stays unread."""
    return exists(select(literal_column("1")).select_from(ENTRY).where(ENTRY.c.pk == pk))


def holds(shape: Shape, name: str, pk: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether the resource of a pk matches."""
    if isinstance(shape, RowsShape):
        rows, condition = rows_of(shape, name, of_one=True)
        found = exists(select(literal_column("1")).select_from(rows).where(rows.c.pk == pk, condition))
        return ~found if shape.negated else found
    if isinstance(shape, JointShape):
        return any_of(
            [
                and_(*(holds(part, f"{name}_{at}_{place}", pk) for place, part in enumerate(parts)))
                for at, parts in enumerate(shape.alternatives)
            ]
        )
    if shape.as_set:
        return pk.in_(matching(shape, name))
    return any_of([_leads(link, f"{name}_{at}", pk) for at, link in enumerate(shape.links)])


def _leads(link: LinkShape, name: str, pk: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a resource has a link that leads to a match, found from the resource."""
    references, led = _along(name)
    of_key = references.c.param == bindparam(f"k{name}")
    if link.reverse:
        own = select(led.c.number).where(led.c.pk == pk)
        number = own.correlate(cast("ColumnClause[int]", pk).table).scalar_subquery()
        referrer: Select[Any] = select(literal_column("1")).select_from(references)
        return exists(referrer.where(references.c.target == number, of_key, holds(link.shape, name, references.c.pk)))
    found = [references.c.pk == pk, of_key, led.c.type == bindparam(f"t{name}"), holds(link.shape, name, led.c.pk)]
    if isinstance(link.shape, RowsShape) and link.shape.negated:  # else its index rows say that it is there
        found.append(_lives(led.c.pk))
    referred: Select[Any] = select(literal_column("1")).join_from(references, led, led.c.number == references.c.target)
    return exists(referred.where(*found))


def rows_of(shape: RowsShape, name: str, *, of_one: bool = False) -> tuple[FromClause, ColumnElement[bool]]:
    """The rows of a clause, under an alias; or what is asked of the rows `of_one` resource."""
    rows = shape.table.alias(f"{'f' if of_one else 'd'}{name}")
    key: ColumnElement[Any] = rows.c.type if shape.table is RESOURCE else rows.c.param
    if of_one and shape.table is DATE:
        # A sign keeps SQLite from the index by `high`: a resource has few dates, a parameter has very many.
        key = UnaryExpression(key, operator=custom_op("+"))
    alternatives: dict[int, list[ColumnElement[bool]]] = {}
    for at, (place, condition, size) in enumerate(shape.terms):
        values: list[Any] = [bindparam(f"v{name}_{at}_{value}") for value in range(size)]
        alternatives.setdefault(place, []).append(condition(rows, values))
    if not of_one and not any(condition in _READS_ALL for _, condition, _ in shape.terms):
        # The key beside each value: SQLite takes the values one by one from the index then, and else all of the key.
        # Of two alternatives it would put the key before both again: then one is said twice.
        keyed = ((key == bindparam(f"k{name}_{place}"), each) for place, each in alternatives.items())
        beside = [and_(of_key, one) for of_key, each in keyed for one in each]
        return rows, any_of(beside if len(beside) != 2 else [*beside, beside[-1]])
    return rows, any_of(
        [and_(key == bindparam(f"k{name}_{place}"), any_of(each)) for place, each in alternatives.items()]
    )


def in_order(clause: AnyClause) -> bool:
    """Whether the index holds a clause's rows in the order of their pks: those of one value."""
    return isinstance(clause, Clause) and len(clause.terms) == 1 and clause.terms[0].condition in _OF_ONE_VALUE


def any_of(alternatives: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """OR as a balanced tree: databases bound the depth of an expression."""
    if len(alternatives) == 1:
        return alternatives[0]
    if len(alternatives) <= 8:
        return or_(*alternatives)
    half = len(alternatives) // 2
    return _either(any_of(alternatives[:half]), any_of(alternatives[half:]))


def _either(one: ColumnElement[bool], other: ColumnElement[bool]) -> ColumnElement[bool]:
    """OR that keeps its sides in parentheses, and needs some itself: `or_` would make one long chain of it again."""
    made: ColumnElement[bool] = Grouping(one).op("OR", precedence=0, is_comparison=True)(Grouping(other))
    return made


def spreads(clause: AnyClause) -> bool:
    """Whether one resource may lead to very many others: a link that is followed in reverse."""
    return isinstance(clause, Linked) and any(link.reverse or spreads(link.clause) for link in clause.links)
