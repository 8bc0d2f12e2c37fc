"""Where a Chirona is: at a `url`, where the system's own `conn.yml` says, or in a SQLite file.

The password stays in the URL that is made of it, and in no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from his_adapters.base import SourceConfig, SourceConfigError
from his_adapters.chirona.schema import SCHEMA
from his_adapters.sql_engines import parsed

SSL_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""As libpq names them. https://www.postgresql.org/docs/current/libpq-ssl.html"""
_SUFFIXES = {".yml", ".yaml"}
_WORDS = ("dbname", "admin", "passwd", "server", "port")
_PORT = 5432
_LARGEST_PORT = 65535
_LONGEST = 100_000
_EXAMPLE = "five lines: dbname, admin, passwd, server, port"


def located(config: SourceConfig) -> SourceConfig:
    """The configuration with a URL in place of a `conn.yml`, its SSL options and its schema in place.

    A server that is named by `conn.yml` is spoken to over SSL unless `sslmode` says otherwise: Azure demands it. Reads
    the file. Raises SourceConfigError.
    """
    options = dict(config.options)
    ssl = {name: _text(config, name, options.pop(name)) for name in SSL_OPTIONS if name in options}
    url = parsed(config.url) if config.url is not None else None
    if config.path is not None and config.path.suffix.lower() in _SUFFIXES:
        url = _url(config.path)
        ssl.setdefault("sslmode", "require")
    if url is None:
        return replace(config, options=options)
    if url.get_backend_name() == "postgresql":
        url = url.update_query_dict(ssl)
        options.setdefault("schema", SCHEMA.lower())
    return replace(config, path=None, url=url.render_as_string(hide_password=False), options=options)


def _text(config: SourceConfig, name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise SourceConfigError(f"options.{name} is not a text", str(config.name), 'as in sslmode = "verify-full"')
    return value


def _url(path: Path) -> URL:
    """The database that a `conn.yml` names. What it holds is never quoted."""
    found = _words(path)
    missing = [name for name in _WORDS[:-1] if not found.get(name)]
    if missing:
        raise SourceConfigError(f"{', '.join(missing)} missing", str(path), f"it has {_EXAMPLE}")
    port = found.get("port") or _PORT
    if not str(port).isdecimal() or not 0 < int(port) <= _LARGEST_PORT:
        raise SourceConfigError("port is not a port's number", str(path), "as in port: 5432")
    return URL.create(
        "postgresql+psycopg",
        username=str(found["admin"]),
        password=str(found["passwd"]),
        host=str(found["server"]),
        port=int(port),
        database=str(found["dbname"]),
    )


def _words(path: Path) -> Mapping[str, Any]:
    import yaml  # only this way of saying it needs it

    try:
        with path.open(encoding="utf-8") as file:
            found = yaml.safe_load(file.read(_LONGEST))
    except FileNotFoundError:
        raise SourceConfigError("no such file", str(path), "check the source's path") from None
    except OSError as error:
        raise SourceConfigError(f"cannot be read ({error.strerror})", str(path), "mend its rights") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):  # whose messages quote the file
        raise SourceConfigError("not valid YAML", str(path), f"it has {_EXAMPLE}") from None
    if isinstance(found, dict) and len(found) == 1 and isinstance(inner := next(iter(found.values())), dict):
        found = inner  # all under one heading
    if not isinstance(found, dict):
        raise SourceConfigError("not a table of words", str(path), f"it has {_EXAMPLE}")
    return {str(name).lower(): value for name, value in found.items()}
