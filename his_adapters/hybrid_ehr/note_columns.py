"""The paths of clinical notes, and as what each is read: `observations.bp`, `attachments[].caption`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from his_adapters.base import Column
from his_adapters.hybrid_ehr.note_fields import ATTACHMENT_NAMES, SIGN_NAMES
from his_adapters.hybrid_ehr.schema import NOTES
from his_adapters.tabular import folded

_DEEPEST = 5
_LONGEST_NAME = 100
_MOST_PATHS = 10_000
"""Notes with more of them use names for values: the first ones show that."""


def columns_of_notes(notes: Iterable[Mapping[str, Any]], fields: Mapping[str, str]) -> list[Column]:
    """The paths of all notes. `fields` are the fields of a note by their folded names.

    Whatever stands below `observations` is read, under any name: all of it is the one field `observations.*`.
    """
    paths: dict[str, None] = {}
    for note in notes:
        paths.update((path, None) for path in _leaves(note) if len(paths) < _MOST_PATHS)
    branches = {branch for path in paths for branch in _branches(path)}
    # A part that is empty in some notes and an object or a list in others is no column of its own.
    return [Column(NOTES, path, _field(path, fields)) for path in paths if path not in branches]


def _leaves(value: Any, before: str = "", depth: int = 0) -> Iterator[str]:
    """The paths that lead to no other; `[]` stands for the places of a list of objects."""
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for name, part in value.items():
            if len(name) <= _LONGEST_NAME:
                yield from _leaves(part, f"{before}.{name}" if before else name, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for part in value:
            yield from _leaves(part, f"{before}[]" if isinstance(part, Mapping) else before, depth + 1)
    else:
        yield before


def _branches(path: str) -> Iterator[str]:
    """What a path goes through: `attachments` and `attachments[]` of `attachments[].caption`."""
    while path := path.rpartition(".")[0]:
        yield path
        yield path.removesuffix("[]")


def _field(path: str, fields: Mapping[str, str]) -> str | None:
    head, _, rest = path.partition(".")
    found = fields.get(folded(head.removesuffix("[]")))
    if found == "observations":
        if not head.endswith("[]"):
            return "observations.*"
        part = rest.partition(".")[0]
        return f"observations[].{part}" if part in SIGN_NAMES else None
    if found == "attachments":
        if not rest:  # a list of addresses
            return "attachments[].place"
        return next(
            (f"attachments[].{part}" for part, names in ATTACHMENT_NAMES.items() if folded(rest) in names), None
        )
    return None if rest or head.endswith("[]") else found
