"""The log: one line per event, for people or as JSON objects for machines, on standard error."""

import logging
import logging.config
import re
import traceback
from datetime import UTC, datetime
from typing import Final

import orjson

from service.settings import Settings

SERVICE: Final = "osusume.service"
_ONE_WORD: Final = re.compile(r"[!#-~]+")


class TextFormatter(logging.Formatter):
    """A line for people: time, level, message, then the fields as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as text."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M:%S")
        fields = "".join(f" {name}={in_one_word(str(value))}" for name, value in _fields(record).items())
        line = f"{time} {record.levelname.lower():7} {record.getMessage()}{fields}"
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
    # uvicorn's own greetings repeat what the service says of itself.
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


def in_one_word(text: str) -> str:
    """Quote a text that could be mistaken for more than one field, or for another line: clients choose paths."""
    return text if _ONE_WORD.fullmatch(text) else repr(text)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}


def _exception(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(record.exc_info[1])).rstrip() if record.exc_info else ""
