"""HIS_A's rows in its own words, and under which spellings its columns are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from his_adapters.native_fields import WordOrAmount
from his_adapters.tabular import Dataset


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One stay of one patient: the row has no admission date."""

    patient_id: str
    first_name: str | None
    last_name: str | None
    dob: date | None
    gender: str | None
    blood_group: str | None
    height_cm: Decimal | None
    weight_kg: Decimal | None
    country: str | None
    state: str | None
    city: str | None
    postal_code: str | None
    phone: str | None
    email: str | None
    emergency_contact_name: str | None
    emergency_contact_relation: str | None
    emergency_contact_phone: str | None
    insurance_id: str | None
    insurance_provider: str | None
    primary_physician: str | None
    medical_history: str | None
    disease: str | None
    patient_status: str | None
    severity: str | None
    department_admitted: str | None
    current_department: str | None
    bed_type: str | None


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One member of staff."""

    staff_id: str
    first_name: str | None
    last_name: str | None
    dob: date | None
    gender: str | None
    department: str | None
    role: str | None
    experience_years: int | None
    qualification: str | None
    joining_date: date | None
    shift_timing: str | None
    phone: str | None
    email: str | None
    address: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    state: str | None
    country: str | None
    postal_code: str | None


@dataclass(frozen=True, slots=True)
class FinanceRow:
    """One bill."""

    transaction_id: str
    patient_id: str
    billing_date: date | None
    due_date: date | None
    amount: Decimal
    currency: str | None
    payment_type: str | None
    insurance_covered: Annotated[str | None, WordOrAmount(allow_none=True)]
    """`Yes` or `No`, or the amount that is covered."""
    insurance_id: str | None
    insurance_provider: str | None
    service_code: str | None
    service_description: str | None
    department: str | None
    staff_id: str | None
    discount_applied: Decimal | None
    net_amount: Decimal | None
    tax: Decimal | None
    total_amount: Decimal | None
    status: str | None
    receipt_number: str | None
    remarks: str | None


DATASETS = (
    Dataset("staff", "staff_id", StaffRow, {"designation": "role", "work_shift": "shift_timing"}),
    Dataset("patients", "patient_id", PatientRow),
    Dataset(
        "finance",
        "transaction_id",
        FinanceRow,
        {"payment_method": "payment_type", "insurance_claimed": "insurance_covered", "payment_status": "status"},
        strict=frozenset({"discount_applied", "net_amount", "tax", "total_amount"}),
    ),
)
"""Those that others refer to come first."""
