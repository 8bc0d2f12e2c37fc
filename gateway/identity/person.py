"""What FHIR shows of the crosswalk: the Person, and the enterprise identifier and links inside every Patient.

https://hl7.org/fhir/R4/person.html, https://hl7.org/fhir/R4/patient-definitions.html#Patient.link
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gateway.bundles import instant
from gateway.identity.survivorship import Patient, survivors
from gateway.search import persons

SYSTEM = persons.SYSTEM
"""Of the enterprise identifier."""
SOURCE = "urn:fhir-gateway:identity"
"""`meta.source` of a Person, and under which the store keeps it: no hospital can be called so."""
SHOWN = ("name", "telecom", "gender", "birthDate", "address")
"""The elements of a Person that survive from its Patients."""

Resource = dict[str, Any]


def decorated(patient: Patient, person: str, others: Sequence[str]) -> Resource:
    """A Patient that says whose it is, and which other Patients are the same person's. The rest stays as it is."""
    made = {name: value for name, value in patient.items() if name != "link"}
    told = decoration(person, others)
    own = [each for each in patient.get("identifier", ()) if each.get("system") != SYSTEM]
    made["identifier"] = [*own, *told["identifier"]]
    links = [each for each in patient.get("link", ()) if each["type"] != "seealso"]
    if links or others:
        made["link"] = [*links, *told["link"]]
    return made


def decoration(person: str, others: Sequence[str]) -> Resource:
    """What `decorated` adds to the elements of a Patient."""
    return {
        "identifier": [{"use": "secondary", "system": SYSTEM, "value": person}],
        "link": [{"other": {"reference": f"Patient/{other}"}, "type": "seealso"} for other in others],
    }


def living(
    person: str, patients: Sequence[Patient], confirmed: Collection[str], former: Sequence[tuple[str, int]]
) -> Resource:
    """The Person of some Patients, oldest first.

    `confirmed`: the Patients that a person has vouched for; `former`: (id, ms of its end) of persons merged into this.
    """
    made = _head(person, active=True)
    made["identifier"] = [
        {"use": "official", "system": SYSTEM, "value": person},
        *({"use": "old", "system": SYSTEM, "value": old, "period": {"end": instant(ended)}} for old, ended in former),
    ]
    for each in survivors(patients, SHOWN):
        each.into(made)
    made["link"] = [
        {
            "target": {"reference": f"Patient/{patient['id']}"},
            "assurance": "level4" if patient["id"] in confirmed or len(patients) == 1 else "level3",
        }
        for patient in patients
    ]
    return made


def retired(person: str, survivor: str, ended: int) -> Resource:
    """The Person that was merged into another one at `ended` (ms): its id leads on."""
    made = _head(person, active=False)
    made["identifier"] = [{"use": "old", "system": SYSTEM, "value": person, "period": {"end": instant(ended)}}]
    made["link"] = [{"target": {"reference": f"Person/{survivor}"}, "assurance": "level4"}]
    return made


def _head(person: str, *, active: bool) -> Resource:
    return {"resourceType": "Person", "id": person, "meta": {"source": SOURCE}, "active": active}
