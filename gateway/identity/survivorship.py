"""The golden record: one value where a person's records disagree, by one table of rules, each value with its source.

What the records say is never altered; this is a view. No rule looks at the clock: when the gateway last wrote a record
says nothing about how fresh the hospital's knowledge is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

Patient = Mapping[str, Any]


class Told(NamedTuple):
    """A value, and the ids of the Patients that tell it."""

    property: str
    """Its name in JSON: `deceasedDateTime`."""
    value: Any
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Which values of an element survive."""

    element: str
    """Of the golden Patient: a top-level name, or a choice such as `deceased[x]`."""
    name: str
    why: str
    choose: Callable[[Sequence[Told]], list[Told]]
    """Those that survive, the best first; given in the order in which the records came."""
    many: bool


def _most_agreed(told: Sequence[Told]) -> list[Told]:
    """By most sources; among equals the most precise, then the one that was known first."""
    return [max(told, key=lambda each: (len(each.by), len(str(each.value))))] if told else []


def _all(told: Sequence[Told]) -> list[Told]:
    """Every distinct value, those that most records tell first."""
    return sorted(told, key=lambda each: -len(each.by))


def _stated(told: Sequence[Told]) -> list[Told]:
    """A stated death beats silence and `false`; a date beats `true`."""
    deaths = [each for each in told if each.value is not False]
    dated = [each for each in deaths if isinstance(each.value, str)]
    return _most_agreed(dated or deaths or told)


def _known(told: Sequence[Told]) -> list[Told]:
    """Most agreed, but `unknown` only where nobody knows."""
    return _most_agreed([each for each in told if each.value != "unknown"] or told)


_AGREED = "the value that most records agree on; among equals the most precise, then the one known the longest"
_EVERY = "every distinct value, those that most records tell first"

SURVIVORSHIP = (
    Rule("name", "all-distinct", _EVERY, _all, many=True),
    Rule("telecom", "all-distinct", _EVERY, _all, many=True),
    Rule("gender", "most-agreed-known", f"{_AGREED}; `unknown` only where nobody knows", _known, many=False),
    Rule("birthDate", "most-agreed", _AGREED, _most_agreed, many=False),
    Rule("deceased[x]", "stated-death", "a stated death beats silence; a date beats `true`", _stated, many=False),
    Rule("address", "all-distinct", _EVERY, _all, many=True),
    Rule("maritalStatus", "most-agreed", _AGREED, _most_agreed, many=False),
    Rule("multipleBirth[x]", "most-agreed", _AGREED, _most_agreed, many=False),
    Rule("communication", "all-distinct", _EVERY, _all, many=True),
    Rule("contact", "all-distinct", _EVERY, _all, many=True),
)
"""What is not here (photo, managing organization, general practitioner ...) is a record's own, not the person's."""

_CHOICES = {
    "deceased[x]": ("deceasedBoolean", "deceasedDateTime"),
    "multipleBirth[x]": ("multipleBirthBoolean", "multipleBirthInteger"),
}


class Survived(NamedTuple):
    """What survived of one element, under the name that it has in JSON."""

    rule: Rule
    told: list[Told]

    def into(self, resource: dict[str, Any]) -> None:
        """Write it."""
        values = [each.value for each in self.told]
        resource[self.told[0].property] = values if self.rule.many else values[0]


def survivors(patients: Sequence[Patient], elements: Iterable[str] | None = None) -> list[Survived]:
    """What survives of a person's Patients (oldest first), element by element; what nobody tells is left out."""
    wanted = None if elements is None else set(elements)
    return [
        Survived(rule, chosen)
        for rule in SURVIVORSHIP
        if (wanted is None or rule.element in wanted) and (chosen := rule.choose(_told(rule, patients)))
    ]


def _told(rule: Rule, patients: Sequence[Patient]) -> list[Told]:
    told: dict[bytes, tuple[str, Any, list[str]]] = {}
    for patient in patients:
        for name in _CHOICES.get(rule.element, (rule.element,)):
            values = patient.get(name, [])
            for value in values if rule.many else [values] if name in patient else []:
                key = orjson.dumps([name, value], default=str, option=orjson.OPT_SORT_KEYS)
                by = told.setdefault(key, (name, value, []))[2]
                if patient["id"] not in by:
                    by.append(patient["id"])
    return [Told(name, value, tuple(by)) for name, value, by in told.values()]
