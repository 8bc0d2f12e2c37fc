"""The command line `fhir-gateway`: what a person types, shown calmly; commands load only when they are called.

Exit codes, for every command:
    0  done
    1  something failed: a sick source, a store or a port that cannot be used, rows that no longer load
    2  wrong usage or configuration
    130  stopped by Ctrl-C

Errors are one line on stderr: where, what, how to mend it. Knows no FHIR.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.failures import line_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "fhir-gateway"
COMMANDS = (
    "demo",
    "simulate",
    "check",
    "sync",
    "link",
    "serve",
    "sources",
    "quarantine",
    "issues",
    "coverage",
    "match",
    "explain",
    "review",
    "merge",
    "unmerge",
    "replay",
    "config",
    "openapi",
    "version",
)
"""In the order of a first day. Each is the module of its name, with a click command of its name."""


class Gateway(click.Group):
    """Imports a command's module on its first use: `serve` starts without what `sync` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in our order."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The same as click's, which looks for what was meant only among commands that are loaded."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and turn every failure into one line and an exit code."""
        code: Any
        try:
            code = super().main(args, prog_name or PROGRAM, complete_var, False, **extra)
        except click.Abort:
            message, code = "stopped", 130
        except Exception as error:
            if not standalone_mode:
                raise
            if "--debug" in (sys.argv if args is None else args):
                traceback.print_exc()
            message, code = line_of(error)
        else:
            return sys.exit(code if isinstance(code, int) else 0) if standalone_mode else code
        click.echo(f"{PROGRAM}: {message}", err=True)
        return sys.exit(code)


@click.group(
    cls=Gateway,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="First steps: fhir-gateway demo. Exit codes: 0 done, 1 something failed, 2 wrong usage or configuration.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file (else $FHIR_GATEWAY_CONFIG, else ./gateway.toml).",
)
@click.option("--debug", is_flag=True, help="Show the trace of an error. It may hold patient data.")
@click.pass_context
def main(context: click.Context, config: Path | None, debug: bool) -> None:  # noqa: ARG001 (read before click)
    """One FHIR R4 API over many hospital information systems."""
    context.obj = config
