"""What every mapper promises: native records in, FHIR R4 resources out, pure, deterministic, nothing invented.

A mapper does not raise on dirty data: it maps what is sound and reports what it dropped, defaulted or approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Resource = dict[str, Any]
"""A FHIR resource as plain JSON: str, int, Decimal or float, bool, list, dict. Without versionId and lastUpdated."""


@dataclass(frozen=True, slots=True)
class MappingContext:
    """What a mapper may know besides the record: the source's configuration, never the store."""

    source: str
    organization: str
    """The hospital's name, for its Organization."""
    as_of: date
    """The day of the run, for what depends on today."""
    timezone: str | None = None
    currency: str | None = None
    """ISO 4217, where the configuration knows it and the store does not say."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A data-quality finding. `detail` never carries a native value."""

    code: Literal["dropped", "defaulted", "inferred", "approximated", "implausible", "contradiction", "orphan"]
    element: str
    """FHIR path or native field: `Patient.birthDate`, `due_date`."""
    detail: str


@dataclass(slots=True)
class MappingReport:
    """Collects what a mapper had to drop, default or approximate for one record, and why."""

    issues: list[Issue] = field(default_factory=list)
    holds_until: date | None = None
    """The first day on which the answer may be another one (a planned visit becomes past). None = for ever."""

    def add(self, code: Any, element: str, detail: str) -> None:
        """Report one finding."""
        self.issues.append(Issue(code, element, detail))

    def until(self, day: date) -> None:
        """Say that the mapping holds only before `day`: the record is mapped again then."""
        self.holds_until = day if self.holds_until is None else min(self.holds_until, day)


ToResources = Callable[[Any, MappingContext, MappingReport], Iterable[Resource]]
"""`to_patient(record, context, report)`: zero or more resources. `record` is a his_adapters.base.Record."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How one stream becomes resources; a mapper module ends with `MAPPINGS`, a tuple of these."""

    stream: str
    own: tuple[ToResources, ...]
    """Resources that belong to the row: they go when the row goes."""
    shared: tuple[ToResources, ...] = ()
    """Resources that many rows make alike (an insurer, a department): kept while anything refers to them."""
