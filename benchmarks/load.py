"""A small HTTP/1.1 load generator: keep-alive connections, one request at a time on each."""

import asyncio
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LoadResult:
    """What a burst of requests measured.

    Attributes
    ----------
    requests_per_s : float
    p50_ms, p99_ms : float
        Latencies as the client saw them.
    """

    requests_per_s: float
    p50_ms: float
    p99_ms: float


def measure(port: int, paths: list[str], n_connections: int, seconds: float, body: bytes | None = None) -> LoadResult:
    """Send requests for a while.

    Parameters
    ----------
    port : int
        On 127.0.0.1.
    paths : list of str
        Asked for in turn.
    n_connections : int
    seconds : float
    body : bytes, optional
        JSON to post.

    Returns
    -------
    LoadResult

    Raises
    ------
    RuntimeError
        If an answer is not 200.
    """
    requests = [_request(path, body) for path in paths]
    return asyncio.run(_measure(port, requests, n_connections, seconds))


def _request(path: str, body: bytes | None) -> bytes:
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _measure(port: int, requests: list[bytes], n_connections: int, seconds: float) -> LoadResult:
    latencies: list[float] = []
    started = time.perf_counter()
    deadline = started + seconds
    workers = (_ask(port, requests, number, deadline, latencies) for number in range(n_connections))
    await asyncio.gather(*workers)
    elapsed = time.perf_counter() - started
    p50, p99 = np.percentile(latencies, (50, 99)) * 1000
    return LoadResult(len(latencies) / elapsed, float(p50), float(p99))


async def _ask(port: int, requests: list[bytes], first: int, deadline: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = first
    while (sent := time.perf_counter()) < deadline:
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{requests[number % len(requests)][:200]!r} was answered with {head[:60]!r}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - sent)
        number += 1
    writer.close()
    await writer.wait_closed()
