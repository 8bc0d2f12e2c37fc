"""Patients in few words, as the mappers make them."""

from __future__ import annotations

from typing import Any

from gateway.identity.traits import Traits, from_patient


def patient(
    given: str = "",
    family: str = "",
    born: str = "",
    gender: str = "",
    phone: str = "",
    email: str = "",
    city: str = "",
    postcode: str = "",
    resource_id: str = "1",
    source: str = "one",
    **more: Any,
) -> dict[str, Any]:
    """A Patient; empty parts are left out, `more` is added as it is."""
    name = {key: value for key, value in (("family", family), ("given", given.split())) if value}
    address = {key: value for key, value in (("city", city), ("postalCode", postcode)) if value}
    telecom = [{"system": system, "value": value} for system, value in (("phone", phone), ("email", email)) if value]
    parts = {
        "name": [name] if name else [],
        "birthDate": born,
        "gender": gender,
        "telecom": telecom,
        "address": [address] if address else [],
    }
    made = {"resourceType": "Patient", "id": resource_id, "meta": {"source": f"urn:fhir-gateway:source:{source}"}}
    return made | {key: value for key, value in parts.items() if value} | more


def person(*words: str, **parts: Any) -> Traits:
    """The traits of `patient(...)`."""
    return from_patient(patient(*words, **parts))
