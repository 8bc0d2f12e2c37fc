"""The roster: every live record's traits, found again by blocking key. The real-time half of blocking.

Keys are kept as 64-bit hashes: two texts that fall together only cost a comparison. Works on the writer's transaction
and on a reader's snapshot alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from gateway.identity.blocking import keys
from gateway.identity.traits import Traits, from_patient, from_row
from gateway.store.sql import Sql

CROWDED = 200
"""Records by which a key tells nobody apart any more."""

_BY_KEY = "SELECT value, number FROM identity_key WHERE value IN (??)"
_CROWDED = "SELECT value FROM identity_crowd WHERE value IN (??)"
_PERSONS_OF = "SELECT DISTINCT person FROM identity_record WHERE number IN (??)"
_OF_PERSONS = "SELECT number, record, source, person, traits FROM identity_record WHERE person IN (??) ORDER BY number"
_OF_RECORDS = "SELECT number, record, source, person, traits FROM identity_record WHERE record IN (??) ORDER BY number"
_PUT = "INSERT INTO identity_key (value, number) VALUES (?, ?) ON CONFLICT DO NOTHING"
_REMOVE = "DELETE FROM identity_key WHERE value = ? AND number = ?"
_COUNTS = "SELECT value, count(*) FROM identity_key WHERE value IN (??) GROUP BY value HAVING count(*) > ?"
_PUT_CROWD = "INSERT INTO identity_crowd (value) VALUES (?) ON CONFLICT DO NOTHING"
_DOMAINS = "SELECT system FROM identity_domain"
_PUT_DOMAIN = "INSERT INTO identity_domain (system) VALUES (?) ON CONFLICT DO NOTHING"
_REMOVE_ALL = "DELETE FROM identity_key WHERE value = ?"


class Notes(NamedTuple):
    """What linking has to know of a Patient; made where it was mapped, and picklable."""

    traits: bytes
    """JSON, as the roster keeps it."""
    keys: tuple[int, ...]
    domains: tuple[str, ...]
    """The systems of its identifiers."""


class Entry(NamedTuple):
    """A live record with its traits as they are kept."""

    number: int
    record: str
    source: str
    person: str
    traits: bytes


def notes(resource: Mapping[str, Any]) -> Notes | None:
    """The notes of a resource; None for what is not a Patient."""
    if resource["resourceType"] != "Patient":
        return None
    traits = from_patient(resource)
    domains = {each["system"] for each in resource.get("identifier", ()) if "system" in each}
    return Notes(packed(traits), hashed(keys(traits)), tuple(sorted(domains)))


def packed(traits: Traits) -> bytes:
    """Traits as the roster keeps them."""
    return orjson.dumps(traits.to_row())


def unpacked(row: bytes) -> Traits:
    """The traits that `packed` packed."""
    return from_row(orjson.loads(row))


def hashed(texts: Iterable[str]) -> tuple[int, ...]:
    """Blocking keys as numbers, in order."""
    return tuple(
        sorted({int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True) for text in texts})
    )


class Roster:
    """Asks for records, and keeps their keys."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def sharing(self, values: Collection[int]) -> dict[int, list[int]]:
        """The numbers of the records with each of these keys."""
        found: dict[int, list[int]] = {}
        for value, number in self._sql.rows(_BY_KEY, list(values)) if values else ():
            found.setdefault(value, []).append(number)
        return found

    def persons_of(self, numbers: Collection[int]) -> list[str]:
        """The persons of records, named by number."""
        return [row[0] for row in self._sql.rows(_PERSONS_OF, list(numbers))] if numbers else []

    def members(self, persons: Collection[str]) -> list[Entry]:
        """All records of persons, oldest first."""
        return [Entry(*row) for row in self._sql.rows(_OF_PERSONS, list(persons))] if persons else []

    def entries(self, records: Collection[str]) -> dict[str, Entry]:
        """Those of the records that live."""
        return {row[1]: Entry(*row) for row in self._sql.rows(_OF_RECORDS, list(records))} if records else {}

    def domains(self) -> set[str]:
        """The systems of the identifiers that Patients have or had."""
        return {row[0] for row in self._sql.rows(_DOMAINS)}

    def put_domains(self, systems: Iterable[str]) -> None:
        """Remember identifier systems."""
        self._sql.many(_PUT_DOMAIN, [(system,) for system in sorted(systems)])

    def put(self, rows: Iterable[tuple[int, int]], most: Collection[int] | None = None) -> None:
        """Keep (key, number); a key that has become crowded is given up. Only `most` can be (None = any of them)."""
        wanted = sorted(rows)
        values = list(dict.fromkeys([value for value, _ in wanted]))
        if not values:
            return
        full = {row[0] for row in self._sql.rows(_CROWDED, values)}
        self._sql.many(_PUT, [row for row in wanted if row[0] not in full])
        suspects = values if most is None else list(most)
        crowds = [(row[0],) for row in self._sql.rows(_COUNTS, suspects, CROWDED)] if suspects else []
        self._sql.many(_PUT_CROWD, crowds)
        self._sql.many(_REMOVE_ALL, crowds)

    def remove(self, rows: Iterable[tuple[int, int]]) -> None:
        """Forget (key, number)."""
        self._sql.many(_REMOVE, sorted(rows))
