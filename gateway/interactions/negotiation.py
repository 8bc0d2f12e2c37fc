"""Which form the client wants and which it sends: `_format` before Accept, `_pretty`, Content-Type, `Prefer: handling`.

What cannot be given is an error (406), never answered in another form regardless; what cannot be read is 415.
https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import orjson

from gateway.interactions.exchange import FHIR_JSON, FHIR_XML, FhirRequest
from gateway.interactions.pairs import pairs
from gateway.outcomes import InvalidParameter, InvalidRequest, NotAcceptable, UnsupportedMediaType

JSON_FORMATS: Final = ("json", FHIR_JSON, "application/json", "text/json")
XML_FORMATS: Final = ("xml", FHIR_XML, "application/xml", "text/xml")
"""What `_format` may say."""
FORM: Final = "application/x-www-form-urlencoded"
_OFFERED: Final = (*JSON_FORMATS[1:], *XML_FORMATS[1:])
"""Media types in the order in which we like to give them."""
_FHIR_VERSIONS: Final = {"4.0", "4.0.1"}
_CHARSETS: Final = {"utf-8", "utf8", "us-ascii"}
_QUALITY: Final = re.compile(r"(?:0?\.\d{1,3}|0\.?|1(?:\.0{0,3})?)$")
"""With `.2` too: Java's own HTTP client sends `*; q=.2, */*; q=.2`."""


class Form(NamedTuple):
    """How an answer is to be written."""

    media_type: str
    pretty: bool = False

    @property
    def is_xml(self) -> bool:
        """Whether it is XML; else it is JSON."""
        return self.media_type.endswith("xml")


PLAIN: Final = Form(FHIR_JSON)
"""What is given to those who do not ask for a form."""


def form_of(request: FhirRequest) -> Form:
    """The form that the client asks for. Raises NotAcceptable and InvalidParameter."""
    accept = request.headers.get("accept")
    if not request.query:
        return PLAIN if accept is None else Form(_best_of(accept))
    asked = request.said("_format")
    if asked is not None:
        return Form(_named(asked), _pretty(request))
    return Form(FHIR_JSON if accept is None else _best_of(accept), _pretty(request))


def form_of_refusal(request: FhirRequest) -> Form:
    """The form of an error: the one asked for if that can be given."""
    try:
        return form_of(request)
    except (NotAcceptable, InvalidParameter):
        return PLAIN


def form_by_headers(headers: Mapping[str, str]) -> Form:
    """The form of an error in a URL that cannot be read."""
    return form_of_refusal(FhirRequest("GET", "", [], headers, b"", ""))


def is_strict(request: FhirRequest) -> bool:
    """Whether `Prefer: handling=strict` asks to refuse unknown parameters. RFC 7240."""
    prefer = request.headers.get("prefer")
    return prefer is not None and _handling(prefer) == "strict"


def with_form(request: FhirRequest) -> FhirRequest:
    """The request with the parameters of its form beside those of its URL. Raises UnsupportedMediaType."""
    media, parameters = _content_type(request)
    if media != FORM and (media or request.body):
        raise UnsupportedMediaType(f"_search reads {FORM}", expression="http.Content-Type")
    _require_readable(request, parameters)
    return replace(request, query=[*request.query, *pairs(request.body.decode("latin-1"))])


def with_resource(request: FhirRequest) -> FhirRequest:
    """The request with the resource in its body as JSON, whichever form it came in.

    Raises UnsupportedMediaType and InvalidRequest.
    """
    media, parameters = _content_type(request)
    if media not in _OFFERED or parameters.get("fhirversion", "4.0") not in _FHIR_VERSIONS:
        offered = f"a body here is {FHIR_JSON} or {FHIR_XML} (FHIR {max(_FHIR_VERSIONS)})"
        raise UnsupportedMediaType(offered, expression="http.Content-Type")
    _require_readable(request, parameters)
    if Form(media).is_xml:
        from gateway.interactions.xml_reader import from_xml  # its tables come with fhir.resources

        request = replace(request, body=from_xml(request.body))
    try:
        resource = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise InvalidRequest("the body is not a resource: it has no resourceType", expression="resourceType")
    return request


