"""One parameter of a query as a clause: which rows of the index match, along which references.

Names are read here with their modifiers, chains (`subject:Patient.name`) and reverse chains (`_has`). Knows no SQL.
https://hl7.org/fhir/R4/search.html#modifiers, https://hl7.org/fhir/R4/search.html#chaining,
https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from sqlalchemy import BindParameter, ColumnElement, FromClause, Table, true

from gateway.outcomes import InvalidParameter
from gateway.search.parameter_types import PARAMETER_TYPES, composite, date, parameter_type, phonetic, token, uri
from gateway.search.parameter_types.terms import Term, invalid, split
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES, SearchParameter, of_type, offered, row_key
from gateway.search.persons import derived, known, stands_for
from gateway.search.tables import DATE, QUANTITY, REFERENCE, STRING, TOKEN, URI

MAX_VALUES = 500
"""Alternatives of one parameter."""
MAX_COMPOSITES = 20
"""Alternatives of a composite parameter."""
MAX_DEPTH = 6
"""References that one parameter follows, one after another."""
MAX_LINKS = 64
"""References that all parameters of a search follow together; a chain over several types of target counts for each."""

TABLES: dict[str, Table] = {
    "string": STRING,
    "token": TOKEN,
    "date": DATE,
    "reference": REFERENCE,
    "quantity": QUANTITY,
    "number": QUANTITY,
    "uri": URI,
}
COLUMNS = {"_id": "id", "_lastUpdated": "updated"}
"""The parameters that are columns of the store's own table."""


@dataclass(frozen=True, slots=True)
class Clause:
    """Any of the terms matches, or, negated, none does."""

    terms: tuple[Term, ...]
    negated: bool = False

    @property
    def rank(self) -> int:
        """How few resources it is likely to match: a clause of low rank is tried first."""
        return min(term.rank for term in self.terms)


class Link(NamedTuple):
    """A reference to follow, to or from resources of which a clause must hold."""

    reverse: bool
    """Whether it is followed from its target to what refers to it."""
    key: int
    """The `row_key` of the reference parameter."""
    target: str
    """The type that it leads to."""
    far: str
    """The type at its other end, of which the clause speaks."""
    clause: AnyClause


@dataclass(frozen=True, slots=True)
class Linked:
    """Any of the links leads to a match."""

    links: tuple[Link, ...]

    @property
    def rank(self) -> int:
        """As of a clause; what is linked may be more than what it is linked to."""
        return 1 + min(9 if isinstance(far, Clause) and far.negated else far.rank for *_, far in self.links)


@dataclass(frozen=True, slots=True)
class Joint:
    """Of any of the alternatives all clauses match; the first is the one to start from."""

    alternatives: tuple[tuple[AnyClause, ...], ...]

    @property
    def rank(self) -> int:
        """As of where to start."""
        return min(first.rank for first, *_ in self.alternatives)


AnyClause = Clause | Linked | Joint


@dataclass(slots=True)
class Reading:
    """What the clauses of one search share while they are read."""

    base: str
    """This server's own URL."""
    links: int = 0


def read_clause(reading: Reading, resource_type: str, name: str, value: str) -> AnyClause:
    """The clause of a parameter whose first word is one of the type's, or `_has`. Raises InvalidParameter."""
    try:
        return _clause(reading, resource_type, name, value, 0)
    except InvalidParameter as error:  # inside a chain it names the last parameter only
        raise InvalidParameter(name, error.problem, error.choices) from None


def _clause(reading: Reading, resource_type: str, name: str, value: str, depth: int) -> AnyClause:
    if name == "_has" or name.startswith("_has:"):
        return _reverse(reading, resource_type, name, value, depth)
    head, chained, rest = name.partition(".")
    code, colon, modifier = head.partition(":")
    parameter = known(resource_type).get(code)
    if parameter is None:
        raise unknown(resource_type, name, code)
    if colon and not modifier:
        raise InvalidParameter(name, "names no modifier after its colon")
    if code in derived(resource_type):
        require_modifier(parameter, modifier)
        return _clause(reading, resource_type, *stands_for(resource_type, rest, value, reading.base), depth)
    if chained:
        return _forward(reading, parameter, modifier, rest, value, depth)
    require_modifier(parameter, modifier)
    if modifier == "missing":
        return _missing(parameter, value)
    return _clause_of(reading, parameter, modifier, _alternatives(code, value))


# Chains


