"""How one person's name comes to be written in several ways: other spellings, lost accents, slips. Knows no person."""

from __future__ import annotations

import unicodedata
from random import Random

from his_adapters.name_spellings import NEAR_KEYS, ROMANIZATION, RULES, SPELLINGS

_LATIN = "abcdefghijklmnopqrstuvwxyz"


def romanize(name: str) -> str:
    """A Cyrillic name in Latin letters."""
    return "".join(ROMANIZATION.get(letter, letter) for letter in name.lower()).capitalize()


def spellings(name: str, culture: str) -> tuple[str, ...]:
    """Other ways to write the name in Latin letters; () where it has none."""
    listed = SPELLINGS.get(name)
    if listed:
        return listed
    lower = name.lower()
    made = [lower.replace(old, new, 1) for old, new in RULES.get(culture, ()) if old in lower]
    return tuple(dict.fromkeys(_capitals_of(name, other) for other in made if len(other) > 1))


def _capitals_of(name: str, other: str) -> str:
    return other.capitalize() if name[:1].isupper() else other


def without_diacritics(name: str) -> str:
    """José as an ASCII-only system keeps it."""
    if name.isascii():
        return name
    plain = name.replace("ß", "ss").replace("Ł", "L").replace("ł", "l").replace("ø", "o").replace("Ø", "O")
    return "".join(letter for letter in unicodedata.normalize("NFD", plain) if not unicodedata.combining(letter))


def typo(name: str, rng: Random) -> str:
    """The name with one slip: a neighbouring key, two letters swapped, one lost or one doubled. Never the same name."""
    if len(name) < 3:
        return name + name[-1:].lower()
    at = rng.randrange(1, len(name) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        near = NEAR_KEYS.get(name[at].lower(), _LATIN.replace(name[at], ""))
        return name[:at] + rng.choice(near) + name[at + 1 :]
    if kind == 1 and name[at] != name[at + 1]:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if kind == 2 and len(name) > 3:
        return name[:at] + name[at + 1 :]
    return name[: at + 1] + name[at] + name[at + 1 :]
