"""What a sync did, in numbers: one line a stream, and how each source was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from his_adapters.base import Health

OK = Health("ok", "read")


@dataclass(slots=True)
class Counts:
    """Native rows by bucket, and resources by what became of them."""

    read: int = 0
    mapped: int = 0
    quarantined: int = 0
    skipped: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0

    def add(self, other: Counts) -> None:
        """Add each number."""
        for each in fields(Counts):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass(slots=True)
class StreamReport:
    """What became of one stream. rows read = mapped + quarantined + skipped."""

    stream: str
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    was_read: bool = False
    """False: proven unchanged, or not come to; the counts are those of the last read, its resources unchanged."""
    complete: bool = False
    held_back: int = 0
    """Rows that vanished so suddenly that their resources were kept. `accept_shrink` lets them go."""
    health: Health = OK


@dataclass(slots=True)
class SourceReport:
    """What became of one source."""

    source: str
    streams: list[StreamReport] = field(default_factory=list)
    closing: Counts = field(default_factory=Counts)
    """Resources that the source's end changed: references, shared resources, the hospital."""
    seconds: float = 0.0
    health: Health = OK

    @property
    def counts(self) -> Counts:
        """All streams and the closing together."""
        total = Counts()
        for counts in (*(stream.counts for stream in self.streams), self.closing):
            total.add(counts)
        return total

    @property
    def held_back(self) -> int:
        """Rows whose deletion was held back."""
        return sum(stream.held_back for stream in self.streams)

    @property
    def errors(self) -> list[Health]:
        """Everything that kept the source from being read whole."""
        found = (self.health, *(stream.health for stream in self.streams))
        return [health for health in found if health.status != "ok"]

    @property
    def ok(self) -> bool:
        """Whether all of it was read, and nothing was held back."""
        return not self.errors and not self.held_back


@dataclass(slots=True)
class PeopleReport:
    """What became of who is who."""

    persons_created: int = 0
    persons_changed: int = 0
    persons_ended: int = 0
    relinked: int = 0
    """Stored Patients that got a version because their person or their links changed."""
    waiting: int = 0
    """Pairs of records that a person has to look at, at the end."""


@dataclass(slots=True)
class SyncReport:
    """What became of each source, in the order of the configuration."""

    sources: list[SourceReport]
    seconds: float = 0.0
    people: PeopleReport = field(default_factory=PeopleReport)

    @property
    def ok(self) -> bool:
        """Whether every source is ok."""
        return all(source.ok for source in self.sources)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream is."""

    source: str
    stream: str
    rows: int
    """Read so far."""
    estimated_rows: int | None
    done: bool = False


Callback = Callable[[Progress], None]
