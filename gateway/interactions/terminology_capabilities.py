"""What `/metadata?mode=terminology` answers: the code systems that are known, and what is done with them.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from typing import Any

from gateway.interactions import expand
from mappers.base import Resource
from mappers.terminology.resources import code_systems


def terminology_statement(about: dict[str, Any]) -> dict[str, Any]:
    """The TerminologyCapabilities of a server; `about` it both statements say the same."""
    return {
        "resourceType": "TerminologyCapabilities",
        **about,
        "codeSystem": [_code_system(each) for each in code_systems()],
        "expansion": {
            "hierarchical": False,
            "paging": True,
            "incomplete": False,
            "parameter": [
                {"name": each.name, "documentation": each.documentation} for each in expand.INPUTS if each.name != "url"
            ],
            "textFilter": "A code is found by any part of it, or of its display, without regard to case.",
        },
        "codeSearch": "explicit",
        "validateCode": {"translations": False},
        "translation": {"needsMap": True},
    }


def _code_system(system: Resource) -> dict[str, Any]:
    """A code system, with its version where it is the gateway's own."""
    made: dict[str, Any] = {"uri": system["url"]}
    if "version" in system:
        made["version"] = [{"code": system["version"], "isDefault": True}]
    return {**made, "subsumption": "hierarchyMeaning" in system}
