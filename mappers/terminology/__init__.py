"""Code tables as reviewed CSV files: native word -> code, with the code system's URL and how far the code is trusted.

Columns: native, system, code, display, trust. `native` is compared without case and outer blanks; an empty code means
"known word, no honest code: text only". Each file's name is the table's name.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Concept:
    """What a native word means in a code system."""

    system: str
    code: str
    display: str
    trust: str

    def coding(self) -> dict[str, str]:
        """As a FHIR Coding."""
        made = {"system": self.system, "code": self.code}
        if self.display:
            made["display"] = self.display
        return made


class ConceptMap:
    """One table: looks native words up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = _rows(name)
        """Every word, folded, with what its row says; a concept without a code says in `trust` why it has none."""
        self._concepts: dict[str, tuple[Concept, ...]] = {}
        for word, concept in self.rows:
            self._concepts[word] = (*self._concepts.get(word, ()), *([concept] if concept.code else []))

    def __contains__(self, native: str | None) -> bool:
        """Whether the table knows the word, with or without a code."""
        return native is not None and folded(native) in self._concepts

    def all(self, native: str | None) -> tuple[Concept, ...]:
        """Every concept of a word, in the table's order."""
        return self._concepts.get(folded(native), ()) if native else ()

    def code(self, native: str | None) -> str | None:
        """The first code of a word: for elements of type `code`."""
        found = self.all(native)
        return found[0].code if found else None

    def coding(self, native: str | None) -> dict[str, str] | None:
        """The first concept of a word as a FHIR Coding."""
        found = self.all(native)
        return found[0].coding() if found else None

    def words(self) -> tuple[str, ...]:
        """Every native word that the table knows, folded."""
        return tuple(self._concepts)


def _rows(name: str) -> tuple[tuple[str, Concept], ...]:
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            (folded(row["native"]), Concept(row["system"], row["code"], row["display"], row["trust"]))
            for row in csv.DictReader(file)
        )


def folded(native: str) -> str:
    """A native word as tables compare it."""
    return " ".join(native.split()).casefold()


@cache
def table(name: str) -> ConceptMap:
    """The table in `<name>.csv`."""
    return ConceptMap(name)


def tables() -> tuple[str, ...]:
    """The names of all tables."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.csv")))


@cache
def digest() -> str:
    """A digest of all tables: records are mapped again when a table changes."""
    made = hashlib.blake2b(digest_size=16)
    for path in sorted(_FOLDER.glob("*.csv")):
        made.update(path.name.encode() + b"\x00" + path.read_bytes())
    return made.hexdigest()
