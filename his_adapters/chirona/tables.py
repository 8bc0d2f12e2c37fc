"""How Chirona's streams are read: each table's own columns, what is joined to a row, and what the database computes.

A clash is between two rows, so the database looks for it: the rows that can clash are sorted by their start, and a row
clashes when an earlier one ends after its start or a later one starts before its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, String, and_, case, cast, func, literal_column, null, or_, select

from his_adapters.chirona import records
from his_adapters.sql_tables import Join, SqlTable, Tables
from his_adapters.tabular import Dataset

_NEVER: ColumnElement[Any] = literal_column("'9999-12-31 00:00:00'")
_OPEN: list[ColumnElement[Any]] = [literal_column("'Admitted'"), literal_column("'In Treatment'")]
_CANCELLED: ColumnElement[Any] = literal_column("'Cancelled'")
_NOTHING: ColumnElement[Any] = literal_column("''")


def _repeats(*group: ColumnElement[Any]) -> ColumnElement[Any]:
    """Whether another row has the same of these."""
    return func.count().over(partition_by=group) > literal_column("1")


def _clashes(
    counts: ColumnElement[Any], where: list[Any], start: ColumnElement[Any], end: ColumnElement[Any], key: Any
) -> ColumnElement[Any]:
    """Whether a row that counts shares some time with another one of the same place."""
    group = [case((counts, literal_column("1")), else_=literal_column("0")), *where]
    ended = func.max(end).over(partition_by=group, order_by=[start, key], rows=(None, -1))
    starts = func.min(start).over(partition_by=group, order_by=[start, key], rows=(1, None))
    return case((and_(counts, or_(ended > start, starts < end)), literal_column("1")), else_=literal_column("0"))


def _column(table: FromClause, name: str) -> ColumnElement[Any]:
    """A column, or NULL where the store has none such."""
    found: ColumnElement[Any] | None = table.c.get(name)
    return null() if found is None else found


def _assignment(tables: Tables) -> Mapping[str, ColumnElement[Any]]:
    row = tables["shiftassignment"]
    return {"is_repeated": and_(row.c.staff_id.is_not(None), _repeats(row.c.shift_id, row.c.staff_id))}


def _appointment(tables: Tables) -> Mapping[str, ColumnElement[Any]]:
    row = tables["appointment"]
    start, end = row.c.appointment_start_time, row.c.appointment_end_time
    counts = and_(row.c.doctor_id.is_not(None), row.c.appointment_status != _CANCELLED, end > start)
    return {"overlaps": _clashes(counts, [row.c.doctor_id, row.c.appointment_date], start, end, row.c.appointment_id)}


def _admission(tables: Tables) -> Mapping[str, ColumnElement[Any]]:
    """A stay without a discharge lasts while it is open; when one ended that has no date, nobody knows."""
    row = tables["admission"]
    start, discharged = cast(row.c.admission_date, String), cast(_column(row, "discharge_date"), String)
    is_open = row.c.admission_status.in_(_OPEN)
    end = func.coalesce(discharged, _NEVER)
    counts = and_(
        row.c.room_id.is_not(None),
        row.c.admission_date.is_not(None),
        row.c.admission_status != _CANCELLED,
        or_(is_open, discharged.is_not(None)),
    )
    return {
        "overlaps": _clashes(counts, [row.c.room_id], start, end, row.c.admission_id),
        "shares_treatment": and_(row.c.treatment_id.is_not(None), _repeats(row.c.treatment_id)),
    }


def _charges(tables: Tables, link: str, table: str, key: str, cost: str) -> ColumnElement[Any]:
    """`7=12.50|9=`: what an invoice's lines are for, and what each costs."""
    invoice, line, charged = tables["invoice"], tables[link], tables[table]
    pair = cast(line.c[key], String) + literal_column("'='") + func.coalesce(cast(charged.c[cost], String), _NOTHING)
    joined = line.outerjoin(charged, charged.c[key] == line.c[key])
    wanted = select(func.aggregate_strings(pair, "|")).select_from(joined)
    return wanted.where(line.c.invoice_no == invoice.c.invoice_no).correlate(invoice).scalar_subquery()


