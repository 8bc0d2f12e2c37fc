"""gateway.cli.lines: what is logged reads as if the standard library had written it."""

from __future__ import annotations

import logging
import sys
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.lines import FORMAT, LineHandler, LineRecord

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_MESSAGES = st.one_of(
    st.tuples(_TEXT.map(lambda text: text.replace("%", "%%")), st.just(())),
    st.tuples(st.just("%s took %.1fms, %dB"), st.tuples(_TEXT, st.floats(0, 1e6), st.integers())),
    st.tuples(st.just("one: %s"), st.tuples(_TEXT)),
    st.tuples(st.just("by name: %(name)s"), st.tuples(st.fixed_dictionaries({"name": _TEXT}))),
)
_LEVELS = st.sampled_from([logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, 7])


def _failed() -> Any:
    try:
        raise ValueError("broken")
    except ValueError:
        return sys.exc_info()


_FAILED = _failed()


@given(
    _TEXT, _LEVELS, _MESSAGES, st.sampled_from([None, _FAILED]), st.sampled_from([None, "a stack"]),
    st.lists(st.floats(0, 4e9), min_size=1, max_size=4),
)  # fmt: skip
def test_lines_are_a_formatter_s(
    name: str, level: int, message: tuple[str, Any], failed: Any, stack: str | None, times: list[float]
) -> None:
    """Whatever is logged, and whenever, is written as by a StreamHandler with a Formatter, byte for byte."""
    ours, theirs = StringIO(), StringIO()
    handlers = LineHandler(ours), logging.StreamHandler(theirs)
    for handler in handlers:
        handler.setFormatter(logging.Formatter(FORMAT))
    for moment in times:
        made = LineRecord(name, level, "file.py", 1, message[0], message[1], failed, None, stack)
        full = logging.LogRecord(name, level, "file.py", 1, message[0], message[1], failed, None, stack)
        made.created = full.created = moment
        made.msecs = full.msecs = int(moment % 1 * 1000)
        for handler, record in zip(handlers, (made, full), strict=True):
            handler.handle(record)
    assert ours.getvalue() == theirs.getvalue()


def test_a_record_knows_when_it_was_made() -> None:
    """Its time is that of a LogRecord made between two others."""
    before = logging.LogRecord("a", logging.INFO, "", 0, "", (), None)
    made = LineRecord("a", logging.INFO, "", 0, "", (), None)
    after = logging.LogRecord("a", logging.INFO, "", 0, "", (), None)
    assert before.created <= made.created <= after.created
    assert made.msecs == int(made.created % 1 * 1000)


def test_a_record_has_all_that_a_log_record_has() -> None:
    """A formatter that names any of a LogRecord's attributes finds it."""
    full = logging.LogRecord("a", logging.INFO, "", 0, "", (), None)
    made = LineRecord("a", logging.INFO, "", 0, "", (), None)
    assert all(hasattr(made, name) for name in vars(full))


def test_what_cannot_be_formatted_stops_nothing() -> None:
    """A line whose values do not fit is left out; the next one is written."""
    stream = StringIO()
    handler = LineHandler(stream)
    handler.handleError = lambda record: stream.write(f"left out: {record.msg}\n")  # type: ignore[method-assign]
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.handle(LineRecord("a", logging.INFO, "", 0, "%d", ("no number",), None))
    handler.handle(LineRecord("a", logging.INFO, "", 0, "well", (), None))
    first, second = stream.getvalue().splitlines()
    assert first == "left out: %d"
    assert second.endswith(" INFO a: well")
