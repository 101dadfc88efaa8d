"""The socket that workers listen on."""

from __future__ import annotations

import socket

from service.core.errors import StartupError


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address, for workers to listen on.

    Raises:
        StartupError: It cannot be bound to the address.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartupError(f"CVAE_HOST, CVAE_PORT: cannot listen on {host}, port {port}: {error}") from error
    return listener
