"""Query string to SearchRequest: every pair is honoured, refused, or reported as ignored. Knows no tables' contents.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import blake2b
from typing import Literal, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, FromClause, Table, true

from gateway.outcomes import InvalidParameter
from gateway.search.parameter_types import PARAMETER_TYPES, date, token
from gateway.search.parameter_types.terms import Term, invalid, split
from gateway.search.parameters import SERVED_TYPES, SearchParameter, of_type, offered, row_key
from gateway.search.tables import DATE, QUANTITY, REFERENCE, STRING, TOKEN, URI
from gateway.store import RESOURCE

DEFAULT_COUNT = 20
MAX_COUNT = 1000
MAX_VALUES = 500
"""Alternatives of one parameter."""
MAX_SORT_KEYS = 5

Total = Literal["accurate", "estimate", "none"]

_TABLES: dict[str, Table] = {
    "string": STRING,
    "token": TOKEN,
    "date": DATE,
    "reference": REFERENCE,
    "quantity": QUANTITY,
    "number": QUANTITY,
    "uri": URI,
}
_SORTED_BY = {"string": "value", "token": "code", "date": "low", "quantity": "low", "number": "low", "uri": "value"}
_COLUMNS = {"_id": "id", "_lastUpdated": "updated"}
_ELEMENT = re.compile(r"[A-Za-z_]\w*")
_OTHERS = ("_format", "_pretty", "_cursor")
"""Known, and another layer's business."""


