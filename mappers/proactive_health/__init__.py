"""ProactiveHealth to FHIR R4: what its rows say, of whom the adapter proved it, and nothing more.

A time is a day while the source has no time zone. A code beside a word counts for nothing; where the two are known to
disagree, that is reported. INVN and VPMT have no resource in R4 and are counted by the adapter.
"""

from __future__ import annotations

from mappers.base import Mapping
from mappers.proactive_health.care import to_condition, to_procedure
from mappers.proactive_health.medicines import to_administration, to_medication
from mappers.proactive_health.money import to_claim, to_coverage, to_insurer, to_invoice, to_payment
from mappers.proactive_health.people import to_allergy, to_blood_group, to_patient, to_practitioner, to_role
from mappers.proactive_health.places import to_department, to_department_place, to_room
from mappers.proactive_health.stays import to_appointment, to_encounter, to_team
from mappers.proactive_health.supplies import to_delivery, to_device, to_vendor

MAPPINGS = (
    Mapping("DPMT", own=(to_department, to_department_place)),
    Mapping("VNDR", own=(to_vendor,)),
    Mapping("STFF", own=(to_practitioner, to_role)),
    Mapping("ROMS", own=(to_room,)),
    Mapping("MDCN", own=(to_medication,)),
    Mapping("EQPM", own=(to_device,)),
    Mapping("ALGY", own=()),  # told with each allergy
    Mapping("PATN", own=(to_patient, to_blood_group)),
    Mapping("PTAL", own=(to_allergy,)),
    Mapping("INSR", own=(to_coverage,), shared=(to_insurer,)),
    Mapping("APPT", own=(to_appointment,)),
    Mapping("MEDT", own=(to_team,)),
    Mapping("VIST", own=(to_encounter,)),
    Mapping("DIAG", own=(to_condition,)),
    Mapping("TRTM", own=(to_procedure,)),
    Mapping("TMMD", own=(to_administration,)),
    Mapping("BILL", own=(to_invoice, to_claim)),
    Mapping("MDBL", own=(to_invoice, to_claim)),
    Mapping("PMNT", own=(to_payment,)),
    Mapping("SPLY", own=(to_delivery,)),
)
