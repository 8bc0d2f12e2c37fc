"""What Chirona charges and is paid: Invoice, ChargeItem, PaymentReconciliation. No insurance, so no Claim.

No sum is computed into a resource; a payment proves no balance, for it has no amount.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from his_adapters.base import Record
from his_adapters.chirona.records import (
    Charged,
    InvoiceRow,
    MedicalTestInvoiceRow,
    PaymentRow,
    TreatmentInvoiceRow,
)
from mappers.base import MappingContext, MappingReport, Resource
from mappers.chirona.references import patient_of, practitioner_of, same_word, subject_of
from mappers.fhir.clinical import sensitivity
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
)
from mappers.fhir.hospital import hospital_reference
from mappers.fhir.local_time import date_time
from mappers.terminology import table

_PAYMENT_TYPES = "http://terminology.hl7.org/CodeSystem/payment-type"


def to_charged_test(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """One test on one invoice."""
    row: MedicalTestInvoiceRow = record.data
    service = None
    if same_word(row.test_status, "Completed"):
        service = reference(context, "DiagnosticReport", "medicaltest", (row.test_id,))
    made = _charge_item(record, context, report, row, row.test_type, service)
    made["code"] = _code(row.test_type, table("diagnostic_test").coding(row.test_type))
    yield made


def to_charged_treatment(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """One treatment on one invoice."""
    row: TreatmentInvoiceRow = record.data
    service = reference(context, "Procedure", "treatment", (row.treatment_id,))
    made = _charge_item(record, context, report, row, row.treatment_procedure, service)
    made["code"] = _code(row.treatment_procedure)
    yield made


def _charge_item(
    record: Record,
    context: MappingContext,
    report: MappingReport,
    row: MedicalTestInvoiceRow | TreatmentInvoiceRow,
    what: str | None,
    service: dict[str, Any] | None,
) -> Resource:
    if row.is_repeated:
        report.add("contradiction", "invoice_no", "another invoice charges the same")
    if what is None:
        report.add("orphan", "code", "what is charged is in no table")
    elif row.patient_id and row.invoice_patient_id and row.invoice_patient_id != row.patient_id:
        report.add("contradiction", "patient_id", "the invoice is another patient's than what it charges")
    made = resource(context, "ChargeItem", record.stream, record.key, security=sensitivity(what))
    made["identifier"] = [identifier(context, record.stream, "/".join(record.key))]
    made["status"] = "billed"
    made["subject"] = subject_of(context, report, row.patient_id)
    made["performingOrganization"] = hospital_reference(context)
    return made | chosen(service=[service] if service else None)


def _code(words: str | None, *codings: dict[str, str] | None) -> dict[str, Any]:
    return coded(words, *codings) if words else coded(None, absent_coding())


def to_invoice(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """An invoice, issued by default: the store has no status for it."""
    row: InvoiceRow = record.data
    report.add("defaulted", "Invoice.status", "the store states no status: issued by default")
    if row.amount + row.tax != row.total_amount:
        report.add("contradiction", "total_amount", "the total is not the amount and the tax")
    tests, treatments = row.tests or (), row.treatments or ()
    _compare(row.amount, [*tests, *treatments], report)
    made = resource(context, "Invoice", "invoice", record.key, tags=["defaulted"])
    made["identifier"] = [identifier(context, "invoice", row.invoice_no)]
    made["status"] = "issued"
    made |= chosen(
        subject=patient_of(context, row.patient_id),
        date=date_time(row.date_generated, context, report, "Invoice.date"),
    )
    if author := practitioner_of(context, row.generated_by):
        made["participant"] = [{"actor": author}]
    made["issuer"] = hospital_reference(context)
    charged = [("medicaltestinvoice", each) for each in tests] + [("treatmentinvoice", each) for each in treatments]
    made |= chosen(
        lineItem=[
            _line(sequence, stream, row.invoice_no, each, context)
            for sequence, (stream, each) in enumerate(charged, start=1)
        ]
    )
    made["totalPriceComponent"] = [{"type": "tax", "amount": money(row.tax, context.currency)}]
    made["totalNet"] = money(row.amount, context.currency)
    made["totalGross"] = money(row.total_amount, context.currency)
    yield made


def _compare(amount: Decimal, charged: Sequence[Charged], report: MappingReport) -> None:
    """Say when the parts are known and are not the whole."""
    costs = [each.cost for each in charged if each.cost is not None]
    if costs and len(costs) == len(charged) and sum(costs) != amount:
        report.add("contradiction", "amount", "what the tests and treatments cost is not the invoice's amount")


def _line(sequence: int, stream: str, invoice: str, charged: Charged, context: MappingContext) -> dict[str, Any]:
    made: dict[str, Any] = {"sequence": sequence}
    made["chargeItemReference"] = reference(context, "ChargeItem", stream, (invoice, charged.key))
    if charged.cost is not None:
        made["priceComponent"] = [{"type": "base", "amount": money(charged.cost, context.currency)}]
    return made


def to_payment(record: Record, context: MappingContext, report: MappingReport) -> Iterator[Resource]:
    """That something was paid, when and how. The store does not say how much; R4 has no element for payer or method."""
    row: PaymentRow = record.data
    report.add("defaulted", "PaymentReconciliation.status", "the store states no status: active by default")
    if row.paid_by and row.invoice_patient_id and row.paid_by != row.invoice_patient_id:
        report.add("contradiction", "paid_by", "the payer is another patient than the invoice's")
    made = resource(context, "PaymentReconciliation", "payment", record.key, tags=["defaulted"])
    extensions = []
    if row.payment_method:
        extensions.append(extension("payment-method", valueString=row.payment_method))
    if payer := patient_of(context, row.paid_by):
        extensions.append(extension("paid-by", valueReference=payer))
    made |= chosen(extension=extensions)
    made["identifier"] = [identifier(context, "payment", row.payment_id)]
    made["status"] = "active"
    paid = row.payment_date
    created = date_time(paid, context, report, "PaymentReconciliation.created")
    if created and paid:
        made["created"] = created
        made["paymentDate"] = (paid.date() if isinstance(paid, datetime) else paid).isoformat()
    else:
        made |= {"_created": absent(), "_paymentDate": absent()}
    made["paymentAmount"] = absent()
    if row.invoice_no:
        request = reference(context, "Invoice", "invoice", (row.invoice_no,))
        kind = coded(None, coding(_PAYMENT_TYPES, "payment", "Payment"))
        made["detail"] = [{"type": kind, "request": request}]
    yield made
