"""Native keys of the simulated stores: a registration's number becomes a key in its HIS's own format, and never twice.

`scramble` is a bijection, so keys look random, are unique without a list of those given out, and can be computed for
any number on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

KeyFormat = Callable[[int, int], str]
"""(number of the registration, salt of the store) -> native key."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def salt(*parts: object) -> int:
    """A number that depends on every part, the same on every machine."""
    return int.from_bytes(sha256("/".join(map(str, parts)).encode()).digest()[:8])


def scramble(number: int, salt_: int, bits: int) -> int:
    """A bijection on the numbers of `bits` bits (at least 8)."""
    mask = (1 << bits) - 1
    shift = (bits + 1) // 2
    number &= mask
    for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9):
        number = (number * factor + salt_) & mask
        number ^= number >> shift
    return number


def hex_id(prefix: str, digits: int) -> KeyFormat:
    """`prefix` and so many lower-case hex digits, as the start of a UUID4 looks."""
    return lambda number, salt_: f"{prefix}{scramble(number, salt_, 4 * digits):0{digits}x}"


def counted(prefix: str, first: int) -> KeyFormat:
    """`prefix` and a running number."""
    return lambda number, _salt: f"{prefix}{first + number}"


def _digits_and_letter(number: int, salt_: int) -> str:
    code = scramble(number, salt_, 23)
    return f"{1000000 + code // 26}{_LETTERS[code % 26]}"


KEY_FORMATS: Mapping[str, KeyFormat] = {
    "his_a": hex_id("", 8),
    "his_b": hex_id("", 8),
    "his_c": hex_id("", 8),
    "his_d": hex_id("", 8),
    "central_records": counted("P", 100000),
    "hybrid_ehr": counted("", 1),
    "chirona": counted("", 1),
    "proactive_health": _digits_and_letter,
}
"""By source; a source's own format can be given to `Population` instead."""
