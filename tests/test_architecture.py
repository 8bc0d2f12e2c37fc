"""The import law for sources, which are found and not listed; the rest of the law is in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import grimp
import pytest

import his_adapters
import mappers

ROOT = Path(__file__).parent.parent
GRAPH = grimp.build_graph("gateway", "mappers", "his_adapters", cache_dir=None)


def _imports(package: str) -> set[tuple[str, str]]:
    """(importer, imported) for every module of a package."""
    modules = [name for name in GRAPH.modules if name == package or name.startswith(f"{package}.")]
    return {(module, imported) for module in modules for imported in GRAPH.find_modules_directly_imported_by(module)}


def _source_of(module: str, package: str) -> str | None:
    found = re.match(rf"{package}\.(\w+)", module)
    return found[1] if found and found[1] in his_adapters.installed() else None


@pytest.mark.parametrize("source", his_adapters.installed())
def test_no_adapter_knows_another(source: str) -> None:
    imports = _imports(f"his_adapters.{source}")
    assert imports
    assert {_source_of(imported, "his_adapters") for _, imported in imports} <= {source, None}


@pytest.mark.parametrize("source", mappers.installed())
def test_a_mapper_knows_its_own_records_only(source: str) -> None:
    """Never another mapper, never an adapter, a simulator or a schema."""
    imports = {imported for _, imported in _imports(f"mappers.{source}")}
    assert f"his_adapters.{source}.records" in imports
    assert {_source_of(imported, "mappers") for imported in imports} <= {source, None}
    assert {_source_of(imported, "his_adapters") for imported in imports} <= {source, None}
    assert not {imported for imported in imports if re.search(r"\.(adapter|simulator|schema)$", imported)}


def test_the_gateway_names_no_source() -> None:
    imported = {name for _, name in _imports("gateway")}
    assert not [name for name in imported if _source_of(name, "his_adapters") or _source_of(name, "mappers")]
    code = "\n".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    assert not [name for name in his_adapters.installed() if re.search(rf"""["']{name}["']""", code)]


def test_only_simulate_fills_databases() -> None:
    """What writes to a hospital's kind of database is within no adapter's reach, nor sync's."""
    writing = [name for name in GRAPH.modules if re.search(r"simulated_databases?$", name)]
    assert len(writing) > 1
    importing = {importer for name in writing for importer in GRAPH.find_modules_that_directly_import(name)}
    assert importing <= set(writing)
    named = [path for path in (ROOT / "gateway").rglob("*.py") if "simulated_database" in path.read_text()]
    assert [path.name for path in named] == ["simulate.py"]


def test_fhir_resources_has_one_door() -> None:
    importing = [
        str(path.relative_to(ROOT))
        for package in ("gateway", "mappers", "his_adapters")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(from|import) fhir\b|import_module\(.fhir", path.read_text(), re.MULTILINE)
    ]
    assert importing == ["mappers/fhir/definitions.py"]


def test_every_adapter_has_its_parts() -> None:
    for source in his_adapters.installed():
        folder = ROOT / "his_adapters" / source
        assert {"adapter.py", "records.py", "README.md"} <= {path.name for path in folder.iterdir()}
    assert his_adapters.installed() == mappers.installed()


def test_nothing_of_this_machine_is_committed() -> None:
    """No registry's host and no private path in what git tracks."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for name in listed:
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".toml", ".md", ".lock", ".yaml", ".csv", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not re.search("index-" + r"url|/ro" + r"ot/|/home/\w", text.replace("no-emit-index-url", "")), name
