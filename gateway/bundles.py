"""Bundles as joins of stored bytes: a resource is never parsed nor written again to be sent.

Knows no search and no store: whoever calls says what is a match and which links lead on.
https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from random import getrandbits
from typing import Any, Literal
from urllib.parse import quote

import orjson

SearchMode = Literal["match", "include", "outcome"]
Method = Literal["POST", "PUT", "DELETE"]
Link = tuple[Literal["self", "first", "previous", "next"], str]

_MODE_ENDS: dict[SearchMode, bytes] = {
    "match": b',"search":{"mode":"match"}}',
    "include": b',"search":{"mode":"include"}}',
    "outcome": b',"search":{"mode":"outcome"}}',
}
_STATUS: dict[Method, bytes] = {"POST": b"201 Created", "PUT": b"200 OK", "DELETE": b"204 No Content"}
_TOLD, _VERSION_4 = 0xF << 76 | 0b11 << 62, 0x4 << 76 | 0b10 << 62
"""The bits of a UUID that tell its version and variant."""
# What a value of a query may hold as it is; FHIR's own punctuation stays legible.
_LEGIBLE = "$,:|/@!*()'~"
_PLAIN = re.compile(r"[A-Za-z0-9_.$,:|/@!*()'~-]*")


def instant(updated: int) -> str:
    """Milliseconds since 1970 UTC as a FHIR instant."""
    return f"{_to_the_second(updated // 1000)}.{updated % 1000:03d}Z"


def now() -> str:
    """The present moment as a FHIR instant."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1024)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _uuid() -> bytes:
    """A random UUID: a name that nothing else has, and no secret. https://www.rfc-editor.org/rfc/rfc9562#section-5.4"""
    # uuid4() asks the system for secret bits, which takes as long as the links. A forked child is seeded anew.
    text = b"%032x" % (getrandbits(128) & ~_TOLD | _VERSION_4)
    return b"%b-%b-%b-%b-%b" % (text[:8], text[8:12], text[12:16], text[16:20], text[20:])


def url(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A URL that says the pairs again, in their order."""
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)
    return f"{path}?{query}" if query else path


def _quoted(text: str) -> str:
    # Most names and values are plain, and quote() costs more than the rest of a link.
    return text if _PLAIN.fullmatch(text) else quote(text, safe=_LEGIBLE)


def search_entry(base: bytes, resource_type: str, resource_id: str, body: bytes, mode: SearchMode) -> bytes:
    """One entry of a searchset. `base` is `[base]` as it stands inside a JSON string (`in_json`)."""
    return b'{"fullUrl":"%b/%b/%b","resource":%b%b' % (
        base,
        resource_type.encode(),
        resource_id.encode(),
        body,
        _MODE_ENDS[mode],
    )


def scored_entry(base: bytes, resource_type: str, resource_id: str, body: bytes, search: Mapping[str, Any]) -> bytes:
    """One entry of a searchset, with more to say about how it matched than its mode."""
    return b'{"fullUrl":"%b/%b/%b","resource":%b,"search":%b}' % (
        base,
        resource_type.encode(),
        resource_id.encode(),
        body,
        orjson.dumps(search),
    )


def outcome_entry(body: bytes) -> bytes:
    """The entry that tells of what was not applied: never counted, without a fullUrl since it has no address."""
    return b'{"fullUrl":"urn:uuid:%b","resource":%b%b' % (_uuid(), body, _MODE_ENDS["outcome"])


def history_entry(
    base: bytes,
    resource_type: str,
    resource_id: str,
    version: int,
    updated: int,
    method: Method,
    body: bytes | None,
) -> bytes:
    """One version of a resource and how it came to be; a version without a body is a deletion."""
    address = f"{resource_type}/{resource_id}".encode()
    return (
        b'{"fullUrl":"%b/%b"%b,"request":{"method":"%b","url":"%b"},'
        b'"response":{"status":"%b","etag":"W/\\"%d\\"","lastModified":"%b"}}'
    ) % (
        base,
        address,
        b"" if body is None else b',"resource":' + body,
        method.encode(),
        resource_type.encode() if method == "POST" else address,
        _STATUS[method],
        version,
        instant(updated).encode(),
    )


def in_json(text: str) -> bytes:
    """Text as it stands inside a JSON string, without the quotes."""
    return orjson.dumps(text)[1:-1]


def bundle(
    kind: Literal["searchset", "history", "batch-response"],
    total: int | None,
    links: Sequence[Link],
    entries: Sequence[bytes],
    updated: int | None = None,
) -> bytes:
    """A Bundle of ready entries. `total` None says that nobody asked for it.

    `updated`: the newest change that it may show, in ms since 1970 UTC; without one, this moment.
    """
    head = b'{"resourceType":"Bundle","id":"%b","meta":{"lastUpdated":"%b"},"type":"%b"' % (
        _uuid(),
        (now() if updated is None else instant(updated)).encode(),
        kind.encode(),
    )
    counted = b"" if total is None else b',"total":%d' % total
    # FHIR's JSON knows no empty arrays.
    listed = b""
    if links:
        listed = b',"link":' + orjson.dumps([{"relation": relation, "url": target} for relation, target in links])
    if not entries:
        return head + counted + listed + b"}"
    return b'%b%b%b,"entry":[%b]}' % (head, counted, listed, b",".join(entries))