class Ignored(NamedTuple):
    """A parameter that was not applied, for an `outcome` entry."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One parameter of the query: any of its terms matches, or, negated, none does."""

    code: str
    terms: tuple[Term, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of `_sort`: the column of a table that holds its values."""

    code: str
    table: Table
    key: int | str
    column: str
    descending: bool


class Include(NamedTuple):
    """`_include` or `_revinclude`: follow a reference parameter of `resource_type`."""

    resource_type: str
    code: str
    target: str | None


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search that is understood."""

    resource_type: str
    clauses: tuple[Clause, ...]
    sort: tuple[SortKey, ...]
    count: int
    includes: tuple[Include, ...]
    revincludes: tuple[Include, ...]
    summary: str | None
    """true, text, data, count or false, as asked for."""
    elements: tuple[str, ...]
    total: Total
    ignored: tuple[Ignored, ...]
    self_pairs: tuple[tuple[str, str], ...]
    """Exactly the honoured parameters, for links."""
    fingerprint: bytes
    """What the matches and their order depend on."""

    @property
    def counts_only(self) -> bool:
        """Whether no entries are wanted."""
        return self.count == 0 or self.summary == "count"


@dataclass(slots=True)
class _Draft:
    """A request while its pairs are read."""

    resource_type: str
    strict: bool
    base: str
    clauses: list[Clause] = field(default_factory=list)
    sort: tuple[SortKey, ...] = ()
    count: int = DEFAULT_COUNT
    includes: list[Include] = field(default_factory=list)
    revincludes: list[Include] = field(default_factory=list)
    summary: str | None = None
    elements: tuple[str, ...] = ()
    total: Total = "accurate"
    ignored: list[Ignored] = field(default_factory=list)


def parse(resource_type: str, pairs: Sequence[tuple[str, str]], *, strict: bool, base: str) -> SearchRequest:
    """Understand a search of one type. `base` is this server's own URL. Raises InvalidParameter."""
    draft = _Draft(resource_type, strict, base.rstrip("/"))
    honoured: list[tuple[str, str]] = []
    matching: list[str] = [resource_type]
    once: set[str] = set()
    for name, value in pairs:
        if name in _OTHERS:
            continue
        _require_text(name, value)
        result = _RESULT_PARAMETERS.get(name)
        if result is not None:
            if name in once:
                raise InvalidParameter(name, "may be given only once")
            if name not in ("_include", "_revinclude"):
                once.add(name)
            result(draft, value)
            honoured.append((name, str(draft.count) if name == "_count" else value))
            if name == "_sort":
                matching += (name, value)
        elif (clause := _clause(draft, name, value)) is not None:
            draft.clauses.append(clause)
            honoured.append((name, value))
            matching += (name, value)
    if draft.elements and draft.summary not in (None, "false"):
        raise InvalidParameter("_elements", "cannot be combined with _summary")
    return SearchRequest(
        resource_type,
        tuple(draft.clauses),
        draft.sort,
        draft.count,
        tuple(dict.fromkeys(draft.includes)),
        tuple(dict.fromkeys(draft.revincludes)),
        draft.summary,
        draft.elements,
        draft.total,
        tuple(draft.ignored),
        tuple(honoured),
        blake2b("\0".join(matching).encode(), digest_size=16).digest(),
    )


def _require_text(name: str, value: str) -> None:
    try:
        (name + value).encode()
    except UnicodeEncodeError:
        raise InvalidParameter("value", "not text in UTF-8") from None
    if "\0" in value:
        raise invalid(name, value, "holds a NUL character")
    if not value:
        raise InvalidParameter(name, "has no value")


# Filters


def _clause(draft: _Draft, name: str, value: str) -> Clause | None:
    code, _, modifier = name.partition(":")
    if code == "_has":
        raise InvalidParameter(name, "reverse chaining (_has) is not supported yet")
    head = re.split(r"[.:]", name, maxsplit=1)[0]
    parameter = offered(draft.resource_type).get(head)
    if parameter is None:
        if head in _RESULT_PARAMETERS:
            raise InvalidParameter(name, f"a modifier on {head} is not supported")
        _report_unknown(draft, name, head)
        return None
    if "." in name[len(head) :]:
        raise InvalidParameter(name, "chained parameters are not supported yet")
    if name.endswith(":"):
        raise InvalidParameter(name, "names no modifier after its colon")
    return _CLAUSES.get(code, _typed_clause)(draft, parameter, modifier, value)


def _report_unknown(draft: _Draft, name: str, head: str) -> None:
    known = of_type(draft.resource_type).get(head)
    reason = "not a search parameter of " + draft.resource_type
    if known is not None:
        reason = f"not supported here: {known.reason}"
    if not draft.strict:
        draft.ignored.append(Ignored(name, reason))
        return
    names = [*offered(draft.resource_type), *_RESULT_PARAMETERS]
    close = get_close_matches(head, names, n=3, cutoff=0.6)
    if close and known is None:
        raise InvalidParameter(name, f"{reason}; did you mean {' or '.join(close)}?")
    raise InvalidParameter(name, reason, tuple(sorted(names)))


def modifiers(parameter: SearchParameter) -> tuple[str, ...]:
    """The modifiers that a parameter takes here."""
    if parameter.code in _COLUMNS:
        return ("not",) if parameter.code == "_id" else ()
    found: tuple[str, ...] = PARAMETER_TYPES[parameter.type].MODIFIERS
    if parameter.type == "token" and "Identifier" not in parameter.datatypes:
        found = tuple(modifier for modifier in found if modifier != "of-type")
    if parameter.type == "token" and not {"CodeableConcept", "Coding", "Identifier"} & set(parameter.datatypes):
        found = tuple(modifier for modifier in found if modifier != "text")
    if parameter.type == "reference" and "Reference" not in parameter.datatypes:
        found = ()
    return (*found, "missing")


def _require_modifier(parameter: SearchParameter, modifier: str) -> None:
    if not modifier or modifier in modifiers(parameter):
        return
    choices = modifiers(parameter)
    if parameter.type == "reference":
        if modifier in parameter.targets or ("*" in parameter.targets and modifier[:1].isupper()):
            return
        choices += parameter.targets
    raise InvalidParameter(f"{parameter.code}:{modifier}", "this modifier is not supported here", choices or ("none",))


def _typed_clause(draft: _Draft, parameter: SearchParameter, modifier: str, value: str) -> Clause:
    _require_modifier(parameter, modifier)
    if modifier == "missing":
        return _missing(parameter, draft.resource_type, value)
    read = PARAMETER_TYPES[parameter.type].term
    wanted = "" if modifier == "not" else modifier
    terms = tuple(read(parameter, wanted, text, draft.base) for text in _alternatives(parameter.code, value))
    return Clause(parameter.code, terms, negated=modifier == "not")


def _alternatives(code: str, value: str) -> list[str]:
    texts = split(value, ",")
    if len(texts) > MAX_VALUES:
        raise InvalidParameter(code, f"has more than {MAX_VALUES} values")
    if not all(texts):
        raise invalid(code, value, "has an empty value in it")
    return texts


def _missing(parameter: SearchParameter, resource_type: str, value: str) -> Clause:
    if value not in ("true", "false"):
        raise invalid(f"{parameter.code}:missing", value, "is not a truth value", ("true", "false"))
    key = row_key(f"{resource_type}.{parameter.code}")
    return Clause(parameter.code, (Term(_TABLES[parameter.type], key, any_row, (), 8),), negated=value == "true")


def any_row(rows: FromClause, values: Sequence[BindParameter[object]]) -> ColumnElement[bool]:
    """The condition of `:missing`: there is a row."""
    del rows, values
    return true()


def _id_clause(draft: _Draft, parameter: SearchParameter, modifier: str, value: str) -> Clause:
    _require_modifier(parameter, modifier)
    texts = _alternatives(parameter.code, value)
    terms = tuple(token.id_term(parameter, draft.resource_type, text) for text in texts)
    return Clause(parameter.code, terms, negated=modifier == "not")


def _last_updated_clause(draft: _Draft, parameter: SearchParameter, modifier: str, value: str) -> Clause:
    _require_modifier(parameter, modifier)
    texts = _alternatives(parameter.code, value)
    return Clause(parameter.code, tuple(date.last_updated_term(parameter, draft.resource_type, text) for text in texts))


_CLAUSES: dict[str, Callable[[_Draft, SearchParameter, str, str], Clause]] = {
    "_id": _id_clause,
    "_lastUpdated": _last_updated_clause,
}


# What shapes the result


def sortable(resource_type: str) -> tuple[str, ...]:
    """The parameters that `_sort` takes."""
    return tuple(code for code, parameter in offered(resource_type).items() if parameter.type in _SORTED_BY)


def _sort(draft: _Draft, value: str) -> None:
    keys: list[SortKey] = []
    for text in value.split(","):
        code = text.removeprefix("-")
        parameter = offered(draft.resource_type).get(code)
        if parameter is None or parameter.type not in _SORTED_BY:
            raise invalid("_sort", text, "is nothing to sort by", sortable(draft.resource_type))
        if any(key.code == code for key in keys):
            raise invalid("_sort", code, "is named twice")
        descending = text.startswith("-")
        if code in _COLUMNS:
            keys.append(SortKey(code, RESOURCE, draft.resource_type, _COLUMNS[code], descending))
        else:
            key = row_key(f"{draft.resource_type}.{code}")
            keys.append(SortKey(code, _TABLES[parameter.type], key, _SORTED_BY[parameter.type], descending))
    if len(keys) > MAX_SORT_KEYS:
        raise InvalidParameter("_sort", f"has more than {MAX_SORT_KEYS} keys")
    draft.sort = tuple(keys)


def _count(draft: _Draft, value: str) -> None:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise invalid("_count", value, "is not a whole number of 0 or more")
    draft.count = min(int(value), MAX_COUNT)


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def chosen(name: str, value: str) -> str:
        if value not in choices:
            raise invalid(name, value, "is not a choice", choices)
        return value

    return chosen


_summary_of = _one_of("true", "text", "data", "count", "false")
_total_of = _one_of("none", "estimate", "accurate")


def _summary(draft: _Draft, value: str) -> None:
    draft.summary = _summary_of("_summary", value)


def _total(draft: _Draft, value: str) -> None:
    draft.total = _total_of("_total", value)  # type: ignore[assignment]


def _elements(draft: _Draft, value: str) -> None:
    names = tuple(dict.fromkeys(value.split(",")))
    for name in names:
        if not _ELEMENT.fullmatch(name):
            raise invalid("_elements", name, "is not the name of an element")
    draft.elements = names


def _include(draft: _Draft, value: str) -> None:
    include = _followed("_include", value, (draft.resource_type,))
    draft.includes.append(include)


def _revinclude(draft: _Draft, value: str) -> None:
    include = _followed("_revinclude", value, SERVED_TYPES)
    targets = offered(include.resource_type)[include.code].targets
    if "*" not in targets and draft.resource_type not in targets:
        raise invalid("_revinclude", value, f"does not refer to {draft.resource_type}")
    if include.target not in (None, draft.resource_type):
        raise invalid("_revinclude", value, "names another target than what is searched", (draft.resource_type,))
    draft.revincludes.append(include)


def _followed(name: str, value: str, types: tuple[str, ...]) -> Include:
    resource_type, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if resource_type not in types:
        raise invalid(name, value, "does not begin with a type that can be followed here", types)
    parameter = offered(resource_type).get(code)
    if parameter is None or parameter.type != "reference":
        raise invalid(name, value, "does not name a reference parameter", followable(resource_type))
    if target and "*" not in parameter.targets and target not in parameter.targets:
        raise invalid(name, value, "names a type that the parameter does not refer to", parameter.targets)
    return Include(resource_type, code, target or None)


def followable(resource_type: str) -> tuple[str, ...]:
    """The reference parameters of a type, as `_include` and `_revinclude` take them."""
    return tuple(code for code, parameter in offered(resource_type).items() if parameter.type == "reference")


_RESULT_PARAMETERS: dict[str, Callable[[_Draft, str], None]] = {
    "_sort": _sort,
    "_count": _count,
    "_include": _include,
    "_revinclude": _revinclude,
    "_summary": _summary,
    "_elements": _elements,
    "_total": _total,
}
