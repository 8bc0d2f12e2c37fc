"""The table of contents of the API: every interaction that is served, and the one way to it.

The CapabilityStatement and `openapi.yaml` are made from ROUTES: what is not here is neither served nor advertised.
https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from uuid import uuid4

from gateway import outcomes
from gateway.interactions import (
    decisions,
    expand,
    golden,
    ihe_pix,
    lookup,
    match,
    subsumes,
    translate,
    validate,
    validate_code,
)
from gateway.interactions.batch import batch
from gateway.interactions.capabilities import capabilities
from gateway.interactions.compartment import compartment
from gateway.interactions.everything import INPUTS as EVERYTHING_INPUTS
from gateway.interactions.everything import everything
from gateway.interactions.exchange import FhirRequest, FhirResponse, Level, Route, Services
from gateway.interactions.history import history_instance, history_system, history_type
from gateway.interactions.inputs import Input
from gateway.interactions.negotiation import PLAIN, READERS, Form, form_of, form_of_refusal
from gateway.interactions.presentation import pretty
from gateway.interactions.read import read
from gateway.interactions.read_provenance import read_provenance
from gateway.interactions.search_provenance import search_provenance
from gateway.interactions.search_system import search_system
from gateway.interactions.search_type import search_type
from gateway.interactions.vread import vread
from gateway.interactions.xml_writer import to_xml
from gateway.outcomes import FhirError, MethodNotAllowed, NotFound, UnknownType
from gateway.search.clauses import did_you_mean
from gateway.search.compartments import COMPARTMENTS
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES

_READ = ("_summary", "_elements")
_VALIDATE: tuple[tuple[Literal["GET", "POST"], str, Level], ...] = (
    ("POST", "/{resource_type}/$validate", "type"),
    ("GET", "/{resource_type}/{resource_id}/$validate", "instance"),
    ("POST", "/{resource_type}/{resource_id}/$validate", "instance"),
)
_HISTORY = ("_since", "_at", "_count", "_cursor", "_summary", "_elements")
_EVERYTHING = ("start", "end", "person", "_type", "_since", "_count", "_cursor", "_summary", "_elements")


def _operation(
    name: str,
    resource_type: str,
    answer: Callable[..., FhirResponse],
    inputs: tuple[Input, ...],
    returns: str,
    documentation: str,
    *,
    levels: tuple[Level, ...] = ("type", "instance"),
    definition: str | None = None,
) -> tuple[Route, ...]:
    """The routes of an operation of one type: by GET and by POST, on the type and on its instances.

    `definition`: where it is not HL7's.
    """
    official = f"http://hl7.org/fhir/OperationDefinition/{resource_type}-{name}"
    made = Route(
        "GET", f"/{{resource_type}}/${name}", f"${name}", "type", answer, documentation, types=(resource_type,),
        definition=definition or official, inputs=inputs, returns=returns,
    )  # fmt: skip
    on_instances = replace(
        made,
        pattern=f"/{{resource_type}}/{{resource_id}}/${name}",
        level="instance",
        inputs=tuple(each for each in inputs if not each.names_instance),
    )
    return tuple(
        each
        for route in (made, on_instances)
        if route.level in levels
        for each in (route, replace(route, method="POST", reads="inputs"))
    )


def _decision(
    name: str,
    resource_type: str,
    answer: Callable[..., FhirResponse],
    definition: str,
    inputs: tuple[Input, ...],
    documentation: str,
) -> Route:
    """The route of an operation that changes who is who: only by POST."""
    return Route(
        "POST", f"/{{resource_type}}/{{resource_id}}/${name}", f"${name}", "instance", answer, documentation,
        types=(resource_type,), definition=definition, reads="inputs", inputs=inputs, returns="Parameters",
    )  # fmt: skip


ROUTES: tuple[Route, ...] = (
    Route("GET", "/metadata", "capabilities", "system", capabilities, "What this server can do.",
          (*_READ, "mode"), returns="CapabilityStatement"),
    Route("POST", "/", "batch", "system", batch,
          "Many requests in one Bundle, each answered by itself: reads, searches and operations.", reads="resource",
          accepts="Bundle",
          returns="Bundle"),
    Route("GET", "/", "search-system", "system", search_system,
          "Search the resources of several types, or of all.", returns="Bundle"),
    Route("GET", "/_search", "search-system", "system", search_system,
          "The same search, as some clients write it.", returns="Bundle"),
    Route("POST", "/_search", "search-system", "system", search_system,
          "The same search, its parameters in a form.", reads="form", returns="Bundle"),
    Route("GET", "/_history", "history-system", "system", history_system, "All changes, newest first.", _HISTORY,
          returns="Bundle"),
    Route("GET", "/{resource_type}", "search-type", "type", search_type, "Search the resources of a type.",
          returns="Bundle"),
    Route("POST", "/{resource_type}/_search", "search-type", "type", search_type,
          "The same search, its parameters in a form: nothing personal in the URL.", reads="form",
          returns="Bundle"),
    Route("GET", "/{resource_type}/_history", "history-type", "type", history_type,
          "All changes of a type, newest first.", _HISTORY, returns="Bundle"),
    Route("GET", "/{resource_type}/{resource_id}", "read", "instance", read,
          "The current version of a resource.", _READ),
    Route("GET", "/{resource_type}/{resource_id}/_history", "history-instance", "instance", history_instance,
          "All versions of a resource, newest first.", _HISTORY, returns="Bundle"),
    Route("GET", "/{resource_type}/{resource_id}/_history/{version_id}", "vread", "instance", vread,
          "One version of a resource.", _READ),
    Route("GET", "/{resource_type}/{resource_id}/{member_type}", "search-compartment", "instance", compartment,
          "Search what belongs to it, of one type or (`*`) of all.", types=COMPARTMENTS, returns="Bundle"),
    Route("POST", "/{resource_type}/{resource_id}/{member_type}/_search", "search-compartment", "instance",
          compartment, "The same search, its parameters in a form.", types=COMPARTMENTS, reads="form",
          returns="Bundle"),
    Route("GET", "/{resource_type}/{resource_id}/$everything", "$everything", "instance", everything,
          "A patient's record: the Patient, what refers to it, and what these refer to.", _EVERYTHING, ("Patient",),
          "http://hl7.org/fhir/OperationDefinition/Patient-everything", returns="Bundle"),
    Route("POST", "/{resource_type}/{resource_id}/$everything", "$everything", "instance", everything,
          "A patient's record: the Patient, what refers to it, and what these refer to.", _EVERYTHING, ("Patient",),
          "http://hl7.org/fhir/OperationDefinition/Patient-everything", reads="inputs", inputs=EVERYTHING_INPUTS,
          returns="Bundle"),
    Route("GET", "/{resource_type}", "search-type", "type", search_provenance,
          "Search the Provenance of what is current: by its target, patient or time.", types=RENDERED_TYPES,
          returns="Bundle"),
    Route("POST", "/{resource_type}/_search", "search-type", "type", search_provenance,
          "The same search, its parameters in a form: nothing personal in the URL.", types=RENDERED_TYPES,
          reads="form", returns="Bundle"),
    Route("GET", "/{resource_type}/{resource_id}", "read", "instance", read_provenance,
          "Who assembled a resource, when, and from which row of which hospital.", _READ, types=RENDERED_TYPES),
    Route("POST", "/{resource_type}/$match", "$match", "type", match.match_patient,
          "Who a described person may be, best first, each with a grade, a score and the reasons.", types=("Patient",),
          definition=match.DEFINITION, reads="inputs", inputs=match.INPUTS, returns="Bundle"),
    *_operation("ihe-pix", "Patient", ihe_pix.ihe_pix, ihe_pix.INPUTS, "Parameters",
                "The identifiers by which other hospitals know a person.", levels=("type",),
                definition=ihe_pix.DEFINITION),
    *_operation("golden", "Person", golden.golden, (), "Parameters",
                "One value where a person's records disagree; for each, whose it is and why it survived.",
                levels=("instance",), definition=golden.DEFINITION),
    _decision("merge", "Person", decisions.merge, decisions.MERGE, decisions.WITH_PERSON,
               "Somebody decides that two persons are one; the older one survives."),
    _decision("unmerge", "Person", decisions.unmerge, decisions.UNMERGE, decisions.ALONE,
               "Somebody undoes the merge that retired this person."),
    _decision("same", "Patient", decisions.same, decisions.SAME, decisions.WITH_PATIENT,
               "Somebody decides that two Patients are the same person."),
    _decision("not-same", "Patient", decisions.not_same, decisions.NOT_SAME, decisions.WITH_PATIENT,
               "Somebody decides that two Patients are not the same person, and never are linked again."),
    *(
        Route(method, pattern, "$validate", level, validate.validate,
              "What is wrong with a resource: structure, codes, references and invariants of R4.",
              definition=validate.DEFINITION, reads="inputs" if method == "POST" else None, inputs=validate.INPUTS,
              returns="OperationOutcome")
        for method, pattern, level in _VALIDATE
    ),
    *_operation("translate", "ConceptMap", translate.translate, translate.INPUTS, "Parameters",
                "The codes that a native word becomes, or the words that become a code."),
    *_operation("lookup", "CodeSystem", lookup.lookup, lookup.INPUTS, "Parameters",
                "The display of a code, and what is next above and below it.", levels=("type",)),
    *_operation("validate-code", "CodeSystem", validate_code.validate_code_system, validate_code.CODE_SYSTEM_INPUTS,
                "Parameters", "Whether a code is one of those of the code system that are known here."),
    *_operation("subsumes", "CodeSystem", subsumes.subsumes, subsumes.INPUTS, "Parameters",
                "Whether a code is a kind of another one."),
    *_operation("expand", "ValueSet", expand.expand, expand.INPUTS, "ValueSet", "The codes of a value set."),
    *_operation("validate-code", "ValueSet", validate_code.validate_value_set, validate_code.VALUE_SET_INPUTS,
                "Parameters", "Whether a code is in the value set."),
)  # fmt: skip

_LOG = logging.getLogger("gateway.errors")
_ADDRESSED = (*SERVED_TYPES, *RENDERED_TYPES)
_WORD = re.compile(r"[A-Za-z]{1,64}")
_OPERATION = re.compile(r"\$[A-Za-z-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_BY_END: dict[tuple[int, str], list[tuple[Route, list[str]]]] = {}
"""By the number of segments and the last one, "" for a variable: most requests find their route at once."""
for _route in ROUTES:
    _segments = _route.pattern.rstrip("/").split("/")
    _last = "" if _segments[-1].startswith("{") else _segments[-1]
    _BY_END.setdefault((len(_segments), _last), []).append((_route, _segments))


def answer(request: FhirRequest, services: Services) -> FhirResponse:
    """Answer a request, whatever it is: every error becomes an OperationOutcome here. HEAD keeps its body."""
    form, pattern, response = _responded(request, services)
    try:
        return _written(response, form, pattern)
    except Exception as error:  # noqa: BLE001  as below
        return failure(error, PLAIN, pattern)


def answer_in_json(request: FhirRequest, services: Services) -> FhirResponse:
    """The same in JSON, whatever form is asked for."""
    return _responded(request, services)[2]


def _responded(request: FhirRequest, services: Services) -> tuple[Form, str, FhirResponse]:
    """The form to answer in, the pattern that matched, and the answer in JSON."""
    pattern = "-"
    try:
        route, variables = _find(request)
        pattern = route.pattern
        if route.reads is not None:
            request = READERS[route.reads](request)
        form = form_of(request)
        return form, pattern, route.answer(request, services, **variables)
    except FhirError as error:
        return form_of_refusal(request), pattern, _refused(error)
    except Exception as error:  # noqa: BLE001  the last resort: the client gets an id by which people find the log line
        return form_of_refusal(request), pattern, _failed(error, pattern)


def refusal(error: FhirError, form: Form = PLAIN, pattern: str = "-") -> FhirResponse:
    """The answer to a request that is at fault."""
    return _written(_refused(error), form, pattern)


def failure(error: BaseException, form: Form = PLAIN, pattern: str = "-") -> FhirResponse:
    """The answer to a request that we failed."""
    return _written(_failed(error, pattern), form, pattern)


def _refused(error: FhirError) -> FhirResponse:
    return FhirResponse(error.status, outcomes.render(error), list(error.headers.items()))


def _failed(error: BaseException, pattern: str) -> FhirResponse:
    """The error's message may quote a record: it is not told."""
    error_id = str(uuid4())
    frames = reversed(traceback.extract_tb(error.__traceback__))
    where = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
    _LOG.error("error_id=%s route=%s type=%s at=%s", error_id, pattern, type(error).__qualname__, where)
    body = outcomes.outcome(outcomes.issue("fatal", "exception", f"an unexpected error; its id is {error_id}"))
    return FhirResponse(500, body)


