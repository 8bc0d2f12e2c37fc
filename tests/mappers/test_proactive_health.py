"""ProactiveHealth's mapping, decision by decision: what each word becomes, and what is left out on purpose."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from his_adapters.base import Record
from his_adapters.proactive_health import records
from his_adapters.proactive_health.records import Billed, OfVisit, Policy, Reacting, Room, Stay, Supplied, Visit
from mappers.base import MappingContext, MappingReport, Resource
from mappers.fhir.check import check, judge
from mappers.proactive_health import MAPPINGS
from tests.mappers.mapped import AS_OF

VISIT = Visit("W1", "1A", "2024-07-01 10:00:05", "2024-09-01 12:00:00")


def row(kind: type, **cells: Any) -> Any:
    """A row of which only some cells are stated."""
    return kind(**{item.name: cells.get(item.name) for item in fields(kind)})


def mapped(stream: str, data: Any, key: tuple[str, ...] = ("k",), zone: str | None = "Asia/Kolkata") -> list[Resource]:
    """What a record of a stream becomes; all of it valid."""
    made, _ = reported(stream, data, key, zone)
    return made


def reported(
    stream: str, data: Any, key: tuple[str, ...] = ("k",), zone: str | None = "Asia/Kolkata"
) -> tuple[list[Resource], list[tuple[str, str]]]:
    context, report = MappingContext("site", "Test Hospital", AS_OF, zone), MappingReport()
    record = Record(stream, key, data, "x.csv:2", b"")
    made = [each for one in MAPPINGS if one.stream == stream for to in one.own for each in to(record, context, report)]
    for each in made:
        assert check(each) == []
        assert judge(each) == []
    return made, [(issue.code, issue.element) for issue in report.issues]


def visit(**cells: Any) -> records.VisitRow:
    return row(
        records.VisitRow, **{"refr_no": "W1", "pat_id": "1A", "vis_en": VISIT.vis_en, "vis_ex": VISIT.vis_ex} | cells
    )


def encounter(**cells: Any) -> Resource:
    (made,) = mapped("VIST", Stay(visit(**cells), None, None, ()))
    return made


ABSENT = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}
CLASSES = [
    pytest.param("W1", "Discharged", "finished", ABSENT["code"], True, id="discharged: no class is proven"),
    pytest.param("W1", "Admitted", "in-progress", "IMP", False, id="admitted: inpatient, no end yet"),
    pytest.param("E1", "Admitted", "in-progress", "IMP", False, id="admitted emergency"),
    pytest.param("E1", "Discharged", "finished", "EMER", True, id="emergency number"),
    pytest.param("W1", "Need Follow-Up", "finished", ABSENT["code"], True, id="follow-up"),
    pytest.param("W1", None, "unknown", ABSENT["code"], True, id="no status"),
    pytest.param("W1", "Elsewhere", "unknown", ABSENT["code"], True, id="another word"),
]


@pytest.mark.parametrize(("number", "word", "status", "klass", "ended"), CLASSES)
def test_visits(number: str, word: str | None, status: str, klass: str, ended: bool) -> None:
    made = encounter(refr_no=number, vstat_des=word)
    assert (made["status"], made["class"]["code"]) == (status, klass)
    assert ("end" in made["period"]) == ended
    planned = [each for each in made.get("extension", []) if each["url"].endswith("planned-exit")]
    assert bool(planned) == (not ended)
    assert ("inferred" in [tag["code"] for tag in made["meta"]["tag"]]) == (klass == "EMER")


def test_the_native_word_is_kept_where_the_code_says_less() -> None:
    words = [each["valueString"] for each in encounter(vstat_des="Need Follow-Up")["extension"]]
    assert words == ["Need Follow-Up"]
    assert "extension" not in encounter(vstat_des="Discharged")


@pytest.mark.parametrize(("zone", "start"), [(None, "2024-07-01"), ("Asia/Kolkata", "2024-07-01T10:00:05+05:30")])
def test_times_need_a_zone(zone: str | None, start: str) -> None:
    """Without one only the day is told: FHIR has no time of the day without an offset."""
    (made,) = mapped("VIST", Stay(visit(vstat_des="Discharged"), None, None, ()), zone=zone)
    assert made["period"]["start"] == start


def test_summer_time_is_the_zones() -> None:
    (made,) = mapped("VIST", Stay(visit(), None, None, ()), zone="Europe/Berlin")
    assert made["period"]["start"].endswith("+02:00")


def test_an_exit_before_the_entry_is_left_out() -> None:
    made, issues = reported("VIST", Stay(visit(vis_ex="2024-06-30 10:00:00"), None, None, ()))
    assert "end" not in made[0]["period"]
    assert ("contradiction", "Encounter.period.end") in issues


def test_an_appointment_is_meant_by_number_and_patient() -> None:
    """Another patient's appointment of the same number has another id; a walk-in has none."""
    mine = encounter(refr_no="1849560")["appointment"][0]
    (made,) = mapped(
        "APPT",
        row(records.AppointmentRow, refr_no="1849560", pat_id="1A", astat_des="Completed"),
        ("1849560", "1A"),
    )
    assert mine["reference"] == f"Appointment/{made['id']}"
    (other,) = mapped(
        "APPT",
        row(records.AppointmentRow, refr_no="1849560", pat_id="2B", astat_des="Completed"),
        ("1849560", "2B"),
    )
    assert mine["reference"] != f"Appointment/{other['id']}"
    assert "appointment" not in encounter(refr_no="W1")


