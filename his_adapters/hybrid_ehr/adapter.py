"""Opens a Hybrid EHR: six tables and the clinical notes, from PostgreSQL and MongoDB or from a folder with both.

The safety rule of the source is kept here: a note is told only when its medical record is its patient's. Any other is
refused, so that nothing of it can reach the wrong person.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from his_adapters import sql_tables
from his_adapters.base import (
    Adapter,
    Checkpoint,
    Column,
    Health,
    Problem,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceConfigError,
    SourceError,
    Stream,
)
from his_adapters.hybrid_ehr.note_columns import columns_of_notes
from his_adapters.hybrid_ehr.notes import Document, ExportedNotes, Notes, joined_token
from his_adapters.hybrid_ehr.records import CLINICAL_NOTES, SQL_TABLES, MedicalRecordRow, NoteRow
from his_adapters.hybrid_ehr.schema import NOTES
from his_adapters.sql_tables import SqlAdapter, read_timeout
from his_adapters.tabular import BATCH, RowLoader, columns_of, digest_of, folded

OPTIONS = (*sql_tables.OPTIONS, "notes_url")
_LARGEST_BATCH = 1 << 22
"""Characters of the notes that are held at once."""
_UUID = "record_uuid"
_OF_RECORD = {"record_id", "record_title"}


def open_source(config: SourceConfig) -> Adapter:
    """The adapter of one Hybrid EHR. Does no I/O."""
    return HybridEhr(config)


class HybridEhr:
    """An Adapter over six tables and a collection."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._tables = SqlAdapter(config, SQL_TABLES)

    def check(self) -> Health:
        """Connect to both stores, look at their shapes, and demand the zone of the tables' clock."""
        if self._config.timezone is None:
            what = f"{self._config.name}: no timezone is configured, and the tables have clock times"
            return Health("config", what, 'set timezone to the hospital\'s, as in timezone = "Asia/Kolkata"')
        try:
            found = self.streams()
        except SourceError as error:
            return error.health()
        return Health("ok", ", ".join(f"{stream.name}: {stream.estimated_rows} rows" for stream in found))

    def streams(self) -> list[Stream]:
        """The tables, those that others refer to first, then the notes."""
        made = self._tables.streams()
        names, rows = self._notes().names()
        kept = tuple(name for name, field in zip(names, _columns(names), strict=True) if field) if names else ()
        made.append(Stream(NOTES, (CLINICAL_NOTES.key,), kept, digest_of(names).hex(), rows, declared=False))
        return made

    def columns(self) -> list[Column]:
        """The columns of the tables and the paths of the notes; `*` for collections or files beside them."""
        notes = self._notes()
        made = columns_of_notes((each.value for each in notes.documents()), _FIELDS)
        return self._tables.columns() + made + [Column(name, "*") for name in notes.others()]

    def change_token(self, stream: str) -> str | None:
        """A digest of the stream's file; of both for the notes, which depend on the records. None for servers."""
        tables = self._tables.change_token("patients")
        return joined_token(tables, self._notes().token()) if stream == NOTES else tables

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every row or note of the stream."""
        if stream != NOTES:
            yield from self._tables.read(stream, state)
            return
        loader = RowLoader(CLINICAL_NOTES)
        with closing(_Owners(self._tables.read("medical_records", None))) as owners:
            for batch in _batches(self._notes().documents()):
                told = list(_loaded(batch, loader))
                known = owners.of(each.data.record_uuid for each in told if isinstance(each, Record))
                for each in told:
                    yield _safe(each, known) if isinstance(each, Record) else replace(each, unsafe=True)
        yield Checkpoint(complete=True)

    def _notes(self) -> Notes:
        url = self._config.options.get("notes_url")
        if url is not None:
            # Only those who read MongoDB need its driver.
            try:
                from his_adapters.hybrid_ehr.mongo import MongoNotes
            except ModuleNotFoundError:
                name = str(self._config.name)
                raise SourceConfigError("the driver pymongo is not installed", name, "install it with pip") from None
            return MongoNotes(str(url), read_timeout(self._config))
        if self._config.path is None:
            hint = 'options = { notes_url = "mongodb://reader:${NOTES_PASSWORD}@host/healthdb" }, or path for both'
            raise SourceConfigError("neither notes_url nor path is configured", str(self._config.name), hint)
        return ExportedNotes(Path(self._config.path))


class _Owner(NamedTuple):
    """The medical record of a uuid: its key and patient; None where two records bear the uuid."""

    record_id: str | None
    patient_id: str | None
    title: str | None


class _Owners:
    """Whose record each uuid is: in a private file on disk, so that memory does not grow with the records."""

    def __init__(self, told: Iterator[Record | Rejected | Skipped | Checkpoint]) -> None:
        # An empty name is a private file that SQLite has unlinked already. https://www.sqlite.org/inmemorydb.html
        self._store = sqlite3.connect("", isolation_level=None)
        self._store.execute("CREATE TABLE owner (uuid TEXT PRIMARY KEY, record, patient, title) WITHOUT ROWID")
        self._store.execute("BEGIN")
        try:
            self._store.executemany(
                "INSERT INTO owner VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET record = NULL, patient = NULL "
                "WHERE record IS NOT excluded.record OR patient IS NOT excluded.patient",
                (
                    (each.data.record_uuid.casefold(), each.data.record_id, each.data.patient_id, each.data.title)
                    for each in told
                    if isinstance(each, Record)
                    and isinstance(each.data, MedicalRecordRow)
                    and each.data.record_uuid is not None
                ),
            )
        except BaseException:
            self._store.close()
            raise
        self._store.execute("COMMIT")

    def of(self, uuids: Iterator[str]) -> Mapping[str, _Owner]:
        """The owners of some uuids, by the uuid without case."""
        wanted = list({each.casefold() for each in uuids})
        marks = ", ".join("?" * len(wanted))
        rows = self._store.execute(f"SELECT uuid, record, patient, title FROM owner WHERE uuid IN ({marks})", wanted)  # noqa: S608 - only question marks
        return {uuid: _Owner(*owner) for uuid, *owner in rows}

    def close(self) -> None:
        """Drop the file."""
        self._store.close()


def _safe(told: Record, owners: Mapping[str, _Owner]) -> Record | Rejected:
    """The note with its record, if that is its patient's; else its refusal, which no part of it survives."""
    note: NoteRow = told.data
    owner = owners.get(note.record_uuid.casefold())
    # The same note is another one once its record is another's.
    digest = hashlib.blake2b(told.digest + repr(owner).encode(), digest_size=16).digest()
    if owner is None:
        problem = Problem(_UUID, "no-record", "no medical record has this uuid")
    elif owner.record_id is None:
        problem = Problem(_UUID, "ambiguous-record", "several medical records have this uuid")
    elif owner.patient_id != note.patient_id:
        problem = Problem(_UUID, "other-patient", "the medical record is another patient's")
    else:
        return replace(told, digest=digest, data=replace(note, record_id=owner.record_id, record_title=owner.title))
    return Rejected(told.stream, told.key, told.locator, digest, (problem, *told.notes), unsafe=True)


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    """Notes by some hundreds, fewer where they are large."""
    batch: list[Document] = []
    size = 0
    for each in documents:
        batch.append(each)
        size += each.size
        if len(batch) == BATCH or size > _LARGEST_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _columns(names: Sequence[str]) -> list[str | None]:
    """The field of each name in a note; what the adapter adds is never read from one."""
    listed = columns_of(CLINICAL_NOTES, names, NOTES)
    return [None if field in _OF_RECORD else field for field in listed]


def _loaded(batch: Sequence[Document], loader: RowLoader) -> Iterator[Record | Rejected]:
    """One record or reject a document, in order."""
    sound = [each for each in batch if each.problem is None]
    told = loader.load(
        [_row(each.value) for each in sound],
        [each.digest for each in sound],
        lambda index, key: f"{sound[index].place}#{key}" if key else sound[index].place,
    )
    for each in batch:
        if each.problem is None:
            yield next(told)
        else:
            yield Rejected(NOTES, (), each.place, each.digest, (each.problem,))


def _row(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a note, however a writer has spelled them."""
    named = _FIELDS
    row: dict[str, Any] = {}
    for name, value in document.items():
        field = named.get(folded(name)) if len(name) <= _LONGEST_NAME else None
        if field is not None and row.get(field) is None:
            row[field] = value
    return row


_LONGEST_NAME = 100
_FIELDS = {
    **{folded(item.name): item.name for item in fields(NoteRow) if item.name not in _OF_RECORD},
    **{folded(native): field for native, field in CLINICAL_NOTES.aliases.items()},
}
