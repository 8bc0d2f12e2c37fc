"""What has to be read: each source is checked, and each stream left out that is proven unchanged. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import NamedTuple

import orjson

from gateway.store import Store
from gateway.store.states import StreamRecord
from gateway.sync.faults import fault
from gateway.sync.report import OK
from gateway.sync.steps import Steps
from his_adapters.base import Health, SourceConfig, Stream


class Made(NamedTuple):
    """What besides the rows decides how resources look."""

    fingerprint: str
    mapper: str
    indexer: str
    configuration: str


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream as found, beside what is known of it."""

    stream: Stream
    token: str | None
    """Taken before the read: what changes during it is read the next time."""
    made: Made
    record: StreamRecord | None
    read: bool
    remap: bool
    """All rows have to be mapped again, also unchanged ones."""

    @property
    def reindex(self) -> bool:
        """All resources have to be indexed again."""
        return self.record is not None and self.record.indexer != self.made.indexer

    @property
    def state(self) -> str | None:
        """Where an adapter that reads increments may go on."""
        return None if self.record is None or self.remap else self.record.state


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """One source as found."""

    config: SourceConfig
    health: Health
    streams: Sequence[StreamPlan] = field(default=())

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def to_read(self) -> list[StreamPlan]:
        """The streams that have to be read."""
        return [each for each in self.streams if each.read]

    @property
    def estimated_rows(self) -> int | None:
        """Of the streams that have to be read; None where one of them does not know."""
        rows = [each.stream.estimated_rows for each in self.to_read]
        return None if None in rows else sum(row for row in rows if row is not None)


def plan(
    store: Store, sources: Sequence[SourceConfig], as_of: date, steps: Steps, *, full: bool, accept_shrink: bool
) -> list[SourcePlan]:
    """Look at all sources at once: a sick one may need its two seconds."""
    if not sources:
        return []
    secret = store.secret("configuration")

    def one(config: SourceConfig) -> SourcePlan:
        found = _plan(store, config, as_of, steps, secret, full=full)
        lost = None if accept_shrink else next(filter(None, map(_loss, found.streams)), None)
        return SourcePlan(config, lost) if lost else found

    with ThreadPoolExecutor(max_workers=min(16, len(sources))) as threads:
        return list(threads.map(one, sources))


def _plan(store: Store, config: SourceConfig, as_of: date, steps: Steps, secret: bytes, *, full: bool) -> SourcePlan:
    try:
        adapter = steps.open_source(config)
        health = adapter.check()
        if health.status != "ok":
            return SourcePlan(config, health)
        mapper, indexer, configuration = (
            steps.mapper_digest(config.adapter),
            steps.index_digest(),
            _configuration(config, secret),
        )
        records = store.stream_states(config.name)
        streams = []
        for stream in adapter.streams():
            made = Made(_shape(stream), mapper, indexer, configuration)
            record, token = records.get(stream.name), adapter.change_token(stream.name)
            remap = record is None or _has_to_map_again(record, made, as_of)
            proven = record is not None and token is not None and token == record.token
            expired = record is not None and record.holds_until is not None and record.holds_until <= as_of.isoformat()
            streams.append(StreamPlan(stream, token, made, record, full or remap or expired or not proven, remap))
    except Exception as error:  # noqa: BLE001 - one sick source never stops another; the report names it
        return SourcePlan(config, fault(error))
    return SourcePlan(config, OK, streams)


def _shape(stream: Stream) -> str:
    """The fingerprint; behind it the columns that are read, where the store declares them."""
    return f"{stream.fingerprint} {orjson.dumps(stream.fields).decode()}" if stream.declared else stream.fingerprint


def _loss(found: StreamPlan) -> Health | None:
    """Columns that the last sync read and that are not there: without them, its resources would lose what they say.

    One that only has another of its known names now is read as before, so fewer are read than before.
    """
    known = found.record.fingerprint or "" if found.record else ""
    before = orjson.loads(known.partition(" ")[2] or "[]")
    now = found.stream.fields
    if not found.stream.declared or len(now) >= len(before):
        return None
    lost = ", ".join(name for name in before if name not in now)
    hint = "rename it back; if it is meant to be gone, let the sync accept the loss: --accept-shrink"
    return Health("config", f"{found.stream.name} no longer has the column {lost}", hint)


def _has_to_map_again(record: StreamRecord, made: Made, as_of: date) -> bool:
    before = Made(record.fingerprint or "", record.mapper or "", record.indexer or "", record.configuration or "")
    # What was mapped for a later day is not known to hold on an earlier one.
    return before != made or (record.as_of is not None and record.as_of > as_of.isoformat())


def _configuration(config: SourceConfig, secret: bytes) -> str:
    """Keyed, because a URL may hold a password and the store may be seen by others."""
    told = [config.adapter, str(config.path), config.url, config.timezone, config.organization, config.currency]
    text = orjson.dumps([told, dict(config.options)], default=str, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, key=secret, digest_size=16).hexdigest()
