"""`python -m bench.identity [febrl | hospitals | spark | unseen]` writes RESULTS.md; `… csv FILE` only prints.

python -m bench.identity hospitals --records 1000000
python -m bench.identity csv people.csv --column id=rec_id --column entity=cluster --column given=first_name
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click

from bench.identity import gate
from bench.identity.labelled import FIELDS, read
from bench.identity.sections import COLUMNS, SEEDS, febrl_section, hospitals_section, rows_of
from bench.identity.titles import HOSPITALS
from bench.report import RESULTS, Section, with_section


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """How right linking is, beside Splink: Febrl 1 to 4, and simulated hospitals with 100,000 records."""
    if context.invoked_subcommand is None:
        context.invoke(febrl)
        context.invoke(hospitals)


@main.command()
def febrl() -> None:
    """Febrl 1 to 4, with identifier and without it."""
    _written(febrl_section())


@main.command()
@click.option("--records", type=click.Choice(HOSPITALS), default=100_000, show_default=True)
@click.option("--seed", type=int, help="Of the population.  [default: one that nothing else uses]")
@click.option("--splink/--no-splink", default=True, help="Splink beside it, which takes far longer.")
def hospitals(records: int, seed: int | None = None, splink: bool = True) -> None:
    """The eight simulated hospitals."""
    _written(hospitals_section(records, SEEDS[records] if seed is None else seed, beside_splink=splink))


@main.command()
def spark() -> None:
    """The same records linked on Spark and in DuckDB (needs Java)."""
    from gateway.identity.spark import SparkUnavailableError

    try:
        from bench.identity.spark import spark_section

        _written(spark_section())
    except SparkUnavailableError as error:
        raise click.ClickException(str(error)) from None


@main.command()
def unseen() -> None:
    """A simulated census and the files of two offices (needs PyPI for an environment of its own)."""
    from bench.identity.unseen import unseen_section

    _written(unseen_section())


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help=f"Fields: {', '.join(FIELDS)}.")
def csv(file: Path, columns: tuple[str, ...]) -> None:
    """Labelled records of a CSV FILE; prints the figures, and what is done with the pairs."""
    named = dict(each.partition("=")[::2] for each in columns)
    if unknown := named.keys() - set(FIELDS):
        raise click.UsageError(f"unknown field: {', '.join(sorted(unknown))}")
    if missing := {"id", "entity"} - named.keys():
        raise click.UsageError(f"which column is {' and which is '.join(sorted(missing))}? --column FIELD=COLUMN")
    records = partial(read, file, named)  # nothing of this module: a process of its own cannot import it
    ours = gate.alone(gate.ours, records)
    theirs = gate.alone(gate.theirs, records) if find_spec("splink") else None
    click.echo(Section(file.name, f"{ours.records:,} records", COLUMNS, rows_of("", ours, theirs)).markdown())
    for band in ours.bands:
        click.echo(f"{band.action}: {band.pairs:,} pairs, {band.right:,} of one person")


def _written(section: Section) -> None:
    click.echo(section.markdown())
    RESULTS.write_text(with_section(RESULTS.read_text(), section))


if __name__ == "__main__":
    main()
