"""Head and body of an answer in one system call.

uvicorn writes the two one after the other, and the event loop hands each to the kernel at once: two system calls, and
the client wakes up twice. Here what is written within one turn of the event loop goes out together. Nothing of
uvicorn is changed: it takes a class for its protocol (its ``http`` setting), and this one gives it another transport.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final, cast

from service.operations.bounded_heads import BoundedProtocol

# No more than this waits for the end of a turn: whoever writes much must learn in time that nobody reads it.
MAX_HELD_BYTES: Final = 64 * 1024


class JoiningProtocol(BoundedProtocol):
    """uvicorn's own protocol on a transport that joins writes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wrap the transport."""
        # uvloop's transports are asyncio's in everything but their class.
        self._joining = JoiningTransport(cast(asyncio.Transport, transport))
        super().connection_made(self._joining)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what nobody will read."""
        self._joining.forget()
        super().connection_lost(exc)


class JoiningTransport(asyncio.Transport):
    """A transport that writes what it is given at the end of a turn of the event loop.

    Parameters
    ----------
    transport : asyncio.Transport
        What does everything else.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes | bytearray | memoryview] = []
        self._n_held_bytes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hold some bytes until the turn ends."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._n_held_bytes += len(data)
        if self._n_held_bytes > MAX_HELD_BYTES:
            self.flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Hold all of it."""
        for data in list_of_data:
            self.write(data)

    def flush(self) -> None:
        """Write now what is held."""
        held = self._held
        if not held:
            return
        self.forget()
        if len(held) == 1:
            self._transport.write(held[0])
        else:
            self._transport.writelines(held)

    def forget(self) -> None:
        """Never write what is held."""
        self._held = []
        self._n_held_bytes = 0

    def close(self) -> None:
        """Write what is held, then close."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.forget()
        self._transport.abort()

    def write_eof(self) -> None:
        """Write what is held, then tell the other side that this was all."""
        self.flush()
        self._transport.write_eof()

    def get_write_buffer_size(self) -> int:
        """Tell how much is not written yet."""
        return self._transport.get_write_buffer_size() + self._n_held_bytes

    def is_closing(self) -> bool:
        """Tell whether it is closed or about to be."""
        return self._transport.is_closing()

    def can_write_eof(self) -> bool:
        """Tell whether one side can be closed alone."""
        return self._transport.can_write_eof()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell about the connection."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Tell when writing is paused."""
        return self._transport.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Choose when writing is paused."""
        self._transport.set_write_buffer_limits(high, low)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to another protocol."""
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Tell whose connection it is."""
        return self._transport.get_protocol()

    def is_reading(self) -> bool:
        """Tell whether what comes is read."""
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading."""
        self._transport.resume_reading()
