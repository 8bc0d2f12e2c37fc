"""A real server on loopback over the test world."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.identity.tables import TABLES
from gateway.store import Store
from tests.gateway.interactions.served import fill


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """`fhir-gateway serve` over the world, by its `[base]`; it says when it answers and ends cleanly."""
    with Store.open(f"sqlite:///{folder / 'gateway.db'}", extra=TABLES) as store:
        fill(store)
    (folder / "gateway.toml").write_text('[gateway]\nstore = "sqlite:///gateway.db"\nlog_level = "warning"\n')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "gateway.cli",
        "serve",
        "--config",
        str(folder / "gateway.toml"),
        "--port",
        str(port),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_GATEWAY_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "Serving" in line:
                    break
            yield f"http://127.0.0.1:{port}/fhir"
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    assert process.returncode == 0
