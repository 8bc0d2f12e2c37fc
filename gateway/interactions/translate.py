"""ConceptMap/$translate: from a native word to standard codes, and back.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway.interactions.code_tables import Asked, asked_codings, by_id, by_url
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, answered, inputs, parameters
from gateway.outcomes import InvalidParameter, NotFound
from mappers.base import Resource
from mappers.terminology import folded
from mappers.terminology.resources import concept_maps

INPUTS: Final = (
    Input("url", "text", "The URL of the ConceptMap.", "urn:fhir-gateway:concept-map:gender", names_instance=True),
    Input("system", "text", "The code system of `code`.", "urn:fhir-gateway:code-system:gender"),
    Input("code", "text", "The code to translate.", "f"),
    Input("coding", "Coding", "The coding to translate."),
    Input("codeableConcept", "CodeableConcept", "The concept to translate: each of its codings."),
    Input("source", "text", "The value set that the code was chosen from."),
    Input("target", "text", "The value set that is translated to.", "urn:fhir-gateway:value-set:gender"),
    Input(
        "targetsystem", "text", "The code system that is translated to.", "http://hl7.org/fhir/administrative-gender"
    ),
    Input("reverse", "boolean", "Translate from the target to the source.", "false"),
)


def translate(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str | None = None
) -> FhirResponse:
    """Answer `[base]/ConceptMap/$translate` and `[base]/ConceptMap/[id]/$translate`."""
    given = inputs(request, INPUTS)
    reverse = given.get("reverse", False)
    asked = asked_codings(given)
    maps = _maps(given, resource_type, resource_id, reverse=reverse)
    sources = {_ends(group, reverse=reverse)[0] for one in maps for group in one["group"]}
    if not any(each.system in sources for each in asked):
        raise NotFound("no ConceptMap here translates from this code system to what is asked for")
    matches: list[list[dict[str, Any]]] = []
    reasons: list[str] = []
    for concept_map in maps:
        for group in concept_map["group"]:
            source, target = _ends(group, reverse=reverse)
            if given.get("targetsystem") not in {None, target} and target is not None:
                continue
            for each in asked:
                if each.system == source:
                    for found in _targets(group, each, reverse=reverse):
                        if found["equivalence"] == "unmatched":
                            reasons.append(found["comment"])
                        elif (part := _match(found, target, concept_map["url"])) not in matches:
                            matches.append(part)
    message = None if matches else "; ".join(dict.fromkeys(reasons)) or "the map does not know this code"
    listed = [("match", "part", part) for part in matches]
    return answered(parameters(("result", "valueBoolean", bool(matches)), ("message", "valueString", message), *listed))


def _maps(given: dict[str, Any], resource_type: str, resource_id: str | None, *, reverse: bool) -> list[Resource]:
    """The ConceptMaps to translate by."""
    if resource_id is not None and "url" in given:
        raise InvalidParameter("url", "the address names the ConceptMap already")
    if resource_id is not None:
        maps = [by_id(concept_maps(), resource_type, resource_id)]
    elif "url" in given:
        maps = [by_url(concept_maps(), "url", given["url"])]
    else:
        maps = list(concept_maps())
    start, end = ("targetCanonical", "sourceCanonical") if reverse else ("sourceCanonical", "targetCanonical")
    return [
        each for each in maps if given.get("source") in {None, each[start]} and given.get("target") in {None, each[end]}
    ]


def _ends(group: dict[str, Any], *, reverse: bool) -> tuple[str | None, str | None]:
    """The code systems that a group translates from and to."""
    ends = group["source"], group.get("target")
    return ends[::-1] if reverse else ends


def _targets(group: dict[str, Any], asked: Asked, *, reverse: bool) -> Iterator[dict[str, Any]]:
    """What a group has for a code."""
    for element in group["element"]:
        for target in element["target"]:
            if not reverse and element["code"] == folded(asked.code):
                yield target
            elif reverse and target.get("code") == asked.code:
                yield {**target, "code": element["code"], "display": element["code"]}


def _match(found: dict[str, Any], system: str | None, url: str) -> list[dict[str, Any]]:
    coding = {"system": system, "code": found["code"], "display": found["display"]}
    return [
        {"name": "equivalence", "valueCode": found["equivalence"]},
        {"name": "concept", "valueCoding": coding},
        {"name": "source", "valueUri": url},
    ]
