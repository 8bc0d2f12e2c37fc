"""How quickly records are linked as they come, with the model that ships: what a sync does with each Patient."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from time import process_time

from gateway.identity.blocking import keys
from gateway.identity.linker import Arrival, Linker
from gateway.identity.model import default_model
from gateway.identity.models import Published
from gateway.identity.roster import Notes, hashed, packed
from gateway.identity.scoring import Scorer
from gateway.identity.tables import TABLES
from gateway.identity.traits import Traits
from gateway.store import Store
from gateway.store.sql import WriterSql
from gateway.sync.processes import rare_collections

BATCH = 500
"""Records that a sync links together."""
_HELD = 5.0
"""Seconds that it commits together."""


def linked_a_second(people: Iterable[Traits]) -> float:
    """Records linked by a second of CPU time, from an empty index on.

    What a sync's readers note of a Patient (traits, keys) is not counted. Garbage is collected as in a sync.
    """
    published = Published(0, default_model())
    scorer, count, seconds = Scorer(published.model), 0, 0.0
    arrivals = _arrivals(people)
    with (
        rare_collections(),
        tempfile.TemporaryDirectory() as folder,
        Store.open(f"sqlite:///{folder}/index.db", extra=TABLES) as store,
        store.writer() as writer,
    ):
        writer.hold(_HELD)
        while batch := list(islice(arrivals, BATCH)):
            began = process_time()
            with writer.batch():
                Linker(WriterSql(writer.connection), writer.now, published, scorer).link(batch)
            seconds += process_time() - began
            count += len(batch)
        began = process_time()
        writer.release()
        seconds += process_time() - began
    return count / seconds


def _arrivals(people: Iterable[Traits]) -> Iterator[Arrival]:
    for each in people:
        yield Arrival(each.resource_id, each.source, Notes(packed(each), hashed(keys(each)), ()))
