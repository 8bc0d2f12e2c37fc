"""The configuration: what is read from where, and one line for every mistake (decisions: places, secrets)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import (
    GATEWAY_SETTINGS,
    SOURCE_SETTINGS,
    Settings,
    SettingsError,
    find,
    load,
    masked,
    variable_of,
)
from his_adapters import adapter_module, installed

ADAPTER = installed()[0]
SOURCE = f'[[source]]\nname = "a"\nadapter = "{ADAPTER}"\n'
PLACED = SOURCE + 'path = "store"\n'
SECRET = "s3cr3t"


def read(folder: Path, text: str, **environment: str) -> Settings:
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment)


def refusal(folder: Path, text: str, **environment: str) -> str:
    """The line for a mistake, whether it spoils the file or one source."""
    try:
        settings = read(folder, text, **environment)
    except SettingsError as error:
        return str(error)
    assert len(settings.refused) == 1
    return str(settings.refused[0])


def test_an_empty_file_gives_every_documented_default(tmp_path: Path) -> None:
    """The table's defaults are the values in force; the store lies beside the file."""
    settings = read(tmp_path, "")
    for setting in GATEWAY_SETTINGS:
        if setting.key not in {"store", "store_file"}:
            assert getattr(settings, setting.key) == setting.default
    assert settings.store == f"sqlite:///{tmp_path / 'gateway.db'}"
    assert settings.sources == ()


