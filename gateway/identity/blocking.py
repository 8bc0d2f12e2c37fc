"""Blocking: which records are worth comparing. Two records that share a key are; nobody compares everybody.

The union of the keys finds what any single one would miss: a changed phone, a married name, a mistyped date. Keys of
phone, e-mail and home alone bring whole households together, so that training sees what a household looks like.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.identity.names import metaphone, skeleton
from gateway.identity.traits import Traits


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
        given = metaphone(name.given[0]) if name.given else ""
        family = metaphone(name.family) if name.family else ""
        both = "/".join(sorted((given, family))) if given and family else ""
        if born and family:
            yield f"bn:{born}:{family}"
        if born and given:
            yield f"bn:{born}:{given}"
        if both and year:
            yield f"ny:{both}:{year}"
        if both and born:
            yield f"nd:{both}:{born[5:]}"
        given_bones = skeleton(name.given[0]) if name.given else ""
        family_bones = skeleton(name.family)
        bones = "/".join(sorted((given_bones, family_bones))) if given_bones and family_bones else ""
        if bones and year:
            yield f"ky:{bones}:{year}"
        if bones and born:
            yield f"kd:{bones}:{born[5:]}"
        if born and family_bones:
            yield f"bk:{born}:{family_bones}"
        if born and given_bones:
            yield f"bk:{born}:{given_bones}"
        for address in traits.addresses:
            if address.city and both:
                yield f"nc:{both}:{address.city}"
            if address.postcode and both:
                yield f"np:{both}:{address.postcode}"
            if address.postcode and family:
                yield f"fp:{family}:{address.postcode}"
            if address.postcode and address.number and address.street and given:
                yield f"hg:{address.postcode}:{address.number}:{address.street}:{given}"
    for address in traits.addresses:
        if address.street and address.number:
            yield f"hs:{address.number}:{address.street}"
        if not address.postcode:
            continue
        if born:
            yield f"bp:{born}:{address.postcode}"
        if address.number and year:
            yield f"hy:{address.postcode}:{address.number}:{year}"
        if address.street and born:
            yield f"sd:{address.postcode}:{address.street}:{born[5:]}"
