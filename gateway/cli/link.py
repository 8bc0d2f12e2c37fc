"""`fhir-gateway link`: link all records at once, with a model that is trained on them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import config_option, example, json_option, strict_settings

if TYPE_CHECKING:
    from gateway.identity.weighed import Engine
    from gateway.sync.link import LinkReport

_STEPS = {
    "read": "reading the records",
    "block": "finding pairs to compare",
    "compare": "comparing them",
    "train": "training the model",
    "score": "weighing the pairs",
    "cluster": "finding persons",
    "merge": "merging persons",
    "write": "writing Patients and Persons",
}


@click.command(epilog=example("fhir-gateway link", "fhir-gateway link --keep-model --json"))
@click.option("--keep-model", is_flag=True, help="Decide with the present model instead of training one.")
@click.option(
    "--engine",
    type=click.Choice(("duckdb", "spark")),
    default="duckdb",
    show_default=True,
    help="What compares the records; spark needs --keep-model, the optional packages, and Java.",
)
@config_option
@json_option
def link(keep_model: bool, engine: str, config: Path | None, as_json: bool) -> None:
    """Link all records of all sources anew.

    Trains a model on the records (without labels), compares all that may be one person, merges what is surely one, and
    asks people about the rest. Never splits a person, and never goes against what people have decided.

    No sync can write while it runs. The model decides in later syncs too.
    """
    from gateway.cli.stores import existing_store
    from gateway.sync.link import link as link_everybody

    if engine == "spark" and not keep_model:
        raise click.UsageError("no model is trained on Spark: --engine spark needs --keep-model")
    with (
        existing_store(strict_settings(config)) as store,
        _engine(engine) as weighing,
        _progress() as progress,
    ):
        report = link_everybody(store, keep_model=keep_model, progress=progress, engine=weighing)
    if as_json:
        click.echo(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2))
    else:
        _show(report)


@contextmanager
def _engine(name: str) -> Iterator[Engine | None]:
    if name != "spark":
        yield None
        return
    from gateway.identity.spark import SparkUnavailableError, on_spark, spark_session

    with tempfile.TemporaryDirectory(prefix="fhir-gateway-") as folder:
        try:
            with spark_session(Path(folder)) as session:
                yield on_spark(session, Path(folder))
        except SparkUnavailableError as error:
            raise Failure("spark", str(error)) from None


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is being done, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from gateway.cli.terminal import stderr

    with stderr().status("linking ...") as status:
        yield lambda step: status.update(f"{_STEPS[step]} ...")


def _show(report: LinkReport) -> None:
    from gateway.cli.terminal import stdout, table

    run, people = report.run, report.people
    persons = report.persons_before - report.merges
    shown = table("Linked", "", numbers=("",))
    for name, figure in (
        ("records", f"{run.records:,}"),
        ("  that share no key with another one", f"{run.without_key:,}"),
        ("pairs compared", f"{run.pairs:,}"),
        ("  keys of too many records, not used", f"{run.block_overflows:,}"),
        ("pairs of one person, as the model expects", f"{run.estimated_matches:,.0f}"),
        ("pairs linked", f"{run.auto:,}"),
        ("persons before", f"{report.persons_before:,}"),
        ("persons", f"{persons:,}"),
        ("Patients with other links", f"{people.relinked:,}"),
        ("questions: one person?", f"{report.link_questions:,}"),
        ("questions: two people?", f"{report.split_questions:,}"),
        ("questions for 100 records", f"{100 * people.waiting / max(run.records, 1):.1f}"),
        ("model", f"{report.model} ({run.model_version})"),
        ("seconds", f"{report.seconds:.1f}"),
    ):
        shown.add_row(name, figure)
    stdout().print(shown)
    if people.waiting:
        stdout().print("see: fhir-gateway review list", style="dim")
