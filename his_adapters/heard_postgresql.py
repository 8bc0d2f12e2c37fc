"""A connection of psycopg that gives up a server from which nothing is heard: psycopg itself waits without end.

A server that is gone is noticed by TCP. One that is there and stands still (a full disk, a stopped process, a proxy)
is not.
https://www.psycopg.org/psycopg3/docs/api/connections.html
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen


class HeardConnection(psycopg.Connection[Any]):
    """Closes itself and raises OperationalError, from a TimeoutError, after `silence` seconds without a byte."""

    silence: float

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """Wait for the server as psycopg does, but not without end."""
        try:
            return super().wait(_heard(gen, self.silence), *args, **kwargs)
        except TimeoutError as error:
            self.close()
            raise psycopg.OperationalError("nothing is heard from the server") from error


def connected(silence: float, *args: Any, **kwargs: Any) -> HeardConnection:
    """A connection, made as psycopg makes one."""
    made = HeardConnection.connect(*args, **kwargs)
    made.silence = silence
    return made


def _heard(told: PQGen[RV], silence: float) -> PQGen[RV]:
    """What is waited for, step by step; psycopg comes back several times a second, with 0 where nothing has come."""
    since = monotonic()
    try:
        wanted = next(told)
        while True:
            ready = yield wanted
            now = monotonic()
            if ready:
                since = now
            elif now - since > silence:
                raise TimeoutError
            wanted = told.send(ready)
    except StopIteration as done:
        found: RV = done.value
        return found
