"""The writing side for one source: every native row ends in one bucket, and the row map says what became of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from gateway.store import Writer
from gateway.store.quarantine import Quarantined
from gateway.store.row_map import KnownRow, pack, unpack
from gateway.store.tables import MAPPED, QUARANTINED
from gateway.sync.events import (
    BadRow,
    Draft,
    Event,
    Hospital,
    MappedRow,
    NativeRow,
    Rows,
    SourceEnded,
    SourceFailed,
    StreamEnded,
    StreamFailed,
    StreamStarted,
    UnchangedRow,
)
from gateway.sync.links import Target
from gateway.sync.people import People
from gateway.sync.plan import SourcePlan, StreamPlan
from gateway.sync.prepare import StreamTask, Task
from gateway.sync.publish import Publication
from gateway.sync.report import Counts, SourceReport, StreamReport
from gateway.sync.settle import drop_unseen, settle
from gateway.sync.steps import Steps
from his_adapters.base import Health

_MANY_ROWS = 20
"""A stream that loses more rows than this, and more than half, is held back."""


class SourceRun:
    """One run of one source: takes the events of the reading side in order and writes what they say."""

    def __init__(
        self, writer: Writer, plan: SourcePlan, as_of: date, steps: Steps, people: People, *, accept_shrink: bool
    ) -> None:
        self.report = SourceReport(plan.name, health=plan.health)
        self._writer, self._as_of, self._accept_shrink = writer, as_of, accept_shrink
        self._steps = steps
        self._started = self._stream_started = time.monotonic()
        self._plans = {each.stream.name: each for each in plan.streams}
        with writer.batch():
            self._was_settled = writer.states.is_settled(plan.name)
            self._number, self._records = writer.states.start(plan.name, list(self._plans))
        self._publication = Publication(writer, plan.name, steps, people)
        self._hospital: list[int] | None = None
        self._told: dict[Target, Draft] = {}
        """Shared resources that rows have told and nothing that was published refers to yet."""
        self._before = 0
        self._reports = {name: _first_report(each) for name, each in self._plans.items()}
        self.report.streams = list(self._reports.values())
        self.task = Task(
            plan.config,
            as_of,
            [
                StreamTask(
                    each.stream.name,
                    self._records[each.stream.name].pk,
                    each.state,
                    each.remap,
                    self._writer_knows(each.stream.name),
                )
                for each in plan.to_read
            ],
            self._was_settled,
        )
        self._miss_streams()

    def is_first(self, event: Event) -> bool:
        """Whether these are rows of a stream of which none was known before."""
        return isinstance(event, Rows) and not self._before

    def apply(self, event: Event) -> None:
        """Write what an event says, in one transaction."""
        match event:
            case Hospital(drafts):
                with self._writer.batch():
                    reindex = any(each.reindex for each in self._plans.values())
                    self._hospital = self._publication.publish(drafts, self.report.closing, reindex=reindex)
            case StreamStarted(stream):
                self._stream_started = time.monotonic()
                self._reports[stream].was_read = True
                self._reports[stream].counts = Counts()
                self._before = self._writer_count(stream)
                with self._writer.batch():  # from now on the store is not as the old token says
                    self._writer.states.save(self._records[stream].pk, {"token": None})
            case Rows():
                self._write_rows(event)
            case StreamEnded():
                self._end_stream(event)
            case StreamFailed(stream, health):
                self._reports[stream].health = health
                self._reports[stream].seconds = time.monotonic() - self._stream_started
                with self._writer.batch():
                    self._writer.states.save(self._records[stream].pk, {"error": health.message})
            case SourceFailed(health):
                self.report.health = health
            case SourceEnded():
                self._end()

    def _miss_streams(self) -> None:
        """A stream that the source no longer has is a loss of all its rows."""
        for name, record in self._records.items():
            if name in self._plans or not (rows := self._writer_count(name)):
                continue
            report = StreamReport(name, complete=True)
            if self._accept_shrink:
                drop_unseen(self._writer, self._publication, record.pk, self._number, report.counts, rows)
            else:
                report.held_back = rows
                hint = "look why it is gone; if that is meant, let the sync accept the loss"
                report.health = Health("config", f"The source no longer has {name}", hint)
            self._reports[name] = report
        self.report.streams = list(self._reports.values())

    def _writer_knows(self, stream: str) -> bool:
        return self._writer_count(stream) > 0

    def _writer_count(self, stream: str) -> int:
        with self._writer.connection.begin():
            return self._writer.rows.count(self._records[stream].pk)

    def _write_rows(self, event: Rows) -> None:
        counts = Counts(read=len(event.rows) + event.skipped, skipped=event.skipped)
        stream = self._records[event.stream].pk
        with self._writer.batch():
            known = self._writer.rows.known(stream, [row.key for row in event.rows if row.key])
            once, repeated = self._tell_apart(event.rows, known, counts)
            mapped, clashing = _without_clashes([row for row in once if isinstance(row, MappedRow)])
            bad = [row for row in once if isinstance(row, BadRow)] + clashing
            self._told.update((_identity(draft), draft) for draft in event.shared)
            self._write_mapped(event.stream, mapped, event.index, known, counts)
            self._write_bad(event.stream, bad, repeated, known, counts)
            self._write_unchanged(stream, [row for row in once if isinstance(row, UnchangedRow)], known, counts)
        self._publication.forget_some()
        self._reports[event.stream].counts.add(counts)

    def _tell_apart(
        self, rows: Sequence[NativeRow], known: dict[str, KnownRow], counts: Counts
    ) -> tuple[list[NativeRow], list[Quarantined]]:
        """First rows of their key, and further ones that say something else. Exact repeats are skipped."""
        digests = {key: each.digest for key, each in known.items() if each.run == self._number}
        once: list[NativeRow] = []
        repeated: list[Quarantined] = []
        for row in rows:
            if not row.key or row.key not in digests:
                digests[row.key] = row.digest
                once.append(row)
            elif digests[row.key] == row.digest:
                counts.skipped += 1
            else:
                counts.quarantined += 1
                problem = ("", "duplicate-key", "An earlier row has the same key and says something else")
                repeated.append(Quarantined(row.key, row.locator, row.locator, [problem]))
        return once, repeated

    def _write_mapped(
        self,
        stream_name: str,
        rows: Sequence[MappedRow],
        index: Any,
        known: dict[str, KnownRow],
        counts: Counts,
    ) -> None:
        """Publish what rows own, and the shared resources that these need."""
        stream, plan = self._records[stream_name].pk, self._plans[stream_name]
        drafts = [draft for row in rows for draft in row.own]
        own = {_identity(draft) for draft in drafts}
        drafts += [draft for draft in self._needed(rows) if _identity(draft) not in own]
        pks = iter(self._publication.publish(drafts, counts, index, reindex=plan.reindex))
        owned = {row.key: [next(pks) for _ in row.own] for row in rows}

        written = {pk for each in owned.values() for pk in each}
        former = [pk for row in rows if row.key in known for pk in unpack(known[row.key].owned)]
        self._publication.delete([pk for pk in former if pk not in written], counts)
        self._writer.rows.put(
            [
                (stream, row.key, row.locator, row.digest, MAPPED, self._number, row.holds_until, pack(owned[row.key]))
                for row in rows
            ]
        )
        old = [row.key for row in rows if row.key in known]
        self._writer.quarantine.release(stream, old)
        self._writer.rows.put_issues(
            stream,
            old,
            [
                (
                    self.report.source,
                    stream,
                    stream_name,
                    row.key,
                    row.locator,
                    *_about(row, element),
                    code,
                    element,
                    why,
                )
                for row in rows
                for code, element, why in row.issues
            ],
        )
        counts.mapped += len(rows)

    def _needed(self, rows: Sequence[MappedRow]) -> list[Draft]:
        """Shared resources that these refer to, whichever row told them: each is told only once.

        What nobody refers to is not made: it would be deleted at the end, and be made again by the next run.
        """
        needed: list[Draft] = []
        targets = [target for row in rows for draft in row.own for target in draft.targets]
        while targets:
            if (draft := self._told.pop(targets.pop(), None)) is not None:
                needed.append(draft)
                targets += draft.targets
        return needed

    def _write_bad(
        self,
        stream_name: str,
        rows: Sequence[BadRow],
        repeated: Sequence[Quarantined],
        known: dict[str, KnownRow],
        counts: Counts,
    ) -> None:
        """Quarantine rows; what they were before stays, tagged, unless it may be about another person."""
        stream = self._records[stream_name].pk
        entries = [Quarantined(row.key, "" if row.key else row.locator, row.locator, row.problems) for row in rows]
        self._writer.quarantine.put(
            self.report.source, (stream, stream_name), self._number, self._writer.now, [*entries, *repeated]
        )
        keyed = [row for row in rows if row.key]
        gone = {row.key for row in keyed if row.unsafe and row.key in known}
        self._publication.delete([pk for key in gone for pk in unpack(known[key].owned)], counts)
        kept = {row.key: known[row.key].owned if row.key in known and row.key not in gone else b"" for row in keyed}
        self._publication.tag_stale([pk for owned in kept.values() for pk in unpack(owned)], counts)
        self._writer.rows.put(
            [
                (stream, row.key, row.locator, row.digest, QUARANTINED, self._number, row.holds_until, kept[row.key])
                for row in keyed
            ]
        )
        counts.quarantined += len(rows)

    def _write_unchanged(
        self, stream: int, rows: Sequence[UnchangedRow], known: dict[str, KnownRow], counts: Counts
    ) -> None:
        self._writer.rows.see(self._number, stream, [(row.key, row.locator) for row in rows])
        bad = [row.key for row in rows if known[row.key].bucket == QUARANTINED]
        self._writer.quarantine.see(stream, self._number, self._writer.now, bad)
        counts.quarantined += len(bad)
        counts.mapped += len(rows) - len(bad)
        counts.unchanged += sum(len(known[row.key].owned) // 8 for row in rows)

    def _end_stream(self, event: StreamEnded) -> None:
        """After a complete read, rows that were not seen are gone; only then is the stream as its token says."""
        report, plan, stream = self._reports[event.stream], self._plans[event.stream], self._records[event.stream].pk
        if event.complete:
            report.held_back = drop_unseen(
                self._writer, self._publication, stream, self._number, report.counts, self._bearable_loss()
            )
        report.complete = event.complete and not report.held_back
        report.seconds = time.monotonic() - self._stream_started
        with self._writer.batch():
            horizon = self._writer.rows.horizon(stream)
            counts = report.counts
            self._writer.states.save(
                stream,
                {
                    "token": plan.token if report.complete else None,
                    "state": event.state,
                    **(plan.made._asdict() if report.complete else {}),
                    "as_of": self._as_of.isoformat(),
                    "holds_until": None if horizon is None else date.fromordinal(horizon).isoformat(),
                    "rows_read": counts.read,
                    **{name: getattr(counts, name) for name in ("mapped", "quarantined", "skipped")},
                    **{name: getattr(counts, name) for name in ("created", "changed", "unchanged", "deleted")},
                    "seconds": round(report.seconds * 1000),
                    "synced_at": self._writer.now,
                    "error": None,
                },
            )

    def _bearable_loss(self) -> int:
        return self._before if self._accept_shrink else max(_MANY_ROWS, self._before // 2)

    def _end(self) -> None:
        """Bring references and shared resources in order, if anything can have changed them."""
        report, done = self.report, all(each.complete for each in self._reports.values())
        moved = report.counts
        if not self._was_settled or moved.created or moved.changed or moved.deleted:
            keep = self._hospital if done and not report.errors else None
            settle(self._writer, self._publication, self._steps, report.source, report.closing, keep)
        report.seconds = time.monotonic() - self._started
        health = next(iter(report.errors), report.health)
        with self._writer.batch():
            if done and not report.errors:
                self._writer.states.settle(report.source)
            self._writer.states.set_health(
                report.source,
                self._writer.now if report.ok else None,
                health.status,
                health.message if report.errors else None,
                health.hint or None,
            )


def _first_report(plan: StreamPlan) -> StreamReport:
    """Proven unchanged: the last read's rows, and its resources unchanged."""
    if plan.read or plan.record is None:
        return StreamReport(plan.stream.name)
    last = plan.record
    resources = last.created + last.changed + last.unchanged
    counts = Counts(last.rows_read, last.mapped, last.quarantined, last.skipped, unchanged=resources)
    return StreamReport(plan.stream.name, counts, complete=True)


def _without_clashes(rows: Sequence[MappedRow]) -> tuple[list[MappedRow], list[BadRow]]:
    """Rows that make resources of their own, and those that make one that another row makes."""
    made: set[Target] = set()
    clear, clashing = [], []
    for row in rows:
        own = {(draft.content.type, draft.content.id) for draft in row.own}
        if len(own) == len(row.own) and made.isdisjoint(own):
            made |= own
            clear.append(row)
        else:
            problem = ("id", "duplicate-id", "Another resource of this source has the same id")
            clashing.append(BadRow(row.key, row.locator, row.digest, row.holds_until, [problem]))
    return clear, clashing


def _identity(draft: Draft) -> Target:
    return draft.content.type, draft.content.id


def _about(row: MappedRow, element: str) -> tuple[str | None, str | None]:
    """The resource that an issue is about, where its element names a type the row made."""
    kind = element.partition(".")[0]
    found = next((draft.content.id for draft in row.own if draft.content.type == kind), None)
    return (kind, found) if found else (None, None)
