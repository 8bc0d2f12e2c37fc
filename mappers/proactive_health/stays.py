"""Appointments, visits and medical teams. https://hl7.org/fhir/R4/encounter.html, appointment.html, careteam.html"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from his_adapters.base import Record
from his_adapters.proactive_health.records import AppointmentRow, Stay, Team, Visit
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.clinical import sensitivity
from mappers.fhir.elements import absent, absent_coding, chosen, coding, extension, identifier, reference, resource
from mappers.proactive_health.people import patient_reference, staff_reference
from mappers.proactive_health.words import date_time, folded, hospital_reference, instant, native_status, period
from mappers.terminology import table

_ACTS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_STATUS_CODES = {"0": "discharged", "1": "admitted", "2": "need follow-up"}
_WITHOUT_TIME = {"proposed", "cancelled"}

sensitive = lru_cache(maxsize=1024)(sensitivity)
"""The labels of words; most have none."""


def to_appointment(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """An appointment. Its end is not stated; who booked it takes no part in it."""
    row: AppointmentRow = record.data
    status = table("booking_status").code(row.astat_des)
    if status is None:
        report.add("dropped", "Appointment.status", "the store states no status that R4 has: no Appointment is made")
        return
    made = resource(context, "Appointment", "APPT", record.key)
    extensions = []
    if row.ctd_id:
        extensions.append(extension("booked-by", valueReference=staff_reference(context, row.ctd_id)))
    start = row.apt_time
    if start and (context.timezone is None or len(start) == len("2024-01-01")):
        # An instant needs a time of the day and a zone.
        extensions.append(extension("appointment-day", valueDate=start[:10]))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "APPT", row.refr_no)]
    made["status"] = status
    if row.atype_des:
        made["serviceType"] = [{"text": row.atype_des}]
    if start and context.timezone and len(start) > len("2024-01-01"):
        made["start"] = instant(context.timezone, start)
        made["_end"] = absent()
    elif status not in _WITHOUT_TIME:
        made["_start"], made["_end"] = absent(), absent()
    participants = [{"actor": patient_reference(context, row.pat_id), "status": "accepted"}]
    if row.doc_id:
        participants.append({"actor": staff_reference(context, row.doc_id), "status": "accepted"})
    made["participant"] = participants
    yield made


@lru_cache(maxsize=8192)
def encounter_reference(context: MappingContext, visit: Visit) -> dict[str, Any]:
    """A reference to a visit, by its whole key: its number is not unique."""
    return reference(context, "Encounter", "VIST", (visit.refr_no, visit.pat_id, visit.vis_en))


def to_encounter(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A visit. A stay of weeks labelled `Diagnosis` proves no class; who is still admitted has no end."""
    stay: Stay = record.data
    row = stay.row
    word = folded(row.vstat_des) if row.vstat_des else None
    if word and row.vstat_cd in _STATUS_CODES and _STATUS_CODES[row.vstat_cd] != word:
        report.add("contradiction", "Encounter.status", "the code means another status than the word: the word counts")
    admitted, emergency = word == "admitted", row.refr_no.startswith("E")
    inferred = emergency and not admitted
    if inferred:
        report.add("inferred", "Encounter.class", "the visit's number begins with E")
    known = table("encounter_status").all(row.vstat_des)
    labels = sensitive(stay.department) if stay.department else ()
    made = resource(context, "Encounter", "VIST", record.key, tags=["inferred"] if inferred else [], security=labels)
    extensions = []
    if row.vstat_des and (not known or known[0].trust != "stated"):
        extensions.append(native_status(row.vstat_des))
    if admitted and row.vis_ex:
        extensions.append(extension("planned-exit", valueDateTime=date_time(context, row.vis_ex)))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "VIST", row.refr_no, "VN")]
    made["status"] = known[0].code if known else "unknown"
    if admitted:
        made["class"] = coding(_ACTS, "IMP", "inpatient encounter")
    elif emergency:
        made["class"] = coding(_ACTS, "EMER", "emergency")
    else:
        made["class"] = absent_coding()
    if row.vtype_des:
        made["type"] = [{"text": row.vtype_des}]
    made["subject"] = patient_reference(context, row.pat_id)
    if stay.team:
        made["participant"] = [
            {**({"type": [{"text": role}]} if role else {}), "individual": staff_reference(context, member)}
            for member, role in stay.team
        ]
    if row.refr_no.isdigit():
        # The appointment of this number and this patient: another patient's is never meant.
        made["appointment"] = [reference(context, "Appointment", "APPT", (row.refr_no, row.pat_id))]
    made["period"] = period(context, report, row.vis_en, None if admitted else row.vis_ex, "Encounter.period")
    if stay.room:
        made["location"] = [{"location": reference(context, "Location", "ROMS", stay.room, display=row.rom_id)}]
    elif row.rom_id:
        report.add("dropped", "Encounter.location", "no room, or more than one, has this id")
        made["location"] = [{"location": {"display": row.rom_id}}]
    made["serviceProvider"] = hospital_reference(context)
    yield made


def to_team(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A medical team, made of its first row; the others tell members of it."""
    told: Team = record.data
    if not told.members:
        return
    key = (told.row.medt_id,)
    made = resource(context, "CareTeam", "MEDT", key)
    made["identifier"] = [identifier(context, "MEDT", told.row.medt_id)]
    made["participant"] = [
        {**({"role": [{"text": role}]} if role else {}), "member": staff_reference(context, member)}
        for member, role in told.members
    ]
    made["managingOrganization"] = [hospital_reference(context)]
    yield made
