"""What the comparisons look at: a record's values with what is derived from them (skeletons, formal names).

A record has one or more forms of each part (a former name is a second name form). Most have one of each: those are
compared as one flat row in SQL; the others are compared form by form in Python, and the best agreement counts.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, fields
from typing import Any

from gateway.identity.names import formal_names, skeleton
from gateway.identity.normalize import Address
from gateway.identity.traits import Name, Traits


@dataclass(frozen=True, slots=True)
class NameForm:
    """One name."""

    given: str = ""
    """The first given name."""
    family: str = ""
    given_bones: str = ""
    family_bones: str = ""
    formal: tuple[str, ...] = ()
    generation: str = ""


@dataclass(frozen=True, slots=True)
class BirthForm:
    """The birth date in the ways that slips leave it."""

    born: str = ""
    """YYYYMMDD."""
    born_crossed: str = ""
    """YYYYDDMM."""
    year: str = ""
    year_month: str = ""
    year_day: str = ""
    month_day: str = ""
    defaulted: bool = False


@dataclass(frozen=True, slots=True)
class GenderForm:
    """`male` or `female`."""

    gender: str = ""


@dataclass(frozen=True, slots=True)
class PhoneForm:
    """One phone."""

    phone: str = ""


@dataclass(frozen=True, slots=True)
class EmailForm:
    """One e-mail address."""

    email: str = ""


@dataclass(frozen=True, slots=True)
class AddressForm:
    """One address."""

    street: str = ""
    number: str = ""
    city: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class IdentifierForm:
    """One identifier of a person."""

    identifier_system: str = ""
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Forms:
    """All forms of one record; a part that is not known has none."""

    names: tuple[NameForm, ...]
    births: tuple[BirthForm, ...]
    genders: tuple[GenderForm, ...]
    phones: tuple[PhoneForm, ...]
    emails: tuple[EmailForm, ...]
    addresses: tuple[AddressForm, ...]
    identifiers: tuple[IdentifierForm, ...]

    @property
    def is_flat(self) -> bool:
        """Whether each part has at most one form."""
        return all(len(getattr(self, part)) < 2 for part in PARTS)


PARTS: dict[str, Any] = {
    "names": NameForm(),
    "births": BirthForm(),
    "genders": GenderForm(),
    "phones": PhoneForm(),
    "emails": EmailForm(),
    "addresses": AddressForm(),
    "identifiers": IdentifierForm(),
}
"""The parts of a record, each with the form that stands for a missing one."""
COLUMNS = {field.name: part for part, empty in PARTS.items() for field in fields(empty)}
"""The columns of a flat row, with their part."""


def forms(traits: Traits, common: Container[str] = frozenset()) -> Forms:
    """The forms of a record. Phones, e-mail addresses and identifiers in `common` belong to too many to mean anyone."""
    born = traits.birth_date
    return Forms(
        names=tuple([_name_form(name) for name in traits.names]),
        births=(_birth_form(born, traits.birth_date_defaulted),) if born else (),
        genders=(GenderForm(traits.gender),) if traits.gender else (),
        phones=tuple([PhoneForm(phone) for phone in traits.phones if phone not in common]),
        emails=tuple([EmailForm(email) for email in traits.emails if email not in common]),
        addresses=tuple([_address_form(address) for address in traits.addresses]),
        identifiers=tuple([IdentifierForm(*each) for each in traits.identifiers if each[1] not in common]),
    )


def _name_form(name: Name) -> NameForm:
    given = name.given[0] if name.given else ""
    return NameForm(given, name.family, skeleton(given), skeleton(name.family), formal_names(given), name.generation)


def _birth_form(iso: str, defaulted: bool) -> BirthForm:
    year, month, day = iso[:4], iso[5:7], iso[8:10]
    return BirthForm(year + month + day, year + day + month, year, year + month, year + day, month + day, defaulted)


def _address_form(address: Address) -> AddressForm:
    return AddressForm(address.street, address.number, address.city, address.postcode)
