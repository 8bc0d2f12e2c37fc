"""The store: current resources, their versions, the row map, source states, quarantine and data-quality issues.

SQLAlchemy Core on SQLite (WAL) by default and PostgreSQL by URL. Knows no source and no search; bodies are canonical
JSON bytes that are served as they are.
"""

from gateway.store.database import Store
from gateway.store.errors import StoreBusyError, StoreError, TimeLimit
from gateway.store.listings import IssueEntry, NativeProblem, QuarantineEntry, SourceState, StreamState
from gateway.store.origins import Origin
from gateway.store.snapshot import Query, Snapshot
from gateway.store.tables import METADATA, RESOURCE, VERSION
from gateway.store.versions import Change, Stored
from gateway.store.writer import Writer

__all__ = [
    "METADATA",
    "RESOURCE",
    "VERSION",
    "Change",
    "IssueEntry",
    "NativeProblem",
    "Origin",
    "QuarantineEntry",
    "Query",
    "Snapshot",
    "SourceState",
    "Store",
    "StoreBusyError",
    "StoreError",
    "Stored",
    "StreamState",
    "TimeLimit",
    "Writer",
]
