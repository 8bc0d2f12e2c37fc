"""Where clinical notes are read from: a `mongoexport` file or a MongoDB collection; plain documents either way.

Nothing is written. A collection or file that is not there is an error, never an empty one: empty would mean that all
notes were deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from his_adapters.base import Problem, SourceConfigError
from his_adapters.hybrid_ehr.extended_json import plain
from his_adapters.hybrid_ehr.schema import NOTE_FILES
from his_adapters.json_files import check_ending, elements, file_digest
from his_adapters.tabular import digest_of

_SAMPLE = 200


class Document(NamedTuple):
    """One note as it lies in the store."""

    place: str
    """Where, without its key: `clinical_notes.ndjson:7`; of a collection its name."""
    value: dict[str, Any]
    digest: bytes
    size: int
    problem: Problem | None = None


class Notes(Protocol):
    """The place of the notes."""

    def documents(self) -> Iterator[Document]:
        """Every note in a fixed order. Raises SourceError."""
        ...

    def names(self) -> tuple[tuple[str, ...], int]:
        """The names of fields in the first notes, and about how many notes there are. Raises SourceError."""
        ...

    def others(self) -> list[str]:
        """The names of collections or files beside the notes, which nobody reads. Raises SourceError."""
        ...

    def token(self) -> str | None:
        """A proof of content; None = unknown. Raises SourceError."""
        ...


class ExportedNotes:
    """A file as `mongoexport` writes it: one document a line, or an array with --jsonArray."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def documents(self) -> Iterator[Document]:
        """Every note in the order of the file."""
        path = self._path()
        for each in elements(path):
            value = plain(each.value)
            yield Document(f"{path.name}:{each.number}", value, digest_of(value), each.size, each.problem)

    def names(self) -> tuple[tuple[str, ...], int]:
        """The file's first documents show its shape; the number of notes is estimated from its size."""
        path = self._path()
        check_ending(path)
        sample = list(islice(elements(path), _SAMPLE))
        rows = len(sample)
        if rows == _SAMPLE:
            rows = round(path.stat().st_size / (sum(each.size for each in sample) / rows))
        return tuple(sorted({name for each in sample for name in each.value})), rows

    def others(self) -> list[str]:
        """The other files that an export may be."""
        read = self._path()
        suffixes = {Path(name).suffix for name in NOTE_FILES}
        return sorted(each.name for each in self._folder.iterdir() if each.suffix in suffixes and each != read)

    def token(self) -> str | None:
        """A digest of the file."""
        return file_digest(self._path())

    def _path(self) -> Path:
        try:
            if not self._folder.is_dir():
                what = "not a folder" if self._folder.exists() else "no such folder"
                raise SourceConfigError(what, str(self._folder), "set path to the folder of the database and the notes")
            found = next((self._folder / name for name in NOTE_FILES if (self._folder / name).exists()), None)
        except PermissionError:
            hint = "give the gateway's user read rights"
            raise SourceConfigError("the folder cannot be read", str(self._folder), hint) from None
        if found is None:
            hint = f"export the collection: mongoexport --collection=clinical_notes --out={NOTE_FILES[0]}"
            raise SourceConfigError(f"{NOTE_FILES[0]} is missing", str(self._folder), hint)
        return found


def joined_token(*parts: str | None) -> str | None:
    """A proof of several stores' content together."""
    if None in parts:
        return None
    return hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).hexdigest()
