"""The deadline of a blocking call: httpx limits each wait for the network, this limits their sum."""

from __future__ import annotations

import contextlib
import contextvars
import math
import os
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from service.client.transport.lookup import find_addresses

# Bytes per write, so that a slow reader cannot prolong a single write.
WRITE_BYTES = 65_536
# The shortest timeout: with 0 a socket does not wait at all, and fails with another error than a timeout.
MIN_TIMEOUT_S = 1e-3

_deadline = contextvars.ContextVar("deadline", default=math.inf)


@contextlib.contextmanager
def bounded(seconds: float | None) -> Iterator[None]:
    """Limit all waits of a `BoundedTransport` inside to so many seconds from now; None: no limit."""
    token = _deadline.set(math.inf if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class BoundedTransport(httpx.HTTPTransport):
    """httpx's transport, whose waits all end at the deadline that `bounded` sets.

    A forked process opens its own connections: on its parent's, each could read the other's responses.
    """

    def __init__(self, proxy: httpx.Proxy | None) -> None:
        self._proxy = proxy
        self._prepare()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; see httpx."""
        if self._owner != os.getpid():
            self._prepare()
        return super().handle_request(request)

    def _prepare(self) -> None:
        super().__init__(proxy=self._proxy)
        # httpx has no parameter for the network backend.
        self._pool._network_backend = _Backend(self._pool._network_backend)
        self._owner = os.getpid()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        limit_s = _shorten(timeout, httpcore.ConnectTimeout)
        end = math.inf if limit_s is None else time.monotonic() + limit_s
        *others, last = find_addresses(host, port, limit_s)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError):
                return self._connect(address, port, end, local_address, socket_options)
        return self._connect(last, port, end, local_address, socket_options)

    def _connect(self, address: str, port: int, end: float, *options: Any) -> httpcore.NetworkStream:
        left_s = None if math.isinf(end) else max(MIN_TIMEOUT_S, end - time.monotonic())
        return _Stream(self._inner.connect_tcp(address, port, left_s, *options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _shorten(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_BYTES):
            piece = buffer[start : start + WRITE_BYTES]
            self._inner.write(piece, _shorten(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = _shorten(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _shorten(timeout: float | None, timeout_error: type[httpcore.TimeoutException]) -> float | None:
    left_s = _deadline.get() - time.monotonic()
    if left_s <= 0:
        raise timeout_error("the time for all of it is over")
    if math.isinf(left_s):
        return timeout
    return max(MIN_TIMEOUT_S, left_s if timeout is None else min(left_s, timeout))
