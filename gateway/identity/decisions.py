"""People's decisions about who is who: each with who decided and why, kept as events, and stronger than any machine's.

Runs inside the transaction of whoever calls.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from gateway.identity.cluster import Edge, cluster, pair
from gateway.identity.crosswalk import Authority, Crosswalk, RefusedError
from gateway.identity.linker import ACTOR
from gateway.identity.reviews import Reviews, Task
from gateway.identity.roster import Roster, unpacked
from gateway.identity.scoring import Scorer
from gateway.store.sql import Sql

MOST_CHARACTERS = 1000
"""Of a name, and of a reason."""
MACHINES = (ACTOR, "link")
"""The actors that are no people."""


def authority(who: str, why: str) -> Authority:
    """The authority of a person. Raises RefusedError where either is missing, too long, or a machine's name."""
    for name, said in (("who decides", who), ("why", why)):
        if not 0 < len(said.strip()) <= MOST_CHARACTERS:
            raise RefusedError(f"{name} has to be said, in at most {MOST_CHARACTERS} characters")
    if who.strip().lower() in MACHINES:
        raise RefusedError("who decides has to be a person: the gateway itself bears this name")
    return Authority(who.strip(), why.strip())


class Decisions:
    """Decides within one transaction, at `now` (ms). Every method raises RefusedError and then has changed nothing."""

    def __init__(self, sql: Sql, now: int, scorer: Scorer) -> None:
        self._scorer = scorer
        self.crosswalk = Crosswalk(sql, now)
        self._roster, self._reviews = Roster(sql), Reviews(sql, now)

    def task(self, number: int) -> Task | None:
        """A question that people are asked."""
        return self._reviews.task(number)

    def merge(self, first: str, second: str, by: Authority) -> str:
        """Two persons are one; the survivor, which is the older one."""
        survivor = self.crosswalk.merge_persons(first, second, by)
        self._settle([survivor], by)
        return survivor

    def unmerge(self, retired: str, by: Authority) -> str:
        """The merge that retired a person is undone; the person from which it comes back."""
        present = self.crosswalk.survivor(retired)
        self.crosswalk.unmerge(retired, by)
        self._settle([retired, str(present)], by)
        return str(present)

    def same(self, first: str, second: str, by: Authority) -> str:
        """Two records are the same person's; the person."""
        person = self.crosswalk.confirm(first, second, by)
        self._settle([person], by)
        return person

    def not_same(self, first: str, second: str, by: Authority) -> tuple[str, str]:
        """Two records are not the same person's; the persons of both.

        Where they were one person's, each of its other records goes with the one that it agrees with more.
        """
        self.crosswalk.tell_apart(first, second, self._leaving(first, second), by)
        known = self.crosswalk.known([first, second])
        persons = known[first].person, known[second].person
        self._settle(persons, by)
        return persons

    def _leaving(self, first: str, second: str) -> list[str]:
        """The side of the younger of two records within their person; nobody where they have no person together."""
        known = self.crosswalk.known([first, second])
        if len(known) < 2 or known[first].person != known[second].person:
            return []
        members = self._roster.members([known[first].person])
        forms = {each.record: self._scorer.forms(unpacked(each.traits)) for each in members}
        edges = [
            Edge(self._scorer.weigh(forms[one], forms[other]).weight, one, other)
            for one, other in combinations(forms, 2)
        ]
        decided = pair(first, second)
        ruled = {ids: same for ids, same in self.crosswalk.rulings(forms).items() if forms.keys() >= set(ids)}
        sides = cluster(
            {each.record: each.source for each in members},
            edges,
            [ids for ids, same in ruled.items() if same and ids != decided],
            [decided],
        )
        oldest = members[0].record
        return [record for side in sides.persons if oldest not in side for record in side]

    def _settle(self, persons: Collection[str], by: Authority) -> None:
        """Close the questions that this has answered."""
        tasks = self._reviews.touching([each.record for each in self.crosswalk.members(persons)])
        named = {record for task in tasks for record in (task.first, task.second)}
        person_of = {record: member.person for record, member in self.crosswalk.known(named).items()}
        self._reviews.settle(tasks, person_of, self.crosswalk.rulings(named), by.actor, by.reason)
