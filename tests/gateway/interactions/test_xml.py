"""XML: https://hl7.org/fhir/R4/xml.html."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from gateway.interactions.xml_reader import MOST_LEVELS, from_xml
from gateway.interactions.xml_writer import to_xml
from gateway.outcomes import InvalidRequest

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*/*.json"))
READABLE = [
    "metadata",
    "Patient/patient-0",
    "Patient/patient-0/_history/1",
    "Patient/patient-0/_history",
    "Patient/gone/_history",
    "Patient/patient-0?_summary=true",
    "Observation/height",
    "Encounter?_include=Encounter:subject&_count=3",
    "Patient?colour=green&_count=1",
    "Patient?_summary=count",
    "Patient/patient-0/$everything",
]
ERRORS = ["Patient/nobody", "Patient/gone", "Patient?birthdate=junk%01%3C%26", "Starship", "Patient/a/b/c/d"]


def exact(body: bytes) -> Any:
    """JSON with numbers as they are written; without what is new in each answer."""
    return json.loads(body, parse_int=str, parse_float=str)


def resources(value: Any) -> list[dict[str, Any]]:
    """Every resource of a golden file."""
    if isinstance(value, dict):
        return [value] if "resourceType" in value else [each for part in value.values() for each in resources(part)]
    return [each for part in value for each in resources(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_golden_resources_come_back(file: Path) -> None:
    """JSON to XML to JSON loses nothing, for everything that the mappers make."""
    for resource in resources(orjson.loads(file.read_bytes())):
        body = orjson.dumps(resource)
        assert exact(from_xml(to_xml(body))) == exact(body)


_XHTML = '<div xmlns="http://www.w3.org/1999/xhtml"'
_NARRATIVES = (
    f"{_XHTML}>-</div>",
    f"{_XHTML} title='x'>aüé🙂 &amp; b <br/><p  class=\"c\">\n&#160;</p></div>",
    f'{_XHTML} id="n"><!-- a --><div>b</div><![CDATA[<c>]]></div>',
)
_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n\r"),
    min_size=1,
)
_NUMBER = st.one_of(
    st.sampled_from(["0", "-0.0", "1.50", "1E3", "1.0e-12", "100000000000000000000.00"]),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
).map(orjson.Fragment)
_EXTENSION = st.deferred(
    lambda: (
        st.fixed_dictionaries(
            {"url": _TEXT},
            optional={
                "id": _TEXT,
                "valueDecimal": _NUMBER,
            },
        )
        | st.fixed_dictionaries({"url": _TEXT, "valueString": _TEXT})
        | st.fixed_dictionaries({"url": _TEXT, "valueBoolean": st.booleans()})
        | st.fixed_dictionaries({"url": _TEXT, "extension": st.lists(_EXTENSION, min_size=1, max_size=2)})
    )
)
_BESIDE = st.fixed_dictionaries({"extension": st.lists(_EXTENSION, min_size=1, max_size=2)}, optional={"id": _TEXT})


@st.composite
def _primitives(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A list of primitives with gaps on either side."""
    pairs = draw(st.lists(st.tuples(st.none() | _TEXT, st.none() | _BESIDE).filter(any), min_size=1, max_size=4))
    plain, beside = (list(side) for side in zip(*pairs, strict=True))
    return {key: values for key, values in ((name, plain), (f"_{name}", beside)) if any(values)}


@st.composite
def _patients(draw: st.DrawFn) -> dict[str, Any]:
    """Patients with everything that XML writes in a way of its own."""
    contact = {"id": draw(_TEXT), **draw(_primitives("given"))}
    return {
        "multipleBirthInteger": 2,
        "resourceType": "Patient",
        "contained": [{"resourceType": "Observation", "valueQuantity": {"value": draw(_NUMBER)}}],
        "active": draw(st.booleans()),
        "_birthDate": draw(_BESIDE),
        "name": [{"text": draw(_TEXT), **draw(_primitives("given"))}],
        "extension": draw(st.lists(_EXTENSION, min_size=1, max_size=3)),
        "contact": [{"name": contact}],
        "text": {
            "status": "generated",
            "div": draw(st.sampled_from(_NARRATIVES)),
        },
    }


@given(_patients(), st.booleans())
def test_everything_comes_back(patient: dict[str, Any], pretty: bool) -> None:
    """White space, quotes, digits, gaps in lists, ids, extensions of primitives, contained resources, narrative."""
    body = orjson.dumps(patient)
    assert exact(from_xml(to_xml(body, pretty=pretty))) == exact(body)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_makes_xml(text: str) -> None:
    """Whatever a diagnostic quotes, the XML can be read; what XML cannot hold is shown as U+FFFD."""
    issue = {"severity": "error", "code": "invalid", "diagnostics": f"<{text}>"}
    read = orjson.loads(from_xml(to_xml(orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]}))))
    said = read["issue"][0]["diagnostics"]
    assert len(said) == len(text) + 2
    assert all(a in {b, "�"} for a, b in zip(said[1:], text, strict=False))


@pytest.mark.parametrize(
    ("div", "shown"),
    [
        (f"{_XHTML}>a&eacute;b</div>", f"{_XHTML}>aéb</div>"),
        (f"{_XHTML}>a<br>b</div>", f"{_XHTML}>{escape(_XHTML + '>a<br>b</div>')}</div>"),
    ],
    ids=["named-character", "not-well-formed"],
)
def test_a_narrative_of_html_stays_xml(div: str, shown: str) -> None:
    """A narrative that is not XML spoils no answer."""
    made = to_xml(orjson.dumps({"resourceType": "Patient", "text": {"status": "generated", "div": div}}))
    assert orjson.loads(from_xml(made))["text"]["div"] == shown


