"""`fhir-gateway review`: pairs of records that no rule may decide, and what people say about them. Shows no names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from gateway.cli.deciding import authority_options, decided
from gateway.cli.failures import Failure
from gateway.cli.options import config_option, example, json_option, strict_settings
from gateway.cli.questions import show

if TYPE_CHECKING:
    from gateway.identity.decisions import Decisions
    from gateway.identity.reviews import Status, Task

_STATUSES: tuple[Status, ...] = ("open", "confirmed", "rejected", "moot")


@click.group()
def review() -> None:
    """Decide on records that may be one person's."""


@review.command("list", epilog=example("fhir-gateway review list", "fhir-gateway review list --status rejected"))
@click.option("--status", type=click.Choice(_STATUSES), default="open", show_default=True, help="Of the questions.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@click.option("--offset", type=click.IntRange(0), default=0, help="How many to pass over.")
@config_option
@json_option
def list_(status: Status, limit: int, offset: int, config: Path | None, as_json: bool) -> None:
    """List the questions, the likeliest pairs first. `explain` shows what speaks for and against a pair."""
    from gateway.cli.stores import existing_store
    from gateway.identity.reviews import Reviews
    from gateway.store.sql import SnapshotSql

    with existing_store(strict_settings(config)) as store, store.snapshot() as snapshot:
        tasks = Reviews(SnapshotSql(snapshot, store.dialect), 0).page(status, limit + 1, offset)
    if as_json:
        click.echo(orjson.dumps([each._asdict() for each in tasks[:limit]], option=orjson.OPT_INDENT_2))
        return
    if not tasks:
        click.echo(f"Nothing is {status}." if not offset else "No more.")
        return
    show(tasks[:limit])
    if len(tasks) > limit:
        click.echo(f"There are more: --offset {offset + limit}")


@review.command(epilog=example("fhir-gateway review confirm 12 --who 'A. Clerk' --why 'same card, seen'"))
@click.argument("number", type=int)
@authority_options
@config_option
def confirm(number: int, who: str, why: str, config: Path | None) -> None:
    """The two records of question NUMBER are one person's. Holds in every later sync and run."""
    with decided(config, who, why) as (decisions, by):
        task = _question(decisions, number)
        person = decisions.same(task.first, task.second, by)
    click.echo(f"One person: {person}")


@review.command(epilog=example("fhir-gateway review reject 12 --who 'A. Clerk' --why 'twins, both were called'"))
@click.argument("number", type=int)
@authority_options
@config_option
def reject(number: int, who: str, why: str, config: Path | None) -> None:
    """The two records of question NUMBER are not one person's. Holds in every later sync and run."""
    with decided(config, who, why) as (decisions, by):
        task = _question(decisions, number)
        first, second = decisions.not_same(task.first, task.second, by)
    click.echo(f"Two persons: {first} and {second}")


def _question(decisions: Decisions, number: int) -> Task:
    task = decisions.task(number)
    if task is None:
        raise Failure(f"review {number}", "no such question", "see: fhir-gateway review list")
    return task
