"""Chirona's rows in its own words; below a row's own cells, what the adapter adds to it from other rows and tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from marshmallow import fields

from his_adapters.clock_fields import LocalTimestamp, TimeOfDay
from his_adapters.native_fields import Amount, Text, cleaned, refuse

APPOINTMENT_STATUSES = ("Scheduled", "Completed", "Cancelled")
_CENT = Decimal("0.01")
_MOST_CHARGES = 1000


class Cents(Amount):
    """An amount to the cent, as NUMERIC(p, 2) holds it: SQLite forgets the last zero."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal | None:
        number = super()._deserialize(value, attr, data, **kwargs)
        if number is not None and number == number.quantize(_CENT):
            return number.quantize(_CENT)
        return number


class AppointmentStatus(Text):
    """One of the three words that the table allows: FHIR knows no appointment of an unknown status."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        word = super()._deserialize(value, attr, data, **kwargs)
        if word is None:
            raise refuse("missing", "the status is empty")
        if word.casefold() not in map(str.casefold, APPOINTMENT_STATUSES):
            raise refuse("unknown-code", f"none of {', '.join(APPOINTMENT_STATUSES)}")
        return word


class Flag(fields.Field[bool]):
    """What the database says of a comparison: true, false, or nothing."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        return bool(value)


class Charged(NamedTuple):
    """One test or treatment that an invoice names, and what it costs."""

    key: str
    cost: Decimal | None


class Charges(fields.Field[tuple[Charged, ...]]):
    """`7=12.50|9=` as the adapter's query joins them: in the order of their keys."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Charged, ...]:
        if value is None:
            return ()
        parts = str(value).split("|")
        if len(parts) > _MOST_CHARGES:
            raise refuse("too-long", f"{len(parts)} charges; at most {_MOST_CHARGES} are read")
        found = []
        for part in parts:
            written, _, cost = part.rpartition("=")
            if key := cleaned(written):
                found.append(Charged(key, Cents().deserialize(cost)))
        return tuple(sorted(set(found), key=lambda each: (len(each.key), each.key, each.cost or 0)))


_Moment = Annotated[datetime | date | None, LocalTimestamp(allow_none=True)]
_Clock = Annotated[time | None, TimeOfDay(allow_none=True)]
_Money = Annotated[Decimal | None, Cents(allow_none=True)]
_MISSING: dict[str, Any] = {"required": "missing: the field is not there", "null": "missing: the field is empty"}
_Due = Annotated[Decimal, Cents(required=True, error_messages=_MISSING)]
_Whether = Annotated[bool | None, Flag(allow_none=True)]
_Charges = Annotated[tuple[Charged, ...] | None, Charges(allow_none=True)]


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One member of staff."""

    staff_id: str
    staff_first_name: str | None
    staff_last_name: str | None
    staff_dob: date | None
    staff_gender: str | None
    staff_role: str | None
    staff_tel_no: str | None
    staff_email: str | None
    doctor_id: str | None
    """Of Doctor: whether there is such a row."""
    specialization: str | None
    """Of Doctor."""
    user_name: str | None
    """Of AdminStaff."""


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """That a member of staff is a doctor, and of what."""

    doctor_id: str
    specialization: str | None
    staff_role: str | None
    """Of Staff."""


@dataclass(frozen=True, slots=True)
class AdminStaffRow:
    """That a member of staff is an administrator, and their login."""

    admin_id: str
    user_name: str | None
    staff_role: str | None
    """Of Staff."""


@dataclass(frozen=True, slots=True)
class RoomRow:
    """One room."""

    room_id: str
    room_type: str | None
    room_availability: str | None


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """One shift, whoever works it."""

    shift_id: str
    created_by: str | None
    shift_date: date | None
    start_time: _Clock
    end_time: _Clock
    week_no: int | None
    shift_day_of_week: str | None
    shift_type: str | None


@dataclass(frozen=True, slots=True)
class ShiftAssignmentRow:
    """Who works a shift."""

    assignment_id: str
    shift_id: str | None
    staff_id: str | None
    shift_date: date | None
    """Of Shift, as the four that follow."""
    start_time: _Clock
    end_time: _Clock
    shift_type: str | None
    created_by: str | None
    is_repeated: _Whether
    """Whether an earlier assignment puts the same person on the same shift."""


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient. The original has no birth date."""

    patient_id: str
    patient_first_name: str | None
    patient_last_name: str | None
    patient_tel_no: str | None
    patient_email: str | None
    patient_gender: str | None
    patient_dob: date | None
    patient_type: str | None


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """One appointment of a patient with a doctor."""

    appointment_id: str
    doctor_id: str | None
    patient_id: str | None
    scheduled_by: str | None
    appointment_date: date | None
    appointment_start_time: _Clock
    appointment_end_time: _Clock
    appointment_status: Annotated[str, AppointmentStatus(required=True, error_messages=_MISSING)]
    overlaps: _Whether
    """Whether the doctor has another appointment at the same time."""


@dataclass(frozen=True, slots=True)
class MedicalTestRow:
    """One test that was asked for."""

    test_id: str
    requested_by: str | None
    done_by: str | None
    patient_id: str | None
    test_type: str | None
    test_date: _Moment
    test_result: str | None
    test_status: str | None
    test_cost: _Money


@dataclass(frozen=True, slots=True)
class TreatmentRow:
    """One treatment, without a date or a doctor."""

    treatment_id: str
    patient_id: str | None
    treatment_procedure: str | None
    treatment_cost: _Money
    medication: str | None
    diagnosis: str | None
    admission_id: str | None
    """Of Admission: the only admission for this treatment."""
    admission_patient_id: str | None
    """Of Admission."""


@dataclass(frozen=True, slots=True)
class AdmissionRow:
    """One admission to a room. The original has no discharge date."""

    admission_id: str
    patient_id: str | None
    admission_date: _Moment
    treatment_id: str | None
    room_id: str | None
    admission_status: str | None
    discharge_date: _Moment
    overlaps: _Whether
    """Whether the room has another patient at the same time."""
    diagnosis: str | None
    """Of Treatment: what the admission is for."""
    treatment_patient_id: str | None
    """Of Treatment."""
    shares_treatment: _Whether
    """Whether another admission is for the same treatment."""


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice. Whether it is paid is nowhere."""

    invoice_no: str
    date_generated: _Moment
    generated_by: str | None
    patient_id: str | None
    amount: _Due
    tax: _Due
    total_amount: _Due
    tests: _Charges
    """Of MedicalTestInvoice and MedicalTest."""
    treatments: _Charges
    """Of TreatmentInvoice and Treatment."""


@dataclass(frozen=True, slots=True)
class MedicalTestInvoiceRow:
    """That an invoice charges a test."""

    invoice_no: str
    test_id: str
    test_type: str | None
    """Of MedicalTest, as the two that follow."""
    test_status: str | None
    patient_id: str | None
    invoice_patient_id: str | None
    """Of Invoice."""
    is_repeated: _Whether
    """Whether another invoice charges the same test."""


@dataclass(frozen=True, slots=True)
class TreatmentInvoiceRow:
    """That an invoice charges a treatment."""

    invoice_no: str
    treatment_id: str
    treatment_procedure: str | None
    """Of Treatment, as the next."""
    patient_id: str | None
    invoice_patient_id: str | None
    """Of Invoice."""
    is_repeated: _Whether
    """Whether another invoice charges the same treatment."""


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """That something was paid for an invoice. How much is nowhere."""

    payment_id: str
    payment_date: _Moment
    paid_by: str | None
    invoice_no: str | None
    payment_method: str | None
    invoice_patient_id: str | None
    """Of Invoice."""
