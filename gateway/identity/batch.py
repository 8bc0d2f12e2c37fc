"""All records at once: block, compare, train, score, decide, cluster. DuckDB does the work on disk, in bounded memory.

The result depends on the records and the constraints only: neither on the order in which they come nor on the machine's
cores. Nothing is written anywhere but to a folder of its own that goes away.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import duckdb

from gateway.identity.cluster import Clusters, Edge, Pair, cluster, pair
from gateway.identity.comparisons import FIELDS
from gateway.identity.decide import AUTO, POSSIBLE, REVIEW, Action, Guard
from gateway.identity.flat import NAMES, block, common_values, forget_common, forms_of, load, name_of
from gateway.identity.forms import COLUMNS, Common
from gateway.identity.model import Model, default_model
from gateway.identity.score_sql import scored, value_tables
from gateway.identity.scoring import Scorer
from gateway.identity.training import draw_random_pairs, is_plausible, levels_of, train
from gateway.identity.traits import Traits
from gateway.identity.weighed import Engine, Link, Progress, Steps, Weighed, choice, judged, link_of

MEMORY_MIB = 2048
"""For DuckDB; what does not fit goes to the folder."""
FEWEST_TO_TRAIN = 500
"""Fewer records teach nothing: a model that has learned from more knows better."""
_FETCHED = 100_000
_GIVEN, _SAME = FIELDS.index("given"), 0


def _quiet(step: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Review:
    """A question for a person: are these two records, and with them their persons, the same?"""

    link: Link
    reason: str
    """`weight`, a guard's code, `cannot-link` or `one-to-one`."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the run did, in numbers."""

    records: int
    pairs: int
    without_key: int
    block_overflows: int
    auto: int
    """Pairs that are linked."""
    persons: int
    reviews: int
    estimated_matches: float
    """Pairs of records of one person, as the model expects."""
    estimated_relatives: float
    model_version: str
    seconds: dict[str, float]
    """By step."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What linking all records found."""

    model: Model
    links: list[Link]
    """Every pair at or above the weight that is possible, and those that a guard stopped, ordered by ids."""
    clusters: Clusters
    reviews: list[Review]
    """Each about two persons, by the surest pair of their records, ordered by weight and ids. What the answers to those
    before would tell is not asked."""
    report: Report


def link_all(
    people: Iterable[Traits],
    model: Model | None = None,
    *,
    must_links: Iterable[Pair] = (),
    cannot_links: Iterable[Pair] = (),
    one_to_one: Collection[str] = (),
    fallback: Model | None = None,
    progress: Progress = _quiet,
    threads: int | None = None,
    memory_mib: int = MEMORY_MIB,
    engine: Engine | None = None,
) -> BatchResult:
    """Link all records. Without a model, one is trained on them first.

    Where they do not teach one, `fallback` (None = the one that ships) decides, with the values that are common here.

    `progress` is told each step as it begins; `engine` weighs the pairs, DuckDB when none is given.

    Raises ValueError when a record's id comes twice.
    """
    steps = Steps(progress)
    weigh = engine or partial(_weighed_by_duckdb, threads, memory_mib)
    weighed = weigh(people, model, fallback, steps)
    return _decided(weighed, steps, list(must_links), list(cannot_links), one_to_one)


def _weighed_by_duckdb(
    threads: int | None,
    memory_mib: int,
    people: Iterable[Traits],
    model: Model | None,
    fallback: Model | None,
    steps: Steps,
) -> Weighed:
    with tempfile.TemporaryDirectory(prefix="fhir-gateway-") as folder:
        store = duckdb.connect(str(Path(folder) / "batch.duckdb"))
        try:
            store.execute(f"SET memory_limit = '{int(memory_mib)}MiB'")
            if threads:  # otherwise all cores
                store.execute(f"SET threads = {int(threads)}")
            store.execute("SET preserve_insertion_order = false")
            store.execute("SET enable_progress_bar = false")
            return _Run(store, Path(folder), steps).weighed(people, model, fallback)
        finally:
            store.close()


