"""What the reading process tells the writing one arrives as it was sent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.store.writer import Content
from gateway.sync.events import (
    BadRow,
    CheckedRow,
    CheckedRows,
    Draft,
    Event,
    Hospital,
    MappedRow,
    Rows,
    SourceEnded,
    SourceFailed,
    StreamEnded,
    StreamStarted,
    UnchangedRow,
)
from gateway.sync.wire import packed, unpacked
from his_adapters.base import Health

DRAFT = Draft(
    Content("Patient", "p", b"{", b"}", shared=False, digest=b"d", stream=1, key="k"), (1, ("a",)), (("T", "t"),), "n"
)
SHARED = Draft(Content("Organization", "o", b"", b"", shared=True, digest=b""), None, ())
ROWS = [
    MappedRow("k", "l", b"d", 7, [DRAFT, SHARED], [("code", "element", "detail")]),
    MappedRow("k2", "l", b"d", None, [], []),
    BadRow("", "l", b"d", None, [("element", "rule", "reason")], unsafe=True),
    UnchangedRow("k", "l", b"d"),
]
CHECKED = [
    CheckedRow("k", "l", b"d", 7, [{"resourceType": "Patient", "id": "p"}], [("code", "element", "detail")]),
    *ROWS[2:],
]
EVENTS = [
    Rows("PATN", ROWS, 3, [SHARED], (("columns",),)),
    Rows("PATN", [], 0, []),
    CheckedRows("PATN", 1, CHECKED, 3, [SHARED]),
    CheckedRows("BILL", 1, [CheckedRow("k", "l", b"d", None, [{"value": Decimal("1.50")}], [])], 0, []),
    Hospital([DRAFT]),
    StreamStarted("PATN"),
    StreamEnded("PATN", complete=True, state="s"),
    SourceFailed(Health("config", "message", "hint")),
    SourceEnded(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_arrives_as_it_was_sent(event: Event | CheckedRows) -> None:
    """Equal, and of the same types: plain tuples are equal to named ones."""
    arrived = unpacked(packed(event))
    assert repr(arrived) == repr(event)
    assert type(arrived) is type(event)
