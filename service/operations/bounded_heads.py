"""A bound on the head of a request, which uvicorn has with h11 but not with httptools, the faster by half."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# More than one read from a socket gives: what stood before a head in the same read is counted with it.
MAX_HEAD_BYTES: Final = 512 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which refuses a request whose head does not end."""

    _n_head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Read on, and refuse what has become too long."""
        super().data_received(data)
        # uvicorn answers a request in a cycle once its head has ended.
        if self.cycle and self.cycle.scope is self.scope:
            self._n_head_bytes = 0
            return
        self._n_head_bytes += len(data)
        if self._n_head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
