"""mappers.fhir.definitions: R4 (4.0.1) as it is, though fhir.resources has R4B and shortens code lists.

The oracle is fhirclient, whose models were generated from 4.0.1. https://hl7.org/fhir/R4/resourcelist.html
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from functools import cache
from importlib import import_module
from typing import Any

import fhirclient.models
import pytest

from mappers.fhir import definitions


@cache
def closure() -> tuple[str, ...]:
    """Every type that a checkable resource is made of."""
    seen: set[str] = set()
    wanted = set(definitions.RESOURCE_TYPES)
    while wanted:
        name = wanted.pop()
        seen.add(name)
        kinds = {element.kind for element in definitions.elements(name) if not element.primitive}
        wanted |= kinds - seen - {definitions.RESOURCE}
    return tuple(sorted(seen))


@cache
def r4() -> dict[str, Any]:
    """fhirclient's class of every R4 type, by the type's name."""
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(fhirclient.models.__path__):
        if not module.name.endswith("_tests"):
            members = vars(import_module(f"fhirclient.models.{module.name}")).values()
            found |= {one.__name__: one for one in members if hasattr(one, "elementProperties")}
    return found | {"Reference": found["FHIRReference"]}


def test_elements_lists_and_minimums_are_those_of_r4() -> None:
    """Every type that is used has exactly R4's elements, and each repeats or is required as in R4."""
    differing = {}
    for name in closure():
        ours = {element.name: (element.many, element.required) for element in definitions.elements(name)}
        theirs = {one[1]: (bool(one[3]), bool(one[5])) for one in r4()[name]().elementProperties()}
        if ours != theirs:
            differing[name] = {key: (ours.get(key), theirs.get(key)) for key in ours.keys() | theirs.keys()}
    assert differing == {}


def test_no_list_of_codes_is_shortened_or_prose() -> None:
    """The models end a long list with '+' or 'etc.'; none of that is left in any type."""
    odd = [
        (name, element.name, code)
        for name in closure()
        for element in definitions.elements(name)
        for code in element.codes or ()
        if code in {"+", "etc.", "etc", "..."} or not code or any(sign in code for sign in " +|()")
    ]
    assert odd == []


@pytest.mark.parametrize("table", ["required_bindings", "r4b_differences"])
def test_every_fact_is_about_an_element_that_exists(table: str) -> None:
    """No row is a leftover; a row that removes something names what R4B has and R4 has not."""
    for row in definitions._table(table):
        owner, name = definitions._key(row["element"]).split(".")
        has = name in {element.name for element in definitions.elements(owner)}
        assert has is (row.get("change") != "removed"), row["element"]


def test_every_row_of_the_bindings_corrects_the_models() -> None:
    """A list that the model has in full is not written down a second time."""
    for row in definitions._table("required_bindings"):
        owner, name = definitions._key(row["element"]).split(".")
        model = next(element for element in definitions._r4b(owner) if element.name == name)
        assert set(model.codes or ()) != set(row["codes"].split()), row["element"]


def test_reference_targets_are_r4_types() -> None:
    """A target that R4 has not (R4B's own types) would let a wrong reference pass."""
    targets = {
        target for name in closure() for element in definitions.elements(name) for target in element.targets or ()
    }
    assert targets <= set(definitions.RESOURCE_NAMES)


def test_mandatory_elements_are_the_required_ones_in_r4s_order() -> None:
    assert definitions.mandatory_elements("Patient") == ()
    assert definitions.mandatory_elements("Encounter") == ("status", "class")
    assert definitions.mandatory_elements("Claim") == (
        "status", "type", "use", "patient", "created", "provider", "priority", "insurance",
    )  # fmt: skip
    assert definitions.mandatory_elements("MedicationAdministration")[1:3] == (
        "medicationCodeableConcept",
        "medicationReference",
    )


def test_summary_elements_are_r4s_in_its_order() -> None:
    assert definitions.summary_elements("Patient") == (
        "id", "meta", "implicitRules", "identifier", "active", "name", "telecom", "gender", "birthDate",
        "deceasedBoolean", "deceasedDateTime", "address", "managingOrganization", "link",
    )  # fmt: skip


def test_a_type_that_cannot_be_checked_has_no_schema() -> None:
    with pytest.raises(KeyError):
        definitions.json_schema("Evidence")


def test_importing_the_definitions_imports_no_models() -> None:
    """`serve` starts without them."""
    code = "import sys, mappers.fhir.check; print([m for m in sys.modules if m.split('.')[0] in ('fhir', 'pydantic')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
