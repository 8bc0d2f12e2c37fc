"""The accuracy gate: labelled records linked by the product and by Splink, and both held against the truth."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations, islice
from multiprocessing import get_context
from time import monotonic, process_time
from typing import TypeVar

from bench.identity.accuracy import SURE, Accuracy, Band, Truth, likely, linked, one_to_one, speaks_for_two
from bench.identity.labelled import Labelled
from bench.identity.streaming import linked_a_second
from gateway.identity.batch import BatchResult, link_all
from gateway.identity.cluster import Edge, Pair, cluster
from gateway.identity.roster import packed, unpacked

Records = Callable[[], Iterable[Labelled]]
"""Makes the records anew, one after the other."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ours:
    """What the product found."""

    records: int
    pairs: int
    """Of one person, in truth."""
    edges: Accuracy
    """Pairs that are likelier one person than two."""
    clusters: Accuracy
    """The same, joined to persons."""
    one_to_one: Accuracy | None
    partners: Accuracy | None
    """The best partner of each record, guards aside: twins whom both sources know have each a better one."""
    by_levels: Accuracy
    """Of the pairs that are kept, the best choice that sees labels and levels."""
    linked: Accuracy
    """Pairs that would be linked if each were alone."""
    persons: Accuracy
    """Pairs that are of one person when all is decided: what is linked without asking, and served."""
    of_comparable: float
    """The share that is of one person of the pairs that have enough fields in common."""
    of_named: float
    """The same, of those where both have a given name: newborns are left to people."""
    reviews: int
    bands: Sequence[Band]
    seconds: float
    """Of all cores together: what else the machine does changes little."""
    elapsed: float
    """Seconds by the clock."""
    megabytes: int
    """The peak of the process's resident memory while it linked."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """What Splink found, at the thresholds that suit it best."""

    name: str
    edges: Accuracy
    clusters: Accuracy
    one_to_one: Accuracy | None
    seconds: float
    megabytes: int


def alone(work: Callable[..., T], *given: object) -> T:
    """Do it in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *given).result()


def ours(records: Records) -> Ours:
    """Link with the product, train on the records themselves. They come as `fhir-gateway link` reads them."""
    with tempfile.TemporaryFile() as stored:
        stored.writelines(packed(each.traits) + b"\n" for each in records())
        stored.seek(0)
        began, started = process_time(), monotonic()
        result = link_all(map(unpacked, stored))
        seconds, elapsed, megabytes = process_time() - began, monotonic() - started, _peak()
    entity_of, source_of, named = {}, {}, set()
    for traits, entity in records():
        entity_of[traits.resource_id], source_of[traits.resource_id] = entity, traits.source
        if any(name.given for name in traits.names):
            named.add(traits.resource_id)
    truth = Truth(entity_of)
    sure = [(each.weight, (each.a, each.b)) for each in likely(result)]
    heavy = [(each.weight, (each.a, each.b)) for each in result.links if each.weight >= SURE]
    comparable = truth.comparable(traits for traits, _ in records())
    found = {pair for members in result.clusters.persons for pair in combinations(members, 2)}
    return Ours(
        records=result.report.records,
        pairs=truth.pairs,
        edges=truth.of_pairs([pair for _, pair in sure]),
        clusters=truth.of_persons(_joined(result, source_of)),
        one_to_one=truth.of_pairs(one_to_one(sure, source_of)) if any(source_of.values()) else None,
        partners=truth.of_pairs(one_to_one(heavy, source_of)) if any(source_of.values()) else None,
        by_levels=truth.best_by_levels(result.links),
        linked=truth.of_pairs(linked(result)),
        persons=truth.of_persons(result.clusters.persons),
        of_comparable=_share(comparable, found),
        of_named=_share([pair for pair in comparable if named.issuperset(pair)], found),
        reviews=result.report.reviews,
        bands=truth.bands(result.links, [(each.link.a, each.link.b) for each in result.reviews]),
        seconds=seconds,
        elapsed=elapsed,
        megabytes=megabytes,
    )


def streamed(records: Records, most: int) -> float:
    """Records linked as they come by a second of CPU time, of so many of them, from all parts of the set."""
    count = sum(1 for _ in records())
    return linked_a_second(each.traits for each in islice(records(), 0, None, -(-count // most)))


def theirs(records: Records) -> Theirs:
    """Link with Splink."""
    from bench.identity.beside_splink import NAME, link

    labelled = list(records())
    truth = Truth({each.traits.resource_id: each.entity for each in labelled})
    found = link([each.traits for each in labelled], truth)
    return Theirs(NAME, found.edges, found.persons, found.one_to_one, found.seconds, found.megabytes)


def _joined(result: BatchResult, source_of: dict[str, str]) -> Sequence[Sequence[str]]:
    """Persons of all pairs that are likelier one person than two, asked about or not."""
    return cluster(
        source_of,
        [Edge(each.weight, each.a, each.b) for each in likely(result)],
        cannot_links=[(each.a, each.b) for each in result.links if speaks_for_two(each, result.model)],
    ).persons


def _share(wanted: Collection[Pair], found: set[Pair]) -> float:
    return len(found.intersection(wanted)) / max(len(wanted), 1)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
