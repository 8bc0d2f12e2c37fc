"""How results look: quiet tables on stdout, notes on stderr, progress only on a terminal."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

_PIPED_WIDTH = 160
"""A pipe has no width; a log line may be long."""


def stdout() -> Console:
    """Where results go."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)


def stderr() -> Console:
    """Where notes and progress go."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _PIPED_WIDTH)


def table(*columns: str, numbers: Iterable[str] = (), gap: int = 2) -> Table:
    """A table with light rules; `numbers` are right-aligned."""
    made = Table(box=SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        if column in numbers:
            made.add_column(column, justify="right", no_wrap=True)
        else:
            made.add_column(column, overflow="fold", min_width=8)
    return made


def count(number: int) -> str:
    """A number for people: 12,345; a nought is a dot, so that the eye finds the rest."""
    return f"{number:,}" if number else "·"


def day_and_time(milliseconds: int) -> str:
    """A moment of the store (ms since 1970 UTC), for people."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"
