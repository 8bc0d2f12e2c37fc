"""mappers.fhir.check: what R4 forbids is found where it stands and by its name; what R4 allows is not.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import copy
import importlib.util
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.fhir import definitions
from mappers.fhir.check import Finding, check, judge

_spec = importlib.util.spec_from_file_location("examples", Path(__file__).with_name("examples.py"))
assert _spec is not None
assert _spec.loader is not None
examples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(examples)
EXAMPLES, ABSENT, concept = examples.EXAMPLES, examples.ABSENT, examples.concept

DROP = object()


def changed(kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The example with the value at each dotted path replaced, added or (DROP) taken away."""
    resource = json.loads(json.dumps(EXAMPLES[kind]))  # no part of it shared
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = resource
        for step in steps:
            place = place[step]
        if value is DROP:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return resource


ENDED = concept(examples.CLINICAL, "resolved")
IN_ERROR = concept(examples.VERIFICATION, "entered-in-error")
ALLERGY_IN_ERROR = concept(examples.ALLERGY_VERIFICATION, "entered-in-error")
TEXT, PATIENT = examples.TEXT, examples.PATIENT
CONTAINED = {"resourceType": "Practitioner", "id": "p", "name": [{"text": "X"}]}
LOCAL = {"reference": "#p"}

# type, changes to the valid example, path of the finding, rule
FAULTS: list[tuple[str, dict[str, Any], str, str]] = [
    # structure
    ("Patient", {"nickname": "x"}, "Patient.nickname", "unknown-element"),
    ("Patient", {"name.0.middle": "x"}, "Patient.name[0].middle", "unknown-element"),
    ("Patient", {"fhir_comments": "x"}, "Patient", "unknown-element"),
    ("Patient", {"name": {"text": "x"}}, "Patient.name", "type"),
    ("Patient", {"active": "true"}, "Patient.active", "type"),
    ("Patient", {"name.0.family": 5}, "Patient.name[0].family", "type"),
    ("Patient", {"birthDate": None}, "Patient.birthDate", "type"),
    ("Patient", {"gender": ["female"]}, "Patient.gender", "binding"),
    ("Patient", {"_active": {"id": "x"}}, "Patient._active", "ele-1"),
    ("Patient", {"name": []}, "Patient.name", "empty"),
    ("Patient", {"name": [{}]}, "Patient.name[0]", "empty"),
    ("Patient", {"address.0": {"id": "a"}}, "Patient.address[0]", "ele-1"),
    ("Patient", {"name.0._given": DROP}, "Patient.name[0].given", "type"),
    ("Patient", {"name.0.family": ""}, "Patient.name[0].family", "format"),
    ("Patient", {"name.0.family": "  "}, "Patient.name[0].family", "format"),
    ("Patient", {"name.0.family": "a\x00b"}, "Patient.name[0].family", "format"),
    ("Patient", {"deceasedDateTime": "2024"}, "Patient.deceased", "choice"),
    ("Patient", {"_deceasedDateTime": ABSENT}, "Patient.deceased", "choice"),
    ("Observation", {"component.0.valueString": "x"}, "Observation.component[0].value", "choice"),
    (
        "Patient",
        {"extension": [{"url": "urn:x", "valueString": "a", "valueCode": "a"}]},
        "Patient.extension[0].value",
        "choice",
    ),
    # formats
    ("Patient", {"id": "a_b"}, "Patient.id", "format"),
    ("Patient", {"id": "a" * 65}, "Patient.id", "format"),
    ("Patient", {"birthDate": "2023-02-30"}, "Patient.birthDate", "format"),
    ("Patient", {"birthDate": "1900-02-29"}, "Patient.birthDate", "format"),
    ("Patient", {"birthDate": "2023-02-3"}, "Patient.birthDate", "format"),
    ("Patient", {"birthDate": "2023-01-01\n"}, "Patient.birthDate", "format"),
    ("Patient", {"birthDate": "0000"}, "Patient.birthDate", "format"),
    ("Patient", {"telecom.0.rank": 0}, "Patient.telecom[0].rank", "format"),
    ("Patient", {"telecom.0.rank": 1.0}, "Patient.telecom[0].rank", "format"),
    ("Patient", {"telecom.0.rank": True}, "Patient.telecom[0].rank", "type"),
    ("Patient", {"identifier.0.system": "a b"}, "Patient.identifier[0].system", "format"),
    ("Observation", {"effectiveDateTime": "2024-02-28T10:00:00"}, "Observation.effectiveDateTime", "format"),
    ("Observation", {"issued": "2024-02-28"}, "Observation.issued", "format"),
    ("Observation", {"issued": "2024-02-28T24:00:00Z"}, "Observation.issued", "format"),
    (
        "PractitionerRole",
        {"availableTime.0.availableStartTime": "8:00"},
        "PractitionerRole.availableTime[0].availableStartTime",
        "format",
    ),
    ("DiagnosticReport", {"presentedForm.0.data": "a"}, "DiagnosticReport.presentedForm[0].data", "format"),
    ("Claim", {"total.value": "12"}, "Claim.total.value", "type"),
    ("Patient", {"text": {"status": "generated", "div": "<p>x</p>"}}, "Patient.text.div", "format"),
    # cardinalities
    ("Condition", {"subject": DROP}, "Condition.subject", "required"),
    ("Encounter", {"status": DROP}, "Encounter.status", "required"),
    ("Encounter", {"class": DROP}, "Encounter.class", "required"),
    ("Encounter", {"diagnosis.0.condition": DROP}, "Encounter.diagnosis[0].condition", "required"),
    ("Encounter", {"location.0.location": DROP}, "Encounter.location[0].location", "required"),
    ("Claim", {"_created": DROP}, "Claim.created", "required"),
    ("Claim", {"insurance": DROP}, "Claim.insurance", "required"),
    ("Claim", {"insurance.0.focal": DROP}, "Claim.insurance[0].focal", "required"),
    ("Claim", {"item.0.productOrService": DROP}, "Claim.item[0].productOrService", "required"),
    ("Invoice", {"lineItem.0.chargeItemCodeableConcept": DROP}, "Invoice.lineItem[0].chargeItem", "required"),
    ("Invoice", {"lineItem.0.priceComponent.0.type": DROP}, "Invoice.lineItem[0].priceComponent[0].type", "required"),
    (
        "AllergyIntolerance",
        {"reaction.0.manifestation": DROP},
        "AllergyIntolerance.reaction[0].manifestation",
        "required",
    ),
    ("MedicationAdministration", {"effectivePeriod": DROP}, "MedicationAdministration.effective", "required"),
    ("Patient", {"extension": [{"valueString": "x"}]}, "Patient.extension[0].url", "required"),
    ("PaymentReconciliation", {"detail.0": {"date": "2024-01-01"}}, "PaymentReconciliation.detail[0].type", "required"),
    # bindings
    ("Patient", {"gender": "M"}, "Patient.gender", "binding"),
    ("Encounter", {"status": "+"}, "Encounter.status", "binding"),
    ("Encounter", {"statusHistory.0.status": "done"}, "Encounter.statusHistory[0].status", "binding"),
    ("Claim", {"total.currency": "Rs"}, "Claim.total.currency", "binding"),
    ("Condition", {"clinicalStatus": TEXT}, "Condition.clinicalStatus", "binding"),
    ("Condition", {"clinicalStatus": concept("urn:x", "active")}, "Condition.clinicalStatus", "binding"),
    ("Condition", {"clinicalStatus": concept(examples.CLINICAL, "cured")}, "Condition.clinicalStatus", "binding"),
    (
        "Condition",
        {"verificationStatus": concept(examples.CLINICAL, "active")},
        "Condition.verificationStatus",
        "binding",
    ),
    (
        "AllergyIntolerance",
        {"clinicalStatus": concept(examples.ALLERGY, "recurrence")},
        "AllergyIntolerance.clinicalStatus",
        "binding",
    ),
    ("AllergyIntolerance", {"category": ["pollen"]}, "AllergyIntolerance.category[0]", "binding"),
    ("SupplyDelivery", {"type": TEXT}, "SupplyDelivery.type", "binding"),
    ("OperationOutcome", {"issue.0.code": "oops"}, "OperationOutcome.issue[0].code", "binding"),
    (
        "Observation",
        {"component.0.valueQuantity.comparator": "ad"},
        "Observation.component[0].valueQuantity.comparator",
        "binding",
    ),
    # references
    ("Condition", {"subject": {"reference": "Practitioner/1"}}, "Condition.subject.reference", "target"),
    ("Condition", {"subject": {"type": "Device", "identifier": {"value": "1"}}}, "Condition.subject.type", "target"),
    ("Condition", {"subject": {"reference": "Patient/a b"}}, "Condition.subject.reference", "format"),
    ("Condition", {"subject": {"reference": "1"}}, "Condition.subject.reference", "format"),
    ("Condition", {"subject": {"reference": "#p"}}, "Condition.subject.reference", "ref-1"),
    ("Observation", {"subject": {"reference": "Organization/1"}}, "Observation.subject.reference", "target"),
    ("Provenance", {"target.0": {"reference": "Patience/1"}}, "Provenance.target[0].reference", "format"),
    # invariants of data types
    ("Encounter", {"period": {"start": "2024-03", "end": "2024-02-29"}}, "Encounter.period", "per-1"),
    (
        "Encounter",
        {"period": {"start": "2024-01-01T10:00:00+05:30", "end": "2024-01-01T04:00:00Z"}},
        "Encounter.period",
        "per-1",
    ),
    ("ChargeItem", {"quantity": {"value": 1, "code": "d"}}, "ChargeItem.quantity", "qty-3"),
    ("Encounter", {"length.system": "urn:x"}, "Encounter.length", "drt-1"),
    ("Condition", {"onsetDateTime": DROP, "onsetAge": {"value": 3}}, "Condition.onsetAge", "age-1"),
    (
        "Condition",
        {"onsetDateTime": DROP, "onsetRange": {"low": {"value": 3}, "high": {"value": 2}}},
        "Condition.onsetRange",
        "rng-2",
    ),
    ("Medication", {"ingredient.0.strength.denominator": DROP}, "Medication.ingredient[0].strength", "rat-1"),
    ("Patient", {"telecom.0.system": DROP}, "Patient.telecom[0]", "cpt-2"),
    ("DiagnosticReport", {"presentedForm.0.contentType": DROP}, "DiagnosticReport.presentedForm[0]", "att-1"),
    ("Patient", {"extension": [{"url": "urn:x"}]}, "Patient.extension[0]", "ext-1"),
    (
        "Patient",
        {"extension": [{"url": "urn:x", "valueString": "a", "extension": [{"url": "y", "valueCode": "b"}]}]},
        "Patient.extension[0]",
        "ext-1",
    ),
    (
        "CarePlan",
        {"activity.1.detail.scheduledTiming.repeat.periodUnit": DROP},
        "CarePlan.activity[1].detail.scheduledTiming.repeat",
        "tim-2",
    ),
    (
        "CarePlan",
        {"activity.1.detail.scheduledTiming.repeat.duration": 1},
        "CarePlan.activity[1].detail.scheduledTiming.repeat",
        "tim-1",
    ),
    (
        "CarePlan",
        {"activity.1.detail.scheduledTiming.repeat.period": -1},
        "CarePlan.activity[1].detail.scheduledTiming.repeat",
        "tim-5",
    ),
    (
        "CarePlan",
        {"activity.1.detail.scheduledTiming.repeat.countMax": 2},
        "CarePlan.activity[1].detail.scheduledTiming.repeat",
        "tim-8",
    ),
    (
        "CarePlan",
        {"activity.1.detail.scheduledTiming.repeat.when.0": "CM"},
        "CarePlan.activity[1].detail.scheduledTiming.repeat",
        "tim-9",
    ),
    (
        "CarePlan",
        {"activity.1.detail.scheduledTiming.repeat.timeOfDay": ["08:00:00"]},
        "CarePlan.activity[1].detail.scheduledTiming.repeat",
        "tim-10",
    ),
    # invariants of resources
    ("Organization", {"name": DROP, "identifier": DROP}, "Organization", "org-1"),
    ("Organization", {"address.0.use": "home"}, "Organization", "org-2"),
    ("Organization", {"telecom.0.use": "home"}, "Organization", "org-3"),
    ("Patient", {"contact.0": {"gender": "male"}}, "Patient.contact[0]", "pat-1"),
    ("Condition", {"abatementDateTime": "2024"}, "Condition", "con-4"),
    ("Condition", {"verificationStatus": IN_ERROR}, "Condition", "con-5"),
    ("Condition", {"stage.0": {"type": TEXT}}, "Condition.stage[0]", "con-1"),
    ("Condition", {"evidence.0": {"extension": [{"url": "u", "valueCode": "c"}]}}, "Condition.evidence[0]", "con-2"),
    ("Observation", {"valueString": "x", "dataAbsentReason": TEXT}, "Observation", "obs-6"),
    (
        "Observation",
        {"valueString": "x", "component.0.code": concept("http://loinc.org", "85354-9")},
        "Observation",
        "obs-7",
    ),
    ("Observation", {"referenceRange.0": {"type": TEXT}}, "Observation.referenceRange[0]", "obs-3"),
    ("AllergyIntolerance", {"clinicalStatus": DROP}, "AllergyIntolerance", "ait-1"),
    ("AllergyIntolerance", {"verificationStatus": ALLERGY_IN_ERROR}, "AllergyIntolerance", "ait-2"),
    ("MedicationAdministration", {"dosage": {"text": "1"}}, "MedicationAdministration.dosage", "mad-1"),
    ("Appointment", {"participant.0.actor": DROP}, "Appointment.participant[0]", "app-1"),
    ("Appointment", {"status": "cancelled", "_end": DROP}, "Appointment", "app-2"),
    ("Appointment", {"start": DROP, "_end": DROP}, "Appointment", "app-3"),
    ("Appointment", {"cancelationReason": TEXT}, "Appointment", "app-4"),
    ("CarePlan", {"activity.0.reference": {"reference": "ServiceRequest/1"}}, "CarePlan.activity[0]", "cpl-3"),
    ("ServiceRequest", {"code": DROP}, "ServiceRequest", "prr-1"),
    ("Bundle", {"type": "collection", "entry.0.search": DROP}, "Bundle", "bdl-1"),
    (
        "Bundle",
        {"type": "history", "entry.0.request": {"method": "PUT", "url": "x"}, "entry.0.response": {"status": "200"}},
        "Bundle",
        "bdl-2",
    ),
    ("Bundle", {"entry.0.request": {"method": "PUT", "url": "x"}}, "Bundle", "bdl-3"),
    ("Bundle", {"entry.0.response": {"status": "200"}}, "Bundle", "bdl-4"),
    ("Bundle", {"entry.0": {"search": {"mode": "match"}}}, "Bundle.entry[0]", "bdl-5"),
    (
        "Bundle",
        {"entry.1": {"fullUrl": "http://x/fhir/Patient/1", "resource": {"resourceType": "Patient"}}},
        "Bundle",
        "bdl-7",
    ),
    ("Bundle", {"entry.0.fullUrl": "http://x/fhir/Patient/1/_history/1"}, "Bundle.entry[0]", "bdl-8"),
    ("CapabilityStatement", {"implementation": DROP, "description": "x"}, "CapabilityStatement", "cpb-14"),
    ("CapabilityStatement", {"rest.0.resource.1": {"type": "Patient"}}, "CapabilityStatement.rest[0]", "cpb-9"),
    ("Parameters", {"parameter.1.resource": {"resourceType": "Patient"}}, "Parameters.parameter[1]", "inv-1"),
    # resources inside resources
    ("Bundle", {"entry.0.resource.gender": "M"}, "Bundle.entry[0].resource.gender", "binding"),
    ("Bundle", {"entry.0.resource.resourceType": "Patience"}, "Bundle.entry[0].resource", "unknown-type"),
    ("Parameters", {"parameter.0.resource.birthDate": "x"}, "Parameters.parameter[0].resource.birthDate", "format"),
    ("Patient", {"contained": [CONTAINED]}, "Patient.contained[0]", "dom-3"),
    (
        "Patient",
        {"contained": [CONTAINED | {"meta": {"versionId": "1"}}], "generalPractitioner": [LOCAL]},
        "Patient.contained[0]",
        "dom-4",
    ),
    (
        "Patient",
        {"contained": [CONTAINED | {"meta": {"security": [{"code": "R"}]}}], "generalPractitioner": [LOCAL]},
        "Patient.contained[0]",
        "dom-5",
    ),
    (
        "Patient",
        {"contained": [CONTAINED | {"gender": "M"}], "generalPractitioner": [LOCAL]},
        "Patient.contained[0].gender",
        "binding",
    ),
    # no JSON
    ("Claim", {"total.value": float("nan")}, "Claim.total.value", "type"),
    ("Claim", {"total.value": Decimal("NaN")}, "Claim.total.value", "type"),
    ("Patient", {"birthDate": date(2020, 1, 1)}, "Patient", "json"),
]


