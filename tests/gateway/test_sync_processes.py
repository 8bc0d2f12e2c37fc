"""The sync in worker processes, killed half way, and interrupted: the store is the same in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.sync import Progress, SyncReport, sync
from tests.gateway.list_backed import STEPS, Hospital, people, visits
from tests.gateway.syncs import TODAY, bodies, dangling_links

MANY = 3_500  # enough that processes are worth it
ORPHAN = {"key": "v-orphan", "name": "visit", "person": "nobody"}


def opened(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder}/gw.db", extra=TABLES)


def big(folder: Path, name: str = "list") -> Hospital:
    hospital = Hospital(folder / f"{name}.json", name)
    hospital.streams = {"people": people(MANY, insurer="Acme"), "visits": [*visits(500, MANY), ORPHAN]}
    hospital.write()
    return hospital


def synced(store: Store, hospitals: list[Hospital], **options: Any) -> SyncReport:
    return sync(store, [each.config for each in hospitals], **{"as_of": TODAY, "steps": STEPS, "jobs": 2, **options})


def content(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    """What the store says, whenever it was written."""
    found = bodies(store)
    for body in found.values():
        del body["meta"]["lastUpdated"]
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """What one undisturbed sync in this process makes."""
    folder = tmp_path_factory.mktemp("expected")
    with opened(folder) as store:
        assert synced(store, [big(folder)], jobs=1).ok
        return content(store)


def test_workers_make_the_same_store(tmp_path: Path, expected: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Where a source is read changes nothing."""
    with opened(tmp_path) as store:
        assert synced(store, [big(tmp_path)]).ok
        assert content(store) == expected


def test_a_worker_that_dies_is_its_sources_failure(tmp_path: Path) -> None:
    """The other source is synced; the report says how the process ended; the next sync goes on."""
    sick, well = big(tmp_path, "sick"), big(tmp_path, "well")
    whole = sick.streams["people"]
    sick.streams["people"] = [*whole[:2000], {"how": "kills"}]
    sick.write()
    with opened(tmp_path) as store:
        report = synced(store, [sick, well])
        assert [source.ok for source in report.sources] == [False, True]
        assert "exit code 9" in report.sources[0].errors[0].message
        assert report.sources[0].counts.deleted == 0
        dangling_links(store)
        sick.streams["people"] = whole
        sick.write()
        assert synced(store, [sick, well]).ok
        assert store.counts()["sick"] == store.counts()["well"]


def killing(rows: Sequence[Any]) -> Any:
    """As much memory as there is not."""
    if len(rows) < 500:
        os.kill(os.getpid(), signal.SIGKILL)
    return STEPS.bulk(rows)


@pytest.mark.parametrize("place", ["reading", "making drafts"])
def test_either_of_two_processes_may_die(tmp_path: Path, place: str) -> None:
    """One source alone has two: whichever dies, the source has failed, and nothing waits for the other."""
    alone = big(tmp_path)
    if place == "reading":
        alone.streams["people"].append({"how": "kills"})
        alone.write()
    steps = STEPS if place == "reading" else replace(STEPS, bulk=killing)
    with opened(tmp_path) as store:
        report = synced(store, [alone], steps=steps)
        assert [source.ok for source in report.sources] == [False]
        assert f"exit code {9 if place == 'reading' else -9}" in report.sources[0].errors[0].message
        assert report.sources[0].counts.deleted == 0
        dangling_links(store)


def test_a_worker_reads_one_source_after_another(tmp_path: Path) -> None:
    """More sources than workers, with one among them that kills its worker: all others are whole."""
    hospitals = [big(tmp_path, name) for name in ("one", "two", "three", "four")]
    hospitals[1].streams["people"] = [*hospitals[1].streams["people"][:2000], {"how": "kills"}]
    hospitals[1].write()
    with opened(tmp_path) as store:
        report = synced(store, hospitals)
        assert [source.ok for source in report.sources] == [True, False, True, True]
        assert store.counts()["one"] == store.counts()["three"] == store.counts()["four"]
        dangling_links(store)


def test_ctrl_c_leaves_what_was_committed(tmp_path: Path, expected: dict[tuple[str, str], dict[str, Any]]) -> None:
    """The interrupt reaches the caller, no process stays behind, and the next sync completes the store."""

    def interrupt(told: Progress) -> None:
        if told.rows >= 1000:
            raise KeyboardInterrupt

    with opened(tmp_path) as store:
        with pytest.raises(KeyboardInterrupt):
            synced(store, [big(tmp_path)], progress=interrupt)
        half = store.counts()["list"]["Patient"]
        assert 1000 <= half < MANY
        assert synced(store, [big(tmp_path)]).ok
        assert content(store) == expected


def test_a_first_sync_can_be_read_while_it_runs(tmp_path: Path) -> None:
    """Every literal reference resolves, what was there stays, and the index knows what the store has."""
    seen = [0]

    def read(told: Progress) -> None:
        found = bodies(store)
        dangling_links(store)
        with store.snapshot() as snapshot:
            assert snapshot.rows("SELECT count(*) FROM index_entry") == [(len(found),)]
        assert len(found) >= seen[-1]
        seen.append(len(found))

    with opened(tmp_path) as store:
        assert synced(store, [big(tmp_path)], progress=read).ok
        assert 0 < seen[1] < seen[-1] <= len(bodies(store))


KILLED = """
import os, signal, sys
from pathlib import Path
from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.sync import sync
from tests.gateway.list_backed import STEPS, Hospital
from tests.gateway.syncs import TODAY

def killed(told):
    if (told.stream, told.rows) >= (sys.argv[2], int(sys.argv[3])):
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
with Store.open(f"sqlite:///{folder}/gw.db", extra=TABLES) as store:
    sync(store, [Hospital(folder / "list.json").config], as_of=TODAY, steps=STEPS, jobs=1, progress=killed)
"""


@pytest.mark.parametrize(("stream", "rows"), [("people", 500), ("people", 2000), ("visits", 0), ("visits", 500)])
def test_a_killed_sync_is_completed_by_the_next(
    tmp_path: Path, expected: dict[tuple[str, str], dict[str, Any]], stream: str, rows: int
) -> None:
    """kill -9 at any point, then a sync: the same resources, references and issues, nothing written twice."""
    hospital = big(tmp_path)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, stream, str(rows)],
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with opened(tmp_path) as store:
        assert 0 < len(bodies(store)) < len(expected) + 1
        assert synced(store, [hospital], jobs=1).ok
        assert content(store) == expected
        assert [issue.key for issue in store.issues(code="orphan")] == ['["v-orphan"]']


def test_memory_does_not_grow_with_the_source(tmp_path: Path) -> None:
    """Ten times the rows need no more than a little more memory, in the writing process."""
    script = KILLED + "\nimport resource\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    peaks = []
    for rows in (2_000, 20_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        (folder / "list.json").write_text(json.dumps({"streams": {"people": people(rows)}}))
        done = subprocess.run(
            [sys.executable, "-c", script, folder, "~ no such stream, so it lives", "0"],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        )
        peaks.append(int(done.stdout))
    # The list-backed hospital itself holds its file: some 10 MB. SQLite's page cache of 64 MB fills up.
    assert peaks[1] - peaks[0] < 110_000, peaks
