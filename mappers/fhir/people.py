"""What the stores say about people, as elements of Patient and Practitioner: names, gender, birth date, contacts.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from mappers.base import MappingContext, MappingReport
from mappers.fhir.elements import chosen, coded, coding, extension, telecom
from mappers.terminology import table

_CONTACT_ROLES = "http://terminology.hl7.org/CodeSystem/v2-0131"
_OLDEST = 1875
"""A birth before this year is a slip of the pen: nobody alive was born then."""
_PREFIXES = {"mr.", "mr", "mrs.", "mrs", "ms.", "ms", "miss", "dr.", "dr", "prof.", "prof"}
_SUFFIXES = {"md", "dds", "dvm", "phd", "jr.", "jr", "sr.", "sr", "ii", "iii", "iv", "v"}
_GENDER_IDENTITY = "http://hl7.org/fhir/StructureDefinition/patient-genderIdentity"


def name_of(given: str | None, family: str | None) -> list[dict[str, Any]]:
    """An official HumanName of two columns; [] when both are empty."""
    made = chosen(family=family, given=given.split() if given else None)
    return [{"use": "official", **made}] if made else []


def name_in_one(name: str | None) -> list[dict[str, Any]]:
    """A HumanName of one text: kept whole, and parted into titles, given names, family name and suffixes.

    The last word that is neither title nor suffix counts as the family name; a single word is only a text.
    """
    if not name:
        return []
    words = name.split()
    prefix: list[str] = []
    suffix: list[str] = []
    while len(words) > 1 and words[0].casefold() in _PREFIXES:
        prefix.append(words.pop(0))
    while len(words) > 1 and words[-1].casefold().strip(",") in _SUFFIXES:
        suffix.insert(0, words.pop())
    words = [word.strip(",") for word in words]
    family, given = (words[-1], words[:-1]) if len(words) > 1 else (None, None)
    return [{"use": "official", **chosen(text=name, family=family, given=given, prefix=prefix, suffix=suffix)}]


def gender_of(native: str | None, report: MappingReport, element: str) -> dict[str, Any]:
    """`gender`, and the gender-identity extension where the native word says more; nothing for unknown words."""
    code = table("gender").code(native)
    if code is None:
        if native:
            report.add("dropped", element, "the native word for the gender is not in the table")
        return {}
    made: dict[str, Any] = {"gender": code}
    if native and native.casefold() == "transgender":
        made["extension"] = [{"url": _GENDER_IDENTITY, "valueCodeableConcept": {"text": native}}]
    return made


def birth_date_of(born: date | None, context: MappingContext, report: MappingReport, element: str) -> dict[str, str]:
    """`birthDate`; left out and reported when it is in the future or more than a lifetime ago."""
    if born is None:
        return {}
    if born > context.as_of:
        report.add("dropped", element, "the birth date is in the future")
        report.until(born)
        return {}
    if born.year < _OLDEST:
        report.add("dropped", element, f"the birth date is before {_OLDEST}")
        return {}
    return {"birthDate": born.isoformat()}


def emergency_contact(name: str | None, relation: str | None, phone: str | None) -> list[dict[str, Any]]:
    """`Patient.contact` of an emergency contact; [] when nothing is known (pat-1)."""
    details = chosen(name={"text": name} if name else None, telecom=telecom(phone))
    if not details:
        return []
    relationship = [coded(None, coding(_CONTACT_ROLES, "C", "Emergency Contact"))]
    if relation:
        relationship.append(coded(relation, table("contact_relationship").coding(relation)))
    return [{"relationship": relationship, **details}]


_SHIFT = "shift"


def shift(words: str | None) -> list[dict[str, Any]]:
    """The native word for a work shift: R4 wants hours, and the store has none."""
    return [extension(_SHIFT, valueString=words)] if words else []


_BLANKS = re.compile(r"\s*[\r\n]+\s*")


def one_line(value: str | None) -> str | None:
    """A text with its line breaks as commas."""
    return _BLANKS.sub(", ", value) if value else None
