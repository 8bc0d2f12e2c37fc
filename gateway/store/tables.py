"""The tables of the store. Bodies are canonical JSON bytes that are served as they are; many lie packed (bodies.py).

What a query filters or orders by is a column; what is only shown again is packed. A resource's `pk` never changes.
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
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from gateway.store.bodies import Body

METADATA = MetaData()
_PK = BigInteger().with_variant(Integer, "sqlite")
_COUNTS = ("rows_read", "mapped", "quarantined", "skipped", "created", "changed", "unchanged", "deleted")

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
    Column("body", Body),  # NULL once deleted
    Column("sequence", BigInteger, nullable=False, server_default="0"),  # of the change that wrote this version
    Column("stream", Integer),  # with key: the native row that made it; NULL where many rows or none did
    Column("key", Text),
    UniqueConstraint("type", "id"),
    Index("resource_by_time", "type", "updated", "pk"),
    Index("resource_by_sequence", "type", "sequence"),
    Index("resource_by_source", "source", "deleted", "type"),
)
"""The current version of every resource, deleted ones included."""

VERSION = Table(
    "version",
    METADATA,
    Column("pk", _PK, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("type", String(32), nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("replaced", BigInteger, nullable=False),  # when the next version came
    Column("sequence", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", Body),
    Index("version_by_sequence", "type", "sequence"),
)
"""Superseded versions, unchanged for ever."""

DICTIONARY = Table(
    "dictionary",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("source", String(64), nullable=False),
    Column("type", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("source", "type"),
)
"""What packed bodies are unpacked with. Never changed, never removed."""

REGISTER = Table(
    "register",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Facts about the store itself: its schema's number, its secrets."""

CLOCK = Table(
    "clock",
    METADATA,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, nullable=False),  # last pk given
    Column("sequence", BigInteger, nullable=False),  # last change sequence given
    Column("updated", BigInteger, nullable=False),  # last commit time in ms
)
"""One row: what the writer gives out next. Sequence and commit time only grow."""

SOURCE = Table(
    "source",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("run", BigInteger, nullable=False),  # the number of the last run that wrote
    Column("settled", Boolean, nullable=False),  # references, shared resources and orphans are up to date
    Column("synced_at", BigInteger),  # ms; the last time all of it was read or proven unchanged
    Column("status", String(16), nullable=False),  # of its Health
    Column("error", Text),
    Column("hint", Text),
)

STREAM = Table(
    "source_stream",
    METADATA,
    Column("pk", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("name", String(128), nullable=False),
    Column("token", Text),  # the adapter's proof of content at the last complete read
    Column("state", Text),  # the adapter's own, opaque
    Column("fingerprint", Text),
    Column("mapper", Text),  # digests of what made the resources: mapper and configuration
    Column("indexer", Text),
    Column("configuration", Text),
    Column("as_of", String(10)),  # ISO dates
    Column("holds_until", String(10)),
    *(Column(name, Integer, nullable=False, server_default="0") for name in _COUNTS),
    Column("seconds", Integer, nullable=False, server_default="0"),  # in ms
    Column("synced_at", BigInteger),
    Column("error", Text),
    UniqueConstraint("source", "name"),
)
"""What is known of a stream since it was last read: the condition under which it need not be read again."""

NATIVE_ROW = Table(
    "native_row",
    METADATA,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),  # canonical JSON of the native key
    Column("locator", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # the adapter's, of the native content
    Column("bucket", SmallInteger, nullable=False),  # MAPPED or QUARANTINED; what is skipped leaves no trace
    Column("run", BigInteger, nullable=False),  # that last saw it
    Column("holds_until", Integer),  # ordinal of the day on which it has to be mapped again
    Column("owned", LargeBinary, nullable=False),  # the pks of its resources, 8 bytes each
    sqlite_with_rowid=False,
)
MAPPED, QUARANTINED = 1, 2

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("stream", Integer, nullable=False),
    Column("stream_name", String(128), nullable=False),
    Column("key", Text, nullable=False),
    Column(
        "occurrence", Text, nullable=False
    ),  # '' for the row of the key, the locator for a further row with that key
    Column("locator", Text, nullable=False),
    Column("element", Text, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("problems", LargeBinary, nullable=False),  # JSON: all of them as [element, rule, reason]
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("retries", Integer, nullable=False, server_default="0"),
    UniqueConstraint("stream", "key", "occurrence"),
    sqlite_autoincrement=True,
)
"""One row for each native row that could not be used. Carries no native value but the key."""

ISSUE = Table(
    "issue",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("stream", Integer, nullable=False),
    Column("stream_name", String(128), nullable=False),
    Column("key", Text, nullable=False),
    Column("locator", Text, nullable=False),
    Column("resource_type", String(32)),
    Column("resource_id", String(64)),
    Column("code", String(32), nullable=False),
    Column("element", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("issue_by_row", "stream", "key"),
    Index("issue_by_code", "source", "code"),
)
"""Data-quality findings of rows that were mapped."""

DANGLING = Table(
    "dangling",
    METADATA,
    Column("referrer", BigInteger, primary_key=True, autoincrement=False),
    Column("path", Text, primary_key=True),  # of the Reference in the body: subject, item.0.provider
    Column("target_type", String(32), nullable=False),
    Column("target_id", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Index("dangling_by_source", "source"),
)
"""References that are logical because their target does not exist."""
