"""A TCP proxy that a test can make sick: it refuses connections, is silent, cuts or stalls each after so many bytes."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 4096


class Proxy:
    """Listens on a port of this machine and passes on to another place. One thread a connection."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self.port = 0
        self.is_silent = False
        """Whether connections come about and nothing is ever answered."""
        self.cut_after: int | None = None
        """Bytes from the server to one client; None: as many as there are."""
        self.stalls_after: int | None = None
        """The same, after which the connections stay and nothing comes any more."""
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self.listen()

    def listen(self) -> None:
        """Open the port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept, self._listener)

    def refuse(self) -> None:
        """Close the port and every connection."""
        for each in (self._listener, *self._open):
            _shut(each)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start(self, run: object, *arguments: socket.socket) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:  # it was shut
                    return
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._there) as server, selectors.DefaultSelector() as ready:
            self._open |= {client, server}
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            with suppress(OSError):
                while self.is_silent and client.recv(_PIECE):
                    pass
                self._pass_on(ready, server)
            self._open -= {client, server}

    def _pass_on(self, ready: selectors.BaseSelector, server: socket.socket) -> None:
        told = 0
        while self.cut_after is None or told <= self.cut_after:
            if self.stalls_after is not None and told > self.stalls_after and server in ready.get_map():
                ready.unregister(server)
            for key, _ in ready.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                piece = source.recv(_PIECE)
                if not piece:
                    return
                key.data.sendall(piece)
                told += len(piece) if source is server else 0


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """A proxy that is well."""
    made = Proxy(host, port)
    try:
        yield made
    finally:
        made.refuse()
