"""The terminology operations over the code tables: by GET, by a form and by a Parameters resource in JSON and XML.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from fhir.resources.R4B.parameters import Parameters
from fhir.resources.R4B.valueset import ValueSet
from flask.testing import FlaskClient

from gateway.interactions.routes import ROUTES
from mappers import terminology
from mappers.fhir.check import check
from tests.gateway.interactions.conftest import outcome

URN = "urn:fhir-gateway"
GENDER = "http://hl7.org/fhir/administrative-gender"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC = "http://loinc.org"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"

OPERATIONS = {
    "ConceptMap/$translate": {"url": f"{URN}:concept-map:gender", "system": f"{URN}:code-system:gender", "code": "F"},
    "ConceptMap/gender-map/$translate": {"system": f"{URN}:code-system:gender", "code": "m"},
    "CodeSystem/$lookup": {"system": ICD, "code": "J45.9"},
    "CodeSystem/$validate-code": {"url": LOINC, "code": "8302-2", "display": "body  HEIGHT"},
    "CodeSystem/loinc/$validate-code": {"code": "8302-2"},
    "CodeSystem/$subsumes": {"system": ICD, "codeA": "J45", "codeB": "J45.909"},
    "CodeSystem/icd-10-cm/$subsumes": {"codeA": "J45.909", "codeB": "J45"},
    "ValueSet/$expand": {"url": f"{URN}:value-set:gender", "filter": "male", "count": "1"},
    "ValueSet/gender-codes/$expand": {"offset": "1"},
    "ValueSet/$validate-code": {"url": f"{URN}:value-set:gender", "system": GENDER, "code": "male"},
    "ValueSet/gender-codes/$validate-code": {"system": GENDER, "code": "male"},
}
"""An example of every address."""


def get(client: FlaskClient, path: str, **given: str) -> dict[str, Any]:
    response = client.get(f"/fhir/{path}?{urlencode(given)}")
    assert response.status_code == 200, response.data
    return orjson.loads(response.data)


def post(client: FlaskClient, path: str, *given: dict[str, Any]) -> dict[str, Any]:
    body = {"resourceType": "Parameters", "parameter": list(given)}
    response = client.post(f"/fhir/{path}", data=orjson.dumps(body), content_type="application/fhir+json")
    assert response.status_code == 200, response.data
    return orjson.loads(response.data)


def out(answer: dict[str, Any]) -> dict[str, Any]:
    """The single output parameters by name."""
    assert check(answer) == []
    return {each["name"]: each[key] for each in answer["parameter"] for key in each if key.startswith("value")}


def matches(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(equivalence, system, code) of every match."""
    found = []
    for each in answer["parameter"]:
        if each["name"] == "match":
            part = {one["name"]: one for one in each["part"]}
            concept = part["concept"]["valueCoding"]
            found.append((part["equivalence"]["valueCode"], concept["system"], concept["code"]))
    return found


def as_parameters(given: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "valueInteger": int(value)}
        if name in {"count", "offset"}
        else {"name": name, "valueString": value}
        for name, value in given.items()
    ]


def as_xml(given: dict[str, str]) -> str:
    kinds = {"count": "Integer", "offset": "Integer"}
    parts = "".join(
        f'<parameter><name value="{name}"/><value{kinds.get(name, "String")} value="{value}"/></parameter>'
        for name, value in given.items()
    )
    return f'<Parameters xmlns="http://hl7.org/fhir">{parts}</Parameters>'


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    for name in ("identifier", "timestamp"):
        answer.get("expansion", {}).pop(name, None)
    return answer


@pytest.mark.parametrize(("path", "given"), OPERATIONS.items(), ids=OPERATIONS)
def test_every_way_gives_the_same_answer(client: FlaskClient, path: str, given: dict[str, str]) -> None:
    """GET, a form, and Parameters in JSON and in XML; the answer is valid FHIR."""
    answer = get(client, path, **given)
    (Parameters if answer["resourceType"] == "Parameters" else ValueSet).model_validate(answer)
    assert check(answer) == []
    form = client.post(f"/fhir/{path}", data=given)
    xml = client.post(f"/fhir/{path}", data=as_xml(given), content_type="application/fhir+xml")
    expected = without_ids(answer)
    assert without_ids(orjson.loads(form.data)) == expected
    assert without_ids(orjson.loads(xml.data)) == expected
    assert without_ids(post(client, path, *as_parameters(given))) == expected


