"""Child processes of the bench and what they cost: CPU time and memory, read from /proc. Linux only."""

from __future__ import annotations

import resource
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parent.parent
_SCHEDULED = 2  # of a process's clocks, the one of user and system time


class CommandError(Exception):
    """A command of the bench has failed."""


@dataclass(slots=True)
class Ran:
    """A command that has ended well."""

    stdout: str
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of user and system time, of its own children too."""
    peaks: dict[int, int] = field(default_factory=dict)
    """The peak resident bytes of each of its processes, by pid; the command's own first."""


def run(command: Sequence[str]) -> Ran:
    """Run to the end, watching memory. Raises CommandError."""
    started, before = perf_counter(), _spent()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        ran = Ran("")
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, ran.peaks, ended))
        watch.start()
        try:
            ran.stdout, stderr = process.communicate()
        finally:
            ended.set()
            watch.join()
        ran.seconds, ran.cpu = perf_counter() - started, _spent() - before
    if process.returncode:
        raise CommandError(f"{' '.join(command)}: exit code {process.returncode}\n{stderr}")
    return ran


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server, ended when the block is left."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process has started, and that they have started."""
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *children(int(child))]
    except OSError:  # it has just ended
        return found
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time that these have used so far, to the nanosecond: /proc counts in hundredths of a second.

    A process's clock on Linux: https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    """
    return sum(time.clock_gettime(~pid << 3 | _SCHEDULED) for pid in pids)


def memory(pid: int) -> tuple[int, int]:
    """(resident, private) bytes of a process."""
    values = _kilobytes(Path(f"/proc/{pid}/smaps_rollup"))
    return values["Rss"] * 1024, (values["Private_Clean"] + values["Private_Dirty"]) * 1024


def anonymous_bytes(pid: int) -> int:
    """What a process holds besides files: without the pages of the database that are mapped into it."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"))["Anonymous"] * 1024


def _spent() -> float:
    """CPU time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(pid: int, peaks: dict[int, int], ended: threading.Event) -> None:
    while not ended.wait(0.05):
        for each in (pid, *children(pid)):
            try:
                peaks[each] = _kilobytes(Path(f"/proc/{each}/status"))["VmHWM"] * 1024
            except (OSError, KeyError):  # it has just ended
                continue


def _kilobytes(file: Path) -> dict[str, int]:
    lines = (line.split() for line in file.read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) for line in lines if line[-1] == "kB"}
