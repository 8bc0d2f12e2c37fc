"""Hybrid EHR as FHIR R4: what its tables and notes state, its defects reported, nothing invented."""

from __future__ import annotations

from mappers.base import Mapping
from mappers.hybrid_ehr.bills import to_bill
from mappers.hybrid_ehr.notes import to_note, to_signs
from mappers.hybrid_ehr.people import to_patient, to_practitioner, to_role
from mappers.hybrid_ehr.visits import to_appointment, to_encounter, to_prescription, to_summary

MAPPINGS = (
    Mapping("doctors", own=(to_practitioner, to_role)),
    Mapping("patients", own=(to_patient,)),
    Mapping("appointments", own=(to_appointment,)),
    Mapping("medical_records", own=(to_encounter, to_summary)),
    Mapping("prescriptions", own=(to_prescription,)),
    Mapping("billing", own=(to_bill,)),
    Mapping("clinical_notes", own=(to_note, to_signs)),
)
