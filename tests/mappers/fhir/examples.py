"""Valid R4 resources, one a type that is served or soon will be: small, but with every backbone that has rules."""

from __future__ import annotations

from typing import Any

UUID = "3f0b8a3e-4b39-5c3a-9a56-0c2b6a1e7a10"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
PATIENT = {"reference": f"Patient/{UUID}", "identifier": {"system": "urn:x", "value": "1"}, "display": "A. Kumar"}
LOGICAL = {"type": "Patient", "identifier": {"system": "urn:x", "value": "1"}, "display": "A. Kumar"}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _ref(kind: str) -> dict[str, Any]:
    return {"reference": f"{kind}/{UUID}"}


TEXT = {"text": "free text"}
PERIOD = {"start": "2024-02-29T10:00:00+05:30", "end": "2024-03-01"}
MONEY = {"value": 12.5, "currency": "INR"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "Patient": {
        "id": UUID,
        "meta": {
            "source": "urn:fhir-gateway:source:his_a",
            "tag": [{"system": "urn:fhir-gateway:source", "code": "his_a"}],
        },
        "identifier": [{"use": "usual", "system": "urn:x", "value": "P1", "period": PERIOD}],
        "active": True,
        "name": [{"family": "Kumar", "given": ["Asha", None], "_given": [None, ABSENT]}],
        "telecom": [{"system": "phone", "value": "+91 1", "use": "home", "rank": 1}],
        "gender": "female",
        "_birthDate": ABSENT,
        "deceasedBoolean": False,
        "address": [{"line": ["12 High St"], "city": "Pune", "type": "postal"}],
        "contact": [{"name": {"text": "R. Kumar"}, "organization": _ref("Organization")}],
        "communication": [{"language": TEXT, "preferred": True}],
        "generalPractitioner": [_ref("PractitionerRole")],
        "managingOrganization": _ref("Organization"),
        "link": [{"other": PATIENT, "type": "seealso"}],
    },
    "Practitioner": {"name": [{"text": "Dr X"}], "qualification": [{"code": TEXT, "issuer": _ref("Organization")}]},
    "PractitionerRole": {
        "practitioner": _ref("Practitioner"),
        "availableTime": [{"daysOfWeek": ["mon"], "availableStartTime": "08:00:00"}],
    },
    "Encounter": {
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": LOGICAL,
        "statusHistory": [{"status": "entered-in-error", "period": PERIOD}],
        "participant": [{"individual": _ref("Practitioner")}],
        "period": {"start": "2024", "end": "2024-02"},
        "length": {"value": 2, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"},
        "diagnosis": [{"condition": _ref("Condition"), "rank": 1}],
        "location": [{"location": _ref("Location"), "status": "completed"}],
    },
    "Condition": {
        "clinicalStatus": concept(CLINICAL, "recurrence"),
        "verificationStatus": concept(VERIFICATION, "confirmed"),
        "code": TEXT,
        "subject": PATIENT,
        "onsetDateTime": "2023-01",
        "recordedDate": "2023-01-31",
        "stage": [{"summary": TEXT}],
        "evidence": [{"code": [TEXT]}],
    },
    "Claim": {
        "status": "active",
        "type": concept("http://terminology.hl7.org/CodeSystem/claim-type", "institutional"),
        "use": "claim",
        "patient": PATIENT,
        "_created": ABSENT,
        "provider": _ref("Organization"),
        "priority": TEXT,
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "Insurer"}}],
        "item": [{"sequence": 1, "productOrService": TEXT, "net": MONEY}],
        "total": MONEY,
    },
    "Organization": {
        "identifier": [{"value": "1"}],
        "name": "H",
        "telecom": [{"system": "phone", "value": "1", "use": "work"}],
        "address": [{"use": "work", "city": "P"}],
    },
    "Location": {
        "status": "active",
        "name": "Ward",
        "mode": "instance",
        "position": {"longitude": 1.5, "latitude": -2},
    },
    "Coverage": {
        "status": "active",
        "beneficiary": PATIENT,
        "payor": [_ref("Organization")],
        "period": {"start": "2024-01-01", "end": "2024-01-01"},
    },
    "Observation": {
        "status": "unknown",
        "code": concept("http://loinc.org", "85354-9"),
        "subject": PATIENT,
        "effectiveDateTime": "2024-02-29T23:59:60Z",
        "issued": "2024-02-29T23:59:59.123Z",
        "referenceRange": [{"low": {"value": 1, "unit": "mm"}, "high": {"value": 2, "unit": "mm"}}],
        "component": [
            {
                "code": concept("http://loinc.org", "8480-6"),
                "valueQuantity": {
                    "value": 120,
                    "comparator": "<",
                    "system": "http://unitsofmeasure.org",
                    "code": "mm[Hg]",
                },
            }
        ],
    },
    "AllergyIntolerance": {
        "clinicalStatus": concept(ALLERGY, "active"),
        "verificationStatus": concept(ALLERGY_VERIFICATION, "unconfirmed"),
        "type": "allergy",
        "category": ["food"],
        "criticality": "low",
        "patient": PATIENT,
        "reaction": [{"manifestation": [TEXT], "severity": "mild"}],
    },
    "Invoice": {
        "status": "issued",
        "subject": PATIENT,
        "totalGross": MONEY,
        "lineItem": [
            {"sequence": 1, "chargeItemCodeableConcept": TEXT, "priceComponent": [{"type": "base", "amount": MONEY}]}
        ],
    },
    "ChargeItem": {
        "status": "billed",
        "code": TEXT,
        "subject": PATIENT,
        "quantity": {"value": 1},
        "occurrenceDateTime": "2024-01-01",
    },
    "CarePlan": {
        "status": "unknown",
        "intent": "plan",
        "subject": PATIENT,
        "activity": [
            {"detail": {"status": "not-started", "scheduledPeriod": PERIOD}},
            {
                "detail": {
                    "status": "unknown",
                    "scheduledTiming": {
                        "repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN"], "offset": 5}
                    },
                }
            },
        ],
    },
    "ServiceRequest": {"status": "unknown", "intent": "order", "subject": PATIENT, "code": TEXT, "orderDetail": [TEXT]},
    "DiagnosticReport": {
        "status": "final",
        "code": TEXT,
        "subject": PATIENT,
        "presentedForm": [{"contentType": "text/plain", "data": "YWJj"}],
    },
    "Appointment": {
        "status": "booked",
        "start": "2024-01-01T10:00:00Z",
        "_end": ABSENT,
        "participant": [{"actor": PATIENT, "status": "accepted"}],
    },
    "MedicationRequest": {
        "status": "unknown",
        "intent": "order",
        "medicationCodeableConcept": TEXT,
        "subject": PATIENT,
        "dosageInstruction": [{"text": "1-0-1", "timing": {"code": TEXT}}],
    },
    "DocumentReference": {
        "status": "current",
        "subject": PATIENT,
        "content": [{"attachment": {"title": "Note", "_url": ABSENT}}],
    },
    "Procedure": {"status": "unknown", "subject": PATIENT, "performedPeriod": PERIOD},
    "MedicationStatement": {"status": "unknown", "medicationCodeableConcept": TEXT, "subject": PATIENT},
    "MedicationAdministration": {
        "status": "completed",
        "medicationCodeableConcept": TEXT,
        "subject": PATIENT,
        "effectivePeriod": PERIOD,
        "dosage": {"dose": {"value": 1, "unit": "mg"}},
    },
    "Medication": {
        "code": TEXT,
        "status": "active",
        "ingredient": [
            {"itemCodeableConcept": TEXT, "strength": {"numerator": {"value": 1}, "denominator": {"value": 1}}}
        ],
    },
    "CareTeam": {"status": "active", "subject": PATIENT, "participant": [{"member": _ref("Practitioner")}]},
    "ClaimResponse": {
        "status": "active",
        "type": TEXT,
        "use": "claim",
        "patient": PATIENT,
        "created": "2024-01-01",
        "insurer": {"display": "Insurer"},
        "outcome": "complete",
    },
    "PaymentReconciliation": {
        "status": "active",
        "created": "2024-01-01",
        "paymentDate": "2024-01-01",
        "paymentAmount": MONEY,
        "detail": [{"type": TEXT}],
    },
    "Schedule": {"actor": [_ref("Practitioner")], "planningHorizon": PERIOD},
    "Device": {
        "status": "active",
        "deviceName": [{"name": "Pump", "type": "user-friendly-name"}],
        "udiCarrier": [{"entryType": "unknown"}],
    },
    "SupplyDelivery": {
        "status": "completed",
        "patient": PATIENT,
        "type": concept("http://terminology.hl7.org/CodeSystem/supply-item-type", "device"),
    },
    "Person": {"name": [{"text": "A"}], "link": [{"target": PATIENT, "assurance": "level2"}]},
    "Provenance": {
        "target": [_ref("Patient")],
        "recorded": "2024-01-01T10:00:00Z",
        "agent": [{"who": _ref("Organization")}],
        "entity": [{"role": "source", "what": {"identifier": {"value": "f"}}}],
    },
    "Bundle": {
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": "http://x/fhir/Patient"}],
        "entry": [
            {
                "fullUrl": "http://x/fhir/Patient/1",
                "resource": {"resourceType": "Patient", "id": "1"},
                "search": {"mode": "match"},
            }
        ],
    },
    "OperationOutcome": {
        "issue": [{"severity": "error", "code": "business-rule", "diagnostics": "x", "expression": ["Patient.gender"]}]
    },
    "CapabilityStatement": {
        "status": "active",
        "date": "2024-01-01",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "implementation": {"description": "x", "url": "http://x/fhir"},
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {
                        "type": "Patient",
                        "interaction": [{"code": "read"}],
                        "searchParam": [{"name": "family", "type": "string"}],
                    }
                ],
            }
        ],
    },
    "Parameters": {
        "parameter": [
            {"name": "resource", "resource": {"resourceType": "Patient"}},
            {"name": "n", "valueInteger": 1},
            {"name": "p", "part": [{"name": "q", "valueString": "x"}]},
        ]
    },
    "HealthcareService": {"active": True, "name": "Clinic", "location": [_ref("Location")]},
}
for _kind, _example in EXAMPLES.items():
    _example["resourceType"] = _kind
