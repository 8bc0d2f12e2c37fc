"""`fhir-gateway openapi`: the API's description for tools that do not speak FHIR."""

from __future__ import annotations

import click


@click.command()
def openapi() -> None:
    r"""Print openapi.yaml, made from the tables that the server itself uses.

    \b
    Example:
      fhir-gateway openapi > openapi.yaml
    """
    from gateway.interactions.openapi import render  # loads the schemas of all types

    click.echo(render(), nl=False)
