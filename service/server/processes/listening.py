"""Sockets that are bound before there is a server to listen on them."""

from __future__ import annotations

import socket

from service.core.errors import StartupError

MAIN = "CVAE_HOST, CVAE_PORT"
METRICS = "CVAE_HOST, CVAE_METRICS_PORT"
# Connections that may wait to be accepted; the same as uvicorn's default.
BACKLOG = 2048


def bind(host: str, port: int, names: str = MAIN) -> socket.socket:
    """Return a socket that is bound to an address.

    Args:
        host: An address of IPv4 or IPv6.
        port: 0 for any that is free.
        names: The settings that say so, for the error.

    Raises:
        StartupError: It cannot be bound to the address.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _explain(names, host, port, error) from error
    return listener


def listen(listener: socket.socket, names: str = MAIN) -> None:
    """Listen on a socket.

    Raises:
        StartupError: It cannot. uvloop reports no error: two services may have bound one address before one
            listened.
    """
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise _explain(names, host, port, error) from error


def describe(listener: socket.socket) -> str:
    """Return the address of a socket as it stands in a URL."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _explain(names: str, host: str, port: int, error: OSError) -> StartupError:
    return StartupError(f"{names}: cannot listen on {host}, port {port}: {error}")