def test_every_route_is_tried() -> None:
    """No operation of the terminology is without an example above."""
    tried = {(path.partition("/")[0], path.rpartition("/")[2], path.count("/")) for path in OPERATIONS}
    served = {(route.types, route.interaction, route.pattern.count("/") - 1) for route in ROUTES if route.inputs}
    terminology_types = {"CodeSystem", "ConceptMap", "ValueSet"}
    assert {
        (types[0], name, depth) for types, name, depth in served if types and types[0] in terminology_types
    } == tried


@pytest.mark.parametrize("name", terminology.tables())
def test_every_word_is_translated_as_its_table_says(client: FlaskClient, name: str) -> None:
    """Forward to all of its codes, in any spelling; and each code back to the word."""
    words, dashed = terminology.table(name), name.replace("_", "-")
    source, path = f"{URN}:code-system:{dashed}", f"ConceptMap/{dashed}-map/$translate"
    for word in words.words():
        answer = get(client, path, system=source, code=f" {word.upper()} ")
        codes = [(concept.system, concept.code) for concept in words.all(word)]
        assert [(system, code) for _, system, code in matches(answer)] == list(dict.fromkeys(codes))
        assert out(answer)["result"] is bool(codes)
        for system, code in codes:
            back = get(client, path, system=system, code=code, reverse="true")
            assert (source, word) in {(system, code) for _, system, code in matches(back)}


def test_translate_without_a_map(client: FlaskClient) -> None:
    """All maps that fit what is asked for are used: each source, target and target system narrows them."""
    word = {"system": f"{URN}:code-system:icd10cm", "code": "asthma"}
    assert matches(get(client, "ConceptMap/$translate", **word)) == [("relatedto", ICD, "J45.909")]
    back = get(client, "ConceptMap/$translate", system=GENDER, code="female", reverse="true")
    assert {code for _, _, code in matches(back)} == {"f", "female"}
    narrow = {"system": LOINC, "code": "85354-9", "reverse": "true", "source": f"{URN}:value-set:observation"}
    codes = {code for _, system, code in matches(get(client, "ConceptMap/$translate", **narrow))}
    assert codes == {"blood pressure"}
    other = get(client, "ConceptMap/$translate", **word, targetsystem=LOINC)
    assert (out(other)["result"], matches(other)) == (False, [])


def test_translate_says_why_not(client: FlaskClient) -> None:
    """A word without an honest code has no match, and the reason is told; so is that a word is not known."""
    path = "ConceptMap/icd10cm-map/$translate"
    for code, message in (("hiv", "text only: B20 or Z21 is a clinical decision"), ("xyz", "the map does not know")):
        answer = get(client, path, system=f"{URN}:code-system:icd10cm", code=code)
        assert out(answer)["result"] is False
        assert message in out(answer)["message"]


def test_translate_a_concept(client: FlaskClient) -> None:
    """Each coding of a CodeableConcept is tried; a Coding is one."""
    coding = {"system": f"{URN}:code-system:gender", "code": "m"}
    concept = {"coding": [{"system": "urn:other", "code": "1"}, coding], "text": "male"}
    for given in (
        {"name": "codeableConcept", "valueCodeableConcept": concept},
        {"name": "coding", "valueCoding": coding},
    ):
        assert matches(post(client, "ConceptMap/gender-map/$translate", given)) == [("relatedto", GENDER, "male")]


def test_lookup(client: FlaskClient) -> None:
    """The display, and what is next above and below; a native word is its own display."""
    answer = get(client, "CodeSystem/$lookup", system=ICD, code="J45.9")
    assert out(answer) == {"name": "ICD-10-CM", "display": "Other and unspecified asthma"}
    properties = [each["part"] for each in answer["parameter"] if each["name"] == "property"]
    assert [[one["valueCode"] for one in part] for part in properties] == [["parent", "J45"], ["child", "J45.90"]]
    word = get(client, "CodeSystem/$lookup", system=f"{URN}:code-system:gender", code="Transgender")
    assert out(word)["display"] == "transgender"


