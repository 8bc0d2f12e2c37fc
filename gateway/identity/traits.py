"""What of a Patient can tell whether two records are the same person, normalised once and stored in one small row.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.identity import names, normalize
from gateway.identity.normalize import Address

_SOURCE = "urn:fhir-gateway:source:"
_PERSONAL = names.listed("SS NI NH NIIP PPN DL PRC SB TAX HC JHN CZ PEN MC MA MI")
"""Types of HL7 table 0203 by which a state, an insurer or a service knows one person; MR and PI are a store's keys."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name; each part may be empty. Former names and aliases are names too."""

    given: tuple[str, ...]
    family: str
    generation: str = ""
    """`jr`, `sr`, `2` ..."""
    use: str = ""

    @property
    def called(self) -> str:
        """The first given name that is no initial, as in K Ramesh; may be empty."""
        for each in self.given:
            if len(each) > 1:
                return each
        return ""


@dataclass(frozen=True, slots=True)
class Traits:
    """One source record as linking sees it. Empty = not known: that never counts against a match."""

    resource_id: str
    source: str
    names: tuple[Name, ...] = ()
    birth_date: str = ""
    """ISO 8601, or empty."""
    birth_date_defaulted: bool = False
    """1 January, or only the year is known."""
    gender: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    """(system and type, value) of identifiers that name a person, not a row of a store."""

    def to_row(self) -> list[Any]:
        """Lists and texts, for JSON; `from_row` gives the same traits again."""
        return [
            self.resource_id,
            self.source,
            [[*each.given, each.family, each.generation, each.use] for each in self.names],
            self.birth_date,
            self.birth_date_defaulted,
            self.gender,
            self.phones,
            self.emails,
            [(each.street, each.number, each.city, each.postcode, each.state) for each in self.addresses],
            self.identifiers,
        ]


def from_row(row: Sequence[Any]) -> Traits:
    """The traits that `to_row` wrote."""
    resource_id, source, named, born, defaulted, gender, phones, emails, addresses, identifiers = row
    return Traits(
        resource_id,
        source,
        tuple([Name(tuple(each[:-3]), each[-3], each[-2], each[-1]) for each in named]),
        born,
        defaulted,
        gender,
        tuple(phones),
        tuple(emails),
        tuple([Address(*each) for each in addresses]),
        tuple([(each[0], each[1]) for each in identifiers]),
    )


def from_patient(resource: Mapping[str, Any]) -> Traits:
    """The traits of a FHIR R4 Patient as JSON. Never raises for what a valid Patient may hold."""
    born, defaulted = normalize.birth_date(resource.get("birthDate", ""))
    gender = resource.get("gender", "")
    telecom = resource.get("telecom", ())
    return Traits(
        resource_id=resource["id"],
        source=resource.get("meta", {}).get("source", "").removeprefix(_SOURCE),
        names=_distinct(_name(each) for each in resource.get("name", ())),
        birth_date=born,
        birth_date_defaulted=defaulted,
        gender=gender if gender in ("male", "female") else "",
        phones=_distinct(normalize.phone(value) for value in _values(telecom, "phone", "sms")),
        emails=_distinct(normalize.email(value) for value in _values(telecom, "email")),
        addresses=_distinct(_address(each) for each in resource.get("address", ())),
        identifiers=_distinct(_identifier(each) for each in resource.get("identifier", ())),
    )


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _name(written: Mapping[str, Any]) -> Name | None:
    given, family = list(written.get("given", ())), written.get("family", "")
    if not given and not family:
        given = [written.get("text", "")]
    firsts, last, generation = names.parted(given, family, written.get("suffix", ()))
    return Name(firsts, last, generation, written.get("use", "")) if firsts or last else None


def _values(telecom: Iterable[Mapping[str, Any]], *systems: str) -> Iterable[str]:
    return (each["value"] for each in telecom if each.get("system") in systems and "value" in each)


def _address(written: Mapping[str, Any]) -> Address | None:
    made = normalize.address(
        " ".join(written.get("line", ())),
        written.get("city", ""),
        written.get("postalCode", ""),
        written.get("state", ""),
        written.get("text", ""),
    )
    return made if made.street or made.city or made.postcode else None


def _identifier(written: Mapping[str, Any]) -> tuple[str, str] | None:
    codes = sorted({coding.get("code", "") for coding in written.get("type", {}).get("coding", ())} & _PERSONAL)
    if not codes or "system" not in written:
        return None
    value = normalize.identifier(written.get("value", ""))
    return (f"{written['system']}|{codes[0]}", value) if value else None
