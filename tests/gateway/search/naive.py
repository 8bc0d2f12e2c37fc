"""The oracle: FHIR's search rules said again over plain resources, one at a time. It shares the
table of parameters with gateway.search, and no code.

Values are extracted by fhirpathpy from the official expressions.
https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jellyfish
from anyascii import anyascii
from fhirpathpy import compile  # noqa: A004
from fhirpathpy.models import models

import mappers.terminology
from gateway.search.parameters import offered
from tests.gateway.search.naive_quantity import quantity

Json = dict[str, Any]
_RESOLVED = re.compile(r"\.where\(resolve\(\) is (\w+)\)")
_CAST = re.compile(r"\(([\w.]+) as (\w+)\)|\.as\((\w+)\)")
_PARTS = ("text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country")
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def values(resource: Json, expression: str) -> list[Any]:
    """What an expression yields; `resolve() is Type` is judged by the reference itself."""
    found = [getattr(item, "asStr", item) for item in _compiled(expression)(resource)]
    wanted = _RESOLVED.search(expression)
    if wanted is None:
        return found
    kind = wanted.group(1)
    return [item for item in found if _leads_to(item) == kind]


@cache
def _compiled(expression: str) -> Callable[[Json], list[Any]]:
    plain = _CAST.sub(_of_type, _RESOLVED.sub("", expression))
    compiled: Callable[[Json], list[Any]] = compile(plain, models["r4"])
    return compiled


def _of_type(cast: re.Match[str]) -> str:
    """A cast as fhirpathpy understands it; it does not know that a canonical is a uri."""
    path, kind = cast[1] or "", cast[2] or cast[3]
    kinds = ("uri", "canonical") if path and kind == "uri" else (kind,)
    return " | ".join(f"{path}.ofType({each})" for each in kinds)


def _leads_to(reference: Json) -> str:
    literal = reference.get("reference", "").partition("/_history/")[0]
    return literal.split("/")[-2] if literal else reference.get("type", "")


def matches(found: list[Any], kind: str, modifier: str, texts: list[str], system: str = "") -> bool:
    """Whether any value of a parameter matches any of the texts."""
    if modifier == "missing":
        return (not found) == (texts == ["true"])
    if modifier in ("in", "not-in", "above", "below") and kind == "token":
        codes = {pair for text in texts for pair in _expanded(modifier, text)}
        hit = any(pair in codes for value in found for pair in pairs(value, system))
        return not hit if modifier == "not-in" else hit
    rule = globals()[f"_{kind}"]
    hit = any(rule(value, "" if modifier == "not" else modifier, text, system) for value in found for text in texts)
    return not hit if modifier == "not" else hit


# chains


class Records:
    """Resources that refer to one another, asked one by one."""

    def __init__(self, resources: Iterable[Json]) -> None:
        self.all = {f"{each['resourceType']}/{each['id']}": each for each in resources}
        self._found: dict[tuple[str, str], list[Any]] = {}

    def ids(self, resource_type: str, name: str, value: str) -> set[str]:
        """What a search finds."""
        return {each["id"] for each in self.of_type(resource_type) if self.holds(each, name, value)}

    def of_type(self, resource_type: str) -> list[Json]:
        return [each for each in self.all.values() if each["resourceType"] == resource_type]

    def values(self, resource: Json, code: str) -> list[Any]:
        """What a parameter yields for a resource."""
        kind = resource["resourceType"]
        key = f"{kind}/{resource['id']}", code
        if key not in self._found:
            expression = offered(kind)[code].expression.replace("Resource.", f"{kind}.", 1)
            self._found[key] = values(resource, expression)
        return self._found[key]

    def elements(self, resource: Json, code: str) -> list[list[list[Any]]]:
        """The values of a composite's components, element by element."""
        key = f"{resource['resourceType']}/{resource['id']}", code
        if key not in self._found:
            self._found[key] = list(elements(resource, code))
        return self._found[key]

    def holds(self, resource: Json, name: str, value: str) -> bool:
        """Whether a resource matches one parameter."""
        if name.startswith("_has:"):
            _, source, code, rest = name.split(":", 3)
            own = f"{resource['resourceType']}/{resource['id']}"
            return any(
                own in self._led(other, code) and self.holds(other, rest, value) for other in self.of_type(source)
            )
        head, chained, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if not chained:
            parameter, texts = offered(resource["resourceType"])[code], re.split(r"(?<!\\),", value)
            if parameter.type == "composite":
                found = self.elements(resource, code)
                return any(composite(resource["resourceType"], code, found, text) for text in texts)
            kind = "phonetic" if code == "phonetic" else parameter.type
            return matches(self.values(resource, code), kind, modifier, texts, parameter.system)
        first = re.split("[.:]", rest)[0]
        return any(
            self.holds(self.all[target], rest, value)
            for target in self._led(resource, code)
            if target in self.all
            and modifier in ("", target.partition("/")[0])
            and (first == "_has" or first in offered(target.partition("/")[0]))
        )

    def _led(self, resource: Json, code: str) -> list[str]:
        literals = [found.get("reference", "") for found in self.values(resource, code)]
        return [literal.partition("/_history/")[0] for literal in literals]


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


