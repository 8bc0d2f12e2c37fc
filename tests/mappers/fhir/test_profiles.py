"""mappers.fhir.profiles: what claims a profile satisfies it, and what satisfies it claims it.

The second opinion is fhirpathpy on the profiles' own constraints, written here as FHIRPath; no code is shared.
https://hl7.org/fhir/us/core/STU6.1/profiles-and-extensions.html, https://hl7.org/fhir/uv/ips/STU1.1/profiles.html
"""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from fhirpathpy import compile as compiled
from fhirpathpy.models import models

from gateway.search.parameters import RENDERED_TYPES
from mappers import installed
from mappers.fhir.check import check
from mappers.fhir.profiles import PROFILES, claimed, profiles_of
from tests.mappers.mapped import mapped_store

GOLDEN = Path(__file__).parents[2] / "golden"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
LOINC = "http://loinc.org"
REPORTED = "status in ('partial' | 'preliminary' | 'final' | 'amended' | 'corrected' | 'appended')"
IDENTIFIED = "identifier.all(system.exists() and value.exists())"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CONDITION = "http://terminology.hl7.org/CodeSystem/condition-category"


def category(system: str, code: str) -> str:
    return f"category.where(coding.where(system = '{system}' and code = '{code}').exists())"


def quantity(*units: str) -> str:
    codes = " or ".join(f"code = '{unit}'" for unit in units)
    whole = f"value.exists() and unit.exists() and system = 'http://unitsofmeasure.org' and ({codes})"
    return f"(value.exists() or dataAbsentReason.exists()) and value.all({whole})"


def sign(code: str, measured: str) -> str:
    return (
        f"{category(CATEGORY, 'vital-signs')}.exists() and code.coding.where(system = '{LOINC}' and code = '{code}')"
        ".exists() and subject.exists() and effective.exists() and effective.all(start.exists() or end.exists() or"
        f" toString().length() >= 10) and {measured}"
    )


def pressure(code: str) -> str:
    here = f"component.where(code.coding.where(system = '{LOINC}' and code = '{code}').exists())"
    return f"{here}.count() = 1 and {here}.all({quantity('mm[Hg]')})"


RESULT = (
    "code.exists() and subject.exists() and ((component.empty() and hasMember.empty()) implies (value.exists() or"
    " dataAbsentReason.exists())) and value.all(system.empty() or system = 'http://unitsofmeasure.org')"
    " and effective.all(start.exists() or end.exists() or toString().length() >= 10)"
)
LATER = "(intent in ('order' | 'original-order' | 'reflex-order' | 'filler-order' | 'instance-order'))"
EXPRESSIONS = {
    "allergyintolerance": "code.exists() and patient.exists()",
    "condition-encounter-diagnosis": f"{category(CONDITION, 'encounter-diagnosis')}.count() = 1 and code.exists()",
    "condition-problems-health-concerns": f"{category(CONDITION, 'problem-list-item')}.exists() and code.exists()",
    "diagnosticreport-lab": f"{category('http://terminology.hl7.org/CodeSystem/v2-0074', 'LAB')}.count() = 1"
    f" and subject.exists() and ({REPORTED} implies (effective.exists() and issued.exists()))",
    "diagnosticreport-note": f"category.exists() and subject.exists() and ({REPORTED} implies effective.exists())",
    "documentreference": f"type.coding.where(system = '{LOINC}' and (code = '34109-9' or code = '11506-3')).exists()"
    " and category.exists() and subject.exists() and context.encounter.count() <= 1"
    " and content.attachment.all(url.toString().length() > 0 or data.exists())",
    "encounter": f"type.exists() and subject.exists() and {IDENTIFIED}",
    "location": "name.exists()",
    "medication": "code.exists()",
    "medicationrequest": f"{LATER} implies requester.exists()",
    "observation-lab": f"{category(CATEGORY, 'laboratory')}.count() = 1 and {RESULT}",
    "observation-clinical-result": f"({category(CATEGORY, 'imaging')}.exists()"
    f" or {category(CATEGORY, 'procedure')}.exists()) and {RESULT}",
    "blood-pressure": sign("85354-9", f"({pressure('8480-6')}) and ({pressure('8462-4')})"),
    "body-temperature": sign("8310-5", quantity("Cel", "[degF]")),
    "heart-rate": sign("8867-4", quantity("/min")),
    "organization": "active.exists() and name.exists()",
    "patient": f"identifier.exists() and {IDENTIFIED} and name.exists() and name.all(family.exists() or given.exists())"
    " and gender.exists() and telecom.all(system.exists() and value.exists())",
    "practitioner": f"identifier.exists() and {IDENTIFIED} and name.exists() and name.all(family.exists())",
    "procedure": "code.exists() and ((status = 'completed' or status = 'in-progress') implies performed.exists())",
    "provenance": "target.all(reference.exists()) and recorded.exists() and agent.all(who.exists())",
    "servicerequest": "code.exists()",
    "Medication-uv-ips": "code.exists()",
    "Patient-uv-ips": "name.all(family.exists() or given.exists() or text.exists()) and name.exists()"
    " and birthDate.exists()",
}