def test_a_source_becomes_a_source_config(tmp_path: Path) -> None:
    """Relative paths are relative to the TOML, not to the working directory."""
    settings = read(
        tmp_path, PLACED + 'timezone = "Europe/Berlin"\norganization = "St. Anna"\ncurrency = "EUR"\noptions = {}'
    )
    (source,) = settings.sources
    assert (source.name, source.adapter, source.path, source.url) == ("a", ADAPTER, tmp_path / "store", None)
    assert (source.timezone, source.organization, source.currency) == ("Europe/Berlin", "St. Anna", "EUR")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("[gatway]", "gateway.toml: gatway: unknown key (did you mean gateway?)", id="table misspelt"),
        pytest.param("[gateway]\nprot = 1", "gateway: prot: unknown key (did you mean port?)", id="key misspelt"),
        pytest.param(PLACED + "pth = 1", "source.a: pth: unknown key (did you mean path?)", id="source key misspelt"),
        pytest.param("[gateway]\nqqq = 1", "unknown key (known: auth, host,", id="key like no other"),
        pytest.param("gateway = 1", "gateway: expected a table (write [gateway])", id="gateway is no table"),
        pytest.param("[source]", "source: expected a list of tables (write [[source]])", id="source is no list"),
        pytest.param("[gateway\n", "gateway.toml: not valid TOML: ", id="not TOML"),
        pytest.param('[[source]]\nname = "a"', "source.a: adapter is missing", id="no adapter"),
        pytest.param(f'[[source]]\nadapter = "{ADAPTER}"', "source.#1: name is missing", id="no name"),
        pytest.param(PLACED + PLACED, "source.a: two sources bear this name", id="name twice"),
        pytest.param(PLACED.replace(f'"{ADAPTER}"', f'"{ADAPTER}x"'), f"(did you mean {ADAPTER}?)", id="adapter"),
        pytest.param(SOURCE, "source.a: neither path nor url", id="no place"),
        pytest.param(PLACED + 'url = "mysql://h/d"', "source.a: both path and url", id="two places"),
        pytest.param(PLACED.replace('"a"', '"A b"'), "name: not small letters, digits", id="name of other letters"),
        pytest.param(PLACED + 'timezone = "Europe/Berlni"', "(did you mean Europe/Berlin?)", id="time zone misspelt"),
        pytest.param(PLACED + 'timezone = "../../etc/passwd"', "unknown time zone", id="time zone is a path"),
        pytest.param(PLACED + 'currency = "euro"', "currency: not three capital letters", id="currency"),
        pytest.param(PLACED + "options = { nope = 1 }", "options.nope: unknown option", id="option"),
        pytest.param(PLACED + "options = 1", "options: not a table", id="options are no table"),
        pytest.param(SOURCE + "path = 1", "path: not a text", id="path is a number"),
        pytest.param(SOURCE + 'path = ""', "path: empty", id="path is empty"),
        pytest.param(SOURCE + 'url = "here"', "url: not a URL", id="url is a word"),
        pytest.param(
            '[gateway]\nport = "8080"', "port: not a whole number (write digits, without quotes)", id="quoted"
        ),
        pytest.param("[gateway]\nport = true", "port: not a whole number", id="port is a boolean"),
        pytest.param("[gateway]\nport = 70000", "port: 70000 is out of range (1 to 65535)", id="port too high"),
        pytest.param("[gateway]\nworkers = 0", "workers: 0 is out of range", id="no workers"),
        pytest.param('[gateway]\nauth = "smart"', "'smart' is not offered (this version only offers off)", id="auth"),
        pytest.param('[gateway]\nlog_level = "inf"', "(did you mean info?)", id="log level"),
        pytest.param('[gateway]\npublic_base_url = "x.org"', "public_base_url: not an http or https", id="base url"),
        pytest.param(
            '[gateway]\npublic_base_url = "https://u:p@x.org"', "public_base_url: not an http", id="credentials"
        ),
        pytest.param('[gateway]\nstore = "sqlite://"', "store: a database in memory is lost", id="store in memory"),
        pytest.param(
            '[gateway]\nstore = "${NO}"', "${NO} is not set in the environment (export NO=...)", id="variable"
        ),
        pytest.param('[gateway]\nstore_file = "no"', "store_file: ", id="no store file"),
        pytest.param('[gateway]\nstore = "sqlite:///a"\nstore_file = "no"', "store is given too", id="store twice"),
    ],
)
def test_every_mistake_is_one_line_with_place_and_hint(tmp_path: Path, text: str, line: str) -> None:
    """A wrong file is never half used, and its line says which key of which file."""
    said = refusal(tmp_path, text)
    assert line in said
    assert "gateway.toml" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param(f'[gateway]\nstore = "postgresql://gw:{SECRET}@h/d"', "store", id="store"),
        pytest.param(SOURCE + f'url = "mysql://r:{SECRET}@h/d"', "source.a.url", id="source"),
        pytest.param(SOURCE + f'url = "mysql://r:x/@{SECRET}@h/d"', "source.a.url", id="unescaped"),
        pytest.param(SOURCE + f'url = "mysql://r:${{PW}}{SECRET}@h/d"', "source.a.url", id="partly a variable"),
        pytest.param(SOURCE + f'url = "mongodb://h/d?password={SECRET}"', "source.a.url", id="in the query"),
    ],
)
def test_a_secret_in_clear_is_refused_and_not_repeated(tmp_path: Path, text: str, key: str) -> None:
    """Secrets come by environment or file; the line that says so does not hold the secret."""
    said = refusal(tmp_path, text, PW="x")
    assert f"gateway.toml: {'gateway.' if key == 'store' else ''}{key}: holds a " in said
    assert "${VARIABLE}" in said
    assert SECRET not in said


def test_a_variable_fills_a_password_however_it_is_spelt(tmp_path: Path) -> None:
    """Inside the credentials a value is percent-encoded; elsewhere it stands as it is."""
    settings = read(tmp_path, SOURCE + 'url = "mysql://${U}:${P}@${H}/d"', U="r@x", P="a/b@c:%", H="db:3306")
    assert settings.sources[0].url == "mysql://r%40x:a%2Fb%40c%3A%25@db:3306/d"
    assert read(tmp_path, SOURCE + 'url = "${ALL}"', ALL="mysql://r:p@h/d").sources[0].url == "mysql://r:p@h/d"


@pytest.mark.parametrize("way", ["toml", "environment"])
def test_a_url_can_lie_in_a_file(tmp_path: Path, way: str) -> None:
    """`url_file` and `store_file` take one line from a file, beside the TOML when relative."""
    (tmp_path / "secret").write_text(f"postgresql://u:{SECRET}@h/d\n", encoding="utf-8")
    if way == "toml":
        settings = read(tmp_path, '[gateway]\nstore_file = "secret"\n' + SOURCE + 'url_file = "secret"')
    else:
        variables = {"FHIR_GATEWAY_STORE_FILE": "secret", "FHIR_GATEWAY_SOURCE_A_URL_FILE": "secret"}
        settings = read(tmp_path, PLACED, **variables)
    assert settings.store == settings.sources[0].url == f"postgresql://u:{SECRET}@h/d"
    assert settings.sources[0].path is None
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("content", ["", "a\nb", "\n"], ids=["empty", "two lines", "blank"])
def test_a_secret_file_holds_one_line(tmp_path: Path, content: str) -> None:
    """Anything else is a mistake that is told without showing the content."""
    (tmp_path / "secret").write_text(content, encoding="utf-8")
    assert "does not hold one line" in refusal(tmp_path, '[gateway]\nstore_file = "secret"')


