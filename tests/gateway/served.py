"""The real program as a real process on a free port, for tests of `serve` and `demo`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATIENCE = 60
"""Seconds; a loaded machine is slow, a hanging program must not hang the tests."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """A running `fhir-gateway`, in a process group of its own, as a terminal would start it."""

    def __init__(self, *words: str, cwd: Path) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("FHIR_GATEWAY_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**environment, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        self.said = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read stdout until a line matches."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"ended without {pattern!r}: {self.said}{self.process.communicate()[1]}")

    def stop_by(self, sent: signal.Signals, *, whole_group: bool = False) -> tuple[int, str, str]:
        """Send a signal, wait for the end. Returns the exit code, the rest of stdout, and stderr."""
        if whole_group:
            os.killpg(self.process.pid, sent)
        else:
            self.process.send_signal(sent)
        out, err = self.process.communicate(timeout=_PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def program(*words: str, cwd: Path) -> Iterator[Program]:
    """A running program that is gone afterwards, whatever happens."""
    running = Program(*words, cwd=cwd)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.communicate(timeout=_PATIENCE)
