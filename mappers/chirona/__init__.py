"""Chirona as FHIR R4: what its 15 tables state, contradictions reported, nothing invented."""

from __future__ import annotations

from mappers.base import Mapping
from mappers.chirona.accounts import to_charged_test, to_charged_treatment, to_invoice, to_payment
from mappers.chirona.care import to_appointment, to_encounter, to_test, to_treatment
from mappers.chirona.people import admin_findings, doctor_findings, to_patient, to_practitioner, to_role
from mappers.chirona.places import shift_findings, to_location, to_schedule

MAPPINGS = (
    Mapping("staff", own=(to_practitioner, to_role)),
    Mapping("doctor", own=(doctor_findings,)),
    Mapping("adminstaff", own=(admin_findings,)),
    Mapping("room", own=(to_location,)),
    Mapping("patient", own=(to_patient,)),
    Mapping("shift", own=(shift_findings,)),
    Mapping("shiftassignment", own=(to_schedule,)),
    Mapping("appointment", own=(to_appointment,)),
    Mapping("medicaltest", own=(to_test,)),
    Mapping("admission", own=(to_encounter,)),
    Mapping("treatment", own=(to_treatment,)),
    Mapping("medicaltestinvoice", own=(to_charged_test,)),
    Mapping("treatmentinvoice", own=(to_charged_treatment,)),
    Mapping("invoice", own=(to_invoice,)),
    Mapping("payment", own=(to_payment,)),
)
