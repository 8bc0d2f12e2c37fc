"""Coverage, Claim, Invoice and ChargeItem as the bills state them: no sum is computed, no currency guessed.

https://hl7.org/fhir/R4/claim.html, invoice.html, chargeitem.html, coverage.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.elements import (
    absent,
    coded,
    coding,
    extension,
    identifier,
    money,
    reference,
    resource,
    same_row,
)
from mappers.fhir.hospital import hospital_reference, insurer_reference
from mappers.terminology import folded, table

_CLAIM_TYPES = "http://terminology.hl7.org/CodeSystem/claim-type"
_PRIORITIES = "http://terminology.hl7.org/CodeSystem/processpriority"
_CLAIM_INFORMATION = "claimed-amount"


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a price: base, surcharge, discount or tax, in the words of the bill."""

    kind: str
    amount: Decimal
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of a bill."""

    role: str
    """What tells the line apart within the bill; part of the ChargeItem's id."""
    code: dict[str, Any]
    """A CodeableConcept."""
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class Bill:
    """What every store's bill has, in one shape."""

    stream: str
    key: str
    patient: dict[str, Any]
    """A reference."""
    status: str | None
    billed: date | None
    charges: Sequence[Charge]
    currency: str | None = None
    due: date | None = None
    staff: dict[str, Any] | None = None
    payment_method: str | None = None
    remarks: str | None = None
    total_net: Decimal | None = None
    total_gross: Decimal | None = None
    taxes: tuple[Component, ...] = ()
    other_identifiers: tuple[dict[str, Any], ...] = ()


def coverage(
    context: MappingContext,
    report: MappingReport,
    stream: str,
    key: tuple[str, ...],
    *,
    policy: str | None,
    provider: str | None,
    beneficiary: dict[str, Any],
) -> Resource | None:
    """A policy. Active by default: the stores have no dates. None when neither number nor insurer is known."""
    if not policy and not provider:
        return None
    report.add("defaulted", "Coverage.status", "the store states no dates: active by default")
    made = resource(context, "Coverage", stream, key, tags=["defaulted"])
    if policy:
        made["identifier"] = [identifier(context, "policies", policy, "SN")]
    made["status"] = "active"
    if policy:
        made["subscriberId"] = policy
    made["beneficiary"] = beneficiary
    made["payor"] = [insurer_reference(context, provider) if provider else absent()]
    return made


def charge_item(context: MappingContext, bill: Bill, charge: Charge) -> Resource:
    """A line of a bill as a ChargeItem."""
    made = resource(context, "ChargeItem", bill.stream, (bill.key,), charge.role)
    made["identifier"] = [identifier(context, bill.stream, bill.key)]
    made["status"] = "billed"
    made["code"] = charge.code
    made["subject"] = bill.patient
    if bill.staff:
        made["performer"] = [{"actor": bill.staff}]
    made["performingOrganization"] = hospital_reference(context)
    if bill.billed:
        made["enteredDate"] = bill.billed.isoformat()
    return made


def invoice(context: MappingContext, report: MappingReport, bill: Bill) -> Resource:
    """The bill as an Invoice; R4's five statuses cannot say `Partial` or `Overdue`, so the native word is kept."""
    known = table("invoice_status").all(bill.status)
    tags = []
    if not known:
        tags.append("defaulted")
        report.add("defaulted", "Invoice.status", "the store states no status that the table knows: issued by default")
    if bill.due and bill.billed and bill.due < bill.billed:
        tags.append("dq-date-order")
        report.add("contradiction", "Invoice.paymentTerms", "the due date is before the billing date")
    made = resource(context, "Invoice", bill.stream, (bill.key,), tags=tags)
    extensions = []
    if bill.payment_method:
        extensions.append(extension("payment-method", valueString=bill.payment_method))
    if bill.status and (not known or known[0].trust != "stated"):
        extensions.append(extension("native-status", valueString=bill.status))
    if extensions:
        made["extension"] = extensions
    made["identifier"] = [identifier(context, bill.stream, bill.key), *bill.other_identifiers]
    made["status"] = known[0].code if known else "issued"
    made["subject"] = bill.patient
    if bill.billed:
        made["date"] = bill.billed.isoformat()
    if bill.staff:
        made["participant"] = [{"actor": bill.staff}]
    made["issuer"] = hospital_reference(context)
    made["lineItem"] = [
        {
            "sequence": sequence,
            "chargeItemReference": same_row(context, "ChargeItem", bill.stream, (bill.key,), charge.role),
            **_prices("priceComponent", charge.components, bill.currency),
        }
        for sequence, charge in enumerate(bill.charges, 1)
    ]
    made |= _prices("totalPriceComponent", bill.taxes, bill.currency)
    if bill.total_net is not None:
        made["totalNet"] = money(bill.total_net, bill.currency)
    if bill.total_gross is not None:
        made["totalGross"] = money(bill.total_gross, bill.currency)
    if bill.due:
        made["paymentTerms"] = f"due {bill.due.isoformat()}"
    if bill.remarks:
        made["note"] = [{"text": bill.remarks}]
    return made


