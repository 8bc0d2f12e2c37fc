"""What the comparisons look at: a record's values with what is derived from them (skeletons, formal names).

A record has one or more forms of each part (a former name is a second name form). Most have one of each: those are
compared as one flat row in SQL; the others are compared form by form in Python, and the best agreement counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from gateway.identity.names import formal_names, skeleton
from gateway.identity.normalize import Address
from gateway.identity.traits import Name, Traits

_REMEMBERED = 1 << 14
"""Names and birth dates whose forms are kept: some 15 MB."""

# Each form is a tuple, whose hash is quick: what two of them say is remembered by their values.


class NameForm(NamedTuple):
    """One name."""

    given: str = ""
    """The first given name that is no initial."""
    family: str = ""
    given_bones: str = ""
    family_bones: str = ""
    formal: tuple[str, ...] = ()
    generation: str = ""
    usual: bool = False
    """Whether many people bear the given name, or a table knows it."""


class BirthForm(NamedTuple):
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


class GenderForm(NamedTuple):
    """`male` or `female`."""

    gender: str = ""


class PhoneForm(NamedTuple):
    """One phone."""

    phone: str = ""


class EmailForm(NamedTuple):
    """One e-mail address."""

    email: str = ""
    email_number: str = ""
    """Its digits; `-` for none."""


class AddressForm(NamedTuple):
    """One address."""

    street: str = ""
    number: str = ""
    city: str = ""
    postcode: str = ""


class IdentifierForm(NamedTuple):
    """One identifier of a person."""

    identifier_system: str = ""
    identifier: str = ""


class OriginForm(NamedTuple):
    """Where the record comes from."""

    origin: str = ""


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
    origins: tuple[OriginForm, ...]

    @property
    def parts(self) -> tuple[tuple[Any, ...], ...]:
        """In the order of `PARTS`."""
        return _parts_of(self)

    @property
    def is_flat(self) -> bool:
        """Whether each part has at most one form."""
        return max(map(len, self.parts)) < 2


PARTS: dict[str, Any] = {
    "names": NameForm(),
    "births": BirthForm(),
    "genders": GenderForm(),
    "phones": PhoneForm(),
    "emails": EmailForm(),
    "addresses": AddressForm(),
    "identifiers": IdentifierForm(),
    "origins": OriginForm(),
}
"""The parts of a record, each with the form that stands for a missing one."""
_parts_of: Callable[[Forms], tuple[tuple[Any, ...], ...]] = attrgetter(*PARTS)
COLUMNS = {column: part for part, empty in PARTS.items() for column in empty._fields}
"""The columns of a flat row, with their part."""


Common = Mapping[str, frozenset[str]]
"""By column, the values that mean nobody; of given names, those that many bear."""
MAY_BE_COMMON = ("born", "phone", "email", "identifier")
"""The columns of values that should be one person's, or one household's."""


def forms(traits: Traits, common: Common | None = None) -> Forms:
    """The forms of a record, without what is `common`: too many records hold it."""
    no = common or {}
    usual = no.get("given", frozenset())
    no_birth, no_phone, no_email, no_identifier = (no.get(column, frozenset()) for column in MAY_BE_COMMON)
    birth = _birth_form(traits.birth_date, traits.birth_date_defaulted)
    return Forms(
        names=tuple([_name_form(name, usual) for name in traits.names]),
        births=(birth,) if birth.born and birth.born not in no_birth else (),
        genders=(GenderForm(traits.gender),) if traits.gender else (),
        phones=tuple([PhoneForm(phone) for phone in traits.phones if phone not in no_phone]),
        emails=tuple([_email_form(email) for email in traits.emails if email not in no_email]),
        addresses=tuple([_address_form(address) for address in traits.addresses]),
        identifiers=tuple([IdentifierForm(*each) for each in traits.identifiers if each[1] not in no_identifier]),
        origins=(OriginForm(traits.source),) if traits.source else (),
    )


def _name_form(name: Name, usual: frozenset[str]) -> NameForm:
    given = name.called
    return _called(given, name.family, name.generation, given in usual)


@lru_cache(_REMEMBERED)
def _called(given: str, family: str, generation: str, usual: bool) -> NameForm:
    formal = formal_names(given)
    return NameForm(given, family, skeleton(given), skeleton(family), formal, generation, usual or bool(formal))


@lru_cache(_REMEMBERED)
def _birth_form(iso: str, defaulted: bool) -> BirthForm:
    year, month, day = iso[:4], iso[5:7], iso[8:10]
    return BirthForm(year + month + day, year + day + month, year, year + month, year + day, month + day, defaulted)


def _email_form(email: str) -> EmailForm:
    return EmailForm(email, "".join(filter(str.isdigit, email)) or "-")


def _address_form(address: Address) -> AddressForm:
    return AddressForm(address.street, address.number, address.city, address.postcode)
