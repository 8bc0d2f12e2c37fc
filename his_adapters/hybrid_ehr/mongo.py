"""Clinical notes of a MongoDB collection: streamed in the order of their ids, never written to, every sickness said.

A document comes as the plain values that `mongoexport` would give. The URL may hold a password: only hosts and names of
databases are told, and what a server says is not quoted.
https://www.mongodb.com/docs/manual/reference/error-codes/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from bson import CodecOptions
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import (
    ConfigurationError,
    InvalidURI,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.uri_parser import parse_uri

from his_adapters.base import SourceConfigError, SourceError, SourceTransientError
from his_adapters.hybrid_ehr.extended_json import plain
from his_adapters.hybrid_ehr.notes import Document
from his_adapters.hybrid_ehr.schema import NOTES
from his_adapters.tabular import BATCH, digest_of

_PATIENCE_MS = 1500
"""For a connection: a `check` may take 2 s."""
_GLANCE_MS = 5_000
"""For a look at the collection, of a server in trouble."""
_SAMPLE = 200
_AS_URL = "as in mongodb://reader:${NOTES_PASSWORD}@host/healthdb"
_KEY = "the source's option notes_url"
# Text that is not UTF-8 and dates beyond Python's calendar cost only themselves.
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    unicode_decode_error_handler="replace", datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_REFUSED = {18, 8000}
_NO_RIGHT = {13, 31}
_PASSING = {11600, 11602, 91, 189, 13435, 13436, 10107, 43, 50, 202, 262, 89, 6, 7, 9001}
"""Shutdown, elections, cursors that are gone, time limits, networks."""


class MongoNotes:
    """The collection `clinical_notes` of the database that the URL names; `read_timeout` in seconds."""

    def __init__(self, url: str, read_timeout: int) -> None:
        self._url, self._silence_ms = url, read_timeout * 1000

    def documents(self) -> Iterator[Document]:
        """Every note in the order of its `_id`."""
        with self._collection() as found, found.find({}, batch_size=BATCH).sort("_id", 1) as cursor:
            for each in cursor:
                text = dumps(each, json_options=CANONICAL_JSON_OPTIONS)
                value = plain(json.loads(text, parse_float=Decimal))
                yield Document(NOTES, value, digest_of(value), len(text))

    def names(self) -> tuple[tuple[str, ...], int]:
        """The collection's first documents show its shape; the server knows about how many there are."""
        with self._collection(_GLANCE_MS) as found:
            sample = list(found.find({}).sort("_id", 1).limit(_SAMPLE))
            return tuple(sorted({name for each in sample for name in each})), found.estimated_document_count()

    def others(self) -> list[str]:
        """The other collections of the database."""
        with self._collection(_GLANCE_MS) as found:
            names = found.database.list_collection_names()
        return sorted(name for name in names if name != NOTES and not name.startswith("system."))

    def token(self) -> str | None:
        """A server proves nothing cheaply."""
        return None

    @contextmanager
    def _collection(self, glance_ms: int | None = None) -> Iterator[Collection[dict[str, Any]]]:
        where, database = place(self._url)
        try:
            client: MongoClient[dict[str, Any]] = MongoClient(
                self._url,
                serverSelectionTimeoutMS=_PATIENCE_MS,
                connectTimeoutMS=_PATIENCE_MS,
                socketTimeoutMS=glance_ms or self._silence_ms,
                appname="fhir-gateway",
            )
        except (ConfigurationError, InvalidURI, ValueError, TypeError):
            raise SourceConfigError("not a usable MongoDB URL", where, _AS_URL) from None
        try:
            with client:
                there = client[database]
                if NOTES not in there.list_collection_names(filter={"name": NOTES}):
                    hint = "check the database in notes_url, and that the gateway's user may read it"
                    raise SourceConfigError(f"no collection {NOTES}", where, hint)
                yield there.get_collection(NOTES, codec_options=_CODEC)
        except PyMongoError as error:
            raise explained(error, where) from None
        except BSONError:
            raise SourceConfigError("a note is not sound BSON", where, "repair the collection: validate()") from None


def place(url: str) -> tuple[str, str]:
    """Where the collection is, without a password, and the name of its database."""
    try:
        parts = parse_uri(url, warn=False)
    except (ConfigurationError, InvalidURI, ValueError):
        raise SourceConfigError("not a usable MongoDB URL", _KEY, _AS_URL) from None
    hosts = ",".join(f"{host}:{port}" if port else str(host) for host, port in parts["nodelist"])
    if not parts["database"]:
        raise SourceConfigError("the URL names no database", f"mongodb://{hosts}", _AS_URL)
    return f"mongodb://{hosts}/{parts['database']}", parts["database"]


def explained(error: PyMongoError, where: str) -> SourceError:
    """A driver's error as what, where and how to mend it."""
    code = getattr(error, "code", None)
    if isinstance(error, ServerSelectionTimeoutError):
        hint = "check host and port in notes_url, and that the server runs"
        return SourceTransientError("no server answers", where, hint)
    if isinstance(error, OperationFailure):
        if code in _REFUSED:
            return SourceConfigError("user or password is refused", where, "set them in notes_url or notes_url_file")
        if code in _NO_RIGHT:
            return SourceConfigError("the user may not read the notes", where, "grant it the role read")
        if code not in _PASSING:
            return SourceConfigError(f"the server refuses to be read (error {code})", where, "look the code up")
    if isinstance(error, ConfigurationError | InvalidURI):
        return SourceConfigError("not a usable MongoDB URL", where, _AS_URL)
    what = "the server takes too long" if isinstance(error, NetworkTimeout) else "the connection was lost"
    return SourceTransientError(what, where, "sync again later")
