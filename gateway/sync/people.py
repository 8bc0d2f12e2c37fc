"""People: every Patient is linked as it is stored, and Patients and Persons are kept in line with the crosswalk.

A Patient is written with what is known of its person at that moment. That another record of the same person came later
is told by a further version, once, at the end of the sync; a record that goes is forgotten by the others in the same
transaction, so every literal reference resolves at any time. Persons are written at the end of the sync. What is left
to do stands in the store: a run that was killed is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from gateway.identity import person as rendered
from gateway.identity.crosswalk import Crosswalk, Member
from gateway.identity.decisions import Decisions
from gateway.identity.linker import Arrival, Linker
from gateway.identity.models import published
from gateway.identity.reviews import Reviews
from gateway.identity.roster import Roster, notes
from gateway.identity.scoring import Scorer
from gateway.store import Writer
from gateway.store.sql import WriterSql
from gateway.store.writer import Content, Current, Whole
from gateway.sync.content import content, parse
from gateway.sync.report import PeopleReport
from gateway.sync.steps import Steps

_PAGE = 500
_PATIENTS = "SELECT pk, source FROM resource WHERE type = 'Patient' AND deleted = ? AND pk > ? ORDER BY pk LIMIT ?"
_FACT = "notes"
_NO_KEYS = ("DELETE FROM identity_key", "DELETE FROM identity_crowd")


class Shown(NamedTuple):
    """What a Patient says of its person."""

    person: str
    others: Sequence[str]
    """The person's other Patients."""


class _Retold(NamedTuple):
    """A Patient that says something else of its person than is so."""

    before: Whole
    patient: dict[str, Any]
    made: dict[str, Any]

    @property
    def differs_in_links(self) -> bool:
        """And in nothing else."""
        return bool(self.patient.get("identifier") == self.made["identifier"])


