"""The crosswalk: which record belongs to which person, changed only by events that are kept for ever.

Every live record belongs to exactly one person. A merge moves all records of the younger person to the older one and
retires the younger; undoing it moves them back. What people ruled about two records outlasts the records themselves.
Runs inside the transaction of whoever calls; knows neither FHIR nor how records are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

import orjson

from gateway.identity.cluster import pair
from gateway.store.sql import Row, Sql

Kind = Literal["new", "link", "leave", "merge", "unmerge", "confirm", "not-same", "model"]

_NAMESPACE = UUID("0a2ba4d7-3cb0-5a1c-9f43-3d5f9a1f7c55")

_LAST = "SELECT coalesce(max(seq), 0), (SELECT coalesce(max(number), 0) FROM identity_record) FROM identity_event"
_PUT_EVENT = (
    "INSERT INTO identity_event (seq, time, kind, actor, reason, person, other, model, weight, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_MOVE = "INSERT INTO identity_move (seq, record, before, after) VALUES (?, ?, ?, ?)"
_PUT_RULING = "INSERT INTO identity_ruling (first, second, seq, same) VALUES (?, ?, ?, ?)"
_PUT_RECORD = "INSERT INTO identity_record (number, record, source, person, traits) VALUES (?, ?, ?, ?, ?)"
_PUT_PERSON = (
    "INSERT INTO identity_person (person, born) VALUES (?, ?)"
    " ON CONFLICT (person) DO UPDATE SET merged_into = NULL, merged_by = NULL"
)
_RETIRE = "UPDATE identity_person SET merged_into = ?, merged_by = ? WHERE person = ?"
_ASSIGN = "UPDATE identity_record SET person = ? WHERE record = ?"
_REMOVE = "DELETE FROM identity_record WHERE record = ?"
_SET_TRAITS = "UPDATE identity_record SET traits = ? WHERE record = ?"
_PUT_STALE = "INSERT INTO identity_stale (person) VALUES (?) ON CONFLICT DO NOTHING"
_MEMBERS = "SELECT number, record, source, person FROM identity_record WHERE person IN (??) ORDER BY number"
_KNOWN = "SELECT number, record, source, person FROM identity_record WHERE record IN (??) ORDER BY number"
_PERSONS = "SELECT person, born, merged_into, merged_by FROM identity_person WHERE person IN (??)"
_PREDECESSORS = (
    "SELECT p.person, p.born, p.merged_into, p.merged_by, e.time FROM identity_person p"
    " JOIN identity_event e ON e.seq = p.merged_by WHERE p.merged_into IN (??) ORDER BY e.seq"
)
_STALE = "SELECT person FROM identity_stale ORDER BY person LIMIT ?"
_FRESH = "DELETE FROM identity_stale WHERE person = ?"
_MOVED = "SELECT record FROM identity_move WHERE seq = ? ORDER BY record"
_RULINGS = (
    "SELECT first, second, seq, same FROM identity_ruling WHERE first IN (??)"
    " UNION SELECT first, second, seq, same FROM identity_ruling WHERE second IN (??)"
)
_IN_USE = "SELECT DISTINCT person FROM identity_record WHERE person IN (??)"


class RefusedError(Exception):
    """What was asked contradicts the index or an earlier decision. Names ids, no patient data."""


class Member(NamedTuple):
    """A live record."""

    number: int
    """Records that came earlier have smaller ones."""
    record: str
    source: str
    person: str


class PersonState(NamedTuple):
    """A person that is or was."""

    person: str
    born: int
    merged_into: str | None
    merged_by: int | None
    ended: int | None = None
    """When it was merged, in ms; known of predecessors."""


class Evidence(NamedTuple):
    """Why a machine linked: the model's number, the match weight, and the pair explained."""

    model: int
    weight: float
    detail: Any


class Authority(NamedTuple):
    """Who changes the crosswalk, and why."""

    actor: str
    reason: str
    evidence: Evidence | None = None


def person_id(record: str, place: int = 0) -> str:
    """The id of the person that a record begins: from its own id, and a place where that one is taken."""
    return str(uuid5(_NAMESPACE, f"{record}#{place}" if place else record))


def rulings(sql: Sql, records: Collection[str]) -> dict[tuple[str, str], bool]:
    """What holds for the pairs that these records are in: True = the same person."""
    names = list(records)
    rows = sql.rows(_RULINGS, names, names) if names else ()
    return {(row[0], row[1]): bool(row[3]) for row in sorted(rows, key=lambda row: int(row[2]))}


