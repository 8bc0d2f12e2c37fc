"""Reference parameters: by id, by type and id, by URL, or by the identifier of what is referred to.

https://hl7.org/fhir/R4/search.html#reference
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, select

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types import token
from gateway.search.parameter_types.terms import Condition, Place, Rows, Term, invalid, unescape
from gateway.search.parameters import SearchParameter, row_key, system_key
from gateway.search.tables import REFERENCE, TARGET

MODIFIERS = ("identifier",)
"""Besides the names of the target types."""

LITERAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_FORMS = ("id", "Type/id", "URL")


def indexer(parameter: SearchParameter) -> Sink:
    """Rows for where a Reference or a canonical leads, and for the identifier it carries."""
    key = row_key(f"{parameter.resource_type}.{parameter.code}")

    def index(value: Any, rows: Rows) -> None:
        if type(value) is str:  # a canonical: with its version, and without
            rows.reference.append(((value, "", "", 0), key))
            if "|" in value:
                rows.reference.append(((value.partition("|")[0], "", "", 0), key))
        elif type(value) is dict:
            found, identifier = value.get("reference"), value.get("identifier")
            literal = found if type(found) is str else ""
            if type(identifier) is dict and type(identifier.get("value")) is str:
                place = _place(literal, identifier["value"], str(identifier.get("system", "")))
            else:
                place = _place(literal, "", "")
            rows.reference.append((place, key))

    return index


@lru_cache(maxsize=8192)
def _place(literal: str, code: str, system: str) -> Place:
    target_type, target_id = target(literal)
    return target_id, target_type, code, system_key(system)


@lru_cache(maxsize=8192)
def target(literal: str) -> tuple[str, str]:
    """Type and id of a relative reference; no type and the URL of an absolute one; nothing of a contained one."""
    found = LITERAL.fullmatch(literal)
    if found is not None:
        return found.group(1), found.group(2)
    return "", "" if literal.startswith("#") else literal


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A target. Raises InvalidParameter."""
    key, found = row_key(f"{parameter.resource_type}.{parameter.code}"), unescape(text)
    if modifier == "identifier":
        meant = token.term_under("", parameter, text)
        return Term(REFERENCE, key, carrying(meant.condition), meant.values, 1)
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
    targets = TARGET.alias()
    return rows.c.target.in_(select(targets.c.number).where(targets.c.id == values[0]))


def of_type(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    targets = TARGET.alias()
    numbers = select(targets.c.number).where(targets.c.id == values[0], targets.c.type == values[1])
    return rows.c.target == numbers.scalar_subquery()  # one at most: so the rows are known to stand in order


@cache
def carrying(condition: Condition) -> Condition:
    """References with an identifier for which a condition of tokens holds."""

    def carries(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
        targets = TARGET.alias()
        numbers = select(targets.c.number).where(condition(targets, values))
        return and_(rows.c.identified == 1, rows.c.target.in_(numbers))

    return carries
