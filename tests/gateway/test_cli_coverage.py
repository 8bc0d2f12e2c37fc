"""`fhir-gateway coverage`: no column of a simulated store is unaccounted for, and a site's own one is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.accounting import AccountedColumn
from his_adapters import installed
from his_adapters.error_rates import PROFILES
from tests.his_adapters.contract import simulated
from tests.integration.hospitals import configured, opened_store, resources, synced
from tests.laws.native_files import read_rows, tables_in, write_rows

PATIENTS = 300


def run(folder: Path, *words: str) -> Result:
    """The command with the configuration of a folder."""
    return CliRunner().invoke(main, ["coverage", "--config", str(folder / "gateway.toml"), *words])


def configure(folder: Path) -> None:
    """All sources of a folder, and a store beside them."""
    tables = [
        f'[[source]]\nname = "{each.name}"\nadapter = "{each.adapter}"\npath = "{each.path}"\n'
        for each in configured(folder)
    ]
    (folder / "gateway.toml").write_text("\n".join(tables), encoding="utf-8")


def statuses(found: dict[str, Any]) -> dict[str, set[str]]:
    """Every column of a JSON answer by its status."""
    made: dict[str, set[str]] = {"mapped": set(), "ignored": set(), "unknown": set()}
    for source in found["sources"]:
        for column in source["columns"]:
            made[column["status"]].add(f"{source['source']}: {column['stream']}.{column['column']}")
    return made


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"hostile"}))
def test_every_column_of_all_sources_is_accounted_for(profile: str, tmp_path: Path) -> None:
    """What CI holds: each is mapped, or ignored for a reason."""
    for adapter in installed():
        simulated(adapter, tmp_path / adapter, profile, PATIENTS)
    configure(tmp_path)
    done = run(tmp_path, "--fail-under", "100", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["accounted_percent"] == 100
    assert [source["source"] for source in found["sources"]] == list(installed())
    assert found["columns"] == sum(len(source["columns"]) for source in found["sources"]) > 550
    for source in found["sources"]:
        for column in source["columns"]:
            assert bool(column["elements"]) == (column["status"] == "mapped") != bool(column["reason"])


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources with a column and a table of their own each, not synced."""
    folder = tmp_path_factory.mktemp("hospitals")
    for adapter in installed():
        simulated(adapter, folder / adapter, "seed", 20)
        _extend(folder / adapter)
    configure(folder)
    return folder


def _extend(folder: Path) -> None:
    """Add a column to each table, and a file or table that no adapter knows."""
    for path in [each for each in folder.rglob("*") if each.is_file()]:
        for table in tables_in(path):
            write_rows(path, table, [{**row, "shoe_size": 44} for row in read_rows(path, table)])
    last = max(folder.rglob("*.*"), key=lambda path: path.suffix)
    write_rows(last if last.suffix == ".db" else last.with_stem("parking"), "parking", [{"place": "A1"}])


def test_a_column_that_nobody_knows_is_named(hospitals: Path) -> None:
    """In every table of every store; and so is a table, file or collection that nobody reads."""
    done = run(hospitals, "--fail-under", "100", "--json")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    unknown = statuses(json.loads(done.stdout))["unknown"]
    assert {name.rpartition(".")[2] for name in unknown} == {"shoe_size", "place", "*"}
    assert {name.partition(":")[0] for name in unknown if "parking" in name} == set(installed())
    assert all(name in done.stderr for name in unknown)
    assert "% of the columns are accounted for, less than 100 %" in done.stderr


def test_fewer_may_be_enough(hospitals: Path) -> None:
    """Without --fail-under, or with a lower one, unknown columns are shown and are no failure."""
    for words in ([], ["--fail-under", "50"]):
        done = run(hospitals, *words)
        assert (done.exit_code, done.stderr) == (0, "")
        assert "nobody knows this column" in done.stdout
        assert "\x1b" not in done.stdout
        assert "nothing is stored yet (run: fhir-gateway sync)" in done.stdout
    assert not (hospitals / "gateway.db").exists()


