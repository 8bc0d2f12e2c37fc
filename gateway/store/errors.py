"""What can be wrong with the store itself, said in one line."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be used. Says what, where and how to mend it, without secrets."""

    def __init__(self, what: str, where: str, hint: str) -> None:
        super().__init__(f"{what}: {where} ({hint})")
        self.what, self.where, self.hint = what, where, hint


class StoreBusyError(StoreError):
    """Somebody else writes to the store."""


class TimeLimit(Exception):
    """A query was stopped because it took longer than it may."""
