"""Programs of `tests/node`: FHIR software of others, run by Node.js where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "node"


def run(script: str, *words: str, lines: str = "") -> list[Any]:
    """What a program writes, a JSON value a line. Skips the test where it cannot run."""
    if shutil.which("node") is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("node with the packages of tests/node (npm ci --prefix tests/node)")
    done = subprocess.run(
        ["node", str(FOLDER / script), *words], input=lines, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
