"""All simulated hospitals, synced into a store and served in process, for integration tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from gateway.identity.tables import TABLES
from gateway.store import RESOURCE, Store
from gateway.sync import SyncReport, sync
from his_adapters import installed, simulator_module
from his_adapters.base import SourceConfig, SourceName
from his_adapters.population import Population

AS_OF = date(2026, 1, 15)
SEED = 20_260_115


def simulate_all(folder: Path, patients: int, profile: str = "seed") -> dict[str, dict[str, int]]:
    """Every hospital's store below `folder`, of one population; the rows written by source and table."""
    population = Population(SEED, dict.fromkeys(installed(), patients))
    return {
        name: simulator_module(name).simulate(population, folder / name, patients=patients, profile=profile, seed=SEED)
        for name in installed()
    }


def configured(folder: Path) -> list[SourceConfig]:
    """The sources of a folder, each named as its adapter."""
    return [
        SourceConfig(
            SourceName(name), name, path=folder / name, timezone="Asia/Kolkata", organization=f"Hospital {name}"
        )
        for name in installed()
    ]


def opened_store(path: Path) -> Store:
    """The gateway's own store."""
    return Store.open(f"sqlite:///{path}", extra=TABLES)


def synced(store: Store, folder: Path, *, full: bool = False) -> SyncReport:
    """Sync every hospital of a folder."""
    return sync(store, configured(folder), as_of=AS_OF, full=full, jobs=1)


def resources(store: Store) -> list[dict[str, Any]]:
    """Every living resource of a store."""
    living = store.prepare(select(RESOURCE.c.body).where(RESOURCE.c.deleted.is_(False)))
    with store.snapshot() as snapshot:
        return [orjson.loads(body) for (body,) in snapshot.all(living)]
