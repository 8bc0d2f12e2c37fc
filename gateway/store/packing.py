"""Packs the bodies that the writer writes, and makes the dictionaries for it: one for each source and type.

The first resources of a kind stay plain; they are what its dictionary is trained on. A dictionary never changes and is
never removed, so that a body once written can always be read. What most searches return stays plain too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gateway.store.bodies import MOST_DICTIONARIES, packer, trained
from gateway.store.sql import Sql

_SAMPLES = 500
_PLAIN = ("Patient",)
"""To unpack them would be a sixth of a search for ten; packed they would make the whole store a twentieth smaller."""
_OF_SOURCE = "SELECT type, id, content FROM dictionary WHERE source = ?"
_LAST = "SELECT coalesce(max(id), 0) FROM dictionary"
_PUT = "INSERT INTO dictionary (id, source, type, content) VALUES (?, ?, ?, ?)"
_NEWEST = "SELECT body FROM resource WHERE source = ? AND deleted = ? AND type = ? ORDER BY pk DESC LIMIT ?"

Packer = Callable[[bytes], bytes]


class Packing:
    """The dictionaries of one writer."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self.forget()

    def forget(self) -> None:
        """Know only what the tables say: a dictionary that was made in a failed transaction is not there."""
        self._packers: dict[str, dict[str, Packer]] = {}
        self._plain: Counter[tuple[str, str]] = Counter()

    def packed(self, source: str, resource_type: str, body: bytes) -> bytes:
        """A body as it is to be stored."""
        if resource_type in _PLAIN:
            return body
        pack = self._known(source).get(resource_type)
        if pack is not None:
            return pack(body)
        self._plain[source, resource_type] += 1
        return body

    def learn(self) -> None:
        """Make a dictionary for every kind of which enough bodies were stored plain."""
        for source, resource_type in [kind for kind, stored in self._plain.items() if stored >= _SAMPLES]:
            del self._plain[source, resource_type]
            found = self._sql.rows(_NEWEST, source, False, resource_type, _SAMPLES)
            number = int(self._sql.rows(_LAST)[0][0]) + 1
            dictionary = trained([bytes(row[0]) for row in found]) if number <= MOST_DICTIONARIES else None
            if dictionary is None:
                self._known(source)[resource_type] = bytes  # as it is
            else:
                self._sql.many(_PUT, [(number, source, resource_type, dictionary)])
                self._known(source)[resource_type] = packer(number, dictionary)

    def _known(self, source: str) -> dict[str, Packer]:
        packers = self._packers.get(source)
        if packers is None:
            found = self._sql.rows(_OF_SOURCE, source)
            packers = self._packers[source] = {row[0]: packer(row[1], bytes(row[2])) for row in found}
        return packers
