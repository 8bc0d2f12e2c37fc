"""What a mapped resource becomes: exact bytes with one digest, and references that can be let go and taken up again."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sync.content import content, parse
from gateway.sync.links import all_targets, attach, detach, targets

VALUES = st.recursive(
    st.text()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
REFERENCES = st.builds(
    lambda kind, name: {"reference": f"{kind}/{name}", "type": kind, "display": f'"reference":"{kind}/{name}"'},
    st.sampled_from(["Patient", "Encounter"]),
    st.sampled_from(["a", "b", "c-1"]),
)
RESOURCES = st.fixed_dictionaries(
    {
        "resourceType": st.just("Basic"),
        "id": st.text("abc-", min_size=1, max_size=8),
        "meta": st.dictionaries(st.sampled_from(["source", "profile"]), st.text(), max_size=2),
    },
    optional={
        "subject": REFERENCES,
        "item": st.lists(st.fixed_dictionaries({"who": REFERENCES, "note": st.text()}), max_size=3),
        "value": VALUES,
    },
)


def stored(resource: dict[str, Any]) -> bytes:
    made = content(resource)
    return made.head + b'"versionId":"1","lastUpdated":"2026-01-01T00:00:00.000Z"' + made.tail


@given(RESOURCES)
def test_bytes_say_exactly_what_was_mapped(resource: dict[str, Any]) -> None:
    """Parsing the stored bytes gives the mapped resource, each decimal with the digits it had."""
    body = stored(resource)
    assert parse(body) == resource
    assert orjson.loads(body)["meta"]["versionId"] == "1"


@pytest.mark.parametrize("text", ["1.50", "0.10", "1000000000000.000001", "-0.5", "3"])
def test_a_decimal_keeps_its_precision(text: str) -> None:
    """1.50 is not 1.5 (FHIR R4, decimal)."""
    body = stored({"resourceType": "Basic", "id": "a", "meta": {}, "value": Decimal(text)})
    assert f'"value":{text}'.encode() in body
    assert str(parse(body)["value"]) == text


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), frozenset(), b"bytes"], ids=repr)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(TypeError):
        content({"resourceType": "Basic", "id": "a", "meta": {}, "value": value})


@given(RESOURCES, RESOURCES)
def test_digests_tell_contents_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Equal bytes, equal digests; and only then."""
    same = stored(one) == stored(other)
    assert (content(one).digest == content(other).digest) is same


@given(RESOURCES)
def test_targets_are_the_literal_references(resource: dict[str, Any]) -> None:
    """No text that looks like a reference is taken for one, and none is missed."""
    holders = [resource.get("subject"), *(item["who"] for item in resource.get("item", ()))]
    told = {tuple(each["reference"].split("/")) for each in holders if each}
    assert set(targets(content({**resource, "value": None}).tail)) == told


@pytest.mark.parametrize("other", ["", "#p1", "http://other.org/Patient/1", "Patient/1/_history/2", "urn:uuid:1"])
def test_a_reference_that_leads_elsewhere_is_no_target(other: str) -> None:
    """And is not passed over: who asks is told that there is more."""
    resource = {"resourceType": "Basic", "id": "a", "meta": {}, "author": {"reference": "Practitioner/p"}}
    assert all_targets(content(resource).tail) == ((("Practitioner", "p"),), True)
    both = {**resource, "subject": {"reference": other}}
    assert all_targets(content(both).tail) == ((("Practitioner", "p"),), False)


@given(RESOURCES, st.sets(st.tuples(st.sampled_from(["Patient", "Encounter"]), st.sampled_from(["a", "b", "c-1"]))))
def test_attach_undoes_detach(resource: dict[str, Any], missing: set[tuple[str, str]]) -> None:
    """A reference that was logical for a while is byte for byte what it was."""
    resource.pop("value", None)
    before = copy.deepcopy(resource)
    detached = detach(resource, missing)
    assert missing.isdisjoint(targets(content(resource).tail))
    assert {target for _, target in detached} == missing & set(targets(content(before).tail))
    attach(resource, detached)
    assert json.dumps(resource) == json.dumps(before)
