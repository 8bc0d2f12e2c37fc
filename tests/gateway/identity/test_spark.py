"""Spark, through Splink's settings, finds what DuckDB finds: the same pairs, levels, weights and persons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.identity.batch import BatchResult, link_all
from gateway.identity.spark import SparkUnavailableError, demand_spark, on_spark, spark_session
from gateway.identity.traits import Traits

People = list[tuple[Traits, str]]


@pytest.mark.soak
def test_spark_finds_the_same(people: People, linked: BatchResult, tmp_path: Path) -> None:
    """Also of records with several names, and without a value that too many share."""
    try:
        demand_spark()
    except SparkUnavailableError as error:
        pytest.skip(str(error))
    records = [traits for traits, _ in people]
    for at in range(0, len(records), 10):
        records[at] = replace(records[at], names=(*records[at].names, *records[at - 1].names))
    shared = next(traits.phones[0] for traits in records if traits.phones)
    model = replace(linked.model, common={"phone": frozenset((shared,))})
    here = link_all(records, model)
    with spark_session(tmp_path) as session:
        there = link_all(records, model, engine=on_spark(session, tmp_path))
    assert [(each.a, each.b, each.levels, each.action, each.guards) for each in there.links] == [
        (each.a, each.b, each.levels, each.action, each.guards) for each in here.links
    ]
    assert [each.weight for each in there.links] == pytest.approx([each.weight for each in here.links], abs=1e-9)
    assert there.clusters.persons == here.clusters.persons
    counts = [
        (each.pairs, each.without_key, each.block_overflows, each.reviews) for each in (here.report, there.report)
    ]
    assert counts[0] == counts[1]
