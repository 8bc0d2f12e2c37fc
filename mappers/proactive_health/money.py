"""Policies, bills, what insurers answered, and payments. No sum is computed, no currency guessed.

https://hl7.org/fhir/R4/coverage.html, claim.html, claimresponse.html, invoice.html, paymentreconciliation.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from his_adapters.base import Record
from his_adapters.proactive_health.records import Billed, PaymentRow, Policy, PolicyRow
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import (
    absent,
    absent_coding,
    chosen,
    coded,
    coding,
    extension,
    identifier,
    money,
    reference,
    resource,
    same_row,
)
from mappers.fhir.hospital import insurer, insurer_reference
from mappers.proactive_health.people import patient_reference
from mappers.proactive_health.stays import encounter_reference
from mappers.proactive_health.words import date_time, folded, hospital_reference, positive, status_code
from mappers.terminology import table

_CLAIM_TYPES = "http://terminology.hl7.org/CodeSystem/claim-type"
_ADJUDICATIONS = "http://terminology.hl7.org/CodeSystem/adjudication"
_PAYMENT_TYPES = "http://terminology.hl7.org/CodeSystem/payment-type"
_KINDS = {"BILL": "institutional", "MDBL": "pharmacy"}
_STREAMS = {"rg": "BILL", "md": "MDBL"}
"""By BTYPE_CD."""
_STATUS_CODES = {
    "0": "insurance covered 100%",
    "1": "insurance covered 80%",
    "2": "insurance covered 50%",
    "3": "insurance denied",
    "4": "insurance denied",
    "5": "pending insurance review",
    "6": "write-off",
}
_PERCENT = re.compile(r"insurance covered (\d{1,3})%")


def to_coverage(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A policy. R4 has no `expired`: the period says so."""
    row: PolicyRow = record.data
    status, extensions = status_code("coverage_status", row.istat_des)
    if status is None:
        report.add("defaulted", "Coverage.status", "the store states no status that the table knows: active by default")
    made = resource(context, "Coverage", "INSR", record.key, tags=[] if status else ["defaulted"])
    if row.con_no:
        extensions.append(extension("insurer-contact", valueContactPoint={"system": "phone", "value": row.con_no}))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "INSR", row.pol_no, "SN")]
    made["status"] = status or "active"
    if row.itype_des:
        made["type"] = coded(row.itype_des, table("coverage_type").coding(row.itype_des))
    made["subscriberId"] = row.pol_no
    made["beneficiary"] = patient_reference(context, row.pat_id)
    start, end = row.pol_st, row.pol_ed
    if start and end and end < start:
        report.add("contradiction", "Coverage.period.end", "the end is before the start: left out")
        end = None
    made |= chosen(period=chosen(start=start and start.isoformat(), end=end and end.isoformat()))
    made["payor"] = [insurer_reference(context, row.com_name) if row.com_name else absent()]
    yield made


