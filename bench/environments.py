"""Packages of others, each in an environment of its own that uv makes once from PyPI: our locks know none of them."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import stores
from bench.processes import run


def installed(*pins: str) -> Path:
    """The folder of the programs of an environment with these packages (`name==version`) alone.

    Raises CommandError when they cannot be had.
    """
    folder = stores.DATA / "-".join(["packages", *pins]).replace("==", "-")
    done = folder / "done"
    if not done.exists():
        uv, programs = str(Path(sys.executable).with_name("uv")), folder / "bin"
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        run([uv, "pip", "install", "--quiet", "--python", str(programs / "python"), *pins])
        done.touch()
    return folder / "bin"
