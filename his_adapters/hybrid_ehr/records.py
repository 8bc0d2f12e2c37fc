"""Hybrid EHR's rows and notes in its own words. What a row takes from others stands below its own columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from marshmallow import ValidationError, fields

from his_adapters.clock_fields import LocalTimestamp
from his_adapters.hybrid_ehr.note_fields import Attachment, Attachments, NoteKey, Sign, Signs, UtcMoment
from his_adapters.native_fields import Amount, Key, Text, cleaned, kind, refuse
from his_adapters.sql_tables import Join, SqlTable
from his_adapters.tabular import Dataset

_CENT = Decimal("0.01")
_YES_NO = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class Cents(Amount):
    """An amount to the cent, as NUMERIC(10, 2) holds it: SQLite forgets zeros at the end."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal | None:
        number = super()._deserialize(value, attr, data, **kwargs)
        if number is not None and number == number.quantize(_CENT):
            return number.quantize(_CENT)
        return number


class TrueOrFalse(fields.Field[bool | None]):
    """A truth value as PostgreSQL or SQLite writes it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool | None:
        word = cleaned(str(value) if isinstance(value, bool) else value)
        if word is None:
            return None
        if word.casefold() not in _YES_NO:
            raise refuse("unknown-code", f"{kind(value)} is neither true nor false")
        return _YES_NO[word.casefold()]


class Stated(Text):
    """A text without which the row says nothing."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text is None:
            raise refuse("missing", "the text is empty")
        return text


class OfRecord(Key):
    """What a row takes from its medical record, and cannot do without."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ValidationError:
            raise refuse(
                "no-record", "the medical record that the row names is not there, or names no patient"
            ) from None


_NO_KEY: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "missing: the field is not there",
    "null": "missing: the field is empty",
}
_NO_RECORD = "no-record: the medical record that the row names is not there, or names no patient"
_Moment = Annotated[datetime | date | None, LocalTimestamp(allow_none=True)]
_PatientOfRecord = Annotated[str, OfRecord(required=True, error_messages={"null": _NO_RECORD, "required": _NO_RECORD})]


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One doctor."""

    doctor_id: str
    first_name: str | None
    last_name: str | None
    specialty: str | None
    phone: str | None
    email: str | None
    created_at: _Moment


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient."""

    patient_id: str
    patient_uuid: str | None
    first_name: str | None
    last_name: str | None
    date_of_birth: date | None
    gender: str | None
    """Free text: the table has no CHECK."""
    phone: str | None
    email: str | None
    address: str | None
    created_at: _Moment


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """One appointment: when it begins, never when it ends."""

    appointment_id: str
    patient_id: str
    doctor_id: str | None
    appointment_ts: _Moment
    reason: str | None
    status: str | None
    created_at: _Moment


@dataclass(frozen=True, slots=True)
class MedicalRecordRow:
    """One visit's record, without a status."""

    record_id: str
    record_uuid: str | None
    patient_id: str
    doctor_id: str | None
    appointment_id: str | None
    title: str | None
    summary: str | None
    created_at: _Moment
    appointment_ts: _Moment
    """Of the appointment."""
    appointment_patient_id: str | None
    """Of the appointment, whose patient may be another one."""


@dataclass(frozen=True, slots=True)
class PrescriptionRow:
    """One prescribed medicine, without a status."""

    prescription_id: str
    record_id: str
    medication: Annotated[str, Stated(required=True, error_messages={"null": "missing: the text is empty"})]
    dosage: str | None
    instructions: str | None
    issued_at: _Moment
    patient_id: _PatientOfRecord
    doctor_id: str | None
    """Of the record."""
    record_title: str | None
    """Of the record: what it is about can make a prescription sensitive."""


@dataclass(frozen=True, slots=True)
class BillRow:
    """One bill of a record."""

    bill_id: str
    record_id: str
    amount: Annotated[Decimal, Cents(required=True, error_messages={"null": "missing: the number is empty"})]
    paid: Annotated[bool | None, TrueOrFalse(allow_none=True)]
    method: str | None
    billed_at: _Moment
    patient_id: _PatientOfRecord


@dataclass(frozen=True, slots=True)
class NoteRow:
    """One clinical note whose medical record is its patient's: no other note leaves the adapter."""

    note_id: Annotated[str, NoteKey(required=True, error_messages=_NO_KEY)]
    record_uuid: Annotated[str, Key(required=True, error_messages=_NO_KEY)]
    patient_id: Annotated[str, NoteKey(required=True, error_messages=_NO_KEY)]
    doctor_id: Annotated[str | None, NoteKey(allow_none=True)]
    note_text: str | None
    observations: Annotated[tuple[Sign, ...] | None, Signs(allow_none=True)]
    attachments: Annotated[tuple[Attachment, ...] | None, Attachments(allow_none=True)]
    created_at: Annotated[datetime | None, UtcMoment(allow_none=True)]
    """In UTC: MongoDB's clock is not the tables'."""
    record_id: str | None
    """Of the medical record; there is one in every note that leaves the adapter."""
    record_title: str | None
    """Of the medical record: what it is about can make a note sensitive."""


CLINICAL_NOTES = Dataset("clinical_notes", "note_id", NoteRow, {"_id": "note_id"})

_OF_RECORD = Join(
    "record_id",
    "medical_records",
    {"patient_id": "patient_id", "doctor_id": "doctor_id", "title": "record_title"},
)

SQL_TABLES = (
    SqlTable(Dataset("doctors", "doctor_id", DoctorRow)),
    SqlTable(Dataset("patients", "patient_id", PatientRow)),
    SqlTable(Dataset("appointments", "appointment_id", AppointmentRow)),
    SqlTable(
        Dataset("medical_records", "record_id", MedicalRecordRow),
        joins=(
            Join(
                "appointment_id",
                "appointments",
                {"appointment_ts": "appointment_ts", "patient_id": "appointment_patient_id"},
            ),
        ),
    ),
    SqlTable(Dataset("prescriptions", "prescription_id", PrescriptionRow), joins=(_OF_RECORD,)),
    SqlTable(
        Dataset("billing", "bill_id", BillRow),
        joins=(Join("record_id", "medical_records", {"patient_id": "patient_id"}),),
    ),
)
"""Those that others refer to come first."""
