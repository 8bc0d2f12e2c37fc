"""`fhir-gateway version`."""

from __future__ import annotations

import platform

import click

import gateway


@click.command()
def version() -> None:
    r"""Print the versions of the gateway, FHIR and Python.

    \b
    Example:
      fhir-gateway version
    """
    click.echo(f"fhir-gateway {gateway.__version__} · FHIR R4 (4.0.1) · Python {platform.python_version()}")
