"""Equipment, vendors and deliveries. https://hl7.org/fhir/R4/device.html, supplydelivery.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from his_adapters.base import Record
from his_adapters.proactive_health.records import DeviceRow, Supplied, VendorRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import chosen, coded, extension, identifier, reference, resource, telecom
from mappers.proactive_health.people import staff_reference
from mappers.proactive_health.words import folded, hospital_reference, native_status, status_code

_MATERIALS = {"MDCN": "Medication", "EQPM": "Device"}
_ACTIVE = {"active": True, "inactive": False, "terminated": False}


def to_device(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A piece of equipment."""
    row: DeviceRow = record.data
    made = resource(context, "Device", "EQPM", record.key)
    status, extensions = status_code("device_status", row.estat_des)
    for word in (row.eqp_cat_1, row.eqp_cat_2, row.eqp_cat_3):
        if word:
            extensions.append(extension("device-category", valueString=word))
    if row.strg_loc:
        extensions.append(extension("storage-place", valueString=row.strg_loc))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "EQPM", row.eqp_id)]
    made |= chosen(status=status)
    if row.eqp_name:
        made["deviceName"] = [{"name": row.eqp_name, "type": "user-friendly-name"}]
    made |= chosen(modelNumber=row.modl_no, type=coded(row.type_des))
    made["owner"] = hospital_reference(context)
    yield made


def to_vendor(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A vendor."""
    row: VendorRow = record.data
    made = resource(context, "Organization", "VNDR", record.key)
    active = _ACTIVE.get(folded(row.vstat_des)) if row.vstat_des else None
    if row.vstat_des and folded(row.vstat_des) not in {"active", "inactive"}:
        made["extension"] = [native_status(row.vstat_des)]
    made["identifier"] = [identifier(context, "VNDR", row.ven_acc)]
    if row.lcns_no:
        made["identifier"].append(identifier(context, "VNDR.LCNS_NO", row.lcns_no))
    if active is not None:
        made["active"] = active
    if row.ven_type:
        made["type"] = [{"text": row.ven_type}]
    made |= chosen(name=row.ven_name, telecom=telecom(row.ctry_con_no))
    if row.ctry_name:
        made["address"] = [{"country": row.ctry_name}]
    yield made


def to_delivery(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A delivery of a medicine or a device."""
    told: Supplied = record.data
    row = told.row
    made = resource(context, "SupplyDelivery", "SPLY", record.key)
    if row.btch_no:
        made["extension"] = [extension("batch-number", valueString=row.btch_no)]
    made["identifier"] = [identifier(context, "SPLY", row.spl_id)]
    if row.rcvd_date:
        made["status"] = "completed"
    item: dict[str, Any] = {}
    amount = row.spl_qty if row.rcvd_qty is None else row.rcvd_qty
    if amount is not None:
        item["quantity"] = chosen(value=amount, unit=row.spl_uom)
    if row.mat_sku and told.material:
        item["itemReference"] = reference(context, _MATERIALS[told.material], told.material, (row.mat_sku,))
    elif row.mat_sku:
        report.add("orphan", "SupplyDelivery.suppliedItem.item", "no medicine and no device has this id")
        item["itemCodeableConcept"] = {"text": row.mat_sku}
    made |= chosen(suppliedItem=item)
    if row.rcvd_date:
        made["occurrenceDateTime"] = row.rcvd_date.isoformat()
    if row.ven_acc:
        made["supplier"] = reference(context, "Organization", "VNDR", (row.ven_acc,))
    if row.whs_loc:
        made["destination"] = {"display": row.whs_loc}
    if row.rcvd_stf:
        made["receiver"] = [staff_reference(context, row.rcvd_stf)]
    yield made
