"""The code tables as FHIR: for each a ConceptMap, a ValueSet and a CodeSystem; and what they name of code systems.

`gender.csv` becomes ConceptMap/gender-map (native words to standard codes), ValueSet/gender-codes (the codes that they
can become), CodeSystem/gender-words (the native words) and ValueSet/gender-words-set (all of these). A code system of
somebody else is a fragment: the codes that the tables name, with what stands above them.
https://hl7.org/fhir/R4/terminology-module.html
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from mappers.base import Resource
from mappers.terminology import Concept, ConceptMap, table, tables
from mappers.terminology.hierarchy import placed

META_SOURCE: Final = "urn:fhir-gateway:terminology"
_URN = "urn:fhir-gateway"
_PUBLISHER = "FHIR gateway"
_NOTICES: Final = {
    "hl7": "Copyright HL7 International; CC0 1.0.",
    "icd10cm": "Public domain; National Center for Health Statistics.",
    "loinc": "This material contains content from LOINC (http://loinc.org). LOINC is copyright Regenstrief Institute, "
    "Inc. and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under "
    "the license at http://loinc.org/license. LOINC is a registered United States trademark of Regenstrief Institute, "
    "Inc.",
    "nucc": "Copyright American Medical Association; published by the National Uniform Claim Committee.",
}
_PARENT = {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}
_UNSURE = ("low", "medium", "inferred", "unit assumed", "native word kept")


@cache
def concept_maps() -> tuple[Resource, ...]:
    """A ConceptMap a table: its native words to standard codes."""
    return tuple(_concept_map(table(name)) for name in tables())


@cache
def value_sets() -> tuple[Resource, ...]:
    """Two ValueSets a table: the codes that its words can become, and the words."""
    return tuple(made for name in tables() for made in (_value_set(table(name)), _all_words(table(name))))


@cache
def code_systems() -> tuple[Resource, ...]:
    """The native words of each table, and the fragments of the code systems that the tables name."""
    return (*(_words(table(name)) for name in tables()), *(_fragment(row) for row in _systems()))


def resources() -> tuple[Resource, ...]:
    """All of them."""
    return (*concept_maps(), *value_sets(), *code_systems())


def _concept_map(codes: ConceptMap) -> Resource:
    groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for word, concept in codes.rows:
        groups.setdefault(concept.system, {}).setdefault(word, []).append(_target(word, concept))
    made = _head("ConceptMap", codes, "map", "concept-map", "Native words of the hospitals and the codes they become.")
    made["sourceCanonical"] = f"{_URN}:value-set:{_dashed(codes)}-words"
    made["targetCanonical"] = f"{_URN}:value-set:{_dashed(codes)}"
    made["group"] = [
        {
            "source": f"{_URN}:code-system:{_dashed(codes)}",
            **({"target": system} if system else {}),
            "element": [{"code": word, "target": targets} for word, targets in elements.items()],
        }
        for system, elements in groups.items()
    ]
    return _noticed(made, groups)


def _target(word: str, concept: Concept) -> dict[str, Any]:
    """How near the code comes to the word; never nearer than the table says."""
    if not concept.code:
        return {"equivalence": "unmatched", "comment": concept.trust}
    coded = {"code": concept.code, "display": concept.display}
    if concept.trust in _UNSURE:
        return {**coded, "equivalence": "inexact", "comment": f"trust: {concept.trust}"}
    same = word in {concept.code.casefold(), concept.display.casefold()}
    return {**coded, "equivalence": "equivalent" if same else "relatedto", "comment": f"trust: {concept.trust}"}


def _value_set(codes: ConceptMap) -> Resource:
    included: dict[str, dict[str, str]] = {}
    for _, concept in codes.rows:
        if concept.code:
            included.setdefault(concept.system, {})[concept.code] = concept.display
    made = _head("ValueSet", codes, "codes", "value-set", "The codes that native words of the hospitals become.")
    made["compose"] = {
        "include": [
            {"system": system, "concept": [{"code": code, "display": display} for code, display in concepts.items()]}
            for system, concepts in included.items()
        ]
    }
    return _noticed(made, included)


def _all_words(codes: ConceptMap) -> Resource:
    made = _head("ValueSet", codes, "words-set", "value-set", "All native words of the table.", "-words")
    made["compose"] = {"include": [{"system": f"{_URN}:code-system:{_dashed(codes)}"}]}
    return made


def _words(codes: ConceptMap) -> Resource:
    words = codes.words()
    made = _head("CodeSystem", codes, "words", "code-system", "Native words that hospitals' stores have.")
    made |= {"caseSensitive": False, "valueSet": f"{_URN}:value-set:{_dashed(codes)}-words"}
    made |= {"content": "complete", "count": len(words)}
    made["concept"] = [{"code": word} for word in words]
    return made


def _fragment(row: dict[str, str]) -> Resource:
    """What the tables and the hierarchy name of somebody else's code system. Its version is not known."""
    system = row["url"]
    hierarchy = [each for each in placed() if each.system == system]
    displays = {each.code: each.display for each in hierarchy}
    for name in tables():
        displays |= {each.code: each.display for _, each in table(name).rows if each.code and each.system == system}
    parents = {each.code: each.parent for each in hierarchy if each.parent}
    made: Resource = {
        "resourceType": "CodeSystem",
        "id": row["id"],
        "meta": {"source": META_SOURCE},
        "url": system,
        "name": "".join(part[0].upper() + part[1:] for part in row["id"].split("-")),
        "title": row["title"],
        "status": "active",
        "experimental": False,
        "publisher": row["publisher"],
        "description": "The codes that this gateway's tables name, with those above them. Not the whole code system.",
        "copyright": _NOTICES[row["copyright"]],
        "content": "fragment",
    }
    if parents:
        made |= {"hierarchyMeaning": "is-a", "property": [_PARENT]}
    made["concept"] = [
        {
            "code": code,
            "display": display,
            **({"property": [{"code": "parent", "valueCode": parents[code]}]} if code in parents else {}),
        }
        for code, display in displays.items()
    ]
    return made


def _head(resource_type: str, codes: ConceptMap, kind: str, space: str, description: str, ending: str = "") -> Resource:
    url = f"{_URN}:{space}:{_dashed(codes)}{ending}"
    words = codes.name.split("_")
    return {
        "resourceType": resource_type,
        "id": f"{_dashed(codes)}-{kind}",
        "meta": {"source": META_SOURCE},
        "url": url,
        # A ConceptMap has one identifier, the others have many.
        "identifier": _identifier(url) if resource_type == "ConceptMap" else [_identifier(url)],
        "version": version("fhir-gateway"),
        "name": "".join(word.capitalize() for word in (*words, *kind.split("-"))),
        "title": f"{' '.join(words).capitalize()}: {kind.replace('-', ' ')}",
        "status": "active",
        "experimental": False,
        "publisher": _PUBLISHER,
        "description": description,
    }


def _identifier(url: str) -> dict[str, str]:
    return {"system": "urn:ietf:rfc:3986", "value": url}


def _noticed(made: Resource, systems: dict[str, Any]) -> Resource:
    """With the notices of the code systems that it names."""
    notices = {_NOTICES[row["copyright"]]: None for row in _systems() if row["url"] in systems}
    made["copyright"] = " ".join(notices)
    return made


def _dashed(codes: ConceptMap) -> str:
    return codes.name.replace("_", "-")


@cache
def _systems() -> tuple[dict[str, str], ...]:
    with (Path(__file__).parent / "facts" / "systems.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
