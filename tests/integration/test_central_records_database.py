"""The central records' database through the whole gateway: it answers what the stored procedures answer, and outlives
a database that goes away in the middle.

What ran is MariaDB, unless FHIR_GATEWAY_TEST_MYSQL names a MySQL server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import make_url

from gateway.app import create_app
from gateway.identity.whole import person_of_everybody
from gateway.settings import Settings
from gateway.store import Store
from gateway.store.sql import WriterSql
from gateway.sync import Progress, SyncReport, sync
from gateway.sync.link import link
from his_adapters import simulator_module
from his_adapters.base import SourceConfig, SourceName
from his_adapters.central_records.simulator import FULL_PATIENTS
from his_adapters.population import Population
from tests.his_adapters.central_records_database import fill
from tests.integration.hospitals import AS_OF, SEED, opened_store, resources
from tests.mariadb import connected, execute, mysql_server, mysql_url, reader_of

__all__ = ["mysql_server", "mysql_url"]

SOURCE = "central_records"
PATIENTS = 60


class Platform(NamedTuple):
    """The platform's database, and how the gateway reads it."""

    url: str
    """As its administrator."""
    config: SourceConfig


@pytest.fixture
def patients() -> int:
    """How many patients the platform has."""
    return PATIENTS


@pytest.fixture
def platform(mysql_url: str, tmp_path: Path, patients: int) -> Iterator[Platform]:
    """A filled database that the gateway may only SELECT from."""
    population = Population(SEED, {SOURCE: patients})
    simulator_module(SOURCE).simulate(population, tmp_path, patients=patients, profile="seed", seed=SEED)
    fill(mysql_url, tmp_path, "seed")
    with reader_of(mysql_url) as reader:
        yield Platform(mysql_url, SourceConfig(SourceName(SOURCE), SOURCE, url=reader))


def read(store: Store, *sources: SourceConfig, progress: Any = None) -> SyncReport:
    return sync(store, sources, as_of=AS_OF, jobs=1, progress=progress)


# What the procedures answer -------------------------------------------------------------------------------------------


@pytest.fixture
def client(platform: Platform, tmp_path: Path) -> Iterator[FlaskClient]:
    with closing(opened_store(tmp_path / "gateway.db")) as store:
        assert read(store, platform.config).ok
    app = create_app(Settings(file=tmp_path / "gateway.toml", store=f"sqlite:///{tmp_path / 'gateway.db'}"))
    yield app.test_client()
    app.extensions["fhir_gateway"].store.close()