def test_a_code_that_contradicts_its_word_is_reported() -> None:
    stay = Stay(visit(vstat_des="Discharged", vstat_cd="1"), None, None, ())
    made, issues = reported("VIST", stay)
    assert made[0]["status"] == "finished"
    assert ("contradiction", "Encounter.status") in issues
    letters = Stay(visit(vstat_des="Discharged", vstat_cd="ADM"), None, None, ())
    assert not reported("VIST", letters)[1]


def test_a_psychiatric_room_labels_the_visit() -> None:
    (made,) = mapped("VIST", Stay(visit(rom_id="R1"), Room("R1", "D1"), "Psychiatry", ()))
    assert {"R", "PSY"} <= {label["code"] for label in made["meta"]["security"]}


APPOINTMENTS = [
    pytest.param("Completed", "2024-07-01 10:00:00", "Asia/Kolkata", "fulfilled", "start", id="completed"),
    pytest.param("No show", "2024-07-01 10:00:00", "Asia/Kolkata", "noshow", "start", id="no show"),
    pytest.param("Scheduled", "2024-07-01 10:00:00", None, "booked", "_start", id="no zone"),
    pytest.param("Completed", None, "Asia/Kolkata", "fulfilled", "_start", id="no time"),
    pytest.param("Cancelled", None, "Asia/Kolkata", "cancelled", None, id="cancelled without a time"),
]


@pytest.mark.parametrize(("word", "at", "zone", "status", "start"), APPOINTMENTS)
def test_appointments(word: str, at: str | None, zone: str | None, status: str, start: str | None) -> None:
    """app-2, app-3: start and end are both there or both not; no end is invented."""
    data = row(records.AppointmentRow, refr_no="1", pat_id="1A", astat_des=word, apt_time=at, doc_id="D", ctd_id="C")
    (made,) = mapped("APPT", data, zone=zone)
    assert made["status"] == status
    assert {name for name in made if name.strip("_") in {"start", "end"}} == ({start, "_end"} if start else set())
    assert len(made["participant"]) == 2  # who booked it takes no part


def test_an_appointment_without_a_status_is_none() -> None:
    made, issues = reported("APPT", row(records.AppointmentRow, refr_no="1", pat_id="1A", astat_des="Booked?"))
    assert made == []
    assert issues == [("dropped", "Appointment.status")]


