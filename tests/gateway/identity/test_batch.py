"""The batch finds people again without labels, weighs as real time does, and owes nothing to the order of arrival."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from random import Random

import duckdb
import pytest

from gateway.identity.batch import BatchResult, link_all
from gateway.identity.cluster import pair
from gateway.identity.comparisons import COMPARISONS
from gateway.identity.decide import REVIEW, Action, Guard
from gateway.identity.flat import load
from gateway.identity.forms import Forms
from gateway.identity.model import default_model, from_json
from gateway.identity.score_sql import scored, value_tables
from gateway.identity.scoring import Scorer
from gateway.identity.training import levels_of
from gateway.identity.traits import Traits
from tests.gateway.identity.people import person

People = list[tuple[Traits, str]]


def truth(people: People) -> dict[str, str]:
    return {traits.resource_id: who for traits, who in people}


def test_links_are_right_and_most_are_found(people: People, linked: BatchResult) -> None:
    """Without labels: of the pairs that are linked hardly any is wrong. Newborns without a name are left to people."""
    who = truth(people)
    auto = [link for link in linked.links if link.action is Action.AUTO]
    right = sum(who[link.a] == who[link.b] for link in auto)
    named = {traits.resource_id for traits, _ in people if any(name.given for name in traits.names)}
    true = [two for two in combinations(sorted(named), 2) if who[two[0]] == who[two[1]]]
    found = {(link.a, link.b) for link in auto}
    assert len(auto) > 800
    assert right / len(auto) > 0.995
    assert sum(two in found for two in true) / len(true) > 0.92


def test_every_record_is_in_one_person(people: People, linked: BatchResult) -> None:
    """None is lost, none is owned twice, and what the report counts is what is there."""
    members = [record for person in linked.clusters.persons for record in person]
    assert sorted(members) == sorted(truth(people))
    assert linked.report.records == len(members)
    assert linked.report.persons == len(linked.clusters.persons)
    assert linked.report.reviews == len(linked.reviews) > 0


def test_no_question_follows_from_others(people: People, linked: BatchResult) -> None:
    """The questions join persons without a circle, and whoever may be one person is joined by them.

    But for two that look like twins, each known to two hospitals.
    """
    source_of = {traits.resource_id: traits.source for traits, _ in people}
    known = [len({source_of[record] for record in members}) > 1 for members in linked.clusters.persons]
    person_of = {record: at for at, members in enumerate(linked.clusters.persons) for record in members}
    group = {person: {person} for person in person_of.values()}
    for review in linked.reviews:
        one, two = group[person_of[review.link.a]], group[person_of[review.link.b]]
        assert one is not two
        one |= two
        group.update(dict.fromkeys(two, one))
    for link in linked.links:
        one, two = person_of[link.a], person_of[link.b]
        if link.weight >= REVIEW and not (Guard.TWINS in link.guards and known[one] and known[two]):
            assert group[one] is group[two]


def test_relatives_who_are_namesakes_swap_their_names_as_often_as_one_person_does(linked: BatchResult) -> None:
    """So swapped names say as much against relatives as the same names do."""
    given = linked.model.agreements["given"]
    levels = next(each.levels for each in COMPARISONS if each.name == "given")
    swapped = next(at for at, level in enumerate(levels) if "swapped" in level.label)
    assert given.h[swapped] / given.h[0] == pytest.approx(given.m[swapped] / given.m[0])
    assert sum(given.h) == pytest.approx(1)


def test_order_of_arrival_changes_nothing(people: People, linked: BatchResult) -> None:
    """The same records in another order: the same model, weights, persons and questions."""
    shuffled = [traits for traits, _ in people]
    Random(3).shuffle(shuffled)
    again = link_all(shuffled, threads=1)
    assert again.model.version == linked.model.version
    assert again.links == linked.links
    assert again.clusters == linked.clusters
    assert again.reviews == linked.reviews


def test_a_model_links_the_same_again(people: People, linked: BatchResult) -> None:
    """A model that went through JSON gives the same weights, without training."""
    again = link_all((traits for traits, _ in people), from_json(linked.model.to_json()))
    assert again.links == linked.links


def test_batch_and_real_time_agree(people: People, linked: BatchResult, tmp_path: Path) -> None:
    """The weights of 20,000 pairs near and far, in SQL and in Python, to within 1e-9."""
    drawn, count = Random(5), 20_000
    records = sorted((traits for traits, _ in people), key=lambda each: each.resource_id)
    near = {(link.a, link.b) for link in linked.links}
    number = {traits.resource_id: at for at, traits in enumerate(records)}
    pairs = {(number[one], number[two]) for one, two in sorted(near)[: count // 2]}
    while len(pairs) < count:
        one, two = drawn.randrange(len(records)), drawn.randrange(len(records))
        if one != two:
            pairs.add((min(one, two), max(one, two)))
    with duckdb.connect() as store:
        load(store, records, tmp_path)
        store.execute("CREATE TABLE pairs (a INTEGER, b INTEGER)")
        (tmp_path / "pairs.csv").write_text("".join(f"{a},{b}\n" for a, b in sorted(pairs)))
        store.execute("INSERT INTO pairs SELECT * FROM read_csv(?, header = false)", [str(tmp_path / "pairs.csv")])
        store.execute(f"CREATE TABLE compared AS {levels_of('pairs')}")
        value_tables(store, linked.model.frequencies)
        batch = store.execute(scored(linked.model, len(records)), [-1e9]).fetchall()
    scorer = Scorer(linked.model, len(records))
    forms: dict[str, Forms] = {traits.resource_id: scorer.forms(traits) for traits in records}
    assert len(batch) == len(pairs)
    for one, two, weight, *levels in batch:
        found = scorer.weigh(forms[one], forms[two])
        assert found.levels == tuple(levels)
        assert found.weight == pytest.approx(weight, abs=1e-9)


def test_records_with_several_names_are_compared_by_each(people: People) -> None:
    """A former name links what the present one does not, and weighs in the batch what it weighs in real time."""
    married = person(
        name=[{"given": ["Anjali"], "family": "Quillfeather"}, {"given": ["Anjali"], "family": "Deshmukh"}],
        born="1978-02-07",
        phone="7396888130",
        resource_id="a-married",
        source="two",
    )
    maiden = person("Anjali", "Deshmukh", "1978-02-07", resource_id="a-maiden")
    others = [traits for traits, _ in people]
    found = link_all([married, maiden, *others], default_model())
    link = next(each for each in found.links if (each.a, each.b) == ("a-maiden", "a-married"))
    scorer = Scorer(default_model())
    assert link.weight == scorer.compare(maiden, married).weight > REVIEW
    assert link.action is Action.AUTO


def test_constraints_hold(people: People, linked: BatchResult) -> None:
    """What somebody said beats the weights: together, apart, and never asked again."""
    surest = max(linked.links, key=lambda link: link.weight)
    strangers = pair(linked.clusters.persons[0][0], linked.clusters.persons[-1][0])
    found = link_all(
        (traits for traits, _ in people),
        linked.model,
        must_links=[strangers],
        cannot_links=[(surest.b, surest.a)],
    )
    person_of = {record: at for at, members in enumerate(found.clusters.persons) for record in members}
    assert person_of[strangers[0]] == person_of[strangers[1]]
    assert person_of[surest.a] != person_of[surest.b]
    assert (surest.a, surest.b) not in {(review.link.a, review.link.b) for review in found.reviews}


def test_a_source_without_duplicates_links_one_to_one(people: People, linked: BatchResult) -> None:
    """At most one record of its own a person; what that refuses becomes a question."""
    sources = {traits.resource_id: traits.source for traits, _ in people}
    found = link_all((traits for traits, _ in people), linked.model, one_to_one=set(sources.values()))
    assert all(len({sources[record] for record in members}) == len(members) for members in found.clusters.persons)
    assert {refusal.reason for refusal in found.clusters.refused} >= {"one-to-one"}


def test_a_value_of_too_many_means_nobody(people: People) -> None:
    """A phone in every tenth record is the hospital's; it joins nobody, and the model says so."""
    found = link_all(
        replace(traits, phones=("5550123456",)) if at % 10 == 0 else traits for at, (traits, _) in enumerate(people)
    )
    assert found.model.common["phone"] == {"5550123456"}
    assert found.report.persons > len(people) / 3


def test_an_id_that_comes_twice_is_refused() -> None:
    """Two records under one id would be one node."""
    with pytest.raises(ValueError, match="twice"):
        link_all([person("Anjali"), person("Rosalind")], default_model())


@pytest.mark.parametrize("count", [0, 1])
def test_nearly_nothing_links_nothing(count: int) -> None:
    """Too little to learn from: the model that ships is used, and one record is one person."""
    found = link_all([person("Anjali", "Deshmukh", "1978-02-07")][:count])
    assert (found.links, len(found.clusters.persons)) == ([], count)
    assert found.model == default_model()
