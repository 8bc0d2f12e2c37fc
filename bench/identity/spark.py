"""The same records linked on Spark and in DuckDB: the pairs, weights and persons have to be the same."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bench.identity.population import people
from bench.identity.titles import SPARK
from bench.report import Goal, Section
from gateway.identity.batch import BatchResult, link_all
from gateway.identity.spark import on_spark, spark_session
from gateway.identity.traits import Traits

SEED, RECORDS = 104, 2_000
_SEVERAL = 10
"""One record in so many is given a second name and phone: such records are compared form by form."""
_CLOSE = 1e-9


class Apart(NamedTuple):
    """How far two results are from one another."""

    pairs: int
    """Found by one alone, or at other levels."""
    weight: float
    """The largest difference."""
    persons: int
    """Found by one alone."""
    questions: int


def spark_section() -> Section:
    """A small set; what Spark costs shows only in sets that need it."""
    records = simulated()
    trained = link_all(records).model
    duckdb = link_all(records, trained)
    with tempfile.TemporaryDirectory(prefix="fhir-gateway-") as folder, spark_session(Path(folder)) as session:
        spark = link_all(records, trained, engine=on_spark(session, Path(folder)))
    found = apart(duckdb, spark)
    goals = [
        Goal(f"{SPARK}, other pairs or levels than DuckDB", "0", f"{found.pairs:,}", found.pairs == 0),
        Goal(
            f"{SPARK}, largest difference of a weight", f"≤ {_CLOSE:g}", f"{found.weight:.1e}", found.weight <= _CLOSE
        ),
        Goal(f"{SPARK}, other persons", "0", f"{found.persons:,}", found.persons == 0),
        Goal(f"{SPARK}, other questions", "0", f"{found.questions:,}", found.questions == 0),
    ]
    method = f"""{len(records):,} records of the simulated hospitals (seed {SEED}), one in {_SEVERAL} with a second name
and phone, linked twice with one model: in DuckDB, and by Splink {version("splink")} on Spark {version("pyspark")}
within this machine, by settings made from the same level table. Splink's weight is against strangers; relatives are
added to it."""
    columns = ("engine", "records", "pairs compared", "pairs kept", "linked", "persons", "questions", "seconds")
    return Section(SPARK, method, columns, [_row("DuckDB", duckdb), _row("Spark", spark)], goals)


def simulated() -> list[Traits]:
    """Records, some with several forms."""
    records = [traits for traits, _ in people(SEED, RECORDS)]
    for at in range(0, len(records), _SEVERAL):
        one, other = records[at], records[at - 1]
        records[at] = replace(one, names=(*one.names, *other.names), phones=(*one.phones, *other.phones))
    return records


def apart(one: BatchResult, other: BatchResult) -> Apart:
    """Compare what two engines found."""
    ones, others = ({(link.a, link.b): link for link in each.links} for each in (one, other))
    both = ones.keys() & others.keys()
    return Apart(
        len(ones.keys() ^ others.keys()) + sum(ones[two].levels != others[two].levels for two in both),
        max((abs(ones[two].weight - others[two].weight) for two in both), default=0.0),
        len(set(map(tuple, one.clusters.persons)) ^ set(map(tuple, other.clusters.persons))),
        len(_questions(one) ^ _questions(other)),
    )


def _questions(result: BatchResult) -> set[tuple[str, str, str]]:
    return {(each.link.a, each.link.b, each.reason) for each in result.reviews}


def _row(name: str, result: BatchResult) -> tuple[str, ...]:
    report = result.report
    counts = (report.records, report.pairs, len(result.links), report.auto, report.persons, report.reviews)
    return (name, *(f"{count:,}" for count in counts), f"{sum(report.seconds.values()):.1f}")
