"""What R4 says of each type (elements, cardinalities, codes, targets, summary), read from fhir.resources' R4B models.

The one door to fhir.resources: its R5 default is never used, and it is imported only when a definition is asked for.
R4 (4.0.1) is the truth: `facts/` holds, element by element, the code lists that the models truncate or lack
(`required_bindings.csv`), where R4B differs from R4 (`r4b_differences.csv`) and R4's type names (`types.csv`).
https://hl7.org/fhir/R4/resourcelist.html
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, get_args

from mappers.fhir.formats import ABSOLUTE_URI, FORMATS, RESOURCE_ID
from mappers.fhir.invariants import INVARIANTS, Invariant, one_of_many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

RESOURCE = "Resource"
"""The element kind of `contained`, `Bundle.entry.resource` and `Parameters.parameter.resource`: any resource."""


def _table(name: str) -> list[dict[str, str]]:
    text = files("mappers.fhir").joinpath("facts", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _key(path: str) -> str:
    """`Timing.repeat.when` → `TimingRepeat.when`: the models name a backbone after its path."""
    *owner, name = path.split(".")
    return "".join(part[0].upper() + part[1:] for part in owner) + "." + name


_TYPES = _table("types")
RESOURCE_NAMES: Final = tuple(row["type"] for row in _TYPES if row["kind"] == "resource")
"""Every concrete R4 resource type: what a reference may name."""
RESOURCE_TYPES: Final = tuple(row["type"] for row in _TYPES if row["model"])
"""The R4 resource types that can be checked; the few others were remade between R4 and R4B."""

_CODE_SETS: Final = {
    "{all types}": tuple(row["type"] for row in _TYPES),
    "{resource types}": tuple(row["type"] for row in _TYPES if row["kind"] != "datatype"),
    "{open}": None,
}
_DIFFERENCES: Final = {_key(row["element"]): row for row in _table("r4b_differences")}
_BINDINGS: Final = {
    _key(row["element"]): (row["system"], _CODE_SETS.get(row["codes"], tuple(row["codes"].split())))
    for row in _table("required_bindings")
}


@dataclass(frozen=True, slots=True)
class Element:
    """One JSON property of a type: `deceasedBoolean`, kind `boolean`, choice `deceased`."""

    name: str
    kind: str
    """A primitive type (a key of FORMATS), the name of a complex type or backbone, or RESOURCE."""
    many: bool = False
    required: bool = False
    choice: str | None = None
    codes: tuple[str, ...] | None = None
    """The codes of a required binding."""
    system: str | None = None
    """The code system of a required binding on a CodeableConcept."""
    targets: tuple[str, ...] | None = None
    """The resource types that a Reference may name; None = any."""
    summary: bool = False

    @property
    def primitive(self) -> bool:
        """Whether `_name` may stand beside or instead of `name`."""
        return self.kind in FORMATS


@cache
def required_codes(element: str) -> frozenset[str]:
    """The codes of a required binding that the table of facts lists: `Money.currency`."""
    return frozenset(_BINDINGS[_key(element)][1] or ())


def model(type_name: str) -> Any:
    """The R4B model class of a type. Slow the first time: it imports fhir.resources."""
    from fhir.resources.R4B import get_fhir_model_class  # the one lazy door: 0.2 s

    return get_fhir_model_class(type_name)


@cache
def elements(type_name: str) -> tuple[Element, ...]:
    """The elements of a resource type, data type or backbone (`PatientContact`), in R4's order."""
    found = {element.name: element for element in _r4(type_name)}
    order = [name for name in model(type_name).elements_sequence() if name in found]
    return tuple(found.pop(name) for name in order) + tuple(found.values())


def summary_elements(type_name: str) -> tuple[str, ...]:
    """The top-level JSON names of `_summary=true`, in R4's order."""
    return tuple(element.name for element in elements(type_name) if element.summary)


def mandatory_elements(type_name: str) -> tuple[str, ...]:
    """The top-level JSON names with a minimum of 1 (every variant of a required choice): part of every subset."""
    return tuple(element.name for element in elements(type_name) if element.required)


