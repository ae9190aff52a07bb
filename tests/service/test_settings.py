"""Settings: every one documented, unknown ones refused."""

import re
from pathlib import Path
from typing import Final

import pytest

from service.__main__ import main
from service.settings import Settings, SettingsError, as_environment, read_settings

ENV_EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
# Were the settings taken, it would end here.
NO_STORE: Final = ["--store", "/nowhere"]


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OSUSUME_{name.upper()}", raising=False)


def test_every_setting_stands_in_env_example_with_its_default() -> None:
    documented = dict(re.findall(r"^#?\s?(OSUSUME_\w+)=(.*)$", ENV_EXAMPLE.read_text(encoding="utf-8"), re.M))
    assert documented == as_environment(Settings())


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_a_variable_of_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSUSUME_PORT", "9000")
    monkeypatch.setenv("OSUSUME_CORS_ORIGINS", "https://a.example, https://b.example/")
    settings = read_settings()
    assert (settings.port, settings.cors_origins) == (9000, ("https://a.example", "https://b.example"))


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSUSUME_PORT", "9000")
    assert read_settings(port=9001, host=None).port == 9001


@pytest.mark.parametrize("name", ["OSUSUME_PROT", "osusume_prot", "OSUSUME_"])
def test_an_unknown_variable_is_refused_by_name_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "9000")
    with pytest.raises(SettingsError, match=rf"unknown setting {name}; known: OSUSUME_HOST, OSUSUME_PORT"):
        read_settings()


def test_variables_of_the_test_suite_and_of_others_are_none_of_the_services_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OSUSUME_TEST_DATA", "OSUSUME_REQUIRE_DOCKER", "MY_OSUSUME_PORT", "OSUSUME"):
        monkeypatch.setenv(name, "x")
    assert read_settings() == Settings()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HOST", "", "something rather than nothing"),
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("PORT", "http", "a valid integer, unable to parse string as an integer"),
        ("WORKERS", "0", "greater than or equal to 1"),
        ("WORKERS", "65", "less than or equal to 64"),
        ("LOG_LEVEL", "critical", "'debug', 'info', 'warning' or 'error'"),
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
        ("ROOT_PATH", "api", "empty or a path like /api, of letters, digits and ._~- between slashes"),
        ("ROOT_PATH", "/", "empty or a path like /api, of letters, digits and ._~- between slashes"),
        ("ROOT_PATH", "/api/", "empty or a path like /api, of letters, digits and ._~- between slashes"),
        ("ROOT_PATH", '/a"b', "empty or a path like /api, of letters, digits and ._~- between slashes"),
        ("ROOT_PATH", "/アニメ", "empty or a path like /api, of letters, digits and ._~- between slashes"),
        ("ACCESS_LOG", "perhaps", "a valid boolean, unable to interpret input"),
        ("DOCS", "perhaps", "a valid boolean, unable to interpret input"),
        ("METRICS", "perhaps", "a valid boolean, unable to interpret input"),
        ("ANSWER_MEMORY_MB", "-1", "greater than or equal to 0"),
        ("ANSWER_MEMORY_MB", "65537", "less than or equal to 65536"),
        ("SHUTDOWN_S", "0", "greater than or equal to 1"),
        ("SHUTDOWN_S", "601", "less than or equal to 600"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(f"OSUSUME_{name}", value)
    assert main(NO_STORE) == 2
    assert capsys.readouterr().err == f"service: OSUSUME_{name} should be {expected}, not {value!r}\n"


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("PORT", "1", 1),
        ("PORT", "65535", 65535),
        ("WORKERS", "64", 64),
        ("LOG_LEVEL", "debug", "debug"),
        ("ROOT_PATH", "/a/b-c_d.e~F9", "/a/b-c_d.e~F9"),
        ("ROOT_PATH", "", ""),
        ("ACCESS_LOG", "false", False),
        ("DOCS", "0", False),
        ("METRICS", "no", False),
        ("CORS_ORIGINS", "", ()),
        ("CORS_ORIGINS", " https://a.example/ ,,https://b.example", ("https://a.example", "https://b.example")),
        ("TRUSTED_PROXIES", "*", "*"),
        ("ANSWER_MEMORY_MB", "0", 0),
        ("ANSWER_MEMORY_MB", "65536", 65536),
        ("SHUTDOWN_S", "1", 1),
        ("SHUTDOWN_S", "600", 600),
    ],
)
def test_a_value_that_can_be_is_read(monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: object) -> None:
    monkeypatch.setenv(f"OSUSUME_{name}", value)
    assert getattr(read_settings(), name.lower()) == read


def test_all_that_is_wrong_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSUSUME_WORKERS", "many")
    assert main([*NO_STORE, "--port", "0"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "OSUSUME_PORT should be greater than or equal to 1, not 0; OSUSUME_WORKERS should be" in error


def test_workers_get_the_same_settings_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        port=9000, store=Path("/somewhere else"), cors_origins=("https://a.example", "https://b.example"), docs=False
    )
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings
