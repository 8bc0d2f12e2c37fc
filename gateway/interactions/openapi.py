"""`openapi.yaml`: the same tables as the CapabilityStatement, for tools that do not speak FHIR.

`render()` loads fhir.resources for the schemas of the types: nothing that answers FHIR requests calls it.
https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Final

import yaml

from gateway.interactions.capabilities import common_parameters, described
from gateway.interactions.examples import example, resources
from gateway.interactions.exchange import FHIR_JSON, FHIR_XML, Route
from gateway.interactions.inputs import Input
from gateway.interactions.negotiation import FORM
from gateway.interactions.parameters import PARAMETERS, PRESENTATION, Parameter
from gateway.interactions.routes import ROUTES
from gateway.interactions.schemas import schemas
from gateway.search.compartments import members, rendered_members
from gateway.search.parameter_types.composite import parts as composite_parts
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES, SearchParameter
from gateway.search.persons import known

Json = dict[str, Any]

_TYPES: Final = (*SERVED_TYPES, *RENDERED_TYPES)

_OUTCOMES: Final = {
    400: ("BadRequest", "A parameter, value or body that is not valid; `expression` names it."),
    404: ("NotFound", "No such resource, or no such address."),
    405: ("MethodNotAllowed", "Nothing is written here; `Allow` names the methods."),
    406: (
        "NotAcceptable",
        "Another format than JSON or XML, or another coding than gzip, zstd and identity, was asked for.",
    ),
    409: ("Conflict", "What is asked contradicts what holds: an earlier decision, or who is who today."),
    410: ("Gone", "The resource was deleted; its history remains."),
    412: ("PreconditionFailed", "Another version is current than the client asks for."),
    413: ("TooLarge", "The body, or the list in it, is longer than what is read."),
    415: ("UnsupportedMediaType", "The body is in a form that is not read here."),
    503: ("Unavailable", "A sync writes to the store; `Retry-After` says when to try again."),
    429: ("TooManyRequests", "Too many clients send their bodies slowly; `Retry-After` says when to try again."),
    500: ("Failure", "An unexpected error; `diagnostics` holds the id under which the log has it."),
}
_ALWAYS: Final = (400, 404, 405, 406, 500)
_MORE: Final = {
    "read": (410, 412),
    "vread": (410, 412),
    "$everything": (410,),
    "$validate": (410,),
    **dict.fromkeys(("$merge", "$unmerge", "$same", "$not-same"), (409, 410, 503)),
    "search-compartment": (410,),
    "POST": (413, 415, 429),
}
_ANSWERED: Final = {"read": "", "vread": "", "search-type": "-searchset"}
"""The interactions that are answered by an example, and what its name ends with."""
_CONDITIONAL: Final = ("read", "vread", "capabilities")
_OR: Final = {"capabilities": "TerminologyCapabilities"}
"""What an interaction may answer with besides, as the client asks."""
_NOT_RENDERED: Final = ("_include:iterate", "_revinclude", "_revinclude:iterate")
"""What a search of what is rendered does not take: nothing refers to it."""
_VARIABLES: Final = {
    "resource_id": ("id", "The id of the resource.", {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}),
    "version_id": ("vid", "The number of the version.", {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}),
}
_DATE = r"^(eq|ne|gt|ge|lt|le|sa|eb|ap)?\d{4}"
_NUMBER = r"^(eq|ne|gt|ge|lt|le|sa|eb|ap)?[+-]?\d"
_KINDS: Final[dict[str, tuple[str, Json]]] = {
    "string": ("The beginning of it, without regard to case and accents.", {}),
    "token": ("`code`, `system|code`, `|code` or `system|`.", {}),
    "reference": ("`id`, `Type/id` or a URL.", {}),
    "date": ("A date of any precision, after a prefix such as `ge`.", {"pattern": _DATE}),
    "number": ("A number, after a prefix such as `gt`.", {"pattern": _NUMBER}),
    "quantity": (
        "`number`, `number|system|code` or `number||code`, after a prefix such as `gt`.",
        {"pattern": _NUMBER},
    ),
    "uri": ("A URI, whole.", {}),
    "composite": ("A value for each part, with `$` between them:", {}),
}
_ABOUT: Final = {
    "search-type": "Parameters of different names, and one that is repeated, must all match; commas separate "
    "alternatives. A modifier follows a name after a colon (`family:exact=…`), a chain after a dot "
    "(`subject.name=…`), and `_has:Type:parameter:name=…` asks of what refers to the resource. "
    "A parameter that is not known is refused under `Prefer: handling=strict`; else it is not applied, and an "
    "entry of `search.mode` `outcome` names it. https://hl7.org/fhir/R4/search.html",
    "search-system": "Takes the parameters that all the types of `_type` have. https://hl7.org/fhir/R4/search.html",
    "search-compartment": "Takes what a search of the type takes. https://hl7.org/fhir/R4/compartmentdefinition.html",
    "read": "`If-None-Match` and `If-Modified-Since` save sending what the client has. "
    "https://hl7.org/fhir/R4/http.html#read",
    "vread": "One version never changes. https://hl7.org/fhir/R4/http.html#vread",
    "batch": "Each entry is answered with a status of its own, the whole with 200. "
    "https://hl7.org/fhir/R4/http.html#transaction",
    "capabilities": "https://hl7.org/fhir/R4/http.html#capabilities",
}
_ABOUT_HISTORY: Final = "A deleted resource is an entry without a resource. https://hl7.org/fhir/R4/http.html#history"
_RESULT: Final = (
    Parameter(
        "_sort",
        "By these search parameters, with a comma between them; `-` before one turns its order round.",
        {"type": "string"},
        "-_lastUpdated",
    ),
    Parameter(
        "_total",
        "Whether to count all matches.",
        {"type": "string", "enum": ["none", "estimate", "accurate"]},
        "accurate",
    ),
    Parameter(
        "_include",
        "Send what the matches refer to too: `Type:parameter`, `Type:parameter:Target`, `Type:*` or `*`.",
        {"type": "string"},
    ),
    Parameter("_include:iterate", "The same, from what is included as well.", {"type": "string"}),
    Parameter(
        "_revinclude", "Send what refers to the matches too: `Type:parameter`, `Type:*` or `*`.", {"type": "string"}
    ),
    Parameter("_revinclude:iterate", "The same, from what is included as well.", {"type": "string"}),
)


class _Dumper(yaml.CSafeDumper):
    """YAML without anchors, so that a change of one table row is a change of few lines."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """A text that only YAML 1.2 takes for a number, such as 0999, in quotes."""
    quotes = "'" if text.isdecimal() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, quotes)


_Dumper.add_representer(str, _text)


def render() -> str:
    """The document as YAML, the same for the same tables."""
    return yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def document() -> Json:
    """The OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FHIR gateway",
            "version": version("fhir-gateway"),
            "summary": "Hospital information systems, read where they are and served as one FHIR R4 API.",
            "description": "Read-only. HEAD is answered wherever GET is. Answers are compressed by gzip or zstd "
            "for clients that accept it. Every error is an OperationOutcome. "
            "Follow the links of a Bundle to read on; their `_cursor` is opaque.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/fhir", "description": "[base]"}],
        "security": [],
        "tags": [
            {"name": "system", "description": "What is about no type, or about several."},
            *({"name": each, "description": f"https://hl7.org/fhir/R4/{each.lower()}.html"} for each in _TYPES),
        ],
        "paths": _paths(),
        "components": {
            "parameters": {name: _query(parameter) for name, parameter in PARAMETERS.items()}
            | {_component(parameter.name): _query(parameter) for parameter in _RESULT}
            | _headers(),
            "requestBodies": {_body_name(route): _inputs_body(route) for route in ROUTES if route.reads == "inputs"},
            "responses": {
                name: {"description": text, "content": _content("OperationOutcome")}
                for name, text in _OUTCOMES.values()
            }
            | {"NotModified": {"description": "The client's copy is current."}},
            "examples": dict(_answers()),
            "schemas": schemas(),
        },
    }