# string


def fold(text: str) -> str:
    for letter, plain in (("ø", "o"), ("Ø", "o"), ("ł", "l"), ("Ł", "l"), ("ß", "ss")):
        text = text.replace(letter, plain)
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return re.sub(r"\s+", " ", bare.lower()).strip()


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    found = [value[name] for name in _PARTS if name in value]
    return [text for item in found for text in (item if isinstance(item, list) else [item])]


def _string(value: Any, modifier: str, text: str, _system: str) -> bool:
    wanted = unescaped(text)
    for part in strings(value):
        if modifier == "exact" and part == wanted:
            return True
        if modifier == "contains" and fold(wanted) in fold(part):
            return True
        if modifier == "" and fold(part).startswith(fold(wanted)):
            return True
    return False


# token


def pairs(value: Any, system: str) -> list[tuple[str, str]]:
    """(system, code) of each coding in a value."""
    if isinstance(value, bool):
        return [("", str(value).lower())]
    if isinstance(value, str):
        return [(system, value)]
    if "coding" in value:
        return [(coding.get("system", ""), coding["code"]) for coding in value["coding"] if "code" in coding]
    if "code" in value:
        return [(value.get("system", ""), value["code"])]
    if "value" in value:
        is_contact = value.get("system") in ("phone", "email", "fax", "url", "sms", "pager", "other")
        return [("" if is_contact else value.get("system", ""), value["value"])]
    return []


