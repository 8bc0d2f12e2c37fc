"""Token parameters: codes, identifiers, flags; compared literally, with or without their system.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, false

from gateway.search.fhirpath import Sink
from gateway.search.parameter_types import string
from gateway.search.parameter_types.terms import Rows, Term, invalid, split, unescape
from gateway.search.parameters import SearchParameter, row_key, system_key
from gateway.search.tables import TOKEN
from gateway.store import RESOURCE
from mappers.terminology import hierarchy
from mappers.terminology.value_sets import value_set, value_set_with_id

MODIFIERS = ("not", "text", "of-type", "in", "not-in", "above", "below")

_FORMS = ("code", "system|code", "|code", "system|")
_OF_TYPE = "system|code|value"


def indexer(parameter: SearchParameter) -> Sink:
    """Rows for a Coding, CodeableConcept, Identifier, ContactPoint, code, string or boolean."""
    name = f"{parameter.resource_type}.{parameter.code}"
    key, text, implied = row_key(name), row_key(f"{name}:text"), parameter.system
    of_datatype: dict[str, Callable[[Any, Rows], None]] = {
        "CodeableConcept": partial(_concept, key, text),
        "Coding": partial(_coding, key, text),
        "Identifier": identifier_indexer(name),
        # The system of a ContactPoint is a code without a URI of its own.
        "ContactPoint": lambda value, rows: _simple(key, "", value.get("value"), rows),
    }
    complex_values = [of_datatype[datatype] for datatype in parameter.datatypes if datatype in of_datatype]

    def index(value: Any, rows: Rows) -> None:
        if type(value) is str:
            rows.token.append((key, value, implied))
        elif type(value) is dict:
            for add in complex_values:
                add(value, rows)
        else:
            _simple(key, implied, value, rows)

    return index


def identifier_indexer(name: str) -> Sink:
    """Rows for Identifiers under a name of their own."""
    key, text, typed = row_key(name), row_key(f"{name}:text"), row_key(f"{name}:of-type")

    def index(value: Any, rows: Rows) -> None:
        found = value.get("value")
        _simple(key, str(value.get("system", "")), found, rows)
        kind = value.get("type")
        if type(kind) is dict:
            if type(kind.get("text")) is str:
                string.add(text, kind["text"], rows)
            for coding in kind.get("coding", ()):
                if found and coding.get("code"):
                    rows.token.append((typed, str(found), f"{coding.get('system', '')}|{coding['code']}"))

    return index


def _simple(key: int, system: str, value: Any, rows: Rows) -> None:
    if type(value) is str:
        rows.token.append((key, value, system))
    elif type(value) is bool:
        rows.token.append((key, "true" if value else "false", system))
    else:
        rows.token.append((key, "", ""))


def _coding(key: int, text: int, value: dict[str, Any], rows: Rows) -> None:
    code, system, display = value.get("code"), value.get("system", ""), value.get("display")
    if type(code) is str and type(system) is str:
        rows.token.append((key, code, system))
    else:
        _simple(key, str(system), code, rows)
    if type(display) is str:
        string.add(text, display, rows)


def _concept(key: int, text: int, value: dict[str, Any], rows: Rows) -> None:
    codings, said = value.get("coding"), value.get("text")
    if type(codings) is list and codings:
        for coding in codings:
            _coding(key, text, coding, rows)
    else:
        rows.token.append((key, "", ""))
    if type(said) is str:
        string.add(text, said, rows)


def term(parameter: SearchParameter, modifier: str, text: str, base: str) -> Term:
    """A code, with its system or any. Raises InvalidParameter."""
    del base
    name = f"{parameter.resource_type}.{parameter.code}"
    if modifier == "text":
        return string.term_under(row_key(f"{name}:text"), parameter.code, "", unescape(text))
    if modifier == "of-type":
        return _of_type(parameter, text)
    if "boolean" in parameter.datatypes and unescape(text).rpartition("|")[2] not in ("true", "false"):
        raise invalid(parameter.code, text, "is not a truth value", ("true", "false"))
    return term_under(name, parameter, text)


def term_under(name: str, parameter: SearchParameter, text: str) -> Term:
    """The same for tokens that stand under another name."""
    found = [unescape(part) for part in split(text, "|")]
    key, rank = row_key(name), 1 if "Identifier" in parameter.datatypes else 5
    match found:
        case [code] if code:
            return Term(TOKEN, key, any_system, (code,), rank)
        case ["", code] if code:
            return Term(TOKEN, key, no_system, (code, system_key(parameter.system)), rank)
        case [system, ""] if system:
            return Term(TOKEN, key, any_code, (system_key(system),), 8)
        case [system, code] if system and code:
            return Term(TOKEN, key, both, (code, system_key(system)), rank)
    raise invalid(parameter.code, text, r"is not a token (a | inside a value is written \|)", _FORMS)


def _of_type(parameter: SearchParameter, text: str) -> Term:
    if "Identifier" not in parameter.datatypes:
        raise invalid(parameter.code, text, "has the modifier of-type, which is for identifiers")
    found = [unescape(part) for part in split(text, "|")]
    if len(found) != 3 or not all(found[1:]):
        raise invalid(parameter.code, text, "does not name a type and a value", (_OF_TYPE,))
    key = row_key(f"{parameter.resource_type}.{parameter.code}:of-type")
    return Term(TOKEN, key, both, (found[2], system_key(f"{found[0]}|{found[1]}")), 1)


def expanded(parameter: SearchParameter, modifier: str, text: str, base: str) -> tuple[Term, ...]:
    """The codes of a value set (`in`, `not-in`), or those `above` or `below` a code. Raises InvalidParameter."""
    codes = _members(parameter, text, base) if modifier in ("in", "not-in") else _relatives(parameter, modifier, text)
    key = row_key(f"{parameter.resource_type}.{parameter.code}")
    if not codes:
        return (Term(TOKEN, key, nothing, (), 0),)
    return tuple(Term(TOKEN, key, both, (code, system_key(system)), 5) for system, code in sorted(codes))


def _members(parameter: SearchParameter, text: str, base: str) -> frozenset[tuple[str, str]]:
    """By the URL of a value set, with or without its version, or by the address of its ValueSet."""
    url, _, edition = unescape(text).partition("|")
    address = url.removeprefix(f"{base}/")
    kind, _, resource_id = address.partition("/")
    found = value_set_with_id(resource_id) if kind == "ValueSet" else value_set(url)
    if found is None or edition not in ("", version("fhir-gateway")):
        raise invalid(parameter.code, text, "is no value set that is known here; /ValueSet lists them")
    return found


def _relatives(parameter: SearchParameter, modifier: str, text: str) -> frozenset[tuple[str, str]]:
    related = hierarchy.ancestors if modifier == "above" else hierarchy.descendants
    match [unescape(part) for part in split(text, "|")]:
        case [code] if code:
            systems = hierarchy.systems()
        case [system, code] if code and system in hierarchy.systems():
            systems = (system,)
        case _:
            raise invalid(parameter.code, text, "is no code of a system whose hierarchy is known", hierarchy.systems())
    return frozenset((system, each) for system in systems for each in related(system, code) | {code})


def id_term(parameter: SearchParameter, resource_type: str, text: str) -> Term:
    """`_id`: the store's own column. Raises InvalidParameter."""
    found = unescape(text).removeprefix("|")
    if not found or "|" in found:
        raise invalid(parameter.code, text, "is not a resource id")
    return Term(RESOURCE, resource_type, has_id, (found,), 0)


def any_system(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return rows.c.code == values[0]


def no_system(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return and_(rows.c.code == values[0], rows.c.system.in_((0, values[1])))


def nothing(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    del rows, values
    return false()


def any_code(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return and_(rows.c.system == values[0], rows.c.code != "")


def both(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return and_(rows.c.code == values[0], rows.c.system == values[1])


def has_id(rows: FromClause, values: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    return and_(rows.c.id == values[0], rows.c.deleted == false())
