"""How many of our modules a request passes: a house with short ways is one that can be read."""

import asyncio
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Final

import httpx2 as httpx
import pytest

from service.app import create_app
from service.recommending.model import LoadedModel
from service.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2]
BODY: Final = {"ratings": [{"anime_id": 1, "rating": 9}, {"anime_id": 4, "rating": 8}, {"anime_id": 7}]}


def modules_passed(model: LoadedModel, method: str, path: str, body: Any = None) -> set[str]:
    """Find the modules of ours whose functions run for a request, once another has been answered."""
    passed: set[str] = set()
    # What is read ahead once the service is ready may run beside one request, but not beside each.
    by_request: list[set[str]] = []
    is_noting = False

    def note(frame: FrameType, event: str, _: Any) -> None:
        # Functions that dataclasses write lie in no file.
        file = Path(frame.f_code.co_filename)
        if is_noting and event == "call" and file.is_relative_to(ROOT):
            passed.add(str(file.relative_to(ROOT)))

    async def ask() -> None:
        nonlocal is_noting
        app = create_app(Settings(answer_memory_mb=0, access_log=False), load=lambda: model)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                while (await client.get("/health/ready")).status_code == 503:
                    await asyncio.sleep(0.01)
                assert (await client.request(method, path, json=body)).status_code == 200
                for _ in range(3):
                    passed.clear()
                    is_noting = True
                    await client.request(method, path, json=body)
                    is_noting = False
                    by_request.append(set(passed))
                    await asyncio.sleep(0.1)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        asyncio.run(asyncio.wait_for(ask(), timeout=60))
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return {name for name in set.intersection(*by_request) if name.startswith(("models/", "service/"))}


@pytest.mark.parametrize(
    ("method", "path", "body", "at_most"),
    [("GET", "/anime/1/similar?type=TV&limit=1", None, 9), ("POST", "/recommendations", BODY, 24)],
)
def test_a_request_passes_few_modules(model: LoadedModel, method: str, path: str, body: Any, at_most: int) -> None:
    passed = modules_passed(model, method, path, body)
    assert f"service/api/{'anime' if method == 'GET' else 'lists'}.py" in passed
    assert len(passed) <= at_most, "\n".join(sorted(passed))
