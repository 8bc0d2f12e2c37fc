"""ValueSet/$expand: the codes of a value set, all or those that a filter leaves, a page at a time.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

from gateway.bundles import now
from gateway.interactions.code_tables import by_id, by_url, display_of, system_of
from gateway.interactions.exchange import FhirRequest, FhirResponse, Services
from gateway.interactions.inputs import Input, answered, inputs, required
from gateway.outcomes import InvalidParameter
from mappers.base import Resource
from mappers.terminology import folded
from mappers.terminology.resources import value_sets

INPUTS: Final = (
    Input("url", "text", "The URL of the ValueSet.", "urn:fhir-gateway:value-set:gender", names_instance=True),
    Input("filter", "text", "Only codes of which the code or the display has this in it.", "male"),
    Input("offset", "integer", "How many codes to pass by.", "0"),
    Input("count", "integer", "How many codes to list; 0 counts them only.", "10"),
)
_ABOUT: Final = ("url", "version", "name", "title", "status", "experimental", "copyright")


def expand(
    request: FhirRequest, services: Services, *, resource_type: str, resource_id: str | None = None
) -> FhirResponse:
    """Answer `[base]/ValueSet/$expand` and `[base]/ValueSet/[id]/$expand`."""
    given = inputs(request, INPUTS)
    if resource_id is not None and "url" in given:
        raise InvalidParameter("url", "the address names the ValueSet already")
    if resource_id is None:
        values = by_url(value_sets(), "url", required(given, "url"))
    else:
        values = by_id(value_sets(), resource_type, resource_id)
    wanted, offset, count = folded(given.get("filter", "")), given.get("offset", 0), given.get("count")
    listed = [each for each in _contains(values) if wanted in folded(each["code"]) or wanted in folded(each["display"])]
    page = listed[offset:] if count is None else listed[offset : offset + count]
    used = [
        {"name": name, ("valueString" if name == "filter" else "valueInteger"): given[name]}
        for name in ("filter", "offset", "count")
        if name in given
    ]
    expansion: dict[str, Any] = {"identifier": f"urn:uuid:{uuid4()}", "timestamp": now(), "total": len(listed)}
    expansion |= {"offset": offset} if "offset" in given or "count" in given else {}
    expansion |= {name: value for name, value in (("parameter", used), ("contains", page)) if value}
    about: dict[str, Any] = {name: values[name] for name in _ABOUT if name in values}
    return answered({"resourceType": "ValueSet", **about, "expansion": expansion})


def _contains(values: Resource) -> Iterator[dict[str, str]]:
    for include in values["compose"]["include"]:
        listed = include.get("concept")
        if listed is None:
            system = system_of(include["system"])
            listed = system["concept"] if system is not None else ()
        for each in listed:
            yield {"system": include["system"], "code": each["code"], "display": display_of(each)}
