"""Read the head of a request: limit its size, demand a host, decline offers of other protocols."""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.connections.limits import SocketLimits
from service.connections.rejections import RejectedError

# The key under which the lifespan's state holds the limits.
LIMITS = "limits"
VERSIONS = ("1.0", "1.1")


class HeadProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which refuses heads that are too large or not HTTP/1.0 or 1.1.

    Attributes:
        limits: The limits of this connection.
        in_head: Whether a head has begun and not ended.
        reading: The request whose body is still to come, whether it is being answered or waits.
        body_bytes: The bytes of all bodies so far.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits: SocketLimits = self.app_state.get(LIMITS) or SocketLimits()
        self.url = b""
        self.in_head = False
        self.reading: RequestResponseCycle | None = None
        self.body_bytes = 0
        self._head_bytes = self._unfinished_bytes = 0

    def on_message_begin(self) -> None:
        """Begin to measure a head."""
        self.in_head, self.reading = True, None
        self._head_bytes = self._unfinished_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Refuse a URL as soon as it is too long."""
        super().on_url(url)
        self._measure_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a field to the head, and refuse it as soon as it is too long; trailers of chunks only count."""
        if self.in_head:
            super().on_header(name, value)
        self._measure_head(len(name) + len(value) + 4)

    def _measure_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.limits.max_head_bytes:
            raise self.too_large()

    def outgrows(self, piece: int) -> bool:
        """Return whether, after `piece` more bytes, a line that has not ended yet is too long.

        It may be a line of the head, of a chunk, or behind the chunks: the parser puts it together byte by
        byte, which takes longer and longer.
        """
        open_ended = self.in_head or self.reading is not None
        self._unfinished_bytes = self._unfinished_bytes + piece if open_ended else 0
        return self._unfinished_bytes > 2 * self.limits.max_head_bytes

    def too_large(self) -> RejectedError:
        """Return the error that refuses the head that is being read."""
        limit = self.limits.max_head_bytes
        if len(self.url) > limit:
            return RejectedError(414, "URL", f"at most {limit} bytes", "more")
        return RejectedError(431, "headers", f"at most {limit} bytes with the URL", "more")

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is to be read again, without the offer of another protocol."""
        self.in_head = False
        if self.parser.should_upgrade():
            self.scope["method"] = self.parser.get_method().decode("ascii")
            return
        version = self.parser.get_http_version()
        if version not in VERSIONS:
            raise RejectedError(505, "version", "HTTP/1.1", f"HTTP/{version}")
        if version == "1.0":  # which knows no interim answers
            self.expect_100_continue = False
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and version == "1.1"):
            raise RejectedError(400, "Host", "one such header", str(hosts or "none"))
        if not self.url.startswith(b"/"):
            self.url = complete_target(self.url)
        super().on_headers_complete()
        self.reading = self.cycle

    def on_body(self, body: bytes) -> None:
        """Count the bytes of a body."""
        self.body_bytes += len(body)
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request, unless its head is to be read again."""
        self.reading = None
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def decline_upgrade(self) -> bytes:
        """Return a head that offers another protocol without the offer, for a new parser to read.

        The offer may be ignored (RFC 9110, section 7.8), but the old parser would take what follows, and with
        it the body, for the other protocol.
        """
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.scope["method"].encode(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                value = b",".join(part for part in value.split(b",") if part.strip().lower() != b"upgrade")
            if name not in (b"upgrade", b"http2-settings"):
                lines.append(b"%b: %b" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"\r\n".join((*lines, b"", b""))


def complete_target(url: bytes) -> bytes:
    """Return a target in absolute form with the path that it stands for if it has none (RFC 9112, 3.2.2)."""
    start, mark, query = url.partition(b"?")
    is_whole = b"://" not in start or b"/" in start.partition(b"://")[2]
    return url if is_whole else start + b"/" + mark + query
