"""How bodies are read: up to a size, within a time, and no more of them together than there is room for."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import anyio
from fastapi import Request

from service.recommending.errors import BodyTimeoutError, BodyTooLargeError, BusyError, MediaTypeError

# The longest list that is read, written at length: 200 bytes an entry.
MAX_BODY_BYTES: Final = 4_000_000
# What all bodies of a process may hold, each from its first byte until it is answered. uvicorn's limit_concurrency
# would count connections, idle ones too, and refuse probes and remembered answers with plain text.
MAX_HELD_BYTES: Final = 64_000_000


class Bodies:
    """The bodies that one application holds.

    Parameters
    ----------
    timeout_s : float
        How long a body may take to arrive.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._n_held_bytes = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytearray]:
        """Read a request's body, and hold it.

        Yields
        ------
        bytearray
            What claims to be JSON.

        Raises
        ------
        MediaTypeError
            If it claims to be something else, or is compressed.
        BodyTooLargeError
            If it is too large; the rest is not waited for.
        BodyTimeoutError
            If it takes too long to arrive.
        BusyError
            If there is no room for it beside the others.
        ClientDisconnect
            If the client goes away in the midst of it.
        """
        _check_media_type(request)
        body = bytearray()
        try:
            await self._fill(body, request)
            yield body
        finally:
            self._n_held_bytes -= len(body)

    async def _fill(self, body: bytearray, request: Request) -> None:
        try:
            with anyio.fail_after(self._timeout_s):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > MAX_BODY_BYTES:
                        raise BodyTooLargeError(MAX_BODY_BYTES)
                    if self._n_held_bytes + len(chunk) > MAX_HELD_BYTES:
                        raise BusyError
                    self._n_held_bytes += len(chunk)
                    body += chunk
        except TimeoutError as error:
            raise BodyTimeoutError(self._timeout_s) from error


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type")
    if media_type is None or media_type.partition(";")[0].strip().lower() != "application/json":
        raise MediaTypeError(media_type)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise MediaTypeError(encoding)
