"""URI parameters: compared literally; `:below` and `:above` follow the path of a URL.

https://hl7.org/fhir/R4/search.html#uri
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, or_, select

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types.terms import Rows, Term, invalid, unescape
from gateway.search.parameters import SearchParameter, row_key
from gateway.search.tables import URI, URI_TEXT

MODIFIERS = ("above", "below")


def indexer(parameter: SearchParameter) -> Sink:
    """One row for a URI."""
    key = row_key(f"{parameter.resource_type}.{parameter.code}")

    def index(value: Any, rows: Rows) -> None:
        if type(value) is str and value:
            rows.uri.append((key, value))

    return index


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A URI. Raises InvalidParameter."""
    del base
    found, key = unescape(text), row_key(f"{parameter.resource_type}.{parameter.code}")
    if not found or any(sign.isspace() for sign in found):
        raise invalid(parameter.code, text, "is not a URI")
    if not modifier:
        return Term(URI, key, same, (found,), 6)
    if "://" not in found:
        raise invalid(parameter.code, text, f"has no path to go {modifier}: that is for URLs only")
    stem = found.rstrip("/")
    if modifier == "below":
        return Term(URI, key, below, (stem, stem + "/", stem + "0"), 6)  # "0" is the sign after "/"
    segments = stem.split("/")
    stems = ["/".join(segments[:end]) for end in range(3, len(segments) + 1)] or [stem]  # from the host on
    return Term(URI, key, above, tuple(form for stem in stems for form in (stem, stem + "/")), 6)


def any_row(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    """There is one: each of the few texts is looked for."""
    del values
    return rows.c.uri.in_(select(URI_TEXT.alias().c.number))


def same(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    texts = URI_TEXT.alias()
    number = select(texts.c.number).where(texts.c.value == values[0])
    return rows.c.uri == number.scalar_subquery()  # one at most: so the rows are known to stand in order


def below(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    texts = URI_TEXT.alias()
    value = texts.c.value
    found = or_(value == values[0], and_(value >= values[1], value < values[2]))
    return rows.c.uri.in_(select(texts.c.number).where(found))


def above(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    texts = URI_TEXT.alias()
    return rows.c.uri.in_(select(texts.c.number).where(texts.c.value.in_(values)))
