"""HIS_C's rows in its own words, and under which spellings its columns are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from his_adapters.his_c.cells import (
    Contact,
    ContactField,
    EmergencyPerson,
    EmergencyPersonField,
    Label,
    Place,
    PlaceField,
)
from his_adapters.native_fields import WordOrAmount
from his_adapters.tabular import Dataset


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One visit of one patient: the row has no admission date. Packed cells and flat columns may both be there."""

    patient_id: str
    name: str | None
    dob: date | None
    gender: str | None
    blood_group: str | None
    height_cm: Decimal | None
    weight_kg: Decimal | None
    medical_history: str | None
    allergies: str | None
    insurance_id: str | None
    insurance_provider: str | None
    primary_physician: str | None
    contact: Annotated[Contact | None, ContactField(allow_none=True)]
    contact_phone: str | None
    contact_email: str | None
    location: Annotated[Place | None, PlaceField(allow_none=True)]
    country: str | None
    state: str | None
    city: str | None
    postal_code: str | None
    emergency_person: Annotated[EmergencyPerson | None, EmergencyPersonField(allow_none=True)]
    emergency_person_name: str | None
    emergency_person_relation: str | None
    emergency_person_phone: str | None
    specialty: Annotated[str | None, Label(allow_none=True)]
    treatment_duration_days: int | None
    care_instructions: str | None
    time_bound: date | None
    department_admitted: Annotated[str | None, Label(allow_none=True)]
    current_department: Annotated[str | None, Label(allow_none=True)]
    bed_type: str | None
    patient_status: str | None
    severity: str | None

    def reached_at(self) -> Contact:
        """Phone and e-mail, whichever columns hold them."""
        return _reach(self.contact, self.contact_phone, self.contact_email)

    def home(self) -> Place:
        """The address, whichever columns hold it."""
        return self.location or Place(None, self.city, self.state, self.country, self.postal_code)

    def to_call(self) -> EmergencyPerson:
        """The emergency person, whichever columns hold them."""
        packed = self.emergency_person or EmergencyPerson()
        return EmergencyPerson(
            packed.name or self.emergency_person_name,
            packed.relation or self.emergency_person_relation,
            packed.phone or self.emergency_person_phone,
        )


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One member of staff. Salary, experience and emergency persons are not read: nothing in FHIR is theirs."""

    staff_id: str
    name: str | None
    department: Annotated[str | None, Label(allow_none=True)]
    role: str | None
    qualification: str | None
    shift: str | None
    contact: Annotated[Contact | None, ContactField(allow_none=True)]
    contact_phone: str | None
    contact_email: str | None
    address: str | None
    specialty_handled: Annotated[str | None, Label(allow_none=True)]
    joining_date: date | None

    def reached_at(self) -> Contact:
        """Phone and e-mail, whichever columns hold them."""
        return _reach(self.contact, self.contact_phone, self.contact_email)


@dataclass(frozen=True, slots=True)
class FinanceRow:
    """One bill."""

    transaction_id: str
    patient_id: str
    category: str | None
    amount: Decimal
    payment_type: str | None
    insurance_covered: Annotated[str | None, WordOrAmount(allow_none=True)]
    """`Yes` or `No`, or the amount that is claimed."""
    insurance_claim_id: str | None
    billing_date: date | None
    due_date: date | None
    status: str | None
    remarks: str | None
    special_services_charges: Decimal | None
    processed_by_staff_id: str | None


def _reach(packed: Contact | None, phone: str | None, email: str | None) -> Contact:
    found = packed or Contact()
    return Contact(found.phone or phone, found.email or email)


DATASETS = (
    Dataset("staff", "staff_id", StaffRow, {"specialty_assigned": "specialty_handled"}),
    Dataset("patients", "patient_id", PatientRow, {"duration_days": "treatment_duration_days"}),
    Dataset(
        "finance",
        "transaction_id",
        FinanceRow,
        {"transaction_date": "billing_date", "payment_method": "payment_type", "payment_status": "status"},
        strict=frozenset({"special_services_charges"}),
    ),
)
"""Those that others refer to come first."""
