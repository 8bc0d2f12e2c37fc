"""A resource as the bytes that are stored and served: exact decimals, one digest, room for version and time.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson

from gateway.store.writer import Content
from mappers.base import Resource


def content(
    resource: Resource,
    *,
    shared: bool = False,
    stream: int | None = None,
    key: str | None = None,
    digest: bytes | None = None,
) -> Content:
    """The bytes of a resource without versionId and lastUpdated, and their digest unless an earlier one stands."""
    resource_type, resource_id, meta = resource["resourceType"], resource["id"], resource.get("meta", {})
    head = _dumps({"resourceType": resource_type, "id": resource_id, "meta": {}})[:-2]
    said = _dumps({"resourceType": resource_type, "id": resource_id, "meta": meta, **resource})
    tail = b"," + said[len(head) :] if meta else said[len(head) :]
    made = digest if digest is not None else blake2b(head + tail, digest_size=16).digest()
    return Content(resource_type, resource_id, head, tail, shared, made, stream, key)


def whole(made: Content) -> Resource:
    """The resource of a content."""
    return parse(made.head + b'"versionId":"0"' + made.tail)


def parse(body: bytes) -> Resource:
    """A stored body as the resource that was mapped: decimals exact, without versionId and lastUpdated."""
    resource: Resource = json.loads(body, parse_float=Decimal)
    meta = resource["meta"]
    meta.pop("versionId", None)
    meta.pop("lastUpdated", None)
    return resource


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value, default=_exact)


def _exact(value: object) -> orjson.Fragment:
    """FHIR keeps a decimal's precision: 1.50 is not 1.5. orjson does not know Decimal."""
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"JSON has no {type(value).__name__}")