@pytest.mark.parametrize(
    ("given", "result", "message"),
    [
        ({"url": LOINC, "code": "8302-2"}, True, None),
        ({"url": LOINC, "code": "8302-2", "display": "Body weight"}, False, "the display is another one"),
        ({"url": LOINC, "code": "1-8"}, False, "is not known here"),
        ({"url": f"{URN}:code-system:gender", "code": "MALE"}, True, None),
        ({"url": f"{URN}:code-system:gender", "code": "x"}, False, "the code system has no such code"),
    ],
)
def test_validate_code_of_a_system(
    client: FlaskClient, given: dict[str, str], result: bool, message: str | None
) -> None:
    """A code that a fragment lacks is not called wrong; a wrong display is, with the right one."""
    answer = out(get(client, "CodeSystem/$validate-code", **given))
    assert answer["result"] is result
    assert (message or "") in answer.get("message", "")
    assert ("message" in answer) == (message is not None)


@pytest.mark.parametrize(
    ("coding", "result"),
    [
        ({"system": GENDER, "code": "male"}, True),
        ({"system": GENDER, "code": "MALE"}, False),
        ({"system": "urn:other", "code": "male"}, False),
        ({"system": LOINC, "code": "8302-2"}, False),
    ],
)
def test_validate_code_of_a_value_set(client: FlaskClient, coding: dict[str, str], result: bool) -> None:
    """A code of it, exactly; of a concept one such coding is enough."""
    path = "ValueSet/gender-codes/$validate-code"
    assert out(get(client, path, **coding))["result"] is result
    assert out(post(client, path, {"name": "coding", "valueCoding": coding}))["result"] is result
    concept = {"coding": [{"system": "urn:other", "code": "1"}, coding]}
    assert out(post(client, path, {"name": "codeableConcept", "valueCodeableConcept": concept}))["result"] is result


def test_validate_code_names_its_system(client: FlaskClient) -> None:
    """A Coding says of which code system it is."""
    coding = {"system": ICD, "code": "I10"}
    assert out(post(client, "CodeSystem/$validate-code", {"name": "coding", "valueCoding": coding}))["result"] is True
    elsewhere = post(client, "CodeSystem/loinc/$validate-code", {"name": "coding", "valueCoding": coding})
    assert out(elsewhere)["result"] is False


@pytest.mark.parametrize(
    ("system", "one", "other", "expected"),
    [
        (ICD, "J45", "J45.909", "subsumes"),
        (ICD, "J45.909", "J00-J99", "subsumed-by"),
        (ICD, "J45", "J45", "equivalent"),
        (ICD, "J45", "I10", "not-subsumed"),
        (f"{URN}:code-system:gender", "M", "m", "equivalent"),
        (f"{URN}:code-system:gender", "m", "male", "not-subsumed"),
    ],
)
def test_subsumes(client: FlaskClient, system: str, one: str, other: str, expected: str) -> None:
    """What stands above what; native words stand beside one another."""
    assert out(get(client, "CodeSystem/$subsumes", system=system, codeA=one, codeB=other)) == {"outcome": expected}
    codings = [{"name": f"coding{which}", "valueCoding": {"system": system, "code": code}}
               for which, code in (("A", one), ("B", other))]  # fmt: skip
    assert out(post(client, "CodeSystem/$subsumes", *codings)) == {"outcome": expected}


@pytest.mark.parametrize("name", terminology.tables())
def test_expansions_are_whole(client: FlaskClient, name: str) -> None:
    """Pages of an expansion put together are the value set, and a word's filter finds the word."""
    dashed, words = name.replace("_", "-"), terminology.table(name)
    path, pairs = f"ValueSet/{dashed}-words-set/$expand", []
    for offset in range(0, len(words.words()), 7):
        page = get(client, path, offset=str(offset), count="7")["expansion"]
        assert (page["total"], page["offset"]) == (len(words.words()), offset)
        pairs += [(each["system"], each["code"]) for each in page["contains"]]
    assert pairs == [(f"{URN}:code-system:{dashed}", word) for word in words.words()]
    for word in words.words():
        assert word in {each["code"] for each in get(client, path, filter=word.upper())["expansion"]["contains"]}
    codes = get(client, f"ValueSet/{dashed}-codes/$expand")["expansion"]["contains"]
    concepts = {(each.system, each.code, each.display) for word in words.words() for each in words.all(word)}
    assert {(each["system"], each["code"], each["display"]) for each in codes} == concepts


