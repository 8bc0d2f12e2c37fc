"""FHIR XML to FHIR JSON, for bodies that clients send: the inverse of `xml_writer`.

Expat reads; a document type declaration is refused, so there are no entities to expand and nothing is fetched. Knows
the elements of R4 and no rules about their values: those are the business of whoever takes the resource.
https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

import orjson

from gateway.interactions.xml_elements import (
    FHIR_NAMESPACE,
    XHTML_NAMESPACE,
    XmlElement,
    resource_types,
    xml_elements,
)
from gateway.outcomes import InvalidRequest

MOST_LEVELS: Final = 64
"""Of elements within elements."""
_SCHEMA_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance "
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBERS: Final = {"integer": _INTEGER, "unsignedInt": _INTEGER, "positiveInt": _INTEGER, "decimal": _DECIMAL}
_PLAIN_DIV: Final = re.compile(rf"""<div\s(?:[^>]*\s)?xmlns=["']{re.escape(XHTML_NAMESPACE)}["']""".encode())
_RESOURCE: Final = XmlElement(0, "resource", "", many=False)


def from_xml(document: bytes) -> bytes:
    """The resource of an XML document as JSON. Raises InvalidRequest."""
    return orjson.dumps(_Reader(document).resource())


@dataclass(slots=True)
class _Frame:
    """An element that is still open."""

    name: str
    element: XmlElement
    elements: dict[str, XmlElement]
    """What may stand in it."""
    attributes: dict[str, str]
    content: dict[str, list[Any]] = field(default_factory=dict)
    """What stood in it, by name and in order."""
    resource_type: str | None = None


class _Reader:
    """One document, in one pass."""

    def __init__(self, document: bytes) -> None:
        self._document = document
        self._frames: list[_Frame] = [_Frame("", _RESOURCE, {}, {})]
        self._narrative: int | None = None
        """Where the narrative that is being passed by begins."""
        self._levels = 0

    def resource(self) -> dict[str, Any]:
        """The resource that the document holds."""
        parser = expat.ParserCreate("UTF-8", " ")  # FHIR is UTF-8 whatever the declaration says
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        self._parser = parser
        try:
            parser.Parse(self._document, True)
        except expat.ExpatError as error:
            problem = expat.errors.messages.get(error.code, "not XML")
            raise InvalidRequest(f"the body is not XML: {problem} (line {error.lineno})") from None
        (found,) = self._frames[0].content["resource"]
        resource: dict[str, Any] = found
        return resource

    def _doctype(self, *_: object) -> None:
        raise InvalidRequest("the body declares a document type, which FHIR forbids")

    def _text(self, text: str) -> None:
        if self._narrative is None and not text.isspace():
            raise self._fault("holds text; FHIR's values are attributes")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._levels += 1
        if self._levels > MOST_LEVELS:
            raise InvalidRequest(f"the body nests more than {MOST_LEVELS} elements")
        if self._narrative is not None:
            return
        namespace, _, name = qualified.rpartition(" ")
        parent = self._frames[-1]
        if parent.element.shape == "resource" and parent.resource_type is None:
            self._begin_resource(namespace, name, attributes)
            return
        element = parent.elements.get(name)
        expected = XHTML_NAMESPACE if element is not None and element.shape == "xhtml" else FHIR_NAMESPACE
        if element is None or element.shape == "attribute" or namespace != expected:
            raise self._fault(f"{name} is not an element of it in FHIR R4")
        if element.shape == "xhtml":
            self._narrative = self._parser.CurrentByteIndex
            self._levels_outside = self._levels
            return
        kind = "Element" if element.shape == "primitive" else element.kind
        inside = {} if element.shape == "resource" else xml_elements(kind)
        self._frames.append(_Frame(name, element, inside, self._known(element, attributes, name)))

    def _begin_resource(self, namespace: str, name: str, attributes: dict[str, str]) -> None:
        if namespace != FHIR_NAMESPACE or name not in resource_types():
            raise self._fault(f"{name} is not a resource type of FHIR R4 in the namespace {FHIR_NAMESPACE}")
        holder = self._frames[-1]
        if holder.content:
            raise self._fault("holds more than one resource")
        self._frames.append(
            _Frame(name, _RESOURCE, xml_elements(name), self._known(_RESOURCE, attributes, name), resource_type=name)
        )

    def _known(self, element: XmlElement, attributes: dict[str, str], name: str) -> dict[str, str]:
        """The attributes that are FHIR's."""
        allowed: tuple[str, ...] = ()
        if element.shape == "primitive":
            allowed = ("id", "value")
        elif element.shape == "complex":
            allowed = ("id", "url") if element.kind == "Extension" else ("id",)
        kept = {key: value for key, value in attributes.items() if not key.startswith(_SCHEMA_INSTANCE)}
        for key, value in kept.items():
            if key not in allowed:
                raise self._fault(f"{name} has the attribute {key.rpartition(' ')[2]}, which FHIR does not know")
            if not value:
                raise self._fault(f"{name} has an empty {key}")
        return kept

    def _end(self, qualified: str) -> None:
        if self._narrative is not None:
            if self._levels == self._levels_outside:
                self._frames[-1].content["div"] = [self._passed_by(self._narrative)]
                self._narrative = None
            self._levels -= 1
            return
        self._levels -= 1
        frame = self._frames.pop()
        parent = self._frames[-1]
        if frame.resource_type is not None:
            parent.content["resource"] = [{"resourceType": frame.resource_type, **self._members(frame)}]
            return
        made = self._value(frame)
        held = parent.content.setdefault(frame.name, [])
        if held and not frame.element.many:
            raise self._fault(f"{frame.name} may stand here only once")
        held.append(made)

    def _passed_by(self, start: int) -> str:
        """The narrative as it is written."""
        if not _PLAIN_DIV.match(self._document, start):
            raise self._fault(f'div has to begin with <div xmlns="{XHTML_NAMESPACE}">')
        end_tag = self._parser.CurrentByteIndex
        if not self._document.startswith(b"</div", end_tag):  # <div/>
            raise self._fault("div is empty")
        return self._document[start : self._document.index(b">", end_tag) + 1].decode()

    def _value(self, frame: _Frame) -> Any:
        """A closed element: a primitive as its value and what stands beside it, anything else as its JSON."""
        if frame.element.shape == "resource":
            if not frame.content:
                raise self._fault(f"{frame.name} is empty")
            return frame.content["resource"][0]
        if frame.element.shape == "primitive":
            beside = self._members(frame)
            text = beside.pop("value", None)
            if text is None and not beside:
                raise self._fault(f"{frame.name} is empty")
            return (None if text is None else self._typed(frame, text), beside or None)
        members = self._members(frame)
        if not members:
            raise self._fault(f"{frame.name} is empty")
        return members

    def _members(self, frame: _Frame) -> dict[str, Any]:
        """The JSON members of a closed element."""
        made: dict[str, Any] = dict(frame.attributes)
        for name, values in frame.content.items():
            element = frame.elements[name]
            if element.shape != "primitive":
                made[name] = values if element.many else values[0]
                continue
            plain, beside = zip(*values, strict=True)
            made |= {key: list(each) if element.many else each[0] for key, each in _given(name, plain, beside)}
        return made

    def _typed(self, frame: _Frame, text: str) -> Any:
        kind = frame.element.kind
        if kind == "boolean" and text in {"true", "false"}:
            return text == "true"
        if kind in _NUMBERS and _NUMBERS[kind].fullmatch(text):
            return orjson.Fragment(text)  # with the digits that it has
        if kind == "boolean" or kind in _NUMBERS:
            raise self._fault(f"{frame.name} is not a value of the type {kind}")
        return text

    def _fault(self, problem: str) -> InvalidRequest:
        path = ".".join(frame.name for frame in self._frames[1:])
        line = self._parser.CurrentLineNumber
        return InvalidRequest(f"{path or 'the body'}: {problem} (line {line})", expression=path or None)


def _given(name: str, plain: tuple[Any, ...], beside: tuple[Any, ...]) -> Iterable[tuple[str, tuple[Any, ...]]]:
    """`name` and `_name`, as far as they say something."""
    for key, values in ((name, plain), (f"_{name}", beside)):
        if any(value is not None for value in values):
            yield key, values
