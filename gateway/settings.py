"""The configuration: `gateway.toml`, overridden by the environment, as frozen values. Opens nothing.

Every mistake is one line that says where, what and how to mend it. Secrets come from the environment or from files,
never from the TOML in clear, and never appear in a repr or a message.
The tables GATEWAY_SETTINGS and SOURCE_SETTINGS are the one list of all settings; docs/configuration.md is held to them.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, quote

from his_adapters import adapter_module
from his_adapters import installed as installed_adapters
from his_adapters.base import SourceConfig, SourceName

ENV = "FHIR_GATEWAY_"
ENV_CONFIG = ENV + "CONFIG"
_ENV_FOREIGN = (ENV_CONFIG, ENV + "TEST_")
"""Not settings: the file's place, and what the test run is told."""


class SettingsError(Exception):
    """The configuration cannot be used. `where: what (hint)`, in one line, without secrets."""

    def __init__(self, where: str, what: str, hint: str = "") -> None:
        super().__init__(f"{where}: {what}" + (f" ({hint})" if hint else ""))
        self.where, self.what, self.hint = where, what, hint


class _RefusedError(Exception):
    """A value that a setting cannot take; the caller knows where it stands."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the TOML: its kind, default and meaning, and an example as it is written there."""

    key: str
    kind: Literal["text", "number", "url", "file", "table"]
    default: str | int | None
    example: str
    meaning: str
    pattern: str | None = None
    """What a text must match, whole."""
    wanted: str = ""
    """The pattern in words."""
    choices: tuple[str, ...] = ()
    most: int = 0
    """The highest number; the lowest is 1."""


GATEWAY_SETTINGS: tuple[Setting, ...] = (
    Setting("store", "url", "sqlite:///gateway.db", '"postgresql+psycopg://gw:${GW_PASSWORD}@db.example.org/gateway"',
            "The gateway's own database. A relative SQLite file lies beside gateway.toml."),
    Setting("store_file", "file", None, '"/run/secrets/store_url"',
            "A file that holds the store's URL, in place of `store`."),
    Setting("public_base_url", "text", None, '"https://fhir.example.org/fhir"',
            "The address of the API as clients see it, for links. Without it, the address of the request.",
            pattern=r"https?://[^\s/?#@]+(/[^\s?#]*)?", wanted="an http or https address without a query"),
    Setting("host", "text", "127.0.0.1", '"127.0.0.1"',
            "The address to listen on. While `auth` is off, only the machine's own (loopback).",
            pattern=r"[0-9A-Za-z.:-]+", wanted="a host name or an IP address"),
    Setting("port", "number", 8080, "8080", "The port to listen on.", most=65535),
    Setting("workers", "number", 2, "2", "Processes that answer requests; one a core is a good choice.", most=256),
    Setting("threads", "number", 16, "16", "Threads a worker: so many slow requests can wait side by side.", most=1024),
    Setting("auth", "text", "off", '"off"',
            "Who may ask. `off`: anyone on this machine. This version offers nothing else.", choices=("off",)),
    Setting("log_level", "text", "info", '"info"', "How much is logged.",
            choices=("debug", "info", "warning", "error")),
)  # fmt: skip
"""The keys of `[gateway]`."""

SOURCE_SETTINGS: tuple[Setting, ...] = (
    Setting("name", "text", None, '"st-anna"',
            "The source's name: in `meta.source`, in identifiers, in reports. Must never change once synced. Required.",
            pattern=r"[a-z0-9][a-z0-9_-]{0,47}", wanted="small letters, digits, _ and -, at most 48"),
    Setting("adapter", "text", None, '"<adapter>"',
            "Which adapter reads it: a folder of `his_adapters`. Two sources may use one adapter. Required."),
    Setting("path", "file", None, '"stores/st-anna"',
            "The file or folder of the store; relative to gateway.toml. Either this or `url` or `url_file`."),
    Setting("url", "url", None, '"mysql+pymysql://reader:${HIS_PASSWORD}@his.example.org/his"',
            "The database URL of the store."),
    Setting("url_file", "file", None, '"/run/secrets/his_url"', "A file that holds the database URL."),
    Setting("timezone", "text", None, '"Europe/Berlin"', "The time zone of the store's clock times (IANA name)."),
    Setting("organization", "text", None, '"St. Anna Hospital"',
            "The hospital's name, for its Organization. Without it, the source's name.",
            pattern=r"\S(.*\S)?", wanted="a name"),
    Setting("currency", "text", None, '"EUR"', "The currency of amounts whose store does not say it (ISO 4217).",
            pattern=r"[A-Z]{3}", wanted="three capital letters"),
    Setting("options", "table", None, '{ encoding = "latin-1" }',
            "What only this adapter understands; its README.md lists the names."),
)  # fmt: skip
"""The keys of each `[[source]]`."""