def test_a_name_is_no_command_to_a_terminal() -> None:
    """The name of a column is the hospital's: it cannot break a line or paint it."""
    assert AccountedColumn("a", "b\n\x1b[2Jc\u202e", "unknown").name == "a.b??[2Jc?"
    assert AccountedColumn("a", "Größe (cm)", "unknown").name == "a.Größe (cm)"


def test_one_source_may_be_chosen(hospitals: Path) -> None:
    """By its name; a name that is not configured is wrong usage."""
    name = installed()[0]
    found = json.loads(run(hospitals, "--source", name, "--json").stdout)
    assert [source["source"] for source in found["sources"]] == [name]
    done = run(hospitals, "--source", "nobody")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_source_that_cannot_be_read_is_one_line(hospitals: Path, tmp_path: Path) -> None:
    """The others are told; exit code 1."""
    text = (hospitals / "gateway.toml").read_text(encoding="utf-8")
    first = installed()[0]
    sick = text.replace(f'path = "{hospitals / first}"', f'path = "{tmp_path / "gone"}"')
    (tmp_path / "gateway.toml").write_text(sick, encoding="utf-8")
    done = run(tmp_path, "--json")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"fhir-gateway: {first}: ")
    assert done.stderr.count("\n") == 1
    found = {source["source"]: source for source in json.loads(done.stdout)["sources"]}
    assert found.pop(first)["error"]
    assert all(source["columns"] and source["error"] is None for source in found.values())


def test_a_configuration_without_sources_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").touch()
    done = run(tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "names no source" in done.stderr


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sources, synced."""
    folder = tmp_path_factory.mktemp("stored")
    for adapter in installed():
        simulated(adapter, folder / adapter, "seed", 20)
    configure(folder)
    with closing(opened_store(folder / "gateway.db")) as store:
        assert synced(store, folder).ok
    return folder


def _has_address_text(resource: dict[str, Any]) -> bool:
    return any("text" in address for address in resource.get("address", ()))


COUNTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "Patient.birthDate": lambda resource: "birthDate" in resource,
    "Patient.address.text": _has_address_text,
    "Observation.value[x]": lambda resource: any(name.startswith("value") for name in resource),
    "Encounter.class": lambda resource: not resource["class"]["system"].endswith("data-absent-reason"),
    "Encounter.status": lambda resource: bool(resource["status"]),
}


def test_elements_are_counted_in_what_is_stored(stored: Path) -> None:
    """Each resource of a type once; an element that says it is unknown is not filled."""
    with closing(opened_store(stored / "gateway.db")) as store:
        living, counts = resources(store), store.counts()
    done = run(stored, "--json")
    assert done.exit_code == 0
    shown = 0
    for source in json.loads(done.stdout)["sources"]:
        assert {made["type"]: made["stored"] for made in source["types"]} == counts[source["source"]]
        for made in source["types"]:
            mine = [
                each
                for each in living
                if each["resourceType"] == made["type"] and each["meta"]["source"].endswith(f":{source['source']}")
            ]
            for element in made["elements"]:
                assert element["percent"] == element["filled"] * 1000 // made["stored"] / 10
                if is_filled := COUNTED.get(element["element"]):
                    shown += 1
                    assert element["filled"] == sum(map(is_filled, mine))
    assert shown > 20


def test_what_fhir_demands_is_told_whether_filled_or_not(stored: Path) -> None:
    """Encounter.class is demanded; some stores say nothing of it."""
    found = json.loads(run(stored, "--json").stdout)["sources"]
    classes = {
        source["source"]: element
        for source in found
        for made in source["types"]
        for element in made["elements"]
        if element["element"] == "Encounter.class"
    }
    assert classes.keys() == set(installed())
    assert all(element["required"] for element in classes.values())
    assert {element["filled"] == 0 for element in classes.values()} == {True, False}
    assert "by FHIR" in run(stored).stdout
