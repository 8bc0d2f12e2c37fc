"""Resources with a little of everything that search has to tell apart, and a store to search them in."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gateway.search.index import INDEX, index_rows, write
from gateway.search.query import SearchResult, search
from gateway.search.request import parse
from gateway.store import Store
from gateway.sync.content import content

Json = dict[str, Any]
BASE = "http://here/fhir"

FAMILIES = (
    "Müller",
    "Mueller",
    "MULLER",
    "O'Neil",
    "Søren",
    "Łukasz",
    "Groß",
    "van der Berg",
    "a,b",
    "a|b",
    "50%",
    "x_y",
)
GIVEN = ("Anna", "ANNA", "Änne", "Zoë", "Jean  Luc", "Li")
SYSTEMS = ("urn:a", "urn:b", "")
CODES = ("1", "2", "X", "x")
TYPES = ("MR", "PI")
INSTANTS = (
    "2019",
    "2020",
    "2020-02",
    "2020-02-29",
    "2020-03-01",
    "2020-02-29T23:59:59Z",
    "2020-03-01T00:30:00+01:00",
    "2020-02-29T12:00:00.5Z",
    "2020-02-29T12:00:00.123Z",
    "1950-12-31",
)
URLS = ("http://a.org/p", "http://a.org/p/1", "http://a.org/p/1/x", "http://a.org/pq", "urn:oid:1.2")
NUMBERS = (0, 1, 1.5, 99.5, 100, 100.4, 100.5, -3, 5.4, 5.35)
UCUM = "http://unitsofmeasure.org"
UNITS = ((UCUM, "mg", "milligram"), (UCUM, "dg", "decigram"), ("urn:other", "mg", "mg"), ("", "", "kg"), ("", "", ""))
TEXTS = ("High blood pressure", "hypertension", "Ähnlich", "a")


def without_empty(element: Any) -> Any:
    if isinstance(element, dict):
        return {
            name: kept for name, value in element.items() if (kept := without_empty(value)) not in ("", None, {}, [])
        }
    if isinstance(element, list):
        return [kept for item in element if (kept := without_empty(item)) not in ("", None, {}, [])]
    return element


class Maker:
    """Makes resources from a seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def maybe(self, value: Any, chance: float = 0.7) -> Any:
        return value if self.dice.random() < chance else None

    def some(self, make: Any, most: int = 2) -> list[Any]:
        return [make() for _ in range(self.dice.randint(0, most))]

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.dice.choice(choices)

    def coding(self) -> Json:
        return {"system": self.pick(SYSTEMS), "code": self.maybe(self.pick(CODES), 0.9), "display": self.pick(TEXTS)}

    def concept(self) -> Json:
        return {"coding": self.some(self.coding), "text": self.maybe(self.pick(TEXTS), 0.5)}

    def identifier(self) -> Json:
        kind = {"coding": [{"system": "urn:types", "code": self.pick(TYPES)}], "text": self.pick(TEXTS)}
        return {"system": self.pick(SYSTEMS), "value": self.pick(CODES), "type": self.maybe(kind, 0.5)}

    def reference(self, *types: str) -> Json:
        target = self.pick(
            [f"{self.pick(types)}/{number}" for number in range(4)] + ["http://other.org/fhir/Patient/1"]
        )
        logical = {"type": self.pick(types), "identifier": self.identifier()}
        return self.pick([{"reference": target}, {"reference": target, "identifier": self.identifier()}, logical])

    def period(self) -> Json:
        start, end = sorted(self.dice.sample(("2018-01", "2019-06-05", "2020-02-29T10:00:00Z", "2021"), 2))
        return self.pick([{"start": start, "end": end}, {"start": start}, {"end": end}])

    def quantity(self) -> Json:
        system, code, unit = self.pick(UNITS)
        number = self.pick(NUMBERS)
        return {"value": number, "system": system, "code": code, "unit": unit, "comparator": self.maybe("<", 0.1)}

    def choice(self, name: str, **forms: Any) -> Json:
        form = self.pick([*forms, None])
        return {} if form is None else {name + form: forms[form]}

    def meta(self) -> Json:
        return {"source": self.pick(URLS), "profile": self.some(lambda: self.pick(URLS)), "tag": self.some(self.coding)}

    def name(self) -> Json:
        return {"family": self.maybe(self.pick(FAMILIES)), "given": self.some(lambda: self.pick(GIVEN)), "text": "Dr X"}

    def patient(self) -> Json:
        return {
            "active": self.maybe(self.pick((True, False))),
            "name": self.some(self.name),
            "identifier": self.some(self.identifier),
            "telecom": self.some(lambda: {"system": self.pick(("phone", "email")), "value": self.pick(CODES)}),
            "gender": self.maybe(self.pick(("male", "female"))),
            "birthDate": self.maybe(self.pick([text for text in INSTANTS if "T" not in text])),
            "address": self.some(lambda: {"city": self.pick(FAMILIES), "line": [self.pick(GIVEN)], "use": "home"}),
            "generalPractitioner": self.some(lambda: self.reference("Practitioner", "Organization")),
            **self.choice("deceased", Boolean=self.pick((True, False)), DateTime=self.pick(INSTANTS)),
        }

    def observation(self) -> Json:
        return {
            "status": self.pick(("final", "amended")),
            "code": self.concept(),
            "category": self.some(self.concept),
            "subject": self.maybe(self.reference("Patient", "Group")),
            **self.choice(
                "effective",
                DateTime=self.pick(INSTANTS),
                Period=self.period(),
                Instant="2020-02-29T12:00:00.123Z",
                Timing={"event": [self.pick(INSTANTS), self.pick(INSTANTS)]},
            ),
            **self.choice(
                "value",
                Quantity=self.quantity(),
                CodeableConcept=self.concept(),
                String=self.pick(FAMILIES),
                DateTime=self.pick(INSTANTS),
                Period=self.period(),
            ),
            "component": self.some(
                lambda: {"code": self.concept(), **self.choice("value", Quantity=self.quantity(), String="no")}
            ),
        }

    def condition(self) -> Json:
        low, high = sorted(self.dice.sample(NUMBERS, 2))
        unit = {"unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}
        both = {"low": {"value": low, **unit}, "high": {"value": high, **unit}}
        return {
            "subject": self.reference("Patient"),
            "encounter": self.maybe(self.reference("Encounter")),
            "code": self.maybe(self.concept()),
            "clinicalStatus": self.maybe(self.concept()),
            **self.choice(
                "onset",
                DateTime=self.pick(INSTANTS),
                Period=self.period(),
                String=self.pick(FAMILIES),
                Age=self.quantity(),
                Range=self.pick([both, {"low": both["low"]}, {"high": both["high"]}]),
            ),
        }

    def make(self, resource_type: str, resource_id: str) -> Json:
        body = getattr(self, resource_type.lower())()
        return {"resourceType": resource_type, "id": resource_id, **without_empty({"meta": self.meta(), **body})}


class World:
    """A store with its index, written as the sync writes it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    def at(cls, url: str) -> World:
        return cls(Store.open(url, extra=[INDEX]))

    @classmethod
    def in_folder(cls, folder: Path) -> World:
        return cls.at(f"sqlite:///{folder / 'gateway.db'}")

    def put(self, resources: Iterable[Json]) -> None:
        """Create, or replace, each in one batch."""
        with self.store.writer() as writer, writer.batch():
            for resource in resources:
                key = (resource["resourceType"], resource["id"])
                current = writer.current([key]).get(key)
                if current is None:
                    (pk,) = writer.create("test", [content(resource)])
                    write(writer.connection, [(pk, index_rows(resource))], [])
                else:
                    writer.replace([(current, content(resource))])
                    write(writer.connection, [(current.pk, index_rows(resource))], [current.pk])

    def delete(self, *keys: tuple[str, str]) -> None:
        with self.store.writer() as writer, writer.batch():
            pks = [current.pk for current in writer.current(keys).values()]
            writer.delete(pks)
            write(writer.connection, [], pks)

    def search(self, resource_type: str, *pairs: tuple[str, str], cursor: str | None = None) -> SearchResult:
        return search(self.store, parse(resource_type, pairs, strict=True, base=BASE), cursor=cursor)

    def ids(self, resource_type: str, *pairs: tuple[str, str]) -> list[str]:
        """The ids of all matches, page by page."""
        found: list[str] = []
        cursor: str | None = None
        while True:
            result = self.search(resource_type, *pairs, cursor=cursor)
            found += [row.id for row in result.matches]
            cursor = result.next
            if cursor is None:
                return found
