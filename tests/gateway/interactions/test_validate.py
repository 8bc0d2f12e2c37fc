"""$validate: every broken rule is an issue of a 200; what is no resource at all is refused; nothing hangs or breaks.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

import json
import time
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappers.fhir.check import check
from tests.gateway.interactions.conftest import outcome
from tests.gateway.interactions.served import encounter, everything, patient

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
FINE = ("information", "informational")
CLEAN = [{"severity": "information", "code": "informational", "diagnostics": "no issue was found"}]


def ask(client: FlaskClient, path: str, body: Any) -> list[dict[str, Any]]:
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    response = client.post(f"/fhir/{path}", data=sent, content_type="application/fhir+json")
    assert response.status_code == 200, response.data
    answer = orjson.loads(response.data)
    assert check(answer) == []
    return answer["issue"]


def wrapped(resource: Any, **texts: str) -> dict[str, Any]:
    given = [{"name": name, "valueCode" if name == "mode" else "valueUri": text} for name, text in texts.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}, *given]}


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(orjson.dumps(resource, default=float))


@pytest.mark.parametrize("resource", {each["resourceType"]: each for each in everything()[::-1]}.values(),
                         ids=lambda each: each["resourceType"])  # fmt: skip
def test_what_is_valid(client: FlaskClient, resource: dict[str, Any]) -> None:
    """As the body, in a Parameters resource, and as what is stored: no issue."""
    kind, name = resource["resourceType"], resource["id"]
    assert ask(client, f"{kind}/$validate", plain(resource)) == CLEAN
    assert ask(client, f"{kind}/$validate", wrapped(plain(resource))) == CLEAN
    assert ask(client, f"{kind}/{name}/$validate", plain(resource)) == CLEAN
    assert orjson.loads(client.get(f"/fhir/{kind}/{name}/$validate").data)["issue"] == CLEAN


@pytest.mark.parametrize(
    ("path", "change", "code", "expression"),
    [
        ("Patient", {"gender": "M"}, "code-invalid", "Patient.gender"),
        ("Patient", {"nickname": "x"}, "structure", "Patient.nickname"),
        ("Patient", {"birthDate": "1980-13-01"}, "value", "Patient.birthDate"),
        ("Patient", {"name": {"family": "x"}}, "structure", "Patient.name"),
        ("Patient", {"name": []}, "structure", "Patient.name"),
        ("Patient", {"contact": [{"gender": "male"}]}, "invariant", "Patient.contact[0]"),
        ("Patient", {"link": [{"other": {"reference": "Location/1"}, "type": "seealso"}]}, "value",
         "Patient.link[0].other.reference"),
        ("Encounter", {"status": None}, "required", "Encounter.status"),
        ("Encounter", {"resourceType": "Nothing"}, "not-supported", "Resource"),
    ],
)  # fmt: skip
def test_every_kind_of_fault(
    client: FlaskClient, path: str, change: dict[str, Any], code: str, expression: str
) -> None:
    """The issue names the place and the kind, as an error."""
    resource = patient(1) if path == "Patient" else encounter(1, 1)
    resource = {name: value for name, value in {**resource, **change}.items() if value is not None}
    issues = ask(client, f"{path}/$validate", resource)
    assert {"severity": "error", "code": code, "expression": [expression]}.items() <= issues[-1].items()
    assert all(each["severity"] == "error" for each in issues)


def test_values_are_not_repeated(client: FlaskClient) -> None:
    """What was wrong is said without saying it."""
    resource = {**patient(1), "gender": "secretword", "birthDate": "secretword", "name": "secretword"}
    assert "secretword" not in str(ask(client, "Patient/$validate", resource))


@pytest.mark.parametrize(
    ("path", "texts", "severity", "code"),
    [
        ("Patient/$validate", {"mode": "create"}, "warning", "not-supported"),
        ("Patient/patient-1/$validate", {"mode": "update"}, "warning", "not-supported"),
        ("Patient/patient-1/$validate", {"mode": "delete"}, "warning", "not-supported"),
        ("Patient/patient-2/$validate", {"mode": "update"}, "error", "value"),
        ("Encounter/$validate", {}, "error", "structure"),
        ("Patient/$validate", {"profile": "http://hl7.org/fhir/StructureDefinition/Patient"}, *FINE),
        ("Patient/$validate", {"profile": "http://hl7.org/fhir/StructureDefinition/Patient|4.0.1"}, *FINE),
        ("Patient/$validate", {"profile": "http://example.org/unknown"}, "error", "not-supported"),
        ("Patient/$validate", {"profile": f"{US_CORE}patient"}, *FINE),
        ("Patient/$validate", {"profile": f"{US_CORE}patient|6.1.0"}, *FINE),
        ("Patient/$validate", {"profile": f"{US_CORE}encounter"}, "error", "not-supported"),
        ("Encounter/$validate", {"profile": f"{US_CORE}encounter"}, "warning", "incomplete"),
    ],
)
def test_modes_and_profiles(client: FlaskClient, path: str, texts: dict[str, str], severity: str, code: str) -> None:
    """A mode says that we are read-only, an unknown profile that it is not known: both in URL and in Parameters."""
    query = "&".join(f"{name}={value}" for name, value in texts.items())
    resource = {**plain(patient(1)), "id": "patient-1"}
    for issues in (ask(client, path, wrapped(resource, **texts)), ask(client, f"{path}?{query}", resource)):
        assert (issues[-1]["severity"], issues[-1]["code"]) == (severity, code)


def test_what_a_profile_lacks(client: FlaskClient) -> None:
    """Each rule of the profile that is broken is an issue with its element."""
    lacking = {name: value for name, value in plain(patient(1)).items() if name not in ("gender", "name")}
    issues = ask(client, f"Patient/$validate?profile={US_CORE}patient", lacking)
    assert [each["expression"] for each in issues] == [["Patient.name"], ["Patient.gender"]]
    issues = ask(client, f"Encounter/$validate?profile={US_CORE}encounter", encounter(1, 1))
    assert [each["expression"] for each in issues] == [["Encounter.type"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "Patient/$validate", b"{", 400),
        ("POST", "Patient/$validate", b'{"name":1}', 400),
        ("POST", "Patient/$validate", b'{"resourceType":"Patient","multipleBirthInteger":NaN}', 400),
        ("POST", "Patient/$validate", b'{"resourceType":"Parameters"}', 400),
        ("POST", "Patient/$validate?mode=rename", b'{"resourceType":"Patient"}', 400),
        ("POST", "Patient/$validate?mode=delete", b'{"resourceType":"Patient"}', 400),
        ("POST", "Patient/$validate?mode=profile", b'{"resourceType":"Patient"}', 400),
        ("POST", "Patient/$validate?colour=red", b'{"resourceType":"Patient"}', 400),
        ("POST", "Patient/nobody/$validate", b'{"resourceType":"Patient"}', 404),
        ("GET", "Patient/nobody/$validate", b"", 404),
        ("GET", "Patient/gone/$validate", b"", 410),
        ("GET", "Patient/$validate", b"", 405),
        ("POST", "Patient/$validate", b'{"resourceType":"Patient","a":' + b"[" * 100 + b"]" * 100 + b"}", 413),
        ("POST", "Patient/$validate", b'{"resourceType":"Patient","a":[' + b"1," * 30_000 + b"1]}", 413),
        ("POST", "Patient/$validate", b'{"resourceType":"Patient","a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400),
        ("POST", "Patient/$validate", b"[" * 2_000_000, 413),
    ],
)
def test_refusals(client: FlaskClient, method: str, path: str, body: bytes, status: int) -> None:
    """What cannot be read, is too big, or was asked in another way than there is."""
    response = client.open(f"/fhir/{path}", method=method, data=body, content_type="application/fhir+json")
    assert response.status_code == status, response.data
    outcome(response)


def test_other_media(client: FlaskClient) -> None:
    """XML is read like JSON; text is not read."""
    body = '<Patient xmlns="http://hl7.org/fhir"><gender value="M"/></Patient>'
    answer = client.post("/fhir/Patient/$validate", data=body, content_type="application/fhir+xml")
    assert orjson.loads(answer.data)["issue"][0]["expression"] == ["Patient.gender"]
    assert client.post("/fhir/Patient/$validate", data=body, content_type="text/plain").status_code == 415


def nested(levels: int) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": "Patient", "gender": "M"}
    for _ in range(levels):
        resource = {"resourceType": "Patient", "contained": [resource], "bad": [{"resource": resource}]}
    return resource


HOSTILE = {
    "parameters in parameters": lambda: wrapped(wrapped(wrapped(wrapped({"resourceType": "Patient", "gender": "M"})))),
    "contained in contained": lambda: nested(9),
    "many faults": lambda: {"resourceType": "Patient", "name": [{"given": [1] * 19_000}]},
    "many contained": lambda: {"resourceType": "Patient", "contained": [{"resourceType": "Patient"}] * 9_000},
    "many unknown": lambda: {"resourceType": "Patient", **{f"x{number}": 1 for number in range(19_000)}},
    "strange values": lambda: {"resourceType": "Patient", "birthDate": -1e308, "multipleBirthInteger": 10**30},
    "strange types": lambda: {"resourceType": "Patient", "id": [], "meta": "x", "contained": {"a": 1}, "text": 7},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies(client: FlaskClient, name: str) -> None:
    """Answered within two seconds, with at most some hundred issues."""
    ask(client, "Patient/$validate", {"resourceType": "Patient"})  # the rules are compiled once
    body = json.dumps(HOSTILE[name]()).encode()
    started = time.process_time()
    issues = ask(client, "Patient/$validate", body)
    assert time.process_time() - started < 2
    assert 0 < len(issues) <= 202
    assert issues[0]["severity"] == "error"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e300, 1e300) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=12,
)  # fmt: skip
NAMES = st.sampled_from(
    ["name", "contained", "extension", "birthDate", "_gender", "meta", "text", "id", "link", "photo"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(NAMES | st.text(max_size=8), json_values, max_size=5))
def test_any_json(client: FlaskClient, elements: dict[str, Any]) -> None:
    """Whatever stands in a resource, the answer is a valid OperationOutcome."""
    assert ask(client, "Patient/$validate", {**elements, "resourceType": "Patient"})
