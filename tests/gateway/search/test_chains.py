"""Chains and reverse chains find what following every reference by hand finds, whichever way the index is asked.

https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.outcomes import InvalidParameter, TooCostly
from gateway.search import matches, query
from gateway.search.clauses import MAX_DEPTH, MAX_LINKS
from gateway.search.request import parse
from tests.gateway.search.naive import Records
from tests.gateway.search.world import BASE, Json, World

BOUNDS = ("GATHERED_AT_MOST", "GATHERED_UNCOUNTED", "COUNTED_AT_MOST")
PLANS = {"few": (), "counted": BOUNDS[:2], "many": BOUNDS, "remembered": (*BOUNDS[:2], "WALK_SECONDS")}


def hospital(seed: int = 3) -> list[Json]:
    """Organizations with parts, practitioners, patients, visits and findings that refer to one another at random."""
    dice = random.Random(seed)

    def to(resource_type: str, count: int) -> Json:
        return {"reference": f"{resource_type}/{resource_type[0].lower()}{dice.randrange(count)}"}

    def made(resource_type: str, number: int, **elements: Any) -> Json:
        return {
            "resourceType": resource_type,
            "id": f"{resource_type[0].lower()}{number}",
            **{name: value for name, value in elements.items() if value},
        }

    names = ("North", "South", "Northwest", "East")
    families = ("Meyer", "Meier", "Sato", "Singh")
    return [
        *(
            made(
                "Organization",
                at,
                name=dice.choice(names),
                partOf=to("Organization", at) if at else None,
                active=at != 2,
            )
            for at in range(9)
        ),
        *(made("Practitioner", at, name=[{"family": dice.choice(families)}]) for at in range(9)),
        *(
            made(
                "Patient",
                at,
                name=[{"family": dice.choice(families)}] if dice.random() < 0.9 else None,
                gender=dice.choice(("male", "female", None)),
                birthDate=f"19{dice.randrange(30, 99)}-01-02",
                managingOrganization=to("Organization", 9) if dice.random() < 0.8 else None,
                generalPractitioner=[to(*dice.choice((("Practitioner", 9), ("Organization", 9)))) for _ in range(2)],
                link=[{"other": to("Patient", 25), "type": "seealso"}] if dice.random() < 0.3 else None,
            )
            for at in range(25)
        ),
        *(
            made(
                "Encounter",
                at,
                status=dice.choice(("finished", "planned")),
                subject=to("Patient", 28),  # some lead nowhere
                participant=[{"individual": to("Practitioner", 9)}],
                serviceProvider=to("Organization", 9),
                period={"start": f"20{dice.randrange(10, 25)}-03-04"},
            )
            for at in range(40)
        ),
        *(
            made(
                "Observation",
                at,
                status="final",
                code={"coding": [{"system": "urn:c", "code": dice.choice("abc")}]},
                subject={**to("Patient", 25), "identifier": {"system": "urn:i", "value": str(at % 4)}},
                encounter=to("Encounter", 40) if dice.random() < 0.7 else None,
                performer=[to(*dice.choice((("Practitioner", 9), ("Organization", 9), ("Patient", 25))))],
                valueQuantity={"value": at},
            )
            for at in range(50)
        ),
    ]


RECORDS = Records(hospital())

SEARCHES = [
    ("Encounter", "subject:Patient.family", "mey"),
    ("Encounter", "subject.family", "mey"),
    ("Encounter", "patient.family", "mey,sa"),
    ("Encounter", "patient.family:exact", "Singh"),
    ("Encounter", "patient.gender:not", "male"),
    ("Encounter", "patient.gender:missing", "true"),
    ("Encounter", "patient.birthdate", "lt1960"),
    ("Encounter", "patient._id", "p1,p2"),
    ("Encounter", "patient.organization.name", "nor"),
    ("Encounter", "patient.organization.name:contains", "west"),
    ("Encounter", "patient.organization.partof.partof.name", "s"),
    ("Encounter", "patient.organization.active:not", "true"),
    ("Encounter", "patient.general-practitioner.name", "n"),
    ("Encounter", "patient.general-practitioner:Practitioner.name", "m"),
    ("Encounter", "patient.general-practitioner:Organization.name", "n"),
    ("Encounter", "patient.link.family", "s"),
    ("Observation", "performer.name", "s"),
    ("Observation", "performer:Patient.name", "s"),
    ("Observation", "subject:identifier", "urn:i|2"),
    ("Observation", "encounter.service-provider.name", "south"),
    ("Observation", "encounter.patient.general-practitioner:Practitioner.family", "sato"),
    ("Observation", "encounter.date", "ge2020"),
    ("Patient", "organization.partof.name", "north"),
    ("Patient", "general-practitioner.active", "true"),
    ("Patient", "_has:Encounter:patient:status", "planned"),
    ("Patient", "_has:Encounter:subject:status:not", "planned"),
    ("Patient", "_has:Observation:patient:code", "urn:c|a"),
    ("Patient", "_has:Observation:patient:encounter.status", "planned"),
    ("Patient", "_has:Observation:patient:value-quantity", "gt40"),
    ("Patient", "_has:Encounter:patient:_has:Observation:encounter:code", "b"),
    ("Patient", "_has:Patient:link:gender", "female"),
    ("Patient", "link._has:Encounter:patient:status", "finished"),
    ("Organization", "_has:Patient:organization:_has:Encounter:patient:status", "planned"),
    ("Organization", "_has:Organization:partof:name", "north"),
    ("Organization", "_has:Patient:organization:family", "nobody"),
    ("Practitioner", "_has:Encounter:practitioner:subject:Patient.gender", "female"),
    ("Practitioner", "_has:Patient:general-practitioner:_has:Observation:patient:code", "c"),
    ("Encounter", "patient._has:Observation:patient:code", "a"),
    ("Encounter", "patient._has:Observation:patient:code:not", "a"),
    ("Encounter", "_has:Observation:encounter:performer:Practitioner.family", "meyer"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World.in_folder(tmp_path_factory.mktemp("chains"))
    world.put(RECORDS.all.values())
    yield world
    world.store.close()


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """From the far ends of the links, or resource by resource."""
    take(str(request.param), monkeypatch)
    return str(request.param)


def take(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "PAGE_SECONDS", 60)  # what is exact is the question here, not what is quick
    for bound in PLANS[plan]:
        monkeypatch.setattr(matches, bound, 0)
    if plan == "remembered":
        monkeypatch.setattr("gateway.store.snapshot._STEPS", 1)


@pytest.mark.parametrize(("resource_type", "name", "value"), SEARCHES)
def test_links_are_followed(filled: World, plan: str, resource_type: str, name: str, value: str) -> None:
    """Alone, with a total, page by page."""
    expected = RECORDS.ids(resource_type, name, value)
    found = filled.search(resource_type, (name, value), ("_count", "3"), ("_total", "accurate"))
    assert found.total == len(expected)
    ids = filled.ids(resource_type, (name, value), ("_count", "3"))
    assert (len(ids), set(ids)) == (len(expected), expected)


def test_the_searches_find_something_and_not_everything() -> None:
    """The comparison is not one of empty sets."""
    found = [len(RECORDS.ids(*search)) / len(RECORDS.of_type(search[0])) for search in SEARCHES]
    assert sum(0 < share < 1 for share in found) >= len(found) - 4


@pytest.mark.parametrize("seed", range(12))
def test_links_beside_other_parameters_and_orders(filled: World, plan: str, seed: int) -> None:
    """Every parameter has to hold, each link by itself, in any order, sorted or not."""
    dice = random.Random(seed)
    resource_type = dice.choice(("Patient", "Encounter"))
    pairs = [search[1:] for search in dice.sample([each for each in SEARCHES if each[0] == resource_type], 2)]
    pairs.append(("birthdate", "ge1950") if resource_type == "Patient" else ("status", "finished"))
    dice.shuffle(pairs)
    sort = {"Patient": "-birthdate,family", "Encounter": "date,-_id"}[resource_type]
    expected = set.intersection(*(RECORDS.ids(resource_type, *pair) for pair in pairs))
    ids = filled.ids(resource_type, *pairs, ("_sort", sort), ("_count", "2"))
    assert (len(ids), set(ids)) == (len(expected), expected)


def test_a_deleted_target_matches_nothing(world: World, plan: str) -> None:
    """Also where what is asked for is that something is not there."""
    world.put(RECORDS.all.values())
    world.delete(("Patient", "p1"))
    for name, value in (("patient.gender:not", "none"), ("patient._id", "p1"), ("patient.family:missing", "true")):
        left = {each["id"] for each in RECORDS.of_type("Encounter") if each["subject"]["reference"] != "Patient/p1"}
        assert set(world.ids("Encounter", (name, value))) == RECORDS.ids("Encounter", name, value) & left
    assert world.ids("Patient", ("_has:Encounter:patient:status:not", "none"), ("_id", "p1")) == []


REFUSED = [
    ("Encounter", "patient.nonsense", "x", "Patient"),
    ("Encounter", "patient.famly", "x", "did you mean family"),
    ("Encounter", "patient:Group.name", "x", "Patient"),
    ("Encounter", "status.name", "x", "no reference"),
    ("Encounter", "subject:Group.code", "x", "Patient"),
    ("Encounter", "patient.birthdate", "junk", "date"),
    ("Encounter", "patient.family:nonsense", "x", "contains, exact"),
    ("Encounter", "patient.", "x", "not a search parameter"),
    ("Encounter", "patient:.family", "x", "no modifier"),
    ("Encounter", "patient.phonetic2", "x", "phonetic"),
    ("CarePlan", "instantiates-canonical.url", "x", "no reference"),
    ("Patient", "_has", "x", "_has:Type:reference:parameter"),
    ("Patient", "_has:Encounter", "x", "_has:Type:reference:parameter"),
    ("Patient", "_has:Encounter:patient", "x", "_has:Type:reference:parameter"),
    ("Patient", "_has:Encounter:patient:", "x", "_has:Type:reference:parameter"),
    ("Patient", "_has:Nonsense:patient:status", "x", "not a type"),
    ("Patient", "_has:Encountr:patient:status", "x", "did you mean Encounter"),
    ("Patient", "_has:Encounter:status:status", "x", "patient, subject"),
    ("Patient", "_has:Encounter:location:status", "x", "patient, subject"),
    ("Patient", "_has:Encounter:patient:nonsense", "x", "Encounter"),
    ("Patient", "_has:Encounter:patient:date", "junk", "date"),
    ("Encounter", "part-of." * (MAX_DEPTH + 1) + "status", "planned", str(MAX_DEPTH)),
    ("Patient", "_has:Encounter:patient:patient." * MAX_DEPTH + "gender", "male", str(MAX_DEPTH)),
    ("Condition", "evidence-detail.patient.general-practitioner.identifier", "x", str(MAX_LINKS)),
]


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize(("resource_type", "name", "value", "says"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_chain_that_cannot_be_followed_is_refused(
    resource_type: str, name: str, value: str, says: str, strict: bool
) -> None:
    """Also when lenient: under the whole parameter's name, with what would be right."""
    with pytest.raises(InvalidParameter) as refused:
        parse(resource_type, [(name, value)], strict=strict, base=BASE)
    assert refused.value.diagnostics.startswith(f"{name}: ")
    assert says in refused.value.diagnostics


