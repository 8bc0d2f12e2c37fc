"""A town whose people three hospitals know: random histories of real syncs, link runs and decisions, held to laws."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from gateway.identity.crosswalk import Authority, RefusedError
from gateway.identity.decisions import Decisions
from gateway.identity.replay import materialised, rebuild, replayed
from gateway.identity.whole import all_rulings
from gateway.store import Store
from gateway.store.sql import WriterSql
from gateway.sync.deciding import deciding
from gateway.sync.link import link
from gateway.sync.replay import replay
from tests.gateway.list_backed import STEPS, Hospital, Row
from tests.gateway.syncs import bodies, whole_run
from tests.gateway.test_sync_people import consistent

REVIEWER = Authority("a.reviewer", "the papers were seen")
NAMES = ("north", "south", "east")
GIVEN = ("Asha", "Bhavna", "Chetan", "Devika", "Farida", "Gautam")
FAMILIES = ("Patil", "Kulkarni", "Banerjee", "Chopra", "Fernandes", "Goswami")
MACHINES = ("arrive", "arrive", "lose", "mend", "again", "link", "link_as_before", "replay")
PEOPLE = ("same", "not_same", "merge", "unmerge")

Rulings = Mapping[tuple[str, str], bool]


class Town:
    """The hospitals' files, the store over them, and one random step after the other."""

    def __init__(self, store: Store, folder: Path, seed: int, people: int = 12) -> None:
        self.store, self.chance, self.people = store, Random(seed), people
        self.hospitals = [Hospital(folder / f"{name}.json", name) for name in NAMES]
        for each in self.hospitals:
            if each.path.exists():
                each.streams = json.loads(each.path.read_text())["streams"]
        self.done: dict[str, int] = {}

    def step(self) -> None:
        """One step; what is refused changes nothing, and what people have ruled changes by people only."""
        kind = self.chance.choice((*MACHINES, *PEOPLE))
        before = self.rulings()
        try:
            changed = getattr(self, f"_{kind}")()
        except RefusedError:
            kind, changed = "refused", {}
        assert self.rulings() == {**before, **(changed or {})}, kind
        self.done[kind] = self.done.get(kind, 0) + 1

    def sync(self) -> None:
        for each in self.hospitals:
            each.write()
        assert whole_run(self.store, self.hospitals).ok

    def rulings(self) -> Rulings:
        with self.store.writer() as writer, writer.connection.begin():
            return all_rulings(WriterSql(writer.connection))

    def check_owners(self) -> dict[str, str]:
        """At any time, also after a kill: every stored Patient has one person, and the events tell the whole story."""
        with self.store.writer() as writer, writer.connection.begin():
            sql = WriterSql(writer.connection)
            view = materialised(sql)
            assert view == replayed(sql)
            told = [seq for (seq,) in sql.rows("SELECT seq FROM identity_event ORDER BY seq")]
        assert told == list(range(1, len(told) + 1))
        assert view.person_of.keys() == {name for kind, name in bodies(self.store) if kind == "Patient"}
        return view.person_of

    def check(self) -> None:
        """After a sync, a run or a decision: the resources say so too, and whoever was ruled about is as was ruled."""
        person_of = self.check_owners()
        consistent(self.store)
        ruled = self.rulings()
        persons_of = {two: frozenset(person_of[record] for record in two if record in person_of) for two in ruled}
        apart = {persons for two, persons in persons_of.items() if not ruled[two]}
        for two, persons in persons_of.items():
            if person_of.keys() >= set(two):
                # Who came back to find others of the two persons told apart stays apart as well.
                assert len(persons) == 1 if ruled[two] and persons not in apart else len(persons) == 2

    # What machines do

    def _arrive(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            hospital = self.chance.choice(self.hospitals)
            known = {row["key"] for row in hospital.streams["people"]}
            absent = sorted({f"p{at}" for at in range(self.people)} - known)
            if absent:
                hospital.streams["people"].append(self._written(self.chance.choice(absent)))
        self.sync()

    def _lose(self) -> None:
        rows = self.chance.choice(self.hospitals).streams["people"]
        del rows[self.chance.randrange(len(rows) + 1) :][:2]
        self.sync()

    def _mend(self) -> None:
        rows = self.chance.choice(self.hospitals).streams["people"]
        if rows:
            at = self.chance.randrange(len(rows))
            rows[at] = {**self._written(f"p{self.chance.randrange(self.people)}"), "key": rows[at]["key"]}
        self.sync()

    def _again(self) -> None:
        self.sync()

    def _link(self) -> None:
        link(self.store, steps=STEPS)

    def _link_as_before(self) -> None:
        link(self.store, keep_model=True, steps=STEPS)

    def _replay(self) -> None:
        """Whatever a defect wrote into the view, the events make it right again."""
        with self.store.writer() as writer, writer.batch():
            sql = WriterSql(writer.connection)
            sql.run("UPDATE identity_record SET person = 'nobody'")
            rebuild(sql)  # in the same transaction: a kill must not leave the defect behind
        assert replay(self.store, STEPS).wrong_records == 0

    def _written(self, key: str) -> Row:
        """Somebody as a desk writes them down: always the same somebody, not always the same facts."""
        drawn = Random(key)
        given, family, maiden = drawn.choice(GIVEN), drawn.choice(FAMILIES), drawn.choice(FAMILIES)
        born = f"{drawn.randint(1940, 2020)}-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"
        phone = f"98{drawn.randrange(10**8):08}"
        name = self.chance.choice((family, family, maiden))
        row: dict[str, Any] = {"key": key, "name": f"{given} {name}", "given": [given], "family": name, "sex": "female"}
        if self.chance.random() < 0.8:
            row["born"] = born
        if self.chance.random() < 0.8:
            row["phone"] = phone
        return row

    # What people do

    @contextmanager
    def _deciding(self) -> Iterator[Decisions]:
        with deciding(self.store, STEPS) as decisions:
            yield decisions

    def _two_records(self) -> tuple[str, str]:
        live = sorted(self.check_owners())
        if len(live) < 2:
            raise RefusedError("nobody is there")
        first, second = self.chance.sample(live, 2)
        return first, second

    def _same(self) -> Rulings:
        first, second = self._two_records()
        with self._deciding() as decisions:
            decisions.same(first, second, REVIEWER)
        return {(min(first, second), max(first, second)): True}

    def _not_same(self) -> Rulings:
        first, second = self._two_records()
        person_of = self.check_owners()
        mates = sorted(each for each in person_of if person_of[each] == person_of[first] and each != first)
        second = self.chance.choice([second, *mates])
        with self._deciding() as decisions:
            decisions.not_same(first, second, REVIEWER)
        return {(min(first, second), max(first, second)): False}

    def _merge(self) -> Rulings:
        first, second = (self.check_owners()[record] for record in self._two_records())
        before = self.rulings()
        with self._deciding() as decisions:
            decisions.merge(first, second, REVIEWER)
        changed = {two: same for two, same in self.rulings().items() if before.get(two) != same}
        assert list(changed.values()) in ([True], [])
        return changed

    def _unmerge(self) -> Rulings:
        """What comes back is what the merge moved; the two sides are told apart."""
        with self.store.writer() as writer, writer.connection.begin():
            merged = "SELECT person FROM identity_person WHERE merged_into IS NOT NULL ORDER BY merged_by"
            retired = [person for (person,) in WriterSql(writer.connection).rows(merged)]
        if not retired:
            raise RefusedError("nobody was merged")
        before, chosen = self.rulings(), self.chance.choice(retired)
        with self._deciding() as decisions:
            present = decisions.unmerge(chosen, REVIEWER)
        person_of = self.check_owners()
        assert chosen in person_of.values()
        ruled = self.rulings()
        changed = {two: same for two, same in ruled.items() if before.get(two) != same}
        for one in (each for each, person in person_of.items() if person == chosen):
            for other in (each for each, person in person_of.items() if person == present):
                assert ruled[min(one, other), max(one, other)] is False
        assert not any(changed.values())
        return changed
