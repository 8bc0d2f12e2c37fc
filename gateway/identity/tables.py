"""The tables of the master patient index: append-only link events, and what follows from them.

`EVENT`, `MOVE` and `RULING` are never changed, only added to. `PERSON` and the `person` of `RECORD` are their
materialised view (`replay.py` makes them again). A *record* is a source's Patient, named by its resource id.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
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

from gateway.search.tables import INDEX

IDENTITY = MetaData()
TABLES = (INDEX, IDENTITY)
"""For `Store.open(url, extra=TABLES)`: the search index and the index of persons."""

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _number(name: str) -> Column[int]:
    return Column(name, _NUMBER, primary_key=True, autoincrement=False)


EVENT = Table(
    "identity_event",
    IDENTITY,
    _number("seq"),
    Column("time", BigInteger, nullable=False),  # ms since 1970 UTC: the commit time
    Column("kind", String(16), nullable=False),  # crosswalk.KINDS
    Column("actor", Text, nullable=False),  # "sync", "link", or who decided
    Column("reason", Text, nullable=False),
    Column("person", String(36)),  # that gains or loses records
    Column("other", String(36)),  # a merge: that is retired; a split: that the records go to
    Column("model", Integer),  # the number of the model that decided
    Column("weight", Float),  # log2 odds, of the strongest pair
    Column("detail", LargeBinary),  # JSON: the explanation of that pair
    Index("identity_event_by_person", "person"),
    Index("identity_event_by_other", "other"),
)
"""Everything that ever changed who is who, in order."""

MOVE = Table(
    "identity_move",
    IDENTITY,
    _number("seq"),
    Column("record", String(64), primary_key=True),
    Column("before", String(36)),  # the person it was in; NULL where it was new
    Column("after", String(36)),  # NULL where it left the index
    Index("identity_move_by_record", "record"),
    sqlite_with_rowid=False,
)
"""What an event did to records."""

RULING = Table(
    "identity_ruling",
    IDENTITY,
    Column("first", String(64), primary_key=True),
    Column("second", String(64), primary_key=True),  # sorts after `first`
    _number("seq"),
    Column("same", SmallInteger, nullable=False),  # 1 = the same person, 0 = not
    Index("identity_ruling_by_second", "second"),
    sqlite_with_rowid=False,
)
"""What people decided about pairs of records. The last ruling on a pair holds, whatever becomes of the records."""

PERSON = Table(
    "identity_person",
    IDENTITY,
    Column("person", String(36), primary_key=True),
    Column("born", BigInteger, nullable=False),  # seq of its first event
    Column("merged_into", String(36)),  # the person that took its records over
    Column("merged_by", BigInteger),  # seq of that event
    Index("identity_person_by_merger", "merged_into"),
    sqlite_with_rowid=False,
)
"""Every person that ever was. One without records and without a successor has ended."""

RECORD = Table(
    "identity_record",
    IDENTITY,
    _number("number"),
    Column("record", String(64), nullable=False, unique=True),
    Column("source", String(64), nullable=False),
    Column("person", String(36), nullable=False),
    Column("traits", LargeBinary, nullable=False),
    Index("identity_record_by_person", "person"),
)
"""The records that live: the crosswalk, and what is compared."""

KEY = Table(
    "identity_key",
    IDENTITY,
    Column("value", BigInteger, primary_key=True, autoincrement=False),  # a hash of the blocking key
    _number("number"),  # of the record
    sqlite_with_rowid=False,
)
"""Which records share a blocking key and so are compared."""

CROWD = Table(
    "identity_crowd",
    IDENTITY,
    Column("value", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Keys that so many records have that they tell nobody apart: these have no rows in `KEY`."""

DOMAIN = Table(
    "identity_domain",
    IDENTITY,
    Column("system", Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""The systems of the identifiers that Patients have or had: what an identifier may be asked in, and for."""

TASK = Table(
    "identity_task",
    IDENTITY,
    _number("number"),
    Column("first", String(64), nullable=False),
    Column("second", String(64), nullable=False),
    Column("question", String(8), nullable=False),  # reviews.Question
    Column("weight", Float, nullable=False),
    Column("guards", Text, nullable=False),  # decide.Guard, with a blank between
    Column("model", Integer, nullable=False),
    Column("opened", BigInteger, nullable=False),  # ms
    Column("status", String(12), nullable=False),  # reviews.Status
    Column("decided", BigInteger),
    Column("actor", Text),
    Column("reason", Text),
    UniqueConstraint("first", "second"),
    Index("identity_task_by_second", "second"),
    Index("identity_task_by_status", "status", "weight"),
)
"""Pairs of records that a person has to look at, and what became of them. A pair has one task at most."""

MODEL = Table(
    "identity_model",
    IDENTITY,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", String(16), nullable=False),
    Column("made", BigInteger, nullable=False),  # ms
    Column("body", LargeBinary, nullable=False),  # JSON
    Column("report", LargeBinary, nullable=False),  # JSON: what the run that made it found
)
"""Linkage models, each frozen. The one with the highest number decides; without any, the one that ships."""

STALE = Table("identity_stale", IDENTITY, Column("person", String(36), primary_key=True), sqlite_with_rowid=False)
"""Persons whose Person and Patients do not yet say what the crosswalk says."""
