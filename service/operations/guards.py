"""Who may ask, and how often. Plain ASGI, within the log and the metrics: what is refused is seen there."""

import time
from collections.abc import Callable
from typing import Final

from cachetools import LRUCache
from starlette.types import ASGIApp, Receive, Scope, Send

from service.operations.keys import Keys
from service.operations.keys import Scope as KeyScope
from service.recommending.errors import ForbiddenError, ServiceError, TooManyRequestsError, UnauthorizedError

# Probes come from machines, and tell nothing.
_OPEN: Final = ("/health/live", "/health/ready")
_N_CLIENTS: Final = 100_000

Answer = Callable[[ServiceError, str], ASGIApp]


class RequireKey:
    """Lets those in who have a key for what they ask."""

    def __init__(self, app: ASGIApp, *, keys: Keys, root_path: str, answer: Answer) -> None:
        self._app = app
        self._keys = keys
        self._root_path = root_path
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        error = self._fault(scope) if scope["type"] == "http" else None
        app = self._app if error is None else self._answer(error, scope["path"])
        await app(scope, receive, send)

    def _fault(self, scope: Scope) -> ServiceError | None:
        path: str = scope["path"].removeprefix(self._root_path)
        if path in _OPEN:
            return None
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        holder = self._keys.holder(authorization)
        if holder is None:
            return UnauthorizedError()
        scope["client_name"] = holder.name
        needed = _scope_of(scope["method"], path)
        return None if needed in holder.scopes else ForbiddenError(needed)


class LimitClients:
    """Bounds how often a client may ask: by its key's name if there are keys, or else its address.

    The generic cell rate algorithm (ITU-T I.371): a client may be a burst of ``rate`` requests ahead of one every
    ``1 / rate`` seconds. Each worker counts what it is asked.
    """

    def __init__(self, app: ASGIApp, *, rate: float, answer: Answer) -> None:
        self._app = app
        self._interval_s = 1 / rate
        self._burst_s = max(1.0, self._interval_s)
        self._answer = answer
        # When the next request of a client is due. Who asked longest ago is forgotten first.
        self._due: LRUCache[str, float] = LRUCache(_N_CLIENTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            client = scope.get("client_name") or (scope["client"] or ("",))[0]
            now = time.monotonic()
            due = max(self._due.get(client, now), now)
            if due - now > self._burst_s:
                error = TooManyRequestsError(due - now - self._burst_s)
                await self._answer(error, scope["path"])(scope, receive, send)
                return
            self._due[client] = due + self._interval_s
        await self._app(scope, receive, send)


def _scope_of(method: str, path: str) -> KeyScope:
    if path == "/metrics":
        return "metrics"
    return "lists" if method == "POST" else "read"
