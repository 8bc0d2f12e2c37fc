"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.settings import SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings
    from his_adapters.base import SourceConfig


def example(*lines: str) -> str:
    """A command's epilog: command lines that work, which click leaves as they are."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def _or_group_option(context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    chosen: Path | None = value or context.find_root().obj
    return chosen


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`, before or after the command's name."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_or_group_option,
        help="Configuration file (else $FHIR_GATEWAY_CONFIG, else ./gateway.toml).",
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`, for scripts."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, for scripts.")(command)


def strict_settings(config: Path | None) -> Settings:
    """The configuration, of which every part must be sound."""
    settings = load(config)
    if settings.refused:
        raise settings.refused[0]
    return settings


def chosen_sources(settings: Settings, names: tuple[str, ...]) -> list[SourceConfig]:
    """The sources of these names (none = all), in the configuration's order."""
    known = {str(source.name) for source in settings.sources}
    refused = {error.where.rpartition("source.")[2].partition(".")[0] for error in settings.refused}
    for name in names:
        if name not in known | refused:
            raise SettingsError(name, "no such source in the configuration", f"known: {', '.join(sorted(known))}")
    return [source for source in settings.sources if not names or source.name in names]


def refused_sources(settings: Settings, names: tuple[str, ...]) -> list[SettingsError]:
    """The mistakes in the chosen sources: the others can still be used."""
    return [
        error
        for error in settings.refused
        if not names or error.where.rpartition("source.")[2].partition(".")[0] in names
    ]
