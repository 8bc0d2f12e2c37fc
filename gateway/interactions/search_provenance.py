"""search of Provenance: a search of the resources themselves, each answered with its Provenance.

What is current is searched. A former version's Provenance is found where its version is named, by `_id` or by `target`.

https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/provenance.html#search
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.bundles import SearchMode
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.negotiation import is_strict
from gateway.interactions.provenance import PROVENANCE, Target, rendered, rendered_former, target_of
from gateway.interactions.searchset import asked_for, searchset
from gateway.outcomes import InvalidParameter
from gateway.search.clauses import Reading, read_clause, unknown
from gateway.search.included import Row
from gateway.search.includes import Include, joins_rendered, read_include
from gateway.search.parameter_types.reference import LITERAL
from gateway.search.parameter_types.terms import invalid, split
from gateway.search.parameters import SERVED_TYPES, offered
from gateway.search.query import SearchResult
from gateway.search.request import Ignored, SearchRequest, parse, require_text
from gateway.store import Store

_SORTED_BY = {"recorded": "_lastUpdated", "_lastUpdated": "_lastUpdated"}
_PASSED = ("_count", "_total", "_summary", "_elements")
_NAMING = ("_id", "target", "patient")
_AS_THE_TARGET = {"recorded": "_lastUpdated", "_lastUpdated": "_lastUpdated", "_source": "_source"}
"""What a Provenance says as its target does."""

_VERSION = re.compile(r"[1-9][0-9]{0,8}")
Resource = tuple[str, str]
"""Type and id."""
Named = tuple[str, str, int | None]
"""Type, id and version; None = the current one."""


@dataclass(slots=True)
class _Asked:
    """What a search of Provenance says of the resources."""

    named: list[set[Named]] = field(default_factory=list)
    """The targets that each parameter names: those hold that all of them name."""
    passed: list[tuple[str, str]] = field(default_factory=list)
    """What their own search says."""
    honoured: list[tuple[str, str]] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)

    def targets(self, store: Store) -> tuple[set[Resource] | None, list[Target]]:
        """The resources whose current versions are named, None for all, and former versions."""
        if not self.named:
            return None, []
        versions = {Target(kind, each, version) for some in self.named for kind, each, version in some if version}
        current = _current(store, versions)
        resources = set.intersection(
            *({each[:2] for each in some if each[2] is None or each in current} for some in self.named)
        )
        former = versions - current
        for some in self.named:
            former = {each for each in former if each in some or (each.type, each.id, None) in some}
        return resources, sorted(former)


def search_provenance(request: FhirRequest, services: Services, *, resource_type: str) -> FhirResponse:
    """Answer `GET [base]/Provenance?…` and `POST [base]/Provenance/_search`."""
    return search_within(request, services, f"/{resource_type}", [])


def search_within(request: FhirRequest, services: Services, path: str, within: list[set[Named]]) -> FhirResponse:
    """The same among the targets of a compartment; links lead to `path`."""
    asked = _Asked(within)
    reading = Reading(request.base_url)
    for name, value in asked_for(request):
        _read(asked, reading, name, value, strict=is_strict(request))
    with services.store.snapshot():
        resources, former = asked.targets(services.store)
        searches = [
            _said_as(asked, parse(each, [*bounds, *asked.passed], strict=True, base=request.base_url))
            for each, bounds in _bounds(resources)
        ]
        beside = _former(services.store, asked, former, searches[0].count - len(resources or ()))

        def shown(found: SearchResult) -> list[tuple[Row, SearchMode]]:
            targets = [row for row in found.matches if any(joins_rendered(each, row.type) for each in asked.includes)]
            made = rendered(services.store, [(row.type, row.id) for row in found.matches])
            matches: list[tuple[Row, SearchMode]] = [(row, "match") for row in made]
            return matches + [(row, "include") for row in targets]

        return searchset(request, services, path, searches, shown=shown, beside=beside)


def _former(store: Store, asked: _Asked, targets: Sequence[Target], room: int) -> list[Row]:
    """The Provenance of former versions. Nothing of them is indexed: they come as they are named, on one page."""
    found = [row for target in targets if (row := rendered_former(store, target)) is not None]
    if found:
        for name, _ in asked.honoured:
            if name not in _PASSED and name.partition(":")[0] not in _NAMING:
                raise InvalidParameter(name, "is not for a search that names former versions")
        if len(found) > room:
            raise InvalidParameter("_count", "is less than the versions that are named, which come on one page")
    return found


def _said_as(asked: _Asked, search: SearchRequest) -> SearchRequest:
    """A search of resources that tells the client's own parameters."""
    pairs = tuple((name, str(search.count) if name == "_count" else value) for name, value in asked.honoured)
    return replace(search, self_pairs=pairs, ignored=tuple(asked.ignored))


