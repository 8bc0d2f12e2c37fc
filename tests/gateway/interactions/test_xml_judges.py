"""XML as others see it: fhir.resources (with lxml) and npm's fhir, which share nothing with us."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient

from gateway.interactions.xml_elements import resource_types, xml_elements
from gateway.interactions.xml_writer import to_xml
from mappers.fhir.definitions import elements
from tests.gateway.interactions.test_xml import GOLDEN, READABLE, exact, resources
from tests.node_programs import run

DATA_TYPES = [
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "CodeableConcept",
    "Coding",
    "ContactDetail",
    "ContactPoint",
    "DataRequirement",
    "Dosage",
    "ElementDefinition",
    "Expression",
    "Extension",
    "HumanName",
    "Identifier",
    "Meta",
    "Money",
    "Narrative",
    "Period",
    "Quantity",
    "Range",
    "Ratio",
    "Reference",
    "RelatedArtifact",
    "SampledData",
    "Signature",
    "Timing",
    "TriggerDefinition",
    "UsageContext",
]


def golden() -> list[bytes]:
    """Every resource of every golden file."""
    return [orjson.dumps(each) for file in GOLDEN for each in resources(orjson.loads(file.read_bytes()))]


def judged(body: bytes, written: bytes) -> None:
    """fhir.resources reads the same from the XML as from the JSON, and finds both valid."""
    model = get_fhir_model_class(orjson.loads(body)["resourceType"])
    from_xml, from_json = model.model_validate_xml(written), model.model_validate_json(body)
    assert exact(from_xml.model_dump_json().encode()) == exact(from_json.model_dump_json().encode())


def test_fhir_resources_reads_every_golden_resource() -> None:
    """The same content, valid."""
    for body in golden():
        judged(body, to_xml(body))


@pytest.mark.parametrize("path", [path for path in READABLE if "?_summary" not in path])
def test_fhir_resources_reads_every_answer(client: FlaskClient, path: str) -> None:
    """Bundles, histories and the CapabilityStatement too; an answer is asked for once, as each Bundle has its id."""
    body = client.get(f"/fhir/{path}").data
    judged(body, to_xml(body))


def test_npm_fhir_accepts_every_golden_resource() -> None:
    """Valid by its own definitions of R4, and the same in XML."""
    bodies = golden()
    lines = "\n".join(json.dumps({"json": body.decode(), "xml": to_xml(body).decode()}) for body in bodies)
    complaints = run("judge.js", lines=lines)
    assert len(complaints) == len(bodies)
    assert [each for each in complaints if each] == []


def test_the_order_of_elements_is_that_of_r4() -> None:
    """For each type and backbone that R4 has: our order comes from R4B's models, npm's fhir has R4's own."""
    (known,) = run("order.js")
    compared = 0

    def compare(path: str, kind: str) -> None:
        nonlocal compared
        if path not in known:
            return
        ours = xml_elements(kind)
        both = [name for name in known[path] if name in ours]
        ranks: list[Any] = [ours[name].rank for name in both]
        assert ranks == sorted(ranks), path
        compared += 1
        for element in elements(kind):
            if element.kind.startswith(kind) and element.kind != kind:  # a backbone is named after its path
                compare(f"{path}.{element.name}", element.kind)

    for name in (*sorted(resource_types()), *DATA_TYPES):
        compare(name, name)
    assert compared > 400
