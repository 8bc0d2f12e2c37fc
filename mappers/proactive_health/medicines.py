"""Medicines and their administration during visits. https://hl7.org/fhir/R4/medicationadministration.html"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from his_adapters.base import Record
from his_adapters.proactive_health.records import GivenRow, MedicineRow, OfVisit
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import chosen, coded, extension, identifier, quantity, reference, resource
from mappers.proactive_health.people import patient_reference
from mappers.proactive_health.stays import encounter_reference
from mappers.proactive_health.words import period, status_code
from mappers.terminology import table

_UCUM = {"mg": "mg", "g": "g", "mcg": "ug", "ml": "mL", "tablet": "{tbl}", "tablets": "{tbl}"}
_DOSE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?(mg|g|mcg|ml|tablets?)", re.IGNORECASE)


def to_medication(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A medicine of the catalogue: names repeat with other types, so the id is what counts."""
    row: MedicineRow = record.data
    made = resource(context, "Medication", "MDCN", record.key)
    status, extensions = status_code("medication_status", row.mstat_des)
    if row.type_des:
        extensions.append(extension("medicine-type", valueString=row.type_des))
    for name, value, unit in (("strength", row.strn_no, row.strn_un), ("package-content", row.fmqty_no, row.fmqty_un)):
        if value is not None:
            extensions.append(extension(name, valueQuantity=chosen(value=value, unit=unit)))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "MDCN", row.med_id)]
    made |= chosen(code=coded(row.med_name), status=status, form=coded(row.form_des))
    yield made


def to_administration(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A medicine given during a visit. The store states no time: the visit's, tagged."""
    told: OfVisit = record.data
    row: GivenRow = told.row
    if row.med_id is None:
        report.add("dropped", "MedicationAdministration.medication", "the row names no medicine: nothing is made")
        return
    made = resource(context, "MedicationAdministration", "TMMD", record.key, tags=["inferred"])
    extensions = []
    if row.qty_no is not None:
        extensions.append(extension("quantity-handed-out", valueDecimal=row.qty_no))
    if row.unit_dos is not None:
        extensions.append(extension("units-a-dose", valueDecimal=row.unit_dos))
    made |= chosen(extension=extensions)
    made["status"] = "unknown"
    made["medicationReference"] = reference(context, "Medication", "MDCN", (row.med_id,))
    made["subject"] = patient_reference(context, told.visit.pat_id)
    made["context"] = encounter_reference(context, told.visit)
    made["effectivePeriod"] = period(
        context, report, told.visit.vis_en, told.visit.vis_ex, "MedicationAdministration.effectivePeriod"
    )
    dose = _dose(row.dos_des) if row.dos_des else None
    text = ", ".join(word for word in (row.dos_des, row.freq_des) if word)
    if dose:
        made["dosage"] = {"text": text, **chosen(route=_route(row.rute_des)), "dose": dose}
    elif text or row.rute_des:  # mad-1: a dosage has a dose or a rate
        made["note"] = [{"text": ", ".join(word for word in (text, row.rute_des) if word)}]
    yield made


@lru_cache(maxsize=1024)
def _dose(words: str) -> dict[str, Any] | None:
    found = _DOSE.fullmatch(words)
    return quantity(Decimal(found[1]), found[2], _UCUM[found[2].lower()]) if found else None


def _route(word: str | None) -> dict[str, Any]:
    return coded(word, table("route").coding(word))
