"""For every search parameter a resource that has it, and searches that its values suggest.

Knows the official expressions and FHIR's data types; shares no code with gateway.search.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from gateway.search.parameters import SearchParameter
from tests.gateway.search import naive
from tests.gateway.search.naive_quantity import UCUM, alike

Json = dict[str, Any]
BASE = "http://here/fhir"
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_CONCEPT = {
    "coding": [
        {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J45.909", "display": "Unspecified asthma"},
        {"system": "urn:local", "code": "a,b|c$d"},
    ],
    "text": "Asthma",
}
_UCUM = {"system": UCUM, "unit": "milligram", "code": "mg"}
_VALUES: dict[str, list[Any]] = {
    "CodeableConcept": [_CONCEPT, {"text": "only words"}],
    "Coding": [{"system": "urn:s", "code": "c1", "display": "First Çode"}, {"code": "bare"}],
    "code": ["sample"],
    "boolean": [True, False],
    "string": ["Émile O'Hara, Jr", "50%_x"],
    "markdown": ["Some *text*"],
    "uri": ["http://example.org/a/b/c", "urn:oid:1.2.3"],
    "url": ["http://example.org/page"],
    "canonical": ["http://example.org/fhir/x|2.0", "http://example.org/fhir/y"],
    "id": ["sample"],
    "Identifier": [
        {
            "system": "urn:ids",
            "value": "7|7",
            "type": {"coding": [{"system": "urn:kinds", "code": "MR"}], "text": "Record"},
        },
        {"value": "no-system"},
    ],
    "HumanName": [{"family": "Grüßner", "given": ["Anne-Marie", "Li"], "text": "Dr Li Grüßner"}],
    "Address": [{"line": ["1 Main St"], "city": "São Paulo", "postalCode": "01000", "country": "BR", "use": "home"}],
    "ContactPoint": [{"value": "555-1"}],
    "date": ["1987-06-05", "1987-06", "1987"],
    "dateTime": ["2021-03-04T05:06:07+05:30", "2021-03-04", "2021"],
    "instant": ["2021-03-04T05:06:07.123Z"],
    "Period": [{"start": "2020-01-15", "end": "2020-02"}, {"start": "2021-05-06T07:08:09Z"}, {"end": "2019"}],
    "Timing": [{"event": ["2020-05-06", "2020-07"]}],
    "Quantity": [{"value": 5.4, **_UCUM}, {"value": 0.0054, **_UCUM, "code": "g", "comparator": "<"}, {"value": 7}],
    "Money": [{"value": 99.5, "currency": "INR"}, {"value": 12}],
    "Age": [{"value": 40, "system": UCUM, "code": "a", "unit": "years"}],
    "Duration": [{"value": 14, "system": UCUM, "code": "d", "unit": "days"}],
    "Range": [{"low": {"value": 1, **_UCUM}, "high": {"value": 9, **_UCUM}}, {"low": {"value": 3, **_UCUM}}],
    "decimal": [0.75, 100],
}
_STEP = re.compile(r"\.(\w+)(\([^()]*(?:\(\))?[^()]*\))?")


def resources(resource_type: str, parameter: SearchParameter) -> Iterator[Json]:
    """Resources that have values of a parameter."""
    if parameter.type == "composite":
        yield from _composites(resource_type, parameter)
        return
    at = 0
    for alternative in parameter.expression.split(" | "):
        path, cast, condition = _path(alternative)
        address = re.search(r"extension\('([^']+)'\)", alternative)
        kinds = (cast,) if cast else parameter.datatypes
        for kind in kinds:
            chosen = cast or len(kinds) > 1 or " and " in alternative
            name = path[-1] + kind[0].upper() + kind[1:] if chosen else path[-1]
            for value in _samples(kind, parameter, condition):
                if path[0] in ("id", "meta") and path[-1] in ("id", "lastUpdated"):
                    continue  # every resource has them
                sample = _made(
                    resource_type, f"{parameter.code.replace('_', 'common-')}-{at}", [*path[:-1], name], value
                )
                if address:
                    sample["extension"] = [{"url": address[1], **sample["extension"]}]
                yield sample
                at += 1


def _made(resource_type: str, name: str, path: list[str], value: Any) -> Json:
    element: Any = value
    for step in reversed(path):
        element = {step: [element] if step == "coding" else element}
    return {"resourceType": resource_type, "id": f"sample-{name}", **element}


def _path(expression: str) -> tuple[list[str], str, str]:
    """The elements of a path, the type that it is cast to, and the condition of a `where`."""
    if " and " in expression:
        expression = expression.partition(".exists()")[0]
    expression = re.sub(r"\('[^']*'\)", "", expression)
    cast = re.search(r" as (\w+)\)|\.as\((\w+)\)", expression)
    plain = re.sub(r" as \w+|\.as\(\w+\)|[()]", "", re.sub(r"\.where\(.*?\)(?=\.|$)", "", expression))
    where = re.search(r"\.where\((.*)\)", expression)
    return plain.split(".")[1:], (cast[1] or cast[2]) if cast else "", where[1] if where else ""


def _samples(kind: str, parameter: SearchParameter, condition: str) -> list[Any]:
    if kind == "Reference":
        wanted = re.search(r"is (\w+)", condition)
        targets = [wanted[1]] if wanted else [each for each in parameter.targets if each != "*"] or ["Patient"]
        return [
            {"reference": f"{targets[0]}/sample-1/_history/2", "identifier": _VALUES["Identifier"][0]},
            {"reference": f"{targets[-1]}/sample-2"},
            {"type": targets[0], "identifier": {"system": "urn:ids", "value": "logical"}},
        ]
    if kind == "ContactPoint":
        system = re.search(r"system='(\w+)'", condition)
        return [{"system": system[1] if system else "phone", **_VALUES[kind][0]}]
    return _VALUES.get(kind, [])


def _composites(resource_type: str, parameter: SearchParameter) -> Iterator[Json]:
    """Two elements each, so that values of one must not be taken for those of the other."""
    code = {"coding": [{"system": "urn:c", "code": "x"}]}
    other = {"coding": [{"system": "urn:c", "code": "y"}]}
    if parameter.code == "relationship":
        pairs = [("replaces", "DocumentReference/one"), ("appends", "DocumentReference/two")]
        related = [{"code": relation, "target": {"reference": target}} for relation, target in pairs]
        yield _made(resource_type, parameter.code, ["relatesTo"], related)
    elif resource_type == "Observation":
        kind, value = {
            "quantity": ("Quantity", _VALUES["Quantity"]),
            "concept": ("CodeableConcept", [_CONCEPT, other]),
            "string": ("String", ["Alpha", "Beta"]),
            "date": ("DateTime", ["2020-01", "2021-05-06"]),
        }[parameter.code.rpartition("-")[2]]
        name = f"value{kind}"
        component = [{"code": code, name: value[0]}, {"code": other, name: value[1]}]
        inside = parameter.code.startswith(("component", "combo"))
        if inside:
            yield _made(resource_type, f"{parameter.code}-1", ["component"], component)
        yield {"resourceType": resource_type, "id": f"sample-{parameter.code}-2", "code": code, name: value[0]}
        yield {"resourceType": resource_type, "id": f"sample-{parameter.code}-3", "code": other, name: value[1]}
    else:
        kind = "Quantity" if parameter.code.endswith("quantity") else "CodeableConcept"
        used = [
            {"code": {"system": "urn:c", "code": letter}, f"value{kind}": value}
            for letter, value in zip("xy", _VALUES[kind], strict=False)
        ]
        yield _made(resource_type, parameter.code, ["useContext"], used)


# Searches


def some(values: Iterable[Any], most: int) -> list[Any]:
    """A few different values from all over the range."""
    distinct = sorted({json.dumps(value, sort_keys=True, default=str) for value in values})
    step = max(1, -(-len(distinct) // most))
    return [json.loads(text) for text in distinct[::step]]


def escaped(text: str) -> str:
    """A value as it is written in a query."""
    return re.sub(r"([\\,|$])", r"\\\1", text)


def texts(parameter: SearchParameter, modifier: str, value: Any) -> Iterator[str]:
    """What may be asked for, given that this value is there."""
    if modifier == "missing":
        yield from ("true", "false")
        return
    if parameter.code == "phonetic":
        yield from _names(value)
        return
    yield from globals()[f"_{parameter.type}"](parameter, modifier, value)


def _names(value: Any) -> Iterator[str]:
    for part in naive.spoken(value):
        yield escaped(part)
        yield escaped(part.replace("f", "ph"))


def _string(parameter: SearchParameter, modifier: str, value: Any) -> Iterator[str]:
    for part in naive.strings(value)[:3]:
        yield escaped(part[:300])
        yield escaped(part[1:5] or part) if modifier == "contains" else escaped(part[:3].upper())


def _token(parameter: SearchParameter, modifier: str, value: Any) -> Iterator[str]:
    pairs = naive.pairs(value, parameter.system)
    if modifier == "text":
        yield from (escaped(label[:6]) for label in naive.labels(value))
    elif modifier == "of-type":
        kinds = value.get("type", {}).get("coding", [])
        yield from (f"{kind.get('system', '')}|{kind['code']}|{escaped(value['value'])}" for kind in kinds)
        yield "urn:kinds|XX|1"
    elif modifier in ("in", "not-in"):
        yield from ("urn:fhir-gateway:value-set:gender", "urn:fhir-gateway:value-set:icd10cm")
    elif modifier in ("above", "below"):
        icd = "http://hl7.org/fhir/sid/icd-10-cm"
        yield from (f"{icd}|J45.909", f"{icd}|J40-J4A", f"{icd}|I10-I1A")
    elif parameter.datatypes == ("boolean",):
        yield from ("true", "false")
    else:
        for system, code in pairs[:2]:
            yield escaped(code)
            if parameter.code != "_id":
                yield f"|{escaped(code)}"
                yield from (f"{escaped(system)}|{escaped(code)}", f"{escaped(system)}|") if system else ()


def _reference(parameter: SearchParameter, modifier: str, value: Any) -> Iterator[str]:
    if modifier == "identifier":
        if isinstance(value, dict) and "identifier" in value:
            yield from _token(parameter, "", value["identifier"])
        return
    literal = value if isinstance(value, str) else value.get("reference", "")
    if not literal or literal.startswith("#"):
        return
    plain = literal.partition("/_history/")[0]
    if "://" in literal or "/" not in literal:
        yield from () if modifier else (escaped(literal), escaped(literal.partition("|")[0]))
        return
    kind, _, found_id = plain.partition("/")
    yield found_id
    if modifier in ("", kind):
        yield from (plain, f"{BASE}/{plain}", literal)


def _date(parameter: SearchParameter, modifier: str, value: Any) -> Iterator[str]:
    held = value if isinstance(value, str) else value.get("start") or value.get("end") or value.get("event", [""])[0]
    for text in dict.fromkeys((held, held[:10], held[:7], held[:4])) if held else ():
        yield from (prefix + text for prefix in PREFIXES)


def _quantity(parameter: SearchParameter, modifier: str, value: Any) -> Iterator[str]:
    held = value.get("low") or value.get("high") or value
    number, code = held["value"], held.get("code") or held.get("currency")
    system = "urn:iso:std:iso:4217" if "currency" in held else held.get("system")
    for prefix in PREFIXES:
        yield f"{prefix}{number}"
        if code or held.get("unit"):
            yield f"{prefix}{number}||{escaped(code or held['unit'])}"
        if code and system:
            yield f"{prefix}{number}|{escaped(system)}|{escaped(code)}"
        if system == UCUM:
            yield from (f"{prefix}{number}|{system}|{other}" for other in alike(code))


def _number(parameter: SearchParameter, modifier: str, value: Any) -> Iterator[str]:
    yield from (f"{prefix}{number}" for prefix in PREFIXES for number in (value, 1))


def _uri(parameter: SearchParameter, modifier: str, value: str) -> Iterator[str]:
    if not modifier:
        yield escaped(value)
    elif "://" in value:
        yield from (escaped(value), escaped(value.rpartition("/")[0]), escaped(f"{value}/x"))


def composite_texts(parameter: SearchParameter, found: list[list[list[Any]]]) -> Iterator[str]:
    """What may be asked of a composite, given the elements of a resource: its own pairs and crossed ones."""
    kinds = naive.kinds(parameter.resource_type, parameter.code)
    ones = [value for values in found if all(values) for value in values[0]]
    others = [value for values in found if all(values) for value in values[1]]
    for one in ones[:2]:
        for other in others[:2]:
            firsts, seconds = (
                list(globals()[f"_{kind}"](parameter, "", value))
                for kind, value in zip(kinds, (one, other), strict=True)
            )
            plain = [text for text in firsts if not text.endswith("|")]
            for at, text in enumerate(plain[:3]):
                yield from (f"{text}${second}" for second in seconds[at::7])
