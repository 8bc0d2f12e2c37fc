"""Finds rows of one dataset by key while another one is read: in a private file on disk, so that memory does not grow.

A key whose rows contradict each other, or whose row cannot be read, gives no cells: taking one of them could give a
person what is another's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from marshmallow import ValidationError

from his_adapters.native_fields import cleaned
from his_adapters.tabular import Join

_BATCH = 500
_MEMORY_KIB = 16_384
"""What SQLite keeps in memory of the file."""

Cells = tuple[str, ...]


class Entry(NamedTuple):
    """What one row gives to those that name it."""

    key: str
    cells: Cells | None
    """None: the row is there, but these cells of it cannot be read."""


class RowLookup:
    """Rows by key. Close it when the reading is done: its file goes with it."""

    def __init__(self, entries: Iterable[Entry], width: int) -> None:
        # An empty name is a private file that SQLite has unlinked already. https://www.sqlite.org/inmemorydb.html
        self._store = sqlite3.connect("", isolation_level=None)
        names = [f"cell{place}" for place in range(width)]
        self._select = f"SELECT key, clear, {', '.join(names)} FROM entry WHERE key IN "  # noqa: S608 - our own names
        self._store.execute(f"PRAGMA cache_size = -{_MEMORY_KIB}")
        self._store.execute(f"CREATE TABLE entry (key TEXT PRIMARY KEY, clear INT, {', '.join(names)}) WITHOUT ROWID")
        same = " AND ".join(f"{name} IS excluded.{name}" for name in names)
        insert = (
            f"INSERT INTO entry VALUES ({', '.join('?' * (width + 2))}) "  # noqa: S608 - our own names
            f"ON CONFLICT (key) DO UPDATE SET clear = clear AND excluded.clear AND {same}"
        )
        rows = ((each.key, each.cells is not None, *(each.cells or ("",) * width)) for each in entries)
        try:
            self._store.execute("BEGIN")
            self._store.executemany(insert, rows)
            self._store.execute("COMMIT")
        except BaseException:
            self._store.close()
            raise

    def find(self, keys: Iterable[str]) -> dict[str, Cells | None]:
        """The cells of each key that has a row; None where they are not clear."""
        found: dict[str, Cells | None] = {}
        for batch in _batches(iter(set(keys))):
            with closing(self._store.execute(f"{self._select}({', '.join('?' * len(batch))})", batch)) as cursor:
                for key, clear, *cells in cursor:
                    found[key] = tuple(cells) if clear else None
        return found

    def close(self) -> None:
        """Drop the file."""
        self._store.close()


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, _BATCH)):
        yield batch


def complete(rows: Sequence[dict[str, Any]], join: Join, lookup: RowLookup) -> list[bool]:
    """Add the cells that rows take from the rows they name; for each row whether these are clear.

    A row that names nothing, or nothing that is there, takes nothing, and that is clear.
    """
    keys = [_key(row.get(join.field)) for row in rows]
    found = lookup.find(key for key in keys if key is not None)
    clear = []
    for row, key in zip(rows, keys, strict=True):
        cells = found.get(key, ()) if key is not None else ()
        row.update(zip(join.taken.values(), cells or (), strict=False))
        clear.append(cells is not None)
    return clear


def _key(cell: object) -> str | None:
    try:
        return cleaned(cell)
    except ValidationError:  # which the row's own field reports
        return None