DIAGNOSES = [
    pytest.param("Confirmed", {"verificationStatus"}, id="confirmed"),
    pytest.param("Confirmed - Follow-Up", {"verificationStatus"}, id="confirmed with more"),
    pytest.param("Recurrent", {"clinicalStatus"}, id="recurrent"),
    pytest.param("Requires Surgery", {"note"}, id="requires surgery"),
    pytest.param(None, set(), id="none"),
]


@pytest.mark.parametrize(("word", "elements"), DIAGNOSES)
def test_diagnoses(word: str | None, elements: set[str]) -> None:
    data = row(records.DiagnosisRow, refr_no="W1", dig_seq="2", dig_cd="4", dig_des="Cardiovascular", dstat_des=word)
    (made,) = mapped("DIAG", OfVisit(data, VISIT))
    assert {"verificationStatus", "clinicalStatus", "note"} & made.keys() == elements
    assert made["code"]["text"] == "Cardiovascular"
    assert [each["system"] for each in made["code"]["coding"]] == ["urn:fhir-gateway:source:site:DIAG.DIG_CD"]
    assert made["extension"][0]["valuePositiveInt"] == 2


def test_a_diagnosis_refers_to_the_visit_it_was_proven_to_be_of() -> None:
    stay = Stay(visit(), None, None, ())
    (visited,) = mapped("VIST", stay, (VISIT.refr_no, VISIT.pat_id, VISIT.vis_en))
    (made,) = mapped("DIAG", OfVisit(row(records.DiagnosisRow, refr_no="W1", dig_seq="1"), VISIT))
    assert made["encounter"]["reference"] == f"Encounter/{visited['id']}"
    assert made["subject"]["reference"] == visited["subject"]["reference"]


@pytest.mark.parametrize(
    ("word", "reason"), [("Addiction", "ETH"), ("Psychiatric", "PSY"), ("Reproductive - Male", "SEX"), ("Renal", None)]
)
def test_sensitive_diagnoses_are_labelled(word: str, reason: str | None) -> None:
    (made,) = mapped("DIAG", OfVisit(row(records.DiagnosisRow, refr_no="W1", dig_seq="1", dig_des=word), VISIT))
    labels = {label["code"] for label in made["meta"].get("security", [])}
    assert labels == ({"R", reason} if reason else set())


TREATMENTS = [
    pytest.param("Planned", "preparation", False, set(), id="planned"),
    pytest.param("On Hold", "on-hold", True, set(), id="on hold"),
    pytest.param("Completed", "completed", True, set(), id="completed"),
    pytest.param("Partially Completed", "stopped", True, {"outcome"}, id="partially completed"),
    pytest.param("Failed", "completed", True, {"outcome"}, id="failed"),
    pytest.param("Declined", "not-done", False, {"statusReason"}, id="declined"),
    pytest.param("Not Tolerated", "stopped", True, {"outcome"}, id="not tolerated"),
    pytest.param(None, "unknown", True, set(), id="none"),
]


@pytest.mark.parametrize(("word", "status", "performed", "kept"), TREATMENTS)
def test_treatments(word: str | None, status: str, performed: bool, kept: set[str]) -> None:
    data = row(records.TreatmentRow, refr_no="W1", trtm_seq="1", trtm_en=VISIT.vis_en, tstat_des=word)
    (made,) = mapped("TRTM", OfVisit(data, VISIT))
    assert made["status"] == status
    assert ("performedDateTime" in made) == performed
    assert {"outcome", "statusReason"} & made.keys() == kept


DOSES = [
    pytest.param("250 mg", {"value": Decimal(250), "code": "mg"}, id="mg"),
    pytest.param("5 mL", {"value": Decimal(5), "code": "mL"}, id="mL"),
    pytest.param("as directed", None, id="no quantity"),
    pytest.param(None, None, id="none"),
]