def _paths() -> Json:
    paths: Json = {}
    for route in ROUTES:
        if route.level == "system":
            paths.setdefault(_path(route, ""), {})[route.method.lower()] = _operation(route, None)
    for resource_type in _TYPES:
        for route in ROUTES:
            if route.level != "system" and resource_type in (route.types or SERVED_TYPES):
                paths.setdefault(_path(route, resource_type), {})[route.method.lower()] = _operation(
                    route, resource_type
                )
    return paths


def _path(route: Route, resource_type: str) -> str:
    return route.pattern.format(
        resource_type=resource_type, resource_id="{id}", version_id="{vid}", member_type="{type}"
    )


def _operation(route: Route, resource_type: str | None) -> Json:
    verb = route.interaction.removeprefix("$")
    operation: Json = {
        "tags": [resource_type or "system"],
        "operationId": "-".join(filter(None, (verb, resource_type, *_way(route)))),
        "summary": route.documentation,
        "description": _about(route),
    }
    if route.definition is not None:
        operation["externalDocs"] = {"url": route.definition}
    variables: list[tuple[str, str, Json]] = [
        spelled for name, spelled in _VARIABLES.items() if f"{{{name}}}" in route.pattern
    ]
    if "{member_type}" in route.pattern:
        choices = {"type": "string", "enum": ["*", *members(str(resource_type)), *rendered_members(str(resource_type))]}
        variables.append(("type", "The type of resource to search; its search parameters are taken too.", choices))
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "description": text, "schema": schema}
        for name, text, schema in variables
    ]
    if route.reads == "form":
        operation["requestBody"] = _form(route, resource_type)
    elif route.interaction.startswith("search-"):
        parameters += [_searched(each) for each in _searchable(route, resource_type)]
        parameters += [_parameter_reference(name) for name in (*_of_result(route, resource_type), "_cursor", "Prefer")]
    else:
        names = ("_format", "_pretty", *route.parameters)
        parameters += [_parameter_reference(name) for name in names]
        if route.reads == "inputs":
            operation["requestBody"] = {"$ref": f"#/components/requestBodies/{_body_name(route)}"}
        else:
            parameters += [_filled(_input(each)) for each in route.inputs if each.fits_url]
    if route.reads == "resource":
        operation["requestBody"] = {"required": True, "content": _content(route.accepts or "Resource")}
    if route.interaction in _CONDITIONAL:
        parameters += [_parameter_reference(name) for name in ("If-None-Match", "If-Modified-Since")]
        if route.interaction != "capabilities":
            parameters.append(_parameter_reference("If-Match"))
    if parameters:
        operation["parameters"] = parameters
    operation["responses"] = _responses(route, resource_type)
    return operation


