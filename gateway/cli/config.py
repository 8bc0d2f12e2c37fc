"""`fhir-gateway config show`: the configuration in force, without its secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from gateway.cli.options import config_option, example, json_option
from gateway.settings import GATEWAY_SETTINGS, SOURCE_SETTINGS, load, masked

if TYPE_CHECKING:
    from gateway.settings import Settings


@click.group()
def config() -> None:
    """Look at the configuration in force."""


@config.command(epilog=example("fhir-gateway config show --config demo/gateway.toml"))
@config_option
@json_option
def show(config: Path | None, as_json: bool) -> int:
    """Print the settings in force and where each comes from; secrets are stars."""
    settings = load(config)
    gateway, sources = _shown(settings)
    if as_json:
        refused = [str(error) for error in settings.refused]
        document = {"file": str(settings.file), "gateway": gateway, "source": sources, "refused": refused}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        click.echo(f"# {settings.file}")
        click.echo("[gateway]")
        _print(gateway, "", settings)
        for source in sources:
            click.echo("\n[[source]]")
            _print(source, f"source.{source['name']}.", settings)
    for error in settings.refused:
        click.echo(f"fhir-gateway: {error}", err=True)
    return 2 if settings.refused else 0


def _shown(settings: Settings) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    gateway = {s.key: _plain(getattr(settings, s.key)) for s in GATEWAY_SETTINGS if not s.key.endswith("_file")}
    sources = [
        {s.key: _plain(getattr(source, s.key)) for s in SOURCE_SETTINGS if not s.key.endswith("_file")}
        for source in settings.sources
    ]
    return gateway, sources


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return str(value) if isinstance(value, Path) else value


def _print(values: dict[str, Any], prefix: str, settings: Settings) -> None:
    lines = [
        (f"{key} = {_toml(value)}", settings.origins[prefix + key])
        for key, value in values.items()
        if value not in (None, {})
    ]
    width = min(60, max(len(line) for line, _ in lines))
    for line, origin in lines:
        click.echo(f"{line:<{width}}  # {origin}")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return orjson.dumps(value, default=str).decode()