def json_schema(type_name: str) -> dict[str, Any]:
    """The JSON schema (2020-12) of a resource type, for jsonschema_rs with `keywords.KEYWORDS` and a `fhirResource`.

    A node with `x-rule` and `x-reason` says what its failure means; other failures are named by their keyword.
    """
    if type_name not in RESOURCE_TYPES:
        raise KeyError(type_name)
    schema = _definition(type_name)
    schema["properties"] = {"resourceType": {"const": type_name}} | schema["properties"]
    schema["required"] = ["resourceType", *schema["required"]]
    definitions: dict[str, Any] = {}
    wanted = set(_references(schema))
    while wanted:
        name = wanted.pop()
        definitions[name] = _reference(name) if name.startswith("Reference.") else _definition(name)
        wanted |= set(_references(definitions[name])) - definitions.keys()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": definitions}


def _r4(type_name: str) -> Iterator[Element]:
    """The elements as R4 has them: R4B's, corrected by the tables of facts."""
    models = tuple(_r4b(type_name))
    for name, change in _DIFFERENCES.items():
        owner, added = name.split(".")
        if owner == type_name and change["change"] == "added":
            choice = added.removesuffix(change["detail"])
            sibling = next(element for element in models if element.choice == choice)
            yield Element(added, change["detail"], required=sibling.required, choice=choice, summary=sibling.summary)
    for element in models:
        change = _DIFFERENCES.get(f"{type_name}.{element.name}", {"change": "", "detail": ""})
        system, codes = _BINDINGS.get(f"{type_name}.{element.name}", (None, element.codes))
        corrected = replace(element, codes=codes, system=system or None)
        match change["change"]:
            case "removed":
                continue
            case "required":
                yield replace(corrected, required=True)
            case "targets":
                yield replace(corrected, targets=tuple(change["detail"].split()))
            case _:
                yield corrected


def _r4b(type_name: str) -> Iterator[Element]:
    for field in model(type_name).model_fields.values():
        facts = field.json_schema_extra
        # No facts: the `_name` beside a primitive. `fhir_comments` is no element.
        if not facts or not facts["element_property"]:
            continue
        kind, many = _kind(field)
        targets = facts.get("enum_reference_types")
        yield Element(
            name=field.alias,
            kind=kind,
            many=many,
            required=bool(field.is_required() or facts.get("element_required") or facts.get("one_of_many_required")),
            choice=facts.get("one_of_many"),
            codes=tuple(facts["enum_values"]) if "enum_values" in facts else None,
            targets=tuple(sorted(targets)) if targets and RESOURCE not in targets else None,
            summary=bool(facts.get("summary_element_property")),
        )


_SPELLED: Final = {
    "Base64Binary": "base64Binary",
    "DateTime": "dateTime",
    "PositiveInt": "positiveInt",
    "UnsignedInt": "unsignedInt",
    "UuidVersion": "uuid",
}


def _kind(field: FieldInfo) -> tuple[str, bool]:
    """The FHIR type and whether it repeats, from an annotation such as Optional[List[Annotated[str, Code()]]]."""
    nodes, many = [field.annotation, *field.metadata], False
    found = ""
    while nodes:
        node = nodes.pop()
        many = many or getattr(node, "__origin__", None) is list
        nodes += [arg for arg in get_args(node) if arg is not type(None)]
        if isinstance(node, type):
            if hasattr(node, "get_model_klass"):
                found = RESOURCE if node.__name__ == "ResourceType" else node.__name__.removesuffix("Type")
            elif node is bool:
                found = "boolean"
        else:
            spelled = _SPELLED.get(type(node).__name__, type(node).__name__.lower())
            found = spelled if spelled in FORMATS else found
    if not found:
        raise TypeError(f"no FHIR type in {field.annotation}")
    return found, many