def _about(route: Route) -> str:
    if route.definition is not None:
        return f"Defined by {route.definition}."
    if route.interaction.startswith("history-"):
        return _ABOUT_HISTORY
    return _ABOUT.get(route.interaction, route.documentation)


def _way(route: Route) -> Iterator[str]:
    """What tells apart the ways to one interaction of a type."""
    if route.inputs and route.level == "instance":
        yield "instance"
    if route.method == "GET" and route.pattern.endswith("/_search"):
        yield "get"
    if route.method == "POST":
        yield "body" if route.inputs else "form"


def _input(given: Input) -> Parameter:
    kind = {"text": "string"}.get(given.kind, given.kind)
    schema: Json = {"type": kind, "enum": list(given.choices)} if given.choices else {"type": kind}
    return Parameter(given.name, given.documentation, schema, given.example)


def _body_name(route: Route) -> str:
    return "-".join((route.interaction.removeprefix("$"), *(route.types or ()), route.level))


def _inputs_body(route: Route) -> Json:
    """The inputs as a Parameters resource, or those that fit as a form."""
    named = ", ".join(f"`{each.name}`" for each in route.inputs)
    values = [
        {"name": each.name, "valueString" if each.kind == "text" else f"value{each.kind.capitalize()}": _example(each)}
        for each in route.inputs
        if each.example is not None
    ]
    body = {"resourceType": "Parameters", "parameter": values}
    fitting = [_input(each) for each in route.inputs if each.fits_url]
    properties = {each.name: {"description": each.documentation, **_exemplified(each)} for each in fitting}
    parameters = {"schema": {"$ref": "#/components/schemas/Parameters"}, "examples": {"one": {"value": body}}}
    return {
        "description": f"A Parameters resource with {named}.",
        "required": False,
        "content": {
            **_content("Parameters"),
            FHIR_JSON: parameters,
            FORM: _filled_form(
                properties, {each.name: _example(each) for each in route.inputs if each.example and each.fits_url}
            ),
        },
    }


def _example(given: Input) -> Any:
    return _typed(str(given.example), {"text": "string"}.get(given.kind, given.kind))


def _responses(route: Route, resource_type: str | None) -> Json:
    answer = route.returns or str(resource_type)
    ok: Json = {"description": f"A {answer}.", "content": _content(answer)}
    if resource_type in resources() and route.interaction in _ANSWERED:
        shown = f"{resource_type}{_ANSWERED[route.interaction]}"
        ok["content"][FHIR_JSON]["examples"] = {"one": {"$ref": f"#/components/examples/{shown}"}}
    if other := _OR.get(route.interaction):
        ok["content"][FHIR_JSON]["schema"] = {"anyOf": [ok["content"][FHIR_JSON]["schema"], _schema(other)]}
    if route.interaction in _CONDITIONAL:
        ok["headers"] = {"ETag": {"description": "The version.", "schema": {"type": "string"}, "example": 'W/"1"'}}
    if route.interaction in {"read", "vread"}:
        ok["headers"]["Last-Modified"] = {"description": "When it came.", "schema": {"type": "string"}}
    codes = sorted({*_ALWAYS, *_MORE.get(route.interaction, ()), *_MORE.get(route.method, ())})
    responses: Json = {"200": ok}
    if route.interaction in _CONDITIONAL:
        responses["304"] = {"$ref": "#/components/responses/NotModified"}
    return responses | {str(code): {"$ref": f"#/components/responses/{_OUTCOMES[code][0]}"} for code in codes}


