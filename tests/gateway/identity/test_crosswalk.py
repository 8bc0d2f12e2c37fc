"""The crosswalk: one person for every record, whatever happens; undoing undoes; history tells all."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.identity.crosswalk import Crosswalk, RefusedError, person_id
from gateway.identity.replay import HistoryError, materialised, rebuild
from gateway.store import Writer
from gateway.store.sql import WriterSql
from tests.gateway.identity.histories import MACHINE, REVIEWER, World, changing, open_index, who_is_who
from tests.postgres import postgres_server, postgres_url, store_url

__all__ = ["postgres_server", "postgres_url", "store_url"]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def writer(store_url: str) -> Iterator[Writer]:
    with open_index(store_url) as store, store.writer() as opened:
        yield opened


def start(writer: Writer, *records: str) -> list[str]:
    with changing(writer) as crosswalk:
        return [crosswalk.start(record, "here", b"[]", MACHINE) for record in records]


def merge(writer: Writer, *persons: str) -> str:
    with changing(writer) as crosswalk:
        return crosswalk.merge(persons, MACHINE)


def test_a_person_is_named_after_its_first_record(writer: Writer) -> None:
    """The id is a function of the record's id."""
    assert start(writer, "a") == [person_id("a")]
    assert who_is_who(writer) == {"a": person_id("a")}


def test_the_older_person_survives_and_the_younger_leads_to_it(writer: Writer) -> None:
    """Whichever is named first."""
    a, b, c = start(writer, "a", "b", "c")
    assert merge(writer, c, b) == b
    assert merge(writer, b, a) == a
    assert who_is_who(writer) == {"a": a, "b": a, "c": a}
    with changing(writer) as crosswalk:
        assert [crosswalk.survivor(each) for each in (a, b, c, "nobody")] == [a, a, a, None]


def test_unmerge_undoes_merge(writer: Writer) -> None:
    """Also a merge under another merge: the records that it moved come back, no others."""
    a, b, c = start(writer, "a", "b", "c")
    merge(writer, b, c)
    merge(writer, a, b)
    with changing(writer) as crosswalk:
        assert crosswalk.unmerge(c, REVIEWER) == c
    assert who_is_who(writer) == {"a": a, "b": a, "c": c}
    with changing(writer) as crosswalk:
        crosswalk.unmerge(b, REVIEWER)
        with pytest.raises(RefusedError):
            crosswalk.unmerge(b, REVIEWER)
    assert who_is_who(writer) == {"a": a, "b": b, "c": c}


def test_what_was_told_apart_is_not_merged_again(writer: Writer) -> None:
    """Neither by a machine nor by a person who does not say so; who confirms the pair says so."""
    a, b = start(writer, "a", "b")
    with changing(writer) as crosswalk:
        assert crosswalk.tell_apart("a", "b", ["b"], REVIEWER) is None
        with pytest.raises(RefusedError):
            crosswalk.merge([a, b], MACHINE)
        with pytest.raises(RefusedError):
            crosswalk.merge_persons(a, b, REVIEWER)
        crosswalk.leave(["b"], MACHINE)
        crosswalk.start("b", "here", b"[]", MACHINE)
        with pytest.raises(RefusedError):
            crosswalk.merge([a, b], MACHINE)
        assert crosswalk.confirm("b", "a", REVIEWER) == a
    assert who_is_who(writer) == {"a": a, "b": a}


def test_a_founder_that_is_taken_out_gets_another_id(writer: Writer) -> None:
    """The rest keep the id that others know them by."""
    a, b = start(writer, "a", "b")
    merge(writer, a, b)
    with changing(writer) as crosswalk:
        made = crosswalk.tell_apart("a", "b", ["a"], REVIEWER)
    assert made == person_id("a", 1)
    assert who_is_who(writer) == {"a": made, "b": a}


def test_a_person_whose_record_returns_is_the_same(writer: Writer) -> None:
    """Ids do not depend on how often a source lost and found a record."""
    (a,) = start(writer, "a")
    with changing(writer) as crosswalk:
        assert crosswalk.leave(["a", "never"], MACHINE) == [a]
    assert who_is_who(writer) == {}
    assert start(writer, "a") == [a]


