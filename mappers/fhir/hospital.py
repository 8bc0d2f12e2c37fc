"""The hospital and its parts, made alike by many rows: Organization (hospital, department, insurer), Location (ward).

https://hl7.org/fhir/R4/organization.html, https://hl7.org/fhir/R4/location.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappers.base import MappingContext, Resource
from mappers.fhir.elements import coded, coding, reference, resource, resource_id
from mappers.fhir.profiles import claimed
from mappers.terminology import folded, table

_ORGANIZATION_TYPES = "http://terminology.hl7.org/CodeSystem/organization-type"
IN_USE = True
"""An Organization that is made of what rows say is there only as long as they refer to it: its record is in use."""
_PHYSICAL_TYPES = "http://terminology.hl7.org/CodeSystem/location-physical-type"


def hospital(context: MappingContext) -> list[Resource]:
    """The hospital's own Organization, from the configuration: one a source."""
    made = resource(context, "Organization", "hospital", ("hospital",))
    made["active"] = IN_USE
    made["type"] = [coded(None, coding(_ORGANIZATION_TYPES, "prov", "Healthcare Provider"))]
    made["name"] = context.organization
    return [claimed(made)]


def hospital_id(source: str) -> str:
    """The id of the hospital's Organization."""
    return resource_id(source, "Organization", "hospital", ("hospital",))


def hospital_reference(context: MappingContext) -> dict[str, Any]:
    """A reference to the hospital."""
    return reference(context, "Organization", "hospital", ("hospital",), display=context.organization)


def department(context: MappingContext, name: str) -> Resource:
    """A department, part of the hospital."""
    made = resource(context, "Organization", "departments", (folded(name),))
    made["active"] = IN_USE
    made["type"] = [coded(None, coding(_ORGANIZATION_TYPES, "dept", "Hospital Department"))]
    made["name"] = name
    made["partOf"] = hospital_reference(context)
    return made


def department_reference(context: MappingContext, name: str) -> dict[str, Any]:
    """A reference to a department."""
    return reference(context, "Organization", "departments", (folded(name),), display=name)


def insurer(context: MappingContext, name: str) -> Resource:
    """An insurer: one Organization a source, by its name."""
    made = resource(context, "Organization", "insurers", (folded(name),))
    made["active"] = IN_USE
    made["type"] = [coded(None, coding(_ORGANIZATION_TYPES, "ins", "Insurance Company"))]
    made["name"] = name
    return made


def insurer_reference(context: MappingContext, name: str) -> dict[str, Any]:
    """A reference to an insurer."""
    return reference(context, "Organization", "insurers", (folded(name),), display=name)


def ward(context: MappingContext, department_name: str, bed_type: str | None) -> Resource:
    """The place of a stay: a department and, where the store says, its kind of bed."""
    made = resource(context, "Location", "wards", _ward_key(department_name, bed_type))
    made["name"] = _ward_name(department_name, bed_type)
    made["mode"] = "instance"
    types = [coded(department_name, table("location_type").coding(department_name))]
    if bed_type:
        types.append(coded(bed_type, table("location_type").coding(bed_type)))
        made["physicalType"] = coded(bed_type, coding(_PHYSICAL_TYPES, "wa", "Ward"))
    made["type"] = types
    made["managingOrganization"] = department_reference(context, department_name)
    return made


def ward_reference(context: MappingContext, department_name: str, bed_type: str | None) -> dict[str, Any]:
    """A reference to the place of a stay."""
    key = _ward_key(department_name, bed_type)
    return reference(context, "Location", "wards", key, display=_ward_name(department_name, bed_type))


def _ward_key(department_name: str, bed_type: str | None) -> tuple[str, ...]:
    return (folded(department_name), folded(bed_type)) if bed_type else (folded(department_name),)


def _ward_name(department_name: str, bed_type: str | None) -> str:
    return f"{department_name}, {bed_type}" if bed_type else department_name


def places_of_stay(
    context: MappingContext, now: str | None, before: str | None, bed_type: str | None
) -> Iterator[Resource]:
    """The departments that a stay names, and its wards: where the patient is, and where they were admitted to."""
    for name in {folded(each): each for each in (before, now) if each}.values():
        yield department(context, name)
    if now:
        yield ward(context, now, bed_type)
    if before and (not now or folded(before) != folded(now)):
        yield ward(context, before, None)
