"""/metrics on a port of its own, which a firewall can keep from those who may ask the service."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from service.operations.metrics import CONTENT_TYPE, Metrics


@contextlib.contextmanager
def serving_metrics(metrics: Metrics, host: str, port: int) -> Iterator[None]:
    """Serve the metrics while the block runs; port 0: do not.

    Of several workers the first has the port, and tells the numbers of all. If it ends, the one in its place has it.
    """
    server = None
    if port:
        # The port was tried before the service started, so that it is in use by a worker.
        with contextlib.suppress(OSError):
            server = ThreadingHTTPServer((host, port), _handler(metrics))
            threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()


def _handler(metrics: Metrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            content = metrics.exposition()
            self.send_response(200)
            self.send_header("content-type", CONTENT_TYPE)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Scrapes are no news."""

    return Handler
