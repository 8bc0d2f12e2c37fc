"""Query string to SearchRequest: every pair is honoured, refused, or reported as ignored. Knows no tables' contents.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, NamedTuple

from sqlalchemy import Table

from gateway.outcomes import InvalidParameter
from gateway.search.clauses import COLUMNS, TABLES, AnyClause, Reading, read_clause, unknown
from gateway.search.includes import Include, read_include, read_revinclude
from gateway.search.parameter_types.terms import invalid
from gateway.search.parameters import offered, row_key
from gateway.search.persons import known
from gateway.store import RESOURCE

DEFAULT_COUNT = 20
MAX_COUNT = 1000
MAX_SORT_KEYS = 5

Total = Literal["accurate", "estimate", "none"]
"""An estimate is accurate too; it is left out where counting is much work. This is what nobody has to ask for."""

_SORTED_BY = {"string": "value", "token": "code", "date": "low", "quantity": "low", "number": "low", "uri": "value"}
_ELEMENT = re.compile(r"[A-Za-z_]\w*")
_END_OF_HEAD = re.compile(r"[.:]")
_OTHERS = ("_format", "_pretty", "_cursor")
"""Known, and another layer's business."""


class Ignored(NamedTuple):
    """A parameter that was not applied, for an `outcome` entry."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of `_sort`: the column of a table that holds its values."""

    code: str
    table: Table
    key: int | str
    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search that is understood."""

    resource_type: str
    clauses: tuple[AnyClause, ...]
    sort: tuple[SortKey, ...]
    count: int
    includes: tuple[Include, ...]
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
    reading: Reading
    clauses: list[AnyClause] = field(default_factory=list)
    sort: tuple[SortKey, ...] = ()
    count: int = DEFAULT_COUNT
    includes: list[Include] = field(default_factory=list)
    summary: str | None = None
    elements: tuple[str, ...] = ()
    total: Total = "estimate"
    ignored: list[Ignored] = field(default_factory=list)


class Within(NamedTuple):
    """What bounds a search besides its parameters, such as a compartment."""

    name: str
    """As it is bound into cursors."""
    clause: AnyClause


def parse(
    resource_type: str, pairs: Sequence[tuple[str, str]], *, strict: bool, base: str, within: Within | None = None
) -> SearchRequest:
    """Understand a search of one type. `base` is this server's own URL. Raises InvalidParameter."""
    draft = _Draft(resource_type, strict, Reading(base.rstrip("/")))
    honoured: list[tuple[str, str]] = []
    matching: list[str] = [resource_type]
    if within is not None:
        draft.clauses.append(within.clause)
        matching.append(within.name)
    once: set[str] = set()
    for name, value in pairs:
        if name in _OTHERS:
            continue
        require_text(name, value)
        result = _RESULT_PARAMETERS.get(name)
        if result is not None:
            if name in once:
                raise InvalidParameter(name, "may be given only once")
            if "include" not in name:
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
        draft.summary,
        draft.elements,
        draft.total,
        tuple(draft.ignored),
        tuple(honoured),
        blake2b("\0".join(matching).encode(), digest_size=16).digest(),
    )


def require_text(name: str, value: str) -> None:
    """Raise InvalidParameter for what no parameter can mean."""
    try:
        (name + value).encode()
    except UnicodeEncodeError:
        raise InvalidParameter("value", "not text in UTF-8") from None
    if "\0" in value:
        raise invalid(name, value, "holds a NUL character")
    if not value:
        raise InvalidParameter(name, "has no value")


# Filters


def _clause(draft: _Draft, name: str, value: str) -> AnyClause | None:
    """None for a parameter that is ignored: only one that the type does not have at all may be."""
    head = _END_OF_HEAD.split(name, maxsplit=1)[0]
    if head != "_has" and head not in known(draft.resource_type):
        if head in _RESULT_PARAMETERS:
            choices = (":iterate",) if "include" in head else ()
            raise InvalidParameter(name, f"this modifier on {head} is not supported", choices)
        error = unknown(draft.resource_type, name, head, _RESULT_PARAMETERS)
        if draft.strict:
            raise error
        draft.ignored.append(Ignored(name, error.problem))
        return None
    return read_clause(draft.reading, draft.resource_type, name, value)


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
        if code in COLUMNS:
            keys.append(SortKey(code, RESOURCE, draft.resource_type, COLUMNS[code], descending))
        else:
            key = row_key(f"{draft.resource_type}.{code}")
            keys.append(SortKey(code, TABLES[parameter.type], key, _SORTED_BY[parameter.type], descending))
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


def _includes(read: Callable[..., Include], *, iterate: bool) -> Callable[[_Draft, str], None]:
    def include(draft: _Draft, value: str) -> None:
        draft.includes.append(read(draft.resource_type, value, iterate=iterate))

    return include


_RESULT_PARAMETERS: dict[str, Callable[[_Draft, str], None]] = {
    "_sort": _sort,
    "_count": _count,
    "_include": _includes(read_include, iterate=False),
    "_include:iterate": _includes(read_include, iterate=True),
    "_revinclude": _includes(read_revinclude, iterate=False),
    "_revinclude:iterate": _includes(read_revinclude, iterate=True),
    "_summary": _summary,
    "_elements": _elements,
    "_total": _total,
}
