"""HIS_D's tables: columns in order, declared types, ids, and the words that its columns use."""

from __future__ import annotations

from collections.abc import Mapping

from his_adapters.layout import Column, columns, misspelled
from his_adapters.native_keys import hex_id

STAFF_ID = hex_id("", 8)
RECORD_ID = hex_id("", 8)

_SEED: Mapping[str, tuple[Column, ...]] = {
    "patients": columns("""
        patient_id, name, dob, gender, blood_group, height_cm INTEGER, weight_kg INTEGER, location, contact,
        emergency_person, insurance_id, insurance_provider, primary_physician, medical_history, disease,
        patient_status, severity, department_admitted, current_department, bed_type, stage_or_danger,
        need_of_surgery, treatment_plan, followup_date, allergies, test_results
    """),
    "staff": columns("""
        staff_id, name, department, role, experience_years INTEGER, qualification, shift, contact, salary REAL,
        specialty_handled, research_publications INTEGER
    """),
    "finance": columns("""
        transaction_id, patient_id, amount REAL, payment_type, insurance_covered, billing_date, due_date, status,
        remarks, surgery_charges REAL, medication_charges REAL
    """),
}
_ORIGINAL: Mapping[str, tuple[Column, ...]] = {
    "patients": columns("""
        patient_id, name, dob, gender, blood_group, height_cm INTEGER, weight_kg INTEGER, location, contact,
        emergency_person, insurance_id, insurance_provider, primary_physician, medical_history, disease,
        patient_status, severity, department_admitted, current_department, bed_type, stage_danger=stage_or_danger,
        surgery_required=need_of_surgery, treatment_protocol=treatment_plan, followup_date
    """),
    "staff": columns("""
        staff_id, name, dob, gender, position=role, department, contact, salary REAL, date_joined,
        specialization=specialty_handled, experience_years INTEGER, certifications, shift, email, address,
        emergency_contact, emergency_relation
    """),
    "finance": columns("""
        record_id=transaction_id, patient_id, treatment_cost REAL, insurance_claim=insurance_covered REAL,
        hospital_charges REAL, miscellaneous_charges REAL, tax REAL, discount REAL, payment_method=payment_type,
        payment_status=status, date=billing_date
    """),
}
KEYS: Mapping[str, str] = {"patients": "patient_id", "staff": "staff_id", "finance": "transaction_id"}
TABLES: Mapping[str, Mapping[str, tuple[Column, ...]]] = {
    "seed": _SEED,
    "original": _ORIGINAL,
    "hostile": {
        "patients": misspelled((*_ORIGINAL["patients"], *columns("allergies, test_results")), "patient_id"),
        "staff": misspelled((*_ORIGINAL["staff"], *columns("research_publications")), "staff_id"),
        "finance": misspelled(
            (*_ORIGINAL["finance"], *columns("due_date, surgery_charges, medication_charges")), "transaction_id"
        ),
    },
}
"""Profile to table to columns; each table is in a file of its own."""

DEPARTMENTS = ("Oncology", "Neurosurgery", "TB Care", "HIV Clinic", "Radiotherapy", "ICU")
PLAIN_DISEASES = ("Flu", "Covid-19", "Fracture", "Heart Disease")
STAGED_DISEASES = ("Cancer", "Neural Disorder")
HOMES: Mapping[str, tuple[str, ...]] = {
    "Cancer": ("Oncology", "Radiotherapy"),
    "Neural Disorder": ("Neurosurgery",),
    "Flu": ("ICU",),
    "Covid-19": ("ICU",),
    "Fracture": ("ICU", "Neurosurgery"),
    "Heart Disease": ("ICU",),
}
"""The departments that fit a disease."""
PLAIN_HISTORIES = ("Diabetes", "Hypertension", "Asthma", "Cancer")
SENSITIVE_HISTORIES = ("HIV", "TB")
STATUSES = ("Admitted", "Discharged", "Critical", "Observation")
SEVERITIES = ("Mild", "Moderate", "Severe", "Critical")
BEDS = ("General", "ICU", "Severe Ward")
STAGES = ("Stage I", "Stage II", "Stage III", "Stage IV", "Critical")
CANCER_PROTOCOLS = ("Chemotherapy", "Radiotherapy")
PLAIN_PROTOCOLS = ("Medication", "Observation")
ALLERGIES = ("Penicillin", "Latex", "Iodine contrast", "Penicillin, Latex", "Sulfa drugs, Iodine contrast")
ROLES = ("Doctor", "Nurse", "Technician", "Support Staff", "Admin")
SHIFTS = ("Day", "Night", "Rotational")
SPECIALTIES = ("Cancer", "Neurosurgery", "TB", "HIV", "Radiotherapy", "ICU")
QUALIFICATIONS: Mapping[str, tuple[str, ...]] = {
    "Doctor": ("MBBS", "MD", "DM", "MCh"),
    "Nurse": ("BSc Nursing",),
    "Technician": ("BSc Nursing", ""),
    "Support Staff": ("",),
    "Admin": ("",),
}
PAYMENT_TYPES = ("Cash", "Card", "UPI", "Insurance")
PAYMENT_STATUSES = ("Paid", "Pending", "Partial", "Overdue")
