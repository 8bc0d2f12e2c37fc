"""Compression by `Accept-Encoding`: gzip and zstd, the one that the client likes better, zstd if it likes both alike.

Levels were chosen by measurement: on bundles of patients the next ones cost half as much again, or more, for a few
percent. ETags are weak, so that every encoding of a version shares one.
https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding, https://www.rfc-editor.org/rfc/rfc8878
"""

from __future__ import annotations

import re
import threading
import zlib
from dataclasses import replace
from functools import lru_cache
from typing import Final

import zstandard

from gateway.interactions.exchange import FhirResponse
from gateway.outcomes import NotAcceptable

SMALLEST: Final = 1024
"""Bytes; below that an answer fits into one packet anyway."""
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # zlib's way to say gzip
_ZSTD_LEVEL: Final = 3
_QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")

_compressors = threading.local()
"""A compressor serves one thread; to make one costs as much as to compress a page."""


@lru_cache(maxsize=256)
def encoding_of(accept_encoding: str, *, large: bool) -> str:
    """The coding for an answer: zstd, gzip or identity. Raises NotAcceptable where the client refuses them all."""
    quality: dict[str, float] = {}
    for part in accept_encoding.split(","):
        name, _, weight = part.partition(";")
        stated = weight.replace(" ", "").lower().removeprefix("q=") or "1"
        coding = name.strip().lower().removeprefix("x-")
        if coding:
            quality[coding] = float(stated) if _QUALITY.fullmatch(stated) else 0.0
    rest = quality.get("*", 0.0)
    # What nobody names is only refused by `*;q=0`, and is the last choice.
    plain = quality.get("identity", rest if "*" in quality else 0.001)
    if plain and not large:
        return "identity"
    best = max(("zstd", "gzip"), key=lambda coding: quality.get(coding, rest))
    weight_of_best = quality.get(best, rest)
    if weight_of_best and weight_of_best >= plain:
        return best
    if not plain:
        raise NotAcceptable("only zstd, gzip and identity are offered", expression="http.Accept-Encoding")
    return "identity"


def encoded(response: FhirResponse, accept_encoding: str) -> FhirResponse:
    """An answer in the coding that suits the client. Raises NotAcceptable."""
    size = len(response.body)
    if not size:
        return response
    encoding = encoding_of(accept_encoding, large=size >= SMALLEST)
    if encoding == "identity":
        return response
    body = compressed(response.body, encoding)
    return replace(response, body=body, headers=[*response.headers, ("Content-Encoding", encoding)])


def compressed(body: bytes, encoding: str) -> bytes:
    """A body in the coding zstd or gzip."""
    if encoding == "gzip":
        return zlib.compress(body, _GZIP_LEVEL, _GZIP_WINDOW)
    try:
        compressor: zstandard.ZstdCompressor = _compressors.zstd
    except AttributeError:
        compressor = _compressors.zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    return compressor.compress(body)
