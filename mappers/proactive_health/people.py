"""Patients, their blood groups and allergies, and the staff. https://hl7.org/fhir/R4/patient.html"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from his_adapters.base import Record
from his_adapters.proactive_health.records import Employed, PatientRow, Reacting
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.clinical import Row, blood_group
from mappers.fhir.elements import (
    absent,
    chosen,
    coded,
    coding,
    identifier,
    reference,
    resource,
    same_row,
    system_of,
    telecom,
)
from mappers.fhir.people import birth_date_of, emergency_contact
from mappers.proactive_health.places import department_reference
from mappers.proactive_health.words import folded, gender, hospital_reference, local_coding, native_status
from mappers.terminology import table

_ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_SEVERITIES = {"mild", "moderate", "severe"}


@lru_cache(maxsize=8192)
def patient_reference(context: MappingContext, pat_id: str) -> dict[str, Any]:
    """A reference to a patient."""
    return reference(context, "Patient", "PATN", (pat_id,))


@lru_cache(maxsize=8192)
def staff_reference(context: MappingContext, stf_id: str) -> dict[str, Any]:
    """A reference to a member of staff."""
    return reference(context, "Practitioner", "STFF", (stf_id,))


def to_patient(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A person as registered."""
    row: PatientRow = record.data
    made = resource(context, "Patient", "PATN", record.key)
    made["identifier"] = [identifier(context, "PATN", row.pat_id, "MR"), *_national(row, context)]
    made |= chosen(name=_name(row.f_name, row.m_name, row.l_name), telecom=telecom(row.con_no, row.em_add))
    made |= gender(row.gen_cd, row.gen_des, report, "Patient")
    made |= birth_date_of(row.dt_brt, context, report, "Patient.birthDate")
    if row.mar_st:
        made["maritalStatus"] = coded(row.mar_st, table("marital_status").coding(row.mar_st))
    yield made | chosen(contact=_contact(row))


def _name(given: str | None, middle: str | None, family: str | None) -> list[dict[str, Any]]:
    names = [*(given or "").split(), *(middle or "").split()]
    made = chosen(family=family, given=names)
    return [{"use": "official", **made}] if made else []


def _contact(row: PatientRow) -> list[dict[str, Any]]:
    """Whom to call in an emergency; the store does not say what they are to the patient."""
    found = emergency_contact(row.ec_l_name or row.ec_f_name or row.ec_m_name, None, row.ec_con_no)
    if found and (name := _name(row.ec_f_name, row.ec_m_name, row.ec_l_name)):
        found[0]["name"] = name[0]
    return found


def _national(row: PatientRow, context: MappingContext) -> list[dict[str, Any]]:
    """A passport, licence or green card, under the source's own system: no state's register is named by a word."""
    if not row.nat_id_n:
        return []
    made: dict[str, Any] = {}
    if row.nat_id_t:
        made["type"] = coded(row.nat_id_t, table("identifier_type").coding(row.nat_id_t))
    made["system"] = system_of(context, "PATN.NAT_ID_N")
    made["value"] = row.nat_id_n
    if row.nat_id_e:
        made["period"] = {"end": row.nat_id_e.isoformat()}
    if row.nat_id_s:
        made["assigner"] = {"display": row.nat_id_s}
    return [made]


def to_blood_group(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """ABO and Rh group."""
    row: PatientRow = record.data
    if row.b_type:
        yield blood_group(context, Row("PATN", record.key), row.b_type)


def to_allergy(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """An allergy; active and unconfirmed, because the store states no lifecycle (ait-1)."""
    told: Reacting = record.data
    row = told.row
    report.add("defaulted", "AllergyIntolerance.clinicalStatus", "the store states no lifecycle: active, unconfirmed")
    made = resource(context, "AllergyIntolerance", "PTAL", record.key, tags=["defaulted"])
    made["clinicalStatus"] = coded(None, coding(_ALLERGY_CLINICAL, "active", "Active"))
    made["verificationStatus"] = coded(None, coding(_ALLERGY_VERIFICATION, "unconfirmed", "Unconfirmed"))
    if category := table("allergy_category").code(told.allergen):
        made["category"] = [category]
    severity = folded(row.svr_des) if row.svr_des else None
    if severity == "anaphylaxis":
        made["criticality"] = "high"
    if code := coded(told.allergen, local_coding(context, "ALGY", row.alg_id)):
        made["code"] = code
    made["patient"] = patient_reference(context, row.pat_id)
    if reaction := _reaction(told, severity, report):
        made["reaction"] = [reaction]
    yield made


def _reaction(told: Reacting, severity: str | None, report: MappingReport) -> dict[str, Any]:
    """The reaction. `Anaphylaxis` in the column of severities is one."""
    row = told.row
    shown = [{"text": row.rct_des}] if row.rct_des else []
    made: dict[str, Any] = {}
    if severity == "anaphylaxis":
        shown.append({"text": row.svr_des or ""})
    elif severity in _SEVERITIES:
        made["severity"] = severity
    elif severity:
        report.add("dropped", "AllergyIntolerance.reaction.severity", "the native word is no severity")
    if not shown and not made:
        return {}
    return {"manifestation": shown or [absent()], **made}


def to_practitioner(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A member of staff. Salaries stay in the store: FHIR has no element for them."""
    row = record.data.row
    made = resource(context, "Practitioner", "STFF", record.key)
    made["identifier"] = [identifier(context, "STFF", row.stf_id, "EI")]
    made |= chosen(name=_name(row.f_name, row.m_name, row.l_name), telecom=telecom(row.con_no, row.em_add))
    made |= gender(row.gen_cd, row.gen_des, report, "Practitioner")
    made |= birth_date_of(row.dt_brt, context, report, "Practitioner.birthDate")
    yield made


def to_role(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """What the member of staff does and where, since when. A specialty is a doctor's only."""
    told: Employed = record.data
    row = told.row
    made = resource(context, "PractitionerRole", "STFF", record.key)
    status = folded(row.stat_des) if row.stat_des else None
    if status not in {"active", None}:
        made["extension"] = [native_status(row.stat_des or "")]
    made["identifier"] = [identifier(context, "STFF", row.stf_id, "EI")]
    if status:
        made["active"] = status == "active"
    if row.role_date:
        made["period"] = {"start": row.role_date.isoformat()}
    made["practitioner"] = same_row(context, "Practitioner", "STFF", record.key)
    made["organization"] = (
        department_reference(context, row.dep_id, told.department) if row.dep_id else hospital_reference(context)
    )
    if row.role_des:
        made["code"] = [coded(row.role_des, table("practitioner_role").coding(row.role_des))]
        if folded(row.role_des) == "doctor" and told.department:
            made["specialty"] = [coded(told.department, table("specialty").coding(told.department))]
    yield made