def _written(response: FhirResponse, form: Form, pattern: str) -> FhirResponse:
    """An answer in the form that was asked for."""
    headers, body = response.headers, response.body
    if response.status != 304:
        if form.is_xml:
            body = to_xml(body, pretty=form.pretty)
        elif form.pretty:
            body = pretty(body)
        # R4 demands the charset, which JSON and XML know to be UTF-8 without it.
        headers = [("Content-Type", f"{form.media_type}; charset=utf-8"), *headers]
    return FhirResponse(response.status, body, headers, pattern)


def _find(request: FhirRequest) -> tuple[Route, dict[str, str]]:
    """The route of a request and its variables. Raises NotFound, UnknownType and MethodNotAllowed."""
    segments = request.path.rstrip("/").split("/")
    method = "GET" if request.method == "HEAD" else request.method
    allowed: list[str] = []
    for key in dict.fromkeys(((len(segments), segments[-1]), (len(segments), ""))):
        for route, pattern in _BY_END.get(key, ()):
            variables = _match(pattern, segments)
            if variables is None or not _is_for(route, variables.get("resource_type")):
                continue
            if route.method == method:
                return route, variables
            allowed.append(route.method)
    if allowed:
        methods = ", ".join(dict.fromkeys(name for method in allowed for name in _with_head(method)))
        raise MethodNotAllowed(f"the API is read-only: this address takes {methods}", headers={"Allow": methods})
    raise _nowhere(segments)