@cache
def second_opinion(profile: str) -> Callable[[Any], list[Any]]:
    name = profile.removeprefix(US_CORE).removeprefix(IPS)
    evaluate = compiled(EXPRESSIONS[name], models["r4"])
    return lambda resource: evaluate(resource, {})


def satisfied(resource: dict[str, Any]) -> list[str]:
    """The profiles that fhirpathpy finds satisfied."""
    plain = orjson.loads(orjson.dumps(resource, default=float))
    return [each.url for each in profiles_of(resource["resourceType"]) if second_opinion(each.url)(plain) == [True]]


def golden() -> list[dict[str, Any]]:
    files = [orjson.loads(file.read_bytes()) for file in sorted(GOLDEN.glob("*/*.json"))]
    return [each for file in files for each in (*file["resources"], *file["shared"])]


def test_every_profile_has_a_second_opinion() -> None:
    """And no profile stands twice."""
    names = [each.url.removeprefix(US_CORE).removeprefix(IPS) for each in PROFILES]
    assert sorted(names) == sorted(EXPRESSIONS)


def test_golden_files_claim_what_they_satisfy() -> None:
    """Exactly that; and every profile is claimed by some resource, so that none is advertised in vain."""
    claims: Counter[str] = Counter()
    for resource in golden():
        said = resource["meta"].get("profile", [])
        assert said == satisfied(resource), resource["resourceType"]
        claims.update(said)
    assert set(claims) == {each.url for each in PROFILES if each.resource_type not in RENDERED_TYPES}


@pytest.mark.parametrize("adapter", installed())
def test_dirty_stores_claim_what_they_satisfy(adapter: str, tmp_path: Path) -> None:
    """Also where elements are missing and wrong."""
    seen: Counter[tuple[str, ...]] = Counter()
    for one in mapped_store(adapter, tmp_path, "hostile", 12):
        for resource in one.own + one.shared:
            shape = (resource["resourceType"], *sorted(resource), *resource["meta"].get("profile", ()))
            seen[shape] += 1
            if seen[shape] <= 3:
                assert resource["meta"].get("profile", []) == satisfied(resource), resource["resourceType"]


KINDS = {(each["resourceType"], *each["meta"]["profile"]): each for each in golden() if "profile" in each["meta"]}


@pytest.mark.parametrize("resource", KINDS.values(), ids=lambda each: each["meta"]["profile"][-1].rpartition("/")[2])
def test_without_an_element(resource: dict[str, Any]) -> None:
    """Take any element away, or any part of one: the claim follows the second opinion."""
    for name in [each for each in resource if each not in ("resourceType", "id", "meta")]:
        less = {key: value for key, value in copy.deepcopy(resource).items() if key != name}
        smaller = [less]
        value = resource[name]
        for part in [each for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)
                     for each in one]:  # fmt: skip
            changed = copy.deepcopy(resource)
            found = changed[name] if isinstance(changed[name], list) else [changed[name]]
            for one in found:
                one.pop(part, None)
            smaller.append(changed)
        for each in smaller:
            each["meta"].pop("profile", None)
            if not check(each):  # of what is no R4, nothing is claimed
                assert claimed(each)["meta"].get("profile", []) == satisfied(each)


def test_claims_are_quick() -> None:
    """At most 10 µs a resource on average, of the processor's time."""
    resources = golden() * 5
    started = time.process_time()
    for resource in resources:
        claimed(resource)
    assert (time.process_time() - started) / len(resources) < 10e-6
