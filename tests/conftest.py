"""What all tests share: golden files that change only when asked, and Hypothesis settings for a busy machine."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")

# A shell's background job ignores Ctrl-C, and so would every program that the tests start from within it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew; read the diff")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped in one line, counted by what it wants."""
    told = (each.longrepr for each in terminalreporter.getreports("skipped"))
    reasons = Counter(reason[2].removeprefix("Skipped: ") for reason in told if isinstance(reason, tuple))
    if reasons:
        wants = "; ".join(f"{count} for want of {reason}" for reason, count in sorted(reasons.items()))
        terminalreporter.write_line(f"{reasons.total()} skipped: {wants}")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Compare a JSON value with `tests/golden/<name>.json`."""

    def compare(name: str, made: Any) -> None:
        path = GOLDEN / f"{name}.json"
        text = json.dumps(made, indent=2, ensure_ascii=False, default=_exact) + "\n"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run pytest --update-golden and read it"
        assert text == path.read_text(encoding="utf-8")

    return compare


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        number = float(value)
        return int(value) if number == int(value) else number
    raise TypeError(type(value).__name__)
