"""The one door to FHIR R4: data types, the resources that several sources make alike, and the check of what was made.

`elements` has the data types, `hospital`, `people`, `clinical` and `money` what rows of several sources have in common,
`check` the compiled rules and `definitions` what they derive from fhir.resources, imported on first use only.

https://hl7.org/fhir/R4/
"""

from __future__ import annotations

from mappers.fhir.elements import resource_id
from mappers.fhir.hospital import hospital

__all__ = ["hospital", "resource_id"]
