"""What was worked out for a search, kept while nothing in the store changes. A page never depends on it but for speed.

Knows no SQL. One is shared by the threads of a process; a change by anyone makes all of it void.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any, Final

MISSING: Final = object()
"""Nothing is kept."""


class Memory:
    """Keeps the values used last, of at most a total weight."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._weight = capacity, 0
        self._kept: OrderedDict[Hashable, tuple[int, Any, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, sequence: int) -> Any:
        """What was kept for a key at this change sequence, or MISSING."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or found[0] != sequence:
                return MISSING
            self._kept.move_to_end(key)
            return found[1]

    def put(self, key: Hashable, sequence: int, value: Any, weight: int = 1) -> None:
        """Keep a value; what was not used for longest makes room."""
        with self._lock:
            before = self._kept.pop(key, None)
            self._weight += weight - (before[2] if before else 0)
            self._kept[key] = sequence, value, weight
            while self._weight > self._capacity:
                _, (_, _, freed) = self._kept.popitem(last=False)
                self._weight -= freed
