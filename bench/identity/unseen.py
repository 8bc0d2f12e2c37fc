"""Files whose households and slips others have made: a simulated US census and two offices, from pseudopeople.

https://pseudopeople.readthedocs.io: people move, share homes and names; fields are lost, mistyped, misread by machines,
or another's of the household. Who is who is known. The sample that the package ships needs no other download.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path

from bench import environments, stores
from bench.identity import gate
from bench.identity.gate import Ours
from bench.identity.labelled import FIELDS, Labelled, read
from bench.identity.sections import COLUMNS, rows_of
from bench.identity.titles import UNSEEN
from bench.processes import run
from bench.report import Goal, Section

PACKAGE = "pseudopeople==1.3.1"
_PINS = (PACKAGE, "pandas==3.1.1", "numpy==2.4.6")
"""With what its slips depend on, so that they are the same in every run."""
SETS: Mapping[str, tuple[str, str]] = {
    "census, taken twice": ("census", "again"),
    "census, ten years later": ("census", "later"),
    "census and Social Security": ("census", "security"),
    "census and tax forms": ("census", "tax"),
}
"""The two files of each set, in the words of `bench.identity.census`."""
EDGES, ONE_TO_ONE = 0.991, 0.994
_PROGRAM = Path(__file__).with_name("census.py")
_COLUMNS = {field: field for field in FIELDS if field != "name"}
_METHOD = """Two files each of the sample population that {package} ships (from PyPI, in an environment of its
own): simulated households of the United States with the package's slips at their default rates, fixed seeds, each
person once in a file. *Census, taken twice*: that of 2020 with slips drawn twice; names, birth date, sex and home. *Ten
years later*: with that of 2030; half of those who are in both have moved. *Social Security*: names, birth date and sex;
no home. *Tax forms* (W2 and 1099): names and mailing address; neither birth date nor sex. The sample lies in one town
and masks its postcodes. Two rules were made with a look at these sets: an initial is no given name, nor is a role in
the household (*daughter*); all others without. Records and pairs of one person:
{sizes}.
*One to one*: the best partner in the other file, where one person is likelier than two; guards are left aside there,
since twins whom both files know have each a better partner. *Best by levels*: of the pairs that are kept, the best
choice for one who sees the labels, and of a pair the same levels: a ceiling for any weights. Splink compares what both
files have. Else as for Febrl."""


def unseen_section() -> Section:
    """All sets, with Splink beside each."""
    folder = files()
    rows: list[tuple[str, ...]] = []
    goals, sizes = [], []
    for name in SETS:
        records = partial(labelled, folder, name)
        ours, theirs = gate.alone(gate.ours, records), gate.alone(gate.theirs, records)
        rows += [*rows_of(name, replace(ours, one_to_one=ours.partners), theirs), _ceiling(name, ours)]
        goals += goals_of(name, ours)
        sizes.append(f"{name}: {ours.records:,} and {ours.pairs:,}")
    return Section(UNSEEN, _METHOD.format(package=PACKAGE, sizes=";\n".join(sizes)), COLUMNS, rows, goals)


def goals_of(name: str, ours: Ours) -> list[Goal]:
    """What a set is held to."""
    partners = ours.partners.f1 if ours.partners else 0.0
    return [
        Goal(f"{UNSEEN}, {name}, F1", f"≥ {EDGES}", f"{ours.edges.f1:.4f}", ours.edges.f1 >= EDGES),
        Goal(f"{UNSEEN}, {name}, F1 one to one", f"≥ {ONE_TO_ONE}", f"{partners:.4f}", partners >= ONE_TO_ONE),
    ]


def labelled(folder: Path, name: str) -> Iterator[Labelled]:
    """The records of both files of a set."""
    for file in SETS[name]:
        yield from read(folder / f"{file}.csv", _COLUMNS)


def files() -> Path:
    """The folder with the files, which are made once and kept while the program that makes them stays."""
    digest = blake2b(_PROGRAM.read_bytes() + " ".join(_PINS).encode(), digest_size=6).hexdigest()
    folder = stores.DATA / f"census-{digest}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        run([str(environments.installed(*_PINS) / "python"), str(_PROGRAM), str(part)])
        part.rename(folder)
    return folder


def _ceiling(name: str, ours: Ours) -> tuple[str, ...]:
    best = ours.by_levels
    figures = (f"{best.precision:.5f}", f"{best.recall:.5f}", f"{best.f1:.4f}")
    return (f"{name}: best by levels", *figures, "", "", "", "")
