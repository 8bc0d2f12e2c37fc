"""What the simulated hospital charges and what is paid: invoices, their two link tables, payments. Knows no store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from his_adapters.chirona.hospital_staff import Sizes
from his_adapters.error_rates import Dice
from his_adapters.households import TODAY

METHODS = ("Cash", "Credit Card", "Transfer", "Cheque", "Debit Card")
_NOON = datetime.combine(TODAY, time(12))
_TAX_PERCENT = 5
_KEY = 10
_MOST_TAX = 99_999
_MOST_AMOUNT = 9_000_000

Rows = Iterator[tuple[str, dict[str, Any]]]


class Accounts:
    """Rows of Invoice, MedicalTestInvoice, TreatmentInvoice and Payment. Cents are counted as whole numbers."""

    def __init__(self, size: Sizes, rng: Random, dice: Dice) -> None:
        self._rng, self._dice = rng, dice
        self._admins = size.of_role("Admin")
        self._invoices = self._payments = 0
        self._payer: str | None = None
        """The patient before."""

    def of_patient(self, patient: str, care: Sequence[tuple[str, dict[str, Any]]]) -> Rows:
        """Every other one is charged for what was done, some in two invoices."""
        tests = [row for table, row in care if table == "medicaltest" and row["test_status"] == "Completed"]
        treatments = [row for table, row in care if table == "treatment"]
        if (tests or treatments) and self._rng.random() < 0.8:
            yield from self._invoice(patient, tests, treatments)
            if treatments and self._dice.hit("charged_twice"):
                yield from self._invoice(patient, [], treatments[:1])
        self._payer = patient

    def _invoice(self, patient: str, tests: list[dict[str, Any]], treatments: list[dict[str, Any]]) -> Rows:
        rng, hit = self._rng, self._dice.hit
        self._invoices += 1
        number = f"{f'INV{self._invoices:06d}':<{_KEY}}"
        on = _NOON - timedelta(minutes=rng.randrange(500_000))
        cents = sum(round((row["test_cost"] or 0) * 100) for row in tests)
        cents = min(cents + sum(round(row["treatment_cost"] * 100) for row in treatments), _MOST_AMOUNT)
        if hit("sum_differs"):
            cents += rng.randrange(1, 10_000)
        tax = min(cents * _TAX_PERCENT // 100, _MOST_TAX)
        yield (
            "invoice",
            {
                "invoice_no": number,
                "date_generated": on.isoformat(" "),
                "generated_by": None if hit("null_reference") else rng.choice(self._admins),
                "patient_id": None if hit("null_reference") else patient,
                "amount": cents / 100,
                "tax": tax / 100,
                "total_amount": (cents + tax) / 100,
            },
        )
        for row in tests:
            yield "medicaltestinvoice", {"invoice_no": number, "test_id": row["test_id"]}
        for row in treatments:
            yield "treatmentinvoice", {"invoice_no": number, "treatment_id": row["treatment_id"]}
        if rng.random() < 0.8:
            for _ in range(rng.randrange(2, 4) if hit("paid_in_parts") else 1):
                yield "payment", self._payment(patient, number, on)

    def _payment(self, patient: str, invoice: str, on: datetime) -> dict[str, Any]:
        rng, hit = self._rng, self._dice.hit
        self._payments += 1
        payer = self._payer if self._payer and hit("paid_by_another") else patient
        return {
            "payment_id": self._payments,
            "payment_date": None if rng.random() < 0.03 else (on + timedelta(hours=rng.randrange(500))).isoformat(" "),
            "paid_by": None if hit("null_reference") else payer,
            "invoice_no": None if hit("null_reference") else invoice,
            "payment_method": None if rng.random() < 0.03 else rng.choice(METHODS),
        }
