"""The types of search parameters: how each is indexed, which values and modifiers it takes, and what matches.

Each module has `MODIFIERS`, what is indexed for a parameter and what is asked, which share one normalizer, and the
conditions that its terms name.
https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from gateway.search.fhirpath import Branch, Sink, branches
from gateway.search.parameter_types import composite, date, number, phonetic, quantity, reference, string, token, uri
from gateway.search.parameters import SearchParameter

PARAMETER_TYPES: dict[str, ModuleType] = {
    "string": string,
    "token": token,
    "date": date,
    "reference": reference,
    "quantity": quantity,
    "uri": uri,
    "number": number,
    "composite": composite,
}


def parameter_type(parameter: SearchParameter) -> ModuleType:
    """The module of a parameter: that of its type, but for a name's sound."""
    return phonetic if parameter.code == "phonetic" else PARAMETER_TYPES[parameter.type]


def sinks(parameter: SearchParameter) -> Iterable[tuple[Branch, Sink]]:
    """What is indexed for a parameter, and from where in the resource."""
    if parameter.type == "composite":
        return composite.sinks(parameter)
    sink: Sink = parameter_type(parameter).indexer(parameter)
    return ((branch, sink) for branch in branches(parameter.expression, parameter.datatypes))
