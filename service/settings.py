"""Settings of the service: environment variables with the prefix ``OSUSUME_``, read once, in ``__main__``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX: Final = "OSUSUME_"
# Variables of the test suite and of CI; the service has no say in them.
# Where pydantic's own words do not fit the sentence. Only root_path has a pattern.
_PLAIN_FAULTS: Final = {
    "string_pattern_mismatch": "empty or a path that begins with / and does not end with one",
    "string_too_short": "something rather than nothing",
}
TEST_PREFIXES: Final = ("OSUSUME_TEST_", "OSUSUME_REQUIRE_")


class SettingsError(Exception):
    """A setting is unknown or has a value it cannot have."""


class Settings(BaseSettings):
    """Everything an operator can choose. Each field is documented in .env.example, in this order."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1, description="Address to listen on; 0.0.0.0 for all")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="Port to listen on")] = 8000
    workers: Annotated[int, Field(ge=1, le=64, description="Processes that answer; they share the model")] = 1
    store: Annotated[Path, Field(description="Folder of published bundles")] = Path("models/store")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe messages to log")
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"], Field(description="text for people, json for machines: one object per line")
    ] = "text"
    access_log: Annotated[bool, Field(description="Log one line per request")] = True
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Web pages whose scripts may ask, separated by commas: https://a.example,https://b.example"
        ),
    ] = ()
    root_path: Annotated[
        str, Field(pattern=r"^(/[^/\s]+)*$", description="Path under which a reverse proxy serves this, like /api")
    ] = ""
    trusted_proxies: Annotated[
        str, Field(description="Addresses of reverse proxies whose X-Forwarded-For is believed; * for all")
    ] = "127.0.0.1"
    answer_memory_mb: Annotated[
        int, Field(ge=0, le=65_536, description="Megabytes that each process may remember answers in; 0: none")
    ] = 16
    docs: Annotated[bool, Field(description="Serve /docs")] = True
    metrics: Annotated[bool, Field(description="Serve /metrics")] = True
    body_timeout_s: Annotated[
        int, Field(ge=1, le=600, description="Seconds that the body of a request may take to arrive")
    ] = 30
    shutdown_s: Annotated[
        int, Field(ge=1, le=600, description="Seconds that running requests get to finish when the service stops")
    ] = 10

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin.strip().rstrip("/") for origin in value.split(",") if origin.strip())
        return value


def read_settings(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Read the settings.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Whose names are checked; the process's own by default.
    **given
        Settings that were given otherwise, on the command line say; they win. None counts as not given.

    Returns
    -------
    Settings

    Raises
    ------
    SettingsError
        If a variable with the prefix is unknown, or a value is not what the setting takes.
    """
    _refuse_unknown(os.environ if environment is None else environment)
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [_fault(found) for found in error.errors()]
        raise SettingsError("; ".join(faults)) from error


def as_environment(settings: Settings) -> dict[str, str]:
    """Write settings as environment variables, which is how worker processes get theirs.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    dict of str to str
        :func:`read_settings` makes the same settings of them.
    """
    values = settings.model_dump(mode="json")
    return {PREFIX + name.upper(): _as_text(value) for name, value in values.items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    mine = (name for name in environment if name.upper().startswith(PREFIX))
    unknown = [name for name in mine if name.upper() not in known and not name.upper().startswith(TEST_PREFIXES)]
    if unknown:
        raise SettingsError(f"unknown setting {', '.join(sorted(unknown))}; known: {', '.join(known)}")


def _fault(found: Any) -> str:
    name = PREFIX + str(found["loc"][0]).upper()
    message = _PLAIN_FAULTS.get(found["type"]) or str(found["msg"]).removeprefix("Input should be ")
    return f"{name} should be {message}, not {found['input']!r}"
