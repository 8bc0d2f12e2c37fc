"""Hybrid EHR's clinical notes: a DocumentReference with text and files, and an Observation for each thing seen.

https://hl7.org/fhir/R4/documentreference.html, observation.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from his_adapters.base import Record
from his_adapters.hybrid_ehr.note_fields import Attachment, Sign
from his_adapters.hybrid_ehr.records import NoteRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.clinical import sensitivity
from mappers.fhir.elements import (
    absent,
    chosen,
    coded,
    coding,
    extension,
    identifier,
    quantity,
    resource,
    same_row,
    tag,
)
from mappers.hybrid_ehr.references import doctor_of, patient_of, text_attachment, visit_of
from mappers.terminology import folded, table

_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
_NOTE_CATEGORIES = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_PRESSURE = re.compile(r"(\d{2,3})\s*/\s*(\d{2,3})\s*(?:mm\s?\[?hg\]?)?", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,3})?")
_CELSIUS, _FAHRENHEIT = (Decimal(25), Decimal(45)), (Decimal(77), Decimal(113))
"""What a body may have; the scales do not overlap."""
_PULSE = (Decimal(20), Decimal(300))
_PLACE = re.compile(r"(https?://|(?![a-z][a-z0-9+.-]*:))[^\s\x00-\x20<>\"{}|\\^`]+", re.IGNORECASE)
"""A web address or a relative path, and nothing that a browser would run."""
_MIME = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.IGNORECASE)


def to_note(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The note: its text first, then the files that it names."""
    row: NoteRow = record.data
    contents = [text_attachment(row.note_text)] if row.note_text else []
    contents += [_attachment(each, report) for each in row.attachments or ()]
    if not contents:
        report.add("dropped", "DocumentReference.content", "the note has neither text nor files: no document")
        return
    made = resource(context, "DocumentReference", "clinical_notes", record.key, security=sensitivity(row.record_title))
    made["identifier"] = [identifier(context, "clinical_notes", row.note_id)]
    made["status"] = "current"
    made["type"] = coded(None, table("document_type").coding("clinical note"))
    made["category"] = [coded(None, coding(_NOTE_CATEGORIES, "clinical-note", "Clinical Note"))]
    made["subject"] = patient_of(context, row.patient_id)
    doctor = doctor_of(context, row.doctor_id)
    made |= chosen(date=row.created_at and row.created_at.isoformat(), author=[doctor] if doctor else None)
    made["content"] = [{"attachment": each} for each in contents]
    made["context"] = {"encounter": [_visit(row, context)]}
    yield made


def _visit(row: NoteRow, context: MappingContext) -> dict[str, Any]:
    return visit_of(context, row.record_id or "")


def _attachment(found: Attachment, report: MappingReport) -> dict[str, Any]:
    """A file by its address. One that no client should follow is left out; its name stays."""
    made: dict[str, Any] = {}
    if found.kind and not _MIME.fullmatch(found.kind):
        made["extension"] = [extension("attachment-type", valueString=found.kind)]
    elif found.kind:
        made["contentType"] = found.kind
    if found.place and _PLACE.fullmatch(found.place):
        made["url"] = found.place
    else:
        if found.place:
            report.add("dropped", "Attachment.url", "neither a web address nor a relative path")
        made["_url"] = absent()
    return made | chosen(title=found.caption or found.name)


def to_signs(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Blood pressure, temperature, pulse, symptoms, and whatever else a note says under a name of its own."""
    row: NoteRow = record.data
    seen: Counter[str] = Counter()
    documented = bool(row.note_text or row.attachments)
    for sign in row.observations or ():
        word = folded(sign.name)
        seen[word] += 1
        made = resource(
            context,
            "Observation",
            "clinical_notes",
            record.key,
            f"{word}-{seen[word]}",
            security=sensitivity(row.record_title, sign.value, sign.name),
        )
        known = table("note_sign").all(sign.name)
        made["status"] = "unknown"
        if known and known[0].code in _VITAL:
            made["category"] = [coded(None, coding(_CATEGORIES, "vital-signs", "Vital Signs"))]
        made["code"] = coded(sign.name, *(each.coding() for each in known))
        made["subject"] = patient_of(context, row.patient_id)
        made["encounter"] = _visit(row, context)
        moment = sign.taken or row.created_at
        made |= chosen(effectiveDateTime=moment and moment.isoformat())
        made |= (
            _VALUES.get(known[0].code, _as_written)(sign, made, report) if known else _as_written(sign, made, report)
        )
        if documented:
            made["derivedFrom"] = [same_row(context, "DocumentReference", "clinical_notes", record.key)]
        yield made


def _as_written(sign: Sign, _made: Resource, _report: MappingReport) -> dict[str, Any]:
    return {"valueString": sign.value}


def _symptom(sign: Sign, _made: Resource, _report: MappingReport) -> dict[str, Any]:
    return {"valueCodeableConcept": {"text": sign.value}}


def _pressure(sign: Sign, made: Resource, report: MappingReport) -> dict[str, Any]:
    """A panel of two components; the text where it is no `120/80`."""
    parsed = _PRESSURE.fullmatch(sign.value)
    if not parsed:
        report.add(
            "approximated", "Observation.component", "the blood pressure is not of the form 120/80: kept as text"
        )
        return _as_written(sign, made, report)
    systolic, diastolic = Decimal(parsed[1]), Decimal(parsed[2])
    if systolic <= diastolic:
        report.add("implausible", "bp", "the systolic pressure is not above the diastolic")
    return {
        "component": [
            {
                "code": coded(what.capitalize(), table("observation").coding(what)),
                "valueQuantity": quantity(value, "mmHg", "mm[Hg]"),
            }
            for what, value in (("systolic", systolic), ("diastolic", diastolic))
        ]
    }


def _temperature(sign: Sign, made: Resource, report: MappingReport) -> dict[str, Any]:
    """The store states no unit: what a body may have tells the scales apart."""
    value = _number(sign)
    for (low, high), unit, ucum in ((_CELSIUS, "°C", "Cel"), (_FAHRENHEIT, "°F", "[degF]")):
        if value is not None and low <= value < high:
            report.add("inferred", "temp.unit", "the store states no unit: told by the size of the number")
            made["meta"]["tag"].append(tag("inferred"))
            return {"valueQuantity": quantity(value, unit, ucum)}
    return _no_unit(sign, made, report)


def _pulse(sign: Sign, made: Resource, report: MappingReport) -> dict[str, Any]:
    value = _number(sign)
    if value is None or not _PULSE[0] <= value <= _PULSE[1]:
        return _no_unit(sign, made, report)
    return {"valueQuantity": quantity(value, "beats/minute", "/min")}


def _no_unit(sign: Sign, made: Resource, report: MappingReport) -> dict[str, Any]:
    """What nobody can have measured so: as written, without a code that would state its unit."""
    report.add("implausible", "observations", "outside of what can be measured of a living body: kept as text")
    made["code"] = coded(sign.name)
    return {"valueString": sign.value}


def _number(sign: Sign) -> Decimal | None:
    return Decimal(sign.value) if _NUMBER.fullmatch(sign.value) else None


_VITAL = {"85354-9", "8310-5", "8867-4"}
_VALUES: Mapping[str, Callable[[Sign, Resource, MappingReport], dict[str, Any]]] = MappingProxyType(
    {"85354-9": _pressure, "8310-5": _temperature, "8867-4": _pulse, "75325-1": _symptom}
)
"""By the LOINC code of the sign's name."""
