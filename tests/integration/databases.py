"""The hospitals that live on servers: an empty database for each, and what the command line and gateway.toml say of it.

Passwords are in variables of the environment, as for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests import mariadb, mongodb, postgres

PATIENTS = "40"
SERVERS = {"central_records": "mysql_server", "chirona": "postgres_server", "hybrid_ehr": "postgres_server"}
"""By source, the fixture of its tables' server."""


def run(*words: str) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(main, list(words))


def as_it_is(url: str) -> str:
    return url


class Place(NamedTuple):
    """An empty database: as its owner, and as the gateway's user."""

    source: str
    owner: str
    notes_owner: str | None
    words: tuple[str, ...]
    """What `simulate` is told."""
    toml: str
    """What gateway.toml says of the source `site`."""

    def simulate(self, *words: str) -> Result:
        return run("simulate", *self.words, "--patients", PATIENTS, *words)


@contextmanager
def new_place(
    source: str,
    request: pytest.FixtureRequest,
    environment: pytest.MonkeyPatch,
    *,
    way: Callable[[str], str] = as_it_is,
    notes_way: Callable[[str], str] = as_it_is,
) -> Iterator[Place]:
    """A database of the test's own; the gateway's user goes ways that the test may change."""
    engine: Any = mariadb if source == "central_records" else postgres
    with ExitStack() as stack:
        owner = stack.enter_context(engine.new_database(request.getfixturevalue(SERVERS[source])))
        notes = None
        words = ["--source", source, "--url", hidden("OWNER", owner, environment)]
        reader = way(stack.enter_context(engine.reader_of(owner)))
        toml = f'[[source]]\nname = "site"\nadapter = "{source}"\ntimezone = "Asia/Kolkata"\n'
        toml += f'url = "{hidden("READER", reader, environment)}"\n'
        if source == "hybrid_ehr":
            notes = stack.enter_context(mongodb.new_database(request.getfixturevalue("mongodb_server")))
            words += ["--option", f"notes_url={hidden('NOTES_OWNER', notes, environment)}"]
            reader = notes_way(stack.enter_context(mongodb.reader_of(notes)))
            toml += f'options = {{ notes_url = "{hidden("NOTES_READER", reader, environment)}" }}\n'
        yield Place(source, owner, notes, tuple(words), toml)


def hidden(name: str, url: str, environment: pytest.MonkeyPatch) -> str:
    """The URL with a variable in place of its password."""
    password = urlsplit(url).password
    assert password
    environment.setenv(name, password)
    return url.replace(f":{password}@", f":${{{name}}}@")
