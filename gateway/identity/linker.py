"""Real-time linking: records are linked as they come, with the frozen model, in the transaction that stores them.

A new record joins the person it surely is, or begins one, and people are asked where it is not sure. What is linked is
never parted here: where a changed record no longer fits its person, people are asked. So linking as records come may
leave apart what a batch run joins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.identity.blocking import keys
from gateway.identity.candidates import Candidate, Known, Ruling, candidates
from gateway.identity.cluster import Pair, pair
from gateway.identity.crosswalk import Authority, Crosswalk, Evidence, rulings
from gateway.identity.decide import AUTO, Action
from gateway.identity.forms import Forms
from gateway.identity.models import Published
from gateway.identity.reviews import Finding, Reviews
from gateway.identity.roster import CROWDED, Entry, Notes, Roster, hashed, unpacked
from gateway.identity.scoring import Field, Scorer
from gateway.store.sql import Sql

ACTOR = "sync"
_ASKED = 3
"""Persons about whom is asked for one record, at most."""


class Arrival(NamedTuple):
    """A Patient that is new or has changed."""

    record: str
    source: str
    notes: Notes


class Linker:
    """Links records within one transaction, at `now` (ms)."""

    def __init__(
        self, sql: Sql, now: int, published: Published, scorer: Scorer, one_to_one: Collection[str] = ()
    ) -> None:
        self._sql, self._number, self._scorer, self._one_to_one = sql, published.number, scorer, one_to_one
        self.crosswalk = Crosswalk(sql, now)
        self._roster, self._reviews = Roster(sql), Reviews(sql, now)

    def link(self, arrivals: Sequence[Arrival]) -> None:
        """Give every arrival its person."""
        self._roster.put_domains({system for each in arrivals for system in each.notes.domains})
        entries = self._roster.entries([each.record for each in arrivals])
        changed = []
        for each in arrivals:
            entry = entries.get(each.record)
            if entry is not None and entry.traits == each.notes.traits:
                self.crosswalk.refresh([entry.person])
            else:
                changed.append(each)
        if changed:
            self._link(changed, entries)
        self.crosswalk.flush()

    def _link(self, changed: Sequence[Arrival], entries: Mapping[str, Entry]) -> None:
        batch = self._gather(changed, entries)
        self.crosswalk.expect(each.record for each in changed if each.record not in entries)
        findings: list[Finding] = []
        for each in changed:
            entry = entries.get(each.record)
            findings += self._enter(each, batch) if entry is None else self._revise(each, entry, batch)
        self._keep_keys(changed, entries, batch)
        self._close([each.record for each in changed if each.record in entries], findings)
        self._reviews.open(findings)

    def leave(self, records: Collection[str], reason: str) -> list[str]:
        """Records are gone; the persons that they left."""
        entries = self._roster.entries(records)
        self._roster.remove(
            (value, entry.number) for entry in entries.values() for value in hashed(keys(unpacked(entry.traits)))
        )
        left = self.crosswalk.leave(list(entries), Authority(ACTOR, reason))
        self._close(list(entries), ())
        return left

    def _gather(self, changed: Sequence[Arrival], entries: Mapping[str, Entry]) -> _Batch:
        """Everyone who may be one of these, in a few queries."""
        sharing = self._roster.sharing({value for each in changed for value in each.notes.keys})
        ruled_on = self.crosswalk.rulings([each.record for each in changed])
        ruled = {record for decided, same in ruled_on.items() if same for record in decided}
        persons = set(self._roster.persons_of({number for numbers in sharing.values() for number in numbers}))
        persons.update(each.person for each in entries.values())
        persons.update(each.person for each in self._roster.entries(ruled).values())
        return _Batch(self._scorer, self._roster.members(persons), sharing, ruled_on)

    def _enter(self, each: Arrival, batch: _Batch) -> list[Finding]:
        found = self._candidates(each, batch)
        best = found[0] if found else None
        if best is not None and best.action == Action.AUTO:
            person = best.person
            authority = self._authority(each, best, batch)
            self.crosswalk.join(each.record, each.source, each.notes.traits, person, authority)
            # Another person that is as sure is most likely the same one.
            doubtful = [other for other in found[1:] if other.weight >= AUTO]
        else:
            reason = "no other record is surely the same person's"
            person = self.crosswalk.start(each.record, each.source, each.notes.traits, Authority(ACTOR, reason))
            doubtful = found
        batch.add(self._known(each, person), each.notes.keys)
        return self._findings(each.record, doubtful)

    def _revise(self, each: Arrival, entry: Entry, batch: _Batch) -> list[Finding]:
        self.crosswalk.change(each.record, each.notes.traits)
        person = batch.remove(each.record)
        rest = batch.people.get(person, [])
        found = self._candidates(each, batch)
        findings: list[Finding]
        if rest:
            mates, others = _parted(found, person)
            if not mates:
                mates = self._judged(each, [rest], batch)
            findings = [
                Finding(each.record, mate.record, "split", mate.weight, mate.guards, self._number)
                for mate in mates
                if mate.action == Action.APART
            ]
            findings += self._findings(each.record, [other for other in others if other.weight >= AUTO])
        elif found and found[0].action == Action.AUTO:
            survivor = self.crosswalk.merge([person, found[0].person], self._authority(each, found[0], batch))
            batch.rename({person, found[0].person}, survivor)
            person = survivor
            findings = self._findings(each.record, [other for other in found[1:] if other.weight >= AUTO])
        else:
            findings = self._findings(each.record, found)
        batch.add(self._known(each, person), each.notes.keys)
        return findings

    def _known(self, each: Arrival, person: str) -> Known:
        return Known(each.record, each.source, person, each.notes.traits, self._scorer)

    def _forms(self, each: Arrival) -> Forms:
        return self._scorer.known(each.notes.traits)[1]

    def _candidates(self, each: Arrival, batch: _Batch) -> list[Candidate]:
        people = batch.near(each)
        if not people:
            return []
        taken = {
            members[0].person
            for members in people
            if each.source in self._one_to_one and any(other.source == each.source for other in members)
        }
        return self._judged(each, people, batch, taken)

    def _judged(
        self, each: Arrival, people: list[list[Known]], batch: _Batch, taken: Collection[str] = ()
    ) -> list[Candidate]:
        forms = self._forms(each)
        return candidates(self._scorer, forms, people, batch.ruling(each.record), self._confirmed, taken)

    def _confirmed(self, records: Collection[str]) -> list[Pair]:
        return [decided for decided, same in rulings(self._sql, records).items() if same]

    def _authority(self, each: Arrival, best: Candidate, batch: _Batch) -> Authority:
        fields = self._scorer.fields(self._forms(each), batch.known(best.record).forms)
        reason = "it was ruled the same person" if best.ruled_same else f"the weight reaches {AUTO:.0f}"
        return Authority(ACTOR, reason, evidence(self._number, best.record, best.weight, fields))

    def _findings(self, record: str, doubtful: Iterable[Candidate]) -> list[Finding]:
        asked = [each for each in doubtful if each.action != Action.APART][:_ASKED]
        return [Finding(record, each.asked, "link", each.weight, each.guards, self._number) for each in asked]

    def _keep_keys(self, changed: Sequence[Arrival], entries: Mapping[str, Entry], batch: _Batch) -> None:
        old = [entries[each.record] for each in changed if each.record in entries]
        self._roster.remove((value, each.number) for each in old for value in hashed(keys(unpacked(each.traits))))
        numbers = {each.record: each.number for each in old} | self.crosswalk.numbers
        kept: list[tuple[int, int]] = []
        for each in changed:
            number = numbers[each.record]
            kept += [(value, number) for value in each.notes.keys]
        self._roster.put(kept, batch.crowded())

    def _close(self, records: Sequence[str], findings: Collection[Finding]) -> None:
        """Questions about these records that events have answered, or that are not asked again."""
        tasks = self._reviews.touching(records)
        if not tasks:
            return
        named = {record for task in tasks for record in (task.first, task.second)}
        person_of = {record: member.person for record, member in self.crosswalk.known(named).items()}
        self._reviews.settle(tasks, person_of, self.crosswalk.rulings(named), ACTOR, "the records have changed")
        asked = {pair(each.one, each.other) for each in findings}
        stale = [task for task in self._reviews.touching(records) if (task.first, task.second) not in asked]
        self._reviews.close(stale, "moot", ACTOR, "the records have changed")


def evidence(model: int, record: str, weight: float, fields: Sequence[Field]) -> Evidence:
    """Why a record was linked: to which other one, how sure that is, and what each field says."""
    return Evidence(model, weight, {"record": record, "fields": fields})


def _parted(found: Iterable[Candidate], person: str) -> tuple[list[Candidate], list[Candidate]]:
    """The candidate that is this person, and the others."""
    ours: list[Candidate] = []
    others: list[Candidate] = []
    for each in found:
        (ours if each.person == person else others).append(each)
    return ours, others


class _Batch:
    """Who may be whom among a batch's records: what the store holds, and what the batch itself has added."""

    def __init__(
        self,
        scorer: Scorer,
        entries: Iterable[Entry],
        sharing: Mapping[int, Sequence[int]],
        rulings: Mapping[tuple[str, str], bool],
    ) -> None:
        self._rulings = rulings
        self.people: dict[str, list[Known]] = {}
        self._person_of: dict[str, str] = {}
        names: dict[int, str] = {}
        for each in entries:
            names[each.number] = each.record
            self._put(Known(each.record, each.source, each.person, each.traits, scorer))
        self._blocks = {value: [names[number] for number in numbers] for value, numbers in sharing.items()}

    def ruling(self, record: str) -> Ruling:
        """What was ruled about this record and others."""
        return lambda other: self._rulings.get(pair(record, other))

    def known(self, record: str) -> Known:
        """A record of the batch, or one that may be one of them."""
        return next(each for each in self.people[self._person_of[record]] if each.record == record)

    def near(self, each: Arrival) -> list[list[Known]]:
        """The persons with a record that shares a key with this one, or was ruled the same; all records of each."""
        others = {record for value in each.notes.keys for record in self._blocks.get(value, ())}
        for decided, same in self._rulings.items():
            if same and each.record in decided:
                others.update(decided)
        persons = sorted({self._person_of[other] for other in others - {each.record} if other in self._person_of})
        return [self.people[person] for person in persons]

    def crowded(self) -> list[int]:
        """The keys of so many records that they may tell nobody apart any more."""
        return sorted(value for value, records in self._blocks.items() if len(records) > CROWDED)

    def add(self, known: Known, values: Iterable[int]) -> None:
        """A record has its person."""
        self._put(known)
        for value in values:
            self._blocks.setdefault(value, []).append(known.record)

    def remove(self, record: str) -> str:
        """Take a record out, to be compared with the rest; its person."""
        person = self._person_of.pop(record)
        rest = [each for each in self.people.pop(person) if each.record != record]
        if rest:
            self.people[person] = rest
        return person

    def rename(self, persons: Collection[str], survivor: str) -> None:
        """Persons have become one."""
        for member in [each for person in persons for each in self.people.pop(person, ())]:
            self._put(replace(member, person=survivor))

    def _put(self, known: Known) -> None:
        self.people.setdefault(known.person, []).append(known)
        self._person_of[known.record] = known.person
