"""R4's invariants (`org-1`, `con-4`, `per-1`…) as JSON schemas: one table by type, each row named as R4 names it.

What JSON Schema cannot say (a period's order, distinct names) is a keyword of our own (`keywords.py`). Only errors are
here; R4's warnings (con-3, dom-6) are not. Knows no fhir.resources.
https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mappers.fhir.keywords import KEYWORDS

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A named rule: `holds` is the schema that a sound object matches."""

    rule: str
    reason: str
    holds: Schema

    def schema(self) -> Schema:
        """The schema node: one failure, reported at the object that the rule is about."""
        named = {"x-rule": self.rule, "x-reason": self.reason}
        return {**named, **self.holds} if self.holds.keys() <= KEYWORDS.keys() else {**named, "anyOf": [self.holds]}


def present(*names: str) -> Schema:
    """Any of these elements is there; a primitive also as `_name` only."""
    return {"anyOf": [{"required": [prefix + name]} for name in names for prefix in ("", "_")]}


def _every(*schemas: Schema) -> Schema:
    return {"allOf": list(schemas)}


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _not(schema: Schema) -> Schema:
    return {"not": schema}


def _if(condition: Schema, then: Schema) -> Schema:
    return {"anyOf": [{"not": condition}, then]}


def _needs(name: str, *others: str) -> Schema:
    """Where `name` is, one of the others is."""
    return _if(present(name), present(*others))


def _is(name: str, *codes: str) -> Schema:
    return {"required": [name], "properties": {name: {"enum": list(codes)}}}


def _inside(name: str, schema: Schema) -> Schema:
    """Every value of the element, if there is one, matches."""
    return {"properties": {name: {"if": {"type": "array"}, "then": {"items": schema}, "else": schema}}}


def _coded(name: str, system: str, *codes: str) -> Schema:
    """The CodeableConcept has a coding of these."""
    coding = {
        "type": "object",
        "required": ["system", "code"],
        "properties": {"system": {"const": system}, "code": {"enum": list(codes)}},
    }
    return {
        "required": [name],
        "properties": {
            name: {"type": "object", "required": ["coding"], "properties": {"coding": {"contains": coding}}}
        },
    }


def one_of_many(choice: str, names: list[str]) -> Schema:
    """At most one variant of a choice element. A schema for few variants, a keyword for the open `value[x]`."""
    named = {"x-rule": "choice", "x-reason": "has more than one value", "x-element": choice}
    if len(names) > 15:
        return {**named, "oneOfMany": names}
    exclusive = {
        prefix + name: _not(present(*(other for other in names if other != name)))
        for name in names
        for prefix in ("", "_")
        if len(names) > 1
    }
    return {**named, "anyOf": [{"dependentSchemas": exclusive}]}


_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_UCUM = {"properties": {"system": {"const": "http://unitsofmeasure.org"}}}
_ABATEMENT = ("abatementDateTime", "abatementAge", "abatementPeriod", "abatementRange", "abatementString")
_KINDS = (
    "Quantity", "CodeableConcept", "String", "Boolean", "Integer", "Range", "Ratio", "SampledData", "Time", "DateTime",
    "Period",
)  # fmt: skip
_VALUE = tuple(f"value{kind}" for kind in _KINDS)
_NOT_HOME = _not(_is("use", "home"))
_NO_MIXED_CODES = {"anyOf": [_not(_every(present(*_VALUE), present("component"))), {"componentCodes": True}]}
_EVENT_BUNDLES = ("batch", "transaction", "history")
_ANSWER_BUNDLES = ("batch-response", "transaction-response", "history")
_QTY = Invariant("qty-3", "has a unit code without its system", _needs("code", "system"))


def _entries(name: str, kinds: tuple[str, ...]) -> Schema:
    """Every entry has the element exactly if the bundle is of these kinds."""
    return _either(
        _every(_is("type", *kinds), _inside("entry", {"required": [name]})),
        _every(_not(_is("type", *kinds)), _inside("entry", _not({"required": [name]}))),
    )


def _first(resource_type: str) -> Schema:
    entry = {
        "required": ["resource"],
        "properties": {"resource": {"properties": {"resourceType": {"const": resource_type}}}},
    }
    return {"required": ["entry"], "properties": {"entry": {"prefixItems": [entry], "minItems": 1}}}


def _each(name: str, keyword: Schema) -> Schema:
    return {"properties": {name: keyword}}


