"""A crosswalk beside a plain oracle: random histories of links, merges, undoings, rulings and losses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.identity.cluster import pair
from gateway.identity.crosswalk import Authority, Crosswalk, RefusedError
from gateway.identity.replay import materialised, rebuild, replayed
from gateway.identity.tables import TABLES
from gateway.store import Store, Writer
from gateway.store.sql import WriterSql

MACHINE = Authority("sync", "it is in the store")
REVIEWER = Authority("a.reviewer", "the papers were seen")


STEPS = (
    *("arrive", "arrive", "arrive", "leave", "merge", "merge", "merge_persons"),
    *("confirm", "tell_apart", "tell_apart", "unmerge", "unmerge", "replay"),
)


def open_index(url: str) -> Store:
    return Store.open(url, extra=TABLES)


@contextmanager
def changing(writer: Writer) -> Iterator[Crosswalk]:
    """One transaction."""
    with writer.batch():
        crosswalk = Crosswalk(WriterSql(writer.connection), writer.now)
        yield crosswalk
        crosswalk.flush()


def who_is_who(writer: Writer) -> dict[str, str]:
    with writer.connection.begin():
        return dict(map(tuple, WriterSql(writer.connection).rows("SELECT record, person FROM identity_record")))


class World:
    """What has to be true, kept as sets and pairs; every step is done to the crosswalk and to them."""

    def __init__(self, writer: Writer, seed: int, *, records: int = 24, replays: float = 1.0) -> None:
        self.writer, self.chance = writer, random.Random(seed)
        self.replays = replays
        """How many of the replays are done: each reads the whole history."""
        self.names = [f"record-{number}" for number in range(records)]
        self.people: list[set[str]] = []
        self.ruled: dict[tuple[str, str], bool] = {}
        self.done: dict[str, int] = {}

    @classmethod
    def found(cls, writer: Writer, seed: int, *, replays: float) -> World:
        """A world that takes up what a store holds."""
        world = cls(writer, seed, replays=replays)
        people: dict[str, set[str]] = {}
        for record, person in who_is_who(writer).items():
            people.setdefault(person, set()).add(record)
        world.people = list(people.values())
        with writer.connection.begin():
            world.ruled = Crosswalk(WriterSql(writer.connection), 0).rulings(world.names)
        return world

    def step(self) -> None:
        """One random step; what is refused changes nothing."""
        kind = self.chance.choice(STEPS)
        try:
            getattr(self, f"_{kind}")()
        except RefusedError:
            kind = "refused"
        self.done[kind] = self.done.get(kind, 0) + 1

    def check(self) -> None:
        """Each record is in one person, with whom it should be; history tells the same; no ruling is broken."""
        people: dict[str, set[str]] = {}
        for record, person in who_is_who(self.writer).items():
            people.setdefault(person, set()).add(record)
        assert sorted(map(sorted, people.values())) == sorted(map(sorted, self.people))
        with self.writer.connection.begin():
            sql = WriterSql(self.writer.connection)
            assert replayed(sql) == materialised(sql)
            numbered = [seq for (seq,) in sql.rows("SELECT seq FROM identity_event ORDER BY seq")]
            assert numbered == list(range(1, len(numbered) + 1))
            assert Crosswalk(sql, 0).rulings(self.names) == self.ruled
        for (first, second), same in self.ruled.items():
            together = any({first, second} <= each for each in self.people)
            assert same or not together

    def _of(self, record: str) -> set[str]:
        return next(each for each in self.people if record in each)

    def _any_live(self) -> str:
        live = sorted(set().union(*self.people)) if self.people else []
        if not live:
            raise RefusedError("nobody is there")
        return self.chance.choice(live)

    def _unite(self, ones: set[str], others: set[str]) -> None:
        self.people.remove(others)
        ones |= others

    def _split(self, group: set[str], leaving: set[str]) -> None:
        group -= leaving
        self.people.append(leaving)

    def _arrive(self) -> None:
        absent = [name for name in self.names if not any(name in each for each in self.people)]
        if not absent:
            return
        record = self.chance.choice(absent)
        joined = self.chance.choice([*self.people, None]) if self.people else None
        if joined and any(self.ruled.get(pair(record, other)) is False for other in joined):
            joined = None
        with changing(self.writer) as crosswalk:
            if joined is None:
                crosswalk.start(record, "here", b"[]", MACHINE)
            else:
                person = crosswalk.known(joined)[min(joined)].person
                crosswalk.join(record, "here", b"[]", person, MACHINE)
        if joined is None:
            self.people.append({record})
        else:
            joined.add(record)

    def _leave(self) -> None:
        gone = {self._any_live() for _ in range(2)}
        with changing(self.writer) as crosswalk:
            crosswalk.leave(gone, MACHINE)
        self.people = [left for each in self.people if (left := each - gone)]

    def _two_people(self) -> tuple[set[str], set[str], str, str]:
        first, second = self._any_live(), self._any_live()
        ones, others = self._of(first), self._of(second)
        if ones is others:
            raise RefusedError("one person")
        known = who_is_who(self.writer)
        return ones, others, known[first], known[second]

    def _merge(self) -> None:
        ones, others, first, second = self._two_people()
        with changing(self.writer) as crosswalk:
            crosswalk.merge([first, second], MACHINE)
        self._unite(ones, others)

    def _merge_persons(self) -> None:
        ones, others, first, second = self._two_people()
        with changing(self.writer) as crosswalk:
            oldest = [crosswalk.members([person])[0].record for person in (first, second)]
            crosswalk.merge_persons(first, second, REVIEWER)
        self.ruled[pair(*oldest)] = True
        self._unite(ones, others)

    def _confirm(self) -> None:
        first, second = self._any_live(), self._any_live()
        with changing(self.writer) as crosswalk:
            crosswalk.confirm(first, second, REVIEWER)
        ones, others = self._of(first), self._of(second)
        self.ruled[pair(first, second)] = True
        if ones is not others:
            self._unite(ones, others)

    def _tell_apart(self) -> None:
        first, second = self._any_live(), self._any_live()
        group = self._of(first)
        leaving = {second} | {each for each in sorted(group - {first}) if self.chance.random() < 0.3}
        with changing(self.writer) as crosswalk:
            crosswalk.tell_apart(first, second, leaving, REVIEWER)
        self.ruled[pair(first, second)] = False
        if second in group:
            self._split(group, leaving)

    def _unmerge(self) -> None:
        with self.writer.connection.begin():
            merged = "SELECT person FROM identity_person WHERE merged_into IS NOT NULL ORDER BY merged_by DESC LIMIT 50"
            retired = [person for (person,) in WriterSql(self.writer.connection).rows(merged)]
        if not retired:
            raise RefusedError("nobody was merged")
        chosen = self.chance.choice(retired)
        with changing(self.writer) as crosswalk:
            crosswalk.unmerge(chosen, REVIEWER)
        back = {record for record, person in who_is_who(self.writer).items() if person == chosen}
        group = self._of(min(back))
        assert back <= group
        rest = group - back
        if rest:
            self._split(group, back)
            self.ruled.update({pair(one, other): False for one in back for other in rest})

    def _replay(self) -> None:
        """Whatever a defect wrote into the view, the events make it right again."""
        if not self.people or self.chance.random() > self.replays:
            return
        wrong = self._any_live()
        with self.writer.batch():
            sql = WriterSql(self.writer.connection)
            sql.run("UPDATE identity_record SET person = 'nobody' WHERE record = ?", wrong)
            sql.run("UPDATE identity_person SET merged_into = NULL")
            assert rebuild(sql).wrong_records == 1
