"""`_include` and `_revinclude`: what matches refer to, and what refers to them, each once and real.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

import pytest

from gateway.outcomes import TooCostly
from tests.gateway.search.world import World


@pytest.fixture
def linked(world: World) -> World:
    world.put(
        [
            {"resourceType": "Organization", "id": "o1", "name": "One", "partOf": {"reference": "Organization/o2"}},
            {"resourceType": "Organization", "id": "o2", "name": "Two", "partOf": {"reference": "Organization/o3"}},
            {"resourceType": "Organization", "id": "o3", "name": "Three", "partOf": {"reference": "Organization/o2"}},
            {"resourceType": "Practitioner", "id": "d1"},
            *(
                {
                    "resourceType": "Patient",
                    "id": f"p{number}",
                    "generalPractitioner": [{"reference": "Organization/o1"}, {"reference": "Practitioner/d1"}],
                    "link": [{"other": {"reference": "Patient/p0"}, "type": "seealso"}],
                }
                for number in range(3)
            ),
            *(
                {"resourceType": "Encounter", "id": f"e{number}", "subject": {"reference": f"Patient/p{number % 2}"}}
                for number in range(4)
            ),
            {
                "resourceType": "Condition",
                "id": "c1",
                "subject": {"reference": "Patient/p1"},
                "encounter": {"reference": "Encounter/e1"},
            },
        ]
    )
    return world


@pytest.mark.parametrize(
    ("pairs", "included"),
    [
        ([("_include", "Patient:general-practitioner")], {"o1", "d1"}),
        ([("_include", "Patient:general-practitioner:Organization")], {"o1"}),
        ([("_include", "Patient:link")], set()),
        ([("_id", "p1"), ("_include", "Patient:link")], {"p0"}),
        ([("_include", "Patient:organization")], set()),
        ([("_revinclude", "Encounter:subject")], {"e0", "e1", "e2", "e3"}),
        ([("_id", "p1"), ("_revinclude", "Encounter:subject:Patient")], {"e1", "e3"}),
        (
            [("_id", "p1"), ("_revinclude", "Encounter:patient"), ("_revinclude", "Condition:subject")],
            {"e1", "e3", "c1"},
        ),
        ([("_id", "p1"), ("_revinclude", "Patient:link")], set()),
        ([("_id", "p0"), ("_revinclude", "Patient:link")], {"p1", "p2"}),
        ([("_id", "none"), ("_revinclude", "Encounter:subject")], set()),
        ([("_include", "*")], {"o1", "d1"}),
        ([("_include", "Patient:*")], {"o1", "d1"}),
        ([("_include", "Patient:*:Organization")], {"o1"}),
        ([("_id", "p1"), ("_include", "Patient:*:Patient")], {"p0"}),
        ([("_id", "p1"), ("_revinclude", "*")], {"e1", "e3", "c1"}),
        ([("_id", "p1"), ("_revinclude", "Encounter:*")], {"e1", "e3"}),
        ([("_id", "p1"), ("_revinclude", "Encounter:*:Patient")], {"e1", "e3"}),
        ([("_id", "p1"), ("_include:iterate", "Patient:organization")], set()),
        ([("_id", "p0"), ("_include", "Patient:general-practitioner")], {"o1", "d1"}),
        (
            [
                ("_id", "p0"),
                ("_include", "Patient:general-practitioner"),
                ("_include:iterate", "Organization:partof"),
            ],
            {"o1", "d1", "o2", "o3"},
        ),
        ([("_id", "p0"), ("_include:iterate", "*")], {"o1", "d1", "o2", "o3"}),
        (
            [("_id", "p1"), ("_revinclude:iterate", "Condition:patient"), ("_revinclude", "Encounter:patient")],
            {"e1", "e3", "c1"},
        ),
        (
            [("_id", "p1"), ("_revinclude", "Encounter:subject"), ("_revinclude:iterate", "Condition:encounter")],
            {"e1", "e3", "c1"},
        ),
        (
            [("_id", "p2"), ("_revinclude:iterate", "Patient:link"), ("_include:iterate", "Patient:link")],
            {"p0", "p1"},
        ),
    ],
    ids=lambda value: "&".join("=".join(pair) for pair in value) if isinstance(value, list) else "",
)
def test_included_is_what_is_linked_and_no_match(
    linked: World, pairs: list[tuple[str, str]], included: set[str]
) -> None:
    """Linked resources come once each, and none that is a match already; the total counts matches only."""
    found = linked.search("Patient", *pairs)
    assert sorted(row.id for row in found.included) == sorted(included)
    assert found.total == len(found.matches)


def test_a_deleted_target_is_not_included(linked: World) -> None:
    linked.delete(("Organization", "o1"))
    found = linked.search("Patient", ("_include", "Patient:general-practitioner"))
    assert [row.id for row in found.included] == ["d1"]


def test_more_than_can_be_sent_is_refused(linked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out in silence."""
    monkeypatch.setattr("gateway.search.included.INCLUDED_AT_MOST", 4)
    assert len(linked.search("Patient", ("_revinclude", "Encounter:subject")).included) == 4
    with pytest.raises(TooCostly, match="4"):
        linked.search("Patient", ("_revinclude", "Encounter:subject"), ("_revinclude", "Condition:subject"))
