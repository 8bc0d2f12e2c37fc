"""The level table and a frozen model as settings of Splink, for its Spark backend (optional extra `spark`).

Splink knows two classes, one person and strangers. Relatives are the third: `weighed` adds them to what it predicts,
from the levels that it leaves, so that the weight is the one of `scoring.Scorer` to within rounding.

https://moj-analytical-services.github.io/splink/api_docs/settings_dict_guide.html
"""

from __future__ import annotations

from math import exp2
from typing import Any

from gateway.identity.comparisons import COMPARISONS, MISSING, Comparison, missing_sql
from gateway.identity.model import Model
from gateway.identity.score_sql import VALUED, sums
from gateway.identity.scoring import LEAST, Scorer

_NAMES = {at: comparison.name.replace(" ", "_") for at, comparison in enumerate(COMPARISONS)}
JARO_WINKLER = "jaro_winkler"
"""The function that the settings expect under this name counts half transpositions as rapidfuzz does: down."""


def settings(model: Model, records: int) -> dict[str, Any]:
    """What Splink needs to know to weigh pairs as this model does, among so many records.

    The table has a row for each record that has one form of each part at most: `id`, `keys` (a list) and the columns of
    `forms.COLUMNS`. The values in `listed` are to be registered as term frequencies of their columns.
    """
    matches, _, pairs = Scorer(model, records).priors
    odds = exp2(matches - pairs)
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "probability_two_random_records_match": odds / (1 + odds),
        "comparisons": [_comparison(at, comparison, model) for at, comparison in enumerate(COMPARISONS)],
        "blocking_rules_to_generate_predictions": [{"blocking_rule": "l.keys = r.keys", "arrays_to_explode": ["keys"]}],
        "retain_matching_columns": True,  # or else the levels are not kept
        "retain_intermediate_calculation_columns": True,
    }


def listed(model: Model) -> dict[str, list[tuple[str, float]]]:
    """How common the values of each column are that the model lists; the others count as rare."""
    return {column: list(model.frequencies[column].values.items()) for column in VALUED.values()}


def weighed(model: Model, records: int) -> str:
    """The SELECT of all pairs of Splink's prediction, the view `predicted`: both ids, the weight, the levels."""
    matches, relatives, _ = Scorer(model, records).priors
    frequencies = {at: f"coalesce(tf_{column}_l, {model.frequencies[column].rare!r})" for at, column in VALUED.items()}
    found = sums(model, frequencies)
    columns = ", ".join(f"c{at}" for at in _NAMES)
    levels = ", ".join(
        f"CASE gamma_{name} WHEN {MISSING} THEN {MISSING} ELSE {len(COMPARISONS[at].levels) - 1} - gamma_{name} END"
        f" AS c{at}"
        for at, name in _NAMES.items()
    )
    # The weight is -log2(2^-s + 2^-r): s bits against two strangers, r against two relatives.
    return in_spark(
        f"""SELECT id_l, id_r, least(s, r) - log2(1 + pow(2.0, -abs(s - r))) AS weight, {columns}
            FROM (SELECT id_l, id_r, match_weight AS s, {matches - relatives!r} + {found["m"]} - ({found["h"]}) AS r,
                         {columns}
                  FROM (SELECT *, {levels} FROM predicted))"""  # noqa: S608 - numbers and names of our own columns
    )


def _comparison(at: int, comparison: Comparison, model: Model) -> dict[str, Any]:
    agreement = model.agreements[comparison.name]
    strangers = list(agreement.u)
    if column := comparison.frequency:
        strangers[0] = model.frequencies[column].rare  # Splink puts a listed value's own share in its place
    levels: list[dict[str, Any]] = [
        {
            "sql_condition": _of_pair(missing_sql(comparison, "l", "r")),
            "label_for_charts": "not known on both sides",
            "is_null_level": True,
        }
    ]
    for level, person, stranger in zip(comparison.levels, agreement.m, strangers, strict=True):
        predicate = level.predicate
        levels.append(
            {
                "sql_condition": "ELSE" if predicate is None else _of_pair(predicate.sql("l", "r")),
                "label_for_charts": level.label,
                "m_probability": max(person, LEAST),
                "u_probability": max(stranger, LEAST),
                "fix_m_probability": True,
                "fix_u_probability": True,
            }
        )
    if column:
        levels[1] |= {
            "tf_adjustment_column": column,
            "tf_minimum_u_value": LEAST,
            "disable_tf_exact_match_detection": True,
        }
    return {"output_column_name": _NAMES[at], "comparison_levels": levels}


def _of_pair(condition: str) -> str:
    """A condition on the aliases l and r as one on Splink's columns: l.born is born_l."""
    from sqlglot import exp  # the extra

    def renamed(node: Any) -> Any:
        return exp.column(f"{node.name}_{node.table}") if isinstance(node, exp.Column) and node.table else node

    return in_spark(condition, renamed)


def in_spark(sql: str, *changes: Any) -> str:
    """DuckDB's SQL as Spark's."""
    from sqlglot import exp, parse_one

    def called(node: Any) -> Any:
        if isinstance(node, exp.ArrayOverlaps):
            return exp.Anonymous(this="arrays_overlap", expressions=[node.this, node.expression])
        if isinstance(node, exp.JarowinklerSimilarity):
            return exp.Anonymous(this=JARO_WINKLER, expressions=[node.this, node.expression])
        return node

    tree = parse_one(sql, read="duckdb")
    for change in (*changes, called):
        tree = tree.transform(change)
    return str(tree.sql("spark"))
