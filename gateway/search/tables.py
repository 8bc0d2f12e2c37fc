"""The tables of the search index: one a kind of value, clustered by parameter and value, and reachable by resource.

`pk` is the resource's in the store. Only current resources have rows here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, SmallInteger, Table, Text

INDEX = MetaData()

_PK = BigInteger().with_variant(Integer, "sqlite")
# Code point order everywhere, so that pages can be compared in Python and prefixes are ranges.
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

LOWEST, HIGHEST = 1, 2
"""Bits of `edge`: this row sorts first, or last, among the rows of its resource and parameter."""


def _table(name: str, *columns: Column[Any]) -> Table:
    table: Table = Table(name, INDEX, *columns, sqlite_with_rowid=False)
    # The clustering key follows in SQLite's secondary indexes by itself: this one covers the values too.
    Index(f"{name}_by_resource", table.c.pk, table.c.param)
    return table


def _key(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _edge() -> Column[Any]:
    return Column("edge", SmallInteger, nullable=False)


STRING = _table(
    "index_string", _key("param", Integer), _key("value", _TEXT), _key("pk", _PK), _key("exact", _TEXT), _edge()
)
"""`value` is normalized, `exact` as it stands in the resource.

In every table a row without a value, whose text is "" or whose range ends before it begins, says that the element is
there: it is not missing."""

TOKEN = _table(
    "index_token", _key("param", Integer), _key("code", _TEXT), _key("pk", _PK), _key("system", BigInteger), _edge()
)
"""`system` is a `system_key`."""

DATE = _table(
    "index_date", _key("param", Integer), _key("low", BigInteger), _key("pk", _PK), _key("high", BigInteger), _edge()
)
"""Half-open ranges in ms since 1970 UTC."""
Index("index_date_by_high", DATE.c.param, DATE.c.high)

QUANTITY = _table(
    "index_quantity",
    _key("param", Integer),
    _key("low", Float),
    _key("pk", _PK),
    _key("high", Float),
    _key("system", _TEXT),
    _key("code", _TEXT),
    _key("unit", _TEXT),
    _edge(),
)
"""Closed ranges; a plain value is a range of one point."""

URI = _table("index_uri", _key("uri", Integer), _key("param", Integer), _key("pk", _PK), _edge())
"""`uri` is the number of a text. Clustered by it first, so that SQLite follows the texts to sort by them."""

URI_TEXT = Table(
    "index_uri_text",
    INDEX,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("value", _TEXT, nullable=False, unique=True),
)
"""URIs are long and few: each stands here once, for good."""

REFERENCE = _table(
    "index_reference",
    _key("target", _PK),
    _key("param", Integer),
    _key("pk", _PK),
    Column("identified", SmallInteger, nullable=False),
)
"""Clustered by target, so that all referrers of a resource stand together. `target` is the number of a target,
`identified` whether the reference carries the target's identifier: 1 or 0."""

TARGET = Table(
    "index_target",
    INDEX,
    Column("number", _PK, primary_key=True, autoincrement=False),
    Column("id", _TEXT, nullable=False),
    Column("type", Text, nullable=False),
    Column("code", _TEXT, nullable=False),
    Column("system", BigInteger, nullable=False),
    Column("pk", _PK),
    Index("index_target_by_id", "id", "type", "code", "system", unique=True),
    Index("index_target_by_code", "code", "system"),
    Index("index_target_by_resource", "pk"),
)
"""Where references lead, numbered in the order of appearance, for good. A resource has an id and a type, a URL stands
in `id` with no type; each has one row, with the identifier that references to it carry. What has no id is a reference
by identifier alone, or one that carries another identifier than others to its target do. `pk` is the resource's, once
the store has it, for good: so a chain steps from resource to references without reading the resource."""

AWAITED = Table(
    "index_awaited",
    INDEX,
    Column("id", _TEXT, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The targets of a type that the store has never had: few, to be asked of what comes."""

UNNAMED = "_reference"
"""The name of references that no search parameter names: they are found by their target all the same."""

ENTRY = Table(
    "index_entry",
    INDEX,
    Column("pk", _PK, primary_key=True, autoincrement=False),
    Column("type", Integer, nullable=False),
    Index("index_entry_by_type", "type", "pk"),
)
"""Every resource that the index holds: counted and walked without touching bodies."""