@pytest.mark.parametrize(
    ("kind", "changes", "path", "rule"), FAULTS, ids=[f"{f[3]} {f[2]} {n}" for n, f in enumerate(FAULTS)]
)
def test_a_fault_is_found_at_its_place_by_its_name_and_alone(
    kind: str, changes: dict[str, Any], path: str, rule: str
) -> None:
    found = check(changed(kind, changes))
    assert [(finding.path, finding.rule) for finding in found] == [(path, rule)]
    assert all(finding.reason for finding in found)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_valid_resource_has_no_findings_and_the_judge_agrees(kind: str) -> None:
    before = copy.deepcopy(EXAMPLES[kind])
    assert check(EXAMPLES[kind]) == []
    assert judge(EXAMPLES[kind]) == []
    assert EXAMPLES[kind] == before


ALLOWED: list[tuple[str, dict[str, Any]]] = [
    ("Encounter", {"status": DROP, "_status": ABSENT}),
    ("Condition", {"clinicalStatus": ENDED, "abatementDateTime": "2024"}),
    ("Condition", {"clinicalStatus": DROP, "verificationStatus": IN_ERROR}),
    ("Condition", {"subject": {"reference": "https://other.example/fhir/Patient/1"}}),
    ("Condition", {"subject": {"reference": "urn:uuid:3f0b8a3e-4b39-5c3a-9a56-0c2b6a1e7a10"}}),
    ("AllergyIntolerance", {"clinicalStatus": DROP, "verificationStatus": ALLERGY_IN_ERROR}),
    ("MedicationAdministration", {"effectivePeriod": DROP, "_effectiveDateTime": ABSENT}),
    ("Claim", {"total.value": Decimal("12.30")}),
    ("Claim", {"total.value": 12}),
    ("Patient", {"birthDate": "2000-02-29"}),
    ("Patient", {"name.0.family": "O\u2019Brien \u0928\u093e\u092e \U0001f600\n"}),
    ("Patient", {"contained": [CONTAINED], "generalPractitioner": [LOCAL]}),
    ("Patient", {"extension": [{"url": "urn:x", "valueMeta": {"source": "urn:x"}}]}),
    ("Patient", {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}}),
    ("Encounter", {"period": {"start": "2024-01-01T23:00:00Z", "end": "2024-01-01"}}),
    ("Encounter", {"period": {"start": "2024-01-01T10:00:00.5Z", "end": "2024-01-01T10:00:00.50Z"}}),
]


