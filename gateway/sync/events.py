"""What the reading side tells the writing side, and half of it the other half. They travel between processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.store.writer import Content
from gateway.sync.links import Target
from his_adapters.base import Health
from mappers.base import Resource


class Draft(NamedTuple):
    """A checked resource, ready to be stored."""

    content: Content
    index: Any
    """Its index rows, or the number that it has in those of all."""
    targets: tuple[Target, ...]
    notes: Any = None
    """What linking has to know of it; None for what is not a person."""


class MappedRow(NamedTuple):
    """A row that became resources, all of them valid."""

    key: str
    locator: str
    digest: bytes
    holds_until: int | None
    own: Sequence[Draft]
    issues: Sequence[tuple[str, str, str]]
    """(code, element, detail)"""


class CheckedRow(NamedTuple):
    """The same before its resources are bytes."""

    key: str
    locator: str
    digest: bytes
    holds_until: int | None
    own: Sequence[Resource]
    issues: Sequence[tuple[str, str, str]]


class BadRow(NamedTuple):
    """A row that cannot be used: (element, rule, reason), at least one."""

    key: str
    """'' where the row has no usable key."""
    locator: str
    digest: bytes
    holds_until: int | None
    problems: Sequence[tuple[str, str, str]]
    unsafe: bool = False
    """Whether what the row made before must go."""


class UnchangedRow(NamedTuple):
    """A row that is as it was when it was mapped or quarantined."""

    key: str
    locator: str
    digest: bytes


NativeRow = MappedRow | BadRow | UnchangedRow


class Hospital(NamedTuple):
    """The source's own Organization."""

    drafts: Sequence[Draft]


class StreamStarted(NamedTuple):
    """A stream is being read."""

    stream: str


class Rows(NamedTuple):
    """Some rows of the stream, in the store's order."""

    stream: str
    rows: Sequence[NativeRow]
    skipped: int
    """Rows left out on purpose."""
    shared: Sequence[Draft]
    """Resources that several rows of the source tell, with the first of them."""
    index: Any = None
    """Index rows of all drafts that rows own, but of persons: theirs depend on who they are."""


class CheckedRows(NamedTuple):
    """The same before the resources that rows own are drafts."""

    stream: str
    pk: int
    """The stream's."""
    rows: Sequence[CheckedRow | BadRow | UnchangedRow]
    skipped: int
    shared: Sequence[Draft]


class StreamEnded(NamedTuple):
    """A stream was read, as far as the adapter says."""

    stream: str
    complete: bool
    state: str | None


class StreamFailed(NamedTuple):
    """A stream could not be read to its end."""

    stream: str
    health: Health


class SourceFailed(NamedTuple):
    """The source could not be read on."""

    health: Health


class SourceEnded(NamedTuple):
    """Nothing more comes from this source."""


Event = Hospital | StreamStarted | Rows | StreamEnded | StreamFailed | SourceFailed | SourceEnded