def labels(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    concept = value.get("type", {}) if "value" in value else value
    labels = [concept.get("text"), concept.get("display")]
    if "value" not in value:
        labels += [coding.get("display") for coding in value.get("coding", [])]
    return [label for label in labels if label]


def _token(value: Any, modifier: str, text: str, system: str) -> bool:
    if modifier == "text":
        return any(fold(label).startswith(fold(unescaped(text))) for label in labels(value))
    if modifier == "of-type":
        type_system, type_code, wanted = (unescaped(part) for part in re.split(r"(?<!\\)\|", text))
        codings = value.get("type", {}).get("coding", [])
        return value.get("value") == wanted and any(
            coding.get("system", "") == type_system and coding.get("code") == type_code for coding in codings
        )
    for found_system, found_code in pairs(value, system):
        wanted = [unescaped(part) for part in re.split(r"(?<!\\)\|", text)]
        if len(wanted) == 1:
            hit = found_code == wanted[0]
        else:
            wanted_system, wanted_code = wanted
            if not wanted_system:
                hit = found_code == wanted_code and found_system in ("", system)
            else:
                hit = found_system == wanted_system and wanted_code in ("", found_code)
        if hit:
            return True
    return False


# reference and uri


def _reference(value: Any, modifier: str, text: str, _system: str) -> bool:
    if modifier == "identifier":
        return "identifier" in value and _token(value["identifier"], "", text, "")
    literal = (value if isinstance(value, str) else value.get("reference", "")).split("/_history")[0]
    wanted = unescaped(text).removeprefix("http://here/fhir/").partition("/_history/")[0]
    if "://" in wanted or "://" in literal:
        return literal == wanted or literal.partition("|")[0] == wanted
    if modifier and "/" not in wanted:
        wanted = f"{modifier}/{wanted}"
    return literal == wanted or ("/" not in wanted and literal.rpartition("/")[2] == wanted)


def _uri(value: str, modifier: str, text: str, _system: str) -> bool:
    text = unescaped(text)
    one, other = value.rstrip("/"), text.rstrip("/")
    if modifier == "below":
        return one == other or one.startswith(other + "/")
    if modifier == "above":
        return one == other or other.startswith(one + "/")
    return value == text


# codes of value sets and hierarchies, read from the tables of the code systems themselves

_TERMINOLOGY = Path(mappers.terminology.__file__).parent


@cache
def _table(name: str) -> list[dict[str, str]]:
    with (_TERMINOLOGY / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _expanded(modifier: str, text: str) -> Iterator[tuple[str, str]]:
    if modifier in ("in", "not-in"):
        name = text.removeprefix("urn:fhir-gateway:value-set:").replace("-", "_")
        yield from ((row["system"], row["code"]) for row in _table(f"{name}.csv") if row["code"])
        return
    system, code = text.split("|")
    yield system, code
    parents = {row["code"]: row["parent"] for row in _table("facts/hierarchy.csv") if row["system"] == system}
    for each in parents:
        low, high = (each, code) if modifier == "below" else (code, each)
        while low:
            low = parents.get(low, "")
            if low == high:
                yield system, each


# composite

_PARTS_OF = {
    f"{where}code-value-{kind}": (elements, ("token", "code"), (sort, f"value.ofType({datatype})"))
    for where, elements in (
        ("", ("Observation",)),
        ("component-", ("Observation.component",)),
        ("combo-", ("Observation", "Observation.component")),
    )
    for kind, sort, datatype in (("quantity", "quantity", "Quantity"), ("concept", "token", "CodeableConcept"))
}
_PARTS_OF["code-value-string"] = (("Observation",), ("token", "code"), ("string", "value.ofType(string)"))
_PARTS_OF["code-value-date"] = (
    ("Observation",),
    ("token", "code"),
    ("date", "value.ofType(dateTime) | value.ofType(Period)"),
)
_PARTS_OF["relationship"] = (("DocumentReference.relatesTo",), ("reference", "target"), ("token", "code"))
for _type in ("CodeSystem", "ConceptMap", "ValueSet"):
    _elements = (f"{_type}.useContext",)
    _quantity = ("quantity", "value.ofType(Quantity) | value.ofType(Range)")
    _PARTS_OF[f"{_type}.context-type-quantity"] = (_elements, ("token", "code"), _quantity)
    _PARTS_OF[f"{_type}.context-type-value"] = (
        _elements,
        ("token", "code"),
        ("token", "value.ofType(CodeableConcept)"),
    )
"""The components of the composites by the official definitions: elements, and in each of them a kind and where."""
_IMPLIED = {"relationship": "http://hl7.org/fhir/document-relationship-type"}


def kinds(resource_type: str, code: str) -> list[str]:
    """The kinds of the components."""
    _, *parts = _PARTS_OF.get(f"{resource_type}.{code}") or _PARTS_OF[code]
    return [kind for kind, _ in parts]


def elements(resource: Json, code: str) -> Iterator[list[list[Any]]]:
    """The values of each component, element by element."""
    kind = resource["resourceType"]
    paths, *parts = _PARTS_OF.get(f"{kind}.{code}") or _PARTS_OF[code]
    for path in paths:
        count = 1 if path == kind else len(values(resource, path))
        for at in range(count):
            element = path if path == kind else f"{path}[{at}]"
            yield [
                values(resource, " | ".join(f"{element}.{each}" for each in where.split(" | "))) for _, where in parts
            ]


def composite(resource_type: str, code: str, found: list[list[list[Any]]], text: str) -> bool:
    """Whether all parts of a value match in one element."""
    texts = re.split(r"(?<!\\)\$", text)
    return any(
        all(
            any(globals()[f"_{kind}"](value, "", wanted, _IMPLIED.get(code, "")) for value in values_of)
            for values_of, kind, wanted in zip(element, kinds(resource_type, code), texts, strict=True)
        )
        for element in found
    )


# sound


def _phonetic(value: Any, _modifier: str, text: str, _system: str) -> bool:
    sounds = {sound for part in spoken(value) for sound in _sounds(part)}
    return _sounds(unescaped(text)) <= sounds


def spoken(value: Any) -> list[str]:
    """The names in a value."""
    names = [value] if isinstance(value, str) else [value.get("family", []), value.get("given", [])]
    return [part for name in names for part in (name if isinstance(name, list) else [name])]


def _sounds(text: str) -> set[str]:
    return {jellyfish.metaphone(word) or word for word in fold(anyascii(text)).replace("-", " ").split()}


# date


@cache
def bounds(text: str) -> tuple[datetime, datetime]:
    """First moment, and first moment after."""
    found = re.fullmatch(r"(\d{4})-?(\d\d)?-?(\d\d)?(?:T(\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?)?", text)
    assert found, text
    year, month, day, clock, seconds, fraction, zone = found.groups()
    if clock:
        whole = f"{year}-{month}-{day}T{clock}{seconds or ':00'}{(zone or 'Z').replace('Z', '+00:00')}"
        start = datetime.fromisoformat(whole).astimezone(UTC)
        if fraction:
            start += timedelta(seconds=float(fraction))
            return start, start + timedelta(seconds=10.0 ** -(len(fraction) - 1))
        return start, start + (timedelta(seconds=1) if seconds else timedelta(minutes=1))
    start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    if day:
        return start, start + timedelta(days=1)
    if month:
        return start, datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)
    return start, datetime(start.year + 1, 1, 1, tzinfo=UTC)


def _range(value: Any) -> tuple[datetime, datetime] | None:
    if isinstance(value, str):
        return bounds(value)
    if "event" in value:
        ranges = [bounds(event) for event in value["event"]]
        return min(low for low, _ in ranges), max(high for _, high in ranges)
    if "start" in value or "end" in value:
        return (
            bounds(value["start"])[0] if "start" in value else _EARLIEST,
            bounds(value["end"])[1] if "end" in value else _LATEST,
        )
    return None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _date(value: Any, _modifier: str, text: str, _system: str) -> bool:
    prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    found = _range(value)
    if found is None:
        return False
    (low, high), (start, end) = found, bounds(rest)
    inside = start <= low and high <= end
    if prefix == "ap":
        tick = timedelta(milliseconds=1)
        now, middle = (each // tick for each in (datetime.now(UTC) - _EPOCH, start - _EPOCH + (end - start) // 2))
        margin = abs(now - middle) // 10 * tick
        return low < end + margin and high > start - margin
    return {
        "eq": inside,
        "ne": not inside,
        "gt": high > end,
        "lt": low < start,
        "ge": high > end or inside,
        "le": low < start or inside,
        "sa": low >= end,
        "eb": high <= start,
    }[prefix]


# quantity and number


def _quantity(value: Json, _modifier: str, text: str, _system: str) -> bool:
    number, *unit = re.split(r"(?<!\\)\|", text)
    return quantity(value, number, [unescaped(each) for each in unit])


def _number(value: Any, modifier: str, text: str, system: str) -> bool:
    return _quantity({"value": value}, modifier, text, system)
