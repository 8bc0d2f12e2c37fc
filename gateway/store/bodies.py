"""How bodies lie in the tables: plain JSON, or packed by zstd with a dictionary trained on resources of their kind.

Resources of one type from one source are alike: packed with a dictionary a body takes about an eighth, and 1 µs to
unpack. Knows no tables. https://www.rfc-editor.org/rfc/rfc8878
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import zstandard
from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator

MOST_DICTIONARIES = 0xFFFF
_NUMBER = 2
"""Bytes that tell the number of the dictionary, after the frame: no frame without magic begins with a brace."""
_FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS
_BRACE = ord("{")
_LEVEL = 3
_DICTIONARY_BYTES = 16_384
_SEGMENT, _DMER = 2_000, 8
"""Bytes, for the trainer: given, it does not try others, which takes five times as long and gains a hundredth."""


class Body(TypeDecorator[bytes]):
    """A column of bodies. Whoever selects one through a snapshot gets plain JSON."""

    impl = LargeBinary
    cache_ok = True


def trained(samples: Sequence[bytes]) -> bytes | None:
    """A dictionary for bodies like these; None where they have too little in common."""
    try:
        found = zstandard.train_dictionary(_DICTIONARY_BYTES, list(samples), k=_SEGMENT, d=_DMER, level=_LEVEL)
    except zstandard.ZstdError:
        return None
    return found.as_bytes()


def packer(number: int, dictionary: bytes) -> Callable[[bytes], bytes]:
    """What packs a plain body with a dictionary."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL, format=_FORMAT, write_dict_id=0, write_content_size=1
    )
    known = zstandard.ZstdCompressionDict(dictionary)
    known.precompute_compress(compression_params=parameters)
    compress = zstandard.ZstdCompressor(dict_data=known, compression_params=parameters).compress
    end = number.to_bytes(_NUMBER, "big")
    return lambda body: compress(body) + end


class Unpacking:
    """Unpacks bodies, for all threads of a store."""

    def __init__(self) -> None:
        self._idle: dict[bytes, list[Callable[[bytes], bytes]]] = {}

    def plain_rows(
        self, rows: list[tuple[Any, ...]], place: int, dictionary: Callable[[int], bytes]
    ) -> list[tuple[Any, ...]]:
        """Rows with the body at a place of each as the JSON that it is. Those where it lies so stay as they are."""
        return [
            row
            if not (body := row[place]) or body[0] == _BRACE
            else (*row[:place], self.plain(body, dictionary), *row[place + 1 :])
            for row in rows
        ]

    def plain(self, body: bytes | None, dictionary: Callable[[int], bytes]) -> bytes | None:
        """A body as it lies in a table, as the JSON that it is. `dictionary(number)` fetches what is not known yet."""
        if not body or body[0] == _BRACE:
            return body
        end = body[-_NUMBER:]
        # A decompressor serves one thread at a time and lets others run meanwhile: each takes one that is idle.
        try:
            decompress = self._idle[end].pop()
        except (KeyError, IndexError):
            self._idle.setdefault(end, [])
            known = zstandard.ZstdCompressionDict(dictionary(int.from_bytes(end, "big")))
            decompress = zstandard.ZstdDecompressor(dict_data=known, format=_FORMAT).decompress
        plain = decompress(body)
        self._idle[end].append(decompress)
        return plain
