"""$validate: what is wrong with a resource, by the same check that stands before the store.

A resource that could be looked at is answered with 200, whatever was found. Nothing that it holds is repeated.
https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

import orjson

from gateway import outcomes
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, inputs_or_resource
from gateway.outcomes import Gone, InvalidParameter, NotFound
from mappers.fhir.profiles import profiles_of

_MODES: Final = ("create", "update", "delete", "profile")
INPUTS: Final = (
    Input("resource", "Resource", "The resource, in a Parameters resource; or the body is the resource itself."),
    Input("mode", "text", "What is meant to be done with it.", "create", choices=_MODES),
    Input("profile", "text", "The profile that it has to satisfy.", "http://hl7.org/fhir/StructureDefinition/Patient"),
)
DEFINITION: Final = "http://hl7.org/fhir/OperationDefinition/Resource-validate"
MOST_ISSUES: Final = 200
_BASE: Final = "http://hl7.org/fhir/StructureDefinition/"
_CODES: Final = {
    "required": "required",
    "binding": "code-invalid",
    "format": "value",
    "target": "value",
    "unknown-element": "structure",
    "type": "structure",
    "empty": "structure",
    "json": "structure",
    "unknown-type": "not-supported",
}
"""The issue type of a rule; every other rule is an invariant."""
_Issue = dict[str, Any]


def validate(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str | None = None
) -> FhirResponse:
    """Answer `[base]/[type]/$validate` and `[base]/[type]/[id]/$validate`."""
    given = inputs_or_resource(request, INPUTS)
    mode, resource = given.get("mode"), given.get("resource")
    if mode not in {None, *_MODES}:
        raise InvalidParameter("mode", "not a mode", _MODES)
    if mode in {"update", "delete"} and resource_id is None:
        raise InvalidParameter("mode", f"{mode} is asked of an instance: [type]/[id]/$validate")
    if mode == "profile" and "profile" not in given:
        raise InvalidParameter("profile", "is required with mode profile")
    if resource is None and resource_id is None:
        raise InvalidParameter("resource", "is required here")
    issues = list(_about_mode(mode))
    if resource_id is not None:
        stored = _stored(services, resource_type, resource_id)
        resource = stored if resource is None else resource
    if resource is not None and mode != "delete":
        issues += _about(resource, resource_type, resource_id if mode == "update" else None, given.get("profile"))
    if not issues:
        issues.append(outcomes.issue("information", "informational", "no issue was found"))
    return FhirResponse(200, outcomes.outcome(*issues))


def _stored(services: Services, resource_type: str, resource_id: str) -> Any:
    stored = services.store.read(resource_type, resource_id)
    if stored is None:
        raise NotFound(f"there is no {resource_type} with this id")
    if stored.body is None:
        raise Gone(f"this {resource_type} was deleted")
    return orjson.loads(stored.body)


def _about_mode(mode: str | None) -> list[_Issue]:
    if mode not in {"create", "update", "delete"}:
        return []
    return [outcomes.issue("warning", "not-supported", f"this server is read-only: a {mode} would be refused")]


def _about(resource: dict[str, Any], resource_type: str, updated_id: str | None, profile: str | None) -> list[_Issue]:
    """What is wrong with the resource, and whether it is what the address and the profile say."""
    from mappers.fhir.check import check  # its rules come with fhir.resources

    issues: list[_Issue] = []
    kind = resource.get("resourceType")
    if kind != resource_type:
        issues.append(_error("structure", f"the address is for {resource_type}, this is not", "resourceType"))
    if updated_id is not None and resource.get("id") != updated_id:
        issues.append(_error("value", "the id is not that of the address", f"{resource_type}.id"))
    found = check(resource)
    issues += [
        _error(_CODES.get(each.rule, "invariant"), f"{each.path} {each.reason} ({each.rule})", each.path)
        for each in islice(found, MOST_ISSUES)
    ]
    if len(found) > MOST_ISSUES:
        issues.append(outcomes.issue("warning", "too-costly", f"{len(found) - MOST_ISSUES} more are not listed"))
    if profile is not None:
        issues += _against(profile.partition("|")[0], resource, resource_type, is_valid=not found and not issues)
    return issues


def _against(url: str, resource: dict[str, Any], resource_type: str, *, is_valid: bool) -> list[_Issue]:
    """Where the resource falls short of a profile, which is only looked at if it is sound R4."""
    known = {each.url: each for each in profiles_of(resource_type)}
    if url == f"{_BASE}{resource_type}":
        return []
    if url not in known:
        valid = ", ".join([f"{_BASE}{resource_type}", *known])
        return [_error("not-supported", f"this profile is not known here; valid: {valid}", "http.profile")]
    if not is_valid:
        return [outcomes.issue("warning", "incomplete", "the profile was not looked at: the rest is not right yet")]
    return [
        _error("invariant", f"{resource_type}.{each.element} {each.reason}", f"{resource_type}.{each.element}")
        for each in known[url].broken(resource)
    ]


def _error(code: str, diagnostics: str, expression: str) -> _Issue:
    return outcomes.issue("error", code, diagnostics, expression)
