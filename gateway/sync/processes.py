"""Where the reading side runs: here, or for big sources in worker processes beside the writing side.

Where there are more cores than sources, two processes read a source: one reads, maps and checks, the other makes
drafts. A reader that is some batches ahead of who comes next waits: memory does not grow with the source.
"""

from __future__ import annotations

import fcntl
import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple

from gateway.store import Store
from gateway.sync.drafts import drafted
from gateway.sync.events import CheckedRows, Event, SourceEnded, SourceFailed
from gateway.sync.prepare import Task, prepared
from gateway.sync.steps import Steps
from gateway.sync.wire import packed, unpacked
from his_adapters.base import Health

_WORTH_A_PROCESS = 3_000
"""Rows. Starting a process costs about what mapping so many rows costs."""

_PIPE_BYTES = 1 << 20
"""About a batch, so that a reader begins the next one while the last is fetched. Usual are 65,536."""

_AHEAD = 16
"""Batches that a reader keeps for the writer. Some streams take longer to read, others to write: so neither waits."""

_YIELDING = 10
"""What workers add to their niceness: all wait for the one that writes, so it goes first."""


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
            assert not isinstance(event, CheckedRows)  # noqa: S101 - drafts were asked for
            yield task.config.name, event


class _Worker(NamedTuple):
    """A reading process, or two. They read one source after another, because a process takes a second to start."""

    processes: Sequence[SpawnProcess]
    tasks: Connection
    events: Connection

    @property
    def is_whole(self) -> bool:
        """Whether all live."""
        return all(process.is_alive() for process in self.processes)

    def exit_code(self) -> int | None:
        """Of the one that failed, when nothing more comes. What is left of the others ends."""
        for process in reversed(self.processes):  # one that gets nothing more ends well
            process.join()
            if process.exitcode:
                break
        self.terminate()
        return process.exitcode

    def terminate(self) -> None:
        """End it at once."""
        for process in self.processes:
            process.terminate()

    def end(self) -> None:
        """Let it go: it ends when it is told of no further task."""
        self.tasks.close()
        self.events.close()
        for process in self.processes:
            process.join()
            process.close()


def read_in_workers(tasks: Sequence[Task], steps: Steps, store: Store, jobs: int) -> Generator[tuple[str, Event]]:
    """`jobs` sources at a time, each in a process. A worker that dies is the failure of the source that it reads."""
    waiting = deque(tasks)
    running: dict[Connection, tuple[Task, _Worker]] = {}
    idle: list[_Worker] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                worker = idle.pop() if idle else _start(steps, store, in_two=len(tasks) < jobs)
                task = waiting.popleft()
                running[worker.events] = (task, worker)
                with suppress(OSError):  # it is dead: so its next event will say
                    worker.tasks.send(task)
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)  # noqa: S101 - only these were waited for
                task, worker = running[ready]
                event = _receive(worker)
                yield task.config.name, event
                is_dead = isinstance(event, SourceFailed) and not worker.is_whole
                if is_dead:
                    yield task.config.name, SourceEnded()
                if is_dead or isinstance(event, SourceEnded):
                    del running[ready]
                    if is_dead:
                        worker.end()
                    else:
                        idle.append(worker)
    finally:
        for _, worker in running.values():
            worker.terminate()
            worker.end()
        for worker in idle:
            worker.end()


def _start(steps: Steps, store: Store, *, in_two: bool) -> _Worker:
    context = multiprocessing.get_context("spawn")  # a fork would inherit the store's connections
    tasks, telling = context.Pipe(duplex=False)
    receiving, sending = _pipe(context)
    theirs = [tasks, sending]
    programs: list[tuple[Callable[..., None], tuple[Any, ...]]]
    if in_two:
        taking, giving = _pipe(context)
        theirs += [taking, giving]
        programs = [(_read, (steps, store.url, tasks, giving, False)), (_draft, (steps, taking, sending))]
    else:
        programs = [(_read, (steps, store.url, tasks, sending, True))]
    processes = [context.Process(target=program, args=given, daemon=True) for program, given in programs]
    for process in processes:
        process.start()
    for end in theirs:
        end.close()  # so that a pipe ends with who writes or reads it
    return _Worker(processes, telling, receiving)


def _pipe(context: SpawnContext) -> tuple[Connection, Connection]:
    receiving, sending = context.Pipe(duplex=False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
        with suppress(OSError):  # a user may have only so much of it
            fcntl.fcntl(sending.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return receiving, sending


def _receive(worker: _Worker) -> Event:
    try:
        event: Event = unpacked(worker.events.recv_bytes())
    except (EOFError, OSError):  # before an event, or within one
        return SourceFailed(
            Health(
                "transient",
                f"The reading process ended (exit code {worker.exit_code()})",
                "sync again; is memory short?",
            )
        )
    return event


def _read(steps: Steps, url: str, tasks: Connection, events: Connection, drafts: bool) -> None:
    with _working(events) as send, closing(Store.attach(url)) as store, suppress(EOFError):
        while True:
            task: Task = tasks.recv()
            for event in prepared(task, steps, store, drafts=drafts):
                send(packed(event))


def _draft(steps: Steps, checked: Connection, events: Connection) -> None:
    with _working(events) as send, suppress(EOFError, OSError):  # the other one ends, or has died within an event
        while True:
            event = unpacked(data := checked.recv_bytes())
            send(packed(drafted(event, steps)) if isinstance(event, CheckedRows) else data)


@contextmanager
def _working(events: Connection) -> Iterator[Callable[[bytes], None]]:
    """What any worker does, and how it sends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    os.nice(_YIELDING)
    with rare_collections(), closing(events), _sending(events) as send:
        yield send


@contextmanager
def _sending(events: Connection) -> Iterator[Callable[[bytes], None]]:
    """Sends in a thread of its own. What was given is sent when the context ends."""
    waiting: Queue[bytes | None] = Queue(_AHEAD)

    def send() -> None:
        try:
            while (data := waiting.get()) is not None:
                events.send_bytes(data)
        except OSError:  # nobody is there who would write
            os._exit(1)

    sender = Thread(target=send, daemon=True)
    sender.start()
    yield waiting.put
    waiting.put(None)
    sender.join()