def _invoice(tables: Tables) -> Mapping[str, ColumnElement[Any]]:
    return {
        "tests": _charges(tables, "medicaltestinvoice", "medicaltest", "test_id", "test_cost"),
        "treatments": _charges(tables, "treatmentinvoice", "treatment", "treatment_id", "treatment_cost"),
    }


def _charged_test(tables: Tables) -> Mapping[str, ColumnElement[Any]]:
    return {"is_repeated": _repeats(tables["medicaltestinvoice"].c.test_id)}


def _charged_treatment(tables: Tables) -> Mapping[str, ColumnElement[Any]]:
    return {"is_repeated": _repeats(tables["treatmentinvoice"].c.treatment_id)}


_ROLE = {"staff_role": "staff_role"}
_SHIFT = {name: name for name in ("shift_date", "start_time", "end_time", "shift_type", "created_by")}
_INVOICE_PATIENT = Join("invoice_no", "invoice", {"patient_id": "invoice_patient_id"})

SQL_TABLES = (
    SqlTable(
        Dataset("staff", "staff_id", records.StaffRow),
        joins=(
            Join("staff_id", "doctor", {"doctor_id": "doctor_id", "specialization": "specialization"}),
            Join("staff_id", "adminstaff", {"user_name": "user_name"}),
        ),
    ),
    SqlTable(Dataset("doctor", "doctor_id", records.DoctorRow), joins=(Join("doctor_id", "staff", _ROLE),)),
    SqlTable(Dataset("adminstaff", "admin_id", records.AdminStaffRow), joins=(Join("admin_id", "staff", _ROLE),)),
    Dataset("room", "room_id", records.RoomRow),
    Dataset("patient", "patient_id", records.PatientRow),
    Dataset("shift", "shift_id", records.ShiftRow),
    SqlTable(
        Dataset("shiftassignment", "assignment_id", records.ShiftAssignmentRow),
        joins=(Join("shift_id", "shift", _SHIFT),),
        computed=_assignment,
        fields=frozenset({"is_repeated"}),
    ),
    SqlTable(
        Dataset("appointment", "appointment_id", records.AppointmentRow),
        computed=_appointment,
        fields=frozenset({"overlaps"}),
    ),
    Dataset("medicaltest", "test_id", records.MedicalTestRow),
    SqlTable(
        Dataset("admission", "admission_id", records.AdmissionRow),
        joins=(Join("treatment_id", "treatment", {"diagnosis": "diagnosis", "patient_id": "treatment_patient_id"}),),
        computed=_admission,
        fields=frozenset({"overlaps", "shares_treatment"}),
    ),
    SqlTable(
        Dataset("treatment", "treatment_id", records.TreatmentRow),
        joins=(
            Join(
                "treatment_id",
                "admission",
                {"admission_id": "admission_id", "patient_id": "admission_patient_id"},
                by="treatment_id",
            ),
        ),
    ),
    SqlTable(
        Dataset("medicaltestinvoice", "test_id", records.MedicalTestInvoiceRow),
        joins=(
            Join(
                "test_id",
                "medicaltest",
                {"test_type": "test_type", "test_status": "test_status", "patient_id": "patient_id"},
            ),
            _INVOICE_PATIENT,
        ),
        computed=_charged_test,
        fields=frozenset({"is_repeated"}),
        key=("invoice_no", "test_id"),
    ),
    SqlTable(
        Dataset("treatmentinvoice", "treatment_id", records.TreatmentInvoiceRow),
        joins=(
            Join(
                "treatment_id",
                "treatment",
                {"treatment_procedure": "treatment_procedure", "patient_id": "patient_id"},
            ),
            _INVOICE_PATIENT,
        ),
        computed=_charged_treatment,
        fields=frozenset({"is_repeated"}),
        key=("invoice_no", "treatment_id"),
    ),
    SqlTable(
        Dataset("invoice", "invoice_no", records.InvoiceRow),
        computed=_invoice,
        fields=frozenset({"tests", "treatments"}),
    ),
    SqlTable(Dataset("payment", "payment_id", records.PaymentRow), joins=(_INVOICE_PATIENT,)),
)
"""Those that others refer to come first."""
