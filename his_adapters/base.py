"""What every adapter promises: read one hospital information system, never write to it, lose nothing.

An adapter speaks the HIS's own words and knows no FHIR. Everything that is the same for all sources (batches, retries,
counting, deletes, quarantine) lives once, in `gateway.sync`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NewType, Protocol

SourceName = NewType("SourceName", str)
"""The configured name of one connected HIS. Two sites may use one adapter."""

NativeKey = tuple[str, ...]
"""The values of a stream's key fields, as text, in the stream's order."""


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One source of `gateway.toml`: where it is and how to read it."""

    name: SourceName
    adapter: str
    path: Path | None = None
    """A folder or file, for embedded stores."""
    url: str | None = field(default=None, repr=False)
    """A database URL, for server stores. May hold a secret: never log it."""
    timezone: str | None = None
    organization: str | None = None
    """The hospital's name; without it, its Organization bears the source's name."""
    currency: str | None = None
    """ISO 4217, for stores that write amounts without saying it."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What only the adapter understands. May hold a second URL with a secret: never log it."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One native table, file or collection, as found in the store."""

    name: str
    key: tuple[str, ...]
    """The native names of the key fields."""
    fields: tuple[str, ...]
    """The native names of the fields that are read, in the store's own spelling."""
    fingerprint: str
    """A digest of the columns as found: a change means that the store's shape has changed."""
    estimated_rows: int | None = None
    declared: bool = True
    """Whether the store declares its columns; False = `fields` are those of the rows that were looked at."""


@dataclass(frozen=True, slots=True)
class Column:
    """One native column as the store spells it; of nested data one path: `contact.phone`, `attachments[].caption`."""

    stream: str
    """Its stream; of a table, file or collection that nobody reads, the name of that."""
    name: str
    """`*` = all of it, where the columns of what nobody reads cannot be told."""
    field: str | None = None
    """What it is read as, under the one name that all its spellings have; None = it is not read."""


@dataclass(frozen=True, slots=True)
class Record:
    """One native row that loaded well."""

    stream: str
    key: NativeKey
    data: Any
    """A frozen dataclass of the adapter's `records` module."""
    locator: str
    """Where the row lies, so that a person can find it: `patients.db:patients#81f91df9`, `finance.csv:118`."""
    digest: bytes
    """A digest of the native content: an unchanged row is not mapped again."""
    notes: tuple[Problem, ...] = ()
    """What of the row could not be used although the row is sound (a broken optional cell)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field. Never carries the value: native values are patient data."""

    field: str
    rule: str
    """A short code: `missing`, `not-a-date`, `unknown-code`, `duplicate-key`, `too-long`, `not-text` ..."""
    reason: str
    """One sentence for people, with the kind of the value but not the value."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One native row that cannot be used as it is: it goes to quarantine, whole."""

    stream: str
    key: NativeKey
    """As far as it could be read; () when the row has no usable key."""
    locator: str
    digest: bytes
    problems: tuple[Problem, ...]
    unsafe: bool = False
    """Whether what the row made before must go: it may be about another person. Else it stays, tagged as stale."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One native row that is left out on purpose (a blank line, an exact repeat), with the reason."""

    stream: str
    key: NativeKey
    locator: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`complete=True` ends a full read: only then may rows that were not seen count as deleted."""

    complete: bool
    state: str | None = None
    """Opaque; given back to `read` next time by adapters that can read increments."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a source can be read now, and if not, how to mend it."""

    status: Literal["ok", "config", "transient"]
    message: str
    hint: str = ""


class SourceError(Exception):
    """A source cannot be read. Says what, where and how to mend it, in one line, without patient data."""

    kind: Literal["config", "transient"] = "config"

    def __init__(self, what: str, where: str, hint: str) -> None:
        super().__init__(f"{what}: {where} ({hint})")
        self.what, self.where, self.hint = what, where, hint

    def health(self) -> Health:
        """The same as a `Health`, for `check`."""
        return Health(self.kind, f"{self.what}: {self.where}", self.hint)


class SourceConfigError(SourceError):
    """A person has to mend it: a missing file, no rights, a corrupt database, a truncated file, a missing column."""


class SourceTransientError(SourceError):
    """It may mend itself: a locked database, a dropped connection."""

    kind: Literal["config", "transient"] = "transient"


class Adapter(Protocol):
    """Reads one HIS. Constructed by `open_source(config)` of the adapter's package; construction does no I/O."""

    def check(self) -> Health:
        """Look at the store in under 2 s. Never raises."""
        ...

    def streams(self) -> list[Stream]:
        """The streams found, those that others refer to first. Raises SourceError."""
        ...

    def columns(self) -> list[Column]:
        """Every column that the store has, also those that nobody reads. Looks at all of what has no schema.

        Raises SourceError.
        """
        ...

    def change_token(self, stream: str) -> str | None:
        """A sound proof of content: while it stays the same nothing has changed. None = unknown. Raises SourceError."""
        ...

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every native row of the stream exactly once, in constant memory. Raises SourceError.

        Ends with Checkpoint(complete=True) unless the read was cut short.
        """
        ...