_SOURCE_ENV_KEYS = tuple(setting for setting in SOURCE_SETTINGS if setting.key not in {"name", "adapter", "options"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration in force. `store` may hold a password: print `masked(store)`."""

    file: Path
    """The TOML it was read from, absolute."""
    store: str = field(repr=False)
    public_base_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    threads: int = 16
    auth: str = "off"
    log_level: str = "info"
    sources: tuple[SourceConfig, ...] = ()
    refused: tuple[SettingsError, ...] = ()
    """Sources that cannot be used as they are written, and why. The others can."""
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where each value came from: `port` or `source.his_a.url` to `default`, the file's name or the variable's."""


def find(path: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The configuration file: `path`, else $FHIR_GATEWAY_CONFIG, else ./gateway.toml."""
    chosen = path or Path(environment.get(ENV_CONFIG) or "gateway.toml")
    if not chosen.is_file():
        hint = (
            f"name one with --config or ${ENV_CONFIG}, or try: fhir-gateway demo"
            if path is None and not environment.get(ENV_CONFIG)
            else "docs/configuration.md shows one"
        )
        raise SettingsError(str(chosen), "no such configuration file", hint)
    return chosen.absolute()


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the configuration. Raises SettingsError; mistakes of one source only make `refused` longer."""
    file = find(path, environment)
    document = _parse(file)
    _only_known(document, ("gateway", "source"), file.name)
    gateway, sources = document.get("gateway", {}), document.get("source", [])
    if not isinstance(gateway, dict):
        raise SettingsError(f"{file.name}: gateway", "expected a table", "write [gateway]")
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        raise SettingsError(f"{file.name}: source", "expected a list of tables", "write [[source]]")
    names = [str(source.get("name", "")) for source in sources]
    if doubled := next((name for name in names if name and names.count(name) > 1), None):
        raise SettingsError(f"{file.name}: source.{doubled}", "two sources bear this name", "give each its own")
    overrides = _overrides(environment, [name for name in names if name], file.name)

    _only_known(gateway, (setting.key for setting in GATEWAY_SETTINGS), f"{file.name}: gateway")
    values, origins = _values("", gateway, GATEWAY_SETTINGS, file, overrides.get("", {}), environment)
    made: list[SourceConfig] = []
    refused: list[SettingsError] = []
    for number, (name, source) in enumerate(zip(names, sources, strict=True), start=1):
        try:
            config, known = _source(name or f"#{number}", source, file, overrides.get(name, {}), environment)
        except SettingsError as error:
            refused.append(error)
        else:
            made.append(config)
            origins.update(known)
    return Settings(file=file, sources=tuple(made), refused=tuple(refused), origins=origins, **values)


def masked(url: str) -> str:
    """A URL that may be shown: passwords and secret-looking query values are stars."""
    shown = _PASSWORD.sub(r"\1***@", url) if _password(url) is not None else url
    return _SECRET_QUERY.sub(r"\1***", shown)


_PASSWORD = re.compile(r"^([A-Za-z0-9+.-]+://[^:@/]*:).*@")
"""Greedy to the last @: a password may hold @ and / that nobody has escaped."""
_SECRET_QUERY = re.compile(r"(?i)((?:^|[?&;])[^=&;?]*(?:pass|pwd|secret|token|key)[^=&;?]*=)[^&;]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _password(url: str) -> str | None:
    """The password of a URL, or None. In doubt (`http://host:80/a@b`) it is one; %40 tells an innocent @ apart."""
    found = _PASSWORD.match(url)
    return found and url[found.end(1) : found.end() - 1]


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode())
    except OSError as error:
        raise SettingsError(str(file), f"cannot be read: {error.strerror}", "mend its rights") from None
    except UnicodeDecodeError:
        raise SettingsError(str(file), "not UTF-8 text", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(file), f"not valid TOML: {error}", "see https://toml.io") from None


def _only_known(table: Iterable[str], known: Iterable[str], where: str) -> None:
    known = tuple(known)
    for key in table:
        if key not in known:
            raise SettingsError(f"{where}: {key}", "unknown key", _meant(key, known))


def _meant(word: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or the choices."""
    from difflib import get_close_matches  # only a mistake needs it

    known = sorted(known)
    close = get_close_matches(word.lower(), known, n=1) or get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


def _overrides(environment: Mapping[str, str], sources: list[str], file: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Variable values by source name ("" = the gateway) and key, each with the variable's name."""
    known: dict[str, tuple[str, str]] = {ENV + setting.key.upper(): ("", setting.key) for setting in GATEWAY_SETTINGS}
    for source in sources:
        for setting in _SOURCE_ENV_KEYS:
            variable = variable_of(source, setting.key)
            if variable in known:
                where = f"{file}: source.{source}"
                raise SettingsError(where, f"${variable} would not be its alone", "choose another name")
            known[variable] = (source, setting.key)
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for variable, value in environment.items():
        if not variable.startswith(ENV) or variable.startswith(_ENV_FOREIGN):
            continue
        if variable not in known:
            close = _meant(variable[len(ENV) :].lower(), (name[len(ENV) :].lower() for name in known))
            hint = f"did you mean {ENV}{close.removeprefix('did you mean ').upper()}" if close.endswith("?") else ""
            raise SettingsError(f"${variable}", "unknown setting", hint or "docs/configuration.md lists the names")
        source, key = known[variable]
        found.setdefault(source, {})[key] = (value, variable)
    return found


def variable_of(source: str, key: str) -> str:
    """The environment variable that overrides a source's key: FHIR_GATEWAY_SOURCE_<NAME>_<KEY>."""
    return f"{ENV}SOURCE_{re.sub('[^A-Z0-9]', '_', source.upper())}_{key.upper()}"


def _source(
    name: str, table: dict[str, Any], file: Path, overrides: dict[str, tuple[str, str]], environment: Mapping[str, str]
) -> tuple[SourceConfig, dict[str, str]]:
    where = f"{file.name}: source.{name}"
    _only_known(table, (setting.key for setting in SOURCE_SETTINGS), where)
    values, origins = _values(f"source.{name}.", table, SOURCE_SETTINGS, file, overrides, environment)
    for key in ("name", "adapter"):
        if values[key] is None:
            raise SettingsError(where, f"{key} is missing", "every [[source]] needs a name and an adapter")
    if values["adapter"] not in installed_adapters():
        raise SettingsError(f"{where}.adapter", "unknown adapter", _meant(values["adapter"], installed_adapters()))
    if (values["path"] is None) == (values["url"] is None):
        what = "neither path nor url" if values["path"] is None else "both path and url"
        raise SettingsError(where, what, "say where the store is, once")
    if values["timezone"] is not None:
        _known_zone(values["timezone"], f"{where}.timezone")
    if values["options"]:
        # Reading the adapter's list costs its import: only where options are used.
        known = getattr(adapter_module(values["adapter"]), "OPTIONS", ())
        for option in values["options"]:
            if option not in known and not (option.endswith(_URL_FILE) and option.removesuffix("_file") in known):
                hint = _meant(option, known) if known else f"adapter {values['adapter']} has no options"
                raise SettingsError(f"{where}.options.{option}", "unknown option", hint)
        values["options"] = _secret_options(values["options"], file, where, environment)
    return SourceConfig(**values | {"name": SourceName(name), "options": values["options"] or {}}), origins


def single_source(where: str, table: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> SourceConfig:
    """A source that a command names in place of a file, by the same rules. Raises SettingsError."""
    return _source(str(table["name"]), dict(table), Path(where).absolute(), {}, environment)[0]


_URL, _URL_FILE = "_url", "_url_file"


def _secret_options(
    options: Mapping[str, Any], file: Path, where: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Options whose names end in `_url` are URLs as `url` is one; `_url_file` names a file that holds it."""
    made: dict[str, Any] = {}
    for option, value in options.items():
        try:
            if not option.endswith((_URL, _URL_FILE)):
                made[option] = value
                continue
            if not isinstance(value, str) or not value:
                raise _RefusedError("not a text", "quote it")
            target = option.removesuffix("_file")
            if target in made:
                raise _RefusedError(f"{target} is given twice", "keep one of them")
            if option.endswith(_URL):
                made[target] = _interpolated(value, environment)
            else:
                made[target] = _content(file.parent / Path(value).expanduser())
        except _RefusedError as refused:
            raise SettingsError(f"{where}.options.{option}", refused.what, refused.hint) from None
    return made


def _known_zone(zone: str, where: str) -> None:
    from zoneinfo import ZoneInfo, available_timezones  # sources without clock times need none

    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        names = {name.lower(): name for name in available_timezones()}
        close = _meant(zone.lower(), names)
        hint = f"did you mean {names[close[13:-1]]}?" if close.endswith("?") else "an IANA name such as Europe/Berlin"
        raise SettingsError(where, "unknown time zone", hint) from None


def _values(
    prefix: str,
    table: Mapping[str, Any],
    settings: tuple[Setting, ...],
    file: Path,
    overrides: Mapping[str, tuple[str, str]],
    environment: Mapping[str, str],
) -> tuple[dict[str, Any], dict[str, str]]:
    """The checked value of every setting, and where it came from. `x_file` is folded into `x`."""
    # A variable that says where something lies replaces the TOML's answer, whichever way that was written.
    for places in ({"path", "url", "url_file"}, {"store", "store_file"}):
        if places & overrides.keys():
            table = {key: value for key, value in table.items() if key not in places}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in settings:
        raw, origin = overrides.get(setting.key, (table.get(setting.key), file.name))
        where = f"{file.name}: {prefix or 'gateway.'}{setting.key}" if origin == file.name else f"${origin}"
        try:
            value = _read(setting, raw, environment, from_file=origin == file.name)
            if setting.kind == "file" and value is not None:
                value = file.parent / Path(value).expanduser()
            if setting.key.endswith("_file"):
                target = setting.key.removesuffix("_file")
                if value is None:
                    continue
                if origins[prefix + target] != "default":
                    raise _RefusedError(f"{target} is given too", "keep one of them")
                values[target], origins[prefix + target] = _content(value), f"file {value}"
                continue
        except _RefusedError as refused:
            raise SettingsError(where, refused.what, refused.hint) from None
        values[setting.key] = setting.default if value is None else value
        origins[prefix + setting.key] = "default" if value is None else origin
    for key in ("url", "store"):
        if values.get(key) is not None:
            values[key] = _anchored(values[key], file.parent, f"{file.name}: {prefix or 'gateway.'}{key}")
    if values.get("public_base_url"):
        values["public_base_url"] = values["public_base_url"].rstrip("/")
    return values, origins


def _read(setting: Setting, raw: Any, environment: Mapping[str, str], *, from_file: bool) -> Any:
    """One value, checked. None stays None: the setting is not given."""
    if raw is None:
        return None
    if setting.kind == "number":
        if not from_file and isinstance(raw, str) and raw.strip().isdecimal():
            raw = int(raw)
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise _RefusedError("not a whole number", "write digits, without quotes" if from_file else "write digits")
        if not 1 <= raw <= setting.most:
            raise _RefusedError(f"{raw} is out of range", f"1 to {setting.most}")
        return raw
    if setting.kind == "table":
        if not isinstance(raw, dict):
            raise _RefusedError("not a table", f"as in {setting.key} = {setting.example}")
        return raw
    if not isinstance(raw, str) or not raw:
        raise _RefusedError("empty" if raw == "" else "not a text", f"as in {setting.key} = {setting.example}")
    if setting.kind == "url":
        return _interpolated(raw, environment) if from_file else raw
    if setting.choices and raw not in setting.choices:
        only = f"this version only offers {setting.choices[0]}" if len(setting.choices) == 1 else ""
        raise _RefusedError(f"{raw!r} is not offered", only or _meant(raw, setting.choices))
    if setting.pattern is not None and not re.fullmatch(setting.pattern, raw):
        raise _RefusedError(f"not {setting.wanted}", f"as in {setting.key} = {setting.example}")
    return raw


def _interpolated(url: str, environment: Mapping[str, str]) -> str:
    """A TOML's URL with its ${VARIABLES} filled in; a secret that stands there in clear is refused."""
    hint = "write ${VARIABLE} and set it in the environment, or use a file"
    if _VARIABLE.sub("", _password(url) or ""):
        raise _RefusedError("holds a password in clear", hint)
    for key, value in parse_qsl(url.partition("?")[2]):
        if _SECRET_QUERY.match(f"{key}=x") and _VARIABLE.sub("", value):
            raise _RefusedError(f"holds a secret in clear in its query ({key})", hint)
    credentials = found.end() if (found := re.match(r"[^@]*://[^/]*@", url)) else 0

    def filled(variable: re.Match[str]) -> str:
        known = environment.get(variable[1])
        if not known:
            raise _RefusedError(f"${{{variable[1]}}} is not set in the environment", f"export {variable[1]}=...")
        return quote(known, safe="") if variable.start() < credentials else known

    return _VARIABLE.sub(filled, url)


def _content(file: Path) -> str:
    try:
        content = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "not UTF-8 text"
        raise _RefusedError(f"{file} cannot be read: {what}", "it has to hold one URL") from None
    if not content or "\n" in content:
        raise _RefusedError(f"{file} does not hold one line", "it has to hold one URL and nothing else")
    return content


def _anchored(url: str, folder: Path, where: str) -> str:
    """A URL whose relative SQLite file lies in `folder`."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
        raise SettingsError(where, "not a URL", "as in sqlite:///gateway.db or postgresql+psycopg://host/database")
    scheme, _, rest = url.partition("://")
    if not scheme.startswith("sqlite"):
        return url
    name, mark, query = rest.removeprefix("/").partition("?")
    if name in {"", ":memory:"}:
        raise SettingsError(where, "a database in memory is lost at once", "name a file: sqlite:///gateway.db")
    return f"{scheme}:///{folder / Path(name).expanduser()}{mark}{query}"
