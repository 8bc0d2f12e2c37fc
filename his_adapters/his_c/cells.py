"""HIS_C's packed cells: contact, location and emergency person as dict-like text, JSON or values in a row.

What of a cell can be read is kept; the rest is a problem of that part. Labels that were read with the wrong code page
are read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from marshmallow import ValidationError, fields

from his_adapters.native_fields import cleaned, kind, refuse
from his_adapters.packed_cells import (
    city_state_country,
    is_packed,
    name_and_relation,
    phone_and_email,
    stated_part,
    unpacked,
)

_NOT_IN_NAMES = frozenset("{}[]()_=\\")
"""Where a name or place has one of these, the cell is a broken dict or code."""


class Contact(NamedTuple):
    """How to reach someone."""

    phone: str | None = None
    email: str | None = None


class Place(NamedTuple):
    """Where someone lives: as it stands in one text, in parts, or both."""

    text: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: str | None = None


class EmergencyPerson(NamedTuple):
    """Whom to call."""

    name: str | None = None
    relation: str | None = None
    phone: str | None = None


Packed = TypeVar("Packed", Contact, Place, EmergencyPerson)

_KEYS: Mapping[type, Mapping[str, str]] = {
    Contact: {"phone": "phone", "email": "email"},
    Place: {"city": "city", "state": "state", "country": "country", "postalcode": "postal_code"},
    EmergencyPerson: {"name": "name", "relation": "relation", "phone": "phone"},
}
"""The keys of dict-like cells, without case and punctuation."""


class ContactField(fields.Field[Contact | None]):
    """`{'phone': ..., 'email': ...}`, `phone; email` or `phone, email`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Contact | None:
        text = _stated(value)
        if text is None:
            return None
        if is_packed(text):
            return _parts(text, Contact)
        found = Contact(*phone_and_email(text))
        if not any(found):
            raise refuse("not-a-contact", f"{kind(text)} holds neither a phone nor an e-mail address")
        return found


class PlaceField(fields.Field[Place | None]):
    """`{'country': ...}`, `City, State, Country`, or the values as the store orders them: country to postal code."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Place | None:
        text = _stated(value)
        if text is None:
            return None
        if is_packed(text):
            return _parts(text, Place)
        if _NOT_IN_NAMES.intersection(text) - {"(", ")"}:
            raise refuse("not-a-place", f"{kind(text)} is neither a place nor a dict that can be read")
        parts = [stated_part(part) for part in text.split(",")]
        if len(parts) == 4 and _has_digit(parts[3]):
            country, state, city, postal_code = parts
            return Place(text, city, state, country, postal_code)
        return Place(text, *city_state_country(text))


class EmergencyPersonField(fields.Field[EmergencyPerson | None]):
    """`{'name': ..., 'relation': ..., 'phone': ...}`, `Name; Relation; phone` or `Name (Relation)`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> EmergencyPerson | None:
        text = _stated(value)
        if text is None:
            return None
        found = _parts(text, EmergencyPerson) if is_packed(text) else _person(text)
        if _NOT_IN_NAMES.intersection(found.name or "") or not (any(found) or is_packed(text)):
            raise refuse("not-a-person", f"{kind(text)} is neither a name nor a dict that can be read")
        return found


class Label(fields.Field[str | None]):
    """A specialty or department. UTF-8 that was read as cp1252 (`â€“` for a dash) is read back, and noted."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        text = cleaned(value)
        if text is None or "â€" not in text:
            return text
        try:
            repaired = text.encode("cp1252").decode("utf-8")
        except UnicodeError:
            return text
        raise ValidationError("mojibake: UTF-8 was read as cp1252 before; it is read back", valid_data=_kept(repaired))


def _stated(value: object) -> str | None:
    text = cleaned(value)
    return text if text and stated_part(text) else None


def _person(text: str) -> EmergencyPerson:
    separator = ";" if ";" in text else ","
    parts = [part.strip() for part in text.split(separator)]
    if len(parts) > 1 and _has_digit(parts[-1]):
        name, relation = name_and_relation(parts[0])
        return EmergencyPerson(name, relation or (stated_part(parts[1]) if len(parts) > 2 else None), parts[-1])
    if separator == ";":
        return EmergencyPerson(*(stated_part(part) for part in parts[:2]))
    return EmergencyPerson(*name_and_relation(text))


def _has_digit(part: str | None) -> bool:
    return part is not None and any(letter.isdigit() for letter in part)


def _parts(text: str, make: type[Packed]) -> Packed:
    """The known parts of a dict-like cell. A part that is no text is a problem of its own; the others are kept."""
    keys, found = _KEYS[make], unpacked(text)
    if found and not keys.keys() & found.keys():
        raise refuse("not-unpacked", f"{kind(text)} is a dict without any of the expected keys")
    parts: dict[str, str | None] = {}
    problems: dict[str, list[str]] = {}
    for key, part in keys.items():
        try:
            parts[part] = _stated(found.get(key))
        except ValidationError as error:
            problems[part] = error.messages if isinstance(error.messages, list) else [str(error.messages)]
    made = make(**parts)
    if problems:
        raise ValidationError(problems, valid_data=_kept(made))
    return made


def _kept(value: Any) -> Any:
    """marshmallow keeps the `valid_data` of a failed field; its type foresees only nested schemas."""
    return value
