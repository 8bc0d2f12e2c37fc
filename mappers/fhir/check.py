"""Says whether a resource is valid R4: structure, cardinalities, formats, required bindings, targets and invariants.

`check` is the fast one that stands before the store; `judge` asks fhir.resources' R4B model, which knows nothing of
bindings, targets or invariants: a second opinion for tests, $validate and golden files. Neither names a value.

Numbers may be int, float or Decimal: jsonschema_rs reads all three, so nothing is converted.
Known gaps of `check`: the target type of an absolute or local reference, a `type` that contradicts its literal,
well-formed XHTML, MIME types, ImplementationGuide.license.
Known gaps of `judge`: it rejects a required choice that is there only as `_x`, and R4's `valueMeta`.
https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from mappers.fhir import definitions
from mappers.fhir.formats import RESOURCE_ID
from mappers.fhir.keywords import KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Path = list[str | int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: where (FHIRPath), which (`con-4`, `required`, `binding`, `target`, `format`…) and why."""

    path: str
    rule: str
    reason: str


def check(resource: dict[str, Any]) -> list[Finding]:
    """Everything that makes the resource invalid R4; [] = valid. About 10 µs for a valid Patient."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in _SUPPORTED:
        return [Finding("Resource", "unknown-type", "is no resource type that can be checked")]
    try:
        local = frozenset(_contained_ids(resource)) if "contained" in resource else _NONE
        return _explain(resource, kind, local)
    except (ValueError, TypeError):  # jsonschema_rs refuses what is no JSON: NaN, a date, a key that is no text
        return [Finding(kind, "json", "holds something that JSON cannot say")]


def judge(resource: dict[str, Any]) -> list[Finding]:
    """What fhir.resources' R4B model says against the resource; [] = nothing. Slow: some 0.2 ms."""
    from pydantic import ValidationError  # comes with fhir.resources, and as late

    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in _SUPPORTED:
        return [Finding("Resource", "unknown-type", "is no resource type that can be judged")]
    try:
        definitions.model(kind).model_validate(resource)
    except (TypeError, KeyError, AttributeError):
        # The model trips over a nested resourceType or a list of types that is no text, instead of refusing it.
        return [Finding(kind, "unreadable", "cannot be read by the R4B model")]
    except ValidationError as error:
        return [
            Finding(_path(kind, list(one["loc"])), one["type"], "is rejected by the R4B model")
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    return []


class _Resource:
    """The keyword `fhirResource`: a resource inside another one. What is in it is checked on its own, once."""

    def __init__(self, _parent: dict[str, Any], _value: Any, _path: Path) -> None:
        pass

    def validate(self, instance: Any) -> None:
        if not _is_resource(instance):
            raise ValueError


_SUPPORTED = frozenset(definitions.RESOURCE_TYPES)
_NONE: frozenset[str] = frozenset()
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
_LITERAL = re.compile(rf"[A-Z][A-Za-z]{{1,63}}/{RESOURCE_ID}(?:/_history/{RESOURCE_ID})?")


@cache
def _schema(kind: str) -> dict[str, Any]:
    return definitions.json_schema(kind)


@cache
def _validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        _schema(kind),
        keywords={**KEYWORDS, "fhirResource": _Resource},
        pattern_options=jsonschema_rs.RegexOptions(),
    )


def _explain(resource: dict[str, Any], kind: str, local: frozenset[str]) -> list[Finding]:
    """The findings of a resource; `local` = the ids that a `#reference` may name."""
    validator = _validator(kind)
    if validator.is_valid(resource) and kind not in _HOLDERS and "contained" not in resource:
        return []
    found: dict[Finding, None] = {}
    for error in validator.iter_errors(resource):
        found.update(dict.fromkeys(_findings(resource, kind, local, error)))
    for place, inner in _held(resource, kind):
        own = local | {""} if place[0] == "contained" else frozenset(_contained_ids(inner))
        named: str = inner["resourceType"]
        for each in _explain(inner, named, own):
            path = _path(kind, place) + each.path.removeprefix(named)
            found[Finding(path, each.rule, each.reason)] = None
    found.update(dict.fromkeys(_containment(resource, kind)))
    return list(found)


def _is_resource(value: Any) -> bool:
    """Whether it is a resource of a type that can be checked."""
    kind = value.get("resourceType") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in _SUPPORTED


