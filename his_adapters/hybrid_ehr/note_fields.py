"""marshmallow fields for the parts of a clinical note, in each of the three shapes that its writers have used.

Today's is an object of named values, the older one a list of {type, value, ts}, and there may be nothing at all. A
broken part is left out and noted; the others are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from marshmallow import ValidationError, fields

from his_adapters.native_fields import Key, cleaned, kind, refuse
from his_adapters.tabular import folded

_Part = TypeVar("_Part")
_MOST = 100
"""Signs or attachments of one note."""
_LONGEST_NAME = 100
_DEEPEST = 3
_PAIR = ("systolic", "diastolic")
_PRESSURES = {"bp", "bloodpressure"}
_KNOWN = frozenset({"bp", "temp", "pulse", "symptoms"})


ATTACHMENT_NAMES: Mapping[str, tuple[str, ...]] = {
    "name": ("filename", "name"),
    "place": ("fileurl", "url", "path"),
    "caption": ("caption",),
    "kind": ("type",),
}
"""Part of an attachment -> the folded names that it has had, the first that says something counts."""
SIGN_NAMES = ("type", "value", "ts")
"""What an element of the older shape's list is made of."""


class Sign(NamedTuple):
    """One thing that a note says was observed, under the name that the writer gave it: `bp`, `symptoms`, any other."""

    name: str
    value: str
    """As written; of a list `120/80`, of a number its digits."""
    taken: datetime | None
    """By the note's own clock, where the note's shape has one."""


class Attachment(NamedTuple):
    """One file that a note names. The file itself is elsewhere."""

    name: str | None
    place: str | None
    """A URL or a path."""
    caption: str | None
    kind: str | None
    """The older shape's `type`."""


class NoteKey(Key):
    """A key that writers in other languages have stored as a whole number, a double or a text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
            value = int(value)
        return super()._deserialize(value, attr, data, **kwargs)


class UtcMoment(fields.Field[datetime | None]):
    """A moment. A text without a zone is in UTC, as the service's `utcnow()` writes it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime | None:
        return _moment(value)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        found = value
    else:
        text = cleaned(value)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise refuse("not-a-moment", f"{kind(value)} is not a date and time of ISO 8601") from None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise refuse("not-a-moment", "the moment is beyond the calendar") from None


class Signs(fields.Field[tuple[Sign, ...]]):
    """What was observed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Sign, ...]:
        if isinstance(value, Mapping):
            return _gathered((str(name), _of_object(name, each)) for name, each in value.items())
        if isinstance(value, list):
            return _gathered((str(place), _of_list(each)) for place, each in enumerate(value))
        if cleaned(value) is None:
            return ()
        raise refuse("not-an-object", f"{kind(value)} where an object or a list is expected")


class Attachments(fields.Field[tuple[Attachment, ...]]):
    """The files that a note names."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Attachment, ...]:
        if isinstance(value, Mapping):
            listed = [value] if value else []
        elif isinstance(value, list):
            listed = value
        elif cleaned(value) is None:
            return ()
        else:
            raise refuse("not-a-list", f"{kind(value)} where a list is expected")
        return _gathered((str(place), _attachment(each)) for place, each in enumerate(listed))


def _gathered(parts: Iterator[tuple[str, Iterator[_Part]]]) -> tuple[_Part, ...]:
    """All sound parts; the broken ones are told by their places."""
    made: list[_Part] = []
    broken: dict[str, Any] = {}
    for place, found in parts:
        try:
            made += found
        except ValidationError as error:
            # Only a name that a person chose from a known set may be told: any other may be anything.
            broken[place if place.isdecimal() or place in _KNOWN else "other"] = error.messages
        if len(made) > _MOST:
            raise refuse("too-long", f"more than {_MOST} parts")
    if broken:
        raise ValidationError(broken, valid_data=tuple(made))  # type: ignore[arg-type]
    return tuple(made)


def _of_list(each: Any) -> Iterator[Sign]:
    """The older shape: {type, value, ts}."""
    if not isinstance(each, Mapping):
        raise refuse("not-an-object", f"{kind(each)} where an object is expected")
    name, value, taken = map(each.get, SIGN_NAMES)
    yield from _signs(name, value, _moment(taken))


def _of_object(name: Any, value: Any) -> Iterator[Sign]:
    yield from _signs(name, value, None)


def _signs(name: Any, value: Any, taken: datetime | None, depth: int = 0) -> Iterator[Sign]:
    called = cleaned(name)
    if called is None or len(called) > _LONGEST_NAME or "\n" in called:
        raise refuse("missing", "what was observed has no name of a usable length")
    if isinstance(value, Mapping) and depth < _DEEPEST:
        pair = {folded(str(part)): inside for part, inside in value.items()}
        if all(part in pair for part in _PAIR):
            yield Sign(called, "/".join(_word(pair[part]) or "" for part in _PAIR), taken)
            return
        for part, inside in value.items():
            yield from _signs(f"{called}.{part}", inside, taken, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        if folded(called) in _PRESSURES:
            yield Sign(called, "/".join(_word(each) or "" for each in value), taken)
            return
        for each in value:
            yield from _signs(called, each, taken, depth + 1)
    elif word := _word(value):
        yield Sign(called, word, taken)


def _word(value: Any) -> str | None:
    """A scalar as text: the digits of a number, a text as it stands."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _LONGEST_NAME:
            raise refuse("not-a-number", "the number is not finite or too large")
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return cleaned(value)


def _attachment(each: Any) -> Iterator[Attachment]:
    if not isinstance(each, Mapping):
        if place := cleaned(each):
            yield Attachment(None, place, None, None)
        return
    parts = {folded(str(name)): part for name, part in each.items()}

    def first(names: tuple[str, ...]) -> str | None:
        return next((word for name in names if (word := cleaned(parts.get(name)))), None)

    found = Attachment(**{part: first(names) for part, names in ATTACHMENT_NAMES.items()})
    if any(found):
        yield found
