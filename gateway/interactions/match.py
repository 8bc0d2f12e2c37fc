"""Patient/$match: who a described person may be, best first, each with a grade and the reasons for it.

https://hl7.org/fhir/R4/patient-operation-match.html, https://profiles.ihe.net/ITI/PDQm/ITI-119.html
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from gateway import outcomes
from gateway.bundles import bundle, in_json, outcome_entry, scored_entry
from gateway.identity.decide import REASONS
from gateway.identity.matching import Found, Match, match
from gateway.identity.traits import Traits, from_patient
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, inputs_or_resource, require_moderate, required
from gateway.outcomes import InvalidParameter, Unprocessable
from gateway.search.request import DEFAULT_COUNT, MAX_COUNT

INPUTS: Final = (
    Input(
        "resource",
        "Resource",
        "A Patient with what is known of the person, in a Parameters resource; or the body is the Patient itself.",
    ),
    Input("onlyCertainMatches", "boolean", "Answer with the one Patient that it surely is, or with none.", "true"),
    Input("count", "integer", "How many Patients at most.", "5"),
)
DEFINITION: Final = "http://hl7.org/fhir/OperationDefinition/Patient-match"
GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"
EXPLANATION: Final = "urn:fhir-gateway:match-explanation"


def match_patient(request: FhirRequest, services: Services, *, resource_type: str) -> FhirResponse:
    """Answer `POST [base]/Patient/$match`."""
    given = inputs_or_resource(request, INPUTS)
    traits = _traits(required(given, "resource"), resource_type)
    count = min(given.get("count", DEFAULT_COUNT), MAX_COUNT)
    found = match(services.store, traits)
    if given.get("onlyCertainMatches"):
        matches: Sequence[Match] = [] if found.certain is None else [found.certain]
    else:
        matches = found.matches
    base = in_json(request.base_url)
    entries = []
    with services.store.snapshot():
        for each in islice(matches, count):
            stored = services.store.read(resource_type, each.record)
            if stored is not None and stored.body is not None:
                search = _search(traits, each, found)
                entries.append(scored_entry(base, resource_type, each.record, stored.body, search))
    if not found.is_searchable:
        why = "too little is told to find anyone by: a birth date with a name, a phone or an identifier would do"
        entries.append(outcome_entry(outcomes.outcome(outcomes.issue("warning", "incomplete", why))))
    return FhirResponse(200, bundle("searchset", len(matches), (), entries))


def _traits(resource: dict[str, Any], resource_type: str) -> Traits:
    """The traits of a Patient that a client sent. Raises InvalidParameter and Unprocessable; repeats no value."""
    from mappers.fhir.check import check  # its rules come with fhir.resources

    require_moderate(resource)
    if resource.get("resourceType") != resource_type:
        raise InvalidParameter("resource", f"is not a {resource_type}")
    if findings := check(resource):
        first = findings[0]
        raise Unprocessable(f"the {resource_type} is not valid: {first.path} {first.reason}", expression=first.path)
    return from_patient({"id": "", **resource})


def _search(traits: Traits, each: Match, found: Found) -> dict[str, Any]:
    return {
        "extension": [{"url": GRADE, "valueCode": each.grade}, _explanation(traits, each, found)],
        "mode": "match",
        "score": round(each.probability, 6),
    }


def _explanation(traits: Traits, each: Match, found: Found) -> dict[str, Any]:
    """Why: the weight in bits, each field's agreement and bits against strangers and relatives, what raised doubts."""
    compared = found.scorer.compare(traits, each.traits)
    parts: list[dict[str, Any]] = [
        {"url": "weight", "valueDecimal": round(each.weight, 2)},
        {"url": "model", "valueString": compared.model_version},
    ]
    parts += [
        {
            "url": "field",
            "extension": [
                {"url": "name", "valueString": field.field},
                {"url": "agreement", "valueString": field.label},
                {"url": "against-strangers", "valueDecimal": round(field.stranger, 2)},
                {"url": "against-relatives", "valueDecimal": round(field.relative, 2)},
            ],
        }
        for field in compared.evidence
        if field.verdict != "missing"
    ]
    parts += [{"url": "doubt", "valueString": REASONS[guard]} for guard in each.guards]
    return {"url": EXPLANATION, "extension": parts}
