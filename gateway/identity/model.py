"""The frozen linkage model: how often people, relatives and strangers agree on each level. Plain JSON with a version.

Three classes (same person m, same household h, strangers u), because relatives share surname, address and phone, and
counting those as independent evidence merges families.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import orjson

from gateway.identity.comparisons import COMPARISONS
from gateway.identity.forms import Common

Shares = tuple[float, ...]
"""By level; sums to 1."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often the two records of a pair agree on each level of one comparison."""

    m: Shares
    """When they are one person."""
    h: Shares
    """When they are two people of one household."""
    u: Shares
    """When they are strangers; of the first level, on average over its values."""


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How common values are, as shares of the records that have one."""

    rare: float
    """Of a value that is not listed."""
    values: Mapping[str, float]

    def of(self, value: str) -> float:
        """The share of a value."""
        return self.values.get(value, self.rare)


@dataclass(frozen=True)
class Model:
    """Everything that scoring needs. Two models with the same content have the same version."""

    records: int
    """On how many records it was trained."""
    matches: float
    """Pairs of records of one person, by record."""
    relatives: float
    """Pairs of records of two people of one household, by record; 0 = households play no part in these data."""
    agreements: Mapping[str, Agreement]
    """By comparison."""
    frequencies: Mapping[str, Frequencies]
    """By column."""
    common: Common = field(default_factory=dict)
    """Values that so many records hold that they mean nobody, by column: a hospital's phone, a filler of a date. Of
    given names, those that many people bear."""

    @cached_property
    def version(self) -> str:
        """Twelve hex digits of the content's SHA-256."""
        return hashlib.sha256(self.to_json()).hexdigest()[:12]

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, the same bytes for the same model."""
        content = {
            "records": self.records,
            "matches": self.matches,
            "relatives": self.relatives,
            "agreements": {name: asdict(each) for name, each in self.agreements.items()},
            "frequencies": {
                name: {"rare": each.rare, "values": dict(each.values)} for name, each in self.frequencies.items()
            },
            "common": {column: sorted(values) for column, values in self.common.items()},
        }
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def from_json(text: bytes) -> Model:
    """The model that `to_json` wrote. Raises ValueError when it does not fit this version's comparisons."""
    try:
        content: dict[str, Any] = orjson.loads(text)
        agreements = {
            name: Agreement(tuple(each["m"]), tuple(each["h"]), tuple(each["u"]))
            for name, each in content["agreements"].items()
        }
        frequencies = {name: Frequencies(each["rare"], each["values"]) for name, each in content["frequencies"].items()}
        common = {column: frozenset(values) for column, values in content["common"].items()}
        made = Model(content["records"], content["matches"], content["relatives"], agreements, frequencies, common)
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise ValueError("not a linkage model") from error
    expected = {comparison.name: len(comparison.levels) for comparison in COMPARISONS}
    if {name: len(each.m) for name, each in agreements.items()} != expected:
        raise ValueError("the linkage model was made for other comparisons; train it anew")
    if {each.frequency for each in COMPARISONS if each.frequency} - frequencies.keys():
        raise ValueError("the linkage model lacks value frequencies; train it anew")
    return made


@cache
def default_model() -> Model:
    """The model that ships with the gateway, trained on simulated hospitals: for linking before the first training."""
    return from_json(files("gateway.identity").joinpath("default_model.json").read_bytes())
