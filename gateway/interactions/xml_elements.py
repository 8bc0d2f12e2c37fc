"""How each FHIR type is written in XML: the order of its elements and the shape of each, from the R4 definitions.

Made once for each type, when XML is first asked for: the definitions import fhir.resources.
https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, NamedTuple

FHIR_NAMESPACE: Final = "http://hl7.org/fhir"
XHTML_NAMESPACE: Final = "http://www.w3.org/1999/xhtml"

Shape = Literal["attribute", "primitive", "complex", "resource", "xhtml"]


class XmlElement(NamedTuple):
    """One JSON property of a type as XML has it."""

    rank: int
    """Its place among the elements of its type; the variants of a choice share one."""
    shape: Shape
    kind: str
    """The name of its FHIR type."""
    many: bool


@cache
def xml_elements(type_name: str) -> dict[str, XmlElement]:
    """The elements of a resource type, data type or backbone by JSON name."""
    from mappers.fhir import definitions  # imports fhir.resources

    made: dict[str, XmlElement] = {}
    ranks: dict[str, int] = {}
    for element in definitions.elements(type_name):
        rank = ranks.setdefault(element.choice or element.name, len(ranks))
        shape: Shape = "primitive" if element.primitive else "complex"
        if element.kind == definitions.RESOURCE:
            shape = "resource"
        elif element.kind == "xhtml":
            shape = "xhtml"
        elif (element.name == "id" and element.kind != "id") or (type_name, element.name) == ("Extension", "url"):
            shape = "attribute"
        made[element.name] = XmlElement(rank, shape, element.kind, element.many)
    return made


@cache
def resource_types() -> frozenset[str]:
    """The resource types that XML can be read and written for."""
    from mappers.fhir import definitions

    return frozenset(definitions.RESOURCE_TYPES)
