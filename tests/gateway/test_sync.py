"""The sync: every native row in one bucket, one comparison decides versions, references follow what exists."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import orjson
import pytest

from gateway.store import Store
from gateway.sync import retry_quarantine
from tests.gateway.list_backed import LOUD, STEPS, Hospital, people, visits
from tests.gateway.syncs import TODAY, bodies, hospital, of, patient, rules, run, store
from tests.postgres import postgres_server, postgres_url, store_url

__all__ = ["hospital", "postgres_server", "postgres_url", "store", "store_url"]


def test_a_first_sync_makes_first_versions_and_a_second_none(store: Store, hospital: Hospital) -> None:
    """An unchanged store gives no new version, whether it can prove that or not."""
    hospital.streams = {"people": people(30, insurer="Acme"), "visits": visits(40, 30)}
    first = run(store, hospital)
    assert first.ok
    assert first.counts.read == 70
    # 30 patients, 30 coverages, 40 encounters, the insurer and the hospital
    assert first.counts.created == 102
    assert {change.version for change in store.history(count=1000)} == {1}
    second = run(store, hospital)
    assert (second.counts.created, second.counts.changed, second.counts.deleted) == (0, 0, 0)
    assert second.counts.unchanged == 30 + 30 + 40 + 1  # the hospital is made anew and found alike
    assert len(store.history(count=1000)) == 102 + 30  # and a Person each


def test_a_proven_unchanged_stream_is_not_read(store: Store, hospital: Hospital) -> None:
    """With the same token, the rows are reported as they were read last; `full` reads them anyway."""
    hospital.streams = {"people": people(3), "visits": visits(4, 3)}
    hospital.extras = {"tokens": True}
    run(store, hospital)
    again = run(store, hospital)
    assert [stream.was_read for stream in again.streams] == [False, False]
    assert (again.counts.read, again.counts.mapped, again.counts.unchanged) == (7, 7, 7)
    assert [stream.was_read for stream in run(store, hospital, full=True).streams] == [True, True]
    hospital.streams["visits"] = visits(5, 3)
    changed = run(store, hospital)
    assert [stream.was_read for stream in changed.streams] == [False, True]
    assert changed.counts.created == 1


def test_a_changed_row_gives_its_resources_the_next_version(store: Store, hospital: Hospital) -> None:
    """Only what says something else gets a version."""
    hospital.streams["people"] = people(2, insurer="Acme")
    run(store, hospital)
    hospital.streams["people"][0]["name"] = "Somebody Else"
    report = run(store, hospital)
    assert (report.counts.changed, report.counts.created) == (1, 0)
    body = patient(store, "p0")
    assert (body["meta"]["versionId"], body["name"]) == ("2", [{"text": "Somebody Else"}])
    former = store.vread(*of("Patient", "people", "p0"), 1)
    assert former is not None
    assert former.body is not None
    assert orjson.loads(former.body)["name"] == [{"text": "Person 0"}]


def test_what_a_row_no_longer_makes_is_deleted(store: Store, hospital: Hospital) -> None:
    """A row that loses its insurer loses its Coverage; the insurer goes with the last one who needs it."""
    hospital.streams["people"] = people(2, insurer="Acme")
    run(store, hospital)
    del hospital.streams["people"][0]["insurer"]
    assert run(store, hospital).counts.deleted == 1
    assert "Acme" in str(bodies(store))
    del hospital.streams["people"][1]["insurer"]
    assert run(store, hospital).counts.deleted == 2
    assert [kind for kind, _ in bodies(store)].count("Organization") == 1  # the hospital stays


def test_rows_that_are_gone_are_deleted_and_come_back_with_the_next_version(store: Store, hospital: Hospital) -> None:
    """410 with history; the referrer turns logical, and literal again as it was."""
    hospital.streams = {"people": people(3), "visits": visits(3, 3)}
    run(store, hospital)
    literal = bodies(store)[of("Encounter", "visits", "v1")]["subject"]
    gone = hospital.streams["people"].pop(1)
    assert run(store, hospital).counts.deleted == 1
    stored = store.read(*of("Patient", "people", "p1"))
    assert stored is not None
    assert (stored.deleted, stored.version) == (True, 2)
    subject = bodies(store)[of("Encounter", "visits", "v1")]["subject"]
    assert subject == {name: value for name, value in literal.items() if name != "reference"}
    assert [(issue.code, issue.element, issue.locator) for issue in store.issues(code="orphan")] == [
        ("orphan", "Encounter.subject", "hospital.json:1")
    ]
    hospital.streams["people"].append(gone)
    run(store, hospital)
    assert patient(store, "p1")["meta"]["versionId"] == "3"
    assert bodies(store)[of("Encounter", "visits", "v1")]["subject"] == literal
    assert store.issues(code="orphan") == []


def test_a_target_that_comes_later_turns_the_reference_literal(store: Store, hospital: Hospital) -> None:
    """Streams in the wrong order end in the same references, at the cost of a version."""
    hospital.streams = {"visits": visits(3, 2), "people": people(2)}
    run(store, hospital)
    encounter = bodies(store)[of("Encounter", "visits", "v0")]
    assert encounter["subject"]["reference"] == "/".join(of("Patient", "people", "p0"))
    assert encounter["meta"]["versionId"] == "2"
    assert run(store, hospital).counts.changed == 0


def test_an_orphan_is_logical_and_an_issue(store: Store, hospital: Hospital) -> None:
    """A reference to nobody keeps identifier and display, and is listed with its row."""
    hospital.streams["visits"] = [{"key": "v0", "name": "visit", "person": "nobody"}]
    run(store, hospital)
    assert bodies(store)[of("Encounter", "visits", "v0")]["subject"] == {
        "type": "Patient",
        "identifier": {"system": "urn:fhir-gateway:source:list:people", "value": "nobody"},
        "display": "A person",
    }
    [orphan] = store.issues(code="orphan")
    assert (orphan.stream, orphan.key, orphan.resource_type) == ("visits", '["v0"]', "Encounter")
    run(store, hospital)
    assert len(store.issues(code="orphan")) == 1


BAD = {
    "rejected by the adapter": ({"how": "rejected"}, "missing", "name"),
    "invalid R4": ({"sex": "M"}, "binding", "Patient.gender"),
    "mapper raises": ({"raises": True}, "mapper-error", ""),
}


@pytest.mark.parametrize(("change", "rule", "element"), BAD.values(), ids=BAD)
def test_a_bad_row_is_quarantined_and_released(
    store: Store, hospital: Hospital, change: dict[str, Any], rule: str, element: str
) -> None:
    """It names place and rule, stores nothing, never says a value, and ends when the row is mended."""
    good = people(2)
    hospital.streams["people"] = [good[0], {**good[1], **change}]
    report = run(store, hospital)
    assert (report.counts.mapped, report.counts.quarantined) == (1, 1)
    [entry] = store.quarantine()
    assert (entry.rule, entry.element, entry.locator) == (rule, element, "hospital.json:1")
    assert "Person" not in entry.reason
    assert store.quarantine_entry(entry.id) == entry
    assert of("Patient", "people", "p1") not in bodies(store)
    assert run(store, hospital).counts.quarantined == 1
    assert [each.id for each in store.quarantine()] == [entry.id]
    hospital.streams["people"] = good
    assert run(store, hospital).counts.created == 1
    assert store.quarantine() == []


@pytest.mark.parametrize(("change", "rule", "element"), BAD.values(), ids=BAD)
def test_a_good_row_that_turns_bad_stays_and_is_stale(
    store: Store, hospital: Hospital, change: dict[str, Any], rule: str, element: str
) -> None:
    """The last good version stays, tagged; when the row is good again, the tag goes, even if it says the same."""
    hospital.streams["people"] = good = people(2)
    run(store, hospital)
    hospital.streams["people"] = [good[0], {**good[1], **change}]
    assert run(store, hospital).counts.changed == 1
    stale = patient(store, "p1")
    assert stale["name"] == [{"text": "Person 1"}]
    assert "stale" in [tag["code"] for tag in stale["meta"]["tag"]]
    assert run(store, hospital).counts.changed == 0
    hospital.streams["people"] = good
    assert run(store, hospital).counts.changed == 1
    assert "stale" not in [tag["code"] for tag in patient(store, "p1")["meta"]["tag"]]


def test_repeats_are_skipped_and_contradictions_quarantined(store: Store, hospital: Hospital) -> None:
    """Of rows with one key the first counts, in one batch or over many."""
    many = people(1200)
    hospital.streams["people"] = [
        *many,
        many[0],
        {**many[1], "name": "Another"},
        many[1199],
        {**many[1199], "sex": "M"},
    ]
    report = run(store, hospital)
    assert (report.counts.mapped, report.counts.skipped, report.counts.quarantined) == (1200, 2, 2)
    assert rules(store) == ["duplicate-key", "duplicate-key"]
    again = run(store, hospital)
    assert (again.counts.mapped, again.counts.skipped, again.counts.quarantined) == (1200, 2, 2)
    assert again.counts.changed == 0
    assert len(store.quarantine()) == 2
    hospital.streams["people"] = many
    run(store, hospital)
    assert store.quarantine() == []


def test_what_only_a_left_out_row_needs_is_not_made(store: Store, hospital: Hospital) -> None:
    """An insurer that only a contradicting row names comes into being in no sync, nor goes."""
    first, second = people(2, insurer="Acme")
    hospital.streams["people"] = [first, {**first, "name": "Another", "insurer": "Nobody's"}, second]
    assert run(store, hospital).counts.deleted == 0
    versions = len(store.history(count=1000))
    assert "Nobody's" not in str(bodies(store))
    again = run(store, hospital)
    assert (again.counts.created, again.counts.deleted) == (0, 0)
    assert len(store.history(count=1000)) == versions


def test_what_nothing_refers_to_is_not_made(store: Store, hospital: Hospital) -> None:
    """Another edition of the mapper, too, finds nothing to make and delete again."""
    hospital.streams["people"] = [{**people(1)[0], "insurer": "Acme", "is_covered": False}]
    counts = run(store, hospital).counts
    assert (counts.created, counts.deleted) == (2, 0)  # the patient and the hospital
    assert run(store, hospital, steps=dataclasses.replace(STEPS, mapper_digest=str.upper)).counts.deleted == 0


def test_what_a_left_out_row_told_first_is_there_for_others(store: Store, hospital: Hospital) -> None:
    """Shared resources are told once: whoever needs one later, in this batch or another, refers to it."""
    many = people(1200)
    left_out = {**many[0], "name": "Another", "insurer": "Acme"}
    hospital.streams["people"] = [many[0], left_out, *many[1:1199], {**many[1199], "insurer": "Acme"}]
    run(store, hospital)
    coverage = bodies(store)[of("Coverage", "people", "p1199")]
    assert coverage["meta"]["versionId"] == "1"
    assert "reference" in coverage["payor"][0]


def test_rows_without_a_key_and_skipped_rows_are_counted(store: Store, hospital: Hospital) -> None:
    """A row without a key is found by its place; a blank line leaves no trace."""
    hospital.streams["people"] = [{"how": "rejected"}, {"how": "rejected"}, {"how": "skipped", "key": "x"}, *people(1)]
    report = run(store, hospital)
    assert (report.counts.read, report.counts.quarantined, report.counts.skipped) == (4, 2, 1)
    assert [entry.locator for entry in store.quarantine()] == ["hospital.json:0", "hospital.json:1"]
    hospital.streams["people"].pop(0)
    run(store, hospital)
    assert [entry.locator for entry in store.quarantine()] == ["hospital.json:0"]


def test_a_changed_mapper_maps_all_rows_again(store: Store, hospital: Hospital) -> None:
    """Rows are as they were, but the mapper is another one."""
    hospital.streams["people"] = people(2)
    hospital.extras = {"tokens": True}
    run(store, hospital)
    assert run(store, hospital, steps=LOUD).counts.changed == 2
    assert patient(store, "p0")["name"] == [{"text": "PERSON 0"}]
    assert run(store, hospital, steps=LOUD).counts.changed == 0


def test_a_changed_configuration_maps_all_rows_again(store: Store, hospital: Hospital) -> None:
    """The hospital's new name reaches its Organization and every reference's display."""
    hospital.streams["people"] = people(2)
    hospital.extras = {"tokens": True}
    run(store, hospital)
    hospital.config = dataclasses.replace(hospital.config, organization="St. Anna")
    assert run(store, hospital).counts.changed == 3
    assert patient(store, "p0")["managingOrganization"]["display"] == "St. Anna"


def test_what_depends_on_today_is_mapped_again_on_its_day(store: Store, hospital: Hospital) -> None:
    """Not before, and then once; other rows are left alone."""
    hospital.streams["visits"] = [{**row, "planned_for": "2026-01-10"} for row in visits(1, 1)] + visits(3, 1)[1:]
    hospital.extras = {"tokens": True}
    run(store, hospital)

    def status() -> str:
        found: str = bodies(store)[of("Encounter", "visits", "v0")]["status"]
        return found

    assert status() == "planned"
    assert not run(store, hospital, as_of=date(2026, 1, 9)).streams[1].was_read
    assert run(store, hospital, as_of=date(2026, 1, 10)).counts.changed == 1
    assert status() == "finished"
    assert not run(store, hospital, as_of=date(2026, 1, 11)).streams[1].was_read


def test_a_changed_index_is_written_again_without_versions(store: Store, hospital: Hospital) -> None:
    """Search parameters may change; resources do not."""
    hospital.streams["people"] = people(2)
    run(store, hospital)
    with store.writer() as writer, writer.batch():
        writer.connection.exec_driver_sql("DELETE FROM index_string")
    steps = dataclasses.replace(STEPS, index_digest=lambda: "another")
    assert run(store, hospital, steps=steps).counts.changed == 0
    with store.snapshot() as snapshot:
        assert snapshot.rows("SELECT count(DISTINCT pk) FROM index_string")[0][0] == 2 + 1  # and the hospital


def test_a_target_that_goes_while_all_is_indexed_again(store: Store, hospital: Hospital) -> None:
    """An index of another edition says of every resource what is stored of it: its references are still mended."""
    hospital.streams = {"people": people(3), "visits": visits(3, 3)}
    run(store, hospital)
    hospital.streams["people"].pop(1)
    run(store, hospital, steps=dataclasses.replace(STEPS, index_digest=lambda: "another"))
    assert "reference" not in bodies(store)[of("Encounter", "visits", "v1")]["subject"]
    assert "reference" in bodies(store)[of("Encounter", "visits", "v2")]["subject"]
    assert [issue.element for issue in store.issues(code="orphan")] == ["Encounter.subject"]


def test_issues_of_a_row_are_those_of_its_last_mapping(store: Store, hospital: Hospital) -> None:
    """They name the resource they are about; a broken cell is an issue too; they go with the row."""
    hospital.streams["people"] = [{**people(1)[0], "broken_cell": True}]
    run(store, hospital)
    run(store, hospital, steps=LOUD)
    found = [(issue.code, issue.element, issue.resource_id) for issue in store.issues("list")]
    assert found == [
        ("defaulted", "Patient.active", of("Patient", "people", "p0")[1]),
        ("dropped", "phone", None),
    ]
    hospital.streams["people"] = []
    run(store, hospital)
    assert store.issues() == []


def test_retry_maps_quarantined_rows_again(store: Store, hospital: Hospital) -> None:
    """It counts the attempts, and needs no change of the row."""
    hospital.streams["people"] = [{**people(1)[0], "raises": True}]
    hospital.extras = {"tokens": True}
    run(store, hospital)
    [before] = store.quarantine()
    report = retry_quarantine(store, [hospital.config], as_of=TODAY, steps=STEPS)
    assert report.sources[0].streams[0].was_read
    [after] = store.quarantine()
    assert (after.id, after.retries) == (before.id, 1)
    mended = dataclasses.replace(STEPS, mappings=LOUD.mappings)  # the same digest: only the retry maps again
    hospital.streams["people"] = [{**people(1)[0], "raises": False}]
    assert run(store, hospital, steps=mended).counts.created >= 1
    assert store.quarantine() == []


def test_progress_is_told_by_batches(store: Store, hospital: Hospital) -> None:
    """Rows so far, of how many, and when a stream is done."""
    hospital.streams["people"] = people(700)
    told: list[tuple[str, int, int | None, bool]] = []
    run(store, hospital, progress=lambda each: told.append((each.stream, each.rows, each.estimated_rows, each.done)))
    assert told[:5] == [
        ("people", 0, 700, False),
        ("people", 500, 700, False),
        ("people", 700, 700, False),
        ("people", 700, 700, True),
        ("visits", 0, 0, False),
    ]
