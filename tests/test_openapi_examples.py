"""The examples of the search parameters: each finds something in the golden files, and what these hold has one."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.interactions import examples
from gateway.search.fhirpath import Branch, branches, evaluate
from gateway.search.parameter_types import composite
from gateway.search.parameters import SERVED_TYPES, SearchParameter, offered
from mappers.terminology.resources import code_systems, concept_maps, value_sets
from tests.gateway.interactions.test_xml import GOLDEN, resources
from tests.gateway.search.world import World

FILE = Path(examples.__file__).with_name("examples.csv")
RESOURCES = FILE.with_name("examples.ndjson")
LONGEST = 100
LARGEST = 3_000
"""Characters of a resource that is shown whole; a page of a document should hold it."""


def golden() -> dict[str, list[dict[str, Any]]]:
    """Every resource of the golden files, and the gateway's own, by type; each once."""
    mapped = [each for file in GOLDEN for each in resources(orjson.loads(file.read_bytes()))]
    own = orjson.loads(orjson.dumps([*code_systems(), *concept_maps(), *value_sets()]))
    found = {(each["resourceType"], each["id"]): each for each in (*mapped, *own)}
    return {name: [each for (kind, _), each in found.items() if kind == name] for name in SERVED_TYPES}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World.in_folder(tmp_path_factory.mktemp("golden"))
    with closing(made.store):
        for each in golden().values():
            made.put(each)
        yield made


def test_every_example_finds_something(world: World, request: pytest.FixtureRequest) -> None:
    """Under handling=strict; a parameter for which the golden files have values has an example."""
    possible = possible_examples()
    if request.config.getoption("--update-golden"):
        examples.examples.cache_clear()
        with FILE.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("resource_type", "code", "example"))
            table.writerows((*key, value) for key, value in possible.items())
    known = examples.examples()
    missing = possible.keys() - known.keys()
    assert not missing, "run pytest --update-golden and read the difference, then make openapi"
    for (resource_type, code), value in known.items():
        assert world.ids(resource_type, (code, value)), f"{resource_type}?{code}={value} finds nothing"


def test_every_type_has_a_resource_to_show(request: pytest.FixtureRequest) -> None:
    """Of each type the one golden resource that says most and is not too long."""
    possible = {name: shown(held) for name, held in golden().items() if held}
    if request.config.getoption("--update-golden"):
        examples.resources.cache_clear()
        RESOURCES.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in possible.values()))
    assert examples.resources() == possible, "run pytest --update-golden and read the difference, then make openapi"


def shown(held: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = {each["id"]: len(orjson.dumps(each)) for each in held}
    whole = [each for each in held if sizes[each["id"]] <= LARGEST]
    if not whole:
        return min(held, key=lambda each: (sizes[each["id"]], each["id"]))
    return max(whole, key=lambda each: (sizes[each["id"]], each["id"]))


def possible_examples() -> dict[tuple[str, str], str]:
    """For each parameter the value that most golden resources have."""
    found: dict[tuple[str, str], str] = {}
    for resource_type, held in golden().items():
        for code, parameter in offered(resource_type).items():
            if code in examples.OF_ALL_TYPES:
                continue
            asked = Counter(
                text for resource in held for text in set(asked_of(parameter, resource)) if 0 < len(text) <= LONGEST
            )
            if asked:
                found[resource_type, code] = min(asked, key=lambda text: (-asked[text], text))
    return found


def asked_of(parameter: SearchParameter, resource: dict[str, Any]) -> Iterator[str]:
    """What may be asked to find a resource."""
    if parameter.type != "composite":
        yield from _texts(parameter, branches(parameter.expression, parameter.datatypes), resource)
        return
    for code in composite.stands_for(parameter):
        yield from asked_of(offered(parameter.resource_type)[code], resource)
        return
    elements = [resource]
    if composite.is_inside(parameter):
        elements = [each for path in branches(parameter.expression) for each in evaluate(path, resource)]
    for element in elements:
        texts = [list(_texts_of_part(part, element)) for part in composite.components(parameter)]
        yield from ("$".join(pair) for pair in product(*texts) if all(pair))


def _texts_of_part(part: composite.Component, element: dict[str, Any]) -> Iterator[str]:
    if not part.expression:
        return _texts(part.parameter, branches(part.parameter.expression, part.parameter.datatypes), element)
    inside = " | ".join(f"Element.{each}" for each in part.expression.split("|"))
    return _texts(part.parameter, branches(inside), element)


def _texts(parameter: SearchParameter, paths: Iterable[Branch], element: dict[str, Any]) -> Iterator[str]:
    return (ASKED[parameter.type](value, parameter) for path in paths for value in evaluate(path, element))


def _string(value: Any, _parameter: SearchParameter) -> str:
    if isinstance(value, dict):
        value = value.get("family") or value.get("city") or value.get("text") or ""
    return "".join(f"\\{sign}" if sign in "\\,|$" else sign for sign in value)


def _token(value: Any, _parameter: SearchParameter) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    coding = next((each for each in value.get("coding", [value]) if "code" in each), value)
    system, code = coding.get("system", ""), coding.get("code") or coding.get("value") or ""
    return f"{system}|{code}" if ":" in system and code else code


def _reference(value: Any, _parameter: SearchParameter) -> str:
    return value if isinstance(value, str) else value.get("reference", "")


def _date(value: Any, parameter: SearchParameter) -> str:
    if isinstance(value, str):
        return value if parameter.datatypes == ("date",) else f"ge{value[:10]}"
    return f"ge{value['start'][:10]}" if "start" in value else f"le{value['end'][:10]}" if "end" in value else ""


def _quantity(value: Any, _parameter: SearchParameter) -> str:
    unit = f"|{value['system']}|{value['code']}" if "system" in value and "code" in value else ""
    return f"{value['value']}{unit}" if "value" in value else ""


def _plain(value: Any, _parameter: SearchParameter) -> str:
    return str(value)


ASKED = {
    "string": _string,
    "token": _token,
    "reference": _reference,
    "date": _date,
    "quantity": _quantity,
    "number": _plain,
    "uri": _plain,
}
