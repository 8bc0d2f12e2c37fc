"""Laws that every mapper keeps, over simulated stores of every profile: valid, deterministic, nothing invented.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from pathlib import Path

import orjson
import pytest

from his_adapters.error_rates import PROFILES
from mappers import installed, mappings, terminology
from mappers.base import Resource
from mappers.fhir import hospital
from mappers.fhir.check import check, judge
from tests.mappers.mapped import Mapped, context, mapped, mapped_store, texts

PATIENTS = 60


@pytest.fixture(scope="module", params=installed())
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=PROFILES)
def everyone(request: pytest.FixtureRequest, adapter: str, tmp_path_factory: pytest.TempPathFactory) -> list[Mapped]:
    """Every record of a store with what it becomes."""
    return list(mapped_store(adapter, tmp_path_factory.mktemp(adapter), str(request.param), PATIENTS))


def _dumps(resources: list[Resource]) -> bytes:
    return orjson.dumps(resources, default=str)


def test_resources_are_valid_r4(everyone: list[Mapped]) -> None:
    """Structure, bindings, invariants; what is not is quarantined, at most 3 % of the records."""
    sick = [one for one in everyone if any(check(made) for made in one.own + one.shared)]
    assert len(sick) <= 0.03 * len(everyone)


def test_the_second_judge_agrees(everyone: list[Mapped]) -> None:
    """fhir.resources (R4B) finds nothing in what our check lets pass."""
    for one in everyone[:: max(1, len(everyone) // 40)]:
        for made in one.own + one.shared:
            if not check(made):
                assert judge(made) == []


def test_the_same_record_twice_gives_the_same_bytes(adapter: str, everyone: list[Mapped]) -> None:
    for one in everyone:
        again = mapped(adapter, one.record)
        assert _dumps(again.own + again.shared) == _dumps(one.own + one.shared)
        assert again.report == one.report


def test_ids_are_unique(everyone: list[Mapped]) -> None:
    """Two rows never make one resource, unless the store repeats a key."""
    rows = Counter((one.record.stream, one.record.key) for one in everyone)
    ids = Counter(
        (made["resourceType"], made["id"])
        for one in everyone
        if rows[one.record.stream, one.record.key] == 1
        for made in one.own
    )
    assert [identity for identity, count in ids.items() if count > 1] == []


def test_every_resource_names_its_source(everyone: list[Mapped]) -> None:
    for one in everyone:
        for made in one.own + one.shared:
            assert made["meta"]["source"] == "urn:fhir-gateway:source:site"
            assert {"system": "urn:fhir-gateway:source", "code": "site"} in made["meta"]["tag"]


def test_references_resolve_or_can_become_logical(everyone: list[Mapped]) -> None:
    """A literal reference leads to a resource of the store, or carries the identifier that replaces it."""
    made = [each for one in everyone for each in one.own + one.shared] + hospital(context())
    known = {f"{each['resourceType']}/{each['id']}" for each in made}
    for each in made:
        for reference in _references(each):
            assert reference["reference"] in known or reference["identifier"]["value"]


def _references(value: object) -> list[dict[str, dict[str, str]]]:
    if isinstance(value, dict):
        own = [value] if isinstance(value.get("reference"), str) else []
        return own + [found for each in value.values() for found in _references(each)]
    if isinstance(value, list):
        return [found for each in value for found in _references(each)]
    return []


def test_no_native_key_is_in_an_id(everyone: list[Mapped]) -> None:
    for one in everyone:
        for made in one.own:
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["id"])


WORDS = {
    # What FHIR or the gateway itself says. Anything else in a resource comes from the record or from a code table.
    *("active", "instance", "usual", "official", "unknown", "billed", "issued", "claim", "plan", "proposal", "draft"),
    *("phone", "email", "order", "completed", "base", "tax", "discount", "surcharge", "defaulted", "inferred"),
    *("prov", "dept", "ins", "Healthcare Provider", "Hospital Department", "Insurance Company", "wa", "Ward", "R"),
    *("restricted", "C", "Emergency Contact", "MR", "EI", "SN", "FILL", "Test Hospital", "site", "hospital"),
    *("encounter-diagnosis", "Encounter Diagnosis", "problem-list-item", "Problem List Item", "Active", "unconfirmed"),
    *("Unconfirmed", "vital-signs", "Vital Signs", "laboratory", "Laboratory", "Height", "Weight", "Blood group"),
    *(
        "Blood pressure",
        "Systolic",
        "Diastolic",
        "Hb",
        "Pulse",
        "cm",
        "kg",
        "mmHg",
        "mm[Hg]",
        "g/dL",
        "d",
        "day",
        "/min",
    ),
    *(
        "Surgery",
        "Surgery (unspecified)",
        "Follow-up",
        "Test results",
        "institutional",
        "Institutional",
        "professional",
    ),
    *("Professional", "normal", "Normal", "claimed-amount", "the patient's policy", "Hospital service, not specified"),
    *("Hospital charges, not itemised", "Treatment", "Hospital charges", "Miscellaneous charges", "Medication"),
    *("Special services", "Clinic service, not specified", "days", "high", "medium", "dq-date-order"),
    *("VN", "planned", "finished"),
    *("PI", "VN", "Laboratory scientist", "ro", "Room", "suspended", "accepted", "dq-double-booking", "Patient"),
    *("final", "registered", "IMP", "inpatient encounter", "payment", "Payment"),
    *("accepted", "VN", "ro", "Room", "encounter", "IMP", "inpatient encounter", "EMER", "emergency", "EI"),
    *("recurrence", "Recurrence", "confirmed", "Confirmed", "high", "Pharmacy", "pharmacy", "not recorded", "g"),
    *("mcg", "ug", "mL", "{tbl}", "eligpercent", "Eligible %", "payment", "Payment", "user-friendly-name"),
    *(
        "PI",
        "VN",
        "accepted",
        "needs-action",
        "pending",
        "finished",
        "current",
        "text/plain; charset=utf-8",
        "°C",
        "°F",
    ),
    *("Cel", "[degF]", "Encounter charge", "Insurance (policy not recorded)", "dq-other-patient"),
    *("dq-claim-exceeds-charges", "Sugar", "mg/dL", "beats/minute", "as recorded, amount or percent", "unit-time"),
    *("clinical-note", "Clinical Note"),
}
PATTERNS = (
    r"https?://.*",
    r"urn:fhir-gateway:.*",
    r"[A-Z][A-Za-z]+(/[0-9a-f-]{36})?",  # a resource type, a literal reference
    r"[0-9a-f-]{36}",
    r"due \d{4}-\d{2}-\d{2}",
    r"(?s)(Severity|Stage or danger|Status|Recommended treatment) as recorded: .*",
    r"-?\d+(\.\d+)?",
    r"\d{2}:\d{2}:00",  # a time of day: FHIR wants seconds
    r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2})?",  # a day; an instant, with the hospital's zone
    r"Result as recorded: .*",
    r"urn:(ietf:rfc:3986|uuid:[0-9a-f-]{36})",
)


def test_nothing_is_invented(everyone: list[Mapped]) -> None:
    """Every text of a resource comes from its record, from a code table, or from the short list above."""
    tables = {text for name in terminology.tables() for text in _table_texts(name)}
    for one in everyone:
        native = " ".join(" ".join(texts(one.record.data)).split()).casefold()
        for made in one.own + one.shared:
            for text in texts({name: value for name, value in made.items() if name != "id"}):
                if text in WORDS or text in tables or any(re.fullmatch(each, text) for each in PATTERNS):
                    continue
                if (document := _document(text)) and document in native:
                    continue
                for part in re.split(r"[,/] ?", " ".join(text.split()).casefold()):
                    assert part in native, (made["resourceType"], part)


def _document(text: str) -> str | None:
    """What an attachment's base64 says, in the form in which native texts are compared."""
    try:
        return " ".join(b64decode(text, validate=True).decode().split()).casefold()
    except ValueError:
        return None


