"""The crosswalk from its events alone: what `RECORD.person` and `PERSON` must say, and how they are made again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.store.sql import Sql

_PAGE = 5_000
_EVENTS = "SELECT seq, kind, person, other FROM identity_event WHERE seq > ? ORDER BY seq LIMIT ?"
_MOVES = "SELECT seq, record, before, after FROM identity_move WHERE seq > ? AND seq <= ? ORDER BY seq, record"
_COUNT = "SELECT count(*) FROM identity_event"
_RECORDS = "SELECT record, person FROM identity_record"
_PERSONS = "SELECT person, born, merged_into, merged_by FROM identity_person"
_SET_PERSON = "UPDATE identity_record SET person = ? WHERE record = ?"
_NO_PERSON = "DELETE FROM identity_person WHERE person = ?"
_PUT_PERSON = "INSERT INTO identity_person (person, born, merged_into, merged_by) VALUES (?, ?, ?, ?)"
_PUT_STALE = "INSERT INTO identity_stale (person) VALUES (?) ON CONFLICT DO NOTHING"

Born = tuple[int, str | None, int | None]
"""The seq of a person's first event; whom it was merged into, and by which event."""


class HistoryError(Exception):
    """The events contradict one another, or do not tell of the records that live."""


class View(NamedTuple):
    """Who is who."""

    person_of: dict[str, str]
    persons: dict[str, Born]


class Rebuilt(NamedTuple):
    """What a replay read and mended."""

    events: int
    records: int
    wrong_records: int
    """In another person than the events say."""
    wrong_persons: int
    """With another beginning or another end than the events say."""


def replayed(sql: Sql) -> View:
    """What the events say. Raises HistoryError where a move contradicts those before it."""
    view, after = View({}, {}), 0
    while events := sql.rows(_EVENTS, after, _PAGE):
        moves: dict[int, list[tuple[str, str | None, str | None]]] = {}
        for seq, *move in sql.rows(_MOVES, after, events[-1][0]):
            moves.setdefault(seq, []).append((move[0], move[1], move[2]))
        for seq, kind, person, other in events:
            _play(view, seq, moves.get(seq, ()))
            if kind in ("merge", "confirm") and other is not None:
                view.persons[other] = (view.persons[other][0], person, seq)
        after = events[-1][0]
    return view


def _play(view: View, seq: int, moves: Iterable[tuple[str, str | None, str | None]]) -> None:
    person_of, persons = view
    for record, before, after in moves:
        if person_of.pop(record, None) != before:
            raise HistoryError(f"event {seq} moves {record} from where it was not")
        if after is not None:
            person_of[record] = after
            persons[after] = (persons[after][0] if after in persons else seq, None, None)


def materialised(sql: Sql) -> View:
    """What the tables say."""
    return View(
        dict(map(tuple, sql.rows(_RECORDS))),
        {person: (born, into, by) for person, born, into, by in sql.rows(_PERSONS)},
    )


def rebuild(sql: Sql) -> Rebuilt:
    """Make the tables say what the events say. Persons that are mended are to be written anew.

    Raises HistoryError where the events do not tell of the very records that live.
    """
    true, said = replayed(sql), materialised(sql)
    if true.person_of.keys() != said.person_of.keys():
        missing = len(true.person_of.keys() ^ said.person_of.keys())
        raise HistoryError(f"{missing} records are either in the events or in the index, but not in both")
    records = {record: person for record, person in true.person_of.items() if said.person_of[record] != person}
    persons = {person: state for person, state in true.persons.items() if said.persons.get(person) != state}
    invented = said.persons.keys() - true.persons.keys()
    sql.many(_SET_PERSON, [(person, record) for record, person in records.items()])
    sql.many(_NO_PERSON, [(person,) for person in (*persons, *sorted(invented))])
    sql.many(_PUT_PERSON, [(person, *state) for person, state in persons.items()])
    touched = {*records.values(), *(said.person_of[record] for record in records), *persons, *invented}
    sql.many(_PUT_STALE, [(person,) for person in sorted(touched)])
    ((events,),) = sql.rows(_COUNT)
    return Rebuilt(events, len(true.person_of), len(records), len(persons) + len(invented))
