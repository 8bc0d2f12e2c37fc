"""The same records linked by Splink (https://moj-analytical-services.github.io/splink/), in its usual settings.

Its thresholds are chosen with the labels, in its favour; ours are the product's, and know no label.
"""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from time import process_time
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from bench.identity.accuracy import Accuracy, Truth, one_to_one
from gateway.identity.cluster import Pair
from gateway.identity.forms import forms
from gateway.identity.traits import Traits

NAME = f"Splink {version('splink')}"
THRESHOLDS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999)
"""Match probabilities among which the best is taken."""
_COLUMNS = ("given", "family", "born", "gender", "phone", "email", "street", "number", "city", "postcode", "identifier")
_RANDOM_PAIRS = 5e6
_SEED = 1
_FEWEST = 0.1


class Linked(NamedTuple):
    """What Splink found, each at its best threshold."""

    edges: Accuracy
    persons: Accuracy
    one_to_one: Accuracy | None
    seconds: float
    """Of all cores together."""
    megabytes: int
    """The peak of the process's resident memory while it linked."""


def link(people: Sequence[Traits], truth: Truth) -> Linked:
    """Train without labels, predict, cluster."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    began = process_time()
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {len(os.sched_getaffinity(0))}")
        connection.execute("SET enable_progress_bar = false")
        linker = _trained(people, connection)
        predicted = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
        found = predicted.as_pyarrow_table().to_pydict()
        weighed = [
            (weight, (min(one, two), max(one, two)))
            for weight, one, two in zip(found["match_weight"], found["unique_id_l"], found["unique_id_r"], strict=True)
        ]
        chances = found["match_probability"]
        seconds, megabytes = 0.0, 0
        persons, edges = [], []
        for threshold in THRESHOLDS:
            clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
                predicted, threshold_match_probability=threshold
            )
            if not seconds:
                seconds, megabytes = process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            persons.append(truth.of_persons(_groups(clusters.as_pyarrow_table().to_pydict())))
            edges.append(
                truth.of_pairs(
                    [pair for (_, pair), chance in zip(weighed, chances, strict=True) if chance >= threshold]
                )
            )
    source_of = {each.resource_id: each.source for each in people}
    return Linked(
        max(edges, key=lambda each: each.f1),
        max(persons, key=lambda each: each.f1),
        _best_one_to_one(weighed, chances, source_of, truth) if any(source_of.values()) else None,
        seconds,
        megabytes,
    )


def _best_one_to_one(
    weighed: Sequence[tuple[float, Pair]], chances: Sequence[float], source_of: Mapping[str, str], truth: Truth
) -> Accuracy:
    found = (
        one_to_one((each for each, chance in zip(weighed, chances, strict=True) if chance >= threshold), source_of)
        for threshold in THRESHOLDS
    )
    return max(map(truth.of_pairs, found), key=lambda each: each.f1)


def _groups(clusters: Mapping[str, Sequence[Any]]) -> list[list[str]]:
    groups: dict[Any, list[str]] = {}
    for cluster, record in zip(clusters["cluster_id"], clusters["unique_id"], strict=True):
        groups.setdefault(cluster, []).append(record)
    return list(groups.values())


def _trained(people: Sequence[Traits], connection: duckdb.DuckDBPyConnection) -> Linker:
    table = _table(people)
    known = _known(table, people)
    database = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[comparison for needs, comparison in _comparisons() if needs <= known],
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in _BLOCKING if set(rule) <= known],
        retain_intermediate_calculation_columns=False,
    )
    linker = Linker(database.register(table), settings, log_level=None)
    sure = [block_on(*rule) for rule in _SURE if set(rule) <= known] or [block_on(*_SURE_AT_HOME)]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=_SEED)
    for rule in _TRAINING:
        if set(rule) <= known:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    return linker


def _known(table: pa.Table, people: Sequence[Traits]) -> set[str]:
    """The columns worth comparing: not too empty, and where there are two files, in both of them."""
    sources = pa.array([each.source for each in people])
    two = len(sources.unique()) == 2
    return {
        name
        for name in _COLUMNS
        if table[name].null_count < (1 - _FEWEST) * len(people)
        and not (two and len(sources.filter(pc.is_valid(table[name])).unique()) == 1)
    }


_BLOCKING = (
    ("identifier",),
    ("phone",),
    ("email",),
    ("born", "family"),
    ("born", "given"),
    ("given", "family"),
    ("postcode", "family"),
    ("postcode", "given"),
    ("postcode", "born"),
)
_SURE = (("given", "family", "born"), ("given", "born", "phone"), ("identifier", "born"))
_SURE_AT_HOME = ("given", "family", "street", "number")
"""Where neither birth dates nor identifiers are known."""
_TRAINING = (("born",), ("given", "family"), ("postcode",))


def _comparisons() -> list[tuple[set[str], Any]]:
    return [
        (
            {"given", "family"},
            cl.ForenameSurnameComparison("given", "family", forename_surname_concat_col_name="full_name"),
        ),
        ({"born"}, cl.DateOfBirthComparison("born", input_is_string=True, datetime_format="%Y%m%d")),
        ({"gender"}, cl.ExactMatch("gender")),
        ({"phone"}, cl.DamerauLevenshteinAtThresholds("phone", 1)),
        ({"email"}, cl.DamerauLevenshteinAtThresholds("email", 1)),
        ({"street"}, cl.JaroWinklerAtThresholds("street", 0.92)),
        ({"number"}, cl.ExactMatch("number")),
        ({"postcode"}, cl.DamerauLevenshteinAtThresholds("postcode", 1).configure(term_frequency_adjustments=True)),
        ({"city"}, cl.JaroWinklerAtThresholds("city", 0.92).configure(term_frequency_adjustments=True)),
        ({"identifier"}, cl.DamerauLevenshteinAtThresholds("identifier", 1)),
    ]


def _table(people: Sequence[Traits]) -> pa.Table:
    """The first form of each part, normalised as for us: what is compared is the linking alone."""
    columns: dict[str, list[str | None]] = {name: [] for name in ("unique_id", *_COLUMNS, "full_name")}
    for traits in people:
        made = forms(traits)
        parts = (made.names, made.births, made.genders, made.phones, made.emails, made.addresses, made.identifiers)
        firsts = [part[0] for part in parts if part]
        facts = {name: getattr(form, name) for form in firsts for name in _COLUMNS if hasattr(form, name)}
        given, family = facts.get("given"), facts.get("family")
        facts["full_name"] = f"{given} {family}" if given and family else ""
        facts["unique_id"] = traits.resource_id
        for name, column in columns.items():
            column.append(facts.get(name) or None)
    return pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
