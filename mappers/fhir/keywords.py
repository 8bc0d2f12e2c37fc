"""What JSON Schema cannot say of an R4 object, as keywords for jsonschema_rs: a period's order, distinct names.

A keyword judges the object at which it stands and holds wherever it does not apply: types and formats are others'.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final


def _keyword(holds: Callable[[Any, Any], bool], prepared: Callable[[Any], Any] = lambda value: value) -> type:
    """A jsonschema_rs keyword from a predicate over (the keyword's value, the instance)."""

    class Keyword:
        def __init__(self, _parent: dict[str, Any], value: Any, _path: list[str | int]) -> None:
            self.value = prepared(value)

        def validate(self, instance: Any) -> None:
            if not holds(self.value, instance):
                raise ValueError

    return Keyword


def _whole(_: Any, number: Any) -> bool:
    return not isinstance(number, float | Decimal)


def _one_of(names: frozenset[str], instance: Any) -> bool:
    keys = {key.removeprefix("_") for key in instance} if isinstance(instance, dict) else set()
    return len(keys & names) < 2


def certainly_after(one: str, other: str) -> bool:
    """Whether a FHIR date or dateTime lies after another, whatever their unstated parts are."""
    known = min(len(one), len(other))
    if known <= len("2020-12-31"):
        return one[:known] > other[:known]
    if one[19:] == other[19:]:  # the same zone and no fractions: text order is time order
        return one > other
    try:
        return datetime.fromisoformat(one) > datetime.fromisoformat(other)
    except (ValueError, TypeError):  # a leap second or a malformed time, which its own format judges
        return one[:19] > other[:19] if one[-6:] == other[-6:] else False


def _period(_: Any, period: Any) -> bool:
    start, end = (period.get("start"), period.get("end")) if isinstance(period, dict) else (None, None)
    return not (isinstance(start, str) and isinstance(end, str)) or not certainly_after(start, end)


def _low_high(_: Any, instance: Any) -> bool:
    low, high = (instance.get("low"), instance.get("high")) if isinstance(instance, dict) else (None, None)
    if not (isinstance(low, dict) and isinstance(high, dict)):
        return True
    if (low.get("unit"), low.get("code")) != (high.get("unit"), high.get("code")):
        return True  # of different units nothing is known
    values = [side.get("value") for side in (low, high)]
    if any(isinstance(value, bool) or not isinstance(value, int | float | Decimal) for value in values):
        return True
    return Decimal(str(values[0])) <= Decimal(str(values[1]))


def _codings(concept: Any) -> set[tuple[Any, Any]]:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return {
        (coding.get("system"), coding["code"])
        for coding in (codings if isinstance(codings, list) else ())
        if isinstance(coding, dict)
        and isinstance(coding.get("code"), str)
        and isinstance(coding.get("system", ""), str)
    }


def _component_codes(_: Any, observation: Any) -> bool:
    own, components = _codings(observation.get("code")), observation.get("component")
    return not any(
        own & _codings(component.get("code"))
        for component in (components if isinstance(components, list) else ())
        if isinstance(component, dict)
    )


def _distinct(names: list[str], items: Any) -> bool:
    """No two items of a list agree in all these (dotted) elements; items without the first do not count."""

    def at(item: Any, path: str) -> Any:
        for name in path.split("."):
            item = item.get(name) if isinstance(item, dict) else None
        return repr(item)

    rows = items if isinstance(items, list) else ()
    keys = [tuple(at(item, name) for name in names) for item in rows if isinstance(item, dict) and names[0] in item]
    return len(keys) == len(set(keys))


def _value_or_extension(_: Any, extension: Any) -> bool:
    keys = extension if isinstance(extension, dict) else ()
    return ("extension" in keys) != bool([key for key in keys if key.startswith(("value", "_value"))])


def _one_content(_: Any, parameter: Any) -> bool:
    keys = {key.removeprefix("_") for key in parameter} if isinstance(parameter, dict) else set()
    values = len({key for key in keys if key.startswith("value")})
    return ("part" in keys) + ("resource" in keys) + values == 1


KEYWORDS: Final[dict[str, type]] = {
    "wholeNumber": _keyword(_whole),
    "oneOfMany": _keyword(_one_of, frozenset),
    "periodOrder": _keyword(_period),
    "lowHighOrder": _keyword(_low_high),
    "componentCodes": _keyword(_component_codes),
    "distinctBy": _keyword(_distinct),
    "valueOrExtension": _keyword(_value_or_extension),
    "oneContent": _keyword(_one_content),
}
