"""What an interaction is given and gives back: plain values, no web framework.

A batch, a test and a web server all speak to the interactions through these.
https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gateway.outcomes import InvalidParameter

if TYPE_CHECKING:
    from gateway.interactions.inputs import Input
    from gateway.store import Store

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"

Level = Literal["instance", "type", "system"]


@dataclass(frozen=True, slots=True)
class FhirRequest:
    """One request below `[base]`."""

    method: str
    path: str
    """Decoded, without `[base]`: `/Patient/123`."""
    query: list[tuple[str, str]]
    """The decoded pairs in their order."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    base_url: str
    """`[base]` without a slash at its end: `http://127.0.0.1:8080/fhir`."""

    def said(self, name: str) -> str | None:
        """The value of a query parameter, None without one. Raises InvalidParameter when it is given two."""
        found = None
        for key, value in self.query:
            if key == name:
                if found not in (None, value):
                    raise InvalidParameter(name, "may be given only once")
                found = value
        return found


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """One answer. Interactions speak JSON: the router writes the form that was asked for."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    route: str = "-"
    """The pattern that matched, for logs: it holds no ids."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the route table: everything the router, the CapabilityStatement and `openapi.yaml` know of it."""

    method: Literal["GET", "POST"]
    """HEAD comes with every GET."""
    pattern: str
    """Segments; `{resource_type}`, `{resource_id}` and `{version_id}` are variables, given to `answer` by name."""
    interaction: str
    """The code of `restful-interaction`, or the name of an operation with its `$`."""
    level: Level
    answer: Callable[..., FhirResponse]
    """`answer(request, services, **variables)`."""
    documentation: str
    parameters: tuple[str, ...] = ()
    """The names of `PARAMETERS` that it takes besides the format; a search takes its type's search parameters too."""
    types: tuple[str, ...] | None = None
    """The resource types it is for; None = all that are served."""
    definition: str | None = None
    """The canonical URL of an operation's OperationDefinition."""
    reads: Literal["form", "resource", "inputs"] | None = None
    """What its body is: the parameters of a form are put into `query`, a resource is handed over as JSON; `inputs` of
    an operation may come either way."""
    inputs: tuple[Input, ...] = ()
    """The inputs of an operation."""
    accepts: str | None = None
    """The type of the resource that it reads; None = any."""
    returns: str | None = None
    """The type of the answer, where it is not of the address's type."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the interactions work with."""

    store: Store
    routes: tuple[Route, ...]
    answer: Callable[[FhirRequest, Services], FhirResponse]
    """The router, for a request within a request: always in JSON."""
