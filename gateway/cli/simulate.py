"""`fhir-gateway simulate`: one realistic native store, to try an adapter on."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from gateway.cli.failures import Failure
from gateway.cli.options import example
from gateway.cli.simulations import full_patients, population_of, simulated_sources, write_store
from gateway.settings import masked, single_source
from his_adapters import simulated_database_module
from his_adapters.error_rates import PROFILES

if TYPE_CHECKING:
    from types import ModuleType


@click.command(
    epilog=example(
        "fhir-gateway simulate --source his_a --patients 1000 --profile hostile --seed 7 --out /tmp/his_a",
        "fhir-gateway simulate --source chirona --url 'postgresql+psycopg://owner:${OWNER_PASSWORD}@127.0.0.1/chirona'",
    )
)
@click.option("--source", type=click.Choice(simulated_sources()), required=True, help="Which HIS to simulate.")
@click.option(
    "--patients", type=click.IntRange(0), help="How many patients; the other rows follow.  [default: as specified]"
)
@click.option(
    "--profile", type=click.Choice(PROFILES), default="seed", show_default=True, help="Which shape and errors."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Same number, same bytes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write into.")
@click.option("--url", help="Empty database to fill, in place of --out. ${VARIABLE} is taken from the environment.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="With --url: an option of the adapter.")
def simulate(
    source: str, patients: int | None, profile: str, seed: int, out: Path | None, url: str | None, options: tuple[str]
) -> None:
    """Write one simulated native store. The people are synthetic.

    Profiles: seed has the published samples' columns, original the files and spellings of the original
    systems, hostile every known defect at a high rate.

    With --url it makes the system's tables in a database of yours and fills them, for those systems that have one.
    Never name a hospital's: what has such tables already is refused, and no configuration is read.
    """
    if (out is None) == (url is None):
        raise click.UsageError("name either --out or --url")
    if out is not None:
        rows = _write(source, patients, profile, seed, out)
        where = str(out)
    else:
        rows = _fill(source, patients, profile, seed, str(url), options)
        where = masked(str(url))
    for name, count in rows.items():
        click.echo(f"{count:>12,}  {name}")
    click.echo(f"Simulated {source} ({profile}, seed {seed}) in {where}")


def _write(source: str, patients: int | None, profile: str, seed: int, out: Path) -> dict[str, int]:
    size = full_patients(source) if patients is None else patients
    try:
        return write_store(source, population_of(seed, {source: size}), out, profile=profile, seed=seed)
    except OSError as error:
        raise Failure(
            str(error.filename or out), f"cannot be written: {error.strerror}", "choose another --out"
        ) from None


def _fill(
    source: str, patients: int | None, profile: str, seed: int, url: str, options: tuple[str, ...]
) -> dict[str, int]:
    database = _database(source)
    named = dict(option.partition("=")[::2] for option in options)
    config = single_source("simulate", {"name": source, "adapter": source, "url": url, "options": named})
    database.demand_free(config)
    with TemporaryDirectory(prefix="fhir-gateway-") as folder:
        _write(source, patients, profile, seed, Path(folder))
        filled: dict[str, int] = database.fill(config, Path(folder), profile)
    return filled


def _database(source: str) -> ModuleType:
    found = simulated_database_module(source)
    if found is None:
        raise click.UsageError(f"{source} is files: use --out")
    return found
