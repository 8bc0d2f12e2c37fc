"""Departments and rooms: Organization and Location. https://hl7.org/fhir/R4/location.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from his_adapters.base import Record
from his_adapters.proactive_health.records import DepartmentRow, RoomRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import chosen, coded, coding, extension, identifier, reference, resource
from mappers.proactive_health.words import hospital_reference
from mappers.terminology import table

_ORGANIZATION_TYPES = "http://terminology.hl7.org/CodeSystem/organization-type"
_PHYSICAL_TYPES = "http://terminology.hl7.org/CodeSystem/location-physical-type"


def to_department(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A department as an organization, part of the hospital."""
    row: DepartmentRow = record.data
    made = resource(context, "Organization", "DPMT", record.key)
    made["identifier"] = [identifier(context, "DPMT", row.dep_id)]
    made["type"] = [coded(None, coding(_ORGANIZATION_TYPES, "dept", "Hospital Department"))]
    made |= chosen(name=row.dep_name)
    made["partOf"] = hospital_reference(context)
    yield made


def to_department_place(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Where a department is."""
    row: DepartmentRow = record.data
    made = resource(context, "Location", "DPMT", record.key)
    made["identifier"] = [identifier(context, "DPMT", row.dep_id)]
    made |= chosen(name=row.dep_name, description=row.dep_des)
    made["mode"] = "instance"
    if row.dep_name:
        made["type"] = [coded(row.dep_name, table("location_type").coding(row.dep_name))]
    if row.dep_loc:
        made["address"] = {"text": row.dep_loc}
    made["managingOrganization"] = department_reference(context, row.dep_id, row.dep_name)
    yield made


def department_reference(context: MappingContext, dep_id: str, name: str | None = None) -> dict[str, Any]:
    """A reference to a department's organization."""
    return reference(context, "Organization", "DPMT", (dep_id,), display=name)


def to_room(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A room of a department."""
    row: RoomRow = record.data
    made = resource(context, "Location", "ROMS", record.key)
    if row.cpct_no is not None and row.cpct_no >= 0:
        made["extension"] = [extension("capacity", valueInteger=row.cpct_no)]
    made["identifier"] = [identifier(context, "ROMS", row.rom_id)]
    made["name"] = row.rom_id
    made["mode"] = "instance"
    types = [coded(word, table("location_type").coding(word)) for word in (row.rtype_des, row.prps_des) if word]
    made |= chosen(type=types)
    made["physicalType"] = coded(None, coding(_PHYSICAL_TYPES, "ro", "Room"))
    made["managingOrganization"] = department_reference(context, row.dep_id)
    made["partOf"] = reference(context, "Location", "DPMT", (row.dep_id,))
    yield made
