"""The query string: what is honoured is said again, what is not is refused or reported. Nothing is dropped in silence.

https://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outcomes import InvalidParameter
from gateway.search.clauses import MAX_VALUES, modifiers
from gateway.search.parameters import RENDERED_TYPES, SERVED_TYPES, offered
from gateway.search.request import MAX_COUNT, Ignored, SearchRequest, parse, sortable
from tests.gateway.search.world import BASE


def lenient(resource_type: str, *pairs: tuple[str, str]) -> SearchRequest:
    return parse(resource_type, pairs, strict=False, base=BASE)


REFUSED = [
    ("Patient", "birthdate", "junk", "date"),
    ("Patient", "birthdate", "xx2020", "'xx'"),
    ("Patient", "birthdate", "eqne2020", "date"),
    ("Patient", "birthdate", "2020-13", "date"),
    ("Patient", "birthdate", "2021-02-29", "date"),
    ("Patient", "birthdate", "2020-01-01T25:00", "date"),
    ("Patient", "birthdate", "20", "date"),
    ("Patient", "birthdate", "٢٠٢٠", "date"),
    ("Patient", "birthdate", "2020,,2021", "empty"),
    ("Patient", "birthdate:exact", "2020", "missing"),
    ("Patient", "family:nonsense", "x", "contains, exact, missing"),
    ("Patient", "family:", "x", "no modifier"),
    ("Patient", "family", "", "no value"),
    ("Patient", "family", "  ", "no letter"),
    ("Patient", "family", "x" * 301, "longer"),
    ("Patient", "family", "a\0b", "NUL"),
    ("Patient", "family:missing", "maybe", "true, false"),
    ("Patient", "gender", "|", "token"),
    ("Patient", "gender", "a|b|c", "token"),
    ("Patient", "gender:in", "http://x", "value set"),
    ("Patient", "gender:in", "ValueSet/gender", "value set"),
    ("Patient", "gender:in", "urn:fhir-gateway:value-set:gender|0", "value set"),
    ("Patient", "gender:below", "x", "modifier"),
    ("Patient", "identifier:in", "http://x", "modifier"),
    ("Patient", "phonetic", " - ", "no letter"),
    ("Patient", "phonetic:exact", "x", "missing"),
    ("Condition", "code:below", "http://loinc.org|1", "icd-10-cm"),
    ("Condition", "code:above", "a|b|c", "icd-10-cm"),
    ("Observation", "code-value-quantity:missing", "true", "none"),
    ("Observation", "code-value-quantity", "x", "code$value-quantity"),
    ("Observation", "code-value-quantity", "x$", "code$value-quantity"),
    ("Observation", "code-value-quantity", "x$1$2", "code$value-quantity"),
    ("Observation", "code-value-quantity", "x$abc", "number"),
    ("Observation", "code-value-quantity", ",".join(["x$1"] * 21), "more than 20"),
    ("Observation", "component-code-value-quantity", "urn:x|$1", "system|code"),
    ("Patient", "gender:of-type", "a|b|c", "modifier"),
    ("Patient", "active", "maybe", "true, false"),
    ("Patient", "identifier:of-type", "a|b", "system|code|value"),
    ("Patient", "organization", "a b", "reference"),
    ("Patient", "organization", "#contained", "reference"),
    ("Patient", "organization:Patient", "1", "Organization"),
    ("Patient", "organization:Organization", "Patient/1", "Organization"),
    ("Patient", "_id:exact", "1", "not"),
    ("Patient", "_id", "a|b", "id"),
    ("Patient", "_lastUpdated", "yesterday", "date"),
    ("Patient", "_lastUpdated:missing", "true", "modifier"),
    ("Patient", "_source:below", "urn:oid:1", "URLs"),
    ("Patient", "_count", "-1", "whole number"),
    ("Patient", "_count", "1.5", "whole number"),
    ("Patient", "_count", "²", "whole number"),
    ("Patient", "_sort", "nonsense", "family"),
    ("Patient", "_sort", "family,-family", "twice"),
    ("Patient", "_sort", "general-practitioner", "sort"),
    ("Patient", "_sort", "", "no value"),
    ("Patient", "_sort:desc", "family", "modifier"),
    ("Patient", "_summary", "yes", "true, text, data, count, false"),
    ("Patient", "_total", "much", "none, estimate, accurate"),
    ("Patient", "_elements", "a;b", "element"),
    ("Patient", "_include", "Encounter:patient", "Patient"),
    ("Patient", "_include", "Patient:family", "reference"),
    ("Patient", "_include", "Patient:organization:Encounter", "Organization"),
    ("Patient", "_include:nonsense", "Patient:organization", ":iterate"),
    ("Patient", "_include:iterate", "Patient:nonsense", "organization"),
    ("Patient", "_include", "Patient:organisation", "did you mean organization"),
    ("Patient", "_include", "*:organization", "type"),
    ("Patient", "_revinclude", "Patient:*:Nonsense", "Patient"),
    ("Patient", "_revinclude", "Nonsense:patient", "type"),
    ("Patient", "_revinclude", "Encounter:location", "Patient"),
    ("Patient", "_revinclude", "Encounter:subject:Group", "Patient"),
    ("Observation", "value-quantity", "abc", "number"),
    ("Observation", "value-quantity", "zz5", "'zz'"),
    ("Observation", "value-quantity", "5|mg", "number|system|code"),
    ("Observation", "value-quantity", "5||", "number||code"),
    ("Observation", "value-quantity", "5|a|b|c", "number|system|code"),
]


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize(("resource_type", "name", "value", "says"), REFUSED)
def test_a_wrong_value_or_modifier_is_refused(
    resource_type: str, name: str, value: str, says: str, strict: bool
) -> None:
    """Also when lenient, with the parameter's name and what would be right."""
    with pytest.raises(InvalidParameter) as refused:
        parse(resource_type, [(name, value)], strict=strict, base=BASE)
    assert refused.value.status == 400
    assert name.split(":", maxsplit=1)[0].split(".", maxsplit=1)[0] in refused.value.diagnostics
    assert says in refused.value.diagnostics