class _Run:
    def __init__(self, store: duckdb.DuckDBPyConnection, folder: Path, steps: Steps) -> None:
        self._store, self._folder, self._steps = store, folder, steps

    def weighed(self, people: Iterable[Traits], model: Model | None, fallback: Model | None) -> Weighed:
        store, begin = self._store, self._steps.begin
        begin("read")
        records = load(store, people, self._folder)
        common = model.common if model else common_values(store, records)
        forget_common(store, common)
        begin("block")
        blocking = block(store, records)
        begin("compare")
        store.execute(f"CREATE TABLE compared AS {levels_of('pairs')}")
        if model is None:
            begin("train")
            model = self._trained(records, common)
        if model is None:  # nor do they tell which names many people bear
            shipped = fallback or default_model()
            model = replace(shipped, common={**common, "given": shipped.common.get("given", frozenset())})
            forget_common(store, {"given": model.common["given"]})
            store.execute(f"CREATE OR REPLACE TABLE compared AS {levels_of('pairs')}")
        begin("score")
        value_tables(store, model.frequencies)
        among = choice(model, records)
        links = judged(chain(self._flat_links(model, among), self._several_links(model, among)))
        source_of, names = {}, {}
        found = store.execute(NAMES)
        while rows := found.fetchmany(_FETCHED):
            for record, source, *name in rows:
                source_of[record], names[record] = source, name_of(*name)
        return Weighed(model, links, source_of, names, blocking)

    def _trained(self, records: int, common: Common) -> Model | None:
        """A model of these records; None where they are too few, or what they teach cannot be."""
        if records < FEWEST_TO_TRAIN:
            return None
        draw_random_pairs(self._store, records)
        model = train(self._store, records, common)
        return model if is_plausible(model) else None

    def _flat_links(self, model: Model, among: int) -> Iterator[Link]:
        found = self._store.execute(scored(model, among), [POSSIBLE])
        while rows := found.fetchmany(_FETCHED):
            for one, two, weight, *levels in rows:
                yield link_of(one, two, weight, levels)

    def _several_links(self, model: Model, among: int) -> Iterator[Link]:
        """Of records with several names, phones or the like: compared form by form, as in real time."""
        columns = [f"{side}.{name}" for side in "xy" for name in ("id", "several", *COLUMNS)]
        found = self._store.execute(
            f"""SELECT {", ".join(columns)} FROM pairs JOIN people x ON x.r = a JOIN people y ON y.r = b
                WHERE x.several <> '' OR y.several <> ''"""  # noqa: S608 - names of our own columns
        )
        scorer, half = Scorer(model, among), len(columns) // 2
        while rows := found.fetchmany(_FETCHED):
            for row in rows:
                weighed = scorer.weigh(forms_of(scorer, row[1:half]), forms_of(scorer, row[half + 1 :]))
                if weighed.weight >= POSSIBLE:
                    yield link_of(row[0], row[half], weighed.weight, weighed.levels)


def _decided(
    weighed: Weighed, steps: Steps, must_links: list[Pair], cannot_links: list[Pair], one_to_one: Collection[str]
) -> BatchResult:
    steps.begin("cluster")
    model, links, source_of, blocking = weighed.model, weighed.links, weighed.source_of, weighed.blocking
    conflicts = [(link.a, link.b) for link in links if Guard.IDENTIFIER_CONFLICT in link.guards]
    joined = {pair(*two) for two in must_links}
    clusters = cluster(
        source_of,
        [
            Edge(link.weight, link.a, link.b, link.levels[_GIVEN] == _SAME)
            for link in links
            if link.action is Action.AUTO
        ],
        must_links,
        [*(each for each in conflicts if each not in joined), *cannot_links],
        one_to_one,
        acquainted={
            (link.a, link.b)
            for link in links
            if source_of[link.a] == source_of[link.b] and not link.guards and link.action is not Action.APART
        },
        names=weighed.names,
        weigh=partial(_weight, links),
        on_average=AUTO,
    )
    reviews = _reviews(links, clusters, {pair(*two) for two in cannot_links}, source_of)
    steps.end()
    actions = Counter(link.action for link in links)
    records = len(source_of)
    report = Report(
        records=records,
        pairs=blocking.pairs,
        without_key=blocking.without_key,
        block_overflows=blocking.overflows,
        auto=actions[Action.AUTO],
        persons=len(clusters.persons),
        reviews=len(reviews),
        estimated_matches=model.matches * records,
        estimated_relatives=model.relatives * records,
        model_version=model.version,
        seconds=steps.seconds,
    )
    return BatchResult(model, links, clusters, reviews, report)


def _weight(links: list[Link], one: str, two: str) -> float:
    """What a pair weighs, of the pairs in the order of their ids; those that are not among them weigh less."""
    at = bisect_left(links, (one, two))
    found = links[at] if at < len(links) else None
    return found.weight if found is not None and (found.a, found.b) == (one, two) else POSSIBLE


def _reviews(
    links: list[Link], clusters: Clusters, cannot_links: set[Pair], source_of: Mapping[str, str]
) -> list[Review]:
    # Twins whom two hospitals know each are not asked about: of 300 such questions 14 were about one person.
    well_known = [len({source_of[record] for record in members}) > 1 for members in clusters.persons]
    person = {record: at for at, members in enumerate(clusters.persons) for record in members}
    apart = {tuple(sorted((person[one], person[two]))) for one, two in cannot_links}
    refused = {pair(each.edge.a, each.edge.b): each.reason for each in clusters.refused}
    answered = _Groups()
    reviews = []
    for link in sorted(links, key=lambda each: (-each.weight, each.a, each.b)):
        one, two = person[link.a], person[link.b]
        if Guard.TWINS in link.guards and well_known[one] and well_known[two]:
            continue
        if link.weight >= REVIEW and (min(one, two), max(one, two)) not in apart and answered.unite(one, two):
            reason = refused.get((link.a, link.b)) or (link.guards[0].value if link.guards else "weight")
            reviews.append(Review(link, reason))
    return reviews


class _Groups:
    """Persons that are one if every question so far is answered with yes."""

    def __init__(self) -> None:
        self._root: dict[int, int] = {}

    def unite(self, one: int, two: int) -> bool:
        """Whether the two were not yet of one group."""
        one, two = self._find(one), self._find(two)
        self._root[two] = one
        return one != two

    def _find(self, person: int) -> int:
        while (above := self._root.get(person, person)) != person:
            person = above
        return person