@pytest.mark.parametrize("setting", [s for s in GATEWAY_SETTINGS if s.kind == "number"], ids=lambda s: s.key)
def test_every_number_can_be_set_by_its_variable(tmp_path: Path, setting) -> None:
    """FHIR_GATEWAY_<KEY> stands in for the TOML's value."""
    name = f"FHIR_GATEWAY_{setting.key.upper()}"
    assert getattr(read(tmp_path, f"[gateway]\n{setting.key} = 1", **{name: "7"}), setting.key) == 7
    assert refusal(tmp_path, "", **{name: "x"}) == f"${name}: not a whole number (write digits)"


def test_a_variable_replaces_a_source_place_whichever_way_it_was_written(tmp_path: Path) -> None:
    """FHIR_GATEWAY_SOURCE_<NAME>_<KEY>; what it says about the place replaces path, url and url_file together."""
    text = PLACED.replace('"a"', '"site-a"')
    settings = read(tmp_path, text, FHIR_GATEWAY_SOURCE_SITE_A_URL="mysql://r:p@h/d", FHIR_GATEWAY_CONFIG="x")
    assert (settings.sources[0].url, settings.sources[0].path) == ("mysql://r:p@h/d", None)
    assert settings.origins["source.site-a.url"] == "FHIR_GATEWAY_SOURCE_SITE_A_URL"
    assert variable_of("site-a", "url") == "FHIR_GATEWAY_SOURCE_SITE_A_URL"


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        pytest.param("FHIR_GATEWAY_PROT", "did you mean FHIR_GATEWAY_PORT?", id="key misspelt"),
        pytest.param("FHIR_GATEWAY_SOURCE_A_PTH", "did you mean FHIR_GATEWAY_SOURCE_A_PATH?", id="source key misspelt"),
        pytest.param("FHIR_GATEWAY_ZZZZZZ", "docs/configuration.md lists the names", id="like no other"),
    ],
)
def test_an_unknown_variable_is_a_mistake(tmp_path: Path, variable: str, hint: str) -> None:
    """A misspelt override would silently do nothing."""
    assert refusal(tmp_path, PLACED, **{variable: "x"}) == f"${variable}: unknown setting ({hint})"


def test_sources_whose_variables_would_be_the_same_are_refused(tmp_path: Path) -> None:
    """`a-b` and `a_b` cannot be told apart in the environment."""
    text = PLACED.replace('"a"', '"a-b"') + PLACED.replace('"a"', '"a_b"')
    assert "$FHIR_GATEWAY_SOURCE_A_B_PATH would not be its alone" in refusal(tmp_path, text)


def test_a_wrong_source_does_not_spoil_the_others(tmp_path: Path) -> None:
    """The others can still be synced."""
    settings = read(tmp_path, SOURCE + PLACED.replace('"a"', '"b"'))
    assert [source.name for source in settings.sources] == ["b"]
    assert [error.where for error in settings.refused] == ["gateway.toml: source.a"]


@pytest.mark.parametrize(
    ("adapter", "option"),
    [(adapter, option) for adapter in installed() for option in getattr(adapter_module(adapter), "OPTIONS", ())],
)
def test_an_adapter_is_given_the_options_that_it_names(tmp_path: Path, adapter: str, option: str) -> None:
    """They reach it as they were written."""
    text = f'[[source]]\nname = "a"\nadapter = "{adapter}"\npath = "x"\noptions = {{ {option} = "y" }}'
    assert read(tmp_path, text).sources[0].options == {option: "y"}
    with_typo = text.replace(f"{option} =", f"{option}z =")
    assert f"unknown option (did you mean {option}?)" in refusal(tmp_path, with_typo)