@pytest.mark.parametrize(
    ("kind", "changes"), ALLOWED, ids=[f"{a[0]} {' '.join(a[1])} {n}" for n, a in enumerate(ALLOWED)]
)
def test_what_r4_allows_is_not_a_finding(kind: str, changes: dict[str, Any]) -> None:
    assert check(changed(kind, changes)) == []


@pytest.mark.parametrize("kind", [None, 5, "Patience", "Resource", "MedicinalProduct", ["Patient"]], ids=str)
def test_an_unknown_type_is_a_finding_of_both(kind: Any) -> None:
    assert [finding.rule for finding in check({"resourceType": kind})] == ["unknown-type"]
    assert [finding.rule for finding in judge({"resourceType": kind})] == ["unknown-type"]


@pytest.mark.parametrize("kind", [None, 0, "Patience", ["Patient"], {"x": 1}], ids=str)
def test_a_broken_resource_inside_another_is_a_finding_and_no_exception(kind: Any) -> None:
    """fhir.resources raises KeyError or TypeError here; the judge does not."""
    resource = changed("Bundle", {"entry.0.resource.resourceType": kind})
    assert [finding.rule for finding in check(resource)] == ["unknown-type"]
    assert judge(resource)


def test_a_finding_names_no_value() -> None:
    """Neither a value nor a name that could be one is in a finding."""
    resource = changed("Patient", {"gender": "SECRET1", "Asha Kumar 1990": 1, "birthDate": "SECRET2"})
    shown = repr(check(resource)) + repr(judge(resource))
    assert "SECRET" not in shown
    assert "Asha" not in shown