@pytest.mark.parametrize("summary", ["true", "text", "data", "count"])
def test_a_summary_and_elements_contradict_each_other(summary: str) -> None:
    """One of them would be lost, though `self` says both."""
    with pytest.raises(InvalidParameter, match="_elements"):
        lenient("Patient", ("_elements", "name"), ("_summary", summary))
    assert lenient("Patient", ("_summary", "false"), ("_elements", "name")).elements == ("name",)


@pytest.mark.parametrize("name", ["_count", "_sort", "_summary", "_total", "_elements"])
def test_what_shapes_the_result_is_given_once(name: str) -> None:
    value = {"_count": "5", "_sort": "family", "_summary": "true", "_total": "none", "_elements": "name"}[name]
    with pytest.raises(InvalidParameter, match="once"):
        lenient("Patient", (name, value), (name, value))


def test_too_many_alternatives_are_refused() -> None:
    assert lenient("Patient", ("_id", ",".join(["a"] * MAX_VALUES))).clauses
    with pytest.raises(InvalidParameter, match="more than"):
        lenient("Patient", ("_id", ",".join(["a"] * (MAX_VALUES + 1))))


@pytest.mark.parametrize(
    ("name", "says"),
    [("nonsense", "valid: "), ("famly", "did you mean family"), ("_content", "full-text"), ("_text", "narrative")],
)
def test_an_unknown_parameter_is_refused_or_reported(name: str, says: str) -> None:
    """Strict refuses and helps; lenient reports it, honours the rest and leaves it out of the links."""
    with pytest.raises(InvalidParameter, match=says):
        parse("Patient", [(name, "x")], strict=True, base=BASE)
    request = lenient("Patient", (name, "x"), ("family", "y"))
    assert [type(found) for found in request.ignored] == [Ignored]
    assert request.ignored[0].name == name
    assert request.self_pairs == (("family", "y"),)
    assert len(request.clauses) == 1


