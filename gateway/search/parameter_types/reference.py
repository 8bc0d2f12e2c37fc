"""Reference parameters: by id, by type and id, by URL, or by the identifier of what is referred to.

https://hl7.org/fhir/R4/search.html#reference
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types import token
from gateway.search.parameter_types.terms import Rows, Term, invalid, unescape
from gateway.search.parameters import SearchParameter, row_key
from gateway.search.tables import REFERENCE

MODIFIERS = ("identifier",)
"""Besides the names of the target types."""

LITERAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_FORMS = ("id", "Type/id", "URL")


def indexer(parameter: SearchParameter) -> Sink:
    """Rows for where a Reference or a canonical leads, and for the identifier it carries."""
    name = f"{parameter.resource_type}.{parameter.code}"
    key, by_identifier = row_key(name), token.identifier_indexer(f"{name}:identifier")

    def index(value: Any, rows: Rows) -> None:
        if type(value) is str:  # a canonical: with its version, and without
            rows.reference.append((value, key, ""))
            if "|" in value:
                rows.reference.append((value.partition("|")[0], key, ""))
        elif type(value) is dict:
            literal, identifier = value.get("reference"), value.get("identifier")
            target_type, target_id = target(literal) if type(literal) is str else ("", "")
            rows.reference.append((target_id, key, target_type))
            if type(identifier) is dict:
                by_identifier(identifier, rows)

    return index


@lru_cache(maxsize=8192)
def target(literal: str) -> tuple[str, str]:
    """Type and id of a relative reference; no type and the URL of an absolute one; nothing of a contained one."""
    found = LITERAL.fullmatch(literal)
    if found is not None:
        return found.group(1), found.group(2)
    return "", "" if literal.startswith("#") else literal


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A target. Raises InvalidParameter."""
    name = f"{parameter.resource_type}.{parameter.code}"
    if modifier == "identifier":
        return token.term_under(f"{name}:identifier", parameter, text)._replace(rank=1)
    key, found = row_key(name), unescape(text)
    if base and found.startswith(f"{base}/"):
        found = found[len(base) + 1 :]
    literal = LITERAL.fullmatch(found)
    if literal is not None:
        target_type, target_id = literal.groups()
        if modifier and target_type != modifier:
            raise invalid(parameter.code, text, f"is not of the type that :{modifier} asks for")
        return Term(REFERENCE, key, of_type, (target_id, target_type), 1)
    if _ID.fullmatch(found):
        only = parameter.targets[0] if len(parameter.targets) == 1 and "*" not in parameter.targets else ""
        if modifier or only:
            return Term(REFERENCE, key, of_type, (found, modifier or only), 1)
        return Term(REFERENCE, key, anything, (found,), 1)
    if not modifier and ":" in found and not any(sign.isspace() for sign in found):
        return Term(REFERENCE, key, of_type, (found, ""), 1)
    raise invalid(parameter.code, text, "is not a reference", _FORMS)


def anything(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return rows.c.target_id == values[0]


def of_type(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return and_(rows.c.target_id == values[0], rows.c.target_type == values[1])
