"""What an operation is given: in the URL, in a form, or in a Parameters resource. Nothing that is given is passed by.

https://hl7.org/fhir/R4/operations.html#request, https://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from gateway.interactions.exchange import FhirRequest, FhirResponse
from gateway.outcomes import InvalidParameter, InvalidRequest, TooLarge

_FORM: Final = ("_format", "_pretty")
_TEXTS: Final = {f"value{kind}" for kind in ("Uri", "Url", "Canonical", "Code", "String", "Id")}


@dataclass(frozen=True, slots=True)
class Input:
    """One input parameter of an operation."""

    name: str
    kind: str
    """`text` (uri, code, canonical, string), `boolean`, `integer`, or the name of a data type or `Resource`.

    A `string` is a text that no URL may hold.
    """
    documentation: str
    example: str | None = None
    names_instance: bool = False
    """Whether it says which resource is meant: the address of an instance says that itself."""
    choices: tuple[str, ...] = ()
    """The only values that it may have; () = any."""

    @property
    def fits_url(self) -> bool:
        """Whether a URL can hold it."""
        return self.kind in _PRIMITIVES


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError
    return text == "true"


def _integer(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError
    return int(text)


_PRIMITIVES: Final[dict[str, Callable[[str], Any]]] = {"text": str, "boolean": _boolean, "integer": _integer}
MOST_LEVELS: Final = 64
MOST_VALUES: Final = 20_000
"""Of a body: what is more costs more time than an answer is worth."""
_WANTED: Final = {"text": "a text", "boolean": "true or false", "integer": "a whole number of 0 or more"}


def inputs(request: FhirRequest, known: Iterable[Input]) -> dict[str, Any]:
    """The given inputs by name; each may be given once. Raises InvalidParameter and InvalidRequest."""
    by_name = {each.name: each for each in known}
    found: dict[str, Any] = {}
    for name, value in request.query:
        if name not in _FORM:
            _put(found, _known(by_name, name), value, _from_text)
    if request.body:
        for one in _parameters(request.body):
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise InvalidRequest("a parameter of the body has no name", expression="Parameters.parameter.name")
            _put(found, _known(by_name, one["name"]), one, _from_parameter)
    return found


def inputs_or_resource(request: FhirRequest, known: Iterable[Input]) -> dict[str, Any]:
    """The same; a body that is no Parameters resource is the input `resource` itself, and the others are in the URL."""
    resource = orjson.loads(request.body) if request.body else None
    if resource is None or resource["resourceType"] == "Parameters":
        return inputs(request, known)
    require_moderate(resource)
    return {**inputs(replace(request, body=b""), known), "resource": resource}


def in_query(request: FhirRequest, known: Collection[str]) -> FhirRequest:
    """The request with the primitive values of a Parameters resource as parameters of its URL; lists with commas.

    Raises InvalidParameter and InvalidRequest.
    """
    if not request.body:
        return request
    given: dict[str, list[str]] = {}
    for one in _parameters(request.body):
        name = str(one.get("name") if isinstance(one, dict) else None)
        if name not in known:
            raise InvalidParameter(name[:64], "not a parameter of this operation here", tuple(known))
        values = [value for key, value in one.items() if key.startswith("value")]
        if len(values) != 1 or not isinstance(values[0], str | int):
            raise InvalidParameter(name, "is neither a text, a date, a number nor a boolean")
        text = str(values[0])
        given.setdefault(name, []).append(text.lower() if isinstance(values[0], bool) else text)
    return replace(
        request, query=[*request.query, *((name, ",".join(texts)) for name, texts in given.items())], body=b""
    )


def required(given: Mapping[str, Any], name: str) -> Any:
    """An input without which there is nothing to do. Raises InvalidParameter."""
    if name not in given:
        raise InvalidParameter(name, "is required here")
    return given[name]


def one_of(given: Mapping[str, Any], *names: str) -> str:
    """The one input of these that is given. Raises InvalidParameter."""
    found = [name for name in names if name in given]
    if len(found) != 1:
        problem = "is required here, or one of the others" if not found else "cannot be given with another one of these"
        raise InvalidParameter((found or names)[0], problem, names)
    return found[0]


def parameters(*given: tuple[str, str, Any]) -> dict[str, Any]:
    """A Parameters resource of (name, `valueBoolean` or `part`, value); what is None is left out."""
    listed = [{"name": name, kind: value} for name, kind, value in given if value is not None]
    return {"resourceType": "Parameters", "parameter": listed}


def answered(resource: Mapping[str, Any]) -> FhirResponse:
    """The resource as an answer."""
    return FhirResponse(200, orjson.dumps(resource))


def require_moderate(resource: Any) -> None:
    """Raise TooLarge for a JSON value that is too big or too deep to be looked at in every detail."""
    level, values, found = [resource], 0, 0
    while level:
        values += len(level)
        found += 1
        if found > MOST_LEVELS or values > MOST_VALUES:
            raise TooLarge(f"a body here has at most {MOST_VALUES} values, within {MOST_LEVELS} levels")
        inside = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [value for values_of_one in inside for value in values_of_one]


def _known(by_name: Mapping[str, Input], name: str) -> Input:
    if name not in by_name:
        raise InvalidParameter(name, "not a parameter of this operation here", tuple(by_name))
    return by_name[name]


def _put(found: dict[str, Any], parameter: Input, value: Any, read: Callable[[Input, Any], Any]) -> None:
    if parameter.name in found:
        raise InvalidParameter(parameter.name, "may be given only once")
    found[parameter.name] = read(parameter, value)


def _from_text(parameter: Input, text: str) -> Any:
    if not parameter.fits_url:
        raise InvalidParameter(parameter.name, f"is a {parameter.kind}: send it in the body, in a Parameters resource")
    if not text:
        raise InvalidParameter(parameter.name, "has no value")
    try:
        return _PRIMITIVES[parameter.kind](text)
    except ValueError:
        raise InvalidParameter(parameter.name, f"is not {_WANTED[parameter.kind]}") from None


def _from_parameter(parameter: Input, one: dict[str, Any]) -> Any:
    value = one.get("resource") if parameter.kind == "Resource" else None
    for name, each in one.items():
        if name == f"value{parameter.kind[0].upper()}{parameter.kind[1:]}" or (
            parameter.kind == "text" and name in _TEXTS
        ):
            value = each
    whole = type(value) is int and value >= 0
    is_text = isinstance(value, str)
    fits = {"text": is_text, "string": is_text, "boolean": isinstance(value, bool), "integer": whole}
    if not fits.get(parameter.kind, isinstance(value, dict)):
        raise InvalidParameter(parameter.name, f"is not {_WANTED.get(parameter.kind, f'a {parameter.kind}')}")
    return value


def _parameters(body: bytes) -> list[Any]:
    resource = orjson.loads(body)
    require_moderate(resource)
    if resource.get("resourceType") != "Parameters":
        raise InvalidRequest("the body is not a Parameters resource", expression="resourceType")
    listed = resource.get("parameter", [])
    if not isinstance(listed, list):
        raise InvalidRequest("is not a list", expression="Parameters.parameter")
    return listed
