"""The parameter `phonetic`: names that sound alike, by the metaphones of their words.

https://hl7.org/fhir/R4/patient.html#search
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jellyfish
from anyascii import anyascii

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types import string
from gateway.search.parameter_types.terms import Rows, Term, invalid, unescape
from gateway.search.parameters import SearchParameter, row_key
from gateway.search.tables import STRING

MODIFIERS: tuple[str, ...] = ()

_PARTS = ("family", "given")


@lru_cache(maxsize=65536)
def sounds(text: str) -> tuple[str, ...]:
    """The metaphone of each word; a word without one, as a number, is itself."""
    words = string.normalize(anyascii(text)[: string.LONGEST]).replace("-", " ").split()
    return tuple(dict.fromkeys(jellyfish.metaphone(word) or word for word in words))


def indexer(parameter: SearchParameter) -> Sink:
    """A row for each word of a name, given or family."""
    key = row_key(f"{parameter.resource_type}.{parameter.code}")

    def index(value: Any, rows: Rows) -> None:
        texts = [value]
        if type(value) is dict:
            found = (value.get(part) for part in _PARTS)
            texts = [text for each in found for text in (each if type(each) is list else (each,))]
        for text in texts:
            if type(text) is str:
                rows.string += ((key, sound, sound) for sound in sounds(text))

    return index


def terms(parameter: SearchParameter, text: str) -> tuple[Term, ...]:
    """A term for each word: all of them must match. Raises InvalidParameter."""
    found = sounds(unescape(text))
    if not found:
        raise invalid(parameter.code, text, "has no letter to search for")
    key = row_key(f"{parameter.resource_type}.{parameter.code}")
    return tuple(Term(STRING, key, string.exact, (sound, sound), 3) for sound in found)
