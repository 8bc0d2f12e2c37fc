"""`fhir-gateway match`: who a person may be that somebody types in. Shows patient data, on stdout only.

What is typed is asked for, not given as options: a command line is seen by others, and kept by the shell.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import config_option, example, json_option, strict_settings

if TYPE_CHECKING:
    from gateway.identity.explanation import Explanation
    from gateway.identity.matching import Match

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_GENDERS = ("male", "female", "other", "unknown")


class _Answer(NamedTuple):
    """A record that may be the person, and why."""

    match: Match
    source: str
    explanation: Explanation


@click.command(epilog=example("fhir-gateway match", "fhir-gateway match --file patient.json --json"))
@click.option(
    "--file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="A FHIR Patient as JSON (- = stdin) instead of the questions.",
)
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="How many records at most.")
@config_option
@json_option
def match(file: Path | None, count: int, config: Path | None, as_json: bool) -> None:
    """Ask for what is known of a person, and show which records may be theirs, best first, and why.

    Leave empty what is not known: that counts neither for nor against. The answer holds what the records say: mind
    who reads along.
    """
    settings = strict_settings(config)
    patient = _asked() if file is None else _read(file)
    from gateway.cli.stores import existing_store
    from gateway.identity.explanation import explain
    from gateway.identity.matching import match as matched
    from gateway.identity.traits import from_patient

    traits = from_patient(patient)
    with existing_store(settings) as store:
        found = matched(store, traits)
    answers = [
        _Answer(each, each.traits.source, explain(found.scorer, traits, each.traits)) for each in found.matches[:count]
    ]
    if as_json:
        click.echo(orjson.dumps([_document(each) for each in answers], option=orjson.OPT_INDENT_2))
    elif not found.is_searchable:
        click.echo("Too little is told to find anyone by: a birth date with a name, a phone or an identifier would do.")
    elif not answers:
        click.echo("Nobody like this is known.")
    else:
        _show(answers)
        if len(found.matches) > count:
            click.echo(f"There are {len(found.matches) - count} more: --count")


def _asked() -> dict[str, Any]:
    """A Patient of what is typed."""
    given, family = _ask("Given names"), _ask("Family name")
    born = _ask("Birth date (1978-02-07)")
    if born and not _DATE.fullmatch(born):
        raise Failure("birth date", "is not a date", "year-month-day, for example 1978-02-07")
    gender = _ask(f"Gender ({', '.join(_GENDERS)})")
    if gender and gender not in _GENDERS:
        raise Failure("gender", "is none of these", ", ".join(_GENDERS))
    phone, email = _ask("Phone"), _ask("E-mail")
    address = {"line": _ask("Street and number"), "postalCode": _ask("Postcode"), "city": _ask("City")}
    telecom = [{"system": system, "value": value} for system, value in (("phone", phone), ("email", email)) if value]
    return {
        "resourceType": "Patient",
        "id": "",
        "name": [{"given": given.split(), "family": family}] if given or family else [],
        "birthDate": born,
        "gender": gender,
        "telecom": telecom,
        "address": [{**address, "line": [address["line"]]}] if any(address.values()) else [],
    }


def _ask(question: str) -> str:
    return str(click.prompt(question, default="", show_default=False, err=True)).strip()


def _read(file: Path) -> dict[str, Any]:
    """A Patient from a file. Repeats nothing of it."""
    from mappers.fhir.check import check

    try:
        patient = orjson.loads(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except orjson.JSONDecodeError:
        raise Failure("--file", "is not JSON") from None
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient":
        raise Failure("--file", "is not a Patient")
    if findings := check(patient):
        raise Failure("--file", f"is not a valid Patient: {findings[0].path} {findings[0].reason}")
    return {"id": "", **patient}


def _document(answer: _Answer) -> dict[str, Any]:
    from dataclasses import asdict

    found = answer.match
    return {
        "patient": found.record,
        "source": answer.source,
        "person": found.person,
        "grade": found.grade,
        "score": found.probability,
        "doubts": [str(each) for each in found.guards],
        "explanation": asdict(answer.explanation),
    }


def _show(answers: list[_Answer]) -> None:
    from gateway.cli.terminal import stdout, table
    from gateway.identity.decide import REASONS

    shown = table("Grade", "Score", "Weight", "Patient", "Agreement", numbers=("Score", "Weight"))
    for found, source, explanation in answers:
        said = [
            f"{each.agreement}: {each.values[1]} ({each.against_strangers:+.1f})"
            for each in explanation.fields
            if all(each.values)
        ]
        said += [f"doubt: {REASONS[guard]}" for guard in found.guards]
        patient = f"{found.record}\n{source}, person {found.person}"
        shown.add_row(found.grade, f"{found.probability:.4f}", f"{found.weight:.1f}", patient, "\n".join(said))
    stdout().print(shown, markup=False)