def _forward(reading: Reading, parameter: SearchParameter, target: str, rest: str, value: str, depth: int) -> Linked:
    """`code:Type.rest`, or `code.rest` over all types that it may lead to and that know the rest."""
    if parameter.type != "reference" or "Reference" not in parameter.datatypes:
        raise InvalidParameter(parameter.code, "is no reference: nothing can be chained to it")
    possible = targets(parameter)
    if target and target not in possible:
        raise invalid(f"{parameter.code}:{target}", target, "is no type that it leads to here", possible or ("none",))
    head = re.split(r"[.:]", rest, maxsplit=1)[0]
    knowing = [each for each in ((target,) if target else possible) if head == "_has" or head in known(each)]
    if not knowing:
        raise unknown(target or possible, rest, head)
    kinds = {known(each)[head].type for each in knowing if head != "_has"}
    if len(kinds) > 1:
        choices = tuple(f"{parameter.code}:{each}" for each in knowing)
        raise InvalidParameter(parameter.code, f"leads to types whose {head} differs; name one", choices)
    key = row_key(f"{parameter.resource_type}.{parameter.code}")
    links = []
    for each in knowing:
        _count_link(reading, depth)
        links.append(Link(False, key, each, each, _clause(reading, each, rest, value, depth + 1)))
    return Linked(tuple(links))


def _reverse(reading: Reading, resource_type: str, name: str, value: str, depth: int) -> Linked:
    """`_has:Type:reference:rest`."""
    _, *parts = name.split(":", 3)
    if len(parts) < 3 or not all(parts):
        raise InvalidParameter(name, "does not say what refers to it", ("_has:Type:reference:parameter",))
    source, code, rest = parts
    if source not in SERVED_TYPES:
        raise InvalidParameter(
            name, f"{source!r} is not a type that searches can follow{did_you_mean(source, SERVED_TYPES)}"
        )
    parameter = offered(source).get(code)
    referring = tuple(each for each in followable(source) if resource_type in targets(offered(source)[each]))
    if parameter is None or code not in referring:
        raise InvalidParameter(
            name, f"{code!r} is no reference from {source} to {resource_type}", referring or ("none",)
        )
    _count_link(reading, depth)
    key = row_key(f"{source}.{code}")
    return Linked((Link(True, key, resource_type, source, _clause(reading, source, rest, value, depth + 1)),))