def test_the_file_is_looked_for_in_three_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--config`, else $FHIR_GATEWAY_CONFIG, else ./gateway.toml; a named file must be there."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"gateway.toml: no such configuration file.*fhir-gateway demo"):
        find(None, {})
    for name in ("gateway.toml", "named.toml", "given.toml"):
        (tmp_path / name).touch()
    assert find(None, {}) == tmp_path / "gateway.toml"
    assert find(None, {"FHIR_GATEWAY_CONFIG": "named.toml"}) == tmp_path / "named.toml"
    assert find(Path("given.toml"), {"FHIR_GATEWAY_CONFIG": "named.toml"}) == tmp_path / "given.toml"
    with pytest.raises(SettingsError, match=r"gone.toml: no such configuration file"):
        find(None, {"FHIR_GATEWAY_CONFIG": "gone.toml"})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@/q:@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("http://h:80/a%40b", "http://h:80/a%40b"),
        ("http://h:80/in-doubt@b", "http://h:***@b"),
        ("sqlite:////a:b/c@d.db", "sqlite:////a:b/c@d.db"),
        ("s3://b/k?secret_key=x&region=y", "s3://b/k?secret_key=***&region=y"),
    ],
)
def test_masking_hides_the_secret_and_nothing_else(url: str, shown: str) -> None:
    """What is shown still says where the store is."""
    assert masked(url) == shown


@given(
    password=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1),
    user=st.from_regex(r"[a-z]+", fullmatch=True),
)
def test_no_password_survives_masking(password: str, user: str) -> None:
    """Whatever the password holds, escaped or not, up to the last @."""
    assert masked(f"postgresql://{user}:{password}@host/db").endswith(":***@host/db")


@pytest.mark.parametrize("setting", SOURCE_SETTINGS + GATEWAY_SETTINGS, ids=lambda setting: setting.key)
def test_the_documentation_names_every_setting(setting) -> None:
    """Each with its meaning, its default and its example, as the code has them."""
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    default = "" if setting.default is None else f"`{setting.default}`"
    assert f"| `{setting.key}` | {default} | `{setting.example}` | {setting.meaning} |" in page


@pytest.mark.parametrize("setting", GATEWAY_SETTINGS, ids=lambda setting: setting.key)
def test_every_example_is_accepted(tmp_path: Path, setting) -> None:
    """A documented example works when it is copied."""
    if setting.kind == "file":
        (tmp_path / "held").write_text("postgresql://h/d", encoding="utf-8")
        text = f'[gateway]\n{setting.key} = "{tmp_path / "held"}"'
    else:
        text = f"[gateway]\n{setting.key} = {setting.example}"
    assert read(tmp_path, text, GW_PASSWORD="x").refused == ()


URL_OPTIONS = [
    (adapter, option)
    for adapter in installed()
    for option in getattr(adapter_module(adapter), "OPTIONS", ())
    if option.endswith("_url")
]


@pytest.mark.parametrize(("adapter", "option"), URL_OPTIONS)
def test_a_second_url_is_as_secret_as_the_first(tmp_path: Path, adapter: str, option: str) -> None:
    """Filled from the environment or from a file, refused in clear, shown nowhere."""
    source = f'[[source]]\nname = "a"\nadapter = "{adapter}"\npath = "x"\noptions = {{ %s }}'
    url = f"mongodb://reader:{SECRET}@host/db"
    filled = read(tmp_path, source % f'{option} = "mongodb://reader:${{PASS}}@host/db"', PASS=SECRET)
    assert filled.sources[0].options == {option: url}
    assert SECRET not in repr(filled)
    (tmp_path / "secret").write_text(f"{url}\n")
    assert read(tmp_path, source % f'{option}_file = "secret"').sources[0].options == {option: url}
    clear = refusal(tmp_path, source % f'{option} = "{url}"')
    assert f"options.{option}: holds a password in clear" in clear
    assert SECRET not in clear
    twice = refusal(tmp_path, source % f'{option}_file = "secret", {option} = "mongodb://host/db"')
    assert "is given twice" in twice
    assert "does not hold one line" in refusal(tmp_path, source % f'{option}_file = "gateway.toml"')
    assert "not a text" in refusal(tmp_path, source % f"{option} = 1")