class Crosswalk:
    """The crosswalk within one transaction, at `now` (ms)."""

    def __init__(self, sql: Sql, now: int) -> None:
        self._sql, self._now = sql, now
        self._seq: int
        self._number: int
        self._seq, self._number = sql.rows(_LAST)[0]
        self.numbers: dict[str, int] = {}
        """Of the records that came in this transaction."""
        self._events: list[Row] = []
        self._moves: list[Row] = []
        self._records: list[Row] = []
        self._born: dict[str, int] = {}
        self._stale: set[str] = set()
        self._unused: dict[str, str] = {}
        """By record, the id of the person that it may begin."""
        self.touched: set[str] = set()
        """The persons that have gained or lost records or assurance, and those that were merged into them."""

    # What is

    def members(self, persons: Collection[str]) -> list[Member]:
        """The live records of persons, oldest first."""
        self.flush()
        return [Member(*row) for row in self._sql.rows(_MEMBERS, list(persons))] if persons else []

    def known(self, records: Collection[str]) -> dict[str, Member]:
        """Those of the records that live."""
        self.flush()
        return {row[1]: Member(*row) for row in self._sql.rows(_KNOWN, list(records))} if records else {}

    def persons(self, persons: Collection[str]) -> dict[str, PersonState]:
        """What is known of persons, retired ones included."""
        self.flush()
        return {row[0]: PersonState(*row) for row in self._sql.rows(_PERSONS, list(persons))} if persons else {}

    def predecessors(self, persons: Collection[str]) -> dict[str, list[PersonState]]:
        """All persons that were merged into each of some, directly or through others; only of those that have any."""
        self.flush()
        found: dict[str, list[PersonState]] = {}
        leads_to = {person: [person] for person in persons}
        while leads_to:
            states = [PersonState(*row) for row in self._sql.rows(_PREDECESSORS, list(leads_to))]
            next_to: dict[str, list[str]] = {}
            for state in states:
                next_to[state.person] = leads_to[str(state.merged_into)]
                for person in next_to[state.person]:
                    found.setdefault(person, []).append(state)
            leads_to = next_to
        return found

    def stale(self, count: int) -> list[str]:
        """Some persons whose resources do not yet say what the crosswalk says."""
        self.flush()
        return [row[0] for row in self._sql.rows(_STALE, count)]

    def shown(self, persons: Collection[str]) -> None:
        """The resources of persons say what the crosswalk says."""
        self.flush()
        self._sql.many(_FRESH, [(person,) for person in persons])

    def survivor(self, person: str) -> str | None:
        """Who a person is today, through all merges; None for one that never was."""
        state = self.persons([person]).get(person)
        while state is not None and state.merged_into is not None:
            person = state.merged_into
            state = self.persons([person]).get(person)
        return None if state is None else person

    def rulings(self, records: Collection[str]) -> dict[tuple[str, str], bool]:
        """What holds for the pairs that these records are in: True = the same person."""
        self.flush()
        return rulings(self._sql, records)

    # What machines do

    def expect(self, records: Iterable[str]) -> None:
        """Any of these may begin a person soon: look up together which of their ids are free."""
        first = {person_id(record): record for record in records}
        used = {row[0] for row in self._sql.rows(_IN_USE, list(first))}
        self._unused = {record: person for person, record in first.items() if person not in used}

    def start(self, record: str, source: str, traits: bytes, authority: Authority) -> str:
        """A record begins a person of its own; the person."""
        person = self._free(record)
        seq = self._event("new", authority, person)
        self._enter(seq, record, source, person, traits)
        return person

    def join(self, record: str, source: str, traits: bytes, person: str, authority: Authority) -> None:
        """A record that is not in the index joins a person."""
        self._enter(self._event("link", authority, person), record, source, person, traits)

    def leave(self, records: Collection[str], authority: Authority) -> list[str]:
        """Records are gone from their sources; the persons that they left, and those merged into these."""
        left: dict[str, list[str]] = {}
        for member in self.known(records).values():
            left.setdefault(member.person, []).append(member.record)
        for person, gone in left.items():
            seq = self._event("leave", authority, person)
            self._moves += [(seq, record, person, None) for record in gone]
            self._sql.many(_REMOVE, [(record,) for record in gone])
        return sorted({touched for person in left for touched in self._touch(person)})

    def change(self, record: str, traits: bytes) -> None:
        """A record has other traits; who it is stays as it is."""
        self.flush()
        self._sql.run(_SET_TRAITS, traits, record)

    # What machines and people do

    def merge(self, persons: Collection[str], authority: Authority) -> str:
        """All records of these persons are one person's: the oldest survives, the others retire. The survivor.

        Raises RefusedError where a ruling keeps two of them apart.
        """
        oldest, *younger = sorted(self.persons(persons).values(), key=lambda state: (state.born, state.person))
        for state in younger:
            members = self.members([oldest.person, state.person])
            ones, others = _sides(members, oldest.person)
            self._demand_agreement(ones, others, but=None)
            self._absorb("merge", oldest.person, state.person, authority)
        return oldest.person

    # What people do

    def merge_persons(self, first: str, second: str, authority: Authority) -> str:
        """A person decides that two persons are one; the survivor. Holds against every later run."""
        for each in (first, second):
            self._demand_alive(each)
        if first == second:
            raise RefusedError(f"{first} is one person already")
        ones, others = _sides(self.members([first, second]), first)
        self._demand_agreement(ones, others, but=None)
        return self._unite("merge", first, second, [pair(ones[0], others[0])], authority)

    def confirm(self, first: str, second: str, authority: Authority) -> str:
        """A person decides that two records are the same person's; the person."""
        one, other = self._two(first, second)
        decided = pair(first, second)
        if one.person == other.person:
            self._rule(self._event("confirm", authority, one.person), [decided], same=True)
            self._touch(one.person)
            return one.person
        ones, others = _sides(self.members([one.person, other.person]), one.person)
        self._demand_agreement(ones, others, but=decided)
        return self._unite("confirm", one.person, other.person, [decided], authority)

    def tell_apart(self, first: str, second: str, leaving: Collection[str], authority: Authority) -> str | None:
        """A person decides that two records are not the same person's.

        Where they were, `leaving` (with one of them) becomes a person of its own; that person, or None where they were
        apart already.
        """
        one, other = self._two(first, second)
        decided = pair(first, second)
        if one.person != other.person:
            self._rule(self._event("not-same", authority, one.person, other.person), [decided], same=False)
            return None
        members = [each.record for each in self.members([one.person])]
        if len({first, second} & set(leaving)) != 1 or not set(leaving) < set(members):
            raise RefusedError(f"{first} and {second} have to be on two sides of their person")
        staying = [record for record in members if record not in leaving]
        self._demand_no_tie(staying, leaving, decided)
        return self._divide(one.person, leaving, decided, authority)

    def unmerge(self, retired: str, authority: Authority) -> str:
        """A person undoes the merge that retired a person, which comes back; its id."""
        state = self.persons([retired]).get(retired)
        if state is None or state.merged_by is None:
            raise RefusedError("this is no person that was merged into another one")
        present = self.survivor(retired)
        moved = {row[0] for row in self._sql.rows(_MOVED, state.merged_by)}
        members = [each.record for each in self.members([present or ""])]
        back = [record for record in members if record in moved]
        if not back:
            raise RefusedError(f"no record of {retired} is in {present} any more")
        apart = [pair(ours, theirs) for ours, theirs in product(back, members) if theirs not in moved]
        seq = self._event("unmerge", authority, present, retired)
        self._rule(seq, apart, same=False)
        self._move(seq, back, str(present), retired)
        return retired

    # How

    def flush(self) -> None:
        """Write what was collected: a batch of a sync is thousands of rows."""
        events, moves, records = self._events, self._moves, self._records
        born, stale = self._born, self._stale
        self._events, self._moves, self._records, self._born, self._stale = [], [], [], {}, set()
        self._sql.many(_PUT_EVENT, events)
        self._sql.many(_PUT_MOVE, moves)
        self._sql.many(_PUT_PERSON, list(born.items()))
        self._sql.many(_PUT_RECORD, records)
        self._sql.many(_PUT_STALE, [(person,) for person in sorted(stale)])

    def refresh(self, persons: Iterable[str]) -> None:
        """Have the Person and the Patients of persons written anew."""
        self._stale.update(persons)

    def note_model(self, number: int, authority: Authority) -> None:
        """A model is published: from now on it decides."""
        detail = None if authority.evidence is None else orjson.dumps(authority.evidence.detail)
        self._seq += 1
        self._events.append(
            (self._seq, self._now, "model", authority.actor, authority.reason, None, None, number, None, detail)
        )

    def _event(self, kind: Kind, authority: Authority, person: str | None, other: str | None = None) -> int:
        self._seq += 1
        actor, reason, evidence = authority
        proof: Row = (None, None, None)
        if evidence is not None:
            proof = evidence.model, evidence.weight, orjson.dumps(evidence.detail)
        self._events.append((self._seq, self._now, kind, actor, reason, person, other, *proof))
        return self._seq

    def _enter(self, seq: int, record: str, source: str, person: str, traits: bytes) -> None:
        self._number += 1
        self.numbers[record] = self._number
        self._moves.append((seq, record, None, person))
        self._records.append((self._number, record, source, person, traits))
        self._born.setdefault(person, seq)
        self._stale.add(person)

    def _move(self, seq: int, records: Sequence[str], before: str, after: str) -> None:
        self._moves += [(seq, record, before, after) for record in records]
        self._born.setdefault(after, seq)
        self.flush()
        self._sql.many(_ASSIGN, [(after, record) for record in records])
        self._touch(before)
        self._touch(after)

    def _absorb(self, kind: Kind, survivor: str, retired: str, authority: Authority) -> int:
        seq = self._event(kind, authority, survivor, retired)
        self._move(seq, [each.record for each in self.members([retired])], retired, survivor)
        self._sql.run(_RETIRE, survivor, seq, retired)
        return seq

    def _unite(
        self, kind: Kind, first: str, second: str, decided: Sequence[tuple[str, str]], authority: Authority
    ) -> str:
        born = self.persons([first, second])
        survivor, retired = sorted((first, second), key=lambda person: (born[person].born, person))
        self._rule(self._absorb(kind, survivor, retired, authority), decided, same=True)
        return survivor

    def _divide(self, person: str, leaving: Collection[str], apart: tuple[str, str], authority: Authority) -> str:
        oldest, *_ = (each.record for each in self.members([person]) if each.record in leaving)
        made = self._free(oldest)
        seq = self._event("not-same", authority, person, made)
        self._rule(seq, [apart], same=False)
        self._move(seq, sorted(leaving), person, made)
        return made

    def _rule(self, seq: int, pairs: Sequence[tuple[str, str]], *, same: bool) -> None:
        self._sql.many(_PUT_RULING, [(first, second, seq, int(same)) for first, second in pairs])

    def _touch(self, person: str) -> list[str]:
        """A person has changed, and with it those that were merged into it: they show who they are now."""
        touched = [person, *(each.person for each in self.predecessors([person]).get(person, ()))]
        self._stale.update(touched)
        self.touched.update(touched)
        self.flush()
        return touched

    def _free(self, record: str) -> str:
        """The first of a record's person ids that no record bears now."""
        expected = self._unused.pop(record, None)
        if expected is not None and expected not in self._born:
            return expected
        place = 0
        while True:
            person = person_id(record, place)
            if person not in self._born and not self._sql.rows(_IN_USE, [person]):
                return person
            place += 1

    def _two(self, first: str, second: str) -> tuple[Member, Member]:
        if first == second:
            raise RefusedError(f"{first} is one record")
        found = self.known([first, second])
        for record in (first, second):
            if record not in found:
                raise RefusedError(f"{record} is not in the index")
        return found[first], found[second]

    def _demand_alive(self, person: str) -> None:
        state = self.persons([person]).get(person)
        if state is None:
            raise RefusedError("there is no such person")
        if state.merged_into is not None:
            raise RefusedError(f"{person} was merged into {self.survivor(person)}")
        if not self.members([person]):
            raise RefusedError(f"{person} has no records")

    def _demand_agreement(self, ones: Sequence[str], others: Sequence[str], but: tuple[str, str] | None) -> None:
        """No earlier ruling keeps the two sides apart, but the one that is decided anew."""
        ruled = self.rulings(ones)
        for first, second in (pair(one, other) for one, other in product(ones, others)):
            if ruled.get((first, second)) is False and (first, second) != but:
                raise RefusedError(f"{first} and {second} were ruled not to be the same; confirm them first")

    def _demand_no_tie(self, staying: Collection[str], leaving: Collection[str], but: tuple[str, str]) -> None:
        """No earlier ruling holds the two sides together, but the one that is decided anew."""
        for (first, second), same in self.rulings(leaving).items():
            crosses = (first in staying and second in leaving) or (first in leaving and second in staying)
            if same and crosses and (first, second) != but:
                raise RefusedError(f"{first} and {second} were ruled to be the same; tell them apart first")


def _sides(members: Iterable[Member], person: str) -> tuple[list[str], list[str]]:
    """The records of a person, and the others."""
    ones: list[str] = []
    others: list[str] = []
    for each in members:
        (ones if each.person == person else others).append(each.record)
    return ones, others
