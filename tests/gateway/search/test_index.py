"""The index: pure rows, written and removed without a trace, with every literal reference findable by its target."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, StaticPool, create_engine, func, select

from gateway.identity.person import decorated, decoration
from gateway.search import numbers
from gateway.search.index import INDEX, bulk, gained, index_rows, referrers, write, write_references
from gateway.search.parameter_types import PARAMETER_TYPES
from gateway.search.parameter_types.terms import Place
from gateway.search.parameters import INDEXED_TYPES, SEARCH_PARAMETERS, SERVED_TYPES, of_type, offered, row_key
from gateway.search.tables import AWAITED, REFERENCE, TARGET, URI, URI_TEXT
from gateway.store import RESOURCE
from gateway.sync.content import content
from gateway.sync.links import all_targets
from tests.gateway.search.world import Maker

CLAIM = {
    "resourceType": "Claim",
    "id": "c",
    "patient": {"reference": "Patient/p"},
    "insurance": [{"coverage": {"reference": "Coverage/k"}}],
    "contained": [{"resourceType": "Organization", "partOf": {"reference": "Organization/inner"}}],
    "provider": {"reference": "#1"},
    "supportingInfo": [{"valueReference": {"reference": "http://other.org/fhir/Patient/p"}}],
}

OF_RESOURCES = [table for table in INDEX.sorted_tables if "pk" in table.columns and table is not TARGET]
"""The tables whose rows are of one resource each; the others hold what these say by a number."""

LED = select(
    REFERENCE.c.param,
    REFERENCE.c.pk,
    REFERENCE.c.identified,
    TARGET.c.id,
    TARGET.c.type,
    TARGET.c.code,
    TARGET.c.system,
).join_from(REFERENCE, TARGET, TARGET.c.number == REFERENCE.c.target)

STATED = select(URI_TEXT.c.value, URI.c.param, URI.c.pk, URI.c.edge).join_from(
    URI, URI_TEXT, URI_TEXT.c.number == URI.c.uri
)

DEFINED = ("http://hl7.org/fhir/SearchParameter/", "http://hl7.org/fhir/us/core/SearchParameter/")


def create_tables(bind: Engine | Connection) -> None:
    """The index's, and the store's that it asks."""
    INDEX.create_all(bind)
    RESOURCE.metadata.create_all(bind)


@pytest.mark.parametrize("resource_type", ["Patient", "Observation", "Condition"])
def test_index_rows_are_pure(resource_type: str) -> None:
    """The resource stays as it is, the rows survive a process boundary, the same resource gives the same rows."""
    maker = Maker(seed=3)
    for number in range(30):
        resource = maker.make(resource_type, f"r{number}")
        before = copy.deepcopy(resource)
        rows = index_rows(resource)
        assert resource == before
        assert pickle.loads(pickle.dumps(rows)) == rows == index_rows(before)


def test_known_targets_change_no_row() -> None:
    """Rows are the same when it is known what all references lead to, also those that no parameter names."""
    maker, told = Maker(seed=4), 0
    for resource_type in ("Patient", "Observation", "Condition"):
        for number in range(30):
            resource = maker.make(resource_type, f"r{number}")
            resource["extension"] = [{"url": "urn:x", "valueReference": {"reference": f"Basic/{number}"}}]
            leads, are_all = all_targets(content(resource).tail)
            assert ("Basic", str(number)) in leads
            if are_all:
                told += 1
                assert index_rows(resource, leads) == index_rows(resource)
    assert told > 30


@pytest.mark.parametrize("others", [(), ("other", "another")], ids=["alone", "linked"])
def test_what_a_resource_gains_is_indexed_by_itself(others: tuple[str, ...]) -> None:
    """A Patient that learns whose it is has the rows that it would have if it were looked at as a whole."""
    maker, told = Maker(seed=3), decoration("person", others)
    for number in range(60):
        patient = maker.make("Patient", f"r{number}")
        patient.pop("link", None)
        fast, slow = gained(index_rows(patient), "Patient", told), index_rows(decorated(patient, "person", others))
        assert fast.entry == slow.entry
        assert [sorted(rows) for rows in fast[1:]] == [sorted(rows) for rows in slow[1:]]


def test_references_alone_are_written_anew() -> None:
    """A Patient that gains links and loses others leaves the rows that it would have if all were written again."""
    maker, changes = Maker(seed=3), []
    for number in range(30):
        patient = maker.make("Patient", f"r{number}")
        patient.pop("link", None)
        one, other = (decorated(patient, "person", mates) for mates in (("a", "b"), ("b", "c")))
        links = [{name: each[name] for name in ("resourceType", "link")} for each in (one, other)]
        changes.append((number, one, other, links))
    found = []
    for in_part in (True, False):
        engine = create_engine("sqlite://")
        with engine.begin() as connection:
            create_tables(connection)
            write(connection, [(pk, index_rows(one)) for pk, one, *_ in changes], [])
            if in_part:
                write_references(connection, [(pk, *links) for pk, *_, links in changes])
            else:
                rows = [(pk, index_rows(other)) for pk, _, other, _ in changes]
                write(connection, rows, [pk for pk, *_ in changes])
            found.append(
                [sorted(map(tuple, connection.execute(select(each)))) for each in OF_RESOURCES if each is not REFERENCE]
                + [sorted(map(tuple, connection.execute(LED)))]
            )
        engine.dispose()
    assert found[0] == found[1]


PLACES = st.tuples(st.sampled_from(("", "1", "2", "http://other.org/x")), st.sampled_from(("Patient", "Group")))
REFERRERS = st.lists(
    st.lists(
        st.builds(
            lambda place, key, code, system: (
                (place[0], place[1] if place[0] else "", code, system if code else 0),
                key,
            ),
            PLACES,
            st.integers(1, 2),
            st.sampled_from(("", "", "a", "b")),
            st.integers(0, 1),
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=5,
)


@given(st.lists(REFERRERS, min_size=1, max_size=4))
def test_references_are_found_by_what_they_lead_to_and_by_what_they_carry(
    transactions: list[list[list[tuple[Place, int]]]],
) -> None:
    """Whatever others to the same target carried before, in this transaction or another."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    create_tables(engine)
    led, carried, pk = set(), set(), 0
    for referrers_of_one in transactions:
        with engine.begin() as connection:
            for found in referrers_of_one:
                pk += 1
                places: dict[Place, tuple[int, ...]] = {}
                for place, key in found:
                    places[place] = (*places.get(place, ()), *({key} - set(places.get(place, ()))))
                    led.add((pk, key, *place[:2]))
                    if place[2]:
                        carried.add((pk, key, *place[2:]))
                leads = [(at, key, pk) for at, keys in enumerate(places.values()) for key in keys]
                rows = numbers.postings(connection, list(places), list(zip(*leads, strict=True)))
                for row in rows:
                    connection.execute(REFERENCE.insert().values(row))
    with engine.begin() as connection:
        rows = [tuple(row) for row in connection.execute(LED)]
        targets = connection.execute(select(TARGET.c.id, TARGET.c.type).where(TARGET.c.id != "")).all()
    engine.dispose()
    assert {(pk, key, target, kind) for key, pk, _, target, kind, _, _ in rows if target} == {
        row for row in led if row[2]
    }
    assert {(pk, key, code, system) for key, pk, identified, _, _, code, system in rows if identified} == carried
    assert {row[:2] for row in led} == {(pk, key) for key, pk, *_ in rows}
    assert len(targets) == len(set(targets))