def _is_for(route: Route, resource_type: str | None) -> bool:
    return resource_type is None or resource_type in (route.types or SERVED_TYPES)


def _nowhere(segments: list[str]) -> NotFound:
    """Why no route has this address, with what may be meant."""
    resource_type, last = (*segments, "")[1], segments[-1]
    if _WORD.fullmatch(resource_type) and resource_type not in _ADDRESSED:
        close = did_you_mean(resource_type[0].upper() + resource_type[1:], _ADDRESSED)
        return UnknownType(f"{resource_type} is not served{close}; valid: {', '.join(_ADDRESSED)}")
    if _OPERATION.fullmatch(last):
        names = dict.fromkeys(
            route.interaction for route in ROUTES if route.interaction.startswith("$") and _is_for(route, resource_type)
        )
        where = resource_type or "the system"
        offered = ", ".join(names) or "none"
        return NotFound(f"{last} is not offered here{did_you_mean(last, names)}; operations of {where}: {offered}")
    return NotFound("no interaction has this address; see /metadata")


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    variables: dict[str, str] = {}
    for expected, given in zip(pattern, segments, strict=True):
        if expected == "{resource_type}":
            if given not in _ADDRESSED:
                return None
        elif expected == "{resource_id}":
            if not _ID.fullmatch(given):
                return None
        elif expected == "{member_type}":
            if given != "*" and not _WORD.fullmatch(given):
                return None
        elif not expected.startswith("{"):
            if expected != given:
                return None
            continue
        variables[expected[1:-1]] = given
    return variables


def _with_head(method: str) -> tuple[str, ...]:
    return ("GET", "HEAD") if method == "GET" else (method,)
