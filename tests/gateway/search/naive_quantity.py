"""The oracle's quantities, in UCUM units of its own table.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

UCUM = "http://unitsofmeasure.org"
_BASE = {
    "mg": ("g", "1/1000"),
    "dg": ("g", "1/10"),
    "g": ("g", "1"),
    "kg": ("g", "1000"),
    "mm[Hg]": ("Pa", "133.322"),
    "kPa": ("Pa", "1000"),
    "cm": ("m", "1/100"),
    "m": ("m", "1"),
    "mL": ("L", "1/1000"),
    "L": ("L", "1"),
    "g/dL": ("g/L", "10"),
    "mg/dL": ("g/L", "1/100"),
    "g/L": ("g/L", "1"),
    "/min": ("/s", "1/60"),
    "d": ("d", "1"),
    "wk": ("d", "7"),
    "a": ("d", "365.25"),
    "mo": ("d", "30.4375"),
    "Cel": ("K", "1"),
    "[degF]": ("K", "5/9"),
}
_ZERO = {"Cel": Fraction("273.15"), "[degF]": Fraction("459.67") * 5 / 9}


def alike(code: str | None) -> list[str]:
    """Other units of the same kind."""
    return [other for other, (base, _) in _BASE.items() if base == _BASE.get(code or "", ("",))[0] and other != code]


def _in_base(number: Decimal, code: str) -> Fraction:
    return Fraction(number) * Fraction(_BASE[code][1]) + _ZERO.get(code, 0)


def quantity(value: dict[str, Any], number: str, unit: list[str]) -> bool:
    """Whether a Quantity or Range matches a number with its prefix, in a unit: nothing, or system and code."""
    prefix, digits = (number[:2], number[2:]) if number[:2].isalpha() else ("eq", number)
    wanted = Decimal(digits)
    held = value.get("low") or value.get("high") or value
    code, system = held.get("code", held.get("currency")), held.get("system")
    if "currency" in held:
        system = "urn:iso:std:iso:4217"
    converted = unit and unit[0] == system == UCUM and unit[1] in _BASE and code in _BASE
    if unit and not unit[0] and unit[1] not in (code, held.get("unit")):
        return False
    if converted and _BASE[unit[1]][0] != _BASE[code][0]:
        return False
    if unit and unit[0] and not converted and (system, code) != (unit[0], unit[1]):
        return False
    infinite: Any = Decimal("Infinity")
    low: Any = infinite * -1
    high = infinite
    if "low" in value or "high" in value:
        low = Decimal(str(value["low"]["value"])) if "low" in value else low
        high = Decimal(str(value["high"]["value"])) if "high" in value else high
    else:
        point = Decimal(str(value["value"]))
        low = low if value.get("comparator", "").startswith("<") else point
        high = high if value.get("comparator", "").startswith(">") else point
    half = Decimal(1).scaleb(int(wanted.as_tuple().exponent)) / 2
    margin = abs(wanted) / 10
    exact: list[Any] = [wanted, wanted - half, wanted + half, wanted - margin, wanted + margin]
    if converted:
        low, high = (end if end.is_infinite() else _in_base(end, code) for end in (low, high))
        exact = [_in_base(each, unit[1]) for each in exact]
    middle, start, end, least, most = exact
    inside = start <= low and high < end
    return bool(
        {
            "eq": inside,
            "ne": not inside,
            "gt": high > middle,
            "lt": low < middle,
            "ge": high >= middle,
            "le": low <= middle,
            "sa": low > middle,
            "eb": high < middle,
            "ap": low <= most and high >= least,
        }[prefix]
    )
