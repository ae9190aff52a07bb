"""The access log: one line per request.

It does not go through :mod:`logging`, which takes longer over a line than the service over an answer, but looks the
same as the lines of :mod:`service.operations.logs`. A line is one write, so lines of several workers do not mix.
"""

import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import orjson
from starlette.types import Scope

from service.operations.logs import in_one_word


class AccessLog:
    """Writes a line per request to standard error.

    Parameters
    ----------
    log_format : {"text", "json"}
        One of :class:`service.settings.Settings`'s formats.
    """

    def __init__(self, log_format: Literal["text", "json"]) -> None:
        self._as_json = log_format == "json"

    def write(self, scope: Scope, method: str, status: int, duration_s: float, request_id: str) -> None:
        """Write a line.

        Parameters
        ----------
        scope : Scope
            The request's.
        method : str
        status : int
        duration_s : float
        request_id : str
        """
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
                }
            ).decode()
        else:
            line = (
                f"{_second(int(time.time()))} info    request method={method} path={in_one_word(scope['path'])} "
                f"query={in_one_word(query)} status={status} duration_ms={duration_s * 1000:.2f} "
                f"request_id={request_id} client={in_one_word(client)}"
            )
        sys.stderr.write(line + "\n")


@lru_cache(maxsize=2)
def _second(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
