"""CodeSystem/$lookup: what is known of a code.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from __future__ import annotations

from typing import Any, Final

from gateway.interactions.code_tables import asked_codings, by_url, concept, display_of
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, answered, inputs, parameters
from gateway.outcomes import NotFound
from mappers.terminology.resources import code_systems

INPUTS: Final = (
    Input("code", "text", "The code to look up.", "I10"),
    Input("system", "text", "Its code system.", "http://hl7.org/fhir/sid/icd-10-cm"),
    Input("coding", "Coding", "The coding to look up."),
)


def lookup(request: FhirRequest, services: Services, *, resource_type: str) -> FhirResponse:
    """Answer `[base]/CodeSystem/$lookup`: the code system's name, the display, the codes next above and below."""
    (asked,) = asked_codings(inputs(request, INPUTS), ("code", "coding"))
    system = by_url(code_systems(), "system", str(asked.system))
    found = concept(system, asked.code)
    if found is None:
        raise NotFound("the code is not among those of the code system that are known here", expression="http.code")
    above = [each["valueCode"] for each in found.get("property", ())]
    below = [
        each["code"]
        for each in system["concept"]
        if {"code": "parent", "valueCode": found["code"]} in each.get("property", ())
    ]
    return answered(
        parameters(
            ("name", "valueString", system["title"]),
            ("version", "valueString", system.get("version")),
            ("display", "valueString", display_of(found)),
            *(("property", "part", _property("parent", code)) for code in above),
            *(("property", "part", _property("child", code)) for code in below),
        )
    )


def _property(name: str, code: str) -> list[dict[str, Any]]:
    return [{"name": "code", "valueCode": name}, {"name": "value", "valueCode": code}]