def _count_link(reading: Reading, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise InvalidParameter("chain", f"follows more than {MAX_DEPTH} references")
    reading.links += 1
    if reading.links > MAX_LINKS:
        raise InvalidParameter("chain", f"the search follows more than {MAX_LINKS} references; name the types in it")


def targets(parameter: SearchParameter) -> tuple[str, ...]:
    """The served types that a reference parameter may lead to."""
    return tuple(each for each in SERVED_TYPES if each in parameter.targets or "*" in parameter.targets)


def followable(resource_type: str) -> tuple[str, ...]:
    """The reference parameters of a type that lead to resources."""
    return tuple(
        code
        for code, parameter in offered(resource_type).items()
        if parameter.type == "reference" and "Reference" in parameter.datatypes
    )


def unknown(types: str | Sequence[str], name: str, code: str, others: Iterable[str] = ()) -> InvalidParameter:
    """The error for a parameter that a type, or all of some types, do not have."""
    listed = [types] if isinstance(types, str) else types
    for each in listed:
        if (other := of_type(each).get(code)) is not None:
            return InvalidParameter(name, f"{code} is not supported here: {other.reason}")
    reason = f"not a search parameter of {' or '.join(listed) or 'any served type'}"
    names = sorted({*others, *(code for each in listed for code in known(each))})
    if close := did_you_mean(code, names):
        return InvalidParameter(name, reason + close)
    return InvalidParameter(name, reason, tuple(names))


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A question that proposes what is alike, or nothing."""
    close = get_close_matches(word, list(choices), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


# Modifiers and values


_EXPANDED = ("in", "not-in", "above", "below")
_CODED = {"CodeableConcept", "Coding"}
_MEANT_FOR = {
    "of-type": {"Identifier"},
    "text": _CODED | {"Identifier"},
    "in": _CODED | {"code"},
    "not-in": _CODED | {"code"},
    "above": _CODED | {"uri", "url", "canonical"},
    "below": _CODED | {"uri", "url", "canonical"},
}
"""Modifiers and the data types that they make sense for."""


def modifiers(parameter: SearchParameter) -> tuple[str, ...]:
    """The modifiers that a parameter takes here, besides the names of types."""
    if parameter.resource_type in RENDERED_TYPES:
        return ()
    if parameter.code in COLUMNS:
        return ("not",) if parameter.code == "_id" else ()
    if parameter.type == "composite" or parameter.code in derived(parameter.resource_type):  # R4: no `missing`
        return ()
    found: tuple[str, ...] = parameter_type(parameter).MODIFIERS
    found = tuple(each for each in found if _MEANT_FOR.get(each, set(parameter.datatypes)) & set(parameter.datatypes))
    if parameter.type == "reference" and "Reference" not in parameter.datatypes:
        found = ()
    return (*found, "missing")


def require_modifier(parameter: SearchParameter, modifier: str) -> None:
    """Raise InvalidParameter for a modifier that the parameter does not take."""
    if not modifier or modifier in modifiers(parameter):
        return
    choices = modifiers(parameter)
    if parameter.type == "reference":
        if modifier in parameter.targets or ("*" in parameter.targets and modifier[:1].isupper()):
            return
        choices += parameter.targets
    raise InvalidParameter(f"{parameter.code}:{modifier}", "this modifier is not supported here", choices or ("none",))


def _alternatives(code: str, value: str) -> list[str]:
    texts = split(value, ",")
    if len(texts) > MAX_VALUES:
        raise InvalidParameter(code, f"has more than {MAX_VALUES} values")
    if not all(texts):
        raise invalid(code, value, "has an empty value in it")
    return texts


def _clause_of(reading: Reading, parameter: SearchParameter, modifier: str, texts: list[str]) -> AnyClause:
    return _BY_CODE.get(parameter.code, _BY_TYPE.get(parameter.type, _typed))(reading, parameter, modifier, texts)


def _typed(reading: Reading, parameter: SearchParameter, modifier: str, texts: list[str]) -> Clause:
    if parameter.type == "token" and modifier in _EXPANDED:
        found = dict.fromkeys(
            term for text in texts for term in token.expanded(parameter, modifier, text, reading.base)
        )
        return Clause(tuple(found), negated=modifier == "not-in")
    read = PARAMETER_TYPES[parameter.type].term
    wanted = "" if modifier == "not" else modifier
    terms = tuple(read(parameter, wanted, text, reading.base) for text in texts)
    return Clause(terms, negated=modifier == "not")


def _missing(parameter: SearchParameter, value: str) -> Clause:
    if value not in ("true", "false"):
        raise invalid(f"{parameter.code}:missing", value, "is not a truth value", ("true", "false"))
    key = row_key(f"{parameter.resource_type}.{parameter.code}")
    table = TABLES[parameter.type]
    condition = uri.any_row if table is URI else any_row
    return Clause((Term(table, key, condition, (), 8),), negated=value == "true")


def any_row(rows: FromClause, values: Sequence[BindParameter[object]]) -> ColumnElement[bool]:
    """The condition of `:missing`: there is a row."""
    del rows, values
    return true()


def _by_id(reading: Reading, parameter: SearchParameter, modifier: str, texts: list[str]) -> Clause:
    del reading
    terms = tuple(token.id_term(parameter, parameter.resource_type, text) for text in texts)
    return Clause(terms, negated=modifier == "not")


def _by_last_updated(reading: Reading, parameter: SearchParameter, modifier: str, texts: list[str]) -> Clause:
    del reading, modifier
    return Clause(tuple(date.last_updated_term(parameter, parameter.resource_type, text) for text in texts))


def _by_sound(reading: Reading, parameter: SearchParameter, modifier: str, texts: list[str]) -> Joint:
    del reading, modifier
    words = (phonetic.terms(parameter, text) for text in texts)
    return Joint(tuple(tuple(Clause((term,)) for term in terms) for terms in words))


def _composite(reading: Reading, parameter: SearchParameter, modifier: str, texts: list[str]) -> Joint:
    if len(texts) > MAX_COMPOSITES:
        raise InvalidParameter(parameter.code, f"has more than {MAX_COMPOSITES} values")
    if others := composite.stands_for(parameter):
        known = offered(parameter.resource_type)
        found = (_composite(reading, known[code], modifier, texts) for code in others)
        return Joint(tuple(alternative for joint in found for alternative in joint.alternatives))
    together = _inside if composite.is_inside(parameter) else _of_resource
    return Joint(tuple(together(reading, parameter, composite.texts(parameter, text)) for text in texts))


def _of_resource(reading: Reading, parameter: SearchParameter, texts: list[str]) -> tuple[AnyClause, ...]:
    """The components of a resource."""
    parts = zip(composite.components(parameter), texts, strict=True)
    clauses = [_typed(reading, composite.of_resource(parameter, component), "", [text]) for component, text in parts]
    return tuple(sorted(clauses, key=lambda clause: clause.rank))


def _inside(reading: Reading, parameter: SearchParameter, texts: list[str]) -> tuple[AnyClause, ...]:
    """The components of an element: what is asked of the one under each form of the code, and the code itself, because
    keys are but hashes.
    """
    coded, other = composite.coded_and_other(parameter)
    by_code = dict(zip((part.parameter.code for part in composite.components(parameter)), texts, strict=True))
    code, value = by_code[coded.parameter.code], by_code[other.parameter.code]
    read = PARAMETER_TYPES[other.parameter.type].term
    forms = composite.forms(coded.parameter, code)
    beside = Clause(tuple(read(composite.under(parameter, form), "", value, reading.base) for form in forms))
    return beside, _typed(reading, coded.parameter, "", [code])


_BY_CODE: dict[str, Callable[[Reading, SearchParameter, str, list[str]], AnyClause]] = {
    "_id": _by_id,
    "_lastUpdated": _by_last_updated,
    "phonetic": _by_sound,
}
_BY_TYPE: dict[str, Callable[[Reading, SearchParameter, str, list[str]], AnyClause]] = {"composite": _composite}