def _answers() -> Iterator[tuple[str, Json]]:
    """A resource of each type, as it is read and as a search finds it."""
    base = "http://127.0.0.1:8080/fhir"
    for resource_type, resource in resources().items():
        yield resource_type, {"value": resource}
        entry = {"fullUrl": f"{base}/{resource_type}/{resource['id']}", "resource": resource}
        bundle = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": 1,
            "link": [{"relation": "self", "url": f"{base}/{resource_type}?_id={resource['id']}"}],
            "entry": [{**entry, "search": {"mode": "match"}}],
        }
        yield f"{resource_type}{_ANSWERED['search-type']}", {"value": bundle}


def _searchable(route: Route, resource_type: str | None) -> Iterable[SearchParameter]:
    """A type's parameters; those of all types where a search is over several."""
    one_type = route.interaction == "search-type"
    return known(str(resource_type)).values() if one_type else common_parameters()


def _of_result(route: Route, resource_type: str | None) -> Iterable[str]:
    """What shapes the result of a search."""
    one_type = route.interaction == "search-type"
    refused = _NOT_RENDERED if resource_type in RENDERED_TYPES else ()
    named = [each.name for each in _RESULT if (one_type or "include" not in each.name) and each.name not in refused]
    return (*named, *(() if one_type else ("_type",)), "_count", *PRESENTATION)


def _form(route: Route, resource_type: str | None) -> Json:
    properties = {each.code: _many(each) for each in _searchable(route, resource_type)}
    known = {each.name: each for each in _RESULT} | PARAMETERS
    properties |= {
        name: {"description": known[name].documentation, **_exemplified(known[name])}
        for name in _of_result(route, resource_type)
    }
    return {"required": False, "content": {FORM: _filled_form(properties, {"_count": 20})}}


def _filled_form(properties: Json, filled: Json) -> Json:
    """A form, with what a page to try the API on fills in: without that it makes up a value for every property."""
    return {"schema": {"type": "object", "properties": properties}, "examples": {"one": {"value": filled}}}


def _many(parameter: SearchParameter) -> Json:
    """A search parameter may be repeated: all of its values must then match."""
    text, item = _kind(parameter)
    return {"description": text, "type": "array", "items": item}


def _searched(parameter: SearchParameter) -> Json:
    text, item = _kind(parameter)
    return {
        "name": parameter.code,
        "in": "query",
        "description": text,
        "schema": {"type": "array", "items": item},
    }


def _kind(parameter: SearchParameter) -> tuple[str, Json]:
    """What a parameter asks, and the schema of a value.

    The example is in the schema: pages to try the API on fill in that of a parameter, and ask for everything at once.
    """
    how, schema = _KINDS[parameter.type]
    if parts := composite_parts(parameter):
        how += f" `{'$'.join(part.code for part in parts)}`."
    value = example(parameter)
    return f"{described(parameter)}. {how} Such as `{value}`.", {"type": "string", **schema, "examples": [value]}


def _query(parameter: Parameter) -> Json:
    shown = "" if parameter.example is None or "enum" in parameter.schema else f" Such as `{parameter.example}`."
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.documentation + shown,
        "schema": _exemplified(parameter),
    }


def _filled(parameter: Parameter) -> Json:
    """An operation's input: those that have examples can be given together."""
    if parameter.example is None:
        return _query(parameter)
    value = _typed(parameter.example, parameter.schema.get("type"))
    return {**_query(replace(parameter, example=None)), "examples": {"one": {"value": value}}}


def _exemplified(parameter: Parameter) -> Json:
    if parameter.example is None:
        return parameter.schema
    return {**parameter.schema, "examples": [_typed(parameter.example, parameter.schema.get("type"))]}


def _typed(text: str, kind: str | None) -> Any:
    """A value as JSON has it."""
    if kind == "integer":
        return int(text)
    return text == "true" if kind == "boolean" else text


def _headers() -> Json:
    def header(name: str, text: str, value: str) -> Json:
        return {
            "name": name,
            "in": "header",
            "description": text,
            "schema": {"type": "string", "examples": [value]},
        }

    return {
        "Prefer": header("Prefer", "Whether a parameter that is not known is refused.", "handling=strict"),
        "If-Match": header("If-Match", "Answer 412 unless this is the version.", 'W/"1"'),
        "If-None-Match": header("If-None-Match", "Answer 304 if this is the current version.", 'W/"1"'),
        "If-Modified-Since": header(
            "If-Modified-Since", "Answer 304 if nothing changed since.", "Thu, 01 Jan 2026 00:00:00 GMT"
        ),
    }


def _parameter_reference(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{_component(name)}"}


def _component(name: str) -> str:
    """A parameter's name as components may be named."""
    return name.replace(":", "-")


def _content(schema: str) -> Json:
    return {
        FHIR_JSON: {"schema": _schema(schema)},
        FHIR_XML: {"schema": {"type": "string", "description": "The same in FHIR's XML."}},
    }


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