def test_many_chains_together_are_refused() -> None:
    pair = ("patient.family", "x")
    assert parse("Encounter", [pair] * MAX_LINKS, strict=True, base=BASE).clauses
    with pytest.raises(InvalidParameter, match=str(MAX_LINKS)):
        parse("Encounter", [pair] * (MAX_LINKS + 1), strict=True, base=BASE)


@pytest.mark.parametrize("pairs", [[], [("_total", "accurate")], [("_summary", "count")]], ids=str)
def test_a_search_that_takes_too_long_is_stopped(
    filled: World, monkeypatch: pytest.MonkeyPatch, pairs: list[tuple[str, str]]
) -> None:
    """With an error that says so; the next search is answered."""
    monkeypatch.setattr(query, "PAGE_SECONDS", 0.0)
    monkeypatch.setattr("gateway.store.snapshot._STEPS", 1)
    with pytest.raises(TooCostly, match="too long"):
        filled.search("Patient", ("_has:Encounter:patient:status", "planned"), *pairs)
    monkeypatch.undo()
    assert filled.search("Patient", ("_has:Encounter:patient:status", "planned"), *pairs).total


def test_a_total_that_takes_too_long_is_left_out(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it was asked for."""
    take("counted", monkeypatch)
    monkeypatch.setattr(matches, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr("gateway.store.snapshot._STEPS", 1)
    pair = ("patient.general-practitioner:Organization.name", "north")
    found = filled.search("Encounter", pair)
    assert found.total is None
    assert {row.id for row in found.matches} == RECORDS.ids("Encounter", *pair)
    assert filled.search("Encounter", pair, ("_total", "accurate")).total == len(found.matches)
