"""The parameters of the interactions other than a type's search parameters: one table for checks and documents.

https://hl7.org/fhir/R4/http.html#parameters, https://hl7.org/fhir/R4/search.html#Summary
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.interactions.exchange import FhirRequest
from gateway.interactions.negotiation import JSON_FORMATS, XML_FORMATS, is_strict
from gateway.interactions.presentation import SUMMARIES
from gateway.outcomes import InvalidParameter
from gateway.search.clauses import did_you_mean
from gateway.search.parameter_types import date
from gateway.search.request import DEFAULT_COUNT, MAX_COUNT

MODES = ("full", "normative", "terminology")
"""What `/metadata` is asked for."""
_COUNT = re.compile(r"[0-9]{1,9}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+\- ]\d\d:\d\d)")
"""An unescaped + of a time zone arrives as a space."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter as documents show it."""

    name: str
    documentation: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})
    example: str | None = None


PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "_format",
            "The format of the answer; it outweighs the Accept header.",
            {"type": "string", "enum": [*JSON_FORMATS, *XML_FORMATS]},
            "json",
        ),
        Parameter("_pretty", "Lay the answer out for people's eyes.", {"type": "boolean"}, "true"),
        Parameter(
            "_summary",
            "Only a part of each resource: `true` the elements that FHIR marks as summary, `text` the narrative, "
            "`data` all but the narrative, `count` (searches only) nothing but the total.",
            {"type": "string", "enum": list(SUMMARIES)},
            "true",
        ),
        Parameter(
            "_elements",
            "Only these top-level elements, with a comma between them, and those that are mandatory.",
            {"type": "string"},
            "identifier,name",
        ),
        Parameter(
            "_since",
            "Only versions made at or after this instant.",
            {"type": "string", "format": "date-time"},
            "2026-01-01T00:00:00Z",
        ),
        Parameter(
            "_at",
            "Only versions that were current at some point of this date or time, which may be partial.",
            {"type": "string"},
            "2026-01",
        ),
        Parameter(
            "_count",
            f"How many entries a page holds (matches, for a search), at most {MAX_COUNT}.",
            {"type": "integer", "minimum": 0, "maximum": MAX_COUNT, "default": DEFAULT_COUNT},
            "20",
        ),
        Parameter(
            "_type",
            "Only resources of these types, with a comma between them.",
            {"type": "string"},
            "Encounter,Condition",
        ),
        Parameter("start", "Only care on or after this date, which may be partial.", {"type": "string"}, "2024"),
        Parameter("end", "Only care on or before this date, which may be partial.", {"type": "string"}, "2026-06-30"),
        Parameter("person", "Also the records of the same person in other hospitals.", {"type": "boolean"}, "true"),
        Parameter(
            "mode",
            "What to tell of the server: `terminology` is a TerminologyCapabilities, all else the CapabilityStatement.",
            {"type": "string", "enum": list(MODES)},
            "full",
        ),
        Parameter("_cursor", "Where a page begins. Opaque: only follow the links of a Bundle.", {"type": "string"}),
    )
}
PRESENTATION = ("_format", "_pretty", "_summary", "_elements")
"""What every interaction takes that answers with resources."""


def require_known(request: FhirRequest, names: Iterable[str] = ()) -> None:
    """Raise InvalidParameter for a parameter of no meaning here, when the client wants to know (`handling=strict`).

    No filter can be lost here unnoticed: the interactions that filter refuse what they do not know at once.
    """
    if is_strict(request):
        refuse_unknown(request, names)


def refuse_unknown(request: FhirRequest, names: Iterable[str] = ()) -> None:
    """Raise InvalidParameter for a parameter that is neither about the presentation nor one of `names`."""
    known = (*names, *PRESENTATION)
    for name, _ in request.query:
        if name not in known:
            close = did_you_mean(name, known)
            raise InvalidParameter(name, f"not a parameter of this interaction{close}", () if close else known)


def once(request: FhirRequest, name: str) -> str | None:
    """The value of a parameter that may be given once. Raises InvalidParameter."""
    values = [value for key, value in request.query if key == name]
    if len(values) > 1:
        raise InvalidParameter(name, "may be given only once")
    if values == [""]:
        raise InvalidParameter(name, "has no value")
    return values[0] if values else None


def is_true(request: FhirRequest, name: str) -> bool:
    """Whether a parameter is `true`; without it, no. Raises InvalidParameter."""
    value = once(request, name)
    if value not in {None, "true", "false"}:
        raise InvalidParameter(name, "not a boolean", ("true", "false"))
    return value == "true"


def types(request: FhirRequest, choices: tuple[str, ...]) -> tuple[str, ...] | None:
    """The types that `_type` names, each once; None without it. Raises InvalidParameter."""
    value = once(request, "_type")
    if value is None:
        return None
    named = tuple(dict.fromkeys(value.split(",")))
    for each in named:
        if each not in choices:
            raise InvalidParameter("_type", f"{each!r} is not a choice{did_you_mean(each, choices)}", choices)
    return named


def count(request: FhirRequest) -> int:
    """How many entries a page holds. Raises InvalidParameter."""
    value = once(request, "_count")
    if value is None:
        return DEFAULT_COUNT
    if not _COUNT.fullmatch(value):
        raise InvalidParameter("_count", "not a whole number of 0 or more")
    return min(int(value), MAX_COUNT)


def since(request: FhirRequest) -> int | None:
    """`_since` in ms since 1970 UTC. Raises InvalidParameter."""
    value = once(request, "_since")
    found = date.span(value) if value is not None and _INSTANT.fullmatch(value) else None
    if value is not None and found is None:
        raise InvalidParameter("_since", "not an instant such as 2026-01-01T00:00:00Z")
    return None if found is None else found[0]


def at(request: FhirRequest) -> tuple[int, int] | None:
    """`_at`, a date or time of any precision, as a range in ms since 1970 UTC, its end not in it."""
    return span_of(request, "_at")


def span_of(request: FhirRequest, name: str) -> tuple[int, int] | None:
    """A date or time of any precision as the range that it stands for. Raises InvalidParameter."""
    value = once(request, name)
    if value is None:
        return None
    found = date.span(value)
    if found is None:
        raise InvalidParameter(name, "not a date or time such as 2026, 2026-01, 2026-01-01 or 2026-01-01T00:00:00Z")
    return found
