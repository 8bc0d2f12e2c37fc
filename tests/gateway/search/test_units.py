"""UCUM: units of medicine in base units, exact; judged by ucumvert, which has its own definitions.

https://ucum.org/ucum
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.search.units import unit

CODES = (
    "mm[Hg]",
    "mmol/L",
    "10*9/L",
    "10*3/uL",
    "/min",
    "{beats}/min",
    "mg/dL",
    "kg/m2",
    "g/dL",
    "meq/L",
    "ug/mL",
    "mL/min/(173.10*-2.m2)",
    "umol/min/L",
    "k[iU]/L",
    "cm[H2O]",
    "mosm/kg",
    "fL",
    "ng/mL/h",
    "[in_i]2",
    "[lb_av]",
    "[oz_av]",
    "[gal_us]",
    "[tsp_us]",
    "[stone_av]",
    "wk",
    "mo",
    "a",
    "%",
    "[ppm]",
    "kcal",
    "kPa",
    "bar",
    "mL",
    "dag",
    "cd",
    "min",
    "1",
)
_OUTDATED = {"mm[Hg]": 1e-5}
"""UCUM's own figure is shorter than that of the standard atmosphere."""


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


@pytest.mark.parametrize("code", CODES)
def test_units_are_what_another_library_says(code: str) -> None:
    """Up to the base units of mass, which are the gram here and the kilogram there."""
    made, judged = unit(code), _registry().from_ucum(code)
    assert made is not None
    judged = judged if isinstance(judged, int | float) else (1.0 * judged).to_base_units()
    grams = dict(made.powers).get("g", 0)
    factor = float(made.factor * Fraction(1, 1000) ** grams)
    assert factor == pytest.approx(getattr(judged, "magnitude", judged), rel=_OUTDATED.get(code, 1e-9))


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("g", "mg", 1000),
        ("kg", "g", 1000),
        ("L", "dm3", 1),
        ("l", "mL", 1000),
        ("h", "min", 60),
        ("mmol/L", "umol/mL", 1),
        ("{tablets}/d", "/d", 1),
        ("[lb_av]", "[oz_av]", 16),
        ("%", "[ppth]", 10),
        ("m[Hg]", "mm[Hg]", 1000),
    ],
)
def test_conversions_are_exact(one: str, other: str, factor: int) -> None:
    first, second = unit(one), unit(other)
    assert first is not None
    assert second is not None
    assert (first.base, first.factor) == (second.base, second.factor * factor)


@pytest.mark.parametrize(
    ("code", "value", "kelvin"),
    [("Cel", 37, "310.15"), ("[degF]", 212, "373.15"), ("[degF]", 32, "273.15"), ("K", 5, "5"), ("K.m", 1, "1")],
)
def test_scales_with_a_zero_of_their_own(code: str, value: int, kelvin: str) -> None:
    found = unit(code)
    assert found is not None
    assert value * found.factor + found.offset == Fraction(kelvin)


@pytest.mark.parametrize(
    ("one", "other"), [("[iU]", "U"), ("mol", "1"), ("g", "mL"), ("[iU]", "[arb'U]"), ("rad", "1"), ("mg", "mmol")]
)
def test_what_cannot_be_compared_has_other_bases(one: str, other: str) -> None:
    first, second = unit(one), unit(other)
    assert first is not None
    assert second is not None
    assert first.base != second.base


@pytest.mark.parametrize(
    "code",
    ["", "{tablet}", "mmHg", "millig", "beats/min", "g/", "g..m", "(g", "g)", "m100", "[nonsense]", "°C", "µg", "g m",
     "x" * 65, "g/0", "10*1000", "-3", "1/0"],
)  # fmt: skip
def test_what_is_no_unit_is_none(code: str) -> None:
    """And is compared as it is written."""
    assert unit(code) is None


@given(st.text(alphabet="mgkLsK[iU]{}()/.*^-+0123456789%' ", max_size=20))
def test_no_code_is_too_strange(code: str) -> None:
    found = unit(code)
    assert found is None or found.factor > 0
