"""Simulated hospitals and the gateway's store over them, made on demand and kept while the code that makes them stays.

The kept stores lie in bench/.data, which git ignores.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import bindparam, select

import his_adapters
import mappers
from bench.processes import ROOT, run
from gateway.store import RESOURCE, Store

DATA = Path(__file__).parent / ".data"
_SEED = 1
_NATIVE_CODE = ("his_adapters",)
_STORE_CODE = ("his_adapters", "mappers", "gateway/store", "gateway/search", "gateway/sync")


@dataclass(frozen=True, slots=True)
class Hospitals:
    """Native stores, and the configuration that names them."""

    config: Path
    natives: Path
    """A folder for each source."""
    sources: tuple[str, ...]
    patients: int
    """In all of them together."""

    @property
    def store(self) -> Path:
        """The gateway's own database."""
        return self.config.parent / "gateway.db"


def sources() -> tuple[str, ...]:
    """Those that can be read and mapped."""
    return tuple(name for name in his_adapters.installed() if name in mappers.installed())


def hospitals(folder: Path, patients_each: int, names: tuple[str, ...] = ()) -> Hospitals:
    """Simulate these sources, or all, with so many patients each, and write the configuration. Makes no database."""
    natives = _natives(names, patients_each)
    names = names or sources()
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["[gateway]", 'store = "sqlite:///gateway.db"']
    for name in names:
        lines += ["", "[[source]]", f'name = "{name}"', f'adapter = "{name}"', f'path = "{natives / name}"']
        lines += ['timezone = "Asia/Kolkata"', 'currency = "INR"']
    config = folder / "gateway.toml"
    config.write_text("\n".join(lines) + "\n")
    return Hospitals(config, natives, names, patients_each * len(names))


def synced(patients: int, names: tuple[str, ...] = ()) -> Hospitals:
    """These hospitals, or all, with their resources in the gateway's store: the last one, if nothing has changed."""
    each = patients // len(names or sources())
    named = _named("synced", patients, names)
    folder = DATA / f"{named}-{digest_of(_STORE_CODE)}"
    done = folder / "done"
    if not done.exists():
        _forget(named)
        made = hospitals(folder, each, names)
        print(f"syncing {made.patients:,} patients of {', '.join(made.sources)} ...", file=sys.stderr, flush=True)
        run(sync_command(made.config))
        done.touch()
    return hospitals(folder, each, names)


def resources(store: Path, batch: int) -> Iterator[list[tuple[str, str, bytes]]]:
    """Everything that a store serves, as (type, id, body), in batches."""
    c = RESOURCE.c
    with Store.attach(f"sqlite:///{store}") as opened:
        chosen = select(c.pk, c.type, c.id, c.body).where(c.pk > bindparam("after"), c.deleted.is_(False))
        page = opened.prepare(chosen.order_by(c.pk).limit(bindparam("count")))
        after = 0
        with opened.snapshot() as snapshot:
            while rows := snapshot.all(page, after=after, count=batch):
                yield [row[1:] for row in rows]  # type: ignore[misc]
                after = rows[-1][0]


def sync_command(config: Path) -> list[str]:
    """The command line of a sync that reports as JSON, on a day that stays the same."""
    return [sys.executable, "-m", "gateway.cli", "sync", "--config", str(config), "--json", "--as-of", "2026-01-01"]


def remove_store(store: Path) -> None:
    """Begin again: the database, its log and its lock."""
    for path in store.parent.glob(f"{store.name}*"):
        path.unlink()


def _natives(names: tuple[str, ...], patients: int) -> Path:
    named = _named("native", patients, names)
    folder = DATA / f"{named}-{digest_of(_NATIVE_CODE)}"
    done = folder / "done"
    if not done.exists():
        _forget(named)
        for name in names or sources():
            print(f"simulating {patients:,} patients of {name} ...", file=sys.stderr, flush=True)
            size = ["--patients", str(patients), "--seed", str(_SEED), "--out", str(folder / name)]
            run([sys.executable, "-m", "gateway.cli", "simulate", "--source", name, *size])
        done.touch()
    return folder


def _named(kind: str, patients: int, names: tuple[str, ...]) -> str:
    """What a folder's name begins with; of some hospitals only it says which."""
    return "-".join([kind, str(patients), *names])


def _forget(named: str) -> None:
    """Remove what the code made before it changed."""
    digest = "[0-9a-f]" * 12
    for old in DATA.glob(f"{named}-{digest}"):
        shutil.rmtree(old)


def digest_of(folders: Sequence[str]) -> str:
    """Of the code that makes a store. $BENCH_REUSE takes what was made before, whatever has changed since."""
    if reused := os.environ.get("BENCH_REUSE"):
        return reused
    digest = blake2b(" ".join(sources()).encode(), digest_size=6)
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in {".py", ".csv"}:
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
