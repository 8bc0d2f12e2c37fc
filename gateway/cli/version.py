"""`fhir-gateway version`."""

from __future__ import annotations

import platform

import click

import gateway
from gateway.cli.options import example


@click.command(epilog=example("fhir-gateway version"))
def version() -> None:
    """Print the versions of the gateway, FHIR and Python."""
    click.echo(f"fhir-gateway {gateway.__version__} · FHIR R4 (4.0.1) · Python {platform.python_version()}")
