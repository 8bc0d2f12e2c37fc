"""Where the reading side runs: here, or for big sources in worker processes beside the writing side.

A pipe holds little, so a reader that is ahead of the writer waits: memory does not grow with the source.
"""

from __future__ import annotations

import fcntl
import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from gateway.store import Store
from gateway.sync.events import Event, SourceEnded, SourceFailed
from gateway.sync.prepare import Task, prepared
from gateway.sync.steps import Steps
from gateway.sync.wire import packed, unpacked
from his_adapters.base import Health

_WORTH_A_PROCESS = 3_000
"""Rows. Starting a process costs about what mapping so many rows costs."""

_PIPE_BYTES = 1 << 20
"""About a batch, so that a reader begins the next one while the last is fetched. Usual are 65,536."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def is_worth_processes(estimated_rows: int | None, jobs: int) -> bool:
    """Whether workers are faster. One that does not know its rows may be big."""
    return jobs > 1 and (estimated_rows is None or estimated_rows >= _WORTH_A_PROCESS)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Batches are thousands of tuples that live shortly: looking for cycles among them costs a tenth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def read_here(tasks: Sequence[Task], steps: Steps, store: Store) -> Generator[tuple[str, Event]]:
    """One source after the other, in this process."""
    for task in tasks:
        for event in prepared(task, steps, store):
            yield task.config.name, event


def read_in_workers(tasks: Sequence[Task], steps: Steps, store: Store, jobs: int) -> Generator[tuple[str, Event]]:
    """`jobs` sources at a time, each in a process of its own. A worker that dies is its source's failure."""
    waiting = deque(tasks)
    running: dict[Connection, tuple[Task, SpawnProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.popleft()
                pipe, process = _start(task, steps, store)
                running[pipe] = (task, process)
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)  # noqa: S101 - only these were waited for
                task, process = running[ready]
                event = _receive(ready, process)
                yield task.config.name, event
                if isinstance(event, SourceFailed) and not process.is_alive():
                    event = SourceEnded()
                    yield task.config.name, event
                if isinstance(event, SourceEnded):
                    del running[ready]
                    ready.close()
                    process.join()
                    process.close()
    finally:
        for pipe, (_, process) in running.items():
            process.terminate()
            process.join()
            pipe.close()


def _start(task: Task, steps: Steps, store: Store) -> tuple[Connection, SpawnProcess]:
    context = multiprocessing.get_context("spawn")  # a fork would inherit the store's connections
    receiving, sending = context.Pipe(duplex=False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
        with suppress(OSError):  # a user may have only so much of it
            fcntl.fcntl(sending.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    process = context.Process(target=_work, args=(task, steps, store.url, sending), daemon=True)
    process.start()
    sending.close()  # so that the pipe ends with the worker
    return receiving, process


def _receive(pipe: Connection, process: SpawnProcess) -> Event:
    try:
        event = unpacked(pipe.recv_bytes())
    except EOFError:
        process.join()
        return SourceFailed(
            Health(
                "transient", f"The reading process ended (exit code {process.exitcode})", "sync again; is memory short?"
            )
        )
    return event


def _work(task: Task, steps: Steps, url: str, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    with rare_collections(), closing(pipe), closing(Store.attach(url)) as store:
        for event in prepared(task, steps, store):
            pipe.send_bytes(packed(event))
