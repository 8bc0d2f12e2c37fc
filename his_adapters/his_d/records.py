"""HIS_D's rows in its own words, its packed cells taken apart, and under which spellings its columns are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from marshmallow import fields

from his_adapters.his_d.test_results import Finding, results_in
from his_adapters.native_fields import WordOrAmount, cleaned
from his_adapters.packed_cells import city_state_country, name_and_relation, phone_and_email
from his_adapters.tabular import Dataset


class Place(NamedTuple):
    """A cell `City, State, Country`: as it stands, and its parts where it has three."""

    text: str
    city: str | None
    state: str | None
    country: str | None


class Contact(NamedTuple):
    """A cell `phone, email`."""

    phone: str | None
    email: str | None


class EmergencyPerson(NamedTuple):
    """A cell `Name (Relation)`."""

    name: str | None
    relation: str | None


class Results(NamedTuple):
    """A cell of test results: as it stands, and the pairs in it."""

    text: str
    pairs: tuple[Finding, ...]


class PlaceField(fields.Field[Place | None]):
    """`City, State, Country`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Place | None:
        text = cleaned(value)
        return Place(text, *city_state_country(text)) if text else None


class ContactField(fields.Field[Contact | None]):
    """`phone, email`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Contact | None:
        text = cleaned(value)
        return Contact(*phone_and_email(text)) if text else None


class EmergencyPersonField(fields.Field[EmergencyPerson | None]):
    """`Name (Relation)`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> EmergencyPerson | None:
        text = cleaned(value)
        return EmergencyPerson(*name_and_relation(text)) if text else None


class ResultsField(fields.Field[Results | None]):
    """JSON, Python-dict text or `CEA: 4.2 ng/mL; Hb: 10.9 g/dL`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Results | None:
        text = cleaned(value)
        return Results(text, results_in(text)) if text else None


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One stay of one patient: the row has no admission date."""

    patient_id: str
    name: str | None
    dob: date | None
    gender: str | None
    blood_group: str | None
    height_cm: Decimal | None
    weight_kg: Decimal | None
    location: Annotated[Place | None, PlaceField(allow_none=True)]
    contact: Annotated[Contact | None, ContactField(allow_none=True)]
    emergency_person: Annotated[EmergencyPerson | None, EmergencyPersonField(allow_none=True)]
    insurance_id: str | None
    insurance_provider: str | None
    primary_physician: str | None
    medical_history: str | None
    allergies: str | None
    disease: str | None
    patient_status: str | None
    severity: str | None
    department_admitted: str | None
    current_department: str | None
    bed_type: str | None
    stage_or_danger: str | None
    need_of_surgery: str | None
    treatment_plan: str | None
    test_results: Annotated[Results | None, ResultsField(allow_none=True)]
    followup_date: date | None


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One member of staff."""

    staff_id: str
    name: str | None
    dob: date | None
    gender: str | None
    department: str | None
    role: str | None
    qualification: str | None
    specialty_handled: str | None
    certifications: str | None
    shift: str | None
    date_joined: date | None
    contact: Annotated[Contact | None, ContactField(allow_none=True)]
    email: str | None
    address: Annotated[Place | None, PlaceField(allow_none=True)]


@dataclass(frozen=True, slots=True)
class FinanceRow:
    """One bill. The original has charges and no total, the seed a total and two charges."""

    transaction_id: str
    patient_id: str
    billing_date: date | None
    due_date: date | None
    amount: Decimal | None
    treatment_cost: Decimal | None
    hospital_charges: Decimal | None
    miscellaneous_charges: Decimal | None
    surgery_charges: Decimal | None
    medication_charges: Decimal | None
    tax: Decimal | None
    discount: Decimal | None
    insurance_covered: Annotated[str | None, WordOrAmount(allow_none=True)]
    """`Yes` or `No`, or the amount that is claimed."""
    payment_type: str | None
    status: str | None
    remarks: str | None


CHARGES = ("treatment_cost", "hospital_charges", "miscellaneous_charges", "surgery_charges", "medication_charges")
"""The columns of a bill that are charges, in the order of its lines."""

DATASETS = (
    Dataset(
        "staff",
        "staff_id",
        StaffRow,
        {"position": "role", "specialization": "specialty_handled", "joining_date": "date_joined"},
    ),
    Dataset(
        "patients",
        "patient_id",
        PatientRow,
        {
            "stage_danger": "stage_or_danger",
            "surgery_required": "need_of_surgery",
            "treatment_protocol": "treatment_plan",
        },
    ),
    Dataset(
        "finance",
        "transaction_id",
        FinanceRow,
        {
            "record_id": "transaction_id",
            "insurance_claim": "insurance_covered",
            "payment_method": "payment_type",
            "payment_status": "status",
            "date": "billing_date",
        },
        strict=frozenset({"amount", "tax", "discount", *CHARGES}),
    ),
)
"""Those that others refer to come first."""
