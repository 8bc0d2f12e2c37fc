"""HIS_B's objects in its own words, and under which paths their parts are found in either spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from marshmallow import ValidationError, fields

from his_adapters.native_fields import WordOrAmount, cleaned, refuse
from his_adapters.tabular import Dataset

_MOST_WORDS = 50


class Words(fields.Field[tuple[str, ...] | None]):
    """A list of native words, or one word in its place. A broken word is left out and noted; the others are kept."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        if len(listed) > _MOST_WORDS:
            raise refuse("too-long", f"a list of {len(listed)} words; at most {_MOST_WORDS} are read")
        words, broken = [], {}
        for place, each in enumerate(listed):
            try:
                word = cleaned(each)
            except ValidationError as error:
                broken[place] = error.messages
            else:
                words += [word] if word else []
        if broken:
            raise ValidationError(broken, valid_data=tuple(words))  # type: ignore[arg-type]
        return tuple(words)


class Assertion(WordOrAmount):
    """`Yes` or `No`, true or false, or an amount."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, Decimal) and value.is_finite():
            return format(value, "f")
        return super()._deserialize(value, attr, data, **kwargs)


_Words = Annotated[tuple[str, ...] | None, Words(allow_none=True)]


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One stay of one patient: the object has no admission date."""

    patient_id: str
    name: str | None
    """In one text, where an export has no parts."""
    first_name: str | None
    last_name: str | None
    dob: date | None
    gender: str | None
    country: str | None
    state: str | None
    city: str | None
    postal_code: str | None
    phone: str | None
    email: str | None
    emergency_name: str | None
    emergency_relation: str | None
    emergency_phone: str | None
    insurance_id: str | None
    insurance_provider: str | None
    primary_physician: str | None
    blood_group: str | None
    allergies: _Words
    bp: str | None
    """`120/80`."""
    hb: Decimal | None
    """Without a unit."""
    sugar: Decimal | None
    pulse: Decimal | None
    diseases: _Words
    """The seed's list: what the stay is for and what is chronic, not told apart."""
    disease: _Words
    """The original's one word."""
    chronic_conditions: _Words
    patient_status: str | None
    severity: str | None
    department_admitted: str | None
    current_department: str | None
    bed_type: str | None


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One member of staff."""

    staff_id: str
    name: str | None
    first_name: str | None
    last_name: str | None
    dob: date | None
    gender: str | None
    department: str | None
    role: str | None
    qualifications: _Words
    joining_date: date | None
    shift_timing: str | None
    shift_start: str | None
    shift_end: str | None
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
    insurance_covered: Annotated[str | None, Assertion(allow_none=True)]
    """`Yes`, `No`, `true`, `false`, or the amount that is covered."""
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


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """One file: what its objects become, and where in an object each field is looked for, in this order.

    A field that is not named here stands at the top under its own name. `*.amount` is one level down, wherever.
    """

    dataset: Dataset
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _in(branch: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{branch}.{name}" for name in names)


_NAME = {
    "first_name": (*_in("name", "first_name", "first"), "first_name"),
    "last_name": (*_in("name", "last_name", "last"), "last_name"),
}
_REACH = {"phone": ("contact.phone", "phone"), "email": ("contact.email", "email")}
_TOP_OR_DOWN = (
    "patient_id billing_date due_date amount currency service_code service_description department staff_id "
    "discount_applied net_amount tax total_amount receipt_number remarks"
)

FILES = (
    ObjectFile(
        Dataset("staff", "staff_id", StaffRow),
        {
            **_NAME,
            **_REACH,
            "role": ("role", "designation"),
            "qualifications": ("qualifications", "qualification"),
            "shift_timing": ("shift_timing.shift", "work_shift.shift", "shift_timing", "work_shift"),
            "shift_start": ("shift_timing.start", "work_shift.start"),
            "shift_end": ("shift_timing.end", "work_shift.end"),
            "address_line1": _in("address", "line1"),
            "address_line2": _in("address", "line2"),
            **{part: _in("address", part) for part in ("city", "state", "country", "postal_code")},
        },
    ),
    ObjectFile(
        Dataset("patients", "patient_id", PatientRow),
        {
            **_NAME,
            **_REACH,
            **{part: (f"location.{part}", part) for part in ("country", "state", "city", "postal_code")},
            "emergency_name": _in("emergency_person", "name"),
            "emergency_relation": _in("emergency_person", "relation"),
            "emergency_phone": _in("emergency_person", "phone"),
            "insurance_id": ("insurance.id", "insurance.insurance_id", "insurance_id"),
            "insurance_provider": ("insurance.provider", "insurance.insurance_provider", "insurance_provider"),
            "blood_group": ("medical_info.blood_group", "blood_group"),
            "allergies": ("medical_info.allergies", "allergies"),
            "bp": ("medical_info.basic_tests.bp", "medical_info.bp"),
            "hb": ("medical_info.basic_tests.hb", "medical_info.hb"),
            "sugar": ("medical_info.basic_tests.sugar", "medical_info.sugar"),
            "pulse": ("medical_info.basic_tests.pulse", "medical_info.pulse"),
            "diseases": ("medical_info.diseases", "diseases"),
            "disease": ("disease", "medical_info.disease"),
            "chronic_conditions": ("medical_info.chronic_conditions", "chronic_conditions"),
        },
    ),
    ObjectFile(
        Dataset(
            "finance",
            "transaction_id",
            FinanceRow,
            strict=frozenset({"discount_applied", "net_amount", "tax", "total_amount"}),
        ),
        {
            **{name: (name, f"*.{name}") for name in _TOP_OR_DOWN.split()},
            "payment_type": ("payment_type", "payment_method", "*.payment_type", "*.payment_method"),
            "insurance_covered": (
                *("insurance_covered", "insurance_claimed", "*.insurance_covered", "*.insurance_claimed"),
                *_in("insurance", "covered", "claimed"),
            ),
            "insurance_id": ("insurance_id", "*.insurance_id", "insurance.id"),
            "insurance_provider": ("insurance_provider", "*.insurance_provider", "insurance.provider"),
            "status": ("status", "payment_status", "*.payment_status", "payment.status", "billing.status"),
        },
    ),
)
"""`<name>.json` each; those that others refer to come first."""
