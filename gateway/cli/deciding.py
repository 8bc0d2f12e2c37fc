"""What the commands share by which people decide who is who: who and why, and one line for what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.failures import Failure
from gateway.cli.options import strict_settings

if TYPE_CHECKING:
    from gateway.identity.crosswalk import Authority
    from gateway.identity.decisions import Decisions


def authority_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--who` and `--why`, without which nothing is decided."""
    who = click.option("--who", required=True, help="Who decides; kept with the decision.")
    why = click.option("--why", required=True, help="Why: what was seen or asked; kept with the decision.")
    return who(why(command))


@contextmanager
def decided(config: Path | None, who: str, why: str) -> Iterator[tuple[Decisions, Authority]]:
    """Decide within the block. What is refused changes nothing, and is a Failure."""
    from gateway.cli.stores import existing_store
    from gateway.identity.crosswalk import RefusedError
    from gateway.identity.decisions import authority
    from gateway.sync.deciding import deciding

    try:
        by = authority(who, why)
        with existing_store(strict_settings(config)) as store, deciding(store) as decisions:
            yield decisions, by
    except RefusedError as error:
        raise Failure("refused", str(error)) from None
