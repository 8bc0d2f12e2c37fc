"""capabilities: what this server can do, made from the tables that make it able to.

https://hl7.org/fhir/R4/http.html#capabilities, https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import orjson

from gateway.interactions.conditional import is_unchanged
from gateway.interactions.exchange import FHIR_JSON, FHIR_XML, FhirRequest, FhirResponse, Route, Services
from gateway.interactions.parameters import MODES, once, require_known
from gateway.interactions.presentation import asked_of
from gateway.interactions.terminology_capabilities import terminology_statement
from gateway.outcomes import InvalidParameter
from gateway.search.clauses import followable, modifiers
from gateway.search.compartments import COMPARTMENTS
from gateway.search.parameters import RENDERED_TYPES, SEARCH_PARAMETERS, SERVED_TYPES, SearchParameter, offered
from gateway.search.persons import known
from mappers.fhir.profiles import profiles_of

FHIR_VERSION = "4.0.1"
_DATE = "2026-11-21"
"""When the tables that this is made from were last changed."""
_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition"
_WITHOUT_CODE = ("capabilities", "search-compartment")
"""Interactions that `restful-interaction` has no code for."""
_RENDERED = (
    "Rendered when it is asked for; each version of a resource has one. Those of current versions are searched by "
    "themselves, in compartments by name, or by _revinclude, not over types, and without :iterate; those of former "
    "versions are found by _id and by target with its version."
)
_RESULT_PARAMETERS = "_sort, _count, _total, _include, _revinclude (both also with :iterate), _summary, _elements"


def capabilities(request: FhirRequest, services: Services) -> FhirResponse:
    """Answer `GET [base]/metadata`. `mode=normative` gets the full statement, as FHIR allows."""
    require_known(request, ("mode",))
    mode = once(request, "mode") or "full"
    if mode not in MODES:
        raise InvalidParameter("mode", "is not a choice", MODES)
    presentation = asked_of(request)
    kind = "TerminologyCapabilities" if mode == "terminology" else "CapabilityStatement"
    body, etag = _rendered(request.base_url, kind, services.routes)
    if is_unchanged(request, etag, None):
        return FhirResponse(304, b"", [("ETag", etag)])
    return FhirResponse(200, presentation.resource(kind, body), [("ETag", etag)])


@lru_cache(maxsize=16)
def _rendered(base_url: str, kind: str, routes: tuple[Route, ...]) -> tuple[bytes, str]:
    of_server = kind == "CapabilityStatement"
    body = orjson.dumps(statement(base_url, routes) if of_server else terminology_statement(_about(base_url)))
    return body, f'W/"{blake2b(body, digest_size=8).hexdigest()}"'


def _about(base_url: str) -> dict[str, Any]:
    """What both statements say of the server."""
    return {
        "name": "FhirGateway",
        "title": "FHIR gateway",
        "status": "active",
        "experimental": False,
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "fhir-gateway", "version": version("fhir-gateway")},
        "implementation": {
            "description": "Hospital information systems, read where they are and served as one FHIR API.",
            "url": base_url,
        },
    }


def statement(base_url: str, routes: tuple[Route, ...]) -> dict[str, Any]:
    """The CapabilityStatement of the server at `base_url`."""
    return {
        "resourceType": "CapabilityStatement",
        **_about(base_url),
        "fhirVersion": FHIR_VERSION,
        "format": [FHIR_JSON, FHIR_XML, "json", "xml"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Read-only, but for the operations by which people decide who is who. "
                "Every resource names its source in meta.source. "
                f"Searches take {_RESULT_PARAMETERS} too. A parameter that is not known is refused under "
                "Prefer: handling=strict, else not applied and named in an entry of search.mode outcome.",
                "resource": [_resource(each, routes) for each in (*SERVED_TYPES, *RENDERED_TYPES)],
                "interaction": _interactions(routes, "system"),
                "searchParam": [_parameter(each) for each in common_parameters()],
                "compartment": [f"{_COMPARTMENT}/{each.lower()}" for each in COMPARTMENTS],
            }
        ],
    }


def _resource(resource_type: str, routes: tuple[Route, ...]) -> dict[str, Any]:
    mine = tuple(route for route in routes if resource_type in (route.types or SERVED_TYPES))
    is_versioned = any(route.interaction == "vread" for route in mine)
    parameters = known(resource_type).values()
    described: dict[str, Any] = {
        "type": resource_type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{resource_type}",
        "documentation": _RENDERED if resource_type in RENDERED_TYPES else [],
        "supportedProfile": [profile.url for profile in profiles_of(resource_type)],
        "interaction": _interactions(mine, "instance", "type"),
        "versioning": "versioned" if is_versioned else "no-version",
        "readHistory": is_versioned,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalRead": "full-support",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchInclude": ["*", *(f"{resource_type}:{code}" for code in ("*", *followable(resource_type)))],
        "searchRevInclude": _searched_backwards(resource_type),
        "searchParam": [_parameter(each) for each in parameters],
        "operation": _operations(mine),
    }
    return {name: value for name, value in described.items() if value != []}


def _interactions(routes: tuple[Route, ...], *levels: str) -> list[dict[str, str]]:
    """Each interaction once, with the words of its first route."""
    found = {
        route.interaction: route.documentation
        for route in reversed(routes)
        if route.level in levels and route.definition is None and route.interaction not in _WITHOUT_CODE
    }
    return [{"code": code, "documentation": found[code]} for code in reversed(found)]


def _operations(routes: tuple[Route, ...]) -> list[dict[str, str]]:
    """Each operation once, whichever ways lead to it."""
    return [
        {"name": name, "definition": definition, "documentation": documentation}
        for name, definition, documentation in dict.fromkeys(
            (route.interaction[1:], route.definition, route.documentation) for route in routes if route.definition
        )
    ]


def common_parameters() -> tuple[SearchParameter, ...]:
    """The parameters of all types alike: those of every resource, and those that each type has as its own."""
    official = tuple(each for each in SEARCH_PARAMETERS if each.resource_type == "Resource" and not each.reason)
    first, *others = (offered(each) for each in SERVED_TYPES)
    own = (
        replace(parameter, resource_type="Resource", expression=code, url="")
        for code, parameter in first.items()
        if parameter.type == "token" and all(code in each and each[code].type == "token" for each in others)
    )
    return official + tuple(each for each in own if all(each.code != one.code for one in official))


def described(parameter: SearchParameter) -> str:
    """What a parameter searches, and with which modifiers."""
    taken = ", ".join(f":{modifier}" for modifier in modifiers(parameter))
    return f"{parameter.description}; modifiers: {taken}" if taken else parameter.description


def _parameter(parameter: SearchParameter) -> dict[str, str]:
    definition = {"definition": parameter.url} if parameter.url else {}  # of all types together there is none
    return {
        "name": parameter.code,
        **definition,
        "type": parameter.type,
        "documentation": described(parameter),
    }


def _searched_backwards(resource_type: str) -> list[str]:
    """What `_revinclude` takes; nothing refers to what is rendered."""
    if resource_type in RENDERED_TYPES:
        return []
    return ["*", *reverse_includes(resource_type), *_leading(resource_type, RENDERED_TYPES)]


def reverse_includes(resource_type: str) -> list[str]:
    """`Encounter:patient` and every other reference that may lead from what is stored to the type."""
    return _leading(resource_type, SERVED_TYPES)


def _leading(resource_type: str, sources: tuple[str, ...]) -> list[str]:
    return [
        f"{source}:{code}"
        for source in sources
        for code in followable(source)
        if {resource_type, "*"} & set(offered(source)[code].targets)
    ]
