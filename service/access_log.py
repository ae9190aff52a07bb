"""The access log: one line per request.

It does not go through :mod:`logging`, which takes longer over a line than the service over an answer, but looks the
same as the lines of :mod:`service.logs`. A line is one write, so lines of several workers do not mix.
"""

import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import orjson

from service.logs import fields_as_text


class AccessLog:
    """Writes a line per request to standard error.

    Parameters
    ----------
    log_format : {"text", "json"}
        One of :class:`service.settings.Settings`'s formats.
    """

    def __init__(self, log_format: Literal["text", "json"]) -> None:
        self._as_json = log_format == "json"

    def write(self, fields: dict[str, object]) -> None:
        """Write a line.

        Parameters
        ----------
        fields : dict of str to object
            What there is to say of the request.
        """
        if self._as_json:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = orjson.dumps({"time": now, "level": "info", "message": "request", **fields}).decode()
        else:
            line = f"{_second(int(time.time()))} info    request{fields_as_text(fields)}"
        sys.stderr.write(line + "\n")


@lru_cache(maxsize=2)
def _second(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
