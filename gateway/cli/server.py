"""Run the API on granian: workers that are forked once, say when they answer, and end cleanly on Ctrl-C and SIGTERM.

Knows no interaction: it only loads `gateway.app.create_wsgi`. Access lines are not logged: URLs hold patient data.
"""

from __future__ import annotations

import gc
import http.client
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from gateway.cli.failures import Failure, line_of
from gateway.cli.lines import FORMAT, LineRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings

_KILL_AFTER = 10
"""Seconds that a worker has to end its requests."""
_LOOK_EVERY = 0.5
"""Seconds between a worker's looks for its parent, and between signals to one that has to end.

A worker of granian 2.8 misses about one signal in twenty; it hears the next.
"""


def run(settings: Settings, announce: Callable[[str], None]) -> int:
    """Serve until a signal; `announce` gets the API's address once it answers. Raises Failure."""
    address = claim_address(settings)
    # Imported before the fork, so that the workers share its pages and none pays for it alone.
    import gateway.app  # noqa: F401 (only loaded here)

    gc.collect()
    gc.freeze()
    server = _AnnouncingServer(
        "gateway.app:create_wsgi",
        address=address,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_KILL_AFTER,
        # Granian advises fewer threads and tells of every step: noise to an operator. Its errors matter.
        log_level=LogLevels.info if settings.log_level == "debug" else LogLevels.error,
        log_dictconfig=_logging(settings.log_level),
    )
    server.announce = partial(announce, f"http://{_in_url(address)}:{settings.port}/fhir")
    try:
        server.serve(target_loader=partial(_application, settings), wrap_loader=False)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def claim_address(settings: Settings) -> str:
    """The IP address to listen on, with the port free. Raises Failure, also where others could read with auth off."""
    if settings.auth == "off" and not is_loopback(settings.host):
        what = "others could read patient data there, and auth is off"
        raise Failure(f"host {settings.host}", what, "listen on 127.0.0.1", code=2)
    try:
        address = str(socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise Failure(f"host {settings.host}", f"unknown: {error.strerror}", "listen on 127.0.0.1", code=2) from None
    _demand_free(address, settings.port)
    return address


def _demand_free(address: str, port: int) -> None:
    """Granian shares ports (SO_REUSEPORT), so a second gateway would silently take half of the requests: refuse."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            hint = f"choose another: --port {port + 1 if port < 65535 else 8080}"
            raise Failure(f"port {port}", f"cannot be used: {error.strerror}", hint) from None


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


class _AnnouncingServer(MPServer):
    announce: Callable[[], None]

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        """Start the workers, then look for the first answer beside them."""
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # granian is untyped here
        # A closed terminal ends the server; granian would only start the workers anew.
        signal.signal(signal.SIGHUP, self.signal_handler_interrupt)
        threading.Thread(target=self._look, daemon=True).start()

    def _stop_workers(self) -> None:
        deadline = time.monotonic() + _KILL_AFTER
        workers: list[Any] = self.wrks
        while (living := [each for each in workers if each.is_alive()]) and time.monotonic() < deadline:
            for worker in living:
                worker.terminate()
            for worker in living:
                worker.join(_LOOK_EVERY)
        super()._stop_workers()  # type: ignore[no-untyped-call]  # granian is untyped here

    def _look(self) -> None:
        while not self.main_loop_interrupt.is_set():
            status = _status(self.bind_addr, self.bind_port)
            if status is None:
                time.sleep(0.01)
                continue
            if status == http.client.OK:
                self.announce()
            else:
                print(f"fhir-gateway: serve: /fhir/metadata answers {status} (see the log)", file=sys.stderr)  # noqa: T201
            return


def _status(address: str, port: int) -> int | None:
    """What `GET /fhir/metadata` answers, or None while nobody does."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/fhir/metadata", headers={"Connection": "close"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _application(settings: Settings) -> Any:
    """The WSGI application of one worker, made after the fork: nothing opened is shared."""
    from gateway.app import create_wsgi

    # Ctrl-C in a terminal reaches the whole process group, and granian's worker hangs when the parent's SIGTERM comes
    # on top of it: only the parent shall hear the terminal.
    os.setpgrp()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    # No line tells where in the code it was written: https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile = None  # noqa: SLF001  as that page says
    logging.setLogRecordFactory(LineRecord)
    try:
        return create_wsgi(settings)
    except Exception as error:  # noqa: BLE001 (the worker's outermost frame)
        print(f"fhir-gateway: serve: {line_of(error)[0]}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None


def _end_with_parent(parent: int) -> None:
    """A worker whose parent was killed would keep the port, and nobody would know of it.

    The parent is asked after by number: the pipe of multiprocessing's sentinel is inherited by workers forked later.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    for _ in range(round(_KILL_AFTER / _LOOK_EVERY)):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LOOK_EVERY)
    os._exit(1)


def _logging(level: str) -> dict[str, Any]:
    """Everything to stderr, one line each."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": FORMAT}},
        "handlers": {
            "stderr": {"class": "gateway.cli.lines.LineHandler", "formatter": "line", "stream": "ext://sys.stderr"}
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {"_granian": {"handlers": ["stderr"], "propagate": False}},
    }
