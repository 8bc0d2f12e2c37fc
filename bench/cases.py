"""What is asked over HTTP: many different paths a case, of people who are in the store."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from bench.load import ask
from bench.report import Goal
from gateway.search.parameters import row_key
from gateway.store import Store

_ASKED = 1000
"""Different paths a case, where there are so many."""
_HITS = 10
_ABOUT = range(5, 16)
_SORTS = {"family": "_sort=family", "birthdate": "_sort=-birthdate", "filter": "gender=female&_sort=family"}


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request."""

    name: str
    paths: list[str]
    goal: float | None = None
    """The least share of the ceiling's throughput."""
    slowest: float = 2
    """The longest median latency on one connection, in ms."""
    tail: float | None = 5
    """The longest p99 latency, in medians; None where some of what is asked for is much more than the rest."""

    def latency_goals(self, median: float, p99: float) -> Iterator[Goal]:
        """What is wanted of its latencies, in ms."""
        yield Goal(f"{self.name}, median", f"≤ {self.slowest:g} ms", f"{median:.2f} ms", median <= self.slowest)
        if self.tail is not None:
            tail = p99 / median
            yield Goal(f"{self.name}, p99", f"≤ {self.tail:g} medians", f"{tail:.1f}", tail <= self.tail)


def cases(store: Path, port: int) -> list[Case]:
    """What asks for one type; `port` is where the gateway answers, for the cursors of deep pages."""
    random = Random(1)
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        patients = list(_sample(connection, store, "Patient", random))
        visits = list(_sample(connection, store, "Encounter", random))
        families = _families(connection)
        (stored,) = connection.execute("SELECT count(*) FROM resource WHERE type = 'Patient'").fetchone()
    best = min(abs(len(hits) - _HITS) for hits in families.values())  # 0 in any big store
    exact = sorted(prefix for prefix, hits in families.items() if abs(len(hits) - _HITS) == best)
    prefixes = random.sample(exact, min(_ASKED, len(exact)))
    return [
        Case("read", [f"/fhir/Patient/{patient['id']}" for patient in patients], goal=0.60),
        Case("identifier", [_search("Patient", identifier=_identifier(patient)) for patient in patients]),
        Case(f"family prefix, {_HITS} hits", [_search("Patient", family=prefix) for prefix in prefixes], goal=0.35),
        Case("family + birthdate + gender", [_search("Patient", **three) for three in _threes(patients)]),
        Case("Encounter by patient", [_search("Encounter", patient=subject) for subject in _subjects(visits)]),
        *_sorted_cases(port, min(1000, stored // 20)),
    ]


def linked_cases(store: Path) -> list[Case]:
    """What follows references: always to about as many resources, whatever the size of the store."""
    random = Random(1)
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        patients = list(_sample(connection, store, "Patient", random))
        staff = _participants(connection)
        families = _families(connection)
    some = sorted(prefix for prefix, hits in families.items() if len(hits) in _ABOUT) or sorted(families)
    staff = random.sample(staff, min(_ASKED, len(staff)))
    twenties = (",".join(each["id"] for each in random.sample(patients, 20)) for _ in range(_ASKED // 4))
    chain, has = "encounter:Encounter.subject:Patient.family", "_has:Invoice:patient:participant"
    return [
        Case(
            "chain of two",
            [_search("Condition", **{chain: prefix}) for prefix in random.sample(some, min(_ASKED, len(some)))],
            slowest=10,
        ),
        Case("_has", [_search("Patient", **{has: each}) for each in staff], slowest=10),
        Case("_revinclude of 20", [_search("Patient", _id=ids, _revinclude="Encounter:patient") for ids in twenties]),
    ]


def broad_case(store: Path) -> Case:
    """`_has` of codes as frequent as they are: the more patients, the more hits."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        random = Random(1)
        diagnoses = list(_sample(connection, store, "Condition", random))
    codings = (coding for each in diagnoses for coding in each.get("code", {}).get("coding", ()))
    codes = sorted({f"{coding['system']}|{coding['code']}" for coding in codings})
    has = "_has:Condition:patient:code"
    paths = [_search("Patient", **{has: code}) for code in random.sample(codes, len(codes))]
    return Case("_has, frequent codes", paths, slowest=10, tail=None)


def _participants(connection: sqlite3.Connection) -> list[str]:
    """Who takes part in Invoices: each once, for a sample of Invoices would find the busy ones."""
    found = connection.execute(
        """SELECT DISTINCT target.type || '/' || target.id
           FROM index_reference JOIN index_target target ON target.number = index_reference.target
           WHERE index_reference.param = ? AND target.id <> '' ORDER BY 1""",
        (row_key("Invoice.participant"),),
    )
    return [each for (each,) in found]


def _sorted_cases(port: int, step: int) -> Iterator[Case]:
    for name, query in _SORTS.items():
        path = f"/fhir/Patient?{query}"
        yield Case(f"sorted, {name}", [path])
        yield Case(f"sorted, {name}, deep page", _deep(port, path, step))


def _deep(port: int, path: str, step: int) -> list[str]:
    """Pages from all over the search: its cursors hold for any `_count`."""
    found: list[str] = []
    following: str | None = f"{path}&_count={step}"
    while following is not None:
        links = {each["relation"]: each["url"] for each in json.loads(ask(port, following)[1])["link"]}
        following = links["next"].partition(str(port))[2] if "next" in links else None
        if following is not None:
            found.append(following.replace(f"_count={step}", "_count=20"))
    return found[len(found) // 4 :]


def _sample(
    connection: sqlite3.Connection, store: Path, resource_type: str, random: Random
) -> Iterator[dict[str, Any]]:
    found = connection.execute("SELECT id FROM resource WHERE type = ? AND deleted = 0 ORDER BY pk", (resource_type,))
    ids = [each for (each,) in found]
    with Store.attach(f"sqlite:///{store}") as opened:
        for each in random.sample(ids, min(_ASKED, len(ids))):
            stored = opened.read(resource_type, each)
            assert stored is not None
            assert stored.body is not None
            yield json.loads(stored.body)


def _families(connection: sqlite3.Connection) -> dict[str, set[int]]:
    """Who bears a family name with a prefix of three letters or more, as the index spells it.

    None ends with a space: a search passes over it, and would find all names with the word that stands before it.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for value, pk in connection.execute(
        "SELECT value, pk FROM index_string WHERE param = ?", (row_key("Patient.family"),)
    ):
        for end in range(3, len(value) + 1):
            if value[end - 1] != " ":
                found[value[:end]].add(pk)
    return found


def _identifier(patient: dict[str, Any]) -> str:
    first = patient["identifier"][0]
    return f"{first['system']}|{first['value']}"


def _threes(patients: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for patient in patients:
        family = next((name["family"] for name in patient.get("name", ()) if "family" in name), None)
        if family and patient.get("birthDate") and patient.get("gender"):
            yield {"family": family, "birthdate": patient["birthDate"], "gender": patient["gender"]}


def _subjects(visits: list[dict[str, Any]]) -> Iterator[str]:
    for visit in visits:
        if reference := visit.get("subject", {}).get("reference"):
            yield reference


def _search(resource_type: str, **parameters: str) -> str:
    return f"/fhir/{resource_type}?{urlencode(parameters, quote_via=quote)}"