@pytest.mark.parametrize(("words", "dose"), DOSES)
def test_medicines_have_a_dose_only_where_one_is_stated(words: str | None, dose: dict[str, Any] | None) -> None:
    """mad-1; the time is the visit's, tagged."""
    data = row(records.GivenRow, refr_no="W1", meds_seq="1", med_id="M", dos_des=words, rute_des="Oral")
    (made,) = mapped("TMMD", OfVisit(data, VISIT))
    assert made["status"] == "unknown"
    assert made["effectivePeriod"]["start"] == "2024-07-01T10:00:05+05:30"
    assert "inferred" in [tag["code"] for tag in made["meta"]["tag"]]
    assert ("dosage" in made) == (dose is not None)
    assert ("note" in made) == (dose is None)
    if dose:
        assert dose.items() <= made["dosage"]["dose"].items()
        assert made["dosage"]["route"]["coding"][0]["code"] == "PO"


ALLERGIES = [
    pytest.param("Mild", {"severity": "mild"}, None, id="mild"),
    pytest.param("Severe", {"severity": "severe"}, None, id="severe"),
    pytest.param("Anaphylaxis", {}, "high", id="a reaction where a severity is meant"),
]


@pytest.mark.parametrize(("word", "severity", "criticality"), ALLERGIES)
def test_allergies(word: str, severity: dict[str, str], criticality: str | None) -> None:
    data = row(records.PatientAllergyRow, pat_id="1A", alg_id="ALG001", svr_des=word, rct_des="Rash")
    (made,) = mapped("PTAL", Reacting(data, "Penicillin"))
    shown = [each["text"] for each in made["reaction"][0]["manifestation"]]
    assert shown == (["Rash", "Anaphylaxis"] if criticality else ["Rash"])
    assert {name: value for name, value in made["reaction"][0].items() if name != "manifestation"} == severity
    assert made.get("criticality") == criticality
    assert made["code"]["text"] == "Penicillin"


def billed(word: str | None, *policies: Policy, visit: Visit | None = VISIT, contradicted: bool = False) -> Billed:
    data = row(records.BillRow, refr_no="W1", pat_id="1A", bill_amt=Decimal(2000), bstat_des=word, btype_cd="RG")
    return Billed(data, visit, contradicted, policies)


BILLS = [
    pytest.param("Insurance Covered 80%", ["Invoice", "Claim", "ClaimResponse"], "complete", 80, id="covered"),
    pytest.param("Insurance Denied", ["Invoice", "Claim", "ClaimResponse"], "complete", None, id="denied"),
    pytest.param("Pending Insurance Review", ["Invoice", "Claim", "ClaimResponse"], "queued", None, id="pending"),
    pytest.param("Write-Off", ["Invoice"], None, None, id="write-off"),
    pytest.param(None, ["Invoice"], None, None, id="no status"),
]


@pytest.mark.parametrize(("word", "types", "outcome", "percent"), BILLS)
def test_bills(word: str | None, types: list[str], outcome: str | None, percent: int | None) -> None:
    made = mapped("BILL", billed(word), ("W1", "1A"))
    assert [each["resourceType"] for each in made] == types
    assert made[0]["status"] == "issued"
    assert made[0]["totalGross"] == {"value": Decimal(2000)}  # no currency is stated
    if outcome:
        assert made[2]["outcome"] == outcome
        values = [each["value"] for each in made[2].get("adjudication", [])]
        assert values == ([percent] if percent else [])
        assert made[1]["item"][0]["encounter"]


def test_a_claim_names_a_policy_only_if_one_alone_can_be_meant() -> None:
    """An unrelated policy is never attached."""
    one, two = Policy("P1", "ABC Insurance"), Policy("P2", "CarePlus")
    coverage = [
        mapped("BILL", billed("Insurance Denied", *policies))[1]["insurance"][0]["coverage"]
        for policies in ((), (one,), (one, two))
    ]
    assert ["reference" in each for each in coverage] == [False, True, False]
    assert coverage[0]["display"] == coverage[2]["display"] == "not recorded"
    (policy,) = mapped("INSR", row(records.PolicyRow, pol_no="P1", pat_id="1A", istat_des="Active"), ("P1", "1A"))
    assert coverage[1]["reference"] == f"Coverage/{policy['id']}"


