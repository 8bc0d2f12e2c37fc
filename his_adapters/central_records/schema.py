"""The central records' tables, as MySQL declares them and as the landing zone's files order them, and their words."""

from __future__ import annotations

from collections.abc import Mapping

from his_adapters.layout import Column, columns, misspelled
from his_adapters.native_keys import counted

LANDING_ZONE = "data/raw"
"""Where the CSV files lie below the platform's folder."""

DOCTOR_ID = counted("D", 2000)
VISIT_ID = counted("V", 300_000)
REPORT_ID = counted("R", 400_000)

KEYS: Mapping[str, str] = {
    "patients": "patient_id",
    "doctors": "doctor_id",
    "visits": "visit_id",
    "lab_reports": "report_id",
}
"""In the order in which rows can be inserted."""
_TABLES: Mapping[str, tuple[Column, ...]] = {
    "patients": columns("""
        patient_id VARCHAR(20), name VARCHAR(100), gender VARCHAR(10), dob DATE, blood_group VARCHAR(10),
        city VARCHAR(100)
    """),
    "doctors": columns("""
        doctor_id VARCHAR(20), name VARCHAR(100), specialization VARCHAR(100), hospital VARCHAR(100)
    """),
    "visits": columns("""
        visit_id VARCHAR(20), patient_id VARCHAR(20), doctor_id VARCHAR(20), visit_date DATE, reason VARCHAR(255),
        visit_type VARCHAR(50)
    """),
    "lab_reports": columns("""
        report_id VARCHAR(20), visit_id VARCHAR(20), test_type VARCHAR(100), result VARCHAR(100), report_date DATE
    """),
}
TABLES: Mapping[str, Mapping[str, tuple[Column, ...]]] = {
    "seed": _TABLES,
    "original": _TABLES,
    "hostile": {name: misspelled(table, KEYS[name]) for name, table in _TABLES.items()},
}
"""Profile to table to columns. The original has exactly the seed's columns."""

_FOREIGN_KEYS: Mapping[str, Mapping[str, str]] = {
    "visits": {"patient_id": "patients", "doctor_id": "doctors"},
    "lab_reports": {"visit_id": "visits"},
}


def _create_table(name: str) -> str:
    declared = [
        f"{column.name} {column.type}{' PRIMARY KEY' if column.field == KEYS[name] else ''}" for column in _TABLES[name]
    ]
    declared += [
        f"FOREIGN KEY ({column}) REFERENCES {table} ({column})" for column, table in _FOREIGN_KEYS.get(name, {}).items()
    ]
    return f"CREATE TABLE {name} ({', '.join(declared)})"


CREATE_TABLES: tuple[str, ...] = tuple(map(_create_table, KEYS))
"""The four tables on MySQL or MariaDB: only primary keys are NOT NULL."""

CREATE_PROCEDURES: tuple[str, ...] = (
    """
    CREATE PROCEDURE GetPatientHistory (IN pid VARCHAR(20)) READS SQL DATA
    SELECT patients.name, patients.gender, patients.dob, patients.blood_group, patients.city,
           visits.visit_date, visits.reason, visits.visit_type,
           doctors.name AS doctor_name, doctors.specialization, doctors.hospital
    FROM visits JOIN patients USING (patient_id) JOIN doctors USING (doctor_id)
    WHERE patients.patient_id = pid
    ORDER BY visits.visit_date DESC
    """,
    """
    CREATE PROCEDURE GetPatientLabReports (IN pid VARCHAR(20)) READS SQL DATA
    SELECT patients.name AS patient_name, visits.visit_date, visits.reason,
           lab_reports.test_type, lab_reports.result, lab_reports.report_date
    FROM lab_reports JOIN visits USING (visit_id) JOIN patients USING (patient_id)
    WHERE patients.patient_id = pid
    ORDER BY lab_reports.report_date DESC
    """,
    """
    CREATE PROCEDURE GetDoctorSummary (IN did VARCHAR(20)) READS SQL DATA
    SELECT doctors.name AS doctor_name, doctors.specialization, doctors.hospital,
           COUNT(visits.visit_id) AS total_visits, COUNT(DISTINCT visits.patient_id) AS unique_patients
    FROM doctors LEFT JOIN visits USING (doctor_id)
    WHERE doctors.doctor_id = did
    GROUP BY doctors.doctor_id, doctors.name, doctors.specialization, doctors.hospital
    """,
)
"""The platform's read procedures: a patient's visits, a patient's reports, a doctor's count of visits."""

GENDERS = ("M", "F")
HOSPITALS = ("Apollo", "Deenanath", "Fortis", "Manipal", "Ruby Hall", "Sahyadri")
REASONS = ("Back Pain", "Chest Pain", "Diabetes Checkup", "Fever", "Follow-up", "Headache")
FITTING_REASONS: Mapping[str, tuple[str, ...]] = {
    "Cardiologist": ("Chest Pain", "Follow-up"),
    "Dermatologist": ("Follow-up",),
    "General Physician": REASONS,
    "Neurologist": ("Headache", "Back Pain", "Follow-up"),
    "Orthopedic": ("Back Pain", "Follow-up"),
    "Radiologist": ("Follow-up",),
}
"""By specialization: what a patient would see such a doctor for."""
SPECIALIZATIONS = tuple(FITTING_REASONS)
VISIT_TYPES = ("Consultation", "Diagnostic", "Emergency")
FITTING_RESULTS: Mapping[str, tuple[str, ...]] = {
    "Blood Test": ("Normal", "Abnormal", "Infection Found", "High Cholesterol"),
    "CT Scan": ("Normal", "Abnormal", "Infection Found", "Fracture Detected"),
    "ECG": ("Normal", "Abnormal"),
    "MRI": ("Normal", "Abnormal", "Infection Found", "Fracture Detected"),
    "Ultrasound": ("Normal", "Abnormal", "Infection Found"),
    "X-Ray": ("Normal", "Abnormal", "Infection Found", "Fracture Detected"),
}
"""By type of test: what it can find."""
TEST_TYPES = tuple(FITTING_RESULTS)
RESULTS = ("Abnormal", "Fracture Detected", "High Cholesterol", "Infection Found", "Normal")
