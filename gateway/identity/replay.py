"""The crosswalk from its events alone: what `RECORD.person` and `PERSON` must say, and how they are made again."""

from __future__ import annotations

from typing import NamedTuple

from gateway.store.sql import Sql

_EVENTS = "SELECT seq, kind, person, other FROM identity_event ORDER BY seq"
_MOVES = "SELECT seq, record, before, after FROM identity_move ORDER BY seq, record"
_RECORDS = "SELECT record, person FROM identity_record"
_PERSONS = "SELECT person, born, merged_into, merged_by FROM identity_person"
_SET_PERSON = "UPDATE identity_record SET person = ? WHERE record = ?"
_NO_PERSONS = "DELETE FROM identity_person"
_PUT_PERSON = "INSERT INTO identity_person (person, born, merged_into, merged_by) VALUES (?, ?, ?, ?)"
_PUT_STALE = "INSERT INTO identity_stale (person) VALUES (?) ON CONFLICT DO NOTHING"

Born = tuple[int, str | None, int | None]
"""The seq of a person's first event; whom it was merged into, and by which event."""


class View(NamedTuple):
    """Who is who."""

    person_of: dict[str, str]
    persons: dict[str, Born]


def replayed(sql: Sql) -> View:
    """What the events say. Raises ValueError where a move contradicts those before it."""
    person_of: dict[str, str] = {}
    persons: dict[str, Born] = {}
    moves: dict[int, list[tuple[str, str | None, str | None]]] = {}
    for seq, record, before, after in sql.rows(_MOVES):
        moves.setdefault(seq, []).append((record, before, after))
    for seq, kind, person, other in sql.rows(_EVENTS):
        for record, before, after in moves.get(seq, ()):
            if person_of.pop(record, None) != before:
                raise ValueError(f"event {seq} moves {record} from where it was not")
            if after is not None:
                person_of[record] = after
                persons[after] = (persons[after][0] if after in persons else seq, None, None)
        if kind in ("merge", "confirm") and other is not None:
            persons[other] = (persons[other][0], person, seq)
    return View(person_of, persons)


def materialised(sql: Sql) -> View:
    """What the tables say."""
    return View(
        dict(map(tuple, sql.rows(_RECORDS))),
        {person: (born, into, by) for person, born, into, by in sql.rows(_PERSONS)},
    )


def rebuild(sql: Sql) -> int:
    """Make the tables say what the events say; how many records were in a wrong person.

    Raises ValueError where the events do not tell of the very records that live: those are a sync's to mend.
    """
    true, said = replayed(sql), materialised(sql)
    if true.person_of.keys() != said.person_of.keys():
        missing = len(true.person_of.keys() ^ said.person_of.keys())
        raise ValueError(f"{missing} records are either in the events or in the index, but not in both")
    wrong = {record: person for record, person in true.person_of.items() if said.person_of[record] != person}
    sql.many(_SET_PERSON, [(person, record) for record, person in wrong.items()])
    sql.run(_NO_PERSONS)
    sql.many(_PUT_PERSON, [(person, *state) for person, state in true.persons.items()])
    touched = set(wrong.values()) | {said.person_of[record] for record in wrong}
    sql.many(_PUT_STALE, [(person,) for person in sorted(touched)])
    return len(wrong)
