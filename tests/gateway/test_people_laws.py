"""The laws of who is who under real syncs, link runs, decisions, losses and kills, all mixed at random.

Every stored Patient is in exactly one person at any time, no history is lost, what people ruled holds, undoing undoes.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.sync.link import link
from tests.gateway.list_backed import STEPS, Hospital
from tests.gateway.test_sync_people import ASHA, person, synced
from tests.gateway.townsfolk import MACHINES, PEOPLE, Town

ROOT = Path(__file__).parents[2]
DYING = """
import sys
from pathlib import Path
from gateway.identity.tables import TABLES
from gateway.store import Store
from gateway.sync.link import link
from tests.gateway.dying import die_after
from tests.gateway.list_backed import STEPS
from tests.gateway.townsfolk import Town

folder, left, words = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
die_after(left)
"""
LINKED = (
    DYING
    + """
with Store.open(f"sqlite:///{folder}/gw.db", extra=TABLES) as store:
    link(store, steps=STEPS)
"""
)
LIVED = (
    DYING
    + """
with (
    Store.open(f"sqlite:///{folder}/gw.db", extra=TABLES) as store,
    (folder / "progress").open("ab", buffering=0) as lived,
):
    town = Town(store, folder, int(words[0]))
    town.check_owners()
    town.sync()
    town.check()
    for step in range(int(words[1])):
        town.step()
        lived.write(b".")
    town.check()
"""
)


def ran(script: str, *words: object) -> int:
    """How a process of its own ended."""
    ended = subprocess.run([sys.executable, "-c", script, *map(str, words)], check=False, capture_output=True, cwd=ROOT)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()
    return ended.returncode


@pytest.mark.parametrize(
    ("seed", "steps"),
    [(1, 60), *(pytest.param(seed, 400, marks=pytest.mark.soak) for seed in (2, 3))],
)
def test_everybody_has_one_person_whatever_happens(tmp_path: Path, seed: int, steps: int) -> None:
    """Syncs, runs and decisions in any order."""
    with Store.open(f"sqlite:///{tmp_path}/gw.db", extra=TABLES) as store:
        town = Town(store, tmp_path, seed)
        for _ in range(steps):
            town.step()
            town.check()
    assert {*MACHINES, *PEOPLE} <= town.done.keys()


@pytest.mark.parametrize(
    ("steps", "kills"), [(12, 1), pytest.param(1_000, 50, marks=pytest.mark.soak)], ids=["small", "soak"]
)
def test_killed_anywhere_nobody_is_lost(tmp_path: Path, steps: int, kills: int) -> None:
    """kill -9 between any two statements of the index, in a sync, a run or a decision; the next process goes on."""
    chance, progress = Random(steps), tmp_path / "progress"
    progress.touch()
    for life in range(kills + 1):
        left = steps - progress.stat().st_size
        share = max(left // (kills + 1 - life), 1)
        # A step is some fifty statements: so each life ends somewhere within its share.
        statements = chance.randrange(1, 40 * share) if life < kills else 0
        ended = ran(LIVED, tmp_path, statements, life, 3 * share if life < kills else max(left, 1))
        assert ended == (-signal.SIGKILL if life < kills else 0)
    assert progress.stat().st_size >= steps


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Twelve people whose records came in an order in which a sync could not join them."""
    folder = tmp_path / "town"
    folder.mkdir()
    maiden = {key: value for key, value in ASHA.items() if key != "phone"}
    spellings = ({**ASHA, "name": "Asha Kulkarni", "family": "Kulkarni"}, maiden, ASHA)
    hospitals = [Hospital(folder / f"{name}.json", name) for name in ("north", "south", "east")]
    with Store.open(f"sqlite:///{folder}/gw.db", extra=TABLES) as store:
        for at, (hospital, facts) in enumerate(zip(hospitals, spellings, strict=True)):
            for number in range(12):
                own = {"born": f"{1950 + 6 * number}-03-09"} | ({"phone": f"98230 {number:02}122"} if at != 1 else {})
                hospital.streams["people"].append(person({**facts, **own}, f"p{number}"))
            synced(store, *hospitals[: at + 1])
    return folder


@pytest.mark.parametrize(
    "statements",
    [(30, 300, 700), pytest.param(range(1, 5000, 7), marks=pytest.mark.soak)],
    ids=["some", "many"],
)
def test_a_killed_run_is_finished_by_the_next(town: Path, statements: Sequence[int]) -> None:
    """Before, within and after its transactions: nobody is lost, and in the end all is as without the kill."""
    whole = town.with_name("whole")
    shutil.copytree(town, whole)
    with Store.open(f"sqlite:///{whole}/gw.db", extra=TABLES) as store:
        before = Town(store, whole, 0).check_owners()
        assert link(store, steps=STEPS).merges > 0
        wanted = Town(store, whole, 0).check_owners()
        assert len(set(wanted.values())) < len(set(before.values()))
    for at in statements:
        folder = town.with_name(f"killed-{at}")
        shutil.copytree(town, folder)
        ended = ran(LINKED, folder, at)
        with Store.open(f"sqlite:///{folder}/gw.db", extra=TABLES) as store:
            found = Town(store, folder, 0)
            assert found.check_owners().keys() == before.keys()
            link(store, steps=STEPS)
            found.check()
            assert found.check_owners() == wanted
        shutil.rmtree(folder)
        if ended == 0:
            assert at > 700
            return
