"""Checked resources as drafts: bytes, references, index rows, and what linking has to know. Knows no source."""

from __future__ import annotations

from typing import Any

from gateway.sync.content import content
from gateway.sync.events import BadRow, CheckedRow, CheckedRows, Draft, MappedRow, Rows
from gateway.sync.faults import place
from gateway.sync.links import all_targets, targets
from gateway.sync.steps import Steps
from mappers.base import Resource


def drafted(checked: CheckedRows, steps: Steps) -> Rows:
    """The rows, ready to be stored."""
    index: list[Any] = []
    rows = [_row(row, checked.pk, steps, index) if isinstance(row, CheckedRow) else row for row in checked.rows]
    return Rows(checked.stream, rows, checked.skipped, checked.shared, steps.bulk(index) if index else None)


def shared_draft(resource: Resource, steps: Steps) -> Draft:
    """A resource that no row owns."""
    made = content(resource, shared=True)
    return Draft(made, steps.index_rows(resource), targets(made.tail), steps.notes(resource))


def _row(row: CheckedRow, stream: int, steps: Steps, index: list[Any]) -> MappedRow | BadRow:
    indexed = len(index)
    try:
        own = [_own_draft(resource, stream, row.key, steps, index) for resource in row.own]
    except Exception as error:  # noqa: BLE001 - a defect costs its row, and is said
        del index[indexed:]
        return BadRow(row.key, row.locator, row.digest, row.holds_until, [("", "mapper-error", place(error))])
    return MappedRow(row.key, row.locator, row.digest, row.holds_until, own, row.issues)


def _own_draft(resource: Resource, stream: int, key: str, steps: Steps, index: list[Any]) -> Draft:
    """With its index rows in `index`, unless it is a person: theirs depend on who they are."""
    made = content(resource, stream=stream, key=key)
    leads, are_all = all_targets(made.tail)
    rows, notes = steps.index_rows(resource, leads if are_all else None), steps.notes(resource)
    if notes is None:
        index.append(rows)
        rows = len(index) - 1
    return Draft(made, rows, leads, notes)
