"""Which form the client wants: `_format` before Accept, `_pretty`, and `Prefer: handling`.

JSON is the only form so far: to ask for another one is an error (406), never answered with JSON regardless.
https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.interactions.exchange import FHIR_JSON, FhirRequest
from gateway.outcomes import InvalidParameter, NotAcceptable, UnsupportedMediaType

JSON_FORMATS = ("json", FHIR_JSON, "application/json", "text/json")
"""What `_format` may say."""
FORM = "application/x-www-form-urlencoded"
_RANGES = {FHIR_JSON, "application/json", "text/json", "application/*", "text/*", "*/*"}
_FHIR_VERSIONS = {"4.0", "4.0.1"}
_QUALITY = re.compile(r"(?:0?\.\d{1,3}|0\.?|1(?:\.0{0,3})?)$")
"""With `.2` too: Java's own HTTP client sends `*; q=.2, */*; q=.2`."""


def require_json(request: FhirRequest) -> None:
    """Raise NotAcceptable unless JSON answers the request."""
    asked = request.first("_format")
    if asked is None:
        accept = request.headers.get("accept")
        if accept is not None and not _accepts_json(accept):
            raise NotAcceptable(f"only {FHIR_JSON} (FHIR {max(_FHIR_VERSIONS)}) is offered", expression="http.Accept")
    elif not _is_json(asked):
        raise NotAcceptable(f"_format: only {', '.join(JSON_FORMATS)} are offered", expression="http._format")


def wants_pretty(request: FhirRequest) -> bool:
    """Whether `_pretty` asks for a form for people's eyes."""
    value = request.first("_pretty")
    if value not in {None, "true", "false"}:
        raise InvalidParameter("_pretty", "not a boolean", ("true", "false"))
    return value == "true"


def is_strict(request: FhirRequest) -> bool:
    """Whether `Prefer: handling=strict` asks to refuse unknown parameters. RFC 7240."""
    prefer = request.headers.get("prefer")
    return prefer is not None and _handling(prefer) == "strict"


def require_form(request: FhirRequest) -> None:
    """Raise UnsupportedMediaType unless the body is a form, or there is none."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != FORM and (sent or request.body):
        raise UnsupportedMediaType(f"_search reads {FORM}", expression="http.Content-Type")


@lru_cache(maxsize=256)
def _accepts_json(accept: str) -> bool:
    """Whether any JSON media type is acceptable. RFC 9110, 12.5.1: the most specific range decides."""
    quality: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        version = named.get("fhirversion", "4.0").strip('"')
        if media in _RANGES and version in _FHIR_VERSIONS:
            stated = named.get("q", "1")
            quality[media] = max(quality.get(media, 0.0), float(stated) if _QUALITY.match(stated) else 0.0)
    if not accept.strip():
        return True
    return any(_best(quality, media) > 0 for media in (FHIR_JSON, "application/json", "text/json"))


def _best(quality: dict[str, float], media: str) -> float:
    for asked in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if asked in quality:
            return quality[asked]
    return 0.0


def _is_json(asked: str) -> bool:
    """An unescaped `+` arrives as a space: `_format=application/fhir+json` is what people type."""
    return asked.partition(";")[0].strip().lower().replace("fhir json", "fhir+json") in JSON_FORMATS


@lru_cache(maxsize=64)
def _handling(prefer: str) -> str | None:
    for preference in re.split(r"[,;]", prefer):
        name, _, value = preference.partition("=")
        if name.strip().lower() == "handling":
            return value.strip().strip('"').lower()
    return None
