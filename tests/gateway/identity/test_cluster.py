"""Clusters: every record in exactly one person, whatever the order, and never two records that may not meet."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.cluster import Clusters, Edge, Weigh, cluster, pair
from gateway.identity.spellings import NAMELESS, Named, named, two_peoples

RECORDS = {f"r{number}": f"s{number % 3}" for number in range(8)}
ids = st.sampled_from(sorted(RECORDS))
pairs = st.tuples(ids, ids).filter(lambda two: two[0] != two[1]).map(lambda two: pair(*two))
edges = st.lists(
    st.builds(lambda two, *said: Edge(said[0], *two, said[1]), pairs, st.sampled_from((8.0, 9.5, 12.0)), st.booleans()),
    max_size=20,
)
OTTMAR, OTTOMAR = (named(given, "wexler", usual=False) for given in ("ottmar", "ottomar"))
LAXMI, LAKSHMI, LIZ = (named(given, "patil", usual=True) for given in ("laxmi", "lakshmi", "liz"))
SWAPPED = named("wexler", "ottmar", usual=False)
names = st.dictionaries(ids, st.sampled_from((OTTMAR, OTTOMAR, LAXMI, LAKSHMI, LIZ)))
Constraints = tuple[list[tuple[str, str]], list[tuple[str, str]], tuple[str, ...]]
constraints = st.tuples(
    st.lists(pairs, max_size=3), st.lists(pairs, max_size=4), st.sampled_from(((), ("s1",), ("s0", "s1", "s2")))
)


def person_of(found: Clusters) -> dict[str, int]:
    return {record: number for number, members in enumerate(found.persons) for record in members}


def weights_of(made: list[Edge]) -> Weigh:
    """What is no edge weighs little."""
    known = {pair(each.a, each.b): each.weight for each in made}
    return lambda one, two: known.get((one, two), -3.0)


@given(edges, constraints, names, st.integers())
def test_order_changes_nothing(made: list[Edge], limits: Constraints, known: dict[str, Named], seed: int) -> None:
    """Neither of the edges nor of the records nor of the two ends of an edge."""
    must, cannot, single = limits
    shuffled = [Edge(each.weight, each.b, each.a, each.same_name) for each in made]
    Random(seed).shuffle(shuffled)
    backwards = dict(reversed(RECORDS.items()))
    weights = weights_of(made)
    shared = {"one_to_one": single, "names": known, "weigh": weights, "on_average": 7.0}
    found = cluster(RECORDS, made, must, cannot, **shared)  # type: ignore[arg-type]
    again = cluster(backwards, shuffled, reversed(must), [(two, one) for one, two in cannot], **shared)  # type: ignore[arg-type]
    assert again.persons == found.persons
    assert [(each.reason, each.against) for each in again.refused] == [
        (each.reason, each.against) for each in found.refused
    ]


@given(edges, constraints)
def test_every_record_has_one_person(made: list[Edge], limits: Constraints) -> None:
    """None is lost and none is owned twice."""
    found = cluster(RECORDS, made, *limits)
    assert sorted(record for members in found.persons for record in members) == sorted(RECORDS)


@given(edges, constraints)
def test_constraints_hold(made: list[Edge], limits: Constraints) -> None:
    """A "not the same" holds through any chain; a one-to-one source meets itself only where somebody said so."""
    must, cannot, single = limits
    found = cluster(RECORDS, made, must, cannot, single)
    persons = person_of(found)
    assert all(persons[one] != persons[two] for one, two in cannot)
    if not must:
        for members in found.persons:
            sources = [RECORDS[record] for record in members if RECORDS[record] in single]
            assert len(sources) == len(set(sources))


@given(edges)
def test_without_constraints_edges_are_components(made: list[Edge]) -> None:
    """Then nothing is refused, and every edge's ends are one person."""
    found = cluster(RECORDS, made)
    persons = person_of(found)
    assert found.refused == ()
    assert all(persons[each.a] == persons[each.b] for each in made)


def test_the_surest_pair_wins() -> None:
    """Of two unions that exclude each other, the one of the greater weight is made, and the other is said."""
    weak, strong = Edge(9.0, "r0", "r1"), Edge(12.0, "r1", "r2")
    found = cluster(RECORDS, [weak, strong], cannot_links=[("r2", "r0")])
    assert ("r1", "r2") in found.persons
    assert [(each.edge, each.reason, each.against) for each in found.refused] == [(weak, "cannot-link", ("r0", "r2"))]


