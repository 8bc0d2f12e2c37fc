"""Which profiles of US Core 6.1 and of the IPS a resource satisfies: it claims those, and no others, in meta.profile.

What a profile adds to R4 (elements that must be there, fixed codes, invariants) stands here as rules over a resource
that is valid R4. Where a profile's binding is extensible, a text alone is enough, as US Core says for stores that have
no codes. A claim is about the resource itself: what it refers to makes its own. Only profiles that some mapper's
resources satisfy are here.
https://hl7.org/fhir/us/core/STU6.1/profiles-and-extensions.html, https://hl7.org/fhir/uv/ips/STU1.1/profiles.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from mappers.base import Resource

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-category"
_OBSERVATION = "http://terminology.hl7.org/CodeSystem/observation-category"
_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
_NOTES = ("34109-9", "11506-3")
"""Those LOINC document types that our tables name."""
_REPORTED = ("partial", "preliminary", "final", "amended", "corrected", "appended")
_ORDERS = ("order", "original-order", "reflex-order", "filler-order", "instance-order")


class Rule(NamedTuple):
    """One thing that a profile demands beyond R4."""

    element: str
    reason: str
    """What is wrong where it does not hold."""
    holds: Callable[[Resource], bool]


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile of one resource type."""

    url: str
    resource_type: str
    rules: tuple[Rule, ...]

    def broken(self, resource: Resource) -> list[Rule]:
        """The rules that a resource of the type breaks."""
        return [rule for rule in self.rules if not rule.holds(resource)]

    def is_satisfied(self, resource: Resource) -> bool:
        """Whether a resource of the type breaks none. A generator would take as long as the rules."""
        for rule in self.rules:  # noqa: SIM110
            if not rule.holds(resource):
                return False
        return True


def claimed(resource: Resource) -> Resource:
    """The resource with the profiles that it satisfies in its meta. Some microseconds."""
    urls = [profile.url for profile in _BY_TYPE.get(resource["resourceType"], ()) if profile.is_satisfied(resource)]
    if urls:
        meta = resource["meta"]
        resource["meta"] = {"source": meta["source"], "profile": urls, **meta}
    return resource


def _has(*names: str) -> Rule:
    """One of the elements is there."""
    return Rule(names[0], "is required by the profile", lambda resource: not resource.keys().isdisjoint(names))


def _each(name: str, *parts: str) -> Rule:
    """Every item of a list has these elements."""
    wanted = frozenset(parts)
    return Rule(
        name,
        f"has to have {' and '.join(parts)}",
        lambda resource: all(item.keys() >= wanted for item in resource.get(name, ())),
    )


def _each_any(name: str, *parts: str) -> Rule:
    """Every item of a list has one of these elements."""
    return Rule(
        name,
        f"has to have {' or '.join(parts)}",
        lambda resource: not any(item.keys().isdisjoint(parts) for item in resource.get(name, ())),
    )


def _coded(name: str, system: str, *codes: str, once: bool = False) -> Rule:
    """The element, or an item of the list, has one of these codes."""

    def holds(resource: Resource) -> bool:
        found = resource.get(name, ())
        matching = _matching(found if isinstance(found, list) else (found,) if found else (), system, codes)
        return matching == 1 if once else matching > 0

    return Rule(name, f"has to have a code that the profile fixes ({', '.join(codes)})", holds)


def _matching(concepts: Iterable[dict[str, Any]], system: str, codes: Collection[str]) -> int:
    """How many of the concepts have one of these codes."""
    matching = 0
    for concept in concepts:
        for each in concept.get("coding", ()):
            if each.get("system") == system and each.get("code") in codes:
                matching += 1
                break
    return matching


def _when(name: str, values: Collection[str], *required: str) -> Rule:
    """With one of these values of an element, another element is there."""
    return Rule(
        required[0],
        f"is required by the profile with this {name}",
        lambda resource: resource.get(name) not in values or any(each in resource for each in required),
    )


def _to_the_day(resource: Resource) -> bool:
    return len(resource.get("effectiveDateTime", "0000-00-00")) >= len("0000-00-00")


def _measured(holder: dict[str, Any], units: Collection[str]) -> bool:
    """A quantity in one of these UCUM units, or the reason for which there is none."""
    quantity = holder.get("valueQuantity")
    if quantity is None:
        return "dataAbsentReason" in holder and not any(name.startswith("value") for name in holder)
    named = "value" in quantity and "unit" in quantity
    return named and (quantity.get("system"), quantity.get("code")) in [(_UCUM, unit) for unit in units]


def _answered(resource: Resource) -> bool:
    return any(name.startswith(("value", "component", "hasMember", "dataAbsentReason")) for name in resource)


def _in_ucum(resource: Resource) -> bool:
    return "system" not in (quantity := resource.get("valueQuantity", {})) or bool(quantity["system"] == _UCUM)


def _pressures(resource: Resource) -> bool:
    """Exactly one systolic and one diastolic component, each measured."""
    components = resource.get("component", ())
    for code in ("8480-6", "8462-4"):
        found = [each for each in components if _matching((each["code"],), _LOINC, (code,))]
        if len(found) != 1 or not _measured(found[0], ("mm[Hg]",)):
            return False
    return True


