"""The lexical form of every FHIR R4 primitive type as a JSON schema; dates are calendar dates (no 30 February).

The patterns are R4's own, with three tightenings that R4 states in prose: a day must exist in its month, a string
holds no control characters and is not blank, a uri is not empty. They use no look-around: a linear engine runs them.
https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

from typing import Any, Final

_YEAR = r"(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH = r"(?:0[1-9]|1[0-2])"
_MONTH_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP_DAY = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29"
_DAY = rf"(?:{_YEAR}-{_MONTH_DAY}|{_LEAP_DAY})"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_TEXT = r"[^\x00-\x08\x0B\x0C\x0E-\x1F]"


def _string(pattern: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$", **more}


def _integer(low: int) -> dict[str, Any]:
    # `wholeNumber` because JSON Schema counts 1.0 as an integer and FHIR does not.
    return {"type": "integer", "minimum": low, "maximum": 2147483647, "wholeNumber": True}


ABSOLUTE_URI: Final = r"[A-Za-z][A-Za-z0-9+.\-]*:\S+"
RESOURCE_ID: Final = r"[A-Za-z0-9\-.]{1,64}"

FORMATS: Final[dict[str, dict[str, Any]]] = {
    "boolean": {"type": "boolean"},
    "integer": _integer(-2147483648),
    "unsignedInt": _integer(0),
    "positiveInt": _integer(1),
    "decimal": {"type": "number"},
    "string": _string(rf"{_TEXT}*[^\s\x00-\x1F]{_TEXT}*", maxLength=1048576),
    "markdown": _string(rf"{_TEXT}*[^\s\x00-\x1F]{_TEXT}*", maxLength=1048576),
    "code": _string(r"[^\s]+(?:\s[^\s]+)*"),
    "id": _string(RESOURCE_ID),
    "uri": _string(r"\S+"),
    "url": _string(r"\S+"),
    "canonical": _string(r"\S+"),
    "oid": _string(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "uuid": _string(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "base64Binary": _string(r"(?:\s*[0-9a-zA-Z+/=]){4}(?:(?:\s*[0-9a-zA-Z+/=]){4})*\s*"),
    "date": _string(rf"{_YEAR}(?:-{_MONTH})?|{_DAY}"),
    "dateTime": _string(rf"{_YEAR}(?:-{_MONTH})?|{_DAY}(?:T{_TIME}{_ZONE})?"),
    "instant": _string(rf"{_DAY}T{_TIME}{_ZONE}"),
    "time": _string(_TIME),
    # Only what a pattern can say: one div in the XHTML namespace. Well-formedness is the judge's.
    "xhtml": _string(r"\s*<div(?:\s[^>]*)?\sxmlns=[\"']http://www\.w3\.org/1999/xhtml[\"'](?s:.*)</div>\s*"),
}
