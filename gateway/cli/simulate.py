"""`fhir-gateway simulate`: one realistic native store, to try an adapter on."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.failures import Failure
from gateway.cli.options import example
from gateway.cli.simulations import default_patients, population_of, simulated_sources, write_store
from his_adapters.error_rates import PROFILES


@click.command(
    epilog=example("fhir-gateway simulate --source his_a --patients 1000 --profile hostile --seed 7 --out /tmp/his_a")
)
@click.option("--source", type=click.Choice(simulated_sources()), required=True, help="Which HIS to simulate.")
@click.option("--patients", type=click.IntRange(0), help="How many patients; the other rows follow.")
@click.option(
    "--profile", type=click.Choice(PROFILES), default="seed", show_default=True, help="Which shape and errors."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Same number, same bytes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
def simulate(source: str, patients: int | None, profile: str, seed: int, out: Path) -> None:
    """Write one simulated native store. The people are synthetic.

    Profiles: seed has the published samples' columns, original the files and spellings of the original
    systems, hostile every known defect at a high rate.
    """
    size = default_patients(source) if patients is None else patients
    try:
        rows = write_store(source, population_of(seed, {source: size}), out, profile=profile, seed=seed)
    except OSError as error:
        raise Failure(
            str(error.filename or out), f"cannot be written: {error.strerror}", "choose another --out"
        ) from None
    for name, count in rows.items():
        click.echo(f"{count:>12,}  {name}")
    click.echo(f"Simulated {source} ({profile}, seed {seed}) in {out}")
