"""The linkage models of a store, each frozen under a number. Without any, the one that ships decides, as number 0."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from gateway.identity.model import Model, default_model, from_json
from gateway.store.sql import Sql

_LAST = "SELECT number, body FROM identity_model ORDER BY number DESC LIMIT 1"
_NUMBER = "SELECT coalesce(max(number), 0) FROM identity_model"
_PUT = "INSERT INTO identity_model (number, version, made, body, report) VALUES (?, ?, ?, ?, ?)"


class Published(NamedTuple):
    """The model that decides."""

    number: int
    model: Model


def current_number(sql: Sql) -> int:
    """The number of the model that decides now."""
    return int(sql.rows(_NUMBER)[0][0])


def published(sql: Sql) -> Published:
    """The model that decides now. Raises ValueError when it was made for other comparisons."""
    rows = sql.rows(_LAST)
    return Published(rows[0][0], from_json(rows[0][1])) if rows else Published(0, default_model())


def publish(sql: Sql, model: Model, found: dict[str, Any], now: int) -> int:
    """Let a model decide from now on; its number."""
    number = current_number(sql) + 1
    sql.run(_PUT, number, model.version, now, model.to_json(), orjson.dumps(found))
    return number
