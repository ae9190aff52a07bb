"""The application of a small model, asked without a server."""

import asyncio
import re
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import orjson
from starlette.types import Message

from service.app import create_app
from service.recommending.model import build_model
from service.settings import Settings
from tests.service.small_bundle import make_bundle

LOOP: Final = asyncio.new_event_loop()
APP: Final = create_app(Settings(access_log=False, answer_memory_mb=1))
APP.state.readiness.accept(build_model(make_bundle()))
PATHS: Final[dict[str, dict[str, Any]]] = APP.openapi()["paths"]


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


def ask(
    method: str, path: bytes, query: bytes = b"", headers: dict[bytes, bytes] | None = None, body: bytes = b""
) -> Answer:
    """Ask as a server would, and check what any answer has to be."""
    answer = LOOP.run_until_complete(_ask(method, path, query, headers or {}, body))
    kind = answer.headers.get(b"content-type", b"")
    assert answer.status < 500, f"{method} {path!r}?{query!r}: {answer}"
    if answer.status != 304 and b"content-encoding" not in answer.headers:
        assert int(answer.headers[b"content-length"]) == len(answer.body)
    if answer.status >= 400:
        assert kind == b"application/problem+json"
        assert orjson.loads(answer.body)["status"] == answer.status
    elif kind == b"application/json" and b"content-encoding" not in answer.headers:
        orjson.loads(answer.body)
    return answer


async def _ask(method: str, path: bytes, query: bytes, headers: dict[bytes, bytes], body: bytes) -> Answer:
    messages: list[Message] = []
    came: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        # The client stays until it is answered.
        return came.pop() if came else await asyncio.Future()

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "root_path": "",
        "query_string": query,
        "headers": list(headers.items()),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    await asyncio.wait_for(APP(scope, receive, send), 60)
    start, *rest = messages
    content = b"".join(message.get("body", b"") for message in rest)
    return Answer(start["status"], {name.lower(): value for name, value in start["headers"]}, content)


def documented(method: str, template: str) -> set[int]:
    """Give the statuses that the OpenAPI document has for a route."""
    return {int(status) for status in PATHS[template][method.lower()]["responses"]}


def fill(template: str, part: bytes) -> bytes:
    """Put a text in place of the id of a path."""
    return re.sub(rb"\{\w+\}", lambda _: part, template.encode())