def test_elements_stand_in_the_order_of_r4() -> None:
    """XML demands it, whatever the order of the JSON."""
    names = ["id", "meta", "text", "extension", "identifier", "active", "name", "gender", "deceasedBoolean", "contact"]
    patient: dict[str, Any] = {
        "id": "1",
        "meta": {"source": "urn:x"},
        "text": {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">-</div>'},
        "extension": [{"url": "urn:x", "valueCode": "x"}],
        "identifier": [{"value": "1"}],
        "active": True,
        "name": [{"text": "A"}],
        "gender": "male",
        "deceasedBoolean": False,
        "contact": [{"gender": "male"}],
    }
    backwards = dict(reversed(patient.items()))
    made = to_xml(orjson.dumps({"resourceType": "Patient", **backwards})).decode()
    places = [made.index(f"<{name}") for name in names]
    assert places == sorted(places)


@pytest.mark.parametrize("path", READABLE)
def test_every_answer_says_the_same_in_xml(client: FlaskClient, path: str) -> None:
    """What is read in XML is what is read in JSON, with the same headers about the version."""
    plain = client.get(f"/fhir/{path}")
    written = client.get(f"/fhir/{path}", headers={"Accept": "application/fhir+xml"})
    assert written.status_code == plain.status_code == 200
    assert written.headers["Content-Type"] == "application/fhir+xml; charset=utf-8"
    assert written.headers.get("ETag") == plain.headers.get("ETag")
    assert _settled(exact(from_xml(written.data))) == _settled(exact(plain.data))


def _settled(answer: Any) -> Any:
    """Without what is new in each Bundle."""
    if answer["resourceType"] == "Bundle":
        answer |= {"id": "", "meta": {}}
        for entry in answer.get("entry", []):
            if entry.get("search", {}).get("mode") == "outcome":
                entry["fullUrl"] = ""
    return answer


@pytest.mark.parametrize("path", ERRORS)
def test_errors_are_xml_too(client: FlaskClient, path: str) -> None:
    """An OperationOutcome in the form that was asked for."""
    plain = client.get(f"/fhir/{path}")
    written = client.get(f"/fhir/{path}", headers={"Accept": "application/fhir+xml"})
    assert written.status_code == plain.status_code >= 400
    read, said = orjson.loads(from_xml(written.data)), orjson.loads(plain.data)
    assert read["issue"][0]["code"] == said["issue"][0]["code"]


def test_pretty_xml_is_the_same_xml(client: FlaskClient) -> None:
    """`_pretty` adds white space between elements only."""
    plain, laid_out = (
        client.get(f"/fhir/Patient/patient-1?_format=xml&_pretty={value}") for value in ("false", "true")
    )
    assert orjson.loads(from_xml(laid_out.data)) == orjson.loads(from_xml(plain.data))
    assert laid_out.data.count(b"\n") > 20


def test_a_form_asks_for_xml(client: FlaskClient) -> None:
    """`_format` may stand in the form of a search."""
    response = client.post("/fhir/Patient/_search", data={"family": "Jones", "_format": "xml", "_count": "1"})
    assert orjson.loads(from_xml(response.data))["total"] == 30


_PATIENT = '<Patient xmlns="http://hl7.org/fhir">{}</Patient>'


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "not XML"),
        ("<Patient", "not XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + _PATIENT.format(""), "document type"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd">' + _PATIENT.format(""), "document type"),
        (_PATIENT.format('<active value="&a;"/>'), "not XML"),
        ("<Patient/>", "not a resource type"),
        ('<Starship xmlns="http://hl7.org/fhir"/>', "not a resource type"),
        (_PATIENT.format('<colour value="green"/>'), "colour is not an element"),
        (_PATIENT.format('<active xmlns="urn:x" value="true"/>'), "active is not an element"),
        (_PATIENT.format('<active value="perhaps"/>'), "not a value of the type boolean"),
        (_PATIENT.format('<multipleBirthInteger value="1.0"/>'), "not a value of the type integer"),
        (_PATIENT.format('<gender value=""/>'), "empty value"),
        (_PATIENT.format("<gender/>"), "gender is empty"),
        (_PATIENT.format("<name/>"), "name is empty"),
        (_PATIENT.format('<gender value="male" code="x"/>'), "attribute code"),
        (_PATIENT.format('<gender value="male"/><gender value="male"/>'), "only once"),
        (_PATIENT.format("male"), "holds text"),
        (_PATIENT.format("<contained/>"), "contained is empty"),
        (_PATIENT.format("<contained><Patient><id value='1'/></Patient><Patient/></contained>"), "more than one"),
        (_PATIENT.format("<text><div xmlns='http://www.w3.org/1999/xhtml'/></text>"), "div is empty"),
        (
            _PATIENT.format("<text><h:div xmlns:h='http://www.w3.org/1999/xhtml'>a</h:div></text>"),
            "has to begin with <div",
        ),
        (_PATIENT.format("<extension>" * MOST_LEVELS + "</extension>" * MOST_LEVELS), "nests more than"),
    ],
)
def test_what_is_not_fhir_xml_is_refused(document: str, said: str) -> None:
    """A clear error, never a part of it; no entity is expanded and nothing is fetched."""
    with pytest.raises(InvalidRequest) as refused:
        from_xml(document.encode())
    assert said in refused.value.diagnostics


def test_what_xml_may_add_is_passed_by() -> None:
    """Comments, a schema location, prefixes, an encoding declaration, elements in another order."""
    document = """<?xml version="1.0" encoding="utf-8"?><!-- a --><f:Patient xmlns:f="http://hl7.org/fhir"
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"><f:gender value="male"/>
      <f:active value="true"/><!-- b --></f:Patient>"""
    assert orjson.loads(from_xml(document.encode())) == {"resourceType": "Patient", "gender": "male", "active": True}
