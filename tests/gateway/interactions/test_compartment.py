"""Compartment search: https://hl7.org/fhir/R4/compartmentdefinition.html."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from gateway.search.compartments import COMPARTMENTS, members, parameters
from gateway.search.parameters import offered
from tests.gateway.interactions.conftest import Bundles, link, outcome
from tests.gateway.interactions.test_search_system import addresses

OWNERS = ["Patient/patient-0", "Patient/patient-7", "Encounter/visit-3-1", "Practitioner/doctor-1"]


def expected(bundles: Bundles, owner: str, member: str) -> set[str]:
    """What the parameters of the table find, one by one, and the owner itself."""
    compartment = owner.partition("/")[0]
    found = {owner} if member == compartment else set()
    for code in parameters(compartment, member):
        found |= set(addresses(bundles.walk(f"/fhir/{member}?{code}={owner}&_count=100")))
    return found


@pytest.mark.parametrize("compartment", COMPARTMENTS)
def test_the_table_names_references_that_work(compartment: str) -> None:
    """Each parameter is offered, and may lead to the compartment's type."""
    for member in members(compartment):
        for code in parameters(compartment, member):
            parameter = offered(member)[code]
            assert parameter.type == "reference"
            assert {compartment, "*"} & set(parameter.targets)


@pytest.mark.parametrize("owner", OWNERS)
def test_each_type_holds_what_refers_to_the_owner(bundles: Bundles, owner: str) -> None:
    """By any of the parameters, each resource once."""
    for member in members(owner.partition("/")[0]):
        page = bundles.get(f"/fhir/{owner}/{member}?_count=500")
        found = addresses([page])
        assert len(found) == len(set(found)) == page["total"]
        assert set(found) == expected(bundles, owner, member)


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("query", ["_count=2", "_count=3&_sort=-_lastUpdated", "_count=500&_sort=_id"])
def test_any_type_is_all_of_them(bundles: Bundles, owner: str, query: str) -> None:
    """`*` pages over everything in the compartment, the owner too."""
    pages = bundles.walk(f"/fhir/{owner}/*?{query}")
    found = addresses(pages)
    whole = {each for member in members(owner.partition("/")[0]) for each in expected(bundles, owner, member)}
    assert owner in whole
    assert len(found) == len(set(found)) == pages[0]["total"]
    assert set(found) == whole


def test_parameters_narrow_it(bundles: Bundles) -> None:
    """A compartment is searched like a type, with its parameters and includes."""
    page = bundles.get("/fhir/Patient/patient-3/Encounter?date=sa2021-12-31&_include=Encounter:subject&_count=5")
    assert addresses([page]) == ["Encounter/visit-3-2"]
    assert [entry["resource"]["id"] for entry in page["entry"] if entry["search"]["mode"] == "include"] == ["patient-3"]
    assert link(page, "self") == (
        "http://localhost/fhir/Patient/patient-3/Encounter?date=sa2021-12-31&_include=Encounter:subject&_count=5"
    )


def test_types_narrow_any(bundles: Bundles) -> None:
    """`_type` names the types of `*`."""
    page = bundles.get("/fhir/Patient/patient-3/*?_type=Condition,Observation")
    assert addresses([page]) == ["Condition/condition-3"]
    assert "_type=Condition,Observation" in str(link(page, "self"))


def test_the_same_by_a_form(client: FlaskClient) -> None:
    """`POST …/_search`."""
    response = client.post("/fhir/Patient/patient-3/Encounter/_search", data={"date": "sa2021-12-31"})
    assert response.json["total"] == 1
    assert client.post("/fhir/Patient/patient-3/*/_search").json["total"] == 4


def test_a_cursor_belongs_to_its_compartment(client: FlaskClient, bundles: Bundles) -> None:
    """Another patient's does not open with it."""
    following = link(bundles.get("/fhir/Patient/patient-3/Encounter?_count=1"), "next")
    assert following is not None
    assert client.get(following).status_code == 200
    assert client.get(following.replace("patient-3", "patient-4")).status_code == 400


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("Patient/nobody/Encounter", 404, "no Patient with this id"),
        ("Patient/nobody/*", 404, "no Patient with this id"),
        ("Patient/gone/Encounter", 410, "deleted"),
        ("Patient/patient-1/Starship", 404, "not served"),
        ("Patient/patient-1/Encounters", 404, "did you mean Encounter"),
        ("Patient/patient-1/Location", 404, "never in the compartment"),
        ("Location/somewhere/Encounter", 404, "no interaction"),
        ("Patient/patient-1/*?_type=Location", 400, "_type"),
        ("Patient/patient-1/*?_include=*", 400, "_include"),
        ("Patient/patient-1/Encounter?date=junk", 400, "date"),
        ("Patient/patient-1/Encounter/visit-1-1", 404, "no interaction"),
    ],
)
def test_what_it_refuses(client: FlaskClient, path: str, status: int, said: str) -> None:
    """An unknown owner is not an owner of nothing."""
    response = client.get(f"/fhir/{path}")
    assert response.status_code == status
    assert said in outcome(response)["diagnostics"]
