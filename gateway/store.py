"""The store: current resources, their versions, the row map, source states, quarantine and data-quality issues.

SQLAlchemy Core on SQLite (WAL) by default and PostgreSQL by URL. Knows no source and no search; bodies are canonical
JSON bytes that are served as they are.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData()
_PK = BigInteger().with_variant(Integer, "sqlite")

RESOURCE = Table(
    "resource",
    METADATA,
    Column("pk", _PK, primary_key=True, autoincrement=False),
    Column("type", String(32), nullable=False),
    Column("id", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),  # ms since 1970 UTC, equal to meta.lastUpdated
    Column("deleted", Boolean, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),  # of the mapped content before decoration
    Column("body", LargeBinary),  # NULL once deleted
    UniqueConstraint("type", "id"),
    Index("resource_by_time", "type", "updated", "pk"),
    Index("resource_by_type", "type", "pk"),
)
