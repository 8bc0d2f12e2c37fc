"""FHIR JSON to FHIR XML. Nothing is lost: numbers keep their digits, text its white space, a narrative its markup.

Characters that XML 1.0 cannot hold (most control characters) become U+FFFD; no stored resource has any.
https://hl7.org/fhir/R4/xml.html, https://www.w3.org/TR/xml/#charsets
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from itertools import zip_longest
from typing import Any, Final
from xml.parsers import expat

from gateway.interactions.xml_elements import FHIR_NAMESPACE, XHTML_NAMESPACE, XmlElement, xml_elements

_SPECIAL: Final = re.compile(r"[^ !#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_NAMED_CHARACTER: Final = re.compile(r"&(?!amp;|lt;|gt;|quot;|apos;)[A-Za-z][A-Za-z0-9]*;")


def to_xml(body: bytes, *, pretty: bool = False) -> bytes:
    """A resource as XML, with line breaks and indents of two spaces if it is to be `pretty`."""
    # Numbers stay the text that they are.
    resource = json.loads(body, parse_int=str, parse_float=str)
    out = ['<?xml version="1.0" encoding="UTF-8"?>']
    _resource(resource, out, "\n" if pretty else "", f' xmlns="{FHIR_NAMESPACE}"')
    if pretty:
        out.append("\n")
    return "".join(out).encode()


def _resource(resource: dict[str, Any], out: list[str], margin: str, namespace: str = "") -> None:
    resource_type: str = resource["resourceType"]
    out.append(f"{margin}<{resource_type}{namespace}>")
    _children(resource_type, resource, out, margin)
    out.append(f"{margin}</{resource_type}>")


def _complex(name: str, kind: str, value: dict[str, Any], out: list[str], margin: str) -> None:
    attributes = "".join(
        f' {key}="{_escaped(value[key])}"'
        for key in ("id", "url")
        if key in value and xml_elements(kind)[key].shape == "attribute"
    )
    start = len(out)
    out.append(f"{margin}<{name}{attributes}>")
    _children(kind, value, out, margin)
    if len(out) == start + 1:
        out[start] = f"{margin}<{name}{attributes}/>"
    else:
        out.append(f"{margin}</{name}>")


def _children(kind: str, value: dict[str, Any], out: list[str], margin: str) -> None:
    """The elements of a value in the order of its type."""
    elements = xml_elements(kind)
    margin = margin and margin + "  "
    for name in _in_order(elements, value):
        element = elements[name]
        if element.shape == "primitive":
            given, beside = value.get(name), value.get(f"_{name}")
            if element.many:
                for one, more in zip_longest(given or (), beside or ()):
                    _primitive(name, one, more, out, margin)
            else:
                _primitive(name, given, beside, out, margin)
            continue
        for each in value[name] if element.many else (value[name],):
            if element.shape == "complex":
                _complex(name, element.kind, each, out, margin)
            elif element.shape == "xhtml":
                out += (margin, _narrative(each))
            else:
                out.append(f"{margin}<{name}>")
                _resource(each, out, margin and margin + "  ")
                out.append(f"{margin}</{name}>")


def _in_order(elements: dict[str, XmlElement], value: dict[str, Any]) -> Iterator[str]:
    """The names of the elements that are XML elements, each once, `_name` meant too."""
    names = dict.fromkeys(key.removeprefix("_") for key in value if key != "resourceType")
    for name in sorted(names, key=lambda each: elements[each].rank):
        if elements[name].shape != "attribute":
            yield name


def _primitive(name: str, value: Any, beside: dict[str, Any] | None, out: list[str], margin: str) -> None:
    if beside is None:
        out.append(f'{margin}<{name} value="{_lexical(value)}"/>')
        return
    identified = f' id="{_escaped(beside["id"])}"' if "id" in beside else ""
    valued = "" if value is None else f' value="{_lexical(value)}"'
    if "extension" not in beside:
        out.append(f"{margin}<{name}{identified}{valued}/>")
        return
    out.append(f"{margin}<{name}{identified}{valued}>")
    for extension in beside["extension"]:
        _complex("extension", "Extension", extension, out, margin and margin + "  ")
    out.append(f"{margin}</{name}>")


def _lexical(value: Any) -> str:
    if type(value) is str:
        return _escaped(value)
    return "true" if value else "false"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], "�"), text) if _SPECIAL.search(text) else text


def _narrative(div: str) -> str:
    """The markup as it is; what is not well-formed XML is shown as the text that it is."""
    div = div.strip()
    if _is_well_formed(div):
        return div
    # HTML's named characters are unknown to XML.
    named = _NAMED_CHARACTER.sub(lambda found: unescape(found[0]), div)
    return named if _is_well_formed(named) else f'<div xmlns="{XHTML_NAMESPACE}">{_escaped(div)}</div>'


def _is_well_formed(div: str) -> bool:
    parser = expat.ParserCreate("UTF-8")
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(div.encode(), True)
    except (expat.ExpatError, UnicodeEncodeError, _DoctypeError):
        return False
    return True


class _DoctypeError(Exception):
    """A document type is declared: its entities could be anything."""


def _refuse(*_: object) -> None:
    raise _DoctypeError