class People:
    """The master patient index as the sync uses it, on its writer."""

    def __init__(self, writer: Writer, steps: Steps) -> None:
        self._writer, self._steps = writer, steps
        self._sql = WriterSql(writer.connection)
        with writer.connection.begin():
            self._published = published(self._sql)
        self._scorer = Scorer(self._published.model)
        self.report = PeopleReport()

    def catch_up(self) -> None:
        """Link what is stored, where other code made the index's traits, or none."""
        digest = self._steps.notes_digest()
        with self._writer.batch():
            if self._writer.states.fact(_FACT) == digest:
                return
            for text in _NO_KEYS:
                self._sql.run(text)
        # Whose traits are as before is not linked again: all keys stand before anybody looks for others.
        self._with_each_page(self._keep_keys)
        self._with_each_page(lambda arrivals: self._linker().link(arrivals))
        with self._writer.batch():
            self._writer.states.keep_fact(_FACT, digest)

    def _with_each_page(self, work: Callable[[Sequence[Arrival]], None]) -> None:
        """Do it with all stored Patients, some in a batch."""
        after = 0
        while True:
            with self._writer.batch():
                sources = dict(map(tuple, self._sql.rows(_PATIENTS, False, after, _PAGE)))
                if not sources:
                    return
                stored = self._writer.whole(list(sources))
                known = [(each.id, sources[each.pk], notes(parse(each.body or b""))) for each in stored]
                work([Arrival(record, source, told) for record, source, told in known if told])
                after = max(sources)

    def _keep_keys(self, arrivals: Sequence[Arrival]) -> None:
        """Have those that the index knows found again."""
        roster = Roster(self._sql)
        entries = roster.entries([each.record for each in arrivals])
        known = [(each.notes, entries[each.record].number) for each in arrivals if each.record in entries]
        roster.put([(value, number) for told, number in known for value in told.keys])

    def arrive(self, arrivals: Sequence[Arrival]) -> dict[str, Shown]:
        """Link Patients that are about to be written; what each has to say. Inside a batch."""
        linker = self._linker()
        linker.link(arrivals)
        persons = {each.person for each in linker.crosswalk.known([each.record for each in arrivals]).values()}
        groups = _groups(linker.crosswalk.members(persons))
        return {
            each.record: Shown(person, [other.record for other in group if other is not each])
            for person, group in groups.items()
            for each in group
        }

    def leave(self, records: Collection[str]) -> None:
        """Patients are gone: those who remain do not link to them any more. Inside a batch."""
        linker = self._linker()
        self._show(linker.crosswalk, linker.leave(records, "the source has the record no more"))

    def decisions(self) -> Decisions:
        """For people's decisions inside a batch; `tell` writes what follows."""
        return Decisions(self._sql, self._writer.now, self._scorer)

    def tell(self, decisions: Decisions) -> None:
        """Have Patients and Persons say what was decided. Inside the same batch."""
        self._show(decisions.crosswalk, sorted(decisions.crosswalk.touched))

    def settle(self) -> None:
        """Write what the crosswalk says and the resources do not."""
        while True:
            with self._writer.batch():
                crosswalk = Crosswalk(self._sql, self._writer.now)
                persons = crosswalk.stale(_PAGE)
                if not persons:
                    self.report.waiting = Reviews(self._sql, self._writer.now).waiting()
                    return
                self._show(crosswalk, persons)

    def _linker(self) -> Linker:
        return Linker(self._sql, self._writer.now, self._published, self._scorer)

    def _show(self, crosswalk: Crosswalk, persons: Sequence[str]) -> None:
        groups = _groups(crosswalk.members(persons))
        patients = {
            each.id: each
            for each in self._stored("Patient", [each.record for group in groups.values() for each in group])
        }
        confirmed = _confirmed(crosswalk, [group for group in groups.values() if len(group) > 1])
        former = crosswalk.predecessors(persons)
        wanted: dict[str, dict[str, Any]] = {}
        changes: list[_Retold] = []
        for person in persons:
            members = [patients[each.record] for each in groups.get(person, ()) if each.record in patients]
            if members:
                told = [parse(each.body or b"") for each in members]
                changes += _changed(members, told, person)
                ends = [(each.person, each.ended or 0) for each in former.get(person, ())]
                wanted[person] = rendered.living(person, told, confirmed, ends)
            elif (made := self._retired(crosswalk, person)) is not None:
                wanted[person] = made
        self._replace(changes)
        self.report.relinked += len(changes)
        self._publish(persons, wanted)
        crosswalk.shown(persons)

    def _stored(self, resource_type: str, ids: Iterable[str]) -> list[Whole]:
        current = self._writer.current((resource_type, each) for each in ids)
        return [each for each in self._writer.whole([each.pk for each in current.values()]) if not each.deleted]

    def _retired(self, crosswalk: Crosswalk, person: str) -> dict[str, Any] | None:
        """The Person that leads on to its survivor; None where that has ended too."""
        survivor = crosswalk.survivor(person)
        if survivor is None or survivor == person or not crosswalk.members([survivor]):
            return None
        ended = next(each.ended for each in crosswalk.predecessors([survivor])[survivor] if each.person == person)
        return rendered.retired(person, survivor, ended or 0)

    def _publish(self, persons: Sequence[str], wanted: dict[str, dict[str, Any]]) -> None:
        """Write Persons that are new or have changed, and delete those that have ended."""
        current = self._writer.current(("Person", person) for person in persons)
        created: list[tuple[Content, dict[str, Any]]] = []
        replaced: list[tuple[Current, Content, dict[str, Any]]] = []
        for person, resource in wanted.items():
            made, before = content(resource), current.get(("Person", person))
            if before is None:
                created.append((made, resource))
            elif before.deleted or before.digest != made.digest:
                replaced.append((before, made, resource))
        pks = self._writer.create(rendered.SOURCE, [made for made, _ in created])
        self._writer.replace([(before, made) for before, made, _ in replaced])
        ended = [before.pk for (_, person), before in current.items() if person not in wanted and not before.deleted]
        self._writer.delete(ended)
        additions = [(pk, resource) for pk, (_, resource) in zip(pks, created, strict=True)]
        additions += [(before.pk, resource) for before, _, resource in replaced]
        self._index(additions, [before.pk for before, _, _ in replaced] + ended)
        self.report.persons_created += len(created)
        self.report.persons_changed += len(replaced)
        self.report.persons_ended += len(ended)

    def _replace(self, changes: Sequence[_Retold]) -> None:
        self._writer.replace(
            [
                (
                    Current(before.pk, before.version, before.deleted, before.digest),
                    content(made, shared=before.shared, stream=before.stream, key=before.key, digest=before.digest),
                )
                for before, _, made in changes
            ]
        )
        whole = [each for each in changes if not each.differs_in_links]
        self._index([(each.before.pk, each.made) for each in whole], [each.before.pk for each in whole])
        self._steps.write_references(
            self._writer.connection,
            [(each.before.pk, _links(each.patient), _links(each.made)) for each in changes if each.differs_in_links],
        )

    def _index(self, additions: Sequence[tuple[int, dict[str, Any]]], removals: Sequence[int]) -> None:
        rows = [(pk, self._steps.index_rows(resource)) for pk, resource in additions]
        self._steps.write_index(self._writer.connection, rows, removals)


def _groups(members: Iterable[Member]) -> dict[str, list[Member]]:
    groups: dict[str, list[Member]] = {}
    for each in members:
        groups.setdefault(each.person, []).append(each)
    return groups


def _confirmed(crosswalk: Crosswalk, groups: Sequence[Sequence[Member]]) -> set[str]:
    """The records that somebody has ruled to be the same person as another one of their group."""
    person_of = {each.record: each.person for group in groups for each in group}
    ruled = crosswalk.rulings(person_of).items()
    return {
        record
        for (one, other), same in ruled
        if same and one in person_of and person_of[one] == person_of.get(other)
        for record in (one, other)
    }


def _changed(stored: Sequence[Whole], told: Sequence[dict[str, Any]], person: str) -> Iterator[_Retold]:
    """The Patients that have to say something else of their person."""
    for before, patient in zip(stored, told, strict=True):
        made = rendered.decorated(patient, person, [each.id for each in stored if each is not before])
        if made != patient:
            yield _Retold(before, patient, made)


def _links(patient: dict[str, Any]) -> dict[str, Any]:
    return {name: patient[name] for name in ("resourceType", "link") if name in patient}