def _bounds(resources: set[Resource] | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """The types to search, each with the ids that are wanted."""
    if resources is None:
        return [(each, []) for each in SERVED_TYPES]
    ids: dict[str, list[str]] = {}
    for kind, resource_id in sorted(resources):
        ids.setdefault(kind, []).append(resource_id)
    # A search that names nothing that is there finds nothing.
    return [(kind, [("_id", ",".join(some))]) for kind, some in ids.items()] or [("Patient", [("_id", "-")])]


def _read(asked: _Asked, reading: Reading, name: str, value: str, *, strict: bool) -> None:
    """Understand one parameter. Raises InvalidParameter."""
    require_text(name, value)
    head = re.split(r"[.:]", name, maxsplit=1)[0]
    if name in ("_sort", *_PASSED):
        if any(name == each for each, _ in asked.honoured):
            raise InvalidParameter(name, "may be given only once")
        asked.passed.append((name, _sort(value) if name == "_sort" else value))
    elif name == "_include":
        asked.includes.append(read_include(PROVENANCE, value, iterate=False))
    elif head in ("_include", "_revinclude", "_has", "_sort", *_PASSED):
        raise InvalidParameter(name, f"is not for a search of {PROVENANCE}")
    elif head not in offered(PROVENANCE):
        error = unknown(PROVENANCE, name, head, ("_sort", "_include", *_PASSED))
        if strict:
            raise error
        asked.ignored.append(Ignored(name, error.problem))
        return
    elif "." in name:
        raise InvalidParameter(name, f"what a {PROVENANCE} refers to is not searched; search it by its own type")
    else:
        read_clause(reading, PROVENANCE, name, value)
        texts = split(value, ",")
        if head in _AS_THE_TARGET:
            asked.passed.append((_AS_THE_TARGET[head], value))
        elif head == "_id":
            asked.named.append({found for each in texts if (found := target_of(each)) is not None})
        else:
            asked.named.append(_referred(reading, head, name.partition(":")[2], texts))
    asked.honoured.append((name, value))


def _sort(value: str) -> str:
    keys = []
    for text in value.split(","):
        code = text.removeprefix("-")
        if code not in _SORTED_BY:
            raise invalid("_sort", text, "is nothing to sort by", tuple(_SORTED_BY))
        keys.append(text.replace(code, _SORTED_BY[code]))
    return ",".join(keys)


def _referred(reading: Reading, code: str, kind: str, texts: Sequence[str]) -> set[Named]:
    """The resources that values of a reference parameter name, and the versions where they name one."""
    possible = tuple(each for each in SERVED_TYPES if {each, "*"} & set(offered(PROVENANCE)[code].targets))
    found: set[Named] = set()
    for text in texts:
        literal = LITERAL.fullmatch(text.removeprefix(f"{reading.base}/"))
        if literal is None:
            found |= {(each, text, None) for each in possible if kind in ("", each)}
        elif literal[1] in possible:
            version = text.partition("/_history/")[2]
            if not version:
                found.add((literal[1], literal[2], None))
            elif _VERSION.fullmatch(version):
                found.add(Target(literal[1], literal[2], int(version)))
    return found


def _current(store: Store, targets: Iterable[Target]) -> set[Target]:
    """Those versions that are the current ones."""
    read = ((target, store.read(target.type, target.id)) for target in targets)
    return {target for target, stored in read if stored and stored.version == target.version}