def _contents(resource: Resource) -> bool:
    return all({"url", "data"} & each["attachment"].keys() for each in resource["content"])


_CODE, _SUBJECT = _has("code"), _has("subject")
_DAY = Rule("effectiveDateTime", "has to be at least to the day (us-core-1, vs-1)", _to_the_day)
_SIGN = (_has("effectiveDateTime", "effectivePeriod"), _DAY, _SUBJECT)
_RESULT = (
    _CODE,
    _SUBJECT,
    _DAY,
    Rule("value", "needs a value or a dataAbsentReason (us-core-2)", _answered),
    Rule("valueQuantity", "has to use UCUM (us-core-3)", _in_ucum),
)


def _us_core(name: str, resource_type: str, *rules: Rule) -> Profile:
    return Profile(_US_CORE + name, resource_type, rules)


def _vital_sign(name: str, code: str, *units: str) -> Profile:
    measured = Rule("valueQuantity", "has to be in a UCUM unit of the profile", lambda each: _measured(each, units))
    about = _coded("category", _OBSERVATION, "vital-signs"), _coded("code", _LOINC, code)
    return _us_core(name, "Observation", *about, *_SIGN, measured)


PROFILES: Final = (
    _us_core("allergyintolerance", "AllergyIntolerance", _CODE),
    _us_core(
        "condition-encounter-diagnosis", "Condition",
        _coded("category", _CONDITION, "encounter-diagnosis", once=True), _CODE,
    ),
    _us_core(
        "condition-problems-health-concerns", "Condition", _coded("category", _CONDITION, "problem-list-item"), _CODE
    ),
    _us_core(
        "diagnosticreport-lab", "DiagnosticReport", _coded("category", _SECTION, "LAB", once=True), _SUBJECT,
        _when("status", _REPORTED, "effectiveDateTime", "effectivePeriod"), _when("status", _REPORTED, "issued"),
    ),
    _us_core(
        "diagnosticreport-note", "DiagnosticReport", _has("category"), _SUBJECT,
        _when("status", _REPORTED, "effectiveDateTime", "effectivePeriod"),
    ),
    _us_core(
        "documentreference", "DocumentReference", _coded("type", _LOINC, *_NOTES), _has("category"), _SUBJECT,
        Rule("content", "has to have an attachment with url or data (us-core-6)", _contents),
        Rule("context", "may have one encounter", lambda each: len(each.get("context", {}).get("encounter", ())) < 2),
    ),
    _us_core("encounter", "Encounter", _has("type"), _SUBJECT, _each("identifier", "system", "value")),
    _us_core("location", "Location", _has("name")),
    _us_core("medication", "Medication", _CODE),
    _us_core("medicationrequest", "MedicationRequest", _when("intent", _ORDERS, "requester")),
    _us_core("observation-lab", "Observation", _coded("category", _OBSERVATION, "laboratory", once=True), *_RESULT),
    _us_core(
        "observation-clinical-result", "Observation", _coded("category", _OBSERVATION, "imaging", "procedure"), *_RESULT
    ),
    _us_core(
        "blood-pressure", "Observation", _coded("category", _OBSERVATION, "vital-signs"),
        _coded("code", _LOINC, "85354-9"), *_SIGN,
        Rule("component", "has to have one systolic and one diastolic pressure in mm[Hg]", _pressures),
    ),
    _vital_sign("body-temperature", "8310-5", "Cel", "[degF]"),
    _vital_sign("heart-rate", "8867-4", "/min"),
    _us_core("organization", "Organization", _has("active"), _has("name")),
    _us_core(
        "patient", "Patient", _has("identifier"), _each("identifier", "system", "value"), _has("name"),
        _each_any("name", "family", "given"), _has("gender"), _each("telecom", "system", "value"),
    ),
    _us_core(
        "practitioner", "Practitioner", _has("identifier"), _each("identifier", "system", "value"), _has("name"),
        _each("name", "family"),
    ),
    _us_core(
        "procedure", "Procedure", _CODE,
        _when("status", ("completed", "in-progress"), "performedDateTime", "performedPeriod", "performedString"),
    ),
    _us_core("provenance", "Provenance", _each("target", "reference")),
    _us_core("servicerequest", "ServiceRequest", _CODE),
    Profile(_IPS + "Medication-uv-ips", "Medication", (_CODE,)),
    Profile(
        _IPS + "Patient-uv-ips", "Patient",
        (_has("name"), _each_any("name", "family", "given", "text"), _has("birthDate")),
    ),
)  # fmt: skip
"""Every profile that resources of the gateway satisfy. A claim stands for the profile's parent too: vital signs."""

_BY_TYPE: Final[dict[str, tuple[Profile, ...]]] = {
    kind: tuple(profile for profile in PROFILES if profile.resource_type == kind)
    for kind in {profile.resource_type for profile in PROFILES}
}


def profiles_of(resource_type: str) -> tuple[Profile, ...]:
    """The profiles of a resource type."""
    return _BY_TYPE.get(resource_type, ())
