"""`fhir-gateway demo`: simulated hospitals in, one API out, on one command; a second run goes on with what is there."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import example
from gateway.settings import ENV, load
from his_adapters.error_rates import PROFILES

if TYPE_CHECKING:
    from gateway.settings import Settings

_SEED, _PROFILE, _SIZE = 1, "seed", 1.0
_MADE_BY = "# Made by: fhir-gateway demo"
_LINKED = "demo-linked"
"""The store's fact that everybody in it has been linked once."""
_PATIENCE = 10
"""Seconds that linking has to end when it is interrupted."""


@click.command(epilog=example("fhir-gateway demo --port 9000", "fhir-gateway demo --folder /tmp/big --size 10"))
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port to listen on.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Where the hospitals and the gateway's database lie.",
)
@click.option("--seed", type=int, help=f"Same number, same people.  [default: {_SEED}]")
@click.option("--profile", type=click.Choice(PROFILES), help=f"Shape and errors of the stores.  [default: {_PROFILE}]")
@click.option("--size", type=click.FloatRange(0.01), help=f"Factor on the number of patients.  [default: {_SIZE}]")
@click.option("--full", is_flag=True, help="As many rows as the systems' specifications name: some minutes.")
def demo(port: int, folder: Path, seed: int | None, profile: str | None, size: float | None, full: bool) -> int:
    """Simulate the hospitals, sync, link and serve them.

    Prints what to try. Ctrl-C ends it; the next run takes up what is there. All people are synthetic; who is who across
    the hospitals is in truth.csv.
    """
    from gateway.cli.server import claim_address, run

    folder = folder.absolute()
    file = folder / "gateway.toml"
    given = {"seed": seed, "profile": profile, "size": size, "full": full or None}
    kept = _kept(file)
    _demand_same(kept, given, folder)
    made = {"seed": _SEED, "profile": _PROFILE, "size": _SIZE, "full": False} | kept | _stated(given)

    # Before the work: a port that is taken is told at once.
    claim_address(replace(_no_settings(file), port=port))
    if not _complete(file):
        _simulate(folder, made)
    # The demo is its own: what the environment says is meant for another gateway.
    settings = replace(load(file, {}), port=port, log_level="warning")
    codes = [_sync(settings), _link(settings)]
    codes.append(run(settings, lambda url: _announce(url, folder)))
    click.echo(f"\nStopped. The demo stays in {folder}; the same command takes it up again.")
    return max(codes)


