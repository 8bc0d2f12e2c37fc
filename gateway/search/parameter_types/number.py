"""Number parameters: quantities that have no unit.

https://hl7.org/fhir/R4/search.html#number
"""

from __future__ import annotations

from typing import Any

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types.quantity import add_number, number_term
from gateway.search.parameter_types.terms import Rows, Term
from gateway.search.parameters import SearchParameter, row_key

MODIFIERS: tuple[str, ...] = ()


def indexer(parameter: SearchParameter) -> Sink:
    """A row for a number."""
    key = row_key(f"{parameter.resource_type}.{parameter.code}")

    def index(value: Any, rows: Rows) -> None:
        if type(value) is not bool:
            add_number(rows, key, value)

    return index


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A number with an optional prefix. Raises InvalidParameter."""
    del base, modifier
    return number_term(parameter, text)
