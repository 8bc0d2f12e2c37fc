"""CodeSystem/$subsumes: whether one code is a kind of another, where a hierarchy is shipped.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from __future__ import annotations

from typing import Any, Final

from gateway.interactions.code_tables import asked_codings, by_id, by_url, concept
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, answered, inputs, one_of, parameters
from gateway.outcomes import InvalidParameter, NotFound
from mappers.base import Resource
from mappers.terminology.hierarchy import ancestors
from mappers.terminology.resources import code_systems

INPUTS: Final = (
    Input("codeA", "text", "The first code.", "J45"),
    Input("codeB", "text", "The second code.", "J45.909"),
    Input("system", "text", "The code system of both.", "http://hl7.org/fhir/sid/icd-10-cm", names_instance=True),
    Input("codingA", "Coding", "The first coding."),
    Input("codingB", "Coding", "The second coding."),
)


def subsumes(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str | None = None
) -> FhirResponse:
    """Answer `[base]/CodeSystem/$subsumes` and `[base]/CodeSystem/[id]/$subsumes`."""
    given = inputs(request, INPUTS)
    if resource_id is not None and "system" in given:
        raise InvalidParameter("system", "the address names the CodeSystem already")
    here = None if resource_id is None else by_id(code_systems(), resource_type, resource_id)
    first, second = _code(given, "A", here), _code(given, "B", here)
    if first[0]["url"] != second[0]["url"]:
        raise InvalidParameter("codingB", "is of another code system")
    system, one, other = first[0]["url"], first[1], second[1]
    if one == other:
        outcome = "equivalent"
    elif one in ancestors(system, other):
        outcome = "subsumes"
    else:
        outcome = "subsumed-by" if other in ancestors(system, one) else "not-subsumed"
    return answered(parameters(("outcome", "valueCode", outcome)))


def _code(given: dict[str, Any], which: str, here: Resource | None) -> tuple[Resource, str]:
    """The CodeSystem and the code of A or B, whose place is known. Raises InvalidParameter and NotFound."""
    name = one_of(given, f"code{which}", f"coding{which}")
    if name.startswith("coding"):
        (asked,) = asked_codings({"coding": given[name]}, system_known=True)
        url, code = asked.system, asked.code
        if here is not None and url not in {None, here["url"]}:
            raise InvalidParameter(name, "is of another code system")
    else:
        url, code = given.get("system"), given[name]
    if here is None and url is None:
        raise InvalidParameter("system", "is required here")
    system = here if here is not None else by_url(code_systems(), "system", str(url))
    found = concept(system, code)
    if found is None:
        raise NotFound(f"{name}: not among the codes of the code system that are known here")
    if system["content"] != "complete" and not ancestors(system["url"], found["code"]):
        raise NotFound(f"{name}: what is above and below it is not known here")
    return system, found["code"]
