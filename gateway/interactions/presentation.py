"""`_summary`, `_elements` and `_pretty`: with XML, the only requests for which stored bytes are taken apart.

Values are cut out and put together again as they are written: a decimal keeps its digits.
https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from gateway.interactions.exchange import FhirRequest
from gateway.outcomes import InvalidParameter

Summary = Literal["true", "text", "data", "count", "false"]
SUMMARIES: tuple[Summary, ...] = ("true", "text", "data", "count", "false")

_ALWAYS = frozenset({"resourceType", "id", "meta"})
_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_string_end: Callable[[str, int], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]  # typeshed lacks it
_value_end: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


@dataclass(frozen=True, slots=True)
class Presentation:
    """How the client wants its resources."""

    summary: Summary | None = None
    elements: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether resources are wanted as they are."""
        return not self.elements and self.summary in {None, "false"}

    def resource(self, resource_type: str, body: bytes) -> bytes:
        """A stored resource, cut down if that is asked for."""
        if self.is_whole:
            return body
        kept = self._kept(resource_type)
        wanted = {name: raw for name, raw in members(body) if kept(name)}
        wanted["meta"] = _marked(wanted.get("meta", "{}"))
        return "{{{}}}".format(",".join(f'"{name}":{raw}' for name, raw in wanted.items())).encode()

    def _kept(self, resource_type: str) -> Callable[[str], bool]:
        if self.summary == "data":
            return lambda name: name != "text"
        # The definitions come with fhir.resources, which a server that is never asked this need not load.
        from mappers.fhir import definitions

        names = _ALWAYS | set(definitions.mandatory_elements(resource_type))
        if self.elements:
            # `value` means every variant of value[x].
            elements = definitions.elements(resource_type)
            names |= {element.name for element in elements if {element.name, element.choice} & set(self.elements)}
        elif self.summary == "text":
            names |= {"text"}
        else:
            names |= set(definitions.summary_elements(resource_type))
        return lambda name: name.removeprefix("_") in names


def asked_of(request: FhirRequest) -> Presentation:
    """The presentation that an interaction other than search is asked for."""
    summary = request.said("_summary")
    if summary is not None and summary not in SUMMARIES:
        raise InvalidParameter("_summary", "not a kind of summary", SUMMARIES)
    if summary == "count":
        raise InvalidParameter("_summary", "count is for searches only")
    named = [value for key, value in request.query if key == "_elements"]
    elements = tuple(name.strip() for value in named for name in value.split(","))
    if not all(elements):
        raise InvalidParameter("_elements", "holds an empty name")
    if elements and summary not in {None, "false"}:
        raise InvalidParameter("_elements", "cannot be combined with _summary")
    return Presentation(cast("Summary | None", summary), elements)


def members(body: bytes) -> Iterator[tuple[str, str]]:
    """The members of a canonical JSON object, each with its value as it is written."""
    text = body.decode()
    position = 1
    while text[position] != "}":
        name, colon = _string_end(text, position + 1)
        _, end = _value_end(text, colon + 1)
        yield name, text[colon + 1 : end]
        position = end + (text[end] == ",")


def pretty(body: bytes) -> bytes:
    """The same JSON with line breaks and indents of two spaces."""
    lines: list[bytes] = []
    indent = b"\n"
    for token in cast("list[bytes]", _TOKEN.findall(body)):
        if token in b"{[":
            indent += b"  "
            lines += (token, indent)
        elif token in b"}]":
            indent = indent[:-2]
            lines += (indent, token)
        elif token == b",":
            lines += (token, indent)
        else:
            lines.append(b": " if token == b":" else token)
    return b"".join(lines) + b"\n"


def _marked(meta: str) -> str:
    """The tag by which clients know that they must not store what they got as the whole."""
    known = orjson.loads(meta)
    known["tag"] = [*known.get("tag", ()), _SUBSETTED]
    return orjson.dumps(known).decode()
