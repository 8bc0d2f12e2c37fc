"""One line and an exit code for every failure. Never shows an unexpected error's own text: it may hold patient data."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import click

from gateway.settings import SettingsError
from his_adapters.base import SourceError

_ROOT = Path(__file__).parents[2]


class Failure(Exception):
    """A command cannot do what was asked. `where: what (hint)`, in one line."""

    def __init__(self, where: str, what: str, hint: str = "", *, code: int = 1) -> None:
        super().__init__(f"{where}: {what}" + (f" ({hint})" if hint else ""))
        self.code = code


def line_of(error: Exception) -> tuple[str, int]:
    """What to print, and the exit code."""
    if isinstance(error, Failure):
        return str(error), error.code
    if isinstance(error, SettingsError):
        return str(error), 2
    if isinstance(error, SourceError):
        return str(error), 1
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path.partition(" ")[2] if error.ctx else ""
        said = " ".join(error.format_message().split()).rstrip(".")
        named = f"{path}: " if path else ""
        return f"{named}{said} (see: {' '.join(filter(None, ('fhir-gateway', path, '--help')))})", 2
    if isinstance(error, click.ClickException):
        return " ".join(error.format_message().split()), error.exit_code
    if "gateway.store" in sys.modules:  # without the import, `version` and wrong usage stay quick
        from gateway.store import StoreError

        if isinstance(error, StoreError):
            return str(error), 1
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'system'}: {error.strerror}", 1
    return f"unexpected {type(error).__name__} in {_place(error)} (a defect; --debug shows the trace)", 1


def _place(error: Exception) -> str:
    """The innermost line of our own code."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(_ROOT) and "site-packages" not in file.parts:
            return f"{file.relative_to(_ROOT)}:{frame.lineno}"
    return "an unknown place"