def _held(resource: dict[str, Any], kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The resources inside a resource that can be checked, and their places; not those inside of these."""
    waiting: list[tuple[Path, Any]] = [([name], resource.get(name)) for name in ("contained", *_HOLDERS.get(kind, ()))]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, list):
            waiting += [([*place, index], each) for index, each in enumerate(value)]
        elif _is_resource(value):
            yield place, value
        elif isinstance(value, dict) and place[0] != "contained":
            waiting += [([*place, name], value[name]) for name in _WAYS if name in value]


_HOLDERS: dict[str, tuple[str, ...]] = {"Bundle": ("entry",), "Parameters": ("parameter",)}
"""The resource types that hold others besides contained ones, and where."""
_WAYS = ("resource", "response", "outcome", "part")
"""The elements that lead there."""


def _findings(
    resource: dict[str, Any], kind: str, local: frozenset[str], error: jsonschema_rs.ValidationError
) -> Iterator[Finding]:
    place, keyword = list(error.instance_path), error.kind.name
    node = _rule_node(kind, list(error.schema_path))
    rule, value = node.get("x-rule"), _at(resource, place)
    if keyword == "additionalProperties":
        for name in error.kind.as_dict()["unexpected"]:
            yield Finding(_path(kind, [*place, name]), "unknown-element", "is no element of R4")
    elif keyword == "required" and rule is None:
        yield Finding(_path(kind, [*place, error.kind.as_dict()["property"]]), "required", "is required")
    elif rule in ("contained", "resource"):
        yield Finding(_path(kind, place), "unknown-type", "is no resource of a type that can be checked")
    elif rule == "target" and keyword == "pattern":
        yield from _literal(value, _path(kind, place), local)
    else:
        if "x-element" in node:
            place.append(node["x-element"])
        named, reason = _REASONS.get(keyword, (keyword, "is not as R4 has it"))
        if "x-reason" in node:
            named, reason = node["x-rule"], node["x-reason"]
        yield Finding(_path(kind, place), named, reason)


_REASONS = {
    "type": ("type", "has the wrong JSON type"),
    "pattern": ("format", "is not in the form of its type"),
    "minimum": ("format", "is out of the range of its type"),
    "maximum": ("format", "is out of the range of its type"),
    "maxLength": ("format", "is too long"),
    "wholeNumber": ("format", "is no whole number"),
    "enum": ("binding", "is no code of the required value set"),
    "const": ("type", "is of another type"),
    "minItems": ("empty", "is empty"),
    "minProperties": ("empty", "is empty"),
    "anyOf": ("type", "has the wrong JSON type or form"),
}


def _literal(value: Any, path: str, local: frozenset[str]) -> Iterator[Finding]:
    """Why a Reference.reference does not match its pattern; a local one may be sound."""
    if not value.startswith("#"):
        kind, _, _ = value.partition("/")
        if _LITERAL.fullmatch(value) and kind in definitions.RESOURCE_NAMES:
            yield Finding(path, "target", "is no allowed target type")
        else:
            yield Finding(path, "format", "is no Type/id and no absolute URL")
    elif value[1:] not in local:
        yield Finding(path, "ref-1", "names no contained resource")


def _containment(resource: dict[str, Any], kind: str) -> Iterator[Finding]:
    """dom-2 to dom-5: contained resources contain none, have no version or security, and are referred to."""
    contained = resource.get("contained")
    if not isinstance(contained, list):
        return
    named = set(_strings({name: value for name, value in resource.items() if name != "contained"}))
    said = [set(_strings(inner)) for inner in contained]
    sayers = Counter(text for texts in said for text in texts)
    for index, (inner, within) in enumerate(zip(contained, said, strict=True)):
        if not isinstance(inner, dict):
            continue
        path, meta = f"{kind}.contained[{index}]", inner.get("meta")
        own = f"#{inner.get('id')}"
        if "contained" in inner:
            yield Finding(path, "dom-2", "contains a resource itself")
        if own not in named and sayers[own] == (own in within) and "#" not in within:
            yield Finding(path, "dom-3", "is referred to from nowhere")
        if isinstance(meta, dict) and meta.keys() & {"versionId", "lastUpdated"}:
            yield Finding(path, "dom-4", "has a version of its own")
        if isinstance(meta, dict) and "security" in meta:
            yield Finding(path, "dom-5", "has a security label of its own")


def _contained_ids(resource: dict[str, Any]) -> Iterator[str]:
    contained = resource.get("contained")
    for inner in contained if isinstance(contained, list) else ():
        if isinstance(inner, dict) and isinstance(inner.get("id"), str):
            yield inner["id"]


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, str) and value.startswith("#"):
        yield value


def _rule_node(kind: str, schema_path: Path) -> dict[str, Any]:
    """The innermost schema node on the way to the failed keyword that names a rule; {} if none does."""
    node: Any = _schema(kind)
    named: dict[str, Any] = {}
    for step in schema_path:
        node = node[step]
        if isinstance(node, dict) and "x-rule" in node:
            named = node
    return named


def _at(resource: Any, place: Path) -> Any:
    for step in place:
        resource = resource[step]
    return resource


def _path(kind: str, place: Path) -> str:
    """`Patient.name[0].given[1]`. A name that no element could have is left out: it may be data."""
    path = kind
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _NAME.fullmatch(step):
            path += f".{step}"
    return path
