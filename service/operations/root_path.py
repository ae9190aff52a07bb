"""Behind a reverse proxy that serves this under a path of its own, ``/osusume`` for example."""

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send


class UnderRootPath:
    """Gives every request the path it has outside, whether the proxy has stripped the root path or not.

    uvicorn's own setting takes it for stripped always. ASGI wants ``path`` to begin with ``root_path``. A root path
    that begins like one of the application's ``own`` paths is taken for stripped.
    """

    def __init__(self, app: ASGIApp, *, root_path: str, own: Collection[str]) -> None:
        self._app = app
        self._root_path = root_path
        self._may_be_there = root_path.split("/")[1] not in own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            inside = scope["path"]
            if self._may_be_there and f"{inside}/".startswith(f"{self._root_path}/"):
                inside = inside.removeprefix(self._root_path)
            # Where a proxy strips no slash ("/osusume") or one too few ("//docs"), there is one all the same.
            path = f"{self._root_path}/{inside.lstrip('/')}"
            scope = {**scope, "root_path": self._root_path, "path": path}
        await self._app(scope, receive, send)
