"""A replay: who is who made again from its history, with the Patients and Persons that tell of it."""

from __future__ import annotations

from gateway.identity.replay import Rebuilt, rebuild
from gateway.store import Store
from gateway.store.sql import WriterSql
from gateway.sync.people import People
from gateway.sync.steps import PRODUCT, Steps


def replay(store: Store, steps: Steps = PRODUCT) -> Rebuilt:
    """Make who is who what its history says. Raises HistoryError, and StoreBusyError while a sync writes."""
    with store.writer() as writer:
        with writer.batch():
            found = rebuild(WriterSql(writer.connection))
        People(writer, steps).settle()
    return found
