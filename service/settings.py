"""Settings of the service: environment variables with the prefix ``OSUSUME_``, read once, in ``__main__``."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.objects import is_url

PREFIX: Final = "OSUSUME_"
_PORT: Final = "OSUSUME_PORT"
# Where pydantic's own words do not fit the sentence. Only root_path has a pattern.
_PLAIN_FAULTS: Final = {
    "string_pattern_mismatch": "empty or a path like /api, of letters, digits and ._~- between slashes",
    "string_too_short": "something rather than nothing",
}
# Variables of the test suite and of CI.
TEST_PREFIXES: Final = ("OSUSUME_TEST_", "OSUSUME_REQUIRE_")
# What Kubernetes adds to the name of a Service, https://kubernetes.io/docs/concepts/services-networking/service/.
_LINK: Final = re.compile(
    r"_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT|_PORT_[0-9]+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?"
)
_LINK_SCHEMES: Final = ("tcp://", "udp://", "sctp://")


class SettingsError(Exception):
    """A setting is unknown or has a value it cannot have."""


class Settings(BaseSettings):
    """Everything an operator can choose. Each field is documented in .env.example, in this order."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1, description="Address to listen on; 0.0.0.0 for all")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="Port to listen on")] = 8000
    workers: Annotated[int, Field(ge=1, le=64, description="Processes that answer; they share the model")] = 1
    store: Annotated[
        Path | str,
        BeforeValidator(lambda value: value if is_url(value) else Path(value)),
        Field(description="Folder of published bundles, or s3://bucket/prefix or gs://bucket/prefix"),
    ] = Path("models/store")
    store_cache: Annotated[Path, Field(description="Folder for the local copy of a store that is in a bucket")] = (
        Path("models/cache")
    )
    watch_s: Annotated[
        float,
        Field(ge=0, le=3600, description="Seconds between looks for another model in the store; 0: only at SIGHUP"),
    ] = 2.0
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
        str,
        Field(
            # Written into pages and addresses as it is.
            pattern=r"^(/[A-Za-z0-9._~-]+)*$",
            description="Path under which a reverse proxy serves this, like /api, whether it strips it or not",
        ),
    ] = ""
    trusted_proxies: Annotated[
        str, Field(description="Addresses of reverse proxies whose X-Forwarded-For is believed; * for all")
    ] = "127.0.0.1"
    answer_memory_mb: Annotated[
        int, Field(ge=0, le=65_536, description="Megabytes that each process may remember answers in; 0: none")
    ] = 16
    docs: Annotated[bool, Field(description="Serve /docs")] = True
    metrics: Annotated[bool, Field(description="Serve /metrics")] = True
    metrics_port: Annotated[
        int, Field(ge=0, le=65535, description="Port of its own for /metrics, without keys; 0: that of the service")
    ] = 0
    api_keys: Annotated[
        Path | None,
        BeforeValidator(lambda value: value or None),
        Field(description="File of keys that clients must send; none: all may ask"),
    ] = None
    client_rate: Annotated[
        float, Field(ge=0, le=100_000, description="Requests a second of one client, in each process; 0: no limit")
    ] = 0.0
    max_waiting: Annotated[
        int, Field(ge=1, le=100_000, description="Requests that may wait to be computed; more are answered 503")
    ] = 128
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


def read_settings(**given: Any) -> Settings:
    """Read the settings; those given otherwise, on the command line for example, win. None counts as not given.

    Raises
    ------
    SettingsError
        If a variable with the prefix is unknown, or a value is not what the setting takes.
    """
    links = service_links()
    _refuse_unknown(set(os.environ) - set(links))
    given = {name: value for name, value in given.items() if value is not None}
    if _PORT in links:
        given.setdefault("port", Settings.model_fields["port"].default)
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [_fault(found) for found in error.errors()]
        raise SettingsError("; ".join(faults)) from error


def service_links() -> list[str]:
    """Find the variables that Kubernetes sets in every pod for a Service named ``osusume`` or ``osusume-something``.

    They look like settings, ``OSUSUME_PORT=tcp://10.0.48.109:8000`` for example. A Service is known by its host and
    port, which always come together.
    """
    names = [name for name in os.environ if name.startswith(PREFIX)]
    services = [name.removesuffix("_SERVICE_HOST") for name in names if name.endswith("_SERVICE_HOST")]
    services = [service for service in services if f"{service}_SERVICE_PORT" in names]
    links = [
        name
        for name in names
        if any(name.startswith(service) and _LINK.fullmatch(name, len(service)) for service in services)
    ]
    # A port that was set for the pod itself wins over Kubernetes.
    return [name for name in links if name != _PORT or os.environ[name].startswith(_LINK_SCHEMES)]


def as_environment(settings: Settings) -> dict[str, str]:
    """Write settings as environment variables, of which :func:`read_settings` makes the same settings."""
    values = settings.model_dump(mode="json")
    return {PREFIX + name.upper(): _as_text(value) for name, value in values.items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    mine = (name for name in names if name.upper().startswith(PREFIX))
    unknown = [name for name in mine if name.upper() not in known and not name.upper().startswith(TEST_PREFIXES)]
    if unknown:
        raise SettingsError(f"unknown setting {', '.join(sorted(unknown))}; known: {', '.join(known)}")


def _fault(found: Any) -> str:
    name = PREFIX + str(found["loc"][0]).upper()
    message = _PLAIN_FAULTS.get(found["type"]) or str(found["msg"]).removeprefix("Input should be ")
    return f"{name} should be {message}, not {found['input']!r}"
