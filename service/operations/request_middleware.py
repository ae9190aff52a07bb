"""What happens around every request: its id, its line in the log and its count; the last resort; compression.

Plain ASGI rather than Starlette's ``BaseHTTPMiddleware``, which costs more than most answers here.
"""

import gzip
import itertools
import logging
import os
import re
import time
from collections.abc import Callable
from typing import Final

import anyio
from opentelemetry import trace
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.operations.logs import SERVICE, AccessLog
from service.operations.metrics import Metrics

_REQUEST_ID: Final = b"x-request-id"
_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
UNMATCHED: Final = "(unmatched)"
# No status of HTTP, since nothing is answered; servers commonly log it so.
CLIENT_GONE: Final = 499
# Ten rows are smaller: a packet or two less is not worth the way to a thread.
MIN_BYTES: Final = 20_000
# At 6 a seventh less is left than at 1, in twice the time and more.
_LEVEL: Final = 1


class WatchRequests:
    """Gives every request an id, logs and counts it."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, access_log: AccessLog | None, is_traced: bool = False
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._is_traced = is_traced
        self._access_log = access_log
        # Unique across workers and restarts, and cheaper than a uuid per request.
        self._prefix = os.urandom(6).hex()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and watch."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        method: str = scope["method"]
        # HEAD is GET without the body, which the server leaves out by itself.
        scope = {**scope, "method": "GET"} if method == "HEAD" else scope
        request_id, if_none_match = self._read_headers(scope)
        scope["request_id"] = request_id.decode()
        scope["status"] = 0
        span = trace.get_current_span() if self._is_traced else trace.INVALID_SPAN
        if span.get_span_context().is_valid:
            span.set_attribute("osusume.request_id", scope["request_id"])
            scope["trace_id"] = trace.format_trace_id(span.get_span_context().trace_id)

        async def watched_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                headers.append((_REQUEST_ID, request_id))
                if if_none_match is not None and message["status"] == 200:
                    _answer_unchanged(message, if_none_match)
                scope["status"] = message["status"]
                if span.is_recording() and (template := _template(scope)) != UNMATCHED:
                    # FastAPI knows no route of what is answered from memory.
                    span.set_attribute("http.route", template)
                    span.update_name(f"{method} {template}")
            elif scope["status"] == 304:
                message["body"] = b""
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except ClientDisconnect:
            scope["status"] = CLIENT_GONE
        finally:
            self._note(scope, method, time.perf_counter() - started)

    def _read_headers(self, scope: Scope) -> tuple[bytes, bytes | None]:
        request_id = if_none_match = None
        for name, value in scope["headers"]:
            if name == _REQUEST_ID and _SANE_ID.fullmatch(value):
                request_id = value
            elif name == b"if-none-match":
                if_none_match = value
        return request_id or b"%b-%d" % (self._prefix.encode(), next(self._numbers)), if_none_match

    def _note(self, scope: Scope, method: str, duration_s: float) -> None:
        status = scope["status"]
        self._metrics.observe(_template(scope), method, status, duration_s)
        if self._access_log is not None:
            self._access_log.write(scope, method, status, duration_s, scope["request_id"])


def _template(scope: Scope) -> str:
    """Give the route as OpenAPI has it, without what an id may hold."""
    path: str = getattr(scope.get("route"), "path", UNMATCHED)
    return path.replace(":any_text}", "}")


class AnswerFaults:
    """Logs an unforeseen error, and answers it with the response made of the path that was asked for.

    Stands within CORS: a script that may ask may also read that something broke.
    """

    def __init__(self, app: ASGIApp, *, fault_response: Callable[[str], ASGIApp]) -> None:
        self._app = app
        self._fault_response = fault_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and catch what comes of it."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http" or isinstance(error, ClientDisconnect):
                raise
            fields = {name: scope[name] for name in ("request_id", "trace_id", "path") if name in scope}
            logging.getLogger(SERVICE).exception("a request broke", extra={"fields": fields})
            if scope["status"]:
                raise  # Half an answer is out already; the server has to cut the connection.
            await self._fault_response(scope["path"])(scope, receive, send)


class CompressLarge:
    """Compresses answers of one piece from 20,000 bytes on, for clients that take that; streams and files pass.

    Starlette's GZipMiddleware makes a compressor for every answer, remembered ones and small ones too, which costs
    ten times as much, and compresses in the event loop.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and compress what comes back if that is worth it."""
        begun: Message = {}

        async def send_compressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message
                return
            if begun:
                start, begun = begun, {}
                body = message.get("body", b"")
                if len(body) >= MIN_BYTES and not message.get("more_body"):
                    headers = MutableHeaders(raw=start["headers"])
                    headers.add_vary_header("accept-encoding")
                    if _takes_gzip(scope):
                        message["body"] = await anyio.to_thread.run_sync(gzip.compress, body, _LEVEL)
                        _describe(headers, len(message["body"]))
                await send(start)
            await send(message)

        await self._app(scope, receive, send_compressed if scope["type"] == "http" else send)


def _answer_unchanged(message: Message, if_none_match: bytes) -> None:
    """Turn an answer into 304 Not Modified if the client has it already."""
    headers = message["headers"]
    etag = next((value for name, value in headers if name == b"etag"), None)
    known = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    if etag is not None and (etag.removeprefix(b"W/") in known or b"*" in known):
        message["status"] = 304
        message["headers"] = [
            (name, value) for name, value in headers if name not in {b"content-length", b"content-type"}
        ]


def _takes_gzip(scope: Scope) -> bool:
    accepted = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
    codings = (part.replace(b" ", b"").lower() for part in accepted.split(b","))
    return any(coding == b"gzip" or (coding.startswith(b"gzip;q=") and coding[7:].strip(b"0.")) for coding in codings)


def _describe(headers: MutableHeaders, n_bytes: int) -> None:
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(n_bytes)
    # The same answer, but not byte for byte.
    if "etag" in headers:
        headers["etag"] = f"W/{headers['etag']}"