INVARIANTS: Final[dict[str, tuple[Invariant, ...]]] = {
    # data types
    "Age": (
        _QTY,
        Invariant(
            "age-1",
            "is no positive UCUM age",
            _every(_needs("value", "code"), _UCUM, {"properties": {"value": {"exclusiveMinimum": 0}}}),
        ),
    ),
    "Attachment": (Invariant("att-1", "has data without a contentType", _needs("data", "contentType")),),
    "ContactPoint": (Invariant("cpt-2", "has a value without a system", _needs("value", "system")),),
    "Count": (
        _QTY,
        Invariant(
            "cnt-3",
            "is no whole UCUM count",
            _every(
                _needs("value", "code"), _UCUM, {"properties": {"code": {"const": "1"}, "value": {"multipleOf": 1}}}
            ),
        ),
    ),
    "DataRequirementCodeFilter": (
        Invariant(
            "drq-1", "needs a path or a searchParam, not both", {"oneOf": [present("path"), present("searchParam")]}
        ),
    ),
    "DataRequirementDateFilter": (
        Invariant(
            "drq-2", "needs a path or a searchParam, not both", {"oneOf": [present("path"), present("searchParam")]}
        ),
    ),
    "Distance": (_QTY, Invariant("dis-1", "is no UCUM distance", _every(_needs("value", "code"), _UCUM))),
    "Duration": (
        _QTY,
        Invariant(
            "drt-1",
            "is no UCUM duration",
            _if(present("code"), _every({"required": ["system"]}, _UCUM, present("value"))),
        ),
    ),
    "Expression": (Invariant("exp-1", "needs an expression or a reference", present("expression", "reference")),),
    "Period": (Invariant("per-1", "ends before it starts", {"periodOrder": True}),),
    "Quantity": (_QTY,),
    "Range": (Invariant("rng-2", "has a low above its high", {"lowHighOrder": True}),),
    "Ratio": (
        Invariant(
            "rat-1",
            "needs both numerator and denominator, or an extension only",
            _either(
                _every(present("numerator"), present("denominator")),
                _every(_not(present("numerator", "denominator")), present("extension")),
            ),
        ),
    ),
    "TimingRepeat": (
        Invariant("tim-1", "has a duration without a unit", _needs("duration", "durationUnit")),
        Invariant("tim-2", "has a period without a unit", _needs("period", "periodUnit")),
        Invariant("tim-4", "has a negative duration", {"properties": {"duration": {"minimum": 0}}}),
        Invariant("tim-5", "has a negative period", {"properties": {"period": {"minimum": 0}}}),
        Invariant("tim-6", "has a periodMax without a period", _needs("periodMax", "period")),
        Invariant("tim-7", "has a durationMax without a duration", _needs("durationMax", "duration")),
        Invariant("tim-8", "has a countMax without a count", _needs("countMax", "count")),
        Invariant(
            "tim-9",
            "has an offset without an event, or from a meal",
            _if(
                present("offset"),
                _every(present("when"), _inside("when", _not({"enum": ["C", "CM", "CD", "CV"]}))),
            ),
        ),
        Invariant("tim-10", "has both a time of day and an event", _not(_every(present("timeOfDay"), present("when")))),
    ),
    "TriggerDefinition": (Invariant("trd-2", "has a condition without data", _needs("condition", "data")),),
    # resources
    "AllergyIntolerance": (
        Invariant(
            "ait-1",
            "needs a clinicalStatus, not being entered in error",
            _either(_coded("verificationStatus", _ALLERGY_VERIFICATION, "entered-in-error"), present("clinicalStatus")),
        ),
        Invariant(
            "ait-2",
            "has a clinicalStatus though entered in error",
            _not(
                _every(
                    _coded("verificationStatus", _ALLERGY_VERIFICATION, "entered-in-error"), present("clinicalStatus")
                )
            ),
        ),
    ),
    "Appointment": (
        Invariant("app-2", "has only one of start and end", _every(_needs("start", "end"), _needs("end", "start"))),
        Invariant(
            "app-3",
            "has no start and end in a status that needs them",
            _either(_every(present("start"), present("end")), _is("status", "proposed", "cancelled", "waitlist")),
        ),
        Invariant(
            "app-4",
            "has a cancelationReason though neither cancelled nor a no-show",
            _if(present("cancelationReason"), _is("status", "noshow", "cancelled")),
        ),
    ),
    "AppointmentParticipant": (Invariant("app-1", "needs a type or an actor", present("type", "actor")),),
    "Bundle": (
        Invariant(
            "bdl-1",
            "has a total though no search set or history",
            _if(present("total"), _is("type", "searchset", "history")),
        ),
        Invariant(
            "bdl-2",
            "has an entry.search though no search set",
            _either(_is("type", "searchset"), _inside("entry", _not({"required": ["search"]}))),
        ),
        Invariant(
            "bdl-3",
            "has requests where there may be none, or none where there must be",
            _entries("request", _EVENT_BUNDLES),
        ),
        Invariant(
            "bdl-4",
            "has responses where there may be none, or none where there must be",
            _entries("response", _ANSWER_BUNDLES),
        ),
        Invariant(
            "bdl-7",
            "repeats a fullUrl",
            _either(_is("type", "history"), _each("entry", {"distinctBy": ["fullUrl", "resource.meta.versionId"]})),
        ),
        Invariant(
            "bdl-9",
            "is a document without an identifier",
            _if(
                _is("type", "document"),
                {"required": ["identifier"], "properties": {"identifier": _every(present("system"), present("value"))}},
            ),
        ),
        Invariant(
            "bdl-10", "is a document without a timestamp", _if(_is("type", "document"), {"required": ["timestamp"]})
        ),
        Invariant(
            "bdl-11",
            "is a document that does not open with a Composition",
            _if(_is("type", "document"), _first("Composition")),
        ),
        Invariant(
            "bdl-12",
            "is a message that does not open with a MessageHeader",
            _if(_is("type", "message"), _first("MessageHeader")),
        ),
    ),
    "BundleEntry": (
        Invariant("bdl-5", "has no resource, request or response", present("resource", "request", "response")),
        Invariant(
            "bdl-8", "has a version in its fullUrl", {"properties": {"fullUrl": _not({"pattern": "/_history/"})}}
        ),
    ),
    "CapabilityStatement": (
        Invariant("cpb-1", "states no rest, messaging or document", present("rest", "messaging", "document")),
        Invariant(
            "cpb-2",
            "has no description, software or implementation",
            present("description", "software", "implementation"),
        ),
        Invariant(
            "cpb-3",
            "has messaging endpoints though no instance",
            _either(_is("kind", "instance"), _inside("messaging", _not(present("endpoint")))),
        ),
        Invariant("cpb-7", "repeats a document profile", _each("document", {"distinctBy": ["profile", "mode"]})),
        Invariant(
            "cpb-14",
            "is an instance without an implementation",
            _if(_is("kind", "instance"), present("implementation")),
        ),
        Invariant(
            "cpb-15",
            "is a capability with an implementation or without software",
            _if(_is("kind", "capability"), _every(present("software"), _not(present("implementation")))),
        ),
        Invariant(
            "cpb-16",
            "states requirements of an implementation or software",
            _if(_is("kind", "requirements"), _not(present("implementation", "software"))),
        ),
    ),
    "CapabilityStatementRest": (Invariant("cpb-9", "repeats a type", _each("resource", {"distinctBy": ["type"]})),),
    "CapabilityStatementRestResource": (
        Invariant("cpb-12", "repeats a search parameter", _each("searchParam", {"distinctBy": ["name"]})),
    ),
    "CarePlanActivity": (
        Invariant("cpl-3", "has both a detail and a reference", _not(_every(present("detail"), present("reference")))),
    ),
    "CompositionSection": (
        Invariant("cmp-1", "has no text, entry or section", present("text", "entry", "section")),
        Invariant(
            "cmp-2", "has both entries and an emptyReason", _not(_every(present("emptyReason"), present("entry")))
        ),
    ),
    "Condition": (
        Invariant(
            "con-4",
            "has an abatement without a clinicalStatus that ends it",
            _if(present(*_ABATEMENT), _coded("clinicalStatus", _CLINICAL, "resolved", "remission", "inactive")),
        ),
        Invariant(
            "con-5",
            "has a clinicalStatus though entered in error",
            _not(_every(_coded("verificationStatus", _VERIFICATION, "entered-in-error"), present("clinicalStatus"))),
        ),
    ),
    "ConditionEvidence": (Invariant("con-2", "has no code or detail", present("code", "detail")),),
    "ConditionStage": (Invariant("con-1", "has no summary or assessment", present("summary", "assessment")),),
    "Extension": (Invariant("ext-1", "needs either a value or extensions", {"valueOrExtension": True}),),
    "MedicationAdministrationDosage": (
        Invariant("mad-1", "has no dose and no rate", present("dose", "rateRatio", "rateQuantity")),
    ),
    "Observation": (
        Invariant(
            "obs-6",
            "has both a value and a dataAbsentReason",
            _not(_every(present("dataAbsentReason"), present(*_VALUE))),
        ),
        Invariant("obs-7", "has a value beside a component of the same code", _NO_MIXED_CODES),
    ),
    "ObservationReferenceRange": (Invariant("obs-3", "has no low, high or text", present("low", "high", "text")),),
    "Organization": (
        Invariant("org-1", "has no name and no identifier", present("identifier", "name")),
        Invariant("org-2", "has a home address", _inside("address", _NOT_HOME)),
        Invariant("org-3", "has a home telecom", _inside("telecom", _NOT_HOME)),
    ),
    "ParametersParameter": (Invariant("inv-1", "needs exactly one of value, resource and part", {"oneContent": True}),),
    "PatientContact": (
        Invariant(
            "pat-1",
            "has no name, telecom, address or organization",
            present("name", "telecom", "address", "organization"),
        ),
    ),
    "ServiceRequest": (Invariant("prr-1", "has an orderDetail without a code", _needs("orderDetail", "code")),),
}
