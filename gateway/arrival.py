"""Reads the bodies of requests, of which slow clients can hold up only some: the others' threads stay free.

The server hands a body over in blocking calls without a time limit, so what is limited is how many wait at a time.
"""

from __future__ import annotations

from threading import Semaphore
from typing import Final, Protocol

from gateway.outcomes import Throttled

_PATIENCE: Final = 0.02
"""Seconds that a request waits for its turn: a body that has come is read in microseconds."""
_PIECE: Final = 1 << 16


class Input(Protocol):
    """What WSGI calls `wsgi.input`."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class Arrivals:
    """The bodies that are being read: at most so many at a time."""

    def __init__(self, most: int) -> None:
        self._turns = Semaphore(most)

    def read(self, source: Input, most: int) -> bytes:
        """The body, at most so many bytes of it. Raises Throttled."""
        if not self._turns.acquire(timeout=_PATIENCE):
            raise Throttled("too many requests send their bodies slowly; try again", headers={"Retry-After": "1"})
        try:
            pieces: list[bytes] = []
            while most and (piece := source.read(min(most, _PIECE))):
                pieces.append(piece)
                most -= len(piece)
            return b"".join(pieces)
        finally:
            self._turns.release()
