"""Answers that were given before, and are given again without any work.

An answer to GET depends on its URL and on the model alone: nothing here goes stale until another model answers, and
then all is forgotten. Where there is no more room, what was not asked for longest goes first.
"""

import contextlib
import threading
from dataclasses import dataclass
from typing import Any, Final

from cachetools import LRUCache
from prometheus_client import CollectorRegistry, Counter
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

# What an entry takes besides its body: the key, the headers and the objects that hold them, about.
_OVERHEAD_BYTES: Final = 1_000

Key = tuple[str, bytes]


@dataclass(frozen=True)
class Answer:
    """A success, as it goes over the wire."""

    headers: tuple[tuple[bytes, bytes], ...]  # without the request's id and what depends on who asks
    body: bytes
    route: Any  # Starlette's route that gave it, by which requests are counted


class AnswerMemory:
    """The answers that were asked for last, up to a size; 0 bytes remember nothing. Threads may share it."""

    def __init__(self, max_bytes: int, registry: CollectorRegistry) -> None:
        self.max_bytes = max_bytes
        # An entry is a key with its answer, since what it takes is that of both.
        self._answers: LRUCache[Key, tuple[Key, Answer]] = LRUCache(max_bytes, getsizeof=_size)
        self._lock = threading.Lock()
        self.generation = 0
        self._hits = Counter("osusume_answer_memory_hits", "Answers given from memory", registry=registry)
        self._misses = Counter(
            "osusume_answer_memory_misses", "Answers computed that memory could have given", registry=registry
        )

    @property
    def n_bytes(self) -> float:
        """What all entries take."""
        return self._answers.currsize

    def recall(self, key: Key) -> Answer | None:
        """Give an answer that was given before, by path and query string as they were asked."""
        with self._lock:
            entry = self._answers.get(key)
        if entry is None:
            return None
        self._hits.inc()
        return entry[1]

    def remember(self, key: Key, answer: Answer, generation: int) -> None:
        """Keep an answer, and let go of others if there is no room.

        One whose request began in another generation may be that of the model before, and is not kept.
        """
        self._misses.inc()
        # Larger than all there is room for, it is not kept.
        with self._lock, contextlib.suppress(ValueError):
            if generation == self.generation:
                self._answers[key] = key, answer

    def forget(self) -> None:
        """Forget all answers: from now on another model gives them."""
        with self._lock:
            self.generation += 1
            self._answers.clear()


class RememberedResponse(Response):
    """An answer to GET that depends on the URL and the model alone: once it was sent, it is remembered."""

    media_type = "application/json"

    def __init__(self, body: bytes, *, etag: bytes) -> None:
        super().__init__(body)
        self.raw_headers += [(b"cache-control", b"no-cache"), (b"etag", etag)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        memory: AnswerMemory = scope["app"].state.answer_memory
        if memory.max_bytes:
            answer = Answer(tuple(self.raw_headers), bytes(self.body), scope.get("route"))
            memory.remember((scope["path"], scope["query_string"]), answer, scope["memory_generation"])
        await super().__call__(scope, receive, send)


class AnswerFromMemory:
    """Answers what was answered before; everything else goes on to the routes."""

    def __init__(self, app: ASGIApp, *, memory: AnswerMemory) -> None:
        self._app = app
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        answer = None
        if scope["type"] == "http" and scope["method"] == "GET":
            answer = self._memory.recall((scope["path"], scope["query_string"]))
            scope["memory_generation"] = self._memory.generation
        if answer is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = answer.route
        # A list of its own for each: what stands around adds to it.
        await send({"type": "http.response.start", "status": 200, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": answer.body})


def _size(entry: tuple[Key, Answer]) -> int:
    (path, query_string), answer = entry
    return len(answer.body) + len(path) + len(query_string) + _OVERHEAD_BYTES
