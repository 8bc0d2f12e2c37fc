"""Every answer is valid FHIR: fhir.resources' R4B models judge what we join from bytes."""

from __future__ import annotations

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from flask.testing import FlaskClient


@pytest.mark.parametrize(
    "path",
    [
        "Patient?_count=3",
        "Patient?colour=green&_count=3",
        "Patient?family=Nobody",
        "Patient?_summary=count",
        "Encounter?_include=Encounter:subject&_revinclude=Condition:encounter&_count=3",
        "Encounter?_summary=true&_count=3",
        "Patient/patient-0/_history",
        "Patient/gone/_history",
        "_history?_count=5",
        "Patient/patient-0/$everything",
    ],
)
def test_bundles(client: FlaskClient, path: str) -> None:
    """A Bundle of any kind, with all that is in it, plain and laid out."""
    for query in ("", "_pretty=true"):
        response = client.get(f"/fhir/{path}{'&' if '?' in path else '?'}{query}")
        assert response.status_code == 200
        Bundle.model_validate_json(response.data)


@pytest.mark.parametrize("path", ["Patient?birthdate=junk", "Starship", "Patient/nobody", "Patient/gone"])
def test_outcomes(client: FlaskClient, path: str) -> None:
    """An OperationOutcome."""
    OperationOutcome.model_validate_json(client.get(f"/fhir/{path}").data)