KNOWN = [("Patient", "a"), ("Patient", "b"), ("Location", "a"), ("Practitioner", "c")]
STEPS = st.lists(st.lists(st.tuples(st.booleans(), st.sampled_from(KNOWN)), min_size=1, max_size=4), max_size=6)


@given(STEPS)
def test_a_target_knows_its_resource_whichever_came_first(
    transactions: list[list[tuple[bool, tuple[str, str]]]],
) -> None:
    """A resource comes once and stays; references to it come before, with it or after."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    create_tables(engine)
    stored: dict[tuple[str, str], int] = {}
    for steps in transactions:
        with engine.begin() as connection:
            for comes, (kind, name) in steps:
                if comes and (kind, name) not in stored:
                    stored[kind, name] = pk = len(stored) + 1
                    values = {column.name: 0 for column in RESOURCE.columns if not column.nullable}
                    row = {**values, "pk": pk, "type": kind, "id": name, "source": "", "digest": b""}
                    connection.execute(RESOURCE.insert().values(row))
                    write(connection, [(pk, index_rows({"resourceType": kind}))], [])
                elif not comes:
                    numbers.postings(connection, [(name, kind, "", 0)], [[0], [1], [1]])
    with engine.begin() as connection:
        led = {(kind, name) for steps in transactions for comes, (kind, name) in steps if not comes}
        found = {
            (kind, name): pk for kind, name, pk in connection.execute(select(TARGET.c.type, TARGET.c.id, TARGET.c.pk))
        }
        awaited = set(map(tuple, connection.execute(select(AWAITED.c.type, AWAITED.c.id))))
    engine.dispose()
    assert found == {target: stored.get(target) for target in led}
    assert awaited == led - stored.keys()


def test_rows_of_many_are_those_of_each() -> None:
    """Resources of all types written together, by number, some left out, or one by one."""
    maker = Maker(seed=5)
    made = [
        index_rows(maker.make(kind, f"{kind}{n}")) for kind in ("Patient", "Observation", "Condition") for n in range(9)
    ]
    many = pickle.loads(pickle.dumps(bulk(made)))
    chosen = [(number + 1, number) for number in range(len(made)) if number % 3]
    plain = [table for table in OF_RESOURCES if table not in (REFERENCE, URI)]
    found = []
    for together in (True, False):
        engine = create_engine("sqlite://")
        with engine.begin() as connection:
            create_tables(connection)
            if together:
                write(connection, [*chosen, (len(made) + 1, made[0])], [], many)
            else:
                for pk, number in [*chosen, (len(made) + 1, 0)]:
                    write(connection, [(pk, made[number])], [])
            rows = [set(map(tuple, connection.execute(each))) for each in (*map(select, plain), STATED)]
            led = connection.execute(LED).all()
        engine.dispose()
        # Which identifier is a target's own depends on which came first.
        rows.append({(row.pk, row.param, row.id, row.type) for row in led if row.id})
        rows.append({(row.pk, row.param, row.code, row.system) for row in led if row.identified})
        found.append(rows)
    assert found[0] == found[1]
    assert all(found[0])


def test_removal_leaves_nothing_behind() -> None:
    maker = Maker(seed=3)
    made = [(pk, index_rows(maker.make("Patient", f"p{pk}"))) for pk in range(20)]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        create_tables(connection)
        write(connection, made, [])
        write(connection, [made[0]], [pk for pk, _ in made])
        left = {table.name: set(connection.execute(select(table.c.pk).distinct()).scalars()) for table in OF_RESOURCES}
        write(connection, [], [0])
        rest = [connection.execute(select(func.count()).select_from(table)).scalar() for table in OF_RESOURCES]
    engine.dispose()
    assert set.union(*left.values()) == {0}
    assert rest == [0] * len(rest)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (("Patient", "p"), [7]),
        (("Coverage", "k"), [7]),
        (("Organization", "inner"), [7]),
        (("Practitioner", "p"), []),
        (("Organization", "1"), []),
        (("Patient", "none"), []),
    ],
)
def test_referrers_are_found_by_target_with_or_without_a_search_parameter(
    target: tuple[str, str], expected: list[int]
) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        create_tables(connection)
        write(connection, [(7, index_rows(CLAIM))], [])
        assert referrers(connection, [target, ("Patient", "nobody")]) == expected
        assert referrers(connection, [("Patient", "x")] * 1200 + [target]) == expected
        assert referrers(connection, []) == []
    engine.dispose()


def test_every_row_of_the_table_works_or_says_why_not() -> None:
    """A parameter has a type that is built, an expression and a definition, or a reason for which it is not offered."""
    for parameter in SEARCH_PARAMETERS:
        assert parameter.url.startswith(DEFINED), parameter
        assert parameter.description
        if not parameter.reason:
            assert parameter.type in PARAMETER_TYPES, parameter
            assert parameter.expression, parameter
            assert parameter.datatypes, parameter
            assert (parameter.type == "reference") == bool(parameter.targets), parameter


def test_parameters_are_unique_and_so_are_the_keys_of_their_rows() -> None:
    names = [
        f"{resource_type}.{code}{aspect}"
        for resource_type in INDEXED_TYPES
        for code in of_type(resource_type)
        for aspect in ("", ":text", ":of-type", ":identifier", ":identifier:text", ":identifier:of-type", ":base")
    ]
    assert len({row_key(name) for name in names}) == len(set(names)) == len(names)
    pairs = [(parameter.resource_type, parameter.code) for parameter in SEARCH_PARAMETERS]
    assert len(set(pairs)) == len(pairs)


def test_served_types_are_indexed_with_the_common_parameters() -> None:
    for resource_type in SERVED_TYPES:
        assert resource_type in INDEXED_TYPES
        assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"} <= set(offered(resource_type))


@pytest.mark.parametrize("resource_type", INDEXED_TYPES)
def test_odd_shapes_never_break_the_index(resource_type: str) -> None:
    """What is not of the expected shape is not found; it does not stop a sync."""
    for value in (
        "text",
        5,
        True,
        {"value": {}},
        {"coding": []},
        {"reference": 5},
        [None],
        {"start": "junk", "end": 7},
    ):
        heads = {
            f"{parameter.expression}.value".split(".")[1].strip("()").split(" ")[0]
            for parameter in offered(resource_type).values()
        }
        index_rows(
            {"resourceType": resource_type, "id": "x", **{name: value for name in heads if name not in ("id", "meta")}}
        )