def found(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    """The resources of a whole answer, page after page."""
    made: list[dict[str, Any]] = []
    following: str | None = f"/fhir/{path}"
    while following:
        answer = client.get(following)
        assert answer.status_code == 200, answer.data
        document = orjson.loads(answer.data)
        made += [entry["resource"] for entry in document.get("entry", [])]
        following = next((each["url"] for each in document["link"] if each["relation"] == "next"), None)
    return made


def by_reference(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{each['resourceType']}/{each['id']}": each for each in resources}


def the_id(client: FlaskClient, resource_type: str, stream: str, key: str) -> str:
    (one,) = found(client, f"{resource_type}?identifier=urn:fhir-gateway:source:{SOURCE}:{stream}|{key}")
    return str(one["id"])


def called(url: str, procedure: str, argument: str) -> list[tuple[Any, ...]]:
    """What a procedure answers, days as text."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.callproc(procedure, (argument,))
        rows = list(cursor.fetchall())
    return [tuple(cell.isoformat() if isinstance(cell, date) else cell for cell in row) for row in rows]


GENDERS = {"male": "M", "female": "F", "other": "Other"}


def keys(url: str, table: str, key: str) -> list[str]:
    return [row[0] for row in execute(url, f"SELECT {key} FROM {table} ORDER BY {key}")]


def test_a_patient_s_history(platform: Platform, client: FlaskClient) -> None:
    """GetPatientHistory is $everything by type, with the roles of the doctors."""
    asked = keys(platform.url, "patients", "patient_id")
    assert demand_histories(platform, client, asked) == 5 * PATIENTS


def demand_histories(platform: Platform, client: FlaskClient, asked: list[str]) -> int:
    """The gateway's histories of patients are the procedure's; how many visits they have."""
    visits = 0
    for key in asked:
        expected = called(platform.url, "GetPatientHistory", key)
        patient_id = the_id(client, "Patient", "patients", key)
        kinds = "Patient,Observation,Encounter,Practitioner,Organization"
        record = by_reference(found(client, f"Patient/{patient_id}/$everything?_type={kinds}"))
        doctors = ",".join(each["id"] for each in record.values() if each["resourceType"] == "Practitioner")
        roles = found(client, f"PractitionerRole?practitioner={doctors}") if doctors else []
        specialties = {each["practitioner"]["reference"]: each["specialty"][0]["text"] for each in roles}
        person = record[f"Patient/{patient_id}"]
        (group,) = [each for each in record.values() if each.get("code", {}).get("text") == "Blood group"]
        answered = []
        for visit in (each for each in record.values() if each["resourceType"] == "Encounter"):
            doctor = visit["participant"][0]["individual"]["reference"]
            answered.append(
                (
                    person["name"][0]["text"],
                    GENDERS[person["gender"]],
                    person.get("birthDate"),
                    group["valueCodeableConcept"]["text"],
                    person["address"][0]["city"] if "address" in person else None,
                    visit["period"]["start"],
                    visit["reasonCode"][0]["text"],
                    visit["type"][0]["text"],
                    record[doctor]["name"][0]["text"],
                    specialties[doctor],
                    record[visit["serviceProvider"]["reference"]]["name"],
                )
            )
        assert sorted(answered, key=repr) == sorted(expected, key=repr)
        visits += len(expected)
    return visits


def test_a_patient_s_lab_reports(platform: Platform, client: FlaskClient) -> None:
    """GetPatientLabReports is a search for DiagnosticReports, latest first, with their visits."""
    asked = keys(platform.url, "patients", "patient_id")
    assert demand_reports(platform, client, asked) == 3 * PATIENTS


def demand_reports(platform: Platform, client: FlaskClient, asked: list[str]) -> int:
    """The gateway's reports of patients are the procedure's; how many there are."""
    reports = 0
    for key in asked:
        expected = called(platform.url, "GetPatientLabReports", key)
        patient_id = the_id(client, "Patient", "patients", key)
        query = f"DiagnosticReport?patient={patient_id}&_sort=-date"
        answer = found(client, f"{query}&_include=DiagnosticReport:encounter&_include=DiagnosticReport:patient")
        record = by_reference(answer)
        answered = [
            (
                record[report["subject"]["reference"]]["name"][0]["text"],
                record[report["encounter"]["reference"]]["period"]["start"],
                record[report["encounter"]["reference"]]["reasonCode"][0]["text"],
                report["code"]["text"],
                report["conclusion"],
                report["effectiveDateTime"],
            )
            for report in answer
            if report["resourceType"] == "DiagnosticReport"
        ]
        assert sorted(answered) == sorted(expected)
        assert [each[-1] for each in answered] == [each[-1] for each in expected]
        reports += len(expected)
    return reports


def test_a_doctor_s_summary(platform: Platform, client: FlaskClient) -> None:
    """GetDoctorSummary is a search for Encounters, counted; also for a doctor whom nobody saw."""
    execute(platform.url, "INSERT INTO doctors VALUES ('D9999', 'New Doctor', 'Radiologist', 'Apollo')")
    with closing(client.application.extensions["fhir_gateway"].store) as store:
        assert read(store, platform.config).ok
        demand_summaries(platform, client, keys(platform.url, "doctors", "doctor_id"))


def demand_summaries(platform: Platform, client: FlaskClient, asked: list[str]) -> None:
    """The gateway's counts of doctors are the procedure's."""
    for key in asked:
        doctor_id = the_id(client, "Practitioner", "doctors", key)
        query = f"PractitionerRole?practitioner={doctor_id}"
        include = "_include=PractitionerRole:organization&_include=PractitionerRole:practitioner"
        record = {each["resourceType"]: each for each in found(client, f"{query}&{include}")}
        visits = found(client, f"Encounter?practitioner={doctor_id}")
        counted = orjson.loads(client.get(f"/fhir/Encounter?practitioner={doctor_id}&_summary=count").data)["total"]
        assert counted == len(visits)
        answered = (
            record["Practitioner"]["name"][0]["text"],
            record["PractitionerRole"]["specialty"][0]["text"],
            record["Organization"]["name"],
            counted,
            len({each["subject"]["reference"] for each in visits}),
        )
        assert called(platform.url, "GetDoctorSummary", key) == [answered]


def persons_of(store: Store) -> set[frozenset[str]]:
    """Who is who after a run over all records: a sync links them as they come, and the two ways give two orders."""
    link(store, keep_model=True)
    with store.writer() as writer, writer.connection.begin():
        person_of = person_of_everybody(WriterSql(writer.connection))
    groups: dict[str, set[str]] = {}
    for record, person in person_of.items():
        groups.setdefault(person, set()).add(record)
    return set(map(frozenset, groups.values()))


@pytest.mark.soak
@pytest.mark.parametrize("patients", [FULL_PATIENTS])
def test_all_of_it_at_full_size(platform: Platform, client: FlaskClient, tmp_path: Path) -> None:
    """91,000 rows: the same whichever way in, and what the procedures answer."""
    kinds = {"patients": 10_000, "doctors": 1_000, "visits": 50_000, "lab_reports": 30_000}
    assert {name: execute(platform.url, f"SELECT COUNT(*) FROM {name}")[0][0] for name in kinds} == kinds
    store = client.application.extensions["fhir_gateway"].store
    with closing(opened_store(tmp_path / "files.db")) as files:
        counts = read(files, SourceConfig(SourceName(SOURCE), SOURCE, path=tmp_path)).sources[0].counts
        assert (counts.read, counts.mapped, counts.quarantined) == (91_000, 91_000, 0)
        assert files.counts()[SOURCE] == store.counts()[SOURCE]
        assert persons_of(files) == persons_of(store)
    patients = keys(platform.url, "patients", "patient_id")[::50]
    assert demand_histories(platform, client, patients)
    assert demand_reports(platform, client, patients)
    demand_summaries(platform, client, keys(platform.url, "doctors", "doctor_id")[::20])


# A database that goes away --------------------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> SourceConfig:
    """Another hospital, which is well."""
    folder = tmp_path / "other"
    simulator_module("his_a").simulate(Population(SEED, {"his_a": 20}), folder, patients=20, profile="seed", seed=SEED)
    return SourceConfig(SourceName("his_a"), "his_a", path=folder)


def test_a_dropped_connection_costs_nothing_that_was_there(
    platform: Platform, other: SourceConfig, tmp_path: Path
) -> None:
    """One line; what was read before stays, the other hospital is read, and the next sync goes on to the end."""
    with closing(opened_store(tmp_path / "gateway.db")) as store:
        assert read(store, platform.config).ok
        before = {(each["resourceType"], each["id"]) for each in resources(store)}
        with connected(platform.url) as connection:
            rows = [(f"Z{number}", "\N{GRINNING FACE}" * 100) for number in range(4_000)]  # more than buffers hold
            connection.cursor().executemany("INSERT INTO patients (patient_id, city) VALUES (%s, %s)", rows)

        def cut(at: Progress) -> None:
            if (at.source, at.stream) == (SOURCE, "patients") and at.rows > 0 and not at.done:
                user = make_url(str(platform.config.url)).username
                for (number,) in execute(
                    platform.url, f"SELECT id FROM information_schema.processlist WHERE user = '{user}'"
                ):
                    execute(platform.url, f"KILL CONNECTION {number}")

        report = read(store, platform.config, other, progress=cut)
        sick, well = report.sources
        assert [each.status for each in sick.errors] == ["transient"]
        assert well.ok
        assert well.counts.created
        assert before <= {(each["resourceType"], each["id"]) for each in resources(store)}

        again = read(store, platform.config, other)
        assert again.ok
        assert sum(each["resourceType"] == "Patient" for each in resources(store)) == PATIENTS + len(rows) + 20


SICK = [
    pytest.param("DROP TABLE lab_reports", "config", id="missing table"),
    pytest.param("ALTER TABLE visits RENAME COLUMN visit_id TO number", "config", id="renamed key"),
]


@pytest.mark.parametrize(("harm", "status"), SICK)
def test_a_sick_database_keeps_its_last_good_data(
    harm: str, status: str, platform: Platform, other: SourceConfig, tmp_path: Path
) -> None:
    with closing(opened_store(tmp_path / "gateway.db")) as store:
        assert read(store, platform.config).ok
        before = {(each["resourceType"], each["id"]) for each in resources(store)}
        execute(platform.url, harm)
        sick, well = read(store, platform.config, other).sources
        assert [each.status for each in sick.errors] == [status]
        assert well.ok
        assert before <= {(each["resourceType"], each["id"]) for each in resources(store)}


def test_files_and_database_are_one_source(platform: Platform, tmp_path: Path) -> None:
    """Whoever moves from one to the other keeps every resource at its version."""
    with closing(opened_store(tmp_path / "gateway.db")) as store:
        files = SourceConfig(SourceName(SOURCE), SOURCE, path=tmp_path)
        assert read(store, files).ok
        counts = read(store, platform.config).sources[0].counts
        assert (counts.created, counts.changed, counts.deleted) == (0, 0, 0)
        assert counts.unchanged
