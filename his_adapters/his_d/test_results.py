"""The cell `test_results` of HIS_D (JSON, Python-dict text or `CEA: 4.2 ng/mL; Hb: 10.9 g/dL`) as names and values."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, NamedTuple

LONGEST_CELL = 4_000
MOST_RESULTS = 50
_VALUE = re.compile(r"([<>]?=?)\s*(-?\d{1,12}(?:\.\d{1,6})?)\s*(\D{0,20})")


class Finding(NamedTuple):
    """One result: what was tested and what was found, in the cell's words."""

    name: str
    value: str


def results_in(cell: str) -> tuple[Finding, ...]:
    """The results of a cell; () when it holds no pairs, and then only the text counts."""
    if len(cell) > LONGEST_CELL:
        return ()
    if cell.startswith(("{", "[")):
        return tuple(_pairs(_parsed(cell)))[:MOST_RESULTS]
    found = []
    for part in re.split(r"[;\n]", cell):
        name, colon, value = part.partition(":")
        if not colon or not name.strip() or not value.strip():
            return ()
        found.append(Finding(name.strip(), value.strip()))
    return tuple(found[:MOST_RESULTS])


def _parsed(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _pairs(parsed: Any) -> list[Finding]:
    if isinstance(parsed, list):
        return [pair for each in parsed if isinstance(each, dict) for pair in _pairs(each)]
    if not isinstance(parsed, dict):
        return []
    flat = [(str(name).strip(), value) for name, value in parsed.items()]
    return [
        Finding(name, str(value).strip())
        for name, value in flat
        if name and isinstance(value, str | int | float) and str(value).strip()
    ]


def number_and_unit(value: str) -> tuple[str, str, str] | None:
    """Comparator, number and unit of a value like `4.2 ng/mL` or `<0.1`; None when it is something else."""
    found = _VALUE.fullmatch(value.strip())
    if not found or found[1] == "=":
        return None
    return found[1], found[2], found[3].strip()
