"""Sync: native records become stored, indexed resources. `flow.py` has the whole flow on one page."""

from gateway.sync.flow import retry_quarantine, sync
from gateway.sync.report import Callback, Counts, PeopleReport, Progress, SourceReport, StreamReport, SyncReport
from gateway.sync.steps import PRODUCT, Steps

__all__ = [
    "PRODUCT",
    "Callback",
    "Counts",
    "PeopleReport",
    "Progress",
    "SourceReport",
    "Steps",
    "StreamReport",
    "SyncReport",
    "retry_quarantine",
    "sync",
]
