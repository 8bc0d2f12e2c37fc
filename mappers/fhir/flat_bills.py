"""Bills of one service in one row, as HIS_A's and HIS_B's kind of hospital keep them: Invoice, ChargeItem, maybe Claim.

Sums are the store's own: nothing is added up here. https://hl7.org/fhir/R4/invoice.html, claim.html
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Protocol

from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.clinical import stated
from mappers.fhir.definitions import required_codes
from mappers.fhir.elements import coded, identifier, reference, same_row, system_of, text
from mappers.fhir.money import (
    Bill,
    Charge,
    Component,
    charge_item,
    claim,
    coverage,
    coverage_of_patient,
    covered,
    invoice,
)


class FlatBill(Protocol):
    """What such a row says; the fields are the stores' own words."""

    @property
    def transaction_id(self) -> str: ...
    @property
    def patient_id(self) -> str: ...
    @property
    def billing_date(self) -> date | None: ...
    @property
    def due_date(self) -> date | None: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def payment_type(self) -> str | None: ...
    @property
    def insurance_covered(self) -> str | None: ...
    @property
    def insurance_id(self) -> str | None: ...
    @property
    def insurance_provider(self) -> str | None: ...
    @property
    def service_code(self) -> str | None: ...
    @property
    def service_description(self) -> str | None: ...
    @property
    def staff_id(self) -> str | None: ...
    @property
    def discount_applied(self) -> Decimal | None: ...
    @property
    def net_amount(self) -> Decimal | None: ...
    @property
    def tax(self) -> Decimal | None: ...
    @property
    def total_amount(self) -> Decimal | None: ...
    @property
    def status(self) -> str | None: ...
    @property
    def receipt_number(self) -> str | None: ...
    @property
    def remarks(self) -> str | None: ...


def resources_of_bill(row: FlatBill, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """Every bill is an Invoice with its ChargeItem; one that asserts insurance is a Claim with its policy too."""
    key = (row.transaction_id,)
    bill = _bill(row, context, report)
    yield charge_item(context, bill, bill.charges[0])
    yield invoice(context, report, bill)
    insured, amount = covered(row.insurance_covered)
    if not insured:
        return
    policy = coverage(
        context,
        report,
        "finance",
        key,
        policy=stated(row.insurance_id),
        provider=stated(row.insurance_provider),
        beneficiary=bill.patient,
    )
    if policy:
        yield policy
        insurance = same_row(context, "Coverage", "finance", key)
    else:
        insurance = coverage_of_patient(context, "patients", (row.patient_id,))
    total = row.total_amount if row.total_amount is not None else row.amount
    yield claim(context, report, bill, kind="institutional", insurance=insurance, total=total, claimed=amount)


def _bill(row: FlatBill, context: MappingContext, report: MappingReport) -> Bill:
    service = stated(row.service_description)
    local = {"system": system_of(context, "services"), "code": row.service_code} if row.service_code else None
    code = coded(service, local) if service or local else text("Hospital service, not specified")
    return Bill(
        stream="finance",
        key=row.transaction_id,
        patient=reference(context, "Patient", "patients", (row.patient_id,)),
        status=row.status,
        billed=row.billing_date,
        due=row.due_date,
        charges=[Charge("service", code, tuple(_components(row)))],
        currency=_currency(row, context, report),
        staff=reference(context, "Practitioner", "staff", (row.staff_id,)) if row.staff_id else None,
        payment_method=row.payment_type,
        remarks=row.remarks,
        total_net=row.net_amount,
        total_gross=row.total_amount,
        other_identifiers=(identifier(context, "receipts", row.receipt_number),) if row.receipt_number else (),
    )


def _components(row: FlatBill) -> Iterator[Component]:
    yield Component("base", row.amount)
    if row.net_amount is not None and row.net_amount < row.amount:
        yield Component("discount", row.amount - row.net_amount)
    elif row.net_amount is None and row.discount_applied is not None and row.discount_applied > 0:
        yield Component("discount", row.discount_applied, "as recorded, amount or percent")
    if row.tax is not None:
        yield Component("tax", row.tax)


def _currency(row: FlatBill, context: MappingContext, report: MappingReport) -> str | None:
    if not row.currency:
        return context.currency
    if row.currency in required_codes("Money.currency"):
        return row.currency
    report.add("dropped", "currency", "not a currency code of ISO 4217")
    return None
