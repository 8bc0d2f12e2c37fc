"""The types of search parameters: how each is indexed, which values and modifiers it takes, and what matches.

Each module has `MODIFIERS`, `indexer(parameter) -> Sink` and `term(parameter, modifier, text, base) -> Term`, which
share one normalizer, and the conditions that its terms name.
https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from types import ModuleType

from gateway.search.parameter_types import date, number, quantity, reference, string, token, uri

PARAMETER_TYPES: dict[str, ModuleType] = {
    "string": string,
    "token": token,
    "date": date,
    "reference": reference,
    "quantity": quantity,
    "uri": uri,
    "number": number,
}