def to_insurer(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """The insurer of a policy."""
    row: PolicyRow = record.data
    if row.com_name:
        yield _insurer(context, row.com_name)


@lru_cache(maxsize=1024)
def _insurer(context: MappingContext, name: str) -> Resource:
    """Half a million policies name a few insurers."""
    return insurer(context, name)


def to_invoice(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Every bill is an Invoice; what its insurer decided is in the native word."""
    row = record.data.row
    status, extensions = status_code("invoice_status", row.bstat_des)
    if status is None:
        report.add("defaulted", "Invoice.status", "the store states no status that the table knows: issued by default")
    made = resource(context, "Invoice", record.stream, record.key, tags=[] if status else ["defaulted"])
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, record.stream, row.refr_no)]
    made["status"] = status or "issued"
    if row.btype_cd:
        made["type"] = {"text": row.btype_cd}
    made["subject"] = patient_reference(context, row.pat_id)
    if row.bill_date:
        made["date"] = date_time(context, row.bill_date)
    made["issuer"] = hospital_reference(context)
    made["totalGross"] = money(row.bill_amt, context.currency)
    yield made


def to_claim(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """A bill that an insurer had to do with is a Claim; what was answered, a ClaimResponse. A write-off is neither."""
    told: Billed = record.data
    row = told.row
    status = folded(row.bstat_des) if row.bstat_des else ""
    if status and row.bstat_cd in _STATUS_CODES and _STATUS_CODES[row.bstat_cd] != status:
        report.add("contradiction", "Claim", "the code means another status than the word: the word counts")
    if told.is_contradicted:
        report.add("contradiction", "Claim.item.encounter", "the visits of this number are other patients'")
    outcome = table("remittance_outcome").code(status)
    if outcome is None:
        return
    kind = coded(None, coding(_CLAIM_TYPES, _KINDS[record.stream], _KINDS[record.stream].capitalize()))
    policy = told.policies[0] if len(told.policies) == 1 else None
    yield _claim(record, context, kind, policy, report)
    made = resource(context, "ClaimResponse", record.stream, record.key)
    made["status"] = "active"
    made["type"] = kind
    made["use"] = "claim"
    made["patient"] = patient_reference(context, row.pat_id)
    made["_created"] = absent()
    made["insurer"] = insurer_reference(context, policy.com_name) if policy and policy.com_name else absent()
    made["request"] = same_row(context, "Claim", record.stream, record.key)
    made["outcome"] = outcome
    made["disposition"] = row.bstat_des
    if percent := _PERCENT.fullmatch(status):
        category = coded(None, coding(_ADJUDICATIONS, "eligpercent", "Eligible %"))
        made["adjudication"] = [{"category": category, "value": Decimal(percent[1])}]
    yield made


def _claim(
    record: Record, context: MappingContext, kind: dict[str, Any], policy: Policy | None, report: MappingReport
) -> Resource:
    told: Billed = record.data
    row = told.row
    made = resource(context, "Claim", record.stream, record.key)
    made["identifier"] = [identifier(context, record.stream, row.refr_no)]
    made["status"] = "active"
    made["type"] = kind
    made["use"] = "claim"
    made["patient"] = patient_reference(context, row.pat_id)
    if row.bill_date:
        made["created"] = date_time(context, row.bill_date)
    else:
        made["_created"] = absent()
    made["provider"] = hospital_reference(context)
    made["priority"] = {"coding": [absent_coding()]}
    made["insurance"] = [{"sequence": 1, "focal": True, "coverage": _coverage(told, context, policy)}]
    item: dict[str, Any] = {"sequence": 1, "productOrService": {"text": "Hospital charges, not itemised"}}
    if told.visit:
        item["encounter"] = [encounter_reference(context, told.visit)]
    made["item"] = [item]
    made["total"] = money(row.bill_amt, context.currency)
    return made


def _coverage(told: Billed, context: MappingContext, policy: Policy | None) -> dict[str, Any]:
    """The one policy that was active on the visit's day: the store does not say which one was claimed on."""
    if policy:
        return reference(context, "Coverage", "INSR", (policy.pol_no, told.row.pat_id), display=policy.com_name)
    return {**absent(), "display": "not recorded"}


def to_payment(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """One instalment of a bill. R4 has no element for how it was paid."""
    row: PaymentRow = record.data
    status, extensions = status_code("payment_status", row.pstat_des)
    if status is None:
        report.add("defaulted", "PaymentReconciliation.status", "no status that the table knows: draft by default")
    made = resource(context, "PaymentReconciliation", "PMNT", record.key, tags=[] if status else ["defaulted"])
    if row.meth_des:
        extensions.append(extension("payment-method", valueString=row.meth_des))
    for name, number in (("instalment", positive(row.pmnt_no)), ("instalments", positive(row.pmnt_tms))):
        if number:
            extensions.append(extension(name, valuePositiveInt=number))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "PMNT", "/".join(record.key))]
    made["status"] = status or "draft"
    if row.pmnt_date:
        made["created"] = made["paymentDate"] = row.pmnt_date.isoformat()
    else:
        made["_created"], made["_paymentDate"] = absent(), absent()
    made["paymentAmount"] = money(row.pmnt_amt, context.currency)
    if row.pmnt_if:
        made["paymentIdentifier"] = identifier(context, "PMNT.PMNT_IF", row.pmnt_if)
    detail: dict[str, Any] = {"type": coded(None, coding(_PAYMENT_TYPES, "payment", "Payment"))}
    if stream := _STREAMS.get(folded(row.btype_cd)):
        detail["request"] = reference(context, "Invoice", stream, (row.refr_no, row.pat_id))
    made["detail"] = [detail]
    yield made