@given(edges)
def test_only_who_agrees_on_average_is_joined_with_others(made: list[Edge]) -> None:
    """Two persons of several records each stay apart where their records weigh too little together, and it is said."""
    weigh = weights_of(made)
    found = cluster(RECORDS, made, weigh=weigh, on_average=7.0)
    persons = person_of(found)
    between = {pair(each.a, each.b) for each in made if persons[each.a] != persons[each.b]}
    assert between <= {pair(each.edge.a, each.edge.b) for each in found.refused}
    assert all(len(found.persons[persons[record]]) > 1 for two in between for record in two)
    assert all(each.reason == "others-disagree" and weigh(*each.against) < 7.0 for each in found.refused)


def test_a_namesake_joins_no_two_persons_of_whom_more_is_known() -> None:
    """One pair that agrees does not outweigh all the others; a record alone follows the pair."""
    sure = [Edge(12.0, "r0", "r1"), Edge(12.0, "r2", "r3")]
    namesakes = Edge(9.0, "r1", "r2")
    weigh = weights_of([*sure, namesakes])
    found = cluster(RECORDS, [*sure, namesakes, Edge(9.0, "r4", "r0")], weigh=weigh, on_average=8.0)
    assert ("r0", "r1", "r4") in found.persons
    assert ("r2", "r3") in found.persons
    assert [(each.edge, each.reason) for each in found.refused] == [(namesakes, "others-disagree")]


@given(edges, names)
def test_no_person_has_two_peoples_names(made: list[Edge], known: dict[str, Named]) -> None:
    """Two names that two sources write each keep their records apart, and it is said."""
    found = cluster(RECORDS, made, names=known)
    persons = person_of(found)
    for members in found.persons:
        assert not two_peoples((known.get(record, NAMELESS), RECORDS[record]) for record in members)
    between = {pair(each.a, each.b) for each in made if persons[each.a] != persons[each.b]}
    assert between <= {pair(each.edge.a, each.edge.b) for each in found.refused}
    assert all(each.reason == "two-names" for each in found.refused)
    assert all(known[each.against[0]] != known[each.against[1]] for each in found.refused)


@pytest.mark.parametrize(
    ("one", "two", "persons"),
    [
        (OTTMAR, OTTOMAR, 2),
        (LIZ, LAXMI, 2),
        (LAXMI, LAKSHMI, 1),
        (OTTMAR, LIZ, 1),
        (LIZ, NAMELESS, 1),
        (OTTMAR, SWAPPED, 1),
    ],
    ids=["two rare names", "two usual names", "two spellings", "a slip", "no name", "swapped"],
)
def test_who_is_called_so_meets_first(one: Named, two: Named, persons: int) -> None:
    """Two names of two sources each are two people, however well two of their records agree."""
    sure = [Edge(9.0, "r0", "r1"), Edge(9.0, "r2", "r3")]
    across = Edge(15.0, "r1", "r2", same_name=False)
    known = {"r0": one, "r1": one, "r2": two, "r3": two}
    found = cluster(RECORDS, [across, *sure], names=known)
    assert len({person_of(found)[record] for record in known}) == persons
    assert [(each.edge, each.reason, each.against) for each in found.refused] == [
        (across, "two-names", ("r0", "r2"))
    ] * (persons - 1)
    assert cluster(RECORDS, [across, sure[0]], names=known).persons[0] == ("r0", "r1", "r2")


@pytest.mark.parametrize("said", [1, 3])
def test_whom_people_have_joined_others_may_join(said: int) -> None:
    """Where somebody has confirmed that two names are one person's, no other record of these names is asked about."""
    known = {"r0": OTTMAR, "r1": OTTMAR, "r2": OTTOMAR, "r3": OTTOMAR, "r4": OTTOMAR}
    joined = [("r1", "r2"), ("r0", "r1"), ("r2", "r3")][:said]
    edges = [Edge(9.0, "r0", "r1"), Edge(9.0, "r2", "r3"), Edge(9.0, "r0", "r4", same_name=False)]
    found = cluster(RECORDS, edges, must_links=joined, names=known)
    assert found.persons[0] == ("r0", "r1", "r2", "r3", "r4")
