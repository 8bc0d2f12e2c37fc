"""The gateway's own store, opened for a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.failures import Failure
from gateway.identity.tables import TABLES
from gateway.settings import masked
from gateway.store import Store

if TYPE_CHECKING:
    from gateway.settings import Settings

_SQLITE = "sqlite:///"


def open_store(settings: Settings) -> Store:
    """The store with all its tables; made when it is missing. Raises StoreError."""
    return Store.open(settings.store, extra=TABLES)


def existing_store(settings: Settings) -> Store:
    """The store that a sync has made. A command that only looks makes no empty file. Raises StoreError, Failure."""
    if settings.store.startswith(_SQLITE) and not Path(settings.store[len(_SQLITE) :].partition("?")[0]).is_file():
        raise Failure(masked(settings.store), "nothing was synced yet", "run: fhir-gateway sync")
    return open_store(settings)
