"""Review tasks: pairs of records that no rule may decide. Opened by machines, closed by people or by events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from gateway.identity.cluster import pair
from gateway.store.sql import Sql

Question = Literal["link", "split"]
"""Might two persons' records be one person's? Might one person's records be two people's?"""
Status = Literal["open", "confirmed", "rejected", "moot"]

_PUT = (
    "INSERT INTO identity_task (number, first, second, question, weight, guards, model, opened, status)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')"
    " ON CONFLICT (first, second) DO UPDATE SET question = excluded.question, weight = excluded.weight,"
    " guards = excluded.guards, model = excluded.model, status = 'open',"
    " opened = CASE WHEN identity_task.status = 'open' THEN identity_task.opened ELSE excluded.opened END"
)
_CLOSE = "UPDATE identity_task SET status = ?, decided = ?, actor = ?, reason = ? WHERE number = ?"
_COLUMNS = "number, first, second, question, weight, guards, model, opened, status, decided, actor, reason"
_LAST = "SELECT coalesce(max(number), 0) FROM identity_task"
_LIST = f"SELECT {_COLUMNS} FROM identity_task WHERE status = ? ORDER BY weight DESC, number LIMIT ? OFFSET ?"  # noqa: S608
_ONE = f"SELECT {_COLUMNS} FROM identity_task WHERE number = ?"  # noqa: S608
_OPEN = "SELECT count(*) FROM identity_task WHERE status = 'open'"
_ABOUT = (
    f"SELECT {_COLUMNS} FROM identity_task WHERE first IN (??) AND second IN (??)"  # noqa: S608
    f" UNION SELECT {_COLUMNS} FROM identity_task WHERE first IN (??)"
    f" UNION SELECT {_COLUMNS} FROM identity_task WHERE second IN (??) ORDER BY 1"
)
_TOUCHING = (
    f"SELECT {_COLUMNS} FROM identity_task WHERE status = 'open' AND first IN (??)"  # noqa: S608
    f" UNION SELECT {_COLUMNS} FROM identity_task WHERE status = 'open' AND second IN (??)"
)


class Task(NamedTuple):
    """One question and what became of it. Times in ms since 1970 UTC."""

    number: int
    first: str
    second: str
    question: Question
    weight: float
    guards: str
    model: int
    opened: int
    status: Status
    decided: int | None
    actor: str | None
    reason: str | None


class Finding(NamedTuple):
    """A pair that has to be looked at."""

    one: str
    other: str
    question: Question
    weight: float
    guards: Sequence[str]
    model: int


class Reviews:
    """Reads and writes review tasks."""

    def __init__(self, sql: Sql, now: int) -> None:
        self._sql, self._now = sql, now

    def open(self, findings: Collection[Finding]) -> None:
        """Ask people about pairs. A pair that is asked about already keeps its number and its age."""
        if not findings:
            return
        last = int(self._sql.rows(_LAST)[0][0])
        self._sql.many(
            _PUT,
            [
                (
                    *(last + at, *pair(each.one, each.other), each.question),
                    *(each.weight, " ".join(each.guards), each.model, self._now),
                )
                for at, each in enumerate(findings, start=1)
            ],
        )

    def task(self, number: int) -> Task | None:
        """One task."""
        rows = self._sql.rows(_ONE, number)
        return Task(*rows[0]) if rows else None

    def page(self, status: Status, count: int, offset: int = 0) -> list[Task]:
        """Tasks, the likeliest pairs first."""
        return [Task(*row) for row in self._sql.rows(_LIST, status, count, offset)]

    def waiting(self) -> int:
        """How many tasks are open."""
        return int(self._sql.rows(_OPEN)[0][0])

    def touching(self, records: Collection[str]) -> list[Task]:
        """The open tasks about any of these records."""
        names = list(records)
        return [Task(*row) for row in self._sql.rows(_TOUCHING, names, names)] if names else []

    def about(self, records: Collection[str], among: Collection[str]) -> list[Task]:
        """All tasks, open or not, about one of `records` and anybody, or about two of `among`; in their order."""
        named, others = list(records), list(among)
        return [Task(*row) for row in self._sql.rows(_ABOUT, others, others, named, named)]

    def close(self, tasks: Collection[Task], status: Status, actor: str, reason: str) -> None:
        """Tasks are decided, or moot."""
        self._sql.many(_CLOSE, [(status, self._now, actor, reason, each.number) for each in tasks])

    def settle(
        self,
        tasks: Collection[Task],
        person_of: Mapping[str, str],
        rulings: Mapping[tuple[str, str], bool],
        actor: str,
        reason: str,
    ) -> None:
        """Close those of the open tasks that events have answered: by a ruling, by a record's end, or by themselves."""
        confirmed: list[Task] = []
        rejected: list[Task] = []
        moot: list[Task] = []
        for each in tasks:
            ruling = rulings.get((each.first, each.second))
            one, other = person_of.get(each.first), person_of.get(each.second)
            if ruling is not None:
                (confirmed if ruling else rejected).append(each)
            elif one is None or other is None or (one == other) == (each.question == "link"):
                moot.append(each)
        self.close(confirmed, "confirmed", actor, reason)
        self.close(rejected, "rejected", actor, reason)
        self.close(moot, "moot", actor, reason)
