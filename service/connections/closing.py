"""How connections end: what was written arrives, and a client that still listens gets its answer."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import sys
import termios
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# Linux's number for the state of a connection that has been reset (include/net/tcp_states.h).
TCP_CLOSE = 7
# How often to check on a client that has closed its side, in case it has gone altogether.
PROBE_S = 0.02
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Flow(FlowControl):
    """uvicorn's flow control, with a hold: while it is held, nothing is read."""

    held = False

    def hold(self) -> None:
        """Stop reading until `release`, even if `resume_reading` is called."""
        self.held = True
        self.pause_reading()

    def release(self) -> None:
        """Resume reading after `hold`."""
        self.held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless it is held."""
        if not self.held:
            super().resume_reading()


class GentleTransport:
    """The transport that an answer is written to; closing it calls the connection's `end` instead."""

    def __init__(self, transport: asyncio.Transport, end: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.close = end


def without_chunks(cycle: RequestResponseCycle, app: Any) -> Any:
    """Wrap an application for HTTP/1.0, which has no chunks: the connection ends answers of unknown length.

    Args:
        cycle: uvicorn's object for the request; its answer has not begun.
        app: The ASGI application that answers it.
    """

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        endless = False

        async def send_plain(message: Any) -> None:
            nonlocal endless
            if message["type"] == "http.response.start":
                endless = all(name.lower() != b"content-length" for name, _ in message["headers"])
                if endless:  # uvicorn writes no chunks where it expects a length
                    cycle.chunked_encoding, cycle.expected_content_length = False, sys.maxsize
            elif endless and not message.get("more_body", False):
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plain)

    return answer


def count_unread(transport: asyncio.Transport) -> int:
    """Return how many bytes have arrived and are unread; 0 if the system says none."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.fileno() < 0:
        return 0
    (unread,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.FIONREAD, bytes(4)))
    return int(unread)


def count_waiting(listener: socket.socket) -> int:
    """Return how many connections wait for a listening socket to accept them; 0 if the system says none."""
    info = _read_tcp_info(listener)
    # tcpi_unacked: for listening sockets, Linux puts the number there (net/ipv4/tcp.c, tcp_get_info).
    return int(struct.unpack_from("I", info, 24)[0]) if len(info) >= 28 else 0


def is_reset(transport: asyncio.Transport) -> bool:
    """Return whether a client that has closed its side has reset the connection since."""
    connection = transport.get_extra_info("socket")
    info = b"" if connection is None else _read_tcp_info(connection)
    return bool(info) and info[0] == TCP_CLOSE


def _read_tcp_info(connection: socket.socket) -> bytes:
    """Return the beginning of Linux's `tcp_info`; nothing for a socket that is closed or not TCP."""
    if connection.fileno() < 0 or not hasattr(socket, "TCP_INFO"):
        return b""
    # The options of uvloop's own socket objects cannot be read.
    with socket.socket(fileno=os.dup(connection.fileno())) as copy:
        try:
            return copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
        except OSError:
            return b""


def probe(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, *, ask: bool) -> None:
    """Abort a connection once it is known that the client, which has closed its side, has gone for good.

    Only sending something shows it: a client that still reads skips an interim answer (RFC 9110, section
    15.2), and one that does not replies with a reset.

    Args:
        transport: The connection's transport.
        loop: The event loop that it is on.
        ask: Whether an interim answer may be sent: only to HTTP/1.1, and only before the answer begins.
    """
    if transport.is_closing():
        return
    if is_reset(transport):
        transport.abort()
        return
    if ask:
        transport.write(CONTINUE)
    loop.call_later(PROBE_S, lambda: probe(transport, loop, ask=False))
