"""Every search parameter that is offered, with every modifier and prefix, on the demo's data: the answer is that of the
naive matcher. What is advertised is covered here.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.interactions.capabilities import statement
from gateway.interactions.routes import ROUTES
from gateway.search.clauses import modifiers
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES, SearchParameter, offered
from gateway.search.persons import derived
from gateway.search.query import search
from gateway.search.request import parse
from gateway.store import Store
from tests.gateway.search import samples
from tests.gateway.search.naive import Records
from tests.gateway.search.world import Json, World
from tests.integration.hospitals import opened_store, resources, simulate_all, synced

PATIENTS = 6
VALUES = 2
MATRIX = [(each, code) for each in SERVED_TYPES for code in offered(each)]
PERSONAL = [(each, code) for each in SERVED_TYPES for code in derived(each)]
"""What stands for a walk over the Persons."""


class Hospitals:
    """Resources in a store, and the same resources for the naive matcher."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.records = Records(resources(store))

    def compare(self, resource_type: str, code: str) -> tuple[set[str], int]:
        """Search in both: with which modifiers, and how often there was something to find."""
        asked, hits = set[str](), 0
        for name, value in searches(self, resource_type, offered(resource_type)[code]):
            wanted, found = self.records.ids(resource_type, name, value), self.found(resource_type, name, value)
            if found != wanted:  # `ap` widens with the time from now: what it finds lies between before and after
                later = self.records.ids(resource_type, name, value)
                assert wanted & later <= found <= wanted | later, (name, value)
            asked.add(name.partition(":")[2])
            hits += bool(wanted)
        return asked, hits

    def found(self, resource_type: str, name: str, value: str) -> set[str]:
        request = parse(resource_type, [(name, value), ("_count", "1000")], strict=True, base=samples.BASE)
        return {row.id for row in search(self.store, request).matches}


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospitals]:
    """All eight sources, synced; and a sample of what they lack."""
    folder = tmp_path_factory.mktemp("matrix")
    simulate_all(folder / "stores", PATIENTS)
    with opened_store(folder / "gateway.db") as store:
        synced(store, folder / "stores")
        World(store).put(sample for each in SERVED_TYPES for sample in samples_of(each))
        yield Hospitals(store)


def samples_of(resource_type: str) -> list[Json]:
    """A resource for each value of each parameter of a type."""
    return [sample for each in offered(resource_type).values() for sample in samples.resources(resource_type, each)]


def taken(parameter: SearchParameter) -> list[str]:
    """The modifiers of a parameter, the types of a reference among them."""
    found = ["", *modifiers(parameter)]
    if parameter.type == "reference" and "Reference" in parameter.datatypes:
        found += [each for each in SERVED_TYPES if each in parameter.targets][:3]
    return found


def searches(hospitals: Hospitals, resource_type: str, parameter: SearchParameter) -> Iterator[tuple[str, str]]:
    """Names with their modifiers, and values."""
    code, of_type = parameter.code, hospitals.records.of_type(resource_type)
    if parameter.type == "composite":
        found = [hospitals.records.elements(each, code) for each in of_type]
        held = [elements for elements in found if any(all(element) for element in elements)]
        asked = dict.fromkeys(text for each in held[-VALUES:] for text in samples.composite_texts(parameter, each))
        yield from ((code, text) for text in asked)
        return
    made, real = [], []
    for each in of_type:
        (made if each["id"].startswith("sample-") else real).extend(hospitals.records.values(each, code))
    values = samples.some(real, VALUES) + samples.some(made, VALUES + 2)
    for modifier in taken(parameter):
        name = f"{code}:{modifier}" if modifier else code
        asked = dict.fromkeys(text for value in values for text in samples.texts(parameter, modifier, value))
        yield from ((name, text) for text in asked)


@pytest.mark.parametrize(("resource_type", "code"), MATRIX, ids=lambda each: each)
def test_the_index_finds_what_the_rules_find(hospitals: Hospitals, resource_type: str, code: str) -> None:
    """Each parameter finds something, and is asked with each of its modifiers."""
    asked, hits = hospitals.compare(resource_type, code)
    assert hits
    assert asked >= {"", *modifiers(offered(resource_type)[code])}


@pytest.mark.parametrize(("resource_type", "code"), PERSONAL, ids=lambda each: each)
def test_records_of_a_person_are_found(hospitals: Hospitals, resource_type: str, code: str) -> None:
    """Those of all Patients that a Person links, by the Person and by a name that it has."""
    people = [each for each in hospitals.records.of_type("Person") if each.get("link") and "sample" not in each["id"]]
    for person in (people[0], people[-1]):
        owned = records_of(hospitals, resource_type, [person])
        for text in (person["id"], f"Person/{person['id']}", f"{samples.BASE}/Person/{person['id']}"):
            assert hospitals.found(resource_type, code, text) == owned
        family = person["name"][0]["family"]
        namesakes = [each for each in people if hospitals.records.holds(each, "name", family)]
        found = hospitals.found(resource_type, f"{code}.name", family)
        assert found == records_of(hospitals, resource_type, namesakes)


def records_of(hospitals: Hospitals, resource_type: str, people: list[Json]) -> set[str]:
    """The ids of resources that are, or are about, the Patients of some Persons."""
    patients = {link["target"]["reference"] for person in people for link in person["link"]}
    if resource_type == "Patient":
        return {each.partition("/")[2] for each in patients}
    about = {
        each["id"]: [found.get("reference") for found in hospitals.records.values(each, "patient")]
        for each in hospitals.records.of_type(resource_type)
    }
    return {each for each, references in about.items() if patients.intersection(references)}


def test_the_matrix_covers_what_is_advertised() -> None:
    """No parameter of the CapabilityStatement is left out, but for what is rendered and in no index."""
    told = statement("http://x", ROUTES)["rest"][0]["resource"]
    advertised = {(each["type"], parameter["name"]) for each in told for parameter in each["searchParam"]}
    assert {each for each in advertised if each[0] not in RENDERED_TYPES} == {*MATRIX, *PERSONAL}
