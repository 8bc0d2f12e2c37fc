"""HIS_A's tables: columns in order, declared types and ids. Its words are in `his_adapters.hospital_stays`."""

from __future__ import annotations

from collections.abc import Mapping

from his_adapters.layout import Column, columns, misspelled
from his_adapters.native_keys import hex_id

STAFF_ID = hex_id("S", 7)
TRANSACTION_ID = hex_id("T", 7)

_PATIENTS = columns("""
    patient_id, first_name, last_name, dob, gender, blood_group, height_cm INTEGER, weight_kg INTEGER,
    country, state, city, postal_code, phone, email, emergency_contact_name, emergency_contact_relation,
    emergency_contact_phone, insurance_id, insurance_provider, primary_physician, medical_history, disease,
    patient_status, severity, department_admitted, current_department, bed_type
""")
_SEED: Mapping[str, tuple[Column, ...]] = {
    "patients": _PATIENTS,
    "staff": columns("""
        staff_id, first_name, last_name, department, role, experience_years INTEGER, phone, email, qualification,
        joining_date, shift_timing, salary INTEGER, address
    """),
    # staff_id is the original's: without it no bill would name a member of staff.
    "finance": columns("""
        transaction_id, patient_id, amount REAL, payment_type, insurance_covered, billing_date, due_date, status,
        remarks, staff_id
    """),
}
_ORIGINAL: Mapping[str, tuple[Column, ...]] = {
    "patients": _PATIENTS,
    "staff": columns("""
        staff_id, first_name, last_name, dob, gender, department, designation=role, joining_date, salary INTEGER,
        phone, email, address_line1, address_line2, city, state, country, postal_code, emergency_contact_name,
        emergency_contact_relation, emergency_contact_phone, work_shift=shift_timing
    """),
    "finance": columns("""
        transaction_id, patient_id, billing_date, amount REAL, currency, payment_method=payment_type,
        insurance_claimed=insurance_covered, insurance_id, insurance_provider, service_code, service_description,
        department, staff_id, discount_applied REAL, net_amount REAL, tax REAL, total_amount REAL,
        payment_status=status, due_date, receipt_number
    """),
}
KEYS: Mapping[str, str] = {"patients": "patient_id", "staff": "staff_id", "finance": "transaction_id"}
TABLES: Mapping[str, Mapping[str, tuple[Column, ...]]] = {
    "seed": _SEED,
    "original": _ORIGINAL,
    "hostile": {table: misspelled(_ORIGINAL[table], key) for table, key in KEYS.items()},
}
"""Profile to table to columns."""
