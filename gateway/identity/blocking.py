"""Blocking: which records are worth comparing. Two records that share a key are; nobody compares everybody.

The union of the keys finds what any single one would miss: a changed phone, a married name, a mistyped date. Keys of
phone, e-mail and home alone bring whole households together, so that training sees what a household looks like.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.identity.names import metaphone, skeleton
from gateway.identity.normalize import Address
from gateway.identity.traits import Name, Traits

_HEARD = 4
"""Sounds of a street or a city that make a key."""


def keys(traits: Traits) -> frozenset[str]:
    """The keys of a record, each a short text that opens with its kind; empty when nothing usable is known.

    Every former name, alias and address adds keys.
    """
    return frozenset(_keys(traits))


def _keys(traits: Traits) -> Iterator[str]:
    born = "" if traits.birth_date_defaulted else traits.birth_date
    year = traits.birth_date[:4]
    for system, value in traits.identifiers:
        yield f"i:{system}:{value}"
    for phone in traits.phones:
        yield f"p:{phone}"
    for email in traits.emails:
        yield f"e:{email}"
    for name in traits.names:
        yield from _of_name(name, born, year)
    for address in traits.addresses:
        yield from _of_home(address, born, year)
        for name in traits.names:
            yield from _of_name_and_home(name, address)


def _of_name(name: Name, born: str, year: str) -> Iterator[str]:
    bones = skeleton(name.called), skeleton(name.family)
    for (alone, of_year, of_day), (given, family) in (
        (("bn", "ny", "nd"), _sounds(name)),
        (("bk", "ky", "kd"), bones),
    ):
        both = "/".join(sorted((given, family))) if given and family else ""
        if born and family:
            yield f"{alone}:{born}:{family}"
        if born and given:
            yield f"{alone}:{born}:{given}"
        if both and year:
            yield f"{of_year}:{both}:{year}"
        if both and born:
            yield f"{of_day}:{both}:{born[5:]}"


def _of_home(address: Address, born: str, year: str) -> Iterator[str]:
    street = _beginning(address.street)
    if address.street and address.number:
        yield f"hs:{address.number}:{address.street}"
    if street and address.city:
        yield f"sc:{street}:{_beginning(address.city)}"
    if street and address.postcode:
        yield f"sp:{street}:{address.postcode}"
    if address.postcode and address.number and year:
        yield f"hy:{address.postcode}:{address.number}:{year}"
    if not born:
        return
    if street:
        yield f"bs:{born}:{street}"
    if address.number:
        yield f"bh:{born}:{address.number}"
    if address.postcode:
        yield f"bp:{born}:{address.postcode}"
    if address.postcode and address.street:
        yield f"sd:{address.postcode}:{address.street}:{born[5:]}"


def _of_name_and_home(name: Name, address: Address) -> Iterator[str]:
    given, family = sounds = _sounds(name)
    both = "/".join(sorted(sounds)) if given and family else ""
    if address.city and both:
        yield f"nc:{both}:{address.city}"
    if address.postcode and both:
        yield f"np:{both}:{address.postcode}"
    if address.postcode and address.number and address.street and given:
        yield f"hg:{address.postcode}:{address.number}:{address.street}:{given}"
    street = _beginning(address.street)
    for kind, sound in zip("gf", sounds, strict=True):
        if sound and address.postcode:
            yield f"{kind}p:{sound}:{address.postcode}"
        if sound and street:
            yield f"ns:{sound}:{street}"
        if sound and address.number:
            yield f"nh:{sound}:{address.number}"


def _sounds(name: Name) -> tuple[str, str]:
    """The given and the family name as they are heard."""
    return metaphone(name.called) if name.called else "", metaphone(name.family) if name.family else ""


def _beginning(place: str) -> str:
    """How a street or a city begins to sound: slips further on do not matter."""
    return metaphone(place)[:_HEARD] if place else ""
