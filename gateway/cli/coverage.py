"""`fhir-gateway coverage`: what becomes of every native column, and how well the resources are filled."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from gateway.cli.failures import Failure
from gateway.cli.options import chosen_sources, config_option, example, json_option, refused_sources
from gateway.settings import SettingsError, load
from his_adapters.base import SourceError

if TYPE_CHECKING:
    from gateway.cli.accounting import AccountedColumn, FilledType
    from gateway.settings import Settings
    from gateway.store import Store
    from his_adapters.base import SourceConfig

_COLOURS = {"mapped": "", "ignored": "dim", "unknown": "red"}


@dataclass(slots=True)
class _Found:
    """What there is to say of one source."""

    source: SourceConfig
    columns: list[AccountedColumn] = field(default_factory=list)
    types: list[FilledType] | None = None
    """None where nothing of it is stored."""
    error: str | None = None


@click.command(epilog=example("fhir-gateway coverage --source his_a", "fhir-gateway coverage --json --fail-under 100"))
@click.option("--source", multiple=True, help="Only this source; may be given several times.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit code 1 when fewer columns are accounted for; the unknown ones are named.",
)
@config_option
@json_option
def coverage(source: tuple[str, ...], fail_under: float | None, config: Path | None, as_json: bool) -> int:
    """Account for every native column of the sources.

    A column is mapped (to which FHIR elements), ignored on purpose (why), or unknown: the store has it, and nobody
    knows it. Then, by resource type, how many of the stored resources have what FHIR demands and what columns decide.

    Looks at the sources for their columns, and at the gateway's store for what was synced. Writes nothing.
    """
    settings = load(config)
    sources, refused = chosen_sources(settings, source), refused_sources(settings, source)
    if not sources and not refused:
        raise SettingsError(settings.file.name, "names no source", "add a [[source]]; docs/configuration.md shows one")
    found = _look(settings, sources)
    if as_json:
        click.echo(orjson.dumps(_document(found), option=orjson.OPT_INDENT_2))
    else:
        _show(found)
    for each in found:
        if each.error:
            click.echo(f"fhir-gateway: {each.source.name}: {each.error}", err=True)
    for error in refused:
        click.echo(f"fhir-gateway: {error}", err=True)
    if refused:
        return 2
    return int(_is_under(found, fail_under) or any(each.error for each in found))


def _look(settings: Settings, sources: list[SourceConfig]) -> list[_Found]:
    from gateway.cli.accounting import accounted_columns

    found = []
    for source in sources:
        try:
            found.append(_Found(source, accounted_columns(source)))
        except SourceError as error:
            found.append(_Found(source, error=str(error)))
    store = _store(settings)
    if store is not None:
        with store:
            _fill(store, found)
    return found


def _store(settings: Settings) -> Store | None:
    from gateway.cli.stores import existing_store

    try:
        return existing_store(settings)
    except Failure:  # nothing was synced yet
        return None


def _fill(store: Store, found: list[_Found]) -> None:
    from gateway.cli.accounting import filled_types

    counts = store.counts()
    for each in found:
        if counts.get(each.source.name) and not each.error:
            each.types = filled_types(store, each.source.name, each.columns)


def _is_under(found: list[_Found], fail_under: float | None) -> bool:
    """Whether too few columns are accounted for; says which."""
    from gateway.cli.accounting import share_accounted

    columns = [column for each in found for column in each.columns]
    if fail_under is None or share_accounted(columns) >= fail_under:
        return False
    names = [
        f"{each.source.name}: {column.name}" for each in found for column in each.columns if column.status == "unknown"
    ]
    share = f"{share_accounted(columns)} % of the columns are accounted for, less than {fail_under:g} %"
    click.echo(f"fhir-gateway: {share}; unknown: {', '.join(names)}", err=True)
    return True


def _document(found: list[_Found]) -> dict[str, Any]:
    from gateway.cli.accounting import percent, share_accounted

    return {
        "columns": sum(len(each.columns) for each in found),
        "accounted_percent": share_accounted([column for each in found for column in each.columns]),
        "sources": [
            {
                "source": each.source.name,
                "adapter": each.source.adapter,
                "error": each.error,
                "accounted_percent": None if each.error else share_accounted(each.columns),
                "columns": [asdict(column) for column in each.columns],
                "types": None
                if each.types is None
                else [
                    {
                        "type": made.type,
                        "stored": made.stored,
                        "elements": [
                            {**asdict(element), "percent": percent(element.filled, made.stored)}
                            for element in made.elements
                        ],
                    }
                    for made in each.types
                ],
            }
            for each in found
        ],
    }


def _show(found: list[_Found]) -> None:
    for place, each in enumerate(each for each in found if not each.error):
        if place:
            click.echo()
        _show_columns(each)
        click.echo()
        if each.types is None:
            click.echo(f"{each.source.name}: nothing is stored yet (run: fhir-gateway sync)")
        else:
            _show_types(each.types)


def _show_columns(found: _Found) -> None:
    from rich.text import Text

    from gateway.cli.accounting import share_accounted
    from gateway.cli.terminal import stdout, table

    counts = {
        status: sum(column.status == status for column in found.columns) for status in ("mapped", "ignored", "unknown")
    }
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    click.echo(f"{found.source.name}: {len(found.columns)} columns, {said}; {share_accounted(found.columns)} %\n")
    shown = table("Column", "State", "FHIR elements, or why there are none")
    for column in found.columns:
        style = _COLOURS[column.status]
        what = column.reason or _grouped(column.elements) or "nobody knows this column"
        shown.add_row(Text(column.name, style), Text(column.status, style), Text(what, style))
    stdout().print(shown)


def _grouped(elements: tuple[str, ...]) -> str:
    """`Patient.name.family, birthDate; Claim.patient`: the type is said once."""
    by_type: dict[str, list[str]] = {}
    for element in elements:
        kind, _, path = element.partition(".")
        by_type.setdefault(kind, []).append(path)
    return "; ".join(f"{kind}.{', '.join(paths)}" if paths[0] else kind for kind, paths in by_type.items())


def _show_types(types: list[FilledType]) -> None:
    from gateway.cli.accounting import percent
    from gateway.cli.terminal import count, stdout, table

    shown = table("Resource", "Stored", "Element", "Demanded", "Filled", "%", numbers=("Stored", "Filled", "%"))
    for made in types:
        for place, element in enumerate(made.elements):
            shown.add_row(
                "" if place else made.type,
                "" if place else count(made.stored),
                element.element.partition(".")[2],
                "by FHIR" if element.required else "",
                count(element.filled),
                f"{percent(element.filled, made.stored)}",
            )
    stdout().print(shown, markup=False)