def _definition(type_name: str) -> dict[str, Any]:
    """The schema of one complex type, backbone or resource, with `$ref` to the types that it uses."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    rules: list[dict[str, Any]] = []
    choices: dict[str, list[Element]] = {}
    for element in elements(type_name):
        one = _value(element)
        properties[element.name] = {"type": "array", "minItems": 1, "items": one} if element.many else one
        if element.primitive and (type_name, element.name) != ("Extension", "url") and element.name != "id":
            sibling = {"$ref": "#/$defs/Element"}
            properties[f"_{element.name}"] = (
                {"type": "array", "minItems": 1, "items": {"anyOf": [sibling, {"type": "null"}]}}
                if element.many
                else sibling
            )
            if element.many:
                properties[element.name]["items"] = _or_null(one)
                rules.append(_no_null_alone(element.name))
        if element.choice:
            choices.setdefault(element.choice, []).append(element)
        elif element.required and element.primitive:
            if type_name == "Extension":
                required.append(element.name)  # an XML attribute: no `_url` can stand for it
            else:
                rules.append(_missing(element.name, [element]))
        elif element.required:
            required.append(element.name)
    for choice, variants in choices.items():
        rules.append(one_of_many(choice, [variant.name for variant in variants]))
        if variants[0].required:
            rules.append(_missing(choice, variants))
    rules += [invariant.schema() for invariant in INVARIANTS.get(type_name, ())]
    schema: dict[str, Any] = {"type": "object", "required": required, "additionalProperties": False}
    schema["properties"] = properties
    if type_name not in RESOURCE_TYPES:
        schema["minProperties"] = 1
        # ele-1: an id alone is no content.
        rules.append(
            Invariant(
                "ele-1", "has an id and nothing else", {"dependentSchemas": {"id": {"minProperties": 2}}}
            ).schema()
        )
    if rules:
        schema["allOf"] = rules
    return schema


def _value(element: Element) -> dict[str, Any]:
    """The schema of one value of an element."""
    if element.kind == RESOURCE:
        return {"x-rule": "contained" if element.name == "contained" else "resource", "fhirResource": True}
    if element.kind == "Reference":
        return {"$ref": "#/$defs/" + ".".join(("Reference", *(element.targets or ("Any",))))}
    if element.system:
        return {"$ref": f"#/$defs/{element.kind}", **_bound(element)}
    if element.primitive:
        return {"enum": list(element.codes)} if element.codes else FORMATS[element.kind]
    return {"$ref": f"#/$defs/{element.kind}"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of primitives holds a null where only `_name` has something to say."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def _bound(element: Element) -> dict[str, Any]:
    coding = {
        "type": "object",
        "required": ["system", "code"],
        "properties": {"system": {"const": element.system}, "code": {"enum": list(element.codes or ())}},
    }
    has = {"required": ["coding"], "properties": {"coding": {"type": "array", "contains": coding}}}
    return {"allOf": [Invariant("binding", "has no coding of the required value set", has).schema()]}


def _missing(name: str, variants: list[Element]) -> dict[str, Any]:
    """A required primitive is there when its value or its `_name` (the data-absent-reason shape) is."""
    names = [prefix + element.name for element in variants for prefix in (("", "_") if element.primitive else ("",))]
    return {
        "x-rule": "required",
        "x-reason": "is required",
        "x-element": name,
        "anyOf": [{"required": [one]} for one in names],
    }


def _no_null_alone(name: str) -> dict[str, Any]:
    no_null = {"properties": {name: {"items": {"not": {"type": "null"}}}}}
    return {
        "x-rule": "type",
        "x-reason": "has a null without an extension at its place",
        "x-element": name,
        "anyOf": [{"required": [f"_{name}"]}, no_null],
    }


def _reference(name: str) -> dict[str, Any]:
    """A Reference whose literal, or `type` if logical, names one of the targets."""
    schema = _definition("Reference")
    named = tuple(name.split(".")[1:])
    targets = RESOURCE_NAMES if named == ("Any",) else named
    # A local reference (#id) fails here on purpose: check() then looks whether it resolves (ref-1).
    literal = rf"^(?:(?:{'|'.join(targets)})/{RESOURCE_ID}(?:/_history/{RESOURCE_ID})?|{ABSOLUTE_URI})$"
    properties = schema["properties"]
    properties["reference"] = {"x-rule": "target", "type": "string", "pattern": literal}
    properties["type"] = {"x-rule": "target", "x-reason": "is no allowed target type", "enum": list(targets)}
    return schema


def _references(schema: Any) -> Iterator[str]:
    """The names in `$defs` that a schema uses."""
    match schema:
        case {"$ref": str(reference), **more}:
            yield reference.removeprefix("#/$defs/")
            yield from _references(more)
        case dict():
            for part in schema.values():
                yield from _references(part)
        case list():
            for part in schema:
                yield from _references(part)
