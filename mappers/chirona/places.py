"""Chirona's rooms and shifts: Location, Schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from his_adapters.base import Record
from his_adapters.chirona.records import RoomRow, ShiftAssignmentRow, ShiftRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.chirona.references import practitioner_of, same_word
from mappers.fhir.elements import chosen, coded, coding, extension, identifier, reference, resource, tag
from mappers.fhir.hospital import hospital_reference
from mappers.fhir.local_time import date_time
from mappers.fhir.people import shift
from mappers.terminology import table

_PHYSICAL_TYPES = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def to_location(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A room, and whether it is occupied; under maintenance it is suspended, for which v2-0116 has no code."""
    row: RoomRow = record.data
    made = resource(context, "Location", "room", record.key)
    state, known = row.room_availability, row.room_availability in table("room_availability")
    code = table("room_availability").coding(state)
    if state and not code:
        made["extension"] = [extension("native-status", valueString=state)]
        if not known:
            report.add("dropped", "Location.status", "the room's availability is a word that the table does not know")
    made["identifier"] = [identifier(context, "room", row.room_id)]
    if known:
        made["status"] = "active" if code else "suspended"
    made |= chosen(operationalStatus=code)
    made["mode"] = "instance"
    if row.room_type:
        made["type"] = [coded(row.room_type)]
    physical = table("room_type").coding(row.room_type) or coding(_PHYSICAL_TYPES, "ro", "Room")
    made["physicalType"] = coded(None, physical)
    made["managingOrganization"] = hospital_reference(context)
    yield made


def shift_findings(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """No resource of its own: a shift is the Schedule of each one who works it. R4 wants an actor."""
    row: ShiftRow = record.data
    if row.shift_date:
        weekday, week = _WEEKDAYS[row.shift_date.weekday()], row.shift_date.isocalendar().week
        if row.shift_day_of_week and not same_word(row.shift_day_of_week, weekday):
            report.add("contradiction", "shift_day_of_week", "the weekday is not that of the date")
        if row.week_no is not None and row.week_no != week:
            report.add("contradiction", "week_no", "the week is not that of the date (ISO 8601)")
    return iter(())


def to_schedule(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """When somebody works. No Slot: whether they can be booked then is not stated."""
    row: ShiftAssignmentRow = record.data
    if row.is_repeated:
        report.add("contradiction", "staff_id", "the same person is assigned to the same shift more than once")
    if row.staff_id is None:
        report.add("dropped", "Schedule", "the assignment names nobody")
        return
    made = resource(context, "Schedule", "shiftassignment", record.key)
    horizon = _horizon(row, context, report, made)
    extensions = shift(row.shift_type)
    if creator := practitioner_of(context, row.created_by):
        extensions.append(extension("created-by", valueReference=creator))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "shiftassignment", row.assignment_id)]
    made["actor"] = [reference(context, "PractitionerRole", "staff", (row.staff_id,))]
    yield made | chosen(planningHorizon=horizon)


def _horizon(row: ShiftAssignmentRow, context: MappingContext, report: MappingReport, made: Resource) -> dict[str, Any]:
    """From start to end; a shift that ends before it starts ends on the next day."""
    if row.shift_date is None:
        return {}
    if row.start_time is None or row.end_time is None or row.start_time == row.end_time:
        report.add("approximated", "Schedule.planningHorizon", "the shift has no two times of day: its date alone")
        return dict.fromkeys(("start", "end"), row.shift_date.isoformat())
    start = datetime.combine(row.shift_date, row.start_time)
    end = datetime.combine(row.shift_date, row.end_time)
    if end < start:
        if row.shift_date.toordinal() == row.shift_date.max.toordinal():
            return {}
        end += timedelta(days=1)
        made["meta"]["tag"].append(tag("inferred"))
        report.add("inferred", "Schedule.planningHorizon", "the shift ends on the day after its date")
    return {
        "start": date_time(start, context, report, "Schedule.planningHorizon.start"),
        "end": date_time(end, context, report, "Schedule.planningHorizon.end"),
    }
