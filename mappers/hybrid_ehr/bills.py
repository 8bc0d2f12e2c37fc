"""Hybrid EHR's bills: Invoice, ChargeItem, and a Claim where the method of payment asserts insurance.

https://hl7.org/fhir/R4/invoice.html, chargeitem.html, claim.html
"""

from __future__ import annotations

from collections.abc import Iterator

from his_adapters.base import Record
from his_adapters.hybrid_ehr.records import BillRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import chosen, text
from mappers.fhir.local_time import date_time
from mappers.fhir.money import Bill, Charge, charge_item, claim, invoice
from mappers.hybrid_ehr.references import patient_of, visit_of
from mappers.terminology import folded

_CHARGE = Charge("visit", text("Encounter charge"))
_UNKNOWN_POLICY = {"type": "Coverage", "display": "Insurance (policy not recorded)"}
_STATUS = {True: "paid", False: "unpaid", None: None}


def to_bill(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Every bill is an Invoice with its ChargeItem; one that insurance pays is a Claim too."""
    row: BillRow = record.data
    if row.amount <= 0:
        report.add("implausible", "amount", "a bill over nothing or less than nothing")
    bill = Bill(
        stream="billing",
        key=row.bill_id,
        patient=patient_of(context, row.patient_id),
        status=_STATUS[row.paid],
        billed=None,
        charges=(_CHARGE,),
        currency=context.currency,
        payment_method=row.method,
        total_gross=row.amount,
    )
    billed = date_time(row.billed_at, context, report, "billed_at")
    visit = visit_of(context, row.record_id)
    yield {**charge_item(context, bill, _CHARGE), "context": visit, **chosen(enteredDate=billed)}
    yield {**invoice(context, report, bill), **chosen(date=billed)}
    if row.method and folded(row.method) == "insurance":
        report.add("defaulted", "Claim.type", "the store does not say what kind of claim it is: institutional")
        made = claim(context, report, bill, kind="institutional", insurance=_UNKNOWN_POLICY, total=row.amount)
        made["item"][0]["encounter"] = [visit]
        if billed:
            del made["_created"]
            made["created"] = billed
        yield made
