"""The whole flow on one page: read → map → check → store → index → link, for all sources at once.

Each source is planned (is it well? what may have changed?), read and mapped and checked beside the writer, and written
batch by batch, each batch with its index rows in one transaction. What a run leaves behind when it is interrupted is
consistent, and the next run goes on from there.

    plan.py       which streams have to be read                         (reads the store)
    prepare.py    read → map → check, one row at a time                 (in workers, where sources are big)
    drafts.py     bytes and index rows of what passed                   (in workers of their own, where cores are free)
    source.py     every row into one bucket: mapped, quarantined, skipped
    publish.py    versions, references, index
    people.py     who is who: links with every Patient, Persons at the end
    settle.py     deletes, dangling references, shared resources, orphans
    terminology.py  the gateway's own code tables, when they have changed
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import date

from gateway.store import Store
from gateway.sync.events import Event, Rows, StreamEnded, StreamFailed, StreamStarted
from gateway.sync.people import People
from gateway.sync.plan import SourcePlan, plan
from gateway.sync.processes import cores, is_worth_processes, rare_collections, read_here, read_in_workers
from gateway.sync.report import Callback, Progress, SourceReport, SyncReport
from gateway.sync.source import SourceRun
from gateway.sync.steps import PRODUCT, Steps
from gateway.sync.terminology import publish_terminology
from his_adapters.base import SourceConfig

_HELD = 15.0
"""Seconds of one transaction while a stream is read for the first time: so long others who want to write wait."""


def sync(
    store: Store,
    sources: Sequence[SourceConfig],
    *,
    as_of: date,
    progress: Callback | None = None,
    full: bool = False,
    jobs: int | None = None,
    accept_shrink: bool = False,
    steps: Steps = PRODUCT,
) -> SyncReport:
    """Bring the store up to date with its sources, as of a day.

    `full` reads streams that are proven unchanged too; `jobs` is how many sources are read at a time (of fewer, each
    in two processes); `accept_shrink` lets go what a sudden loss of rows or columns would otherwise hold back. Raises
    StoreError; a sick source is in the report.
    """
    started = time.monotonic()
    with rare_collections(), store.writer() as writer:
        people = People(writer, steps)
        people.catch_up()
        publish_terminology(writer, steps, people)
        plans = plan(store, sources, as_of, steps, full=full, accept_shrink=accept_shrink)
        runs = {
            each.name: SourceRun(writer, each, as_of, steps, people, accept_shrink=accept_shrink)
            for each in plans
            if each.health.status == "ok"
        }
        with closing(_events(plans, runs, steps, store, jobs or cores())) as events:
            for source, event in events:
                if runs[source].is_first(event):
                    writer.hold(_HELD)
                else:
                    writer.release()
                runs[source].apply(event)
                if progress:
                    _tell(progress, source, event, runs[source].report, plans)
        people.settle()
        with writer.batch():
            for each in plans:
                if each.health.status != "ok":
                    health = each.health
                    writer.states.set_health(each.name, None, health.status, health.message, health.hint)
    reports = [
        runs[each.name].report if each.name in runs else SourceReport(each.name, health=each.health) for each in plans
    ]
    return SyncReport(reports, time.monotonic() - started, people.report)


def retry_quarantine(
    store: Store,
    sources: Sequence[SourceConfig],
    *,
    as_of: date,
    entries: Sequence[int] | None = None,
    progress: Callback | None = None,
    steps: Steps = PRODUCT,
) -> SyncReport:
    """Read the sources again and map their quarantined rows (all, or these entries) as if they had changed."""
    with store.writer() as writer, writer.batch():
        for source in sources:
            writer.rows.retry(writer.quarantine.retry(source.name, entries))
            writer.states.forget_tokens(source.name)
    return sync(store, sources, as_of=as_of, progress=progress, steps=steps)


def _events(
    plans: Sequence[SourcePlan], runs: dict[str, SourceRun], steps: Steps, store: Store, jobs: int
) -> Generator[tuple[str, Event]]:
    tasks = [run.task for run in runs.values()]
    rows = {each.name: each.estimated_rows for each in plans if each.name in runs}
    total = None if None in rows.values() else sum(row for row in rows.values() if row is not None)
    if is_worth_processes(total, jobs):
        # The biggest first, and those that may be: so that none is left to be read alone in the end.
        tasks.sort(key=lambda task: (rows[task.config.name] is None, rows[task.config.name] or 0), reverse=True)
        return read_in_workers(tasks, steps, store, jobs)
    return read_here(tasks, steps, store)


def _tell(progress: Callback, source: str, event: Event, report: SourceReport, plans: Sequence[SourcePlan]) -> None:
    if isinstance(event, (StreamStarted, Rows, StreamEnded, StreamFailed)):
        rows = next(each.counts.read for each in report.streams if each.stream == event.stream)
        estimated = next(
            stream.stream.estimated_rows
            for each in plans
            if each.name == source
            for stream in each.streams
            if stream.stream.name == event.stream
        )
        progress(Progress(source, event.stream, rows, estimated, isinstance(event, (StreamEnded, StreamFailed))))
