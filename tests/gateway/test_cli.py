"""The command line: one line for every failure, an exit code for scripts, examples that work."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gateway.cli import COMMANDS, main
from gateway.cli.simulations import simulated_sources
from his_adapters import installed

ROOT = Path(__file__).parents[2]
ADAPTER = simulated_sources()[0]
PAGES = [
    page for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")) if page.exists()
]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated store."""
    folder = tmp_path_factory.mktemp("hospital") / "store"
    done = run("simulate", "--source", ADAPTER, "--patients", "12", "--out", str(folder))
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture
def config(hospital: Path, tmp_path: Path) -> Path:
    """Its configuration, with a store of its own."""
    file = tmp_path / "gateway.toml"
    file.write_text(source("one", hospital), encoding="utf-8")
    return file


def source(name: str, path: Path | str) -> str:
    return f'[[source]]\nname = "{name}"\nadapter = "{ADAPTER}"\npath = "{path}"\n'


def all_commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.commands]
    return found


def demand_parses(line: str) -> None:
    """A documented command line uses commands and options that exist."""
    words = shlex.split(line.partition(" > ")[0].partition(" | ")[0].partition("#")[0])[1:]
    context: click.Context = click.Context(main)
    command: click.Command = main
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            return
        name = words.pop(0)
        inner = command.get_command(context, name)
        assert inner is not None, f"no command {name}: {line}"
        command = inner
    command.make_context(line, words)


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_helps_with_an_example_that_parses(words: tuple[str, ...]) -> None:
    """`--help` says what, and its examples name real commands and options."""
    helped = run(*words, "--help")
    assert helped.exit_code == 0
    examples = re.findall(r"^\s+(fhir-gateway .*)$", helped.stdout, re.MULTILINE)
    if words not in {("quarantine",), ("config",), ("review",)}:
        assert any(" ".join(words) in example for example in examples)
    for example in examples:
        demand_parses(example)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documented_commands_parse(page: Path) -> None:
    """Nothing is documented that the command line does not know."""
    for line in re.findall(r"^(?:\$ )?(fhir-gateway .*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        if not line.startswith("fhir-gateway: "):
            demand_parses(line)


def test_the_list_of_commands_is_the_folder() -> None:
    """Every command in the list has its module, and help shows them all."""
    shown = run("--help").stdout
    for name in COMMANDS:
        assert re.search(rf"^  {name}\b", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["snyc"], "No such command 'snyc'. Did you mean 'sync'? (see: fhir-gateway --help)"),
        (["sync", "--ful"], "sync: No such option '--ful'. Did you mean '--full'? (see: fhir-gateway sync --help)"),
        (["serve", "--port", "0"], "serve: Invalid value for '--port': 0 is not in the range"),
        (
            ["simulate", "--source", "nope", "--out", "x"],
            "simulate: Invalid value for '--source': 'nope' is not one of",
        ),
        (["simulate"], "simulate: Missing option '--source'"),
        (["check", "--config", "gone.toml"], "gone.toml: no such configuration file"),
        (["quarantine", "show", "x"], "quarantine show: Invalid value for 'NUMBER'"),
        (["serve", "--host", "0.0.0.0"], "gateway.toml: no such configuration file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No usage text, no trace: what is wrong, and where help is."""
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("fhir-gateway: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["check", "sync", "serve", "sources", "issues", "quarantine list", "config show"])
def test_every_command_refuses_an_unknown_key(command: str, tmp_path: Path) -> None:
    """With the file, the key and what was meant; exit code 2."""
    file = tmp_path / "gateway.toml"
    file.write_text("[gateway]\nprot = 1\n", encoding="utf-8")
    done = run(*command.split(), "--config", str(file))
    assert done.exit_code == 2
    assert done.stderr == "fhir-gateway: gateway.toml: gateway: prot: unknown key (did you mean port?)\n"


def test_the_config_option_stands_before_or_after_the_command(config: Path) -> None:
    """Both ways give the same."""
    before, after = run("--config", str(config), "config", "show"), run("config", "show", "--config", str(config))
    assert before.exit_code == after.exit_code == 0
    assert before.stdout == after.stdout


def test_config_show_hides_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The values in force, where each comes from, and stars for passwords, also as JSON."""
    monkeypatch.setenv("FHIR_GATEWAY_STORE", "postgresql://gw:s3cr3t@h/d")
    file = tmp_path / "gateway.toml"
    file.write_text(source("one", "store"), encoding="utf-8")
    for words in ([], ["--json"]):
        done = run("config", "show", "--config", str(file), *words)
        assert done.exit_code == 0
        assert "postgresql://gw:***@h/d" in done.stdout
        assert "s3cr3t" not in done.output
    assert json.loads(done.stdout)["source"][0]["path"] == str(tmp_path / "store")


def test_check_says_how_to_mend(config: Path, hospital: Path, tmp_path: Path) -> None:
    """A sick source makes exit code 1 and has a hint; a well one does not hide it."""
    assert run("check", "--config", str(config)).exit_code == 0
    config.write_text(source("one", hospital) + source("gone", tmp_path / "gone"), encoding="utf-8")
    done = run("check", "--config", str(config), "--json")
    found = {entry["source"]: entry for entry in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert found["one"]["status"] == "ok"
    assert found["gone"]["status"] == "config"
    assert found["gone"]["hint"]
    assert "→ " in run("check", "--config", str(config)).stdout
    assert run("check", "one", "--config", str(config)).exit_code == 0
    assert run("check", "two", "--config", str(config)).exit_code == 2


def test_sync_counts_every_row_and_a_second_one_changes_nothing(config: Path) -> None:
    """rows read = mapped + quarantined + skipped; unchanged stores give no version."""
    first = json.loads(run("sync", "--config", str(config), "--json").stdout)
    (found,) = first["sources"]
    assert first["ok"]
    assert found["read"] == found["mapped"] + found["quarantined"] + found["skipped"] > 12
    assert found["created"] > 12
    again = run("sync", "--config", str(config), "--json", "--full")
    assert again.exit_code == 0
    (found,) = json.loads(again.stdout)["sources"]
    assert (found["created"], found["changed"], found["deleted"]) == (0, 0, 0)
    listed = json.loads(run("sources", "--config", str(config), "--json").stdout)
    assert sum(listed[0]["resources"].values()) == first["sources"][0]["created"]


def test_sources_tells_what_is_known(config: Path, hospital: Path, tmp_path: Path) -> None:
    """Store, rows, resources, quarantine, status and the age of the last good data, which a failure does not renew."""
    (before,) = json.loads(run("sources", "--config", str(config), "--json").stdout)
    assert (before["rows"], before["synced_at"], before["age_seconds"], before["status"]) == (0, None, None, None)
    assert "never" in run("sources", "--config", str(config)).stdout
    synced = json.loads(run("sync", "--config", str(config), "--json").stdout)["sources"][0]
    (after,) = json.loads(run("sources", "--config", str(config), "--json").stdout)
    assert (after["rows"], after["quarantined"]) == (synced["read"], synced["quarantined"])
    assert (after["source"], after["adapter"], after["where"]) == ("one", ADAPTER, str(hospital))
    assert (after["status"], after["error"]) == ("ok", None)
    assert 0 <= after["age_seconds"] < 3600
    config.write_text(source("one", tmp_path / "gone"), encoding="utf-8")
    assert run("sync", "--config", str(config)).exit_code == 1
    (sick,) = json.loads(run("sources", "--config", str(config), "--json").stdout)
    kept = ("rows", "resources", "quarantined", "synced_at")
    assert [sick[name] for name in kept] == [after[name] for name in kept]
    assert (sick["status"], "gone" in sick["error"], bool(sick["hint"])) == ("config", True, True)
    assert "mend it" in run("sources", "--config", str(config)).stdout


def test_sources_shows_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of the URL nor of an option that is one."""
    monkeypatch.setenv("SECRET", "s3cr3t")
    notes = 'options = { notes_url = "mongodb://reader:${SECRET}@notes/healthdb" }'
    file = tmp_path / "gateway.toml"
    file.write_text(
        '[[source]]\nname = "a"\nadapter = "hybrid_ehr"\nurl = "postgresql+psycopg://reader:${SECRET}@tables/healthdb"\n'
        f"{notes}\n",
        encoding="utf-8",
    )
    for words in ([], ["--json"]):
        done = run("sources", "--config", str(file), *words)
        assert "s3cr3t" not in done.output
        for place in ("postgresql+psycopg://reader:***@tables/healthdb", "mongodb://reader:***@notes/healthdb"):
            assert place in "".join(done.stdout.split())


def test_a_source_that_is_configured_no_more_is_still_told(config: Path, hospital: Path) -> None:
    """A renamed source leaves its resources behind: they are served, so they are listed."""
    created = json.loads(run("sync", "--config", str(config), "--json").stdout)["sources"][0]["created"]
    config.write_text(source("renamed", hospital), encoding="utf-8")
    listed = json.loads(run("sources", "--config", str(config), "--json").stdout)
    assert [(each["source"], each["adapter"]) for each in listed] == [("renamed", ADAPTER), ("one", None)]
    assert sum(listed[1]["resources"].values()) == created
    assert "still served" in run("sources", "--config", str(config)).stdout


def test_one_sick_source_does_not_stop_another(config: Path, hospital: Path, tmp_path: Path) -> None:
    """It has one line on stderr and exit code 1, or 2 where its configuration is wrong; the other is synced."""
    config.write_text(source("gone", tmp_path / "gone") + source("one", hospital), encoding="utf-8")
    done = run("sync", "--config", str(config))
    assert done.exit_code == 1
    assert re.fullmatch(r"fhir-gateway: gone: .*gone \(.+\)\n", done.stderr)
    assert re.search(r"^one +\d", done.stdout, re.MULTILINE)
    config.write_text(source("wrong", "x") + "pth = 1\n" + source("one", hospital), encoding="utf-8")
    done = run("sync", "--config", str(config))
    assert done.exit_code == 2
    assert "source.wrong: pth: unknown key (did you mean path?)" in done.stderr
    assert re.search(r"^one +\d", done.stdout, re.MULTILINE)


def test_nothing_to_sync_is_wrong(tmp_path: Path) -> None:
    """A configuration without sources is a mistake, not a success."""
    file = tmp_path / "gateway.toml"
    file.touch()
    done = run("sync", "--config", str(file))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "names no source" in done.stderr


@pytest.mark.parametrize("command", ["issues", "quarantine list", "quarantine show 1", "quarantine retry"])
def test_looking_before_the_first_sync_makes_no_store(command: str, config: Path) -> None:
    """A command that only looks says what to do and leaves no empty database."""
    done = run(*command.split(), "--config", str(config))
    assert done.exit_code == 1
    assert "nothing was synced yet (run: fhir-gateway sync)" in done.stderr
    assert not config.with_name("gateway.db").exists()


def test_quarantine_is_listed_shown_and_retried(tmp_path: Path) -> None:
    """Rows that cannot be used have a number, a place and reasons, and no native value is asked for."""
    store = tmp_path / "store"
    run("simulate", "--source", ADAPTER, "--patients", "60", "--profile", "hostile", "--out", str(store))
    file = tmp_path / "gateway.toml"
    file.write_text(source("one", store), encoding="utf-8")
    config = ["--config", str(file)]
    synced = json.loads(run("sync", *config, "--json").stdout)["sources"][0]
    listed = json.loads(run("quarantine", "list", *config, "--json", "--limit", "100000").stdout)
    assert len(listed) == synced["quarantined"] > 0
    number = str(listed[0]["id"])
    shown = run("quarantine", "show", number, *config).stdout
    assert listed[0]["locator"] in shown
    assert f"{listed[0]['rule']}: {listed[0]['reason']}" in shown
    assert listed[0]["rule"] in run("quarantine", "list", *config).stdout
    assert run("quarantine", "retry", number, *config).exit_code == 0
    again = json.loads(run("quarantine", "show", number, *config, "--json").stdout)
    assert again["retries"] == listed[0]["retries"] + 1
    assert run("quarantine", "show", "999999", *config).exit_code == 1


def test_issues_are_listed_by_kind(config: Path) -> None:
    """The filter holds, and a page says when there is more."""
    run("sync", "--config", str(config))
    listed = json.loads(run("issues", "--config", str(config), "--json").stdout)
    assert listed
    code = listed[0]["code"]
    only = json.loads(run("issues", "--config", str(config), "--code", code, "--json").stdout)
    assert {entry["code"] for entry in only} == {code}
    assert "There are more: --offset 1" in run("issues", "--config", str(config), "--limit", "1").stdout


def test_a_store_that_is_no_database_is_one_line(config: Path) -> None:
    """The gateway's own store can be sick too."""
    config.with_name("gateway.db").write_bytes(b"this is no database" * 100)
    done = run("issues", "--config", str(config))
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "gateway.db" in done.stderr


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    """Simulated stores can be compared byte for byte."""
    for name in ("a", "b"):
        run("simulate", "--source", ADAPTER, "--patients", "9", "--seed", "4", "--out", str(tmp_path / name))
    made = sorted(file.relative_to(tmp_path / "a") for file in (tmp_path / "a").rglob("*") if file.is_file())
    assert made
    for file in made:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """Also for root: a file stands where a folder is wanted."""
    (tmp_path / "file").touch()
    done = run("simulate", "--source", ADAPTER, "--patients", "1", "--out", str(tmp_path / "file" / "below"))
    assert done.exit_code == 1
    assert "cannot be written: Not a directory (choose another --out)" in done.stderr


def test_a_defect_shows_no_data_and_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error's own text may hold patient data: only its kind and place are told."""

    def defect() -> str:
        raise KeyError("Mrs. Kathleen Brown")

    monkeypatch.setattr("platform.python_version", defect)
    done = run("version")
    assert done.exit_code == 1
    place = r"tests/gateway/test_cli.py:\d+"
    assert re.fullmatch(rf"fhir-gateway: unexpected KeyError in {place} \(a defect; .*\)\n", done.stderr)


def test_the_installed_program_runs() -> None:
    """`python -m gateway.cli` and the entry point are the same program."""
    for program in ([sys.executable, "-m", "gateway.cli"], [str(Path(sys.executable).with_name("fhir-gateway"))]):
        done = subprocess.run([*program, "version"], capture_output=True, text=True, check=True, cwd=ROOT)
        assert re.fullmatch(r"fhir-gateway \d+\.\d+\.\d+ · FHIR R4 \(4\.0\.1\) · Python \d.*\n", done.stdout)


def test_openapi_prints_the_document_that_is_checked_in() -> None:
    """The server's tables make it."""
    printed = run("openapi").stdout
    assert printed.startswith("openapi: 3.")
    assert (ROOT / "openapi.yaml").read_text(encoding="utf-8") == printed


def test_every_adapter_can_be_configured() -> None:
    """The simulated sources are adapters."""
    assert set(simulated_sources()) <= set(installed())