def test_what_is_impossible_is_refused(writer: Writer) -> None:
    """And changes nothing."""
    a, b = start(writer, "a", "b")
    merge(writer, a, b)
    with writer.connection.begin():
        crosswalk = Crosswalk(WriterSql(writer.connection), 0)
        for refused in (
            lambda: crosswalk.merge_persons(a, b, REVIEWER),
            lambda: crosswalk.merge_persons(a, a, REVIEWER),
            lambda: crosswalk.merge_persons(a, "nobody", REVIEWER),
            lambda: crosswalk.confirm("a", "a", REVIEWER),
            lambda: crosswalk.confirm("a", "x", REVIEWER),
            lambda: crosswalk.tell_apart("a", "b", ["a", "b"], REVIEWER),
            lambda: crosswalk.unmerge(a, REVIEWER),
            lambda: crosswalk.tell_apart("a", "x", ["x"], REVIEWER),
        ):
            with pytest.raises(RefusedError):
                refused()
    assert who_is_who(writer) == {"a": a, "b": a}


def test_an_unknown_record_cannot_be_rebuilt(writer: Writer) -> None:
    """A record that no event tells of is said, not guessed."""
    start(writer, "a")
    with writer.batch():
        sql = WriterSql(writer.connection)
        sql.run("DELETE FROM identity_record")
        with pytest.raises(HistoryError, match="1 records"):
            rebuild(sql)


@pytest.mark.parametrize("seed", range(2))
def test_every_record_has_one_person_whatever_happens(writer: Writer, seed: int) -> None:
    """Random histories: nobody is lost or doubly owned, rulings hold, the events tell the whole story."""
    world = World(writer, seed)
    for _ in range(150):
        world.step()
    world.check()
    assert {"arrive", "leave", "merge", "merge_persons", "confirm", "tell_apart", "unmerge"} <= set(world.done)


LIVED = """
import sys
from tests.gateway.dying import die_after
from tests.gateway.identity.histories import World, open_index

url, seed, steps, left, progress = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
die_after(left)
with open_index(url) as store, store.writer() as writer, open(progress, "ab", buffering=0) as lived:
    world = World.found(writer, seed, replays=0.01)
    world.check()
    for step in range(steps):
        world.step()
        lived.write(b".")
    world.check()
"""


@pytest.mark.parametrize(
    ("steps", "kills"), [(300, 2), pytest.param(100_000, 50, marks=pytest.mark.soak)], ids=["small", "soak"]
)
def test_killed_at_any_point_nobody_is_lost(tmp_path: Path, steps: int, kills: int) -> None:
    """kill -9 between any two statements: whoever comes next finds every record in one person, and goes on."""
    chance, progress, url = random.Random(steps), tmp_path / "progress", f"sqlite:///{tmp_path}/index.db"
    progress.touch()
    lived = 0
    for life in range(kills + 1):
        share = (steps - lived) // (kills + 1 - life)
        # A step is some twenty statements: so each life ends somewhere within its share.
        left = chance.randrange(1, 10 * share) if life < kills else 0
        words = (url, str(life), str(2 * share if life < kills else steps - lived), str(left), str(progress))
        ended = subprocess.run([sys.executable, "-c", LIVED, *words], check=False, capture_output=True, cwd=ROOT)
        assert ended.returncode == (-signal.SIGKILL if life < kills else 0), ended.stderr.decode()
        lived = progress.stat().st_size
    assert lived >= steps


def test_a_step_that_is_broken_off_leaves_nothing(writer: Writer) -> None:
    """A transaction is whole or not at all."""
    a, b = start(writer, "a", "b")
    with writer.connection.begin():
        before = materialised(WriterSql(writer.connection))

    def break_off() -> None:
        with changing(writer) as crosswalk:
            crosswalk.merge([a, b], MACHINE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    with writer.connection.begin():
        assert materialised(WriterSql(writer.connection)) == before