def _stated(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def _no_settings(file: Path) -> Settings:
    from gateway.settings import Settings

    return Settings(file=file, store="")


def _kept(file: Path) -> dict[str, Any]:
    """With what the demo in this folder was made; empty when there is none."""
    try:
        first = file.read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(str(file), f"cannot be read: {error}", "remove it or choose another --folder") from None
    if not first.startswith(_MADE_BY):
        raise Failure(str(file), "is not a demo's", "choose another --folder", code=2)
    words = first.removeprefix(_MADE_BY).split()
    values = dict(zip(words[::2], words[1::2], strict=False))
    try:
        made = {"seed": int(values["--seed"]), "profile": values["--profile"], "size": float(values["--size"])}
        return {**made, "full": words[-1] == "--full"}
    except (KeyError, ValueError):
        raise Failure(str(file), "its first line was changed", "remove the folder or choose another --folder") from None


def _demand_same(kept: dict[str, Any], given: dict[str, Any], folder: Path) -> None:
    for key, value in _stated(given).items():
        if kept and kept[key] != value:
            made = "without --full" if key == "full" else f"with --{key} {kept[key]}"
            what = f"holds a demo made {made}"
            raise Failure(str(folder), what, "remove the folder or choose another --folder", code=2)


def _complete(file: Path) -> bool:
    """The TOML is written last: with it and every store, the demo is whole."""
    if not file.is_file() or not file.with_name("truth.csv").is_file():
        return False
    return all(source.path is None or source.path.exists() for source in load(file, {}).sources)


def _simulate(folder: Path, made: dict[str, Any]) -> None:
    from gateway.cli.simulations import demo_patients, full_patients, population_of, simulated_sources, write_store
    from gateway.cli.terminal import stderr
    from his_adapters.population import write_truth

    started = monotonic()
    patients = full_patients if made["full"] else demo_patients
    sizes = {source: max(1, round(patients(source) * made["size"])) for source in simulated_sources()}
    population = population_of(made["seed"], sizes)
    rows = 0
    file = folder / "gateway.toml"
    try:
        file.unlink(missing_ok=True)
        with stderr().status("Simulating the hospitals ...") as status:
            for source in sizes:
                status.update(f"Simulating {source} ...")
                store = folder / "stores" / source
                written = write_store(source, population, store, profile=made["profile"], seed=made["seed"])
                rows += sum(written.values())
        write_truth(population, folder / "truth.csv")
        unfinished = file.with_suffix(".part")
        unfinished.write_text(_toml(made, list(sizes)), encoding="utf-8")
        unfinished.replace(file)
    except OSError as error:
        where = str(error.filename or folder)
        raise Failure(where, f"cannot be written: {error.strerror}", "choose another --folder") from None
    click.echo(
        f"Simulated {len(sizes)} hospitals with {rows:,} rows in {monotonic() - started:.1f} s: {folder / 'stores'}"
    )


def _toml(made: dict[str, Any], sources: list[str]) -> str:
    options = " ".join(f"--{key} {made[key]}" for key in ("seed", "profile", "size")) + " --full" * made["full"]
    blocks = [
        f"""
[[source]]
name = "{source}"
adapter = "{source}"
path = "stores/{source}"
timezone = "Asia/Kolkata"
organization = "Demo hospital {source.upper()}"
"""
        for source in sources
    ]
    return f"{_MADE_BY} {options}\n# docs/configuration.md explains every key.\n\n[gateway]\n{''.join(blocks)}"


def _sync(settings: Settings) -> int:
    from gateway import sync as engine
    from gateway.cli.stores import open_store
    from gateway.cli.synced import progress_bars, tell, today

    with open_store(settings) as store, progress_bars() as progress:
        report = engine.sync(store, settings.sources, as_of=today(), progress=progress)
    return tell(report, as_json=False)


def _link(settings: Settings) -> int:
    """Compare everybody once: a sync alone leaves apart who came in a bad order."""
    from gateway.cli.stores import open_store
    from gateway.cli.terminal import stderr

    with open_store(settings) as store, store.writer() as writer, writer.batch():
        if writer.states.fact(_LINKED):
            return 0
    # On its own, so that the server has none of its memory; -P as nothing of the user's folder is the program's.
    words = [sys.executable, "-P", "-m", "gateway.cli", "link", "--json", "--config", str(settings.file)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ENV)}
    with (
        stderr().status("Linking ..."),
        subprocess.Popen(words, env=environment, stdout=PIPE, stderr=PIPE, text=True) as linking,  # noqa: S603 - ours
    ):
        out, said = _heard(linking)
    if linking.returncode:
        again = f"to try again: fhir-gateway link --config {settings.file}"
        why = said.strip() or f"it ended with {linking.returncode}"
        click.echo(f"Linking failed, what was synced is served: {why}\n{again}", err=True)
        return 1
    report = orjson.loads(out)
    records, persons = report["run"]["records"], report["persons_before"] - report["merges"]
    waiting = report["people"]["waiting"]
    click.echo(
        f"Linked {records:,} records in {report['seconds']:.1f} s: {persons:,} persons;"
        f" {waiting:,} pairs of records wait for a person to decide"
    )
    with open_store(settings) as store, store.writer() as writer, writer.batch():
        writer.states.keep_fact(_LINKED, str(report["model"]))
    return 0


def _heard(linking: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says until it ends. A Ctrl-C is told to it, and it may end in its own way."""
    try:
        return linking.communicate()
    except KeyboardInterrupt:
        linking.send_signal(signal.SIGINT)
        try:
            linking.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            linking.kill()
        raise


def _announce(url: str, folder: Path) -> None:
    """Say that it answers, and what to try: only requests that give something."""
    from his_adapters.population import PLANTED_FAMILY

    family = {"family": PLANTED_FAMILY, "_sort": "given"}
    lines = [("Search all hospitals at once", f"{url}/Patient?{urlencode(family)}")]
    patients = [entry["resource"]["id"] for entry in _get(f"{url}/Patient?{urlencode(family)}").get("entry", [])]
    for patient in patients:
        encounters = f"{url}/Encounter?patient={quote(patient)}"
        if _get(encounters).get("entry"):
            lines += [("One patient", f"{url}/Patient/{patient}"), ("Their encounters", encounters)]
            break
    lines.append(("What the server can do", f"{url}/metadata"))
    click.echo(f"\nServing FHIR R4 at {url}\n")
    for name, address in lines:
        click.echo(f"  # {name}\n  curl '{address}'")
    click.echo(f"\nDocumentation: {url.removesuffix('/fhir')}/docs/\nWho is who:    {folder / 'truth.csv'}")
    click.echo("\nCtrl-C ends it.")


def _get(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Connection": "close"})
        answered = connection.getresponse()
        document: dict[str, Any] = orjson.loads(answered.read())
        return document if answered.status == http.client.OK else {}
    finally:
        connection.close()
