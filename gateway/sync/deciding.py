"""Deciding: what people say about who is who, in one transaction with the Patients and Persons that tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.identity.decisions import Decisions
from gateway.store import Store
from gateway.sync.people import People
from gateway.sync.steps import PRODUCT, Steps


@contextmanager
def deciding(store: Store, steps: Steps = PRODUCT) -> Iterator[Decisions]:
    """Decide within the block. Raises RefusedError, and StoreBusyError while a sync writes; then nothing is changed."""
    with store.writer() as writer:
        people = People(writer, steps)
        with writer.batch():
            decisions = people.decisions()
            yield decisions
            people.tell(decisions)
