"""What the gate measures, as sections of RESULTS.md with the goals they are held to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.identity import gate, population
from bench.identity.accuracy import Accuracy
from bench.identity.gate import Ours, Records, Theirs
from bench.identity.labelled import Labelled, febrl
from bench.identity.titles import FEBRL, HOSPITALS
from bench.report import Goal, Section

SEEDS = {100_000: 9002, 1_000_000: 9004}
"""Used for nothing else: models and rules were made with seeds 101 to 113 and 9003."""
COLUMNS = ("linked by", "precision", "recall", "F1", "F1 of persons", "F1 one to one", "CPU seconds", "MB")
_F1 = {100_000: 0.988, 1_000_000: 0.986}
_LARGE = 1_000_000
"""Records from which speed and memory have goals."""
_SECONDS, _MEGABYTES, _STREAMED, _A_SECOND = 120, 4096, 100_000, 5_000
_FEBRL_GOALS = {(1, True): 1.0, (2, True): 1.0, (3, True): 0.9997, (4, True): 1.0}
_WITHOUT = 0.999
_METHOD = """Trained without labels on the records themselves, then held against the truth; precision, recall and F1
over pairs of records. *Likelier one person*: pairs of weight ≥ 0 that no guard takes for two of a household, and the
persons that they make. *Linked, each pair alone*: heavy enough, and no guard speaks against it. *Linked, as persons*:
the pairs of records of one person when `fhir-gateway link` has decided, which is what it serves: some pairs are joined
by a third record, and others are refused because of one. Goals for what is linked are held to these. Splink has the
same normalised fields, its own comparisons with value frequencies, and blocking by phone, e-mail, identifier, names,
birth date and postcode; its threshold is the best of eleven, chosen with the labels. Memory: the peak of the
process."""


def febrl_section() -> Section:
    """Febrl 1 to 4, with identifier and without it."""
    rows, goals = [], []
    for number in (1, 2, 3, 4):
        for with_identifier in (True, False):
            name = f"{number} {'with' if with_identifier else 'without'} identifier"
            ours, theirs = measured(partial(febrl, number, with_identifier=with_identifier))
            rows += rows_of(name, ours, theirs)
            wanted = _FEBRL_GOALS.get((number, with_identifier), _WITHOUT)
            f1 = ours.clusters.f1
            goals.append(Goal(f"{FEBRL}, {name}, F1 of persons", f"≥ {wanted}", f"{f1:.4f}", round(f1, 4) >= wanted))
    return Section(FEBRL, f"{_METHOD}\nThe rules were made with a look at these sets.", COLUMNS, rows, goals)


def hospitals_section(records: int, seed: int, *, beside_splink: bool) -> Section:
    """The eight simulated hospitals' own fields, families included."""
    title = HOSPITALS[records]
    people = partial(_hospitals, seed, records)
    ours = gate.alone(gate.ours, people)
    theirs = gate.alone(gate.theirs, people) if beside_splink else None
    reviews = 100 * ours.reviews / ours.records
    f1, precision = ours.edges.f1, ours.persons.precision
    goals = [
        Goal(f"{title}, F1", f"≥ {_F1[records]}", f"{f1:.4f}", f1 >= _F1[records]),
        Goal(f"{title}, precision of what is linked", "≥ 0.999", f"{precision:.5f}", precision >= 0.999),
        Goal(
            f"{title}, share linked, with three fields in common",
            "≥ 0.94",
            f"{ours.of_comparable:.4f}",
            ours.of_comparable >= 0.94,
        ),
        Goal(
            f"{title}, the same where both have a given name", "≥ 0.94", f"{ours.of_named:.4f}", ours.of_named >= 0.94
        ),
        Goal(f"{title}, questions for 100 records", "≤ 3", f"{reviews:.1f}", reviews <= 3),
    ]
    speed = ""
    if records >= _LARGE:
        a_second = gate.alone(gate.streamed, people, _STREAMED)
        speed = f"""
A first batch took {ours.elapsed:.0f} s by the clock, with all else that the machine did; its goal is held to CPU
seconds, which nothing else makes fewer. As they come: {_STREAMED:,} of the records, linked 500 at a time on an index in
SQLite that is empty at first, as in a first sync; by a second of CPU time."""
        goals += [
            Goal(f"{title}, first batch", f"≤ {_SECONDS} CPU s", f"{ours.seconds:.0f} s", ours.seconds <= _SECONDS),
            Goal(f"{title}, memory", "≤ 4 GiB", f"{ours.megabytes / 1024:.1f} GiB", ours.megabytes <= _MEGABYTES),
            Goal(f"{title}, as they come", f"≥ {_A_SECOND:,}/s", f"{a_second:,.0f}/s", a_second >= _A_SECOND),
        ]
    bands = "; ".join(f"{each.action} {each.pairs:,}, of these {each.right:,} of one person" for each in ours.bands)
    method = f"""{ours.records:,} records of the eight simulated hospitals (seed {seed}, used for nothing else), as
their mappers make them: {ours.pairs:,} pairs of one person. What is done with the pairs: {bands}.
Else as for Febrl.{speed}"""
    return Section(title, method, COLUMNS, rows_of("", ours, theirs), goals)


def measured(records: Records) -> tuple[Ours, Theirs]:
    """Both, each in a process of its own, one after the other."""
    return gate.alone(gate.ours, records), gate.alone(gate.theirs, records)


def rows_of(name: str, ours: Ours, theirs: Theirs | None) -> list[tuple[str, ...]]:
    """Lines of the table."""
    before = f"{name}: " if name else ""
    cost = (f"{ours.seconds:.1f}", f"{ours.megabytes:,}")
    rows = [
        (f"{before}likelier one person", *_figures(ours.edges), _f1(ours.clusters), _f1(ours.one_to_one), *cost),
        (f"{before}linked, each pair alone", *_figures(ours.linked), "", "", "", ""),
        (f"{before}linked, as persons", *_figures(ours.persons), "", "", "", ""),
    ]
    if theirs is not None:
        theirs_cost = (f"{theirs.seconds:.1f}", f"{theirs.megabytes:,}")
        name = f"{before}{theirs.name}"
        rows.append((name, *_figures(theirs.edges), _f1(theirs.clusters), _f1(theirs.one_to_one), *theirs_cost))
    return rows


def _hospitals(seed: int, records: int) -> Iterator[Labelled]:
    return (Labelled(traits, person) for traits, person in population.people(seed, records))


def _figures(found: Accuracy) -> tuple[str, str, str]:
    return f"{found.precision:.5f}", f"{found.recall:.5f}", f"{found.f1:.4f}"


def _f1(found: Accuracy | None) -> str:
    return "" if found is None else f"{found.f1:.4f}"
