"""CodeSystem/$validate-code and ValueSet/$validate-code: whether a code is one of those that are known here.

Of somebody else's code system only a fragment is known: that a code is not in it does not say that there is none.
https://hl7.org/fhir/R4/codesystem-operation-validate-code.html, https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from __future__ import annotations

from typing import Any, Final

from gateway.interactions.code_tables import Asked, asked_codings, by_id, by_url, concept, display_of, system_of
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, answered, inputs, parameters
from gateway.outcomes import InvalidParameter
from mappers.base import Resource
from mappers.terminology import folded
from mappers.terminology.resources import code_systems, value_sets
from mappers.terminology.value_sets import value_set

_CODINGS: Final = (
    Input("display", "text", "The display to check, for `code`."),
    Input("coding", "Coding", "The coding to check."),
    Input("codeableConcept", "CodeableConcept", "The concept to check: one good coding is enough."),
)
CODE_SYSTEM_INPUTS: Final = (
    Input("url", "text", "The URL of the CodeSystem.", "http://loinc.org", names_instance=True),
    Input("code", "text", "The code to check.", "8302-2"),
    *_CODINGS,
)
VALUE_SET_INPUTS: Final = (
    Input("url", "text", "The URL of the ValueSet.", "urn:fhir-gateway:value-set:gender", names_instance=True),
    Input("code", "text", "The code to check.", "female"),
    Input("system", "text", "The code system of `code`.", "http://hl7.org/fhir/administrative-gender"),
    *_CODINGS,
)

_Verdict = tuple[bool, str | None, str | None]
"""Whether it is good; what is wrong; the right display."""


def validate_code_system(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str | None = None
) -> FhirResponse:
    """Answer `[base]/CodeSystem/$validate-code` and `[base]/CodeSystem/[id]/$validate-code`."""
    given = inputs(request, CODE_SYSTEM_INPUTS)
    asked = asked_codings(given, system_known=True)
    own = asked[0].system if "coding" in given else None
    system = _named(code_systems(), given, resource_type, resource_id, own)
    return _answer([_in_system(system, each) for each in asked])


def validate_value_set(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str | None = None
) -> FhirResponse:
    """Answer `[base]/ValueSet/$validate-code` and `[base]/ValueSet/[id]/$validate-code`."""
    given = inputs(request, VALUE_SET_INPUTS)
    asked = asked_codings(given)
    values = _named(value_sets(), given, resource_type, resource_id, None)
    return _answer([_in_value_set(values, each) for each in asked])


def _named(
    tables: tuple[Resource, ...],
    given: dict[str, Any],
    resource_type: str,
    resource_id: str | None,
    system: str | None,
) -> Resource:
    """The table that is asked about: the address names it, or `url`, or the coding itself."""
    if resource_id is not None:
        if "url" in given:
            raise InvalidParameter("url", f"the address names the {resource_type} already")
        return by_id(tables, resource_type, resource_id)
    url = given.get("url", system)
    if url is None:
        raise InvalidParameter("url", "is required here")
    return by_url(tables, "url", url)


def _in_system(system: Resource, asked: Asked) -> _Verdict:
    if asked.system not in {None, system["url"]}:
        return False, "the coding is of another code system", None
    found = concept(system, asked.code)
    if found is not None:
        return _displayed(found, asked)
    if system["content"] == "complete":
        return False, "the code system has no such code", None
    return False, "not among the codes of this fragment; whether the whole code system has it is not known here", None


def _in_value_set(values: Resource, asked: Asked) -> _Verdict:
    system = None if asked.system is None else system_of(asked.system)
    found = None if system is None else concept(system, asked.code)
    if system is None or found is None or (system["url"], found["code"]) not in (value_set(values["url"]) or ()):
        return False, "the value set has no such code", None
    return _displayed(found, asked)


def _displayed(found: dict[str, Any], asked: Asked) -> _Verdict:
    display = display_of(found)
    if asked.display is not None and folded(asked.display) != folded(display):
        return False, "the display is another one", display
    return True, None, display


def _answer(verdicts: list[_Verdict]) -> FhirResponse:
    """The best verdict on any of the codings."""
    result, message, display = max(verdicts, key=lambda verdict: (verdict[0], verdict[2] is not None))
    return answered(
        parameters(
            ("result", "valueBoolean", result),
            ("message", "valueString", message),
            ("display", "valueString", display),
        )
    )
