"""The reading side: read → map → check, and drafts of what passed. Runs in this process or in workers.

Only reads the store: the row map says which rows are as they were, so that they need not be mapped again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import NamedTuple

import orjson

from gateway.store import Store
from gateway.store.row_map import KnownRow
from gateway.sync.drafts import drafted, shared_draft
from gateway.sync.events import (
    BadRow,
    CheckedRow,
    CheckedRows,
    Draft,
    Event,
    Hospital,
    SourceEnded,
    SourceFailed,
    StreamEnded,
    StreamFailed,
    StreamStarted,
    UnchangedRow,
)
from gateway.sync.faults import fault, place
from gateway.sync.steps import Finding, Steps
from his_adapters.base import Adapter, Checkpoint, Health, NativeKey, Record, Rejected, Skipped, SourceConfig
from mappers.base import MappingContext, MappingReport, Resource, ToResources

_BATCH = 500


class StreamTask(NamedTuple):
    """One stream to read."""

    name: str
    pk: int
    state: str | None
    remap: bool
    is_known: bool
    """The row map has rows of it."""


@dataclass(frozen=True, slots=True)
class Task:
    """One source to read."""

    config: SourceConfig
    as_of: date
    streams: Sequence[StreamTask]
    is_settled: bool
    """The last run got to its end."""

    @property
    def context(self) -> MappingContext:
        """What the mappers may know."""
        config = self.config
        return MappingContext(
            source=config.name,
            organization=config.organization or config.name,
            as_of=self.as_of,
            timezone=config.timezone,
            currency=config.currency,
        )


class InvalidRowError(Exception):
    """A resource of the row is not valid R4."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self.findings = findings


def prepared(task: Task, steps: Steps, store: Store, *, drafts: bool = True) -> Iterator[Event | CheckedRows]:
    """Everything that the writing side has to know of a source, in order. Never raises for what a source does.

    Without `drafts` rows come as they were checked, for another process to make them drafts.
    """
    if task.is_settled and not task.streams:
        yield SourceEnded()  # without the cost of loading mappers
        return
    try:
        adapter = steps.open_source(task.config)
        preparation = _Preparation(task, steps, store, drafts=drafts)
        yield Hospital(preparation.hospital())
    except InvalidRowError as error:
        yield SourceFailed(_invalid_hospital(error.findings))
    except Exception as error:  # noqa: BLE001 - one sick source never stops another; the report names it
        yield SourceFailed(fault(error))
    else:
        for stream in task.streams:
            yield StreamStarted(stream.name)
            try:
                yield from preparation.stream(adapter, stream)
            except Exception as error:  # noqa: BLE001 - as above
                yield StreamFailed(stream.name, fault(error))
    yield SourceEnded()


def canonical_key(key: NativeKey) -> str:
    """A native key as the row map spells it; '' for none."""
    return orjson.dumps(key).decode() if key else ""


class _Preparation:
    def __init__(self, task: Task, steps: Steps, store: Store, *, drafts: bool) -> None:
        self._steps, self._store, self._drafts = steps, store, drafts
        self._context, self._today = task.context, task.as_of.toordinal()
        self._own: dict[str, list[ToResources]] = {}
        self._shared: dict[str, list[ToResources]] = {}
        self._shared_made: set[str] = set()
        for mapping in steps.mappings(task.config.adapter):
            self._own.setdefault(mapping.stream, []).extend(mapping.own)
            self._shared.setdefault(mapping.stream, []).extend(mapping.shared)

    def hospital(self) -> list[Draft]:
        return [shared_draft(self._sound(resource), self._steps) for resource in self._steps.hospital(self._context)]

    def stream(self, adapter: Adapter, task: StreamTask) -> Iterator[Event | CheckedRows]:
        """The rows in batches; before each checkpoint, all rows that it covers."""
        items = adapter.read(task.name, task.state)
        complete, state = False, task.state
        while batch := list(islice(items, _BATCH)):
            rows = self._rows(task, batch)
            yield drafted(rows, self._steps) if self._drafts else rows
            for item in batch:
                if isinstance(item, Checkpoint):
                    complete, state = item.complete, item.state
        yield StreamEnded(task.name, complete, state)

    def _rows(self, task: StreamTask, batch: Sequence[Record | Rejected | Skipped | Checkpoint]) -> CheckedRows:
        native = [(canonical_key(item.key), item) for item in batch if isinstance(item, (Record, Rejected))]
        known = self._store.known_rows(task.pk, [key for key, _ in native if key]) if task.is_known else {}
        rows: list[CheckedRow | BadRow | UnchangedRow] = []
        shared: list[Draft] = []
        for key, item in native:
            if isinstance(item, Rejected):
                problems = [(each.field, each.rule, each.reason) for each in item.problems]
                unstated = [("", "rejected", "The adapter gives no reason")]
                rows.append(BadRow(key, item.locator, item.digest, None, problems or unstated, item.unsafe))
            elif not task.remap and self._is_unchanged(item, known.get(key)):
                rows.append(UnchangedRow(key, item.locator, item.digest))
            else:
                rows.append(self._map(task, key, item, shared))
        skipped = sum(isinstance(item, Skipped) for item in batch)
        return CheckedRows(task.name, task.pk, rows, skipped, shared)

    def _is_unchanged(self, record: Record, known: KnownRow | None) -> bool:
        return (
            known is not None
            and known.digest == record.digest
            and (known.holds_until is None or self._today < known.holds_until)
        )

    def _map(self, task: StreamTask, key: str, record: Record, told: list[Draft]) -> CheckedRow | BadRow:
        report = MappingReport()
        try:
            own = [
                self._sound(resource)
                for to_resources in self._own.get(task.name, ())
                for resource in to_resources(record, self._context, report)
            ]
            shared = [
                shared_draft(self._sound(resource), self._steps)
                for to_resources in self._shared.get(task.name, ())
                for resource in to_resources(record, self._context, report)
                if resource["id"] not in self._shared_made
            ]
        except InvalidRowError as error:
            problems = [(each.path, each.rule, each.reason) for each in error.findings]
        except Exception as error:  # noqa: BLE001 - a defect of a mapper costs its row, and is said
            problems = [("", "mapper-error", place(error))]
        else:
            self._shared_made.update(draft.content.id for draft in shared)
            told += shared
            issues = [(issue.code, issue.element, issue.detail) for issue in report.issues]
            issues += [("dropped", note.field, f"{note.rule}: {note.reason}") for note in record.notes]
            return CheckedRow(key, record.locator, record.digest, _ordinal(report.holds_until), own, issues)
        return BadRow(key, record.locator, record.digest, _ordinal(report.holds_until), problems)

    def _sound(self, resource: Resource) -> Resource:
        if findings := self._steps.check(resource):
            raise InvalidRowError(findings)
        return resource


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _invalid_hospital(findings: Sequence[Finding]) -> Health:
    said = "; ".join(f"{each.path}: {each.reason}" for each in findings[:3])
    return Health("config", f"The hospital's Organization is not valid: {said}", "mend `organization` of this source")
