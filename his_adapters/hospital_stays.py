"""The stay of a patient, the staff and the bills as the general hospital and the specialty clinic both record them.

Both original systems share these words; only the shape of their stores differs. Knows no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.households import day_between
from his_adapters.name_pools import sentences, streets
from his_adapters.population import INSURERS, Registration
from his_adapters.simulated_rows import Worker, money

DEPARTMENTS = (
    "Cardiology",
    "Radiology",
    "Orthopedics",
    "Emergency",
    "Oncology",
    "Pediatrics",
    "Neurology",
    "Gastroenterology",
)
HISTORIES = ("Diabetes", "Hypertension", "Asthma")
DISEASES = ("Flu", "Covid-19", "Fracture", "Heart Disease", "Malaria")
STATUSES = ("Admitted", "Discharged", "Critical", "Observation")
SEVERITIES = ("Mild", "Moderate", "Severe", "Critical")
BEDS = ("General", "ICU", "Severe Ward")
ROLES = ("Doctor", "Senior Nurse", "Technician", "Resident", "Admin")
SHIFTS = ("Morning", "Evening", "Night")
QUALIFICATIONS = {
    "Doctor": ("MBBS", "MD", "MS"),
    "Senior Nurse": ("BSc Nursing", "GNM"),
    "Technician": ("DMLT", ""),
    "Resident": ("MBBS",),
    "Admin": ("MBA", ""),
}
PAYMENT_TYPES = ("UPI", "Credit Card", "Debit Card", "Cash")
PAYMENT_STATUSES = ("Paid", "Unpaid", "Pending")
SERVICES = (
    ("SRV100", "Consultation"),
    ("SRV101", "MRI Scan"),
    ("SRV102", "X-Ray"),
    ("SRV103", "Blood Test"),
    ("SRV104", "Surgery"),
)
_SOUND = {  # status: severities and beds that agree with it
    "Admitted": (("Mild", "Moderate", "Severe"), ("General", "Severe Ward")),
    "Discharged": (("Mild", "Moderate"), ("General",)),
    "Critical": (("Severe", "Critical"), ("ICU",)),
    "Observation": (("Mild", "Moderate"), ("General",)),
}


def stay(rng: Random, dice: Dice, doctors: Sequence[str]) -> dict[str, Any]:
    """Why a patient is here and where they lie. No date: neither store has one."""
    status = rng.choice(STATUSES)
    if dice.knows("status_contradiction") and dice.hit("status_contradiction"):
        severity, bed = ("Mild", rng.choice(BEDS)) if status == "Critical" else (rng.choice(SEVERITIES), "ICU")
    else:
        severities, beds = _SOUND[status]
        severity, bed = rng.choice(severities), rng.choice(beds)
    if dice.hit("treating"):
        severity = "treating"
    admitted = rng.choice(DEPARTMENTS)
    return {
        "primary_physician": f"Dr. {rng.choice(doctors)}",
        "disease": rng.choice(DISEASES),
        "patient_status": status,
        "severity": severity,
        "department_admitted": admitted,
        "current_department": admitted if rng.random() < 0.6 else rng.choice(DEPARTMENTS),
        "bed_type": bed,
    }


def history(rng: Random, dice: Dice) -> str:
    """One word, often the word None."""
    return "None" if dice.hit("none_strings") else rng.choice(HISTORIES)


def sex_word(found: Registration, rng: Random, dice: Dice) -> str:
    """Male or Female, as the form says."""
    if dice.knows("gender_independent") and dice.hit("gender_independent"):
        return rng.choice(("Male", "Female"))
    return "Female" if found.sex == "F" else "Male"


def employment(member: Worker) -> dict[str, Any]:
    """What the hospital knows of a member of staff besides name, phone and e-mail."""
    rng = member.rng
    role = "Doctor" if member.number < 2 else rng.choice(ROLES)
    department = DEPARTMENTS[member.number] if member.number < 6 else rng.choice(DEPARTMENTS[:6])
    line1, line2 = f"{rng.randrange(1, 400)} {rng.choice(streets())}", rng.choice(("Apt. {:03d}", "Suite {:03d}"))
    city, postcode = rng.choice(("Pune", "Mumbai", "Nagpur", "Nashik")), f"{rng.randrange(10**5):05d}"
    line2 = line2.format(rng.randrange(1000))
    return {
        "role": role,
        "department": department,
        "experience_years": max(0, min(40, 2025 - member.joined.year + rng.randrange(4))),
        "qualification": rng.choice(QUALIFICATIONS[role]),
        "joining_date": member.joined.isoformat(),
        "shift_timing": rng.choice(SHIFTS),
        "salary": rng.randrange(30_000, 150_001),
        "address_line1": line1,
        "address_line2": line2,
        "city": city,
        "state": "Maharashtra",
        "country": "India",
        "postal_code": postcode,
        "address": f"{line1}, {line2}, {city}, Maharashtra, India, {postcode}",
        "emergency_contact_name": member.contact_name,
        "emergency_contact_relation": rng.choice(("Spouse", "Parent", "Sibling", "Friend")),
        "emergency_contact_phone": member.contact_phone,
    }


def bill(rng: Random, dice: Dice) -> dict[str, Any]:
    """What was billed, by whom it is paid, and when. `total = net + tax`, tax 9 % of net."""
    billed = day_between(rng, date(2022, 1, 1), date(2025, 10, 31))
    late = dice.hit("due_before_billing")
    due = billed + timedelta(days=-rng.randrange(1, 300) if late else rng.randrange(15, 61))
    amount = money(rng, 200, 20_000)
    discount = round(amount * rng.randrange(16) / 100, 2)
    net = round(amount - discount, 2)
    tax = round(net * 0.09, 2)
    code, description = rng.choice(SERVICES)
    return {
        "billing_date": billed.isoformat(),
        "due_date": due.isoformat(),
        "amount": amount,
        "currency": "INR",
        "payment_type": rng.choice(PAYMENT_TYPES),
        "insurance_covered": rng.choice(("Yes", "No")),
        "insurance_id": f"INS{rng.randrange(10_000, 100_000)}",
        "insurance_provider": rng.choice(INSURERS[:3]),
        "service_code": code,
        "service_description": description,
        "department": rng.choice(DEPARTMENTS[:5]),
        "discount_applied": discount,
        "net_amount": net,
        "tax": tax,
        "total_amount": round(net + tax, 2),
        "status": rng.choice(PAYMENT_STATUSES),
        "receipt_number": f"RCPT{rng.randrange(10**6):06d}",
        "remarks": rng.choice(sentences()) if rng.random() < 0.6 else None,
    }
