"""UCUM units in terms of base units, so that quantities compare across units: exact, for the units of medicine.

`units.csv` has the facts: a unit's value in terms of other units, and whether it takes metric prefixes. What another
unit cannot be compared with (an international unit) is a base of its own, and so is the mole.
https://ucum.org/ucum
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files

UCUM = "http://unitsofmeasure.org"

_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3,
    "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
_OFFSETS = {"Cel": Fraction("273.15"), "[degF]": Fraction("459.67") * Fraction(5, 9)}
"""What is added besides: these units have a zero of their own, and stand alone."""
_SYMBOL = re.compile(r"(10[*^]|.*?[^\d+-]|)([+-]?\d{1,9})?")
_PART = re.compile(r"(?:\[[^\[\]{}]*\]|[^\[\]./(){}])+")
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_LONGEST, _HIGHEST = 64, 99
"""Codes and exponents beyond are no unit of anything."""

Powers = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: a value in it times `factor` plus `offset` is one in base units."""

    factor: Fraction
    offset: Fraction
    powers: Powers
    """The base units and their exponents, by name."""

    @property
    def base(self) -> str:
        """The base units as a UCUM code."""
        return ".".join(name if power == 1 else f"{name}{power}" for name, power in self.powers) or "1"


class _Unknown(ValueError):
    """A code that is no UCUM, or has a unit that the table does not have."""


@lru_cache(maxsize=1024)
def unit(code: str) -> Unit | None:
    """What a UCUM code means; None where it is not known, or is nothing but an annotation."""
    bare = _ANNOTATION.sub("", code)
    if not bare or len(bare) > _LONGEST or not bare.isascii():
        return None
    try:
        found = _Reader(bare).whole()
    except (_Unknown, ZeroDivisionError):
        return None
    return Unit(found.factor, _OFFSETS.get(bare, Fraction(0)), found.powers)


class _Value:
    """A product of powers of base units."""

    __slots__ = ("factor", "powers")

    def __init__(self, factor: Fraction, powers: Mapping[str, int]) -> None:
        self.factor = factor
        self.powers: Powers = tuple(sorted((name, power) for name, power in powers.items() if power))

    def times(self, other: _Value, power: int = 1) -> _Value:
        """The product with another to a power."""
        powers = dict(self.powers)
        for name, exponent in other.powers:
            powers[name] = powers.get(name, 0) + exponent * power
        return _Value(self.factor * other.factor**power, powers)


_ONE = _Value(Fraction(1), {})


class _Reader:
    """Recursive descent over a code without annotations."""

    def __init__(self, code: str) -> None:
        self.code, self.at = code, 0

    def whole(self) -> _Value:
        found = self._term()
        if self.at < len(self.code):
            raise _Unknown(self.code)
        return found

    def _term(self) -> _Value:
        found = _ONE
        sign = -1 if self._takes("/") else 1
        while True:
            found = found.times(self._component(), sign)
            if self._takes("."):
                sign = 1
            elif self._takes("/"):
                sign = -1
            else:
                return found

    def _takes(self, sign: str) -> bool:
        if self.code.startswith(sign, self.at):
            self.at += 1
            return True
        return False

    def _component(self) -> _Value:
        if self._takes("("):
            found = self._term()
            if not self._takes(")"):
                raise _Unknown(self.code)
            return found
        part = _PART.match(self.code, self.at)
        if part is None:
            raise _Unknown(self.code)
        self.at = part.end()
        symbol = _SYMBOL.fullmatch(part.group())
        if symbol is None:
            raise _Unknown(self.code)
        name, exponent = symbol.groups()
        number = int(exponent or 1)
        if not name:
            if number <= 0 or not exponent.isdigit():
                raise _Unknown(self.code)
            return _Value(Fraction(number), {})
        if abs(number) > _HIGHEST:
            raise _Unknown(self.code)
        return _ONE.times(_named(name), number)


@cache
def _table() -> dict[str, dict[str, str]]:
    lines = files(__package__).joinpath("units.csv").read_text(encoding="utf-8").splitlines()
    return {row["unit"]: row for row in csv.DictReader(lines)}


@cache
def _defined(name: str) -> _Value:
    row = _table()[name]
    if not row["of"]:
        return _Value(Fraction(1), {name: 1})
    return _Value(Fraction(row["value"]), {}).times(_Reader(row["of"]).whole())


def _named(name: str) -> _Value:
    """A unit of the table, with a prefix or without."""
    if name in _table():
        return _defined(name)
    for prefix, power in _PREFIXES.items():
        rest = name[len(prefix) :]
        if name.startswith(prefix) and _table().get(rest, {}).get("prefixed") == "yes":
            return _Value(Fraction(10) ** power, {}).times(_defined(rest))
    raise _Unknown(name)
