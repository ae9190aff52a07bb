"""Posted lists: answered, or refused in a documented way, whatever stands in the body."""

from typing import Any, Final

import orjson

from tests.chaos.fuzzing.asgi import PATHS, ask, documented
from tests.chaos.fuzzing.inputs import literals

ROUTES: Final = ("/recommendations", "/users/similar", "/recommendations/group", "/users/compare")
WORDS: Final = (
    *(
        '"ratings"',
        '"anime_id"',
        '"rating"',
        '"status"',
        '"lists"',
        '"name"',
        "null",
        "true",
        "1e-40",
        "1e999",
        "-0.0",
    ),
    *('"plan_to_watch"', '"dropped"', "9223372036854775807", "9223372036854775808", "\\ud800", "9.0", "[[[[", '{"":'),
)
_LIST: Final = {
    "ratings": [
        *({"anime_id": 1 + 3 * row, "rating": 10 - row, "status": "completed"} for row in range(5)),
        *(
            {"anime_id": 3, "rating": None},
            {"anime_id": 7, "status": 6},
            {"anime_id": 99},
            {"anime_id": 1, "rating": 2},
        ),
    ]
}
_BODIES: Final[tuple[dict[str, Any], ...]] = (_LIST, {"lists": [_LIST, _LIST | {"name": "B"}]}, {"ratings": []})


def seeds() -> list[bytes]:
    """Give a list and two of them for every route, and the bodies that other tests send."""
    texts = [orjson.dumps(one) for one in _BODIES]
    texts += [text for text in literals("tests/service/api") if text[:1] in b"{["]
    return [bytes([route]) + text for text in texts for route in range(len(ROUTES))]


def run(data: bytes) -> None:
    """Post a body to a route by its number; any other has an odd media type."""
    route = data[0] if data else 0
    kind = b"application/json" if route < len(ROUTES) else data[:8]
    path = ROUTES[route % len(ROUTES)]
    answer = ask("POST", path.encode(), headers={b"content-type": kind}, body=data[1:])
    assert answer.status in documented("POST", path), f"{path}: {answer}"
    assert path in PATHS
