"""The log: one line per event and per request, for people or as JSON objects for machines, on standard error."""

import contextlib
import logging
import logging.config
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal

import orjson
from starlette.types import Scope

from service.settings import Settings

SERVICE: Final = "osusume.service"
_ONE_WORD: Final = re.compile(r"[!#-~]+")


class TextFormatter(logging.Formatter):
    """A line for people: time, level, message, then the fields as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as text."""
        fields = "".join(f" {name}={in_one_word(str(value))}" for name, value in _fields(record).items())
        line = f"{_second(int(record.created))} {record.levelname.lower():7} {record.getMessage()}{fields}"
        return f"{line}\n{_exception(record)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """A line for machines: one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as JSON."""
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            content["exception"] = _exception(record)
        return orjson.dumps(content, default=str).decode()


def configure_logs(settings: Settings) -> None:
    """Send all logs of this process, uvicorn's included, to standard error in one form."""
    # uvicorn's own greetings repeat those of the service.
    uvicorn_level = "DEBUG" if settings.log_level == "debug" else "WARNING"
    formatter = JsonFormatter if settings.log_format == "json" else TextFormatter
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": {"()": formatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"level": "WARNING", "handlers": ["stderr"]},
            "loggers": {
                "osusume": {"level": settings.log_level.upper()},
                "uvicorn": {"level": uvicorn_level},
            },
        }
    )


class AccessLog:
    """Writes a line per request, like those of the log but not through :mod:`logging`.

    That takes longer over a line than the service over an answer. A line is one write, so lines of several workers do
    not mix.
    """

    def __init__(self, log_format: Literal["text", "json"]) -> None:
        self._as_json = log_format == "json"

    def write(self, scope: Scope, method: str, status: int, duration_s: float, request_id: str) -> None:
        """Write the line of one request."""
        client = scope["client"][0] if scope.get("client") else "-"
        query = scope["query_string"].decode("latin-1")
        if self._as_json:
            line = orjson.dumps(
                {
                    "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "level": "info",
                    "logger": "osusume.access",
                    "message": "request",
                    "method": method,
                    "path": scope["path"],
                    "query": query,
                    "status": status,
                    "duration_ms": round(duration_s * 1000, 2),
                    "request_id": request_id,
                    "client": client,
                    **({"trace_id": scope["trace_id"]} if "trace_id" in scope else {}),
                }
            ).decode()
        else:
            line = (
                f"{_second(int(time.time()))} info    request method={method} path={in_one_word(scope['path'])} "
                f"query={in_one_word(query)} status={status} duration_ms={duration_s * 1000:.2f} "
                f"request_id={request_id} client={in_one_word(client)}"
            )
        # On a full disk, or where nobody reads it any more, the log ends and the service goes on.
        with contextlib.suppress(OSError):
            sys.stderr.write(line + "\n")


def in_one_word(text: str) -> str:
    """Quote a text that could be mistaken for more than one field, or for another line: clients choose paths."""
    return text if _ONE_WORD.fullmatch(text) else repr(text)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}


def _exception(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(record.exc_info[1])).rstrip() if record.exc_info else ""


@lru_cache(maxsize=2)
def _second(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
