"""`/metrics` on a port of its own, so that the public one can be closed to it.

One process serves it for all workers: the parent of several, which has no event loop, or the only one. It is
for whoever may know the figures, and bounded all the same: few connections at once, each for one request and
for a short time.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from service.core.errors import StartupError
from service.core.settings import Settings
from service.server.processes.listening import METRICS, bind, describe, listen

logger = logging.getLogger(__name__)

Render = Callable[[str], tuple[bytes, str]]
PATH = "/metrics"
# Connections at once, how long one may be silent, and how long it may be there.
MOST, SILENCE_S, LIFE_S = 8, 5.0, 15.0
POLL_S = 0.5


@contextlib.contextmanager
def open_metrics_port(settings: Settings) -> Iterator[Callable[[Render], None]]:
    """Listen on the port of the metrics, if the settings name one, until the block ends.

    Yields:
        A function that has it answer from now on, with what another one returns for an `Accept`; scrapes that
        come sooner wait.

    Raises:
        StartupError: It cannot listen.
    """
    if settings.metrics_port is None:
        yield lambda _: None
        return
    if settings.metrics_port and settings.metrics_port == settings.port:
        raise StartupError(f"{METRICS}: expected another port than CVAE_PORT, received {settings.port}")
    with bind(settings.host, settings.metrics_port, METRICS) as listener, contextlib.ExitStack() as stack:
        listen(listener, METRICS)
        yield lambda render: stack.enter_context(_serve(listener, render))


@contextlib.contextmanager
def _serve(listener: socket.socket, render: Render) -> Iterator[None]:
    server = _Server(listener, render)
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True, name="metrics")
    thread.start()
    logger.info("metrics on http://%s%s", describe(listener), PATH)
    try:
        yield
    finally:
        server.shutdown()
        server.end(older_than_s=0.0)
        thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, render: Render) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.render = listener, render
        self._begun: dict[socket.socket, float] = {}

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        return len(self._begun) < MOST

    def process_request(self, request: Any, client_address: Any) -> None:
        self._begun[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._begun.pop(request, None)

    def service_actions(self) -> None:
        self.end(LIFE_S)

    def end(self, older_than_s: float) -> None:
        """End the connections that have been there for so long."""
        now = time.monotonic()
        for request, begun in list(self._begun.items()):
            if now - begun >= older_than_s:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        logger.debug("a scrape ended early", exc_info=True)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = SILENCE_S

    def do_GET(self) -> None:
        """Answer with the metrics."""
        if self.path.partition("?")[0] != PATH:
            self.send_error(404)
            return
        try:
            content, media_type = self.server.render(self.headers.get("Accept", ""))
        except Exception:  # a file that is being replaced, a full disk
            logger.exception("the metrics cannot be written")
            self.send_error(503)
            return
        self._send(200, media_type, content)

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer with problem details; a method that is not known is 405."""
        status = HTTPStatus(405 if code == 501 else code)
        detail = f"only GET {PATH} is answered here"
        body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
        allow = {"Allow": "GET, HEAD"} if status == 405 else {}
        self._send(
            int(status), "application/problem+json", json.dumps({**body, "errors": []}).encode(), **allow
        )

    def _send(self, status: int, media_type: str, content: bytes, **fields: str) -> None:
        self.send_response_only(status)
        fields |= {"Content-Type": media_type, "Content-Length": str(len(content))}
        for name, value in {**fields, "Cache-Control": "no-store", "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002
        """Write nothing: scrapes are many and alike."""
