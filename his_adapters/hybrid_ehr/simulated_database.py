"""Fills a PostgreSQL database and a MongoDB collection with a simulated Hybrid EHR: its two files, as they are.

A bad export has tables without types there too; of its cells neither can hold text that is none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bson.json_util import loads
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, ConfigurationError, OperationFailure, PyMongoError

from his_adapters.base import SourceConfig, SourceConfigError
from his_adapters.hybrid_ehr.mongo import explained, place
from his_adapters.hybrid_ehr.schema import DATABASE, KEYS, NOTE_FILES, NOTES, postgresql_ddl, tables, untyped_ddl
from his_adapters.simulated_databases import batches, copy, demand_no_tables, filling, server_of, taken

_MAY_NOT = 13
_REPEATED = 11000
_PATIENCE_MS = 5000
_INDEXED = ("record_uuid", "patient_id", "doctor_id")
"""By the original."""


def demand_free(config: SourceConfig) -> None:
    """Raise SourceError unless both servers answer and have none of the tables nor the collection."""
    with filling(server_of(config, "postgresql")) as connection:
        demand_no_tables(connection, KEYS)
    with _new_collection(config):
        pass


def fill(config: SourceConfig, folder: Path, profile: str) -> dict[str, int]:
    """Copy the tables and insert the notes. Returns the rows by table, and the notes that MongoDB holds then."""
    with filling(server_of(config, "postgresql")) as connection:
        demand_no_tables(connection, KEYS)
        named = tables(profile)
        for statement in untyped_ddl(named) if profile == "hostile" else postgresql_ddl():
            connection.exec_driver_sql(statement)
        with closing(sqlite3.connect(folder / DATABASE)) as file:
            file.text_factory = lambda cell: cell.decode("utf-8", "replace").replace("\x00", "")
            written = {
                name: copy(connection, name, [column.name for column in found], file.execute(f"SELECT * FROM {name}"))  # noqa: S608 - our schema's names
                for name, found in named.items()
            }
        with _new_collection(config) as notes:
            return {**written, NOTES: _insert(notes, folder / NOTE_FILES[0])}


def _insert(notes: Collection[dict[str, Any]], file: Path) -> int:
    """The documents of an export, each id once."""
    for batch in batches(_documents(file)):
        try:
            notes.insert_many(batch, ordered=False)
        except BulkWriteError as error:
            if any(each["code"] != _REPEATED for each in error.details["writeErrors"]):
                raise
    for field in _INDEXED:
        notes.create_index(field)
    return notes.count_documents({})


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            # Half a surrogate pair is no text in BSON.
            whole = json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "replace").decode()
            yield loads(whole)


@contextmanager
def _new_collection(config: SourceConfig) -> Iterator[Collection[dict[str, Any]]]:
    url = config.options.get("notes_url")
    if url is None:
        hint = "--option 'notes_url=mongodb://owner:${PASSWORD}@host/healthdb?authSource=admin'"
        raise SourceConfigError("no database for the notes is named", config.adapter, hint)
    where, database = place(str(url))
    try:
        client: MongoClient[dict[str, Any]] = MongoClient(
            str(url), serverSelectionTimeoutMS=_PATIENCE_MS, connectTimeoutMS=_PATIENCE_MS, appname="fhir-gateway"
        )
    except (ConfigurationError, ValueError, TypeError):
        hint = "as in mongodb://owner:${PASSWORD}@host/healthdb"
        raise SourceConfigError("not a usable MongoDB URL", where, hint) from None
    try:
        with client:
            if NOTES in client[database].list_collection_names(filter={"name": NOTES}):
                raise taken(f"the collection {NOTES}", where)
            yield client[database][NOTES]
    except OperationFailure as error:
        if error.code == _MAY_NOT:
            hint = "name the database's owner: a simulation makes the collection"
            raise SourceConfigError("the user may not make the collection", where, hint) from None
        raise explained(error, where) from None
    except PyMongoError as error:
        raise explained(error, where) from None
