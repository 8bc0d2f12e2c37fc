"""The oracle: FHIR's search rules said again over plain resources, one at a time. It shares the
table of parameters with gateway.search, and no code.

Values are extracted by fhirpathpy from the official expressions.
https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from fhirpathpy import evaluate
from fhirpathpy.models import models

from gateway.search.parameters import offered

Json = dict[str, Any]
_RESOLVED = re.compile(r"\.where\(resolve\(\) is (\w+)\)")
_CAST = re.compile(r"\(([\w.]+) as (\w+)\)|\.as\((\w+)\)")
_PARTS = ("text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country")
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def values(resource: Json, expression: str) -> list[Any]:
    """What an expression yields; `resolve() is Type` is judged by the reference itself."""
    plain = _CAST.sub(lambda cast: f"{cast[1] or ''}.ofType({cast[2] or cast[3]})", _RESOLVED.sub("", expression))
    found = [getattr(item, "asStr", item) for item in evaluate(resource, plain, {}, models["r4"])]
    wanted = _RESOLVED.search(expression)
    if wanted is None:
        return found
    kind = wanted.group(1)
    return [item for item in found if _leads_to(item) == kind]


def _leads_to(reference: Json) -> str:
    return reference["reference"].split("/")[-2] if "reference" in reference else reference.get("type", "")


def matches(found: list[Any], kind: str, modifier: str, texts: list[str], system: str = "") -> bool:
    """Whether any value of a parameter matches any of the texts."""
    if modifier == "missing":
        return (not found) == (texts == ["true"])
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
            parameter = offered(resource["resourceType"])[code]
            found = self.values(resource, code)
            return matches(found, parameter.type, modifier, re.split(r"(?<!\\),", value), parameter.system)
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


# string


def fold(text: str) -> str:
    for letter, plain in (("ø", "o"), ("Ø", "o"), ("ł", "l"), ("Ł", "l"), ("ß", "ss")):
        text = text.replace(letter, plain)
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return re.sub(r"\s+", " ", bare.lower()).strip()


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    found = [value[name] for name in _PARTS if name in value]
    return [text for item in found for text in (item if isinstance(item, list) else [item])]


def _string(value: Any, modifier: str, text: str, _system: str) -> bool:
    wanted = re.sub(r"\\(.)", r"\1", text)
    for part in _texts(value):
        if modifier == "exact" and part == wanted:
            return True
        if modifier == "contains" and fold(wanted) in fold(part):
            return True
        if modifier == "" and fold(part).startswith(fold(wanted)):
            return True
    return False


# token


def _pairs(value: Any, system: str) -> list[tuple[str, str]]:
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


def _labels(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    concept = value.get("type", {}) if "value" in value else value
    labels = [concept.get("text"), concept.get("display")]
    if "value" not in value:
        labels += [coding.get("display") for coding in value.get("coding", [])]
    return [label for label in labels if label]


def _token(value: Any, modifier: str, text: str, system: str) -> bool:
    if modifier == "text":
        return any(fold(label).startswith(fold(text)) for label in _labels(value))
    if modifier == "of-type":
        type_system, type_code, wanted = text.split("|")
        codings = value.get("type", {}).get("coding", [])
        return value.get("value") == wanted and any(
            coding.get("system", "") == type_system and coding.get("code") == type_code for coding in codings
        )
    for found_system, found_code in _pairs(value, system):
        if "|" not in text:
            hit = found_code == text
        else:
            wanted_system, wanted_code = text.split("|")
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
    wanted = text.removeprefix("http://here/fhir/")
    if "://" in wanted or "://" in literal:
        return literal == wanted or literal.partition("|")[0] == wanted
    if modifier and "/" not in wanted:
        wanted = f"{modifier}/{wanted}"
    return literal == wanted or ("/" not in wanted and literal.rpartition("/")[2] == wanted)


def _uri(value: str, modifier: str, text: str, _system: str) -> bool:
    one, other = value.rstrip("/"), text.rstrip("/")
    if modifier == "below":
        return one == other or one.startswith(other + "/")
    if modifier == "above":
        return one == other or other.startswith(one + "/")
    return value == text


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


def _date(value: Any, _modifier: str, text: str, _system: str) -> bool:
    prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    found = _range(value)
    if found is None:
        return False
    (low, high), (start, end) = found, bounds(rest)
    inside = start <= low and high <= end
    if prefix == "ap":
        now = datetime.now(UTC)
        margin = abs(now - (start + (end - start) / 2)) / 10
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


# quantity


def _quantity(value: Json, _modifier: str, text: str, _system: str) -> bool:
    number, *unit = text.split("|")
    prefix, digits = (number[:2], number[2:]) if number[:2].isalpha() else ("eq", number)
    wanted = Decimal(digits)
    if unit:
        held = value.get("low") or value.get("high") or value
        code, system = held.get("code", held.get("currency")), held.get("system", "urn:iso:std:iso:4217")
        if unit[0] and (system, code) != (unit[0], unit[1]):
            return False
        if not unit[0] and unit[1] not in (code, held.get("unit")):
            return False
    infinite = Decimal("Infinity")
    if "low" in value or "high" in value:
        low = Decimal(str(value["low"]["value"])) if "low" in value else -infinite
        high = Decimal(str(value["high"]["value"])) if "high" in value else infinite
    else:
        low = high = Decimal(str(value["value"]))
        low = -infinite if value.get("comparator", "").startswith("<") else low
        high = infinite if value.get("comparator", "").startswith(">") else high
    half = Decimal(1).scaleb(int(wanted.as_tuple().exponent)) / 2
    inside = wanted - half <= low and high < wanted + half
    margin = abs(wanted) / 10
    return {
        "eq": inside,
        "ne": not inside,
        "gt": high > wanted,
        "lt": low < wanted,
        "ge": high >= wanted,
        "le": low <= wanted,
        "sa": low > wanted,
        "eb": high < wanted,
        "ap": low <= wanted + margin and high >= wanted - margin,
    }[prefix]