def _prices(element: str, components: Sequence[Component], currency: str | None) -> dict[str, Any]:
    made = []
    for each in components:
        price: dict[str, Any] = {"type": each.kind}
        if each.words:
            price["code"] = {"text": each.words}
        price["amount"] = money(each.amount, currency)
        made.append(price)
    return {element: made} if made else {}


def claim(
    context: MappingContext,
    report: MappingReport,
    bill: Bill,
    *,
    kind: str,
    insurance: dict[str, Any],
    total: Decimal | None,
    claimed: Decimal | None = None,
    identifiers: Sequence[dict[str, Any]] = (),
) -> Resource:
    """The claim that a bill asserts. `insurance` is a reference to a Coverage; `claimed` a part of the total."""
    report.add("defaulted", "Claim.priority", "the store states no priority: normal by default")
    tags = ["defaulted"]
    if claimed is not None and total is not None and claimed > total:
        tags.append("dq-claim-exceeds-charges")
        report.add("contradiction", "Claim.total", "the claimed amount exceeds the charges")
    made = resource(context, "Claim", bill.stream, (bill.key,), tags=tags)
    made["identifier"] = [identifier(context, bill.stream, bill.key), *identifiers]
    made["status"] = "active"
    made["type"] = coded(None, coding(_CLAIM_TYPES, kind, kind.capitalize()))
    made["use"] = "claim"
    made["patient"] = bill.patient
    if bill.billed:
        made["created"] = bill.billed.isoformat()
    else:
        made["_created"] = absent()
    made["provider"] = hospital_reference(context)
    made["priority"] = coded(None, coding(_PRIORITIES, "normal", "Normal"))
    if claimed is not None:
        made["supportingInfo"] = [
            {"sequence": 1, "category": {"text": _CLAIM_INFORMATION}, "valueQuantity": {"value": claimed}}
        ]
    made["insurance"] = [{"sequence": 1, "focal": True, "coverage": insurance}]
    made["item"] = [_claim_item(sequence, charge, bill.currency) for sequence, charge in enumerate(bill.charges, 1)]
    if total is not None:
        made["total"] = money(total, bill.currency)
    return made


def _claim_item(sequence: int, charge: Charge, currency: str | None) -> dict[str, Any]:
    item: dict[str, Any] = {"sequence": sequence, "productOrService": charge.code}
    if base := next((each for each in charge.components if each.kind in {"base", "surcharge"}), None):
        item["unitPrice"] = money(base.amount, currency)
    return item


def coverage_of_patient(context: MappingContext, stream: str, key: tuple[str, ...]) -> dict[str, Any]:
    """A reference to the policy in the patient's own row: for bills that assert insurance and name no policy."""
    return reference(context, "Coverage", stream, key, display="the patient's policy")


def covered(word: str | None) -> tuple[bool, Decimal | None]:
    """Whether a cell asserts insurance, and the amount where the cell holds one (`Yes`, `No`, `1250.00`)."""
    if word is None:
        return False, None
    if table("yes_no").code(word) == "Y":
        return True, None
    try:
        amount = Decimal(folded(word))
    except ArithmeticError:
        return False, None
    if not amount.is_finite() or amount <= 0:
        return False, None
    return True, (amount if amount > 1 else None)
