"""What several of Hybrid EHR's rows have in common: whom and which visit they are about, uuids, texts as documents."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date, datetime
from typing import Any

from mappers.base import MappingContext, MappingReport
from mappers.fhir.elements import reference, system_of
from mappers.fhir.local_time import instant

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def patient_of(context: MappingContext, patient_id: str) -> dict[str, Any]:
    """The patient that a row is about."""
    return reference(context, "Patient", "patients", (patient_id,))


def doctor_of(context: MappingContext, doctor_id: str | None) -> dict[str, Any] | None:
    """The doctor that a row names."""
    return reference(context, "Practitioner", "doctors", (doctor_id,)) if doctor_id else None


def visit_of(context: MappingContext, record_id: str) -> dict[str, Any]:
    """The visit that a medical record describes."""
    return reference(context, "Encounter", "medical_records", (record_id,))


def uuid_identifier(context: MappingContext, stream: str, uuid: str) -> dict[str, str]:
    """A row's uuid as an Identifier; one that is none stands in a system of its own."""
    if _UUID.fullmatch(uuid):
        return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.lower()}"}
    return {"system": f"{system_of(context, stream)}:uuid", "value": uuid}


def moment_of(
    moment: datetime | date | None, context: MappingContext, report: MappingReport, element: str
) -> str | None:
    """An instant of the tables' clock; None for a day alone."""
    if not isinstance(moment, datetime):
        return None
    return instant(moment.date(), moment.time(), context, report, element)


def text_attachment(text: str) -> dict[str, str]:
    """A text of the store as an Attachment."""
    return {"contentType": "text/plain; charset=utf-8", "data": b64encode(text.encode()).decode()}
