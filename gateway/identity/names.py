"""Names as they are compared: any script in plain Latin letters, titles and placeholders gone, generations kept apart.

Also which given names are one name (nicknames), and which are one name in another transliteration (skeletons).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

import jellyfish
from anyascii import anyascii
from nicknames import NickNamer


def listed(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())


_TITLES = listed("mr mrs ms miss mx dr prof sir dame rev hon shri smt kumari herr frau sr sra srta mme mlle")
_DEGREES = listed("md mbbs phd dds dvm esq rn do")
_GENERATIONS = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "2", "iii": "3", "iv": "4"}
_PLACEHOLDERS = listed("baby babygirl babyboy newborn infant unknown unnamed anonymous test patient none nil na bo")
_ROLES = listed("daughter wife husband mother father child girl boy male female twin")
"""What is written for a given name that nobody has asked for; some are family names."""
_PARTICLES = listed("al el bin ibn bint de da do dos das del della di la le van von der den zu af")
_SPELLINGS = {
    each: spelled.split()[0]
    for spelled in (
        "muhammad mohammed mohammad muhammed mohamed mohamad muhamad mohamud mohd",
        "ahmad ahmed ahamed",
        "lakshmi laxmi lakshmy lakshmee",
        "fatima fatimah fathima fatema fatemah",
        "aisha ayesha aysha aishah ayisha",
        "yusuf yousef yousuf yusef youssef",
        "husain hussain hussein husein hossein",
        "hasan hassan",
        "abdullah abdulla abdallah",
        "ibrahim ebrahim ibraheem",
        "khalid khaled",
        "zainab zaynab zeinab zaineb",
        "mustafa mostafa moustafa mustapha",
    )
    for each in spelled.split()
}
"""Given names so often written in several ways that these say nothing of who is meant."""
_SERVANTS = frozenset(("abdul", "abd", "abdel", "abdal"))
"""First halves of Arabic names that mean nothing alone: Abdul Rahman is Abdulrahman."""
_APART = re.compile(r"[^a-z0-9]+")
_ARTICLE = re.compile(r"^(?:al|el)(?=[a-z]{4})")
_ATTACHED = re.compile(r"^\s*(al|el)-", re.IGNORECASE)
_ARABIC_ARTICLE = re.compile(r"\b\u0627\u0644(?=\w{3})")
"""The same in its own script, where transliteration would join it to the name."""
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"tsch|tch|ch", "c"),
        (r"sch|sh", "s"),
        (r"ph", "f"),
        (r"x", "ks"),
        (r"(?<=[bdgkpt])h", ""),
        (r"zh", "z"),
        (r"ck|q", "k"),
        (r"c(?=[aoulrkn]|$)", "k"),
        (r"w", "v"),
    )
)
_VOWELS = re.compile(r"(?<!^)[aeiouyh]")
_LONG_VOWELS = tuple(
    (re.compile(pattern), sound) for pattern, sound in (("ee|ea|ie|y|j", "i"), ("oo|ou|w", "u"), ("h", ""))
)
_REPEATS = re.compile(r"(.)\1+")


@lru_cache(maxsize=1 << 16)
def words(text: str) -> tuple[str, ...]:
    """The words of a text in lower-case ASCII letters and digits: NFKC, then transliterated. Hyphens join."""
    plain = anyascii(unicodedata.normalize("NFKC", text)).lower()
    for mark in ("'", "`", "-"):
        plain = plain.replace(mark, "")
    return tuple(word for word in _APART.split(plain) if word)


def parted(given: Iterable[str], family: str, suffix: Iterable[str] = ()) -> tuple[tuple[str, ...], str, str]:
    """(given names, family name, generation) of a name as written; each may be empty.

    Titles and degrees go; `Jr`, `Sr`, `II` become the generation wherever they stand; particles before the family name
    belong to it; a placeholder for a given name (`Baby Boy`) is none.
    """
    firsts = [word for text in given for word in words(text)]
    lasts = list(words(_ARABIC_ARTICLE.sub("", _ATTACHED.sub(r"\1 ", family))))
    generation = ""
    for word in [*(each for text in suffix for each in words(text)), *lasts[1:], *firsts[1:]]:
        generation = generation or _GENERATIONS.get(word, "")
    lasts = [word for at, word in enumerate(lasts) if not (at and (word in _GENERATIONS or word in _DEGREES))]
    firsts = [word for at, word in enumerate(firsts) if not (at and word in _GENERATIONS)]
    while len(firsts) > 1 and firsts[0] in _TITLES:
        firsts.pop(0)
    while len(lasts) > 1 and lasts[0] in _TITLES:
        lasts.pop(0)
    while len(firsts) > 1 and lasts and firsts[-1] in _PARTICLES:
        lasts.insert(0, firsts.pop())
    if firsts and (firsts[0] in _PLACEHOLDERS or firsts[0] in _ROLES or firsts == ["b", "o"]):
        firsts = []
    if len(firsts) > 1 and firsts[0] in _SERVANTS:
        firsts[:2] = [firsts[0] + firsts[1]]
    while len(lasts) > 1 and lasts[0] in ("al", "el"):
        lasts.pop(0)
    joined = "".join(lasts)
    return tuple(_SPELLINGS.get(each, each) for each in firsts), "" if joined in _PLACEHOLDERS else joined, generation


@lru_cache(maxsize=1 << 16)
def skeleton(name: str) -> str:
    """The consonants of a name, the same for its transliterations: Mohammed and Muhammad, Lakshmi and Laxmi.

    A name with fewer than two keeps its vowels, long ones as short: Lila and Leela, Riya and Reeya.
    """
    sounds = _ARTICLE.sub("", name)
    for pattern, sound in _SOUNDS:
        sounds = pattern.sub(sound, sounds)
    if sounds[:1] in "eiou":
        sounds = f"a{sounds[1:]}"
    sounds = _REPEATS.sub(r"\1", _VOWELS.sub("", sounds))
    if len(sounds) > 1:
        return sounds
    for pattern, sound in _LONG_VOWELS:
        name = pattern.sub(sound, name)
    return _REPEATS.sub(r"\1", name)


@lru_cache(maxsize=1 << 16)
def metaphone(name: str) -> str:
    """How an English ear hears the name; the name itself where that is nothing."""
    return jellyfish.metaphone(name) or name


@cache
def _nicknames() -> NickNamer:
    return NickNamer()


@lru_cache(maxsize=1 << 16)
def formal_names(given: str) -> tuple[str, ...]:
    """The names that this one may stand for, itself included when it is a formal name; () when no table knows it."""
    table = _nicknames()
    formal = set(table.canonicals_of(given))
    if formal or table.nicknames_of(given):
        formal.add(given)
    return tuple(sorted(formal))
