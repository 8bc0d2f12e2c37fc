"""Scores are symmetric, add up to what is explained, and never count a missing value."""

from __future__ import annotations

from dataclasses import replace
from math import exp2, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.model import default_model, from_json
from gateway.identity.scoring import Scorer
from gateway.identity.traits import Traits
from tests.gateway.identity.people import person

SCORER = Scorer(default_model())
some = st.sampled_from
people = st.builds(
    person,
    some(("", "Liz", "Elizabeth", "Elisabeth", "Baby Girl", "Mohammed", "Muhammad", "Brown", "Sharma")),
    some(("", "Brown", "Browne", "Sharma", "Elizabeth", "Deshmukh", "Brown Jr", "Brown Sr")),
    some(("", "1978-02-07", "1978-07-02", "1978-01-01", "1978", "1979-02-07")),
    some(("", "male", "female")),
    some(("", "7396888130", "7396888131", "9876501234")),
    some(("", "e.brown@example.com", "brown@example.com")),
    some(("", "Pune", "Poona", "Nagpur")),
    some(("", "41101", "41102", "84497")),
)


@given(people, people)
def test_order_of_the_two_changes_nothing(a: Traits, b: Traits) -> None:
    """The weight of a pair is one number."""
    assert SCORER.compare(a, b).weight == SCORER.compare(b, a).weight


@given(people, people)
def test_the_evidence_adds_up(a: Traits, b: Traits) -> None:
    """What is shown field by field gives the weight: 2^-weight is the sum of both alternatives' odds."""
    found = SCORER.compare(a, b)
    stranger = found.prior_stranger + sum(each.stranger for each in found.evidence)
    relative = found.prior_relative + sum(each.relative for each in found.evidence)
    assert found.weight == pytest.approx(-log2(exp2(-stranger) + exp2(-relative)), abs=1e-9)
    assert 0 <= found.posterior <= 1


@given(people)
def test_nothing_known_is_no_evidence(a: Traits) -> None:
    """A record without any value is as likely anybody."""
    found = SCORER.compare(a, Traits("2", ""))
    assert {each.verdict for each in found.evidence} == {"missing"}
    assert {(each.stranger, each.relative) for each in found.evidence} == {(0.0, 0.0)}


def test_more_records_make_a_match_rarer() -> None:
    """The same agreement means less where there are more strangers to agree by chance."""
    a = person("Anjali", "Deshmukh", "1978-02-07")
    few, many = Scorer(default_model(), 1000), Scorer(default_model(), 10_000_000)
    assert few.compare(a, a).weight > many.compare(a, a).weight


def test_values_that_too_many_share_mean_nobody() -> None:
    """A hospital's own phone number is in thousands of records."""
    made = default_model()
    shared = replace(made, common={**made.common, "phone": frozenset(("7396888130",))})
    a = person("Anjali", phone="7396888130")
    assert SCORER.compare(a, a).weight > Scorer(shared).compare(a, a).weight
    assert Scorer(shared).compare(a, a).weight == SCORER.compare(a, person("Anjali")).weight
    assert shared.version != made.version


@pytest.mark.parametrize("text", [b"{}", b"[]", b"no json", b'{"agreements":{}}'])
def test_a_model_that_does_not_fit_is_refused(text: bytes) -> None:
    """Scoring with the wrong model would merge people."""
    with pytest.raises(ValueError, match="linkage model"):
        from_json(text)


def test_of_two_common_values_the_rarer_counts_alike_from_both_sides() -> None:
    """Records with several names agree as well as their best names do."""
    former = [{"family": "Deshmukh", "given": ["Anjali"]}, {"family": "Quillfeather", "given": ["Anjali"]}]
    a = person(name=former, born="1978-02-07")
    b = person(name=list(reversed(former)), born="1978-02-07")
    maiden = person("Anjali", "Deshmukh", "1978-02-07")
    assert SCORER.compare(a, b).weight == SCORER.compare(b, a).weight
    assert SCORER.compare(a, maiden).weight == SCORER.compare(maiden, maiden).weight