def test_every_fault_is_counted_once() -> None:
    """Two faults are two findings, in one pass."""
    found = check(changed("Patient", {"gender": "M", "birthDate": "2023-02-30"}))
    assert sorted(finding.path for finding in found) == ["Patient.birthDate", "Patient.gender"]
    assert isinstance(found[0], Finding)


# --- the mutation law -----------------------------------------------------------------------------------------------


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a resource."""
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [place for key, part in pairs for place in [(value, key), *_places(part)]]


JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, "", " ", "x y", "2023-02-30", "\u00e9", [], {}, [None], [{}], {"x": 1}, ["a"]]
)


@given(data=st.data(), kind=st.sampled_from(sorted(EXAMPLES)))
def test_check_finds_something_whenever_the_judge_does(data: st.DataObject, kind: str) -> None:
    """A random unknown key, wrong value or lost element: what the R4B model rejects, check rejects too."""
    resource = json.loads(json.dumps(EXAMPLES[kind]))  # no part of it shared
    container, key = data.draw(st.sampled_from(_places(resource)))
    match data.draw(st.sampled_from(["junk", "drop", "unknown"])):
        case "junk":
            container[key] = data.draw(JUNK)
        case "drop":
            del container[key]
        case _ if isinstance(container, dict):
            container["unheardOf"] = data.draw(JUNK)
        case _:
            container.append(data.draw(JUNK))
    if judge(resource):
        assert check(resource)


@given(data=st.data())
def test_a_lost_mandatory_element_is_found_in_every_type(data: st.DataObject) -> None:
    """Every type that can be checked misses what R4 demands of it when it is empty."""
    kind = data.draw(st.sampled_from(definitions.RESOURCE_TYPES))
    missing = {finding.path for finding in check({"resourceType": kind}) if finding.rule == "required"}
    demanded = {element.choice or element.name for element in definitions.elements(kind) if element.required}
    assert missing == {f"{kind}.{name}" for name in demanded}
