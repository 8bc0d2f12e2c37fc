"""Cursors: where a page begins, sealed, because they hold values of patients.

AES-SIV both hides and authenticates; the fingerprint of the query is bound in, so that a cursor opens only for the
search that it was made for. Knows no SQL.
https://datatracker.ietf.org/doc/html/rfc5297
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.outcomes import InvalidParameter


class Position(NamedTuple):
    """A place between rows: beside the row that sorts by these values and this pk."""

    backward: bool
    """Whether the page lies before the row, not after it."""
    values: tuple[Any, ...]
    pk: int


@lru_cache(maxsize=8)
def _cipher(secret: bytes) -> AESSIV:
    return AESSIV(blake2b(secret, digest_size=64, person=b"search-cursor").digest())


def seal(secret: bytes, fingerprint: bytes, position: Position) -> str:
    """A position as opaque text for URLs."""
    plain = orjson.dumps([position.backward, position.values, position.pk])
    return urlsafe_b64encode(_cipher(secret).encrypt(plain, [fingerprint])).decode().rstrip("=")


def unseal(secret: bytes, fingerprint: bytes, cursor: str) -> Position:
    """The position that was sealed for this query. Raises InvalidParameter."""
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        plain = _cipher(secret).decrypt(data, [fingerprint])
    except (ValueError, InvalidTag):
        raise InvalidParameter("_cursor", "is not one that this search has given out") from None
    backward, values, pk = orjson.loads(plain)
    return Position(backward, tuple(values), pk)
