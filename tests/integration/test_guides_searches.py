"""The searches that US Core demands of a server, and the query of IHE's PDQm, over all hospitals; answers are compared
with the naive matcher.

https://hl7.org/fhir/us/core/STU6.1/CapabilityStatement-us-core-server.html,
https://profiles.ihe.net/ITI/PDQm/ITI-78.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.search.parameters import offered
from gateway.settings import Settings
from tests.gateway.search import naive, samples
from tests.integration.hospitals import opened_store, resources, simulate_all, synced

PATIENTS = 12
Json = dict[str, Any]
Pairs = list[tuple[str, str]]
STRICT = {"Prefer": "handling=strict"}
FORM = "application/x-www-form-urlencoded"
DATES = ("", "ge", "le", "gt", "lt")
"""The prefixes that US Core demands."""

with (Path(__file__).parent.parent / "us_core_searches.csv").open(encoding="utf-8") as _file:
    DEMANDED = [(row["resource_type"], tuple(row["parameters"].split())) for row in csv.DictReader(_file)]
UNKNOWN = {
    ("CarePlan", "category"),
    ("CareTeam", "patient"),
    ("CareTeam", "role"),
    ("CareTeam", "status"),
    ("Condition", "abatement-date"),
    ("Condition", "asserted-date"),
    ("Condition", "onset-date"),
    ("Device", "patient"),
    ("Device", "type"),
    ("DocumentReference", "period"),
    ("Encounter", "discharge-disposition"),
    ("Encounter", "type"),
    ("Patient", "active"),
    ("Patient", "death-date"),
    ("Patient", "mothersMaidenName"),
    ("ServiceRequest", "authored"),
    ("ServiceRequest", "category"),
}
"""Parameters of which the hospitals say nothing that can be asked for, or nothing with a code."""
ANYTHING = {"date": "2020", "reference": "Patient/x", "string": "Smith", "token": "true"}


class Hospitals(NamedTuple):
    client: FlaskClient
    records: naive.Records

    def search(self, resource_type: str, pairs: Pairs, *, form: bool, accept: str = "application/fhir+json") -> Any:
        """By GET or by POST."""
        headers = {**STRICT, "Accept": accept}
        if form:
            path = f"/fhir/{resource_type}/_search"
            response = self.client.post(path, data=urlencode(pairs), content_type=FORM, headers=headers)
        else:
            response = self.client.get(f"/fhir/{resource_type}?{urlencode(pairs)}", headers=headers)
        assert response.status_code == 200, response.data
        assert response.content_type.startswith(accept)
        return response

    def wanted(self, resource_type: str, pairs: Pairs) -> set[str]:
        return set.intersection(*(self.records.ids(resource_type, name, value) for name, value in pairs))


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospitals]:
    folder = tmp_path_factory.mktemp("guides")
    simulate_all(folder, PATIENTS)
    with closing(opened_store(folder / "gateway.db")) as store:
        assert synced(store, folder).ok
        records = naive.Records(resources(store))
    app = create_app(Settings(file=folder / "gateway.toml", store=f"sqlite:///{folder / 'gateway.db'}"))
    yield Hospitals(app.test_client(), records)
    app.extensions["fhir_gateway"].store.close()


def asked(resource: Json, code: str) -> list[str]:
    """How to ask for a value that a resource has, in the ways that are demanded."""
    parameter = offered(resource["resourceType"])[code]
    for value in naive.values(resource, parameter.expression.replace("Resource.", f"{resource['resourceType']}.", 1)):
        texts = list(samples.texts(parameter, "", value))
        if texts and parameter.type == "date":
            day = re.sub("^[a-z]+", "", texts[0])[:10]
            return [prefix + day for prefix in DATES]
        if texts:
            return [max(texts, key=lambda text: "|" in text and not text.startswith("|"))]
    return []


def searches(resource: Json, codes: tuple[str, ...]) -> Iterator[Pairs]:
    """The searches by these parameters that may find a resource."""
    values = [asked(resource, code) for code in codes]
    for at in range(max(map(len, values))):
        yield [(code, texts[at % len(texts)]) for code, texts in zip(codes, values, strict=True)]


@pytest.mark.parametrize(
    ("resource_type", "codes"), DEMANDED, ids=lambda each: each if isinstance(each, str) else "+".join(each)
)
def test_us_core(hospitals: Hospitals, resource_type: str, codes: tuple[str, ...]) -> None:
    """GET and POST find the same: all that holds the values, each with its Provenance."""
    held = hospitals.records.of_type(resource_type)
    holding = [each for each in held if all(asked(each, code) for code in codes)]
    asked_for = [pairs for each in holding[:1] + holding[-1:] for pairs in searches(each, codes)]
    if not holding:
        assert UNKNOWN & {(resource_type, code) for code in codes}
        asked_for = [[(code, ANYTHING[offered(resource_type)[code].type]) for code in codes]]
    for pairs in asked_for:
        wanted = hospitals.wanted(resource_type, pairs)
        for form in (False, True):
            told = [*pairs, ("_count", "1000"), ("_revinclude", "Provenance:target")]
            bundle = hospitals.search(resource_type, told, form=form).json
            found = {each["resource"]["id"] for each in bundle.get("entry", ()) if each["search"]["mode"] == "match"}
            assert found == wanted
            assert bundle["total"] == len(wanted)
            traced = [each["resource"] for each in bundle.get("entry", ()) if each["search"]["mode"] == "include"]
            targets = [target["reference"] for each in traced for target in each["target"]]
            assert {each.partition("/_history/")[0] for each in targets} == {
                f"{resource_type}/{each}" for each in wanted
            }


def test_what_no_store_says_is_known(hospitals: Hospitals) -> None:
    """No parameter is excused for which there are values."""
    for resource_type, code in UNKNOWN:
        assert not any(asked(each, code) for each in hospitals.records.of_type(resource_type)), code


PDQM = (
    "active",
    "family",
    "given",
    "identifier",
    "telecom",
    "birthdate",
    "address",
    "address-city",
    "address-country",
    "address-postalcode",
    "address-state",
    "gender",
    "mothersMaidenName",
)
_FHIR = "{http://hl7.org/fhir}"


@pytest.mark.parametrize("form", [False, True], ids=["get", "post"])
@pytest.mark.parametrize("code", PDQM)
def test_pdqm(hospitals: Hospitals, code: str, form: bool) -> None:
    """JSON and XML answer the same, with a total; strings take `:exact`, several parameters narrow."""
    holding = [each for each in hospitals.records.of_type("Patient") if asked(each, code)]
    assert holding or ("Patient", code) in UNKNOWN
    anything = [(code, ANYTHING[offered("Patient")[code].type])]
    by_code = [(code, text) for each in holding[:1] for text in asked(each, code)] or anything
    by_name = [pair for each in holding[:1] for pair in zip(("family",), asked(each, "family"), strict=False)]
    is_string = offered("Patient")[code].type == "string"
    exact = [(f"{code}:exact", naive.unescaped(by_code[0][1]).title())] if is_string else []
    for pairs in ([by_code[0]], [by_code[0], *by_name], exact or [by_code[-1]]):
        wanted = hospitals.wanted("Patient", pairs)
        told = [*pairs, ("_count", "1000")]
        bundle = hospitals.search("Patient", told, form=form).json
        assert {each["resource"]["id"] for each in bundle.get("entry", [])} == wanted
        assert bundle["total"] == len(wanted)
        answer = hospitals.search("Patient", told, form=form, accept="application/fhir+xml")
        tree = ET.fromstring(answer.data)
        ids = [each.get("value") for each in tree.findall(f"{_FHIR}entry/{_FHIR}resource/{_FHIR}Patient/{_FHIR}id")]
        assert sorted(map(str, ids)) == sorted(wanted)
        total = tree.find(f"{_FHIR}total")
        assert total is not None
        assert total.get("value") == str(len(wanted))


def test_pdqm_domains(hospitals: Hospitals) -> None:
    """Systems alone limit an answer to the patients of these domains."""
    systems = [f"urn:fhir-gateway:source:{name}:patients" for name in ("his_a", "his_b")]
    pairs = [("identifier", ",".join(f"{system}|" for system in systems)), ("_count", "1000")]
    bundle = hospitals.search("Patient", pairs, form=False).json
    assert bundle["total"] == 2 * PATIENTS == len(bundle["entry"])
    for entry in bundle["entry"]:
        assert {each.get("system") for each in entry["resource"]["identifier"]} & set(systems)


@pytest.mark.parametrize("known", [True, False])
def test_pdqm_says_that_a_domain_is_not_known(hospitals: Hospitals, known: bool) -> None:
    """Beside what the other domains have; it counts for nothing."""
    domains = ["urn:fhir-gateway:source:his_a:patients|"] * known + ["urn:oid:2.999|"]
    for form in (False, True):
        bundle = hospitals.search("Patient", [("identifier", ",".join(domains)), ("_count", "50")], form=form).json
        assert bundle["total"] == PATIENTS * known
        (said,) = [each["resource"] for each in bundle["entry"] if each["search"]["mode"] == "outcome"]
        assert (said["issue"][0]["severity"], said["issue"][0]["code"]) == ("warning", "not-found")
