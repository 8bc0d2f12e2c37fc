"""The central records' rows in their own words, and what a row takes from the rows it names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from his_adapters.tabular import Dataset, Join


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A person. The name is one text; there is no phone, no address beyond the city, no national id."""

    patient_id: str
    name: str | None
    gender: str | None
    dob: date | None
    blood_group: str | None
    city: str | None


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """A doctor, with the name of the one hospital they work in."""

    doctor_id: str
    name: str | None
    specialization: str | None
    hospital: str | None


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit: a day, never a time."""

    visit_id: str
    patient_id: str | None
    doctor_id: str | None
    visit_date: date | None
    reason: str | None
    visit_type: str | None
    doctor_hospital: str | None
    """From the doctor's row: visits name no hospital."""
    patient_dob: date | None
    """From the patient's row: some visits are older than their patient."""


@dataclass(frozen=True, slots=True)
class LabReportRow:
    """A report. It names its visit only; the patient and the day of the visit are from the visit's row."""

    report_id: str
    visit_id: str | None
    test_type: str | None
    result: str | None
    report_date: date | None
    patient_id: str | None
    """From the visit's row."""
    visit_date: date | None
    """From the visit's row."""


DATASETS = (
    Dataset("doctors", "doctor_id", DoctorRow),
    Dataset("patients", "patient_id", PatientRow),
    Dataset(
        "visits",
        "visit_id",
        VisitRow,
        joins=(
            Join("doctor_id", "doctors", {"hospital": "doctor_hospital"}),
            Join("patient_id", "patients", {"dob": "patient_dob"}),
        ),
    ),
    Dataset(
        "lab_reports",
        "report_id",
        LabReportRow,
        # A report whose patient is in doubt is nobody's.
        strict=frozenset({"patient_id"}),
        joins=(Join("visit_id", "visits", {"patient_id": "patient_id", "visit_date": "visit_date"}),),
    ),
)
"""Those that others refer to come first."""
