"""Settings: every one documented, unknown ones refused."""

import re
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, as_environment, read_settings

ENV_EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


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
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "http"),
        ("WORKERS", "0"),
        ("LOG_FORMAT", "xml"),
        ("ROOT_PATH", "api"),
        ("ACCESS_LOG", "perhaps"),
        ("HOST", ""),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"OSUSUME_{name}", value)
    with pytest.raises(SettingsError, match=f"OSUSUME_{name} should .*, not '{value}'"):
        read_settings()


def test_workers_get_the_same_settings_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        port=9000, store=Path("/somewhere else"), cors_origins=("https://a.example", "https://b.example"), docs=False
    )
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings
