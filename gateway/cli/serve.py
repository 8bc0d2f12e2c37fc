"""`fhir-gateway serve`: the API over what was synced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from gateway.cli.options import config_option, example, strict_settings


@click.command(epilog=example("fhir-gateway serve --config demo/gateway.toml --port 9000"))
@config_option
@click.option("--host", help="Address to listen on (setting host).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (setting port).")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer (setting workers).")
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads a worker (setting threads).")
def serve(config: Path | None, host: str | None, port: int | None, workers: int | None, threads: int | None) -> int:
    """Serve the FHIR API until Ctrl-C or SIGTERM.

    Listens on this machine only; another address is refused while auth is off.
    """
    from gateway.cli.server import run  # the server's import is only this command's

    settings = strict_settings(config)
    settings = replace(
        settings,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
        threads=threads or settings.threads,
    )
    code = run(settings, lambda url: click.echo(f"Serving FHIR R4 at {url} (stop with Ctrl-C)"))
    click.echo("Stopped.", err=True)
    return code
