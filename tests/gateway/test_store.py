"""The store keeps every version, tells them in the order of changes, and answers many threads consistently."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, func, select, update

from gateway.store import RESOURCE, Store, StoreError, Writer
from gateway.store.tables import REGISTER
from gateway.store.writer import Content, Current
from tests.postgres import postgres_server, postgres_url, store_url

__all__ = ["postgres_server", "postgres_url", "store_url"]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def said(resource_id: str, name: str, resource_type: str = "Patient") -> Content:
    head = f'{{"resourceType":"{resource_type}","id":"{resource_id}","meta":{{'.encode()
    tail = b',"source":"urn:test"},"name":' + orjson.dumps(name) + b"}"
    return Content(resource_type, resource_id, head, tail, shared=False, digest=name.encode())


def create(writer: Writer, *contents: Content) -> list[int]:
    with writer.batch():
        return writer.create("test", contents)


def replace(writer: Writer, content: Content) -> None:
    with writer.batch():
        current = writer.current([(content.type, content.id)])[content.type, content.id]
        writer.replace([(current, content)])


def delete(writer: Writer, *pks: int) -> None:
    with writer.batch():
        writer.delete(pks)


def test_versions_are_kept_and_their_bytes_say_what_the_columns_say(store: Store) -> None:
    """version and lastUpdated stand inside the stored bytes, and agree with the columns."""
    with store.writer() as writer:
        [pk] = create(writer, said("a", "one"))
        replace(writer, said("a", "two"))
        delete(writer, pk)
        replace(writer, said("a", "back"))
    names = []
    for version in (1, 2, 4):
        stored = store.vread("Patient", "a", version)
        assert stored is not None
        assert stored.body is not None
        body = orjson.loads(stored.body)
        assert body["meta"]["versionId"] == str(version) == str(stored.version)
        names.append(body["name"])
    assert names == ["one", "two", "back"]
    gone = store.vread("Patient", "a", 3)
    assert gone is not None
    assert (gone.deleted, gone.body) == (True, None)
    assert store.read("Patient", "a") == store.vread("Patient", "a", 4)
    assert store.vread("Patient", "a", 5) is None
    assert store.read("Patient", "b") is None
    assert store.vread("Patient", "b", 1) is None


def test_packed_bodies_are_served_as_they_were_written(store: Store) -> None:
    """After the first 500 of a kind bodies lie packed, but Patients; every version of every one reads as plain JSON."""
    with store.writer() as writer:
        for start in range(0, 2_500, 500):
            create(writer, *(said(f"p{number}", f"Person {number}", "Claim") for number in range(start, start + 500)))
            create(writer, *(said(f"{start + number}", "plain") for number in range(500)))
        create(writer, said("v", "visit", "Encounter"))
    with store.writer() as writer:  # which finds the dictionary in the store
        replace(writer, said("p0", "Packed now", "Claim"))
        replace(writer, said("p2499", "Packed again", "Claim"))
        [whole] = [each for each in writer.whole([1]) if each.body]
    lying = store.prepare(select(RESOURCE.c.type, func.substr(RESOURCE.c.body, 1, 1)))
    with store.snapshot() as snapshot:
        packed = Counter(kind for kind, first in snapshot.all(lying) if bytes(first) != b"{")
    assert packed == {"Claim": 2_001}
    assert orjson.loads(whole.body)["name"] == "Packed now"
    for resource_id, name in (("p0", "Packed now"), ("p1", "Person 1"), ("p2000", "Person 2000")):
        stored = store.read("Claim", resource_id)
        assert stored is not None
        assert stored.body is not None
        assert orjson.loads(stored.body)["name"] == name
    names = {orjson.loads(change.body)["name"] for change in store.history("Claim", count=5_000) if change.body}
    assert names == {f"Person {number}" for number in range(2_500)} | {"Packed now", "Packed again"}


def test_a_dictionary_of_a_failed_batch_is_forgotten(store: Store) -> None:
    """What is packed after it can be read all the same."""
    with store.writer() as writer:

        def fail() -> None:
            with writer.batch():
                writer.create("test", [said(f"p{number}", f"Person {number}") for number in range(1_000)])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        create(writer, *(said(f"p{number}", f"Person {number}") for number in range(1_500)))
        create(writer, said("last", "The last"))
    for change in store.history("Patient", count=2_000):
        assert change.body is not None
        assert orjson.loads(change.body)["id"] == change.id


def test_history_is_newest_first_and_pages_without_loss(store: Store) -> None:
    """Pages by `before` hold each version once, in the order of changes, whatever the scope."""
    with store.writer() as writer:
        pks = create(writer, said("a", "1"), said("b", "1"), said("c", "1", "Encounter"))
        replace(writer, said("a", "2"))
        replace(writer, said("c", "2", "Encounter"))
        delete(writer, pks[1])
    whole = store.history(count=100)
    assert [change.sequence for change in whole] == [6, 5, 4, 3, 2, 1]
    assert [change.method for change in whole] == ["DELETE", "PUT", "PUT", "POST", "POST", "POST"]
    assert [(c.id, c.version) for c in store.history("Patient")] == [("b", 2), ("a", 2), ("b", 1), ("a", 1)]
    assert [c.version for c in store.history("Encounter", "c")] == [2, 1]
    paged, before = [], None
    while page := store.history(before=before, count=2):
        paged += page
        before = page[-1].sequence
    assert paged == whole


def test_history_can_be_cut_by_time(store: Store) -> None:
    """`since_ms` takes what was committed at or after; `at_ms` what was current then."""
    with store.writer() as writer:
        create(writer, said("a", "1"))
        first = writer.now
        writer.now = first + 10  # as if ten milliseconds had gone by
        replace(writer, said("a", "2"))
        second = writer.now
    assert second >= first + 10
    assert [c.version for c in store.history("Patient", "a", since_ms=first + 1)] == [2]
    assert [c.version for c in store.history("Patient", "a", at_ms=(first + 1, first + 2))] == [1]
    assert [c.version for c in store.history("Patient", "a", at_ms=(second, second + 1))] == [2]
    assert [c.version for c in store.history("Patient", "a", at_ms=(first, second + 1))] == [2, 1]
    assert store.history("Patient", "a", at_ms=(first - 1, first)) == []


def test_a_batch_is_all_or_nothing_and_numbers_are_not_reused_wrongly(store: Store) -> None:
    """A batch that fails leaves nothing behind, and the next one goes on from what was committed."""
    with store.writer() as writer:
        create(writer, said("a", "1"))

        def fail() -> None:
            with writer.batch():
                writer.create("test", [said("b", "1")])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        create(writer, said("c", "1"))
    assert store.read("Patient", "b") is None
    assert [(c.id, c.sequence) for c in store.history()] == [("c", 2), ("a", 1)]


def test_held_batches_are_committed_together(store: Store) -> None:
    """Nobody sees them before, one that fails takes the others with it, and what is released is committed."""

    def fail() -> None:
        with writer.batch():
            writer.create("test", [said("d", "four")])
            raise KeyboardInterrupt

    with store.writer() as writer:
        writer.hold(seconds=3600)
        create(writer, said("a", "one"))
        create(writer, said("b", "two"))
        assert [store.read("Patient", each) for each in "ab"] == [None, None]
        writer.release()
        assert [bool(store.read("Patient", each)) for each in "ab"] == [True, True]
        writer.hold(seconds=3600)
        create(writer, said("c", "three"))
        with pytest.raises(KeyboardInterrupt):
            fail()
        create(writer, said("e", "five"))
        writer.hold(seconds=0)
        create(writer, said("f", "six"))
        assert store.read("Patient", "f") is not None
        writer.hold(seconds=3600)
        create(writer, said("g", "seven"))
    assert [change.id for change in store.history("Patient")] == ["g", "f", "e", "b", "a"]


def test_sequence_and_time_only_grow_over_writers(store: Store) -> None:
    """The next writer never commits an earlier time, even when the clock was set back."""
    with store.writer() as writer:
        writer.now = ahead = 4_000_000_000_000
        create(writer, said("a", "1"))
    with store.writer() as writer:
        create(writer, said("b", "1"))
    newest = store.history()[0]
    assert (newest.id, newest.sequence) == ("b", 2)
    assert newest.updated >= ahead


def test_only_one_writer_at_a_time(store: Store, store_url: str) -> None:
    """A second sync is refused at once, with a hint; when the first has ended, it may."""
    with Store.open(store_url) as other:
        with store.writer(), pytest.raises(StoreError, match="Another sync"), other.writer():
            pass
        with other.writer() as writer:
            create(writer, said("a", "1"))
        for each in [store, other] * 10:
            with each.writer():
                pass


def test_a_snapshot_is_one_view(store: Store) -> None:
    """All queries of a snapshot see the same state, whatever is committed meanwhile."""
    counted = store.prepare(select(func.count()).select_from(RESOURCE))
    with store.writer() as writer:
        create(writer, said("a", "1"))
        with store.snapshot() as snapshot:
            assert snapshot.one(counted) == (1,)
            create(writer, said("b", "1"))
            with store.snapshot() as nested:
                assert nested.all(counted) == [(1,)]
            assert snapshot.one(counted) == (1,)
        with store.snapshot() as snapshot:
            assert snapshot.one(counted) == (2,)


def test_prepared_statements_take_values_of_their_own_and_named_ones(store: Store) -> None:
    """What the statement says itself is kept; what is named is given with each query."""
    with store.writer() as writer:
        create(writer, said("a%", "1"), said("b", "1", "Encounter"))
    query = store.prepare(
        select(RESOURCE.c.id).where(RESOURCE.c.type == "Patient", RESOURCE.c.id.like(bindparam("pattern") + "%"))
    )
    with store.snapshot() as snapshot:
        assert snapshot.all(query, pattern="a") == [("a%",)]
        assert snapshot.one(query, pattern="b") is None


def test_sixteen_threads_read_at_once(store: Store) -> None:
    """Each thread has its own connection, and none outlives the store."""
    with store.writer() as writer:
        create(writer, *(said(str(number), str(number)) for number in range(100)))
    together = threading.Barrier(16)

    def read(number: int) -> int:
        together.wait()
        found = [store.read("Patient", str(each)) for each in range(number, 100, 16)]
        return sum(each is not None for each in found)

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(read, range(16))) == 100


def test_threads_that_take_turns_share_a_warm_connection(tmp_path: Path) -> None:
    """A connection is in one hand at a time, and the one that worked last works next, for any thread."""

    def asked() -> list[tuple[int, ...]]:
        with store.snapshot() as snapshot:
            return snapshot.rows("PRAGMA cache_size")

    with Store.open(f"sqlite:///{tmp_path}/store.db") as store, ThreadPoolExecutor(1) as thread:
        with store.snapshot() as snapshot:
            snapshot.rows("PRAGMA cache_size = -77")
            assert thread.submit(asked).result() != [(-77,)]
        assert thread.submit(asked).result() == [(-77,)]
        assert asked() == [(-77,)]


def test_a_store_of_the_parent_is_usable_after_a_fork(store: Store) -> None:
    """A forked child reads over a connection of its own and leaves the parent's alone."""
    with store.writer() as writer:
        create(writer, said("a", "1"))
    assert store.read("Patient", "a") is not None
    child = os.fork()
    if child == 0:
        os._exit(0 if store.read("Patient", "a") is not None else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert store.read("Patient", "a") is not None


def read_elsewhere(url: str) -> bool:
    with Store.attach(url) as store:
        return store.read("Patient", "a") is not None


def test_another_process_can_attach(store: Store) -> None:
    """A spawned process needs the URL alone."""
    with store.writer() as writer:
        create(writer, said("a", "1"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(read_elsewhere, (store.url,))


def test_who_only_reads_waits_for_no_writer(store: Store, store_url: str) -> None:
    """A server starts, and answers, in the middle of a sync's transaction."""
    with store.writer() as writer, writer.batch():
        writer.create("test", [said("a", "1")])
        with Store.open(store_url) as other:
            assert other.secret("cursor") == store.secret("cursor")
            assert other.read("Patient", "a") is None


def test_secrets_are_made_once(store_url: str) -> None:
    """A secret survives the program; another name has another one."""
    with Store.open(store_url) as store:
        made = store.secret("cursor")
        assert len(made) == 32
        assert store.secret("locator") != made
    with Store.open(store_url) as store:
        assert store.secret("cursor") == made


def test_tables_of_other_modules_are_made_too(store_url: str) -> None:
    """`extra` tables are there when the store is open."""
    metadata = MetaData()
    table = Table("index_of_tests", metadata, Column("pk", Integer, primary_key=True))
    with Store.open(store_url, extra=[metadata]) as store, store.snapshot() as snapshot:
        assert snapshot.all(store.prepare(select(table))) == []


def test_counts_leave_out_what_is_deleted(store: Store) -> None:
    """What is deleted is not served, and not counted."""
    with store.writer() as writer:
        pks = create(writer, said("a", "1"), said("b", "1"), said("c", "1", "Encounter"))
        delete(writer, pks[0])
        delete(writer, pks[0])  # again: nothing to do
    assert store.counts() == {"test": {"Patient": 1, "Encounter": 1}}
    assert len(store.history("Patient", "a")) == 2


def test_bodies_are_the_current_ones_of_a_source_and_type(store: Store) -> None:
    """Each once, over several pages; nothing of what is deleted, of another type or of another source."""
    with store.writer() as writer:
        pks = create(writer, *(said(f"p{number}", "old") for number in range(1203)), said("e", "1", "Encounter"))
        replace(writer, said("p7", "new"))
        delete(writer, pks[0], pks[1202])
        with writer.batch():
            writer.create("other", [said("q", "1")])
    found = [orjson.loads(body) for body in store.bodies("test", "Patient")]
    assert [each["id"] for each in found] == [f"p{number}" for number in range(1, 1202)]
    assert [each["id"] for each in found if each["name"] == "new"] == ["p7"]
    assert list(store.bodies("nobody", "Patient")) == []


def test_current_tells_deleted_ones_too(store: Store) -> None:
    """The writer needs to know what was, to give it its next version."""
    with store.writer() as writer:
        pks = create(writer, said("a", "1"), said("b", "1"))
        delete(writer, pks[0])
        with writer.batch():
            found = writer.current([("Patient", "a"), ("Patient", "b"), ("Patient", "c")])
    assert found == {
        ("Patient", "a"): Current(pks[0], 2, True, b""),
        ("Patient", "b"): Current(pks[1], 1, False, b"1"),
    }


def test_sqlite_runs_in_wal_mode_and_readers_cannot_write(tmp_path: Path) -> None:
    """Readers never wait for the writer, and never write."""
    with Store.open(f"sqlite:///{tmp_path}/new/folder/store.db") as store, store.snapshot() as snapshot:
        assert snapshot.rows("PRAGMA journal_mode") == [("wal",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            snapshot.rows("DELETE FROM resource")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        pytest.param("sqlite:////proc/nowhere/store.db", "folder cannot be made: /proc/nowhere", id="folder"),
        pytest.param("sqlite://", "needs a file", id="memory"),
        pytest.param("no url at all", "Not a database URL", id="nonsense"),
        pytest.param("mysql://u:geheim@h/d", "Not a database the store knows", id="other-engine"),
        pytest.param("postgresql://u:geheim@127.0.0.1:1/d", "cannot be opened", id="no-server"),
    ],
)
def test_a_store_that_cannot_be_opened_is_one_line(url: str, what: str) -> None:
    """One line says what, where and how to mend it, and keeps the password."""
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match=what) as raised:
        Store.open(url)
    assert "geheim" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.hint


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    """Whatever lies there is not overwritten."""
    file = tmp_path / "store.db"
    file.write_bytes(b"a letter to a friend, not a database at all\n" * 100)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="file is not a database"):
        Store.open(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_store_of_another_schema_is_refused(store_url: str) -> None:
    """The program says which schema it needs."""
    with Store.open(store_url) as store, store.writer() as writer, writer.batch():
        writer.connection.execute(update(REGISTER).values(value=b"1"))
    with pytest.raises(StoreError, match="schema 1, this program needs 5"):
        Store.open(store_url)
