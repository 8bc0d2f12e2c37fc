"""Exceptions as a person needs them: what kind, where in the code, never a value of the data."""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb

from his_adapters.base import Health, SourceError


def fault(error: Exception) -> Health:
    """How an exception of an adapter is reported."""
    if isinstance(error, SourceError):
        return error.health()
    return Health("config", f"The adapter failed: {place(error)}", "this is a defect of the adapter: please report it")


def place(error: Exception) -> str:
    """`ValueError at mappers/his_a.py:88`. The message is left out: it may hold patient data."""
    frames = extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    file = Path(frames[-1].filename)
    return f"{type(error).__name__} at {file.parent.name}/{file.name}:{frames[-1].lineno}"
