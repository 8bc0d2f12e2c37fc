"""HIS_C's files: columns in order, ids, and the words that its columns use."""

from __future__ import annotations

from collections.abc import Mapping

from his_adapters.layout import Column, columns, misspelled
from his_adapters.native_keys import hex_id

STAFF_ID = hex_id("", 8)
TRANSACTION_ID = hex_id("", 8)

_SEED: Mapping[str, tuple[Column, ...]] = {
    "patients": columns("""
        patient_id, name, dob, gender, blood_group, height_cm, weight_kg, medical_history, allergies, insurance_id,
        insurance_provider, primary_physician, contact, location, emergency_person, specialty,
        treatment_duration_days, care_instructions, time_bound, department_admitted, current_department, bed_type,
        severity, patient_status
    """),
    "staff": columns("""
        staff_id, name, department, role, experience_years, qualification, shift, salary, contact, address,
        specialty_handled, joining_date, emergency_person
    """),
    # processed_by_staff_id is the original's: without it no bill would name a member of staff.
    "finance": columns("""
        transaction_id, patient_id, amount, payment_type, insurance_covered, billing_date, due_date, status, remarks,
        special_services_charges, processed_by_staff_id
    """),
}
_ORIGINAL: Mapping[str, tuple[Column, ...]] = {
    "patients": columns("""
        patient_id, name, dob, gender, blood_group, height_cm, weight_kg, medical_history, allergies, insurance_id,
        insurance_provider, primary_physician, specialty, duration_days=treatment_duration_days, care_instructions,
        time_bound, contact_phone, contact_email, emergency_person_name, emergency_person_relation,
        emergency_person_phone, department_admitted, current_department, bed_type, patient_status, severity
    """),
    "staff": columns("""
        staff_id, name, role, specialty_assigned=specialty_handled, joining_date, experience_years, qualification,
        shift, contact_phone, contact_email, address, emergency_person_name, emergency_person_relation,
        emergency_person_phone
    """),
    "finance": columns("""
        transaction_id, patient_id, category, amount, transaction_date=billing_date, payment_method=payment_type,
        insurance_claim_id, remarks, processed_by_staff_id
    """),
}
KEYS: Mapping[str, str] = {"patients": "patient_id", "staff": "staff_id", "finance": "transaction_id"}
TABLES: Mapping[str, Mapping[str, tuple[Column, ...]]] = {
    "seed": _SEED,
    "original": _ORIGINAL,
    # Packed cells in one file, flat columns in the next.
    "hostile": {
        "patients": misspelled(_SEED["patients"], "patient_id"),
        "staff": misspelled(_ORIGINAL["staff"], "staff_id"),
        "finance": misspelled(
            (*_SEED["finance"], *columns("category, insurance_claim_id")),
            "transaction_id",
        ),
    },
}
"""Profile to file to columns; each file is `<name>.csv`."""

GYNECOLOGY = "Gynecology \u2013 Women\u2019s Reproductive Health"
BROKEN_SPECIALTY = "\u2013 Throat & Nasal Care"
SPECIALTIES: Mapping[str, str] = {
    "Dermatology \u2013 Skincare": "skincare",
    "Ophthalmology \u2013 Eye Care": "eye care",
    "Trichology \u2013 Hair Care": "haircare",
    "Otolaryngology (ENT) \u2013 Ear Care": "ear care",
    "Otolaryngology (ENT)": "ENT",
    BROKEN_SPECIALTY: "throat and nasal care",
    "Oral & Dental Medicine \u2013 Mouth Care": "mouth care",
    GYNECOLOGY: "women's health",
    "Mycology \u2013 Fungal Infections": "fungal infections",
    "Dermatology \u2013 Rash Management": "rash management",
    "Dermatology \u2013 Skin Disorders": "skin disorders",
}
"""The long label (with an en dash, as found) and the seed's short one."""
HISTORIES = ("Diabetes", "Hypertension", "Asthma")
ALLERGIES = ("Penicillin", "Pollen", "Dust", "Food")
STATUSES = ("Admitted", "Discharged", "Critical", "Observation")
SEVERITIES = ("Mild", "Moderate", "Severe", "Critical")
ROLES = ("Doctor", "Nurse", "Therapist", "Assistant")
SHIFTS = ("Morning", "Evening", "Night")
QUALIFICATIONS = ("MBBS", "BDS", "Nursing", "Physiotherapy", "Dermatology Cert", "Cosmetology Cert")
CATEGORIES = ("Consultation", "Procedure", "Treatment", "Medication")
PAYMENT_TYPES = ("Cash", "Card", "UPI", "Insurance")
PAYMENT_STATUSES = ("Paid", "Pending", "Unpaid")