def test_a_bill_whose_number_is_a_strangers_visit_has_none() -> None:
    made, issues = reported("BILL", billed("Insurance Denied", visit=None, contradicted=True))
    assert "encounter" not in made[1]["item"][0]
    assert ("contradiction", "Claim.item.encounter") in issues


POLICIES = [
    pytest.param("Active", "active", [], id="active"),
    pytest.param("Cancelled", "cancelled", [], id="cancelled"),
    pytest.param("Expired", "active", ["Expired"], id="expired: the period says so"),
    pytest.param("Lapsed", "active", ["Lapsed"], id="another word"),
]


@pytest.mark.parametrize(("word", "status", "kept"), POLICIES)
def test_policies(word: str, status: str, kept: list[str]) -> None:
    data = row(
        records.PolicyRow, pol_no="P1", pat_id="1A", istat_des=word, pol_st=date(2024, 1, 1), itype_des="Medicare"
    )
    (made,) = mapped("INSR", data)
    assert made["status"] == status
    assert [each["valueString"] for each in made.get("extension", [])] == kept
    assert made["type"]["coding"][0]["code"] == "PUBLICPOL"


@pytest.mark.parametrize(
    ("word", "status"), [("Pending", "draft"), ("Completed", "active"), ("Failed", "cancelled"), ("?", "draft")]
)
def test_payments(word: str, status: str) -> None:
    data = row(
        records.PaymentRow,
        refr_no="W1",
        pat_id="1A",
        btype_cd="RG",
        pmnt_no="1",
        pmnt_amt=Decimal(500),
        pstat_des=word,
    )
    (made,) = mapped("PMNT", data, ("W1", "1A", "RG", "1"))
    (invoice,) = mapped("BILL", billed("Write-Off"), ("W1", "1A"))
    assert made["status"] == status
    assert made["detail"][0]["request"]["reference"] == f"Invoice/{invoice['id']}"
    assert made["_paymentDate"]


@pytest.mark.parametrize(("material", "kind"), [("MDCN", "Medication"), ("EQPM", "Device")])
def test_deliveries_are_of_what_the_store_has(material: str, kind: str) -> None:
    data = row(records.SupplyRow, spl_id="S1", mat_sku="M1", spl_qty=Decimal(5), rcvd_date=date(2025, 1, 2))
    (made,) = mapped("SPLY", Supplied(data, material))
    assert made["suppliedItem"]["itemReference"]["reference"].startswith(kind)
    assert made["status"] == "completed"
    (unknown,) = mapped("SPLY", Supplied(data, None))
    assert unknown["suppliedItem"]["itemCodeableConcept"] == {"text": "M1"}


def test_a_persons_papers_are_identifiers() -> None:
    data = row(
        records.PatientRow,
        pat_id="1A",
        f_name="Ann",
        m_name="May",
        l_name="Lee",
        gen_des="Female",
        gen_cd="M",
        nat_id_t="Green Card",
        nat_id_n="1-2",
        nat_id_s="Utah",
        nat_id_e=date(2030, 1, 1),
        mar_st="Unmarried",
        b_type="AB+",
        dt_brt=date(2031, 4, 1),
    )
    (made, group), issues = reported("PATN", data)
    assert [each["type"]["coding"][0]["code"] for each in made["identifier"]] == ["MR", "PRC"]
    assert made["name"][0]["given"] == ["Ann", "May"]
    assert made["gender"] == "female"
    assert "birthDate" not in made
    assert made["maritalStatus"]["coding"][0]["code"] == "U"
    assert group["valueCodeableConcept"] == {"text": "AB+"}
    assert {("contradiction", "Patient.gender"), ("dropped", "Patient.birthDate")} <= set(issues)
