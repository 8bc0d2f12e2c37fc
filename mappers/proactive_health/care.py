"""What a visit is for and what is done in it: Condition and Procedure, of the visit that the adapter proved.

https://hl7.org/fhir/R4/condition.html, procedure.html
"""

from __future__ import annotations

from collections.abc import Iterator

from his_adapters.base import Record
from his_adapters.proactive_health.records import DiagnosisRow, OfVisit, TreatmentRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import chosen, coded, coding, extension, resource
from mappers.proactive_health.people import patient_reference
from mappers.proactive_health.stays import encounter_reference, sensitive
from mappers.proactive_health.words import date_time, folded, local_coding, positive
from mappers.terminology import table

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_STATUS_CODES = {"0": "planned", "2": "completed", "4": "declined", "5": "not tolerated"}
_NOT_DONE = {"preparation", "not-done"}


def to_condition(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A diagnosis of a visit: a body system or service in the store's own words, no disease."""
    told: OfVisit = record.data
    row: DiagnosisRow = told.row
    made = resource(context, "Condition", "DIAG", record.key, security=sensitive(row.dig_des) if row.dig_des else ())
    if rank := positive(row.dig_seq):
        made["extension"] = [extension("diagnosis-rank", valuePositiveInt=rank)]
    notes = []
    status = folded(row.dstat_des) if row.dstat_des else ""
    if status == "recurrent":
        made["clinicalStatus"] = coded(None, coding(_CLINICAL, "recurrence", "Recurrence"))
    elif status.startswith("confirmed"):
        made["verificationStatus"] = coded(row.dstat_des, coding(_VERIFICATION, "confirmed", "Confirmed"))
    elif status:
        notes.append({"text": f"Status as recorded: {row.dstat_des}"})
    if row.dtype_des:
        notes.append({"text": f"Recommended treatment as recorded: {row.dtype_des}"})
    made["category"] = [coded(None, coding(_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis"))]
    made |= chosen(code=coded(row.dig_des, local_coding(context, "DIAG.DIG_CD", row.dig_cd)))
    made["subject"] = patient_reference(context, told.visit.pat_id)
    made["encounter"] = encounter_reference(context, told.visit)
    if row.dig_en:
        made["recordedDate"] = date_time(context, row.dig_en)
    yield made | chosen(note=notes)


def to_procedure(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A treatment of a visit, done or not."""
    told: OfVisit = record.data
    row: TreatmentRow = told.row
    word = folded(row.tstat_des) if row.tstat_des else None
    if word and row.tstat_cd in _STATUS_CODES and _STATUS_CODES[row.tstat_cd] != word:
        report.add("contradiction", "Procedure.status", "the code means another status than the word: the word counts")
    known = table("treatment_status").all(row.tstat_des)
    labels = sensitive(row.trtm_des, row.ttype_des) if row.trtm_des or row.ttype_des else ()
    made = resource(context, "Procedure", "TRTM", record.key, security=labels)
    made["status"] = status = known[0].code if known else "unknown"
    kept = bool(row.tstat_des) and (not known or known[0].trust != "stated")
    if kept and status == "not-done":
        made["statusReason"] = {"text": row.tstat_des}
    if row.ttype_des:
        made["category"] = {"text": row.ttype_des}
    made |= chosen(code=coded(row.trtm_des, local_coding(context, "TRTM.TRTM_CD", row.trtm_cd)))
    made["subject"] = patient_reference(context, told.visit.pat_id)
    made["encounter"] = encounter_reference(context, told.visit)
    if row.trtm_en and status not in _NOT_DONE:
        made["performedDateTime"] = date_time(context, row.trtm_en)
    if kept and status != "not-done":
        made["outcome"] = {"text": row.tstat_des}
    yield made
