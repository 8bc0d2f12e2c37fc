"""`fhir-gateway openapi`: the API's description for tools that do not speak FHIR."""

from __future__ import annotations

import click

from gateway.cli.options import example


@click.command(epilog=example("fhir-gateway openapi > openapi.yaml"))
def openapi() -> None:
    """Print openapi.yaml, the API's description.

    Made from the tables that the server itself uses.
    """
    from gateway.interactions.openapi import render  # loads the schemas of all types

    click.echo(render(), nl=False)
