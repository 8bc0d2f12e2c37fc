"""How quick searches are when they are asked for the first time: each once a round, of servers that have just started,
on one connection. What the gateway remembers of a search plays no part.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.api import gateway_command, serving
from bench.cases import Case
from bench.load import ask_in_turn, load
from bench.stores import Hospitals

_ASKED = 200
"""Searches a case and round."""
_WARM_SECONDS = 0.2
_TURN = 20
"""Searches of one store, before the next one has its turn: the machine's speed changes from second to second."""


@dataclass(slots=True)
class Latencies:
    """Of one case on one store, in ms, an entry a round."""

    medians: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the rounds' medians."""
        return statistics.median(self.medians)

    @property
    def p99(self) -> float:
        """The median of the rounds' p99s."""
        return statistics.median(self.tails)


def measured(
    stores: Sequence[Hospitals], cases: Callable[[Hospitals, int], Sequence[Case]], rounds: int
) -> list[tuple[Case, list[Latencies]]]:
    """The latencies of each case on each store; the stores take turns. `cases` is told the port of a server."""
    asked: list[Sequence[Case]] = []
    for made in stores:
        with serving(gateway_command(made.config)) as server:
            asked.append(cases(made, server.port))
    found = [(of_stores[0], [Latencies() for _ in stores]) for of_stores in zip(*asked, strict=True)]
    for at in range(rounds):
        print(f"latencies: round {at + 1}", file=sys.stderr, flush=True)
        with ExitStack() as stack:
            ports = [stack.enter_context(serving(gateway_command(made.config))).port for made in stores]
            for number, (_, figures) in enumerate(found):
                for made in stores:
                    read_through(made.store)
                paths = [_warmed(port, of_store[number].paths) for port, of_store in zip(ports, asked, strict=True)]
                measured_now = ask_in_turn(list(zip(ports, paths, strict=True)), _TURN)
                for into, latencies in zip(figures, measured_now, strict=True):
                    into.medians.append(latencies.quantile(0.5))
                    into.tails.append(latencies.quantile(0.99))
    return found


def read_through(store: Path) -> None:
    """So that the file lies in the machine's memory. A virtual machine may give memory back within seconds, and would
    measure its host's disk.
    """
    with store.open("rb", buffering=0) as file:
        chunk = bytearray(1 << 24)
        while file.readinto(chunk):
            pass


def _warmed(port: int, paths: Sequence[str]) -> Sequence[str]:
    """Those that are asked for, after a fifth has made caches fill and statements compile."""
    some = paths if len(paths) > 1 else list(paths) * _ASKED  # sorted lists: a walk is not remembered
    warm = max(1, min(len(some), _ASKED) // 5)
    load(port, some[:warm], 8, _WARM_SECONDS)
    return some[warm : warm + _ASKED] or some
