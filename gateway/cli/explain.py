"""`fhir-gateway explain`: why two Patients are, may be or are not one person. Shows patient data, on stdout only."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import config_option, example, json_option, strict_settings

if TYPE_CHECKING:
    from gateway.identity.explanation import Explanation
    from gateway.identity.history import Event
    from gateway.identity.roster import Entry
    from gateway.identity.standing import Standings

_DONE = {"auto": "they are linked", "review": "somebody is asked", "apart": "they stay apart"}
_MOST = 10
"""Other pairs of records that people are shown."""
_ANEW = " To compare everybody anew, which may join them: fhir-gateway link"


class _Pair(NamedTuple):
    """Two records, what speaks for and against them and their persons, and what happened to them."""

    one: Entry
    other: Entry
    explanation: Explanation
    persons: Standings
    events: list[Event]


@click.command(epilog=example("fhir-gateway explain PATIENT1 PATIENT2"))
@click.argument("patient", nargs=2)
@config_option
@json_option
def explain(patient: tuple[str, str], config: Path | None, as_json: bool) -> None:
    """Explain PATIENT PATIENT, two ids: every field in words and bits, the decision, and what happened to them.

    What holds their persons together or apart is told too: how their other records agree, and what was asked.

    The answer holds what the two records say: mind who reads along.
    """
    found = _found(patient, config)
    if not as_json:
        _show(found)
        return
    document = {
        "patients": [{"id": each.record, "source": each.source, "person": each.person} for each in found[:2]],
        "explanation": asdict(found.explanation),
        "other_pairs": [each._asdict() for each in found.persons.pairs],
        "other_pairs_total": found.persons.total,
        "questions": [each._asdict() for each in found.persons.questions],
        "events": [each._asdict() for each in found.events],
    }
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _found(patients: tuple[str, str], config: Path | None) -> _Pair:
    from gateway.cli.stores import existing_store
    from gateway.identity.cluster import pair
    from gateway.identity.crosswalk import rulings
    from gateway.identity.explanation import explain as explained
    from gateway.identity.history import events_of
    from gateway.identity.matching import deciding
    from gateway.identity.roster import Roster, unpacked
    from gateway.identity.standing import standings
    from gateway.store.sql import SnapshotSql

    with existing_store(strict_settings(config)) as store, store.snapshot() as snapshot:
        sql = SnapshotSql(snapshot, store.dialect)
        entries = Roster(sql).entries(patients)
        for place, name in zip(("first", "second"), patients, strict=True):
            if name not in entries:
                raise Failure("explain", f"the {place} id is no Patient's here", "ids are those of Patient resources")
        one, other = (entries[name] for name in patients)
        ruled = rulings(sql, patients).get(pair(*patients))
        scorer = deciding(store, sql).scorer
        explanation = explained(scorer, unpacked(one.traits), unpacked(other.traits), ruled)
        return _Pair(one, other, explanation, standings(sql, scorer, one, other), events_of(sql, patients))


def _show(found: _Pair) -> None:
    from gateway.cli import questions
    from gateway.cli.terminal import day_and_time, stdout, table

    one, other, explanation, persons, events = found
    console = stdout()
    numbers = ("vs strangers", "vs relatives")
    shown = table("Field", one.source, f"{other.source} ", "Agreement", *numbers, numbers=numbers)
    for each in explanation.fields:
        shown.add_row(
            each.field, *each.values, each.agreement, *map(_bits, (each.against_strangers, each.against_relatives))
        )
    priors = map(_bits, (explanation.prior_strangers, explanation.prior_relatives))
    shown.add_row("", "", "", "before any field is looked at", *priors)
    console.print(shown, markup=False)
    today = f"one person: {one.person}" if one.person == other.person else f"two: {one.person} and {other.person}"
    console.print(
        f"\nWeight {explanation.weight:.2f} bits, probability {explanation.probability:.6f}; linked from "
        f"{explanation.links_from:.0f} bits on, asked from {explanation.asks_from:.0f} (model {explanation.model}).",
        f"By themselves: {_DONE[explanation.action]}.",
        *(f"  - {reason}" for reason in explanation.reasons),
        f"Today they are {today}.\n",
        sep="\n",
        markup=False,
    )
    parted = one.person != other.person
    if persons.pairs:
        _show_others(persons, "the two persons" if parted else "the person")
    if persons.questions:
        console.print("What was asked about them and their persons:\n")
        questions.show(persons.questions)
        console.print()
    if parted and not persons.asked and explanation.action != "apart":
        hopeless = any(each.action == "apart" for each in persons.pairs)
        console.print(f"Nobody was asked whether these two persons are one.{'' if hopeless else _ANEW}\n", markup=False)
    happened = table("#", "When", "What", "By", "Why", "Person", numbers=("#",))
    for event in events:
        involved = " → ".join(name for name in (event.other, event.person) if name)
        happened.add_row(str(event.seq), day_and_time(event.time), event.kind, event.actor, _why(event), involved)
    console.print(happened, markup=False)


def _show_others(persons: Standings, whose: str) -> None:
    from gateway.cli.terminal import stdout, table

    shown = table("Source", "Patients", "Weight", "By themselves", "Reasons", numbers=("Weight",))
    for each in persons.pairs[:_MOST]:
        done, reasons = _DONE[each.action], "\n".join(each.reasons)
        shown.add_row("\n".join(each.sources), "\n".join(each.patients), f"{each.weight:.1f}", done, reasons)
    most = f" (of {persons.total:,} the {_MOST} that speak most against; see --json)" if persons.total > _MOST else ""
    stdout().print(f"Other pairs of records of {whose}{most}:\n", shown, "", sep="\n", markup=False)


def _why(event: Event) -> str:
    """The reason, and for a link with which record it was and how much the two agree."""
    if event.kind != "link" or not isinstance(event.detail, dict) or event.weight is None:
        return event.reason
    return f"{event.reason}: {event.weight:.1f} bits with {event.detail['record']}"


def _bits(number: float) -> str:
    return f"{number:+.2f}" if number else "·"
