"""Bounds on the head of a request, its size and its time: uvicorn has none with httptools, the faster by half."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# More than one read from a socket gives: what stood before a head in the same read is counted with it.
MAX_HEAD_BYTES: Final = 512 * 1024
# From the connection, or the first byte of a later head, to its end. Between requests uvicorn waits for 5 seconds.
HEAD_TIMEOUT_S: Final = 20.0


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which refuses a request whose head does not end or does not come."""

    _n_head_bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        self._end_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and refuse what has become too long."""
        super().data_received(data)
        # uvicorn answers a request in a cycle once its head has ended.
        if self.cycle and self.cycle.scope is self.scope:
            self._n_head_bytes = 0
            self._end_waiting()
            return
        self._begin_to_wait()
        self._n_head_bytes += len(data)
        if self._n_head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def _begin_to_wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _end_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
