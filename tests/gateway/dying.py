"""For programs that tests start and that are to die in the middle of writing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from gateway.store.sql import WriterSql


def die_after(statements: int) -> None:
    """Have this process killed before its writer's statement of that number; 0 = never."""
    left = statements

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*given)

        return counted

    WriterSql.run = dying(WriterSql.run)  # type: ignore[method-assign]
    WriterSql.many = dying(WriterSql.many)  # type: ignore[method-assign]
