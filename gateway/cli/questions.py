"""Questions about pairs of records, as a table for people. Shows no names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.identity.reviews import Question, Task

_QUESTIONS: dict[Question, str] = {"link": "one person?", "split": "two people?"}


def show(tasks: Sequence[Task]) -> None:
    """Print them, with what was doubted in words, and what became of those that are closed."""
    from gateway.cli.terminal import day_and_time, stdout, table
    from gateway.identity.decide import REASONS, Guard

    shown = table("#", "Question", "Patients", "Weight", "Doubts", "Since", numbers=("#", "Weight"))
    for each in tasks:
        doubts = [REASONS[Guard(name)] for name in each.guards.split()]
        if each.status != "open":
            doubts.append(f"{each.status} by {each.actor}: {each.reason}")
        when = day_and_time(each.opened if each.decided is None else each.decided)
        shown.add_row(
            str(each.number),
            _QUESTIONS[each.question],
            f"{each.first}\n{each.second}",
            f"{each.weight:.1f}",
            "\n".join(doubts),
            when,
        )
    stdout().print(shown, markup=False)