def test_links_say_exactly_what_is_honoured() -> None:
    """In their order, with a capped count as it is applied; what belongs to the API's own layer is not repeated."""
    pairs = [
        ("family", "x"),
        ("_format", "json"),
        ("family", "y"),
        ("_count", "5000"),
        ("_cursor", "abc"),
        ("_include", "Patient:organization"),
        ("_sort", "-birthdate,family"),
    ]
    request = parse("Patient", pairs, strict=True, base=BASE)
    assert request.self_pairs == (
        ("family", "x"),
        ("family", "y"),
        ("_count", str(MAX_COUNT)),
        ("_include", "Patient:organization"),
        ("_sort", "-birthdate,family"),
    )
    assert (request.count, request.ignored) == (MAX_COUNT, ())


def test_the_fingerprint_is_that_of_matches_and_their_order() -> None:
    plain = lenient("Patient", ("family", "x"))
    assert lenient("Patient", ("family", "x"), ("_count", "3"), ("_summary", "true")).fingerprint == plain.fingerprint
    others = [lenient("Patient"), lenient("Patient", ("family", "y")), lenient("Practitioner", ("family", "x"))]
    others.append(lenient("Patient", ("family", "x"), ("_sort", "family")))
    assert len({plain.fingerprint, *(other.fingerprint for other in others)}) == 5


@given(st.sampled_from(SERVED_TYPES), st.text(max_size=20), st.text(max_size=40), st.booleans())
def test_no_query_string_is_too_strange(resource_type: str, name: str, value: str, strict: bool) -> None:
    """Any pair is honoured, reported or refused with a 400."""
    try:
        request = parse(resource_type, [(name, value)], strict=strict, base=BASE)
    except InvalidParameter:
        return
    handled = {*(pair[0] for pair in request.self_pairs), *(found.name for found in request.ignored)}
    assert name in handled | {"_format", "_pretty", "_cursor"}


@given(st.data(), st.text(max_size=40))
def test_no_value_is_too_strange(data: st.DataObject, value: str) -> None:
    """Any value of any parameter with any of its modifiers is understood or refused with a 400."""
    resource_type = data.draw(st.sampled_from(SERVED_TYPES))
    parameter = data.draw(st.sampled_from(sorted(offered(resource_type).values(), key=lambda each: each.code)))
    modifier = data.draw(st.sampled_from(("", *modifiers(parameter))))
    name = f"{parameter.code}:{modifier}" if modifier else parameter.code
    try:
        request = lenient(resource_type, (name, value))
    except InvalidParameter:
        return
    assert (len(request.clauses), request.self_pairs) == (1, ((name, value),))


@pytest.mark.parametrize("resource_type", SERVED_TYPES)
def test_all_that_sorts_can_be_asked_for(resource_type: str) -> None:
    for code in sortable(resource_type):
        (key,) = lenient(resource_type, ("_sort", f"-{code}")).sort
        assert (key.code, key.descending) == (code, True)


@pytest.mark.parametrize(
    "form",
    [
        f"urn:fhir-gateway:value-set:gender|{version('fhir-gateway')}",
        "ValueSet/gender-codes",
        f"{BASE}/ValueSet/gender-codes",
    ],
)
def test_a_value_set_has_a_url_and_an_address(form: str) -> None:
    """https://hl7.org/fhir/R4/search.html#token: the reference may be literal or logical."""
    by_url = lenient("Patient", ("gender:in", "urn:fhir-gateway:value-set:gender"))
    assert lenient("Patient", ("gender:in", form)).clauses == by_url.clauses


R4_MODIFIERS = {
    "string": {"exact", "contains", "missing"},
    "token": {"not", "missing"},
    "reference": {"identifier", "missing"},
    "date": {"missing"},
    "quantity": {"missing"},
    "number": {"missing"},
    "uri": {"above", "below", "missing"},
}
"""Those that make sense for every parameter of a type, whatever its data types are."""


@pytest.mark.parametrize("resource_type", sorted(set(SERVED_TYPES) - set(RENDERED_TYPES)))
def test_all_parameters_of_a_type_take_its_modifiers(resource_type: str) -> None:
    """https://hl7.org/fhir/R4/search.html#modifiers"""
    for code, parameter in offered(resource_type).items():
        is_own = code.startswith("_") or code in ("person", "phonetic")
        is_canonical = parameter.type == "reference" and "Reference" not in parameter.datatypes
        if parameter.type in R4_MODIFIERS and not is_own and not is_canonical:
            assert R4_MODIFIERS[parameter.type] <= set(modifiers(parameter)), code