def _table_texts(name: str) -> set[str]:
    table = terminology.table(name)
    return {text for word in table.words() for concept in table.all(word) for text in (concept.code, concept.display)}


def test_every_stream_is_mapped(adapter: str, everyone: list[Mapped]) -> None:
    """No stream of the adapter is forgotten by the mapper."""
    assert {one.record.stream for one in everyone} == {each.stream for each in mappings(adapter)}


def test_sensitive_records_are_labelled(everyone: list[Mapped]) -> None:
    """HIV and TB are restricted wherever they are a diagnosis or a place. https://hl7.org/fhir/R4/security-labels.html"""
    for made in (each for one in everyone for each in one.own if each["resourceType"] in {"Condition", "Encounter"}):
        words = " ".join(texts([made.get("code"), made.get("serviceType")]))
        if re.search(r"\b(HIV|TB)\b", words):
            assert "R" in {label["code"] for label in made["meta"].get("security", [])}


@pytest.fixture(scope="module")
def seed_store(adapter: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(f"{adapter}-seed")


def test_the_five_types_are_there(adapter: str, seed_store: Path) -> None:
    """Patient, Practitioner, Encounter, Condition and Claim come from each of the four first hospitals."""
    found = {made["resourceType"] for one in mapped_store(adapter, seed_store, "seed", 200) for made in one.own}
    if adapter in {"his_a", "his_b", "his_c", "his_d"}:
        assert found >= {"Patient", "Practitioner", "PractitionerRole", "Encounter", "Condition", "Claim", "Invoice"}