def with_inputs(request: FhirRequest) -> FhirRequest:
    """The request with an operation's inputs: those of a form in its query, else a resource in its body.

    Raises UnsupportedMediaType and InvalidRequest.
    """
    if _content_type(request)[0] == FORM or not request.body:
        return replace(with_form(request), body=b"")
    return with_resource(request)


READERS: Final[dict[Literal["form", "resource", "inputs"], Callable[[FhirRequest], FhirRequest]]] = {
    "form": with_form,
    "resource": with_resource,
    "inputs": with_inputs,
}
"""What `Route.reads` may say."""


def _pretty(request: FhirRequest) -> bool:
    value = request.said("_pretty")
    if value not in {None, "true", "false"}:
        raise InvalidParameter("_pretty", "not a boolean", ("true", "false"))
    return value == "true"


@lru_cache(maxsize=256)
def _best_of(accept: str) -> str:
    """The media type that answers an Accept header best. RFC 9110, 12.5.1: the most specific range decides."""
    quality: dict[str, float] = {}
    for part in accept.split(","):
        media, parameters = _parsed(part)
        if parameters.get("fhirversion", "4.0") in _FHIR_VERSIONS and parameters.get("charset", "utf-8") in _CHARSETS:
            stated = parameters.get("q", "1")
            quality[media] = max(quality.get(media, 0.0), float(stated) if _QUALITY.match(stated) else 0.0)
    if not accept.strip():
        return FHIR_JSON
    offered: tuple[str, ...] = _OFFERED
    if "text/html" in quality and _of_range(quality, FHIR_JSON):
        offered = JSON_FORMATS[1:]  # a browser names XML beside XHTML, and shows JSON better
    best = max(offered, key=lambda media: _of_range(quality, media))
    if not _of_range(quality, best):
        raise NotAcceptable(
            f"only {FHIR_JSON} and {FHIR_XML} (FHIR {max(_FHIR_VERSIONS)}) are offered", expression="http.Accept"
        )
    return best


def _of_range(quality: dict[str, float], media: str) -> float:
    for asked in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if asked in quality:
            return quality[asked]
    return 0.0


@lru_cache(maxsize=64)
def _named(asked: str) -> str:
    """An unescaped `+` arrives as a space: `_format=application/fhir+json` is what people type."""
    media, parameters = _parsed(asked)
    media = media.replace("fhir ", "fhir+")
    if parameters.get("fhirversion", "4.0") in _FHIR_VERSIONS:
        if media in JSON_FORMATS:
            return FHIR_JSON
        if media in XML_FORMATS:
            return FHIR_XML
    raise NotAcceptable(
        f"_format: only {', '.join((*JSON_FORMATS, *XML_FORMATS))} are offered", expression="http._format"
    )


def _content_type(request: FhirRequest) -> tuple[str, dict[str, str]]:
    return _parsed(request.headers.get("content-type", ""))


def _require_readable(request: FhirRequest, parameters: dict[str, str]) -> None:
    if parameters.get("charset", "utf-8") not in _CHARSETS:
        raise UnsupportedMediaType("bodies are UTF-8", expression="http.Content-Type")
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType("compressed bodies are not read", expression="http.Content-Encoding")


def _parsed(media_type: str) -> tuple[str, dict[str, str]]:
    """A media type and its parameters, in lower case."""
    media, *parameters = (piece.strip().lower() for piece in media_type.split(";"))
    named = (parameter.partition("=") for parameter in parameters)
    return media, {name.strip(): value.strip().strip('"') for name, _, value in named}


@lru_cache(maxsize=64)
def _handling(prefer: str) -> str | None:
    for preference in re.split(r"[,;]", prefer):
        name, _, value = preference.partition("=")
        if name.strip().lower() == "handling":
            return value.strip().strip('"').lower()
    return None
