"""The figures as Markdown, with the goals they are held to."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
_PACKAGES = ("granian", "flask", "sqlalchemy", "orjson", "fhir.resources", "jsonschema-rs", "marshmallow")
_HEAD = """# Benchmark results

Written by `make bench`; do not edit. {date}, {machine}, Python {python} on Linux, {packages}.
Median of {rounds} rounds; the load generator and the servers share the cores.
"""


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the acceptance list."""

    what: str
    wanted: str
    figure: str
    met: bool


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark has found."""

    title: str
    method: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    goals: list[Goal] = field(default_factory=list)

    def markdown(self) -> str:
        """The section as text."""
        return f"## {self.title}\n\n{self.method}\n\n{_table(self.columns, self.rows)}\n"


def document(sections: Sequence[Section], rounds: int) -> str:
    """The whole file."""
    rows = [_row(goal) for section in sections for goal in section.goals]
    head = _HEAD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=_machine(),
        python=platform.python_version(),
        packages=", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        rounds=rounds,
    )
    parts = [head, f"## Goals\n\n{_table(('goal', 'wanted', 'measured', 'met'), rows)}\n"]
    return "\n".join([*parts, *(section.markdown() for section in sections)])


def with_section(text: str, section: Section) -> str:
    """A file with what was measured apart, in place of a former section of that title and of its goals."""
    return _with(text, section.title, section.markdown(), [f"| {' | '.join(_row(goal))} |" for goal in section.goals])


def with_former(text: str, title: str, former: str) -> str:
    """A file with the section of that title that a former file has."""
    found = _section(title).search(former)
    if found is None:
        return text
    goals = [line for line in former.splitlines() if line.startswith(f"| {title}, ")]
    return _with(text, title, found.group(), goals)


def _with(text: str, title: str, section: str, goals: Sequence[str]) -> str:
    """The goals of a section measured apart begin with its title."""
    kept = [line for line in _section(title).sub("", text).splitlines() if not line.startswith(f"| {title}, ")]
    head = kept.index("## Goals") + 4  # of the table
    last = next((at for at in range(head, len(kept)) if not kept[at].startswith("|")), len(kept))
    lines = "\n".join([*kept[:last], *goals, *kept[last:]]).rstrip("\n")
    return f"{lines}\n\n{section.rstrip()}\n"


def _section(title: str) -> re.Pattern[str]:
    return re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def _row(goal: Goal) -> tuple[str, str, str, str]:
    return goal.what, goal.wanted, goal.figure, "yes" if goal.met else "**no**"


def _machine() -> str:
    """Its size, and nothing by which it could be known again."""
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores, {gibibytes:.0f} GiB"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is text, the others are figures."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