def test_an_empty_expansion(client: FlaskClient) -> None:
    """Nothing found, or only the number wanted: no empty list is sent."""
    for given in ({"filter": "zzz"}, {"count": "0"}, {"offset": "1000"}):
        assert "contains" not in get(client, "ValueSet/gender-codes/$expand", **given)["expansion"]


@pytest.mark.parametrize(
    ("path", "status", "names"),
    [
        ("ConceptMap/$translate?url=urn:nothing&system=urn:a&code=1", 404, "url"),
        ("ConceptMap/nothing/$translate?system=urn:a&code=1", 404, ""),
        (f"ConceptMap/gender-map/$translate?system={ICD}&code=1", 404, ""),
        ("ConceptMap/$translate?system=urn:nothing&code=1", 404, ""),
        ("ConceptMap/$translate?code=m", 400, "system"),
        ("ConceptMap/$translate", 400, "code"),
        ("ConceptMap/$translate?code=m&code=f&system=urn:a", 400, "code"),
        ("ConceptMap/$translate?coding=urn:a|m", 400, "coding"),
        ("ConceptMap/$translate?system=urn:a&code=m&reverse=maybe", 400, "reverse"),
        ("ConceptMap/gender-map/$translate?url=urn:fhir-gateway:concept-map:gender&system=urn:a&code=m", 400, "url"),
        ("ConceptMap/$translate?system=urn:a&code=m&sourceCode=1", 400, "sourceCode"),
        ("CodeSystem/$lookup?system=urn:nothing&code=1", 404, "system"),
        (f"CodeSystem/$lookup?system={ICD}&code=Z99", 404, "code"),
        ("CodeSystem/$lookup?code=Z99", 400, "system"),
        ("CodeSystem/$validate-code?url=urn:nothing&code=1", 404, "url"),
        ("CodeSystem/$validate-code?code=1", 400, "url"),
        (f"CodeSystem/$validate-code?url={LOINC}", 400, "code"),
        (f"CodeSystem/$subsumes?system={ICD}&codeA=J45", 400, "codeB"),
        (f"CodeSystem/$subsumes?system={ICD}&codeA=J45&codeB=Z99", 404, ""),
        (f"CodeSystem/$subsumes?system={ROLE}&codeA=ICU&codeB=ER", 404, ""),
        ("CodeSystem/$subsumes?codeA=1&codeB=2", 400, "system"),
        (f"CodeSystem/loinc/$subsumes?system={LOINC}&codeA=1&codeB=2", 400, "system"),
        ("ValueSet/$expand?url=urn:nothing", 404, "url"),
        ("ValueSet/$expand", 400, "url"),
        ("ValueSet/gender-codes/$expand?url=urn:a", 400, "url"),
        ("ValueSet/gender-codes/$expand?count=-1", 400, "count"),
        ("ValueSet/gender-codes/$expand?_summary=true", 400, "_summary"),
        ("ValueSet/gender-codes/$validate-code?code=male", 400, "system"),
    ],
)
def test_refusals(client: FlaskClient, path: str, status: int, names: str) -> None:
    """What is not known is 404, what is not understood 400; the parameter is named and nothing is passed by."""
    response = client.get(f"/fhir/{path}")
    assert response.status_code == status, response.data
    assert outcome(response).get("expression", [""]) == [f"http.{names}" if names else ""]


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b"{",
        b'{"resourceType":"Patient"}',
        b'{"resourceType":"Parameters"}',
        b'{"resourceType":"Parameters","parameter":{}}',
        b'{"resourceType":"Parameters","parameter":[1]}',
        *(
            b'{"resourceType":"Parameters","parameter":[%b]}' % parameter
            for parameter in (
                b'{"valueCode":"m"}',
                b'{"name":"code","valueInteger":1}',
                b'{"name":"coding","valueCoding":[]}',
                b'{"name":"coding","valueCoding":{"code":1}}',
                b'{"name":"codeableConcept","valueCodeableConcept":{}}',
                b'{"name":"codeableConcept","valueCodeableConcept":{"coding":[1]}}',
            )
        ),
    ],
)
def test_bodies_that_are_none(client: FlaskClient, body: bytes) -> None:
    """A body that is no Parameters resource, or holds something else than what its names say."""
    response = client.post("/fhir/ConceptMap/$translate", data=body, content_type="application/fhir+json")
    assert response.status_code == 400, response.data
    outcome(response)
    assert client.post("/fhir/ConceptMap/$translate", data=body, content_type="text/plain").status_code == 415
