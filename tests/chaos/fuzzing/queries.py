"""Paths and query strings: answered, or refused in a documented way, whatever stands in them."""

from typing import Final

import orjson

from service.api.rendering import write_cursor
from tests.chaos.fuzzing.asgi import APP, PATHS, ask, documented, fill
from tests.chaos.fuzzing.inputs import literals

ROUTES: Final = [(method.upper(), template) for template, methods in PATHS.items() for method in methods]
_LIST: Final = {"ratings": [{"anime_id": 1, "rating": 9}, {"anime_id": 4, "rating": 2}, {"anime_id": 7}]}
_BODIES: Final = {
    "/recommendations/group": {"lists": [_LIST, _LIST]},
    "/users/compare": {"lists": [_LIST, {"ratings": []}]},
}
_HEADERS: Final = (b"if-none-match", b"x-request-id", b"accept-encoding", b"content-type", b"content-encoding")
_PARAMETERS: Final = sorted(
    {
        one["name"]
        for methods in PATHS.values()
        for operation in methods.values()
        for one in operation.get("parameters", [])
    }
)
_VERSION: Final = APP.state.readiness.model().version
WORDS: Final = (
    *(f"{name}=" for name in _PARAMETERS),
    *("&", "?", "%2F", "%00", "%ff", "true", "least", "content", "top-quarter", "neighbours", "embedding", "TV"),
    *("9223372036854775807", "-1", "0.5", "1e3", "Action", "Slice of Life", "bebop", "cursor=x", "%E3%82%AB"),
)


def seeds() -> list[bytes]:
    """Give each route with each of its parameters, and whatever stands in the tests of routes."""
    found = [b"\xff" + text for text in literals("tests/service/api") if text.startswith((b"/", b"?"))]
    for number, (method, template) in enumerate(ROUTES):
        route, parameters = bytes([number]), PATHS[template][method.lower()].get("parameters", [])
        found += [route + b"2", route + b"1?limit=5&offset=3", route + b"2?cursor=" + write_cursor(_VERSION, 7)]
        for one in parameters:
            schema = one["schema"]
            value = schema.get("default") or schema.get("minimum") or (schema.get("enum") or ["1"])[-1]
            found.append(route + f"4?{one['name']}={value}".encode())
    return found


def run(data: bytes) -> None:
    """Ask for a route by its number, or for any path: ID?QUERY, then lines of values of headers."""
    number, (target, *values) = data[:1], data[1:].split(b"\n")
    part, _, query = target.partition(b"?")
    headers = {name: value for name, value in zip(_HEADERS, values, strict=False) if value}
    if not number or number[0] >= len(ROUTES):
        ask("GET", b"/" + part.lstrip(b"/"), query, headers)
        return
    method, template = ROUTES[number[0]]
    body = orjson.dumps(_BODIES.get(template, _LIST)) if method == "POST" else b""
    headers = {b"content-type": b"application/json"} | headers if body else headers
    answer = ask(method, fill(template, part), query, headers, body)
    # With an odd id it may be another path, or none.
    if part.isalnum():
        assert answer.status in documented(method, template), f"{method} {template}: {answer}"
